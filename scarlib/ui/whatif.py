"""Why, why not, what if, as HTML: pure functions of a person's answers."""

import math
from collections.abc import Iterator
from html import escape

from scarlib.client import PRIORITIES, Client
from scarlib.evidence import Evidence
from scarlib.ranking import beside, health_doubt, recommend
from scarlib.screening import listed, screen, screen_one
from scarlib.tables import SKIN_TYPES
from scarlib.ui.cards import badge
from scarlib.whatif import Move, moved, moves, skin_rules_out, stability, ways_in

_NAMED = 3  # names in a list before the rest is counted
_FIRST = ' class="first"'


def strip(client: Client, evidence: Evidence) -> str:
    """What one step of one limit or priority would change: what changes the first place leads, what changes nothing is
    summed up. A skin type that is not known comes before all else."""
    found = moves(client, evidence)
    options = recommend(client, evidence)
    top = tuple(str(treatment) for treatment in options.index[options["rank"].notna()][:3])
    skin = [move for move in found if move.field == "fitzpatrick"]
    priorities = [move for move in found if move.field in PRIORITIES]
    limits = [move for move in found if move not in skin and move not in priorities]
    tried, changing = len(limits) + len(priorities), sum(move.first_changed for move in [*limits, *priorities])
    puts = "puts" if changing < 2 else "put"
    return (
        '<div class="what-if" data-hook="what-if"><p>Each line changes one of your answers by one step, or drops a '
        "limit. Your scars and your health stay as they are.</p>"
        f"<p>{changing or 'None'} of {tried} such changes {puts} another option first.</p>"
        f"{_skin(client, skin, evidence)}<h3>Your limits</h3>{_limits(client, limits, top, evidence)}"
        f"<h3>What matters to you</h3>{_priorities(client, priorities, top, evidence)}</div>"
    )


def stable(client: Client, evidence: Evidence) -> str:
    """How sure the first place is: one sentence, and the same as a table with bars."""
    frame = stability(client, evidence)
    names = {str(treatment): _name(str(treatment), evidence) for treatment in frame.index}
    firsts = {str(treatment): float(share) for treatment, share in frame["first"].items()}
    leader, *others = firsts
    if not others:
        return f'<p class="empty">Only “{names[leader]}” is left, so there is nothing to compare.</p>'
    next_ = max(others, key=firsts.__getitem__)
    second = f"; {names[next_]} in {_of_100(firsts[next_])}" if firsts[next_] >= 0.5 else ""
    said = f"{names[leader]} is first in {_of_100(firsts[leader])} of 100 plausible readings{second}."
    if firsts[leader] < 50:
        said += " In more than half of them another option is first, so look at more than one."
    order = sorted(firsts, key=lambda treatment: -firsts[treatment])
    shown = [treatment for treatment in order if firsts[treatment] >= 0.5]
    lines = "".join(
        f'<tr data-id="{escape(treatment, quote=True)}"><th scope="row">{names[treatment]}</th>'
        f'<td class="number">{_of_100(firsts[treatment])}</td><td aria-hidden="true">'
        f'<span class="points" style="width:{firsts[treatment]:.1f}%"></span></td></tr>'
        for treatment in shown
    )
    left = len(order) - len(shown)
    rest = f"<p>{_counted(left, 'more option')} {_is(left)} first in fewer than 1 of 100.</p>" if left else ""
    screened = screen(client, evidence)
    doubted = any(health_doubt(screened[treatment][1]) for treatment in firsts)
    health = " What your health calls into question never comes before what it does not." if doubted else ""
    if beside(client, evidence) & firsts.keys():
        health += " Of what it treats alike, what helps more than half of your problem comes before what does not."
    return (
        f'<div class="stable" data-hook="stability"><p>{said}</p>'
        '<table class="score stability"><caption>How often each option is first</caption><thead><tr>'
        '<th scope="col">Option</th><th scope="col">First, of 100 readings</th><td></td></tr></thead>'
        f'<tbody>{lines}</tbody></table>{rest}<p class="key">A reading takes each figure from within its range, and '
        f"moves each of your priorities by up to half a step.{health}</p></div>"
    )


def ways_in_table(client: Client, evidence: Evidence) -> str:
    """What is out, nearest to fitting first: why, and the smallest change that would let it in."""
    frame = ways_in(client, evidence)
    if frame.empty:
        return "<p class='empty'>Nothing is ruled out by what you said.</p>"
    near = int(frame["change"].notna().sum())
    lines = "".join(
        f'<tr data-id="{escape(treatment, quote=True)}"><th scope="row">{escape(name)}</th>'
        f"<td>{badge(evidence, verdict)}</td><td>{escape(reason)}</td><td>{escape(words)}</td></tr>"
        for treatment, name, verdict, reason, words, _ in frame.itertuples(name=None)
    )
    return (
        f'<div class="ways-in" data-hook="ways-in"><p>{_counted(len(frame), "option")} {_is(len(frame))} ruled out. '
        f"{near or 'None'} of them would come in with a change of your limits, or with time.</p>"
        '<div class="scroll" role="region" aria-label="What would let each option in" tabindex="0">'
        '<table class="ways-in"><caption>What is ruled out, nearest to fitting first</caption><thead><tr>'
        '<th scope="col">Option</th><th scope="col">Fit</th><th scope="col">Why</th>'
        f'<th scope="col">What would let it in</th></tr></thead><tbody>{lines}</tbody></table></div></div>'
    )


