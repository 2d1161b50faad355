"""Two to four options side by side: the client's questions in rows, the options in columns, no treatment first.

Every option answers the same questions in the same words and order. Cells are plain text; the parts of a listed answer
stand between "; ". What no source says is "not known", never blank and never zero.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from html import escape, unescape

import pandas as pd

from scarlib import phrases
from scarlib.citations import source_list
from scarlib.client import Client
from scarlib.errors import ClientError
from scarlib.evidence import GRAVE_HARMS, SKIN_HARMS, Claim, Estimate, Evidence
from scarlib.menu import clinic_says
from scarlib.phrases import count, honest, money, out_of, spoken, tier_words
from scarlib.screening import FEW, NO_TREATMENT, screen_one, traits_of, what_would_change

MOST = 4
NOT_KNOWN = "not known"
_MOST_SAID = 8  # sentences of a clinic on one treatment
MATTERS = 2.0  # a priority from here on is marked
# The questions, in order, and the priority behind each; "" where none is.
QUESTIONS = {
    "My skin type: dark marks": "skin_safety",
    "What can go wrong? (of 100 people)": "skin_safety",
    "How much better, and how sure?": "improvement",
    "How many got better, as studies counted? (of 100 people)": "improvement",
    "When do I see it?": "",
    "How many visits?": "few_visits",
    "Days off": "downtime",
    "Does it hurt?": "comfort",
    "What does it cost in all?": "cost",
    "How long does it last?": "lasting",
    "What is it like?": "",
    "What do I do afterwards?": "",
    "Does it fit me?": "",
}
CLINIC = "What does this clinic say?"  # asked last, and only with a clinic's menu
_PROSE = frozenset(
    ("My skin type: dark marks", "What is it like?", "Does it fit me?", CLINIC)
)  # all others list their parts
_UNTIMED = ("winter_timing", "antiviral")  # of these no one asks for how long
_NUMBERS = ("onset_weeks", "sessions", "interval_weeks", "downtime_days", "erythema_days", "pain_vas",
            "cost_usd_per_session", "durability_months")  # fmt: skip


def compare(client: Client, treatments: "Sequence[str] | pd.Index[str]", evidence: Evidence) -> pd.DataFrame:
    """Options side by side as plain text: index the client's questions, columns treatment ids, `no_treatment` first.

    `treatments` are one to four ids beside no_treatment, which is added where it is not named.
    Raises ClientError naming every fault of `treatments`: too few or too many, an unknown or a repeated id.
    """
    columns = [NO_TREATMENT, *(treatment for treatment in _checked(treatments, evidence) if treatment != NO_TREATMENT)]
    answers = {treatment: list(_answers(client, treatment, evidence)) for treatment in columns}
    asked = list(QUESTIONS)
    if evidence.tables.menu is not None:
        asked.append(CLINIC)
        for treatment in columns:
            answers[treatment].append(_clinic(treatment, evidence))
    frame = pd.DataFrame(answers, index=pd.Index(asked, name="question"), dtype="str")
    return frame.rename_axis(columns="treatment_id")


def matters(client: Client) -> dict[str, float]:
    """{question: the client's priority behind it, 0 does not matter .. 3 matters most}, 0 where none is behind it."""
    return {question: float(client.priorities.get(name, 0.0)) for question, name in QUESTIONS.items()}


def html(client: Client, frame: pd.DataFrame, evidence: Evidence) -> str:
    """A comparison (as `compare` gives it) as an accessible HTML table, with the sources of each option folded below.

    A row is marked where the client's priority behind it is 2 or more and the options differ. Each cell carries the
    option's name in `data-label`, for a page that stacks the cells on a phone.
    """
    names = {str(treatment): escape(evidence.texts[str(treatment)]["name"], quote=True) for treatment in frame.columns}
    head = "".join(
        f'<th scope="col" role="columnheader" data-id="{escape(treatment, quote=True)}">{name} '
        f"<small>{escape(evidence.texts[treatment]['clinical_name'])}</small></th>"
        for treatment, name in names.items()
    )
    weight = matters(client)
    body = "".join(
        _row(str(question), dict(zip(names.values(), cells, strict=True)), weight.get(str(question), 0.0))
        for question, *cells in frame.itertuples(name=None)
    )
    folded = "".join(
        f"<details><summary>Sources: {name}</summary>"
        f"{source_list(evidence.tables, _sources(client, treatment, evidence)) or '<p>No source.</p>'}</details>"
        for treatment, name in names.items()
    )
    return (
        '<section class="comparison" data-hook="comparison">'
        '<div class="scroll" role="region" aria-label="Options side by side" tabindex="0">'
        '<table class="compare stacks" role="table"><caption>Options side by side, no treatment first. '
        "Each answers the same questions.</caption>"
        '<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Question</th>'
        f'{head}</tr></thead><tbody role="rowgroup">{body}</tbody></table></div>'
        f'<div class="folds">{folded}</div></section>'
    )


def _row(question: str, cells: dict[str, str], priority: float) -> str:
    marked = priority >= MATTERS and len(set(cells.values())) > 1
    word = ' <strong class="matters-word">matters most to you</strong>' if marked else ""
    data = "".join(
        f'<td role="cell" data-label="{name}">{_cell(cell, listed=question not in _PROSE)}</td>'
        for name, cell in cells.items()
    )
    opening = '<tr role="row" class="matters">' if marked else '<tr role="row">'
    return f'{opening}<th scope="row" role="rowheader">{escape(question)}{word}</th>{data}</tr>'


def _cell(text: str, *, listed: bool) -> str:
    parts = text.split("; ") if listed else [text]
    if len(parts) == 1:
        return f"<p>{escape(text)}</p>"
    return f"<ul>{''.join(f'<li>{escape(part)}</li>' for part in parts)}</ul>"


def _checked(treatments: object, evidence: Evidence) -> list[str]:
    allowed = ", ".join(name for name in evidence.tables.treatments.index if name != NO_TREATMENT)
    if isinstance(treatments, str) or not isinstance(treatments, (Sequence, pd.Index)):
        shown = repr(treatments)[:60]
        raise ClientError([f"treatments: {shown} is not a list. Give 1 to {MOST} ids in a list, any of: {allowed}."])
    problems = []
    named = [treatment if isinstance(treatment, str) else repr(treatment) for treatment in treatments]
    once = list(dict.fromkeys(named))
    for treatment in once:
        if treatment not in evidence.texts:
            problems.append(f"treatments: {repr(treatment)[:60]} is not known. Allowed is any of: {allowed}.")
        elif named.count(treatment) > 1:
            problems.append(f"treatments: {treatment!r} stands more than once. Keep one.")
    number = len(once) - (NO_TREATMENT in once)
    if not 1 <= number <= MOST:
        problems.append(
            f"treatments: {number} beside {NO_TREATMENT} cannot be compared. Give 1 to {MOST}, any of: {allowed}."
        )
    if problems:
        raise ClientError(problems)
    return once


def _answers(client: Client, treatment: str, evidence: Evidence) -> Iterator[str]:
    """The cells of one option, in the order of `QUESTIONS`."""
    none = treatment == NO_TREATMENT
    yield _plain(phrases.dark_marks(client, evidence, treatment))
    yield _harms(treatment, evidence)
    yield _better(client, treatment, evidence)
    yield _how_many(client, treatment, evidence)
    yield "nothing to wait for" if none else _told(honest(evidence.number(treatment, "onset_weeks")), count, "weeks")
    yield "none" if none else _visits(treatment, evidence)
    yield "none" if none else _days_off(treatment, evidence)
    yield "none" if none else _pain(treatment, evidence)
    yield "none" if none else _cost(treatment, evidence)
    yield "nothing to last" if none else _told(evidence.number(treatment, "durability_months"), count, "months")
    texts = evidence.texts[treatment]
    yield " ".join(filter(None, (texts["how_it_works"].strip(), texts["visit"].strip()))) or NOT_KNOWN
    yield "none needed" if none else _aftercare(treatment, evidence)
    yield _fit(client, treatment, evidence)


def _plain(safe_html: str) -> str:
    """The words of a phrase that `phrases` gives as HTML: its tags away, its entities back."""
    return unescape(re.sub(r"<[^>]*>", "", safe_html))


def _told(estimate: Estimate, number: Callable[[float], str], unit: str = "") -> str:
    """A figure in words, with a warning where few people stand behind it."""
    words = re.sub(r"(?<![\d.,])1 (day|week|month)s\b", r"1 \1", _plain(spoken(estimate, number, unit)))
    return f"{words}, fewer than {FEW} people" if estimate.known and 0 < estimate.people < FEW else words


def _people(people: int) -> str:
    if not people:
        return "number of people: not known"
    return f"{'only ' if people < FEW else ''}{people:,} {'person' if people == 1 else 'people'}"


def _better(client: Client, treatment: str, evidence: Evidence) -> str:
    return "; ".join(_better_for(scar, client, treatment, evidence) for scar in client.scars)


def _better_for(scar: str, client: Client, treatment: str, evidence: Evidence) -> str:
    """How much one kind of scar improves and how sure that is: each by itself, so that none lifts another."""
    traits = traits_of(client)
    found = evidence.improvement(treatment, scar, traits)
    name = evidence.tables.label("scar_type", scar)
    if not found.known:
        what = "none to count on" if treatment == NO_TREATMENT else NOT_KNOWN
        return f"{name}: {what}, how sure: {NOT_KNOWN}"
    strength = evidence.tables.label("strength", found.strength)
    sources = f"{len(found.sources)} source{'' if len(found.sources) == 1 else 's'}"
    said = f"{name}: {_plain(tier_words(evidence, found))}, how sure: {strength}, {sources}, {_people(found.people)}"
    if found.spread is not None:
        said += ", sources differ"
    level = evidence.fit(treatment, scar, traits).level
    if found.typical >= 0.5 and level in ("avoid", "poor"):  # a gain must not hide what sources say of its use
        said += ", but sources say not to use it there" if level == "avoid" else ", but sources call it of little help"
    return said


def _how_many(client: Client, treatment: str, evidence: Evidence) -> str:
    counted = phrases.better(client, evidence, treatment)
    return "; ".join(f"{measure}: {_plain(words)}" for measure, (words, _) in counted.items()) or NOT_KNOWN


def _visits(treatment: str, evidence: Evidence) -> str:
    said = evidence.setting(treatment)
    where = said.level
    place = evidence.tables.label("setting", where) if where else f"where it is done is {NOT_KNOWN}"
    if "physician" in said.others:
        place += ", in some places only by a doctor"
    visits = evidence.visits(treatment)
    number = "used at home" if where == "home" and not visits.known else _told(visits, count)
    return f"{number}; weeks apart: {_told(evidence.number(treatment, 'interval_weeks'), count)}; {place}"


def _days_off(treatment: str, evidence: Evidence) -> str:
    off, red = (_told(honest(evidence.number(treatment, name)), count) for name in ("downtime_days", "erythema_days"))
    return f"{off}; days that the skin stays red: {red}"


def _pain(treatment: str, evidence: Evidence) -> str:
    label = evidence.tables.label
    found = honest(evidence.number(treatment, "pain_vas"))
    scored = {claim.measure for claim in evidence.about(treatment, "pain_vas") if claim.claim_id in found.claims}
    under = " or ".join(label("anaesthesia_when_scored", measure) for measure in sorted(scored) if measure)
    used = dict.fromkeys(label("anesthesia", claim.level) for claim in evidence.about(treatment, "anesthesia"))
    pain = _told(found, count, "of 10")
    return f"{pain}; scored with: {under or NOT_KNOWN}; numbing used: {' or '.join(used) or NOT_KNOWN}"


def _harms(treatment: str, evidence: Evidence) -> str:
    """Every harm a source names: those with a figure, then those only reported; the grave first in each."""
    found = sorted(
        evidence.harms(treatment).items(),
        key=lambda item: (not item[1].known, item[0] not in GRAVE_HARMS, item[0] not in SKIN_HARMS),
    )
    told = [f"{evidence.tables.label('adverse_event', event)}: {_harm(harm)}" for event, harm in found]
    if treatment == NO_TREATMENT:
        told.insert(0, "No treatment, so no harm from one. What people with scars report")
    return "; ".join(told) or f"how often harms happen is {NOT_KNOWN}"


def _harm(harm: Estimate) -> str:
    if not harm.known:
        return f"how often is {NOT_KNOWN}"
    of = out_of(harm)
    who = f" ({_people(harm.people)})"
    if harm.high == 0:
        return f"0 {of}, none seen{who}"
    share = _plain(spoken(honest(harm), _percent))
    return f"fewer than 1 {of}: {share}{who}" if harm.high < 1 else f"{share} {of}{who}"


def _percent(value: float) -> str:
    """People of 100, a half rounded up; below 1 to one digit and never rounded to 0, which would read as none."""
    if 0 < value < 1:
        return f"{Decimal(f'{value:.1g}'):f}"
    step = Decimal("1") if value >= 10 else Decimal("0.1")
    return f"{Decimal(str(value)).quantize(step, ROUND_HALF_UP)}".removesuffix(".0")


def _cost(treatment: str, evidence: Evidence) -> str:
    unit = evidence.texts[treatment]["price_unit"] or "session"
    price, course = evidence.price(treatment), evidence.course_cost(treatment)
    own = "; the clinic's own price" if price.strength == "clinic" else ""
    return f"{_told(course, money(course))}; one {unit}: {_told(price, money(price))}{own}"


def _aftercare(treatment: str, evidence: Evidence) -> str:
    claims = evidence.about(treatment, "aftercare")
    steps = dict.fromkeys(claim.measure for claim in claims)
    told = []
    for step in steps:
        days = _days([claim for claim in claims if claim.measure == step])
        timed = step not in _UNTIMED or NOT_KNOWN not in days
        told.append(evidence.tables.label("aftercare", step) + (f": {days}" if timed else ""))
    return "; ".join(told) or f"{NOT_KNOWN}, ask the clinic"


def _days(claims: list[Claim]) -> str:
    """How long a step of aftercare lasts, from the shortest to the longest that sources name."""
    ends = [end for claim in claims for end in (claim.low, claim.high) if not math.isnan(end)]
    if not ends:
        allowed = all(claim.level == "allowed" for claim in claims)
        return f"{'from when' if allowed else 'for how long'} is {NOT_KNOWN}"
    low, high = min(ends), max(ends)
    more = " or more" if any(math.isnan(claim.high) and not math.isnan(claim.low) for claim in claims) else ""
    if high == 0:
        return "at once"
    if high < 1:
        return f"{24 * high:.0f} hours{more}"
    words = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return f"{words} {'day' if words == '1' else 'days'}{more}"


def _fit(client: Client, treatment: str, evidence: Evidence) -> str:
    """The verdict, every reason for it but the dark marks (they have their own row), and what would change it."""
    verdict, reasons = screen_one(treatment, client, evidence)
    change = what_would_change(client, treatment, evidence)
    told = [reason.text for reason in reasons if reason.about != "pih"] + ([change.text] if change else [])
    return " ".join([f"{evidence.tables.label('verdict', verdict)}.", *told])


def _clinic(treatment: str, evidence: Evidence) -> str:
    """The clinic's own words, of which it may have very many."""
    said = clinic_says(evidence.tables, treatment)
    more = [f"And {len(said) - _MOST_SAID:,} more offers: ask the clinic."] if len(said) > _MOST_SAID else []
    return " ".join([*said[:_MOST_SAID], *more]) or "nothing: it is on no menu"


def _sources(client: Client, treatment: str, evidence: Evidence) -> set[str]:
    """Everyone whose word stands in an option's column."""
    traits = traits_of(client)
    estimates = [
        *(evidence.improvement(treatment, scar, traits) for scar in client.scars),
        *(response.share for response in evidence.responses(treatment, tuple(client.scars))),
        *(evidence.number(treatment, name) for name in _NUMBERS),
        *evidence.harms(treatment).values(),
        evidence.pih(treatment, client.fitzpatrick),
    ]
    _, reasons = screen_one(treatment, client, evidence)
    cited = str(evidence.texts[treatment]["claims"]).split(";")
    written = evidence.tables.evidence["source_id"].reindex(cited).dropna()
    return {
        *(source for estimate in estimates for source in estimate.sources),
        *(source for reason in reasons for source in reason.source_ids),
        *(claim.source_id for claim in evidence.about(treatment, "aftercare", "anesthesia")),
        *evidence.setting(treatment).sources,
        *(str(source) for source in written),
    }