def _limits(client: Client, found: list[Move], top: tuple[str, ...], evidence: Evidence) -> str:
    told: list[Move] = []
    for move in found:
        # No limit at all is told only where it does more than the next step.
        if move.moved and not any(other.field == move.field and _same(other, move) for other in told):
            told.append(move)
    still = sum(not move.moved for move in found)
    if not told:
        return "<p>Changing one limit by a step brings nothing in and rules nothing out.</p>"
    rest = f"<p>{_counted(still, 'other step')} would bring nothing in and rule nothing out.</p>" if still else ""
    return _list(client, told, top, evidence) + rest


def _same(one: Move, other: Move) -> bool:
    return (one.came_in, one.went_out) == (other.came_in, other.went_out)


def _priorities(client: Client, found: list[Move], top: tuple[str, ...], evidence: Evidence) -> str:
    first = [move for move in found if move.first_changed]
    near = [move for move in found if not move.first_changed and set(move.top3) != set(top)]
    still = len(found) - len(first) - len(near)
    lead = (
        _list(client, first, top, evidence)
        if first
        else "<p>Changing one priority by a step does not change which option is first.</p>"
    )
    folded = (
        f"<details><summary>{_counted(len(near), 'step')} that would change the second or third place</summary>"
        f"{_list(client, near, top, evidence)}</details>"
        if near
        else ""
    )
    if still and not first and not near:
        return f"{lead}<p>The first three places go to the same options, too.</p>"
    rest = f"<p>{_counted(still, 'other step')} would leave the same options in the first three places.</p>"
    return lead + folded + (rest if still else "")


def _skin(client: Client, found: list[Move], evidence: Evidence) -> str:
    """Whether a skin type that is not known is worth finding out, and what it may rule out."""
    if not found:
        return ""
    types: dict[str, list[int]] = {}
    for skin, treatments in skin_rules_out(client, evidence).items():
        for treatment in treatments:
            types.setdefault(treatment, []).append(skin)
    named: dict[tuple[int, ...], list[str]] = {}
    for treatment, skins in types.items():
        named.setdefault(tuple(skins), []).append(_name(treatment, evidence))
    items = "".join(
        f"<li>Type{'s' if len(skins) > 1 else ''} {listed([SKIN_TYPES[skin - 1] for skin in skins])}: "
        f"sources say not to use {listed(names)}.</li>"
        for skins, names in sorted(named.items(), key=lambda item: (-len(item[0]), item[0]))
    )
    ruled = f"<p>In darker skin some options are ruled out:</p><ul>{items}</ul>" if items else ""
    if items or any(move.moved for move in found):
        lead = "You do not know your skin type, and the result depends on it. Find it out before you choose."
        first = " Which option is first depends on it, too." if any(move.first_changed for move in found) else ""
    else:
        lead = "You do not know your skin type. It would not change which options are in the first three places."
        first = " The risk of dark marks (PIH) still depends on it."
    return f"<h3>Your skin type</h3><p>{lead}{first}</p>{ruled}"


def _list(client: Client, found: list[Move], top: tuple[str, ...], evidence: Evidence) -> str:
    """Moves as a list: what changes the first place leads, then what brings something in."""
    order = sorted(found, key=lambda move: (not move.first_changed, not move.came_in))
    items = "".join(
        f"<li{_FIRST if move.first_changed else ''}><b>{escape(move.words)}</b>: "
        f"{'; '.join(_effects(client, move, top, evidence))}.</li>"
        for move in order
    )
    return f'<ul class="moves">{items}</ul>'


def _effects(client: Client, move: Move, top: tuple[str, ...], evidence: Evidence) -> Iterator[str]:
    """What a move does, in words; what comes in or comes first says where it needs care."""
    then = moved(client, move.field, move.value)

    def doubt(treatment: str) -> int:
        return health_doubt(screen_one(treatment, then, evidence)[1])

    def careful(treatment: str) -> str:
        verdict, _ = screen_one(treatment, then, evidence)
        return _name(treatment, evidence) + (" (with care)" if verdict == "caution" else "")

    if move.first_changed:
        yield f"{careful(move.first)} would be first instead of {_name(top[0], evidence)}"
    came_in = [careful(treatment) for treatment in move.came_in if treatment != move.first or not move.first_changed]
    if came_in:
        yield f"{_few(came_in)} would come in"
    # Without this, a looser limit that puts what was first further down would look like a fault.
    aside = beside(client, evidence)
    better = min(move.came_in, key=lambda treatment: (doubt(treatment), treatment in aside), default=top[0])
    if move.first_changed and top[0] not in move.went_out:
        if doubt(top[0]) > doubt(better):
            yield f"your health calls {_name(top[0], evidence)} into question more than {_name(better, evidence)}"
        elif doubt(top[0]) == doubt(better) and top[0] in aside and better not in aside:
            yield f"{_name(better, evidence)} helps more of your problem than {_name(top[0], evidence)}"
    if move.went_out:
        yield f"{_few([_name(treatment, evidence) for treatment in move.went_out])} would go out"
    if not (move.first_changed or move.came_in or move.went_out):
        joined = [careful(treatment) for treatment in move.top3 if treatment not in top]
        left = [_name(treatment, evidence) for treatment in top if treatment not in move.top3]
        yield f"{listed(joined)} would join the first three instead of {listed(left)}"


def _few(names: list[str]) -> str:
    """The first names of a list, and how many more there are."""
    if len(names) <= _NAMED + 1:
        return listed(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"


def _name(treatment: str, evidence: Evidence) -> str:
    return escape(evidence.texts[treatment]["name"])


def _of_100(share: float) -> str:
    """A share of 100 that is never rounded to all or to none."""
    if 99.5 <= share < 100:
        return "more than 99"
    return "fewer than 1" if 0 < share < 0.5 else f"{math.floor(share + 0.5)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
