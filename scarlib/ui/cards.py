"""Options as HTML: pure functions of the result, one look for what fits and what is ruled out."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import Any

import pandas as pd

from scarlib.citations import source_list
from scarlib.client import Client
from scarlib.evidence import GRAVE_HARMS, SKIN_HARMS, Claim, Estimate, Evidence
from scarlib.icons import icon_array
from scarlib.menu import clinic_says, offered
from scarlib.phrases import DISCLAIMER as DISCLAIMER
from scarlib.phrases import NOT_KNOWN, better, count, dark_marks, effect, few, out_of, range_bar, rows, spoken
from scarlib.ranking import CRITERIA, beside
from scarlib.screening import (
    DARKER,
    FEW,
    KEEP_TAKING,
    NO_TREATMENT,
    RANKED,
    Change,
    Reason,
    health_doubt,
    listed,
    traits_of,
    what_would_change,
)

# A sign beside the word, so that a verdict is never told by colour alone.
SIGNS = {
    "suitable": "✓",
    "caution": "!",
    "defer": "◷",
    "not_indicated": "–",
    "outside_limits": "↗",
    "avoid": "✕",
}
_OUT = {
    "avoid": "not to be used on you",
    "not_indicated": "not for your scars",
    "defer": "not now",
    "outside_limits": "beyond your limits",
}
FULL_CARDS = 5
TOP = 3
_FIRM = (
    "<p class='key'>“In the top three in 90 of 100 readings” says how firm a place in this list is, not how likely "
    "it is to help you.</p>"
)
MOST_SAID = 8  # sentences of a clinic on one treatment
Row = Mapping[str, Any]  # one row of the options


def records(options: pd.DataFrame) -> dict[str, Row]:
    """{treatment_id: its row}, in order: plain mappings are read many times faster than rows of a frame."""
    names = list(options.columns)
    rows = zip(*(options[name].tolist() for name in names), strict=True)
    return {
        str(treatment): dict(zip(names, row, strict=True)) for treatment, row in zip(options.index, rows, strict=True)
    }


def summary(options: pd.DataFrame, example: bool = False, left_over: Sequence[str] = (), *, health: bool = True) -> str:
    """The one sentence that counts what fits, and whether the answers are an `example`, hold scars that are
    `left_over` from it, or hold nothing of a person's health (`health` is False)."""
    treated = options.drop(index=NO_TREATMENT)
    counts = treated["verdict"].value_counts()
    fits, care = int(counts.get("suitable", 0)), int(counts.get("caution", 0))
    out = len(treated) - fits - care
    counted = f"{fits} of {len(treated)} treatments fit, {care} with care, {out} ruled out."
    kinds = [f"{n} {words}" for code, words in _OUT.items() if (n := int(counts.get(code, 0)))]
    none = "No treatment is always an option."
    apart = (
        f'<p class="out-why">Ruled out: {", ".join(kinds)}. {none}</p>' if kinds else f'<p class="out-why">{none}</p>'
    )
    start = (
        "<p>An example to start with: wide, sloped dents, nothing else known, your health not asked yet. "
        "Change it to yours.</p>"
        if example
        else "<p>No health problem is named. Tick what is true for you: it can change what fits.</p>"
        if not health
        else ""
    )
    if left_over and not example:
        start = f"<p>Still from the example: {listed([*left_over])}. If you have none, say so.</p>{start}"
    return f'<p class="summary" data-hook="summary">{counted}</p>{apart}{start}'


def problems(said: Sequence[str], unanswered: Sequence[str] = ()) -> str:
    """What is wrong with the answers, and which of them do not count yet."""
    told = [
        *said,
        *(f"You said yes to “{asked}” Tick which of these is true: it does not count yet." for asked in unanswered),
    ]
    return "".join(f'<p class="problem" role="alert">{escape(text)}</p>' for text in told)


def fitting(client: Client, options: pd.DataFrame, evidence: Evidence, families: list[str]) -> str:
    """What may be ranked, best first: the first as full cards, the rest shorter; or the nearest where nothing fits."""
    ranked = options[options["verdict"].isin(RANKED)]
    shown = ranked[ranked["family"].isin([*families, "no_treatment"])] if families else ranked
    entries = list(records(shown).items())
    cards = [card(client, treatment, row, evidence, among=len(ranked)) for treatment, row in entries[:FULL_CARDS]]
    lines = [line(client, treatment, row, evidence) for treatment, row in entries[FULL_CARDS:]]
    others = [treatment for treatment in shown.index if treatment != NO_TREATMENT]
    if len(ranked) <= 1:
        cards.insert(0, _nearest(client, options, evidence))
    elif not others:
        cards.insert(0, "<p class='empty'>None of this kind fits. Choose “All kinds” to see the others.</p>")
    key = (
        "<p class='key'>In each bar, further right is better for you. The dot is the usual figure, "
        "the line runs from low to high.</p>"
    )
    firm = _FIRM if len(ranked) > TOP else ""
    more = f'<h3>Then come</h3><div class="lines">{"".join(lines)}</div>' if lines else ""
    return f'{key}<div class="cards">{"".join(cards)}</div>{firm}{more}'


def line(client: Client, treatment: str, row: Row, evidence: Evidence) -> str:
    """A ranked option in short, for the places after the full cards."""
    marks = dark_marks(client, evidence, treatment)
    figures = "".join(
        f"<div><dt>{escape(item.name)}</dt><dd>{item.words}</dd></div>" for item in rows(client, evidence, treatment)
    )
    facts = f"<dl>{figures}</dl>"
    told = f"{care(client, treatment, row, evidence)}{grave(evidence, treatment)}"
    body = f"<p>{marks}</p>{told}{facts}" if client.fitzpatrick in DARKER else f"{told}{facts}<p>{marks}</p>"
    return (
        f'<article class="line-card {row["verdict"]}" data-hook="option" data-id="{escape(treatment)}">'
        f'<header><span class="rank">{row["rank"]}</span><h4>{escape(row["name"])}</h4>'
        f"{signs(evidence, treatment, row['verdict'])}</header>{body}{clinic(evidence, treatment)}</article>"
    )


def card(client: Client, treatment: str, row: Row, evidence: Evidence, *, among: int, pictures: bool = False) -> str:
    """One ranked option in full, `among` so many that are ranked; `pictures` as in `details`."""
    texts = evidence.texts[treatment]
    marks = marked(client, evidence, treatment)
    warned = f"{care(client, treatment, row, evidence)}{grave(evidence, treatment)}"
    why = f'{warned}<p class="why">{escape(_why(client, evidence, treatment))}</p>'
    first, second = (marks, why) if client.fitzpatrick in DARKER else (why, marks)
    ranges = "".join(
        f"<div><dt>{escape(item.name)}</dt><dd>{range_bar(item)}<span>{item.words}</span></dd></div>"
        for item in rows(client, evidence, treatment)
    )
    return (
        f'<article class="card {row["verdict"]}" data-hook="option" data-id="{escape(treatment)}">'
        f'<header><span class="rank">{row["rank"]}</span><h3>{escape(texts["name"])} '
        f"<small>{escape(texts['clinical_name'])}</small></h3>{signs(evidence, treatment, row['verdict'])}</header>"
        f"{first}{second}<dl class='ranges'>{ranges}</dl>"
        f"{_evidence_line(client, row, evidence, treatment, among)}"
        f"{clinic(evidence, treatment)}"
        f"{details(client, treatment, row, evidence, pictures=pictures)}</article>"
    )


def marked(client: Client, evidence: Evidence, treatment: str) -> str:
    """The risk of dark marks as words, number and picture."""
    picture = "" if treatment == NO_TREATMENT else icon_array(evidence.pih(treatment, client.fitzpatrick))
    return f'<div class="marks">{picture}<p>{dark_marks(client, evidence, treatment)}</p></div>'


def details(client: Client, treatment: str, row: Row, evidence: Evidence, *, pictures: bool = False) -> str:
    """The folded part: harms first, then (with `pictures`) how many got better, each of a hundred dots; the visit,
    aftercare, reasons, the score, sources."""
    texts = evidence.texts[treatment]
    reasons = "".join(
        f'<li class="{reason.level}">{escape(reason.text)}</li>' for reason in row["reasons"] if reason.about != "pih"
    )
    parts = [
        ("What can go wrong", f"<p>{escape(texts['watch_for'])}</p>{harms(evidence, treatment, pictures)}"),
        (
            "What it is like",
            f"<p>{escape(texts['how_it_works'])}</p><p>{escape(texts['good_at'])}</p><p>{escape(texts['visit'])}</p>",
        ),
        ("Aftercare", aftercare(evidence, treatment)),
        ("Why it is rated so", f'<ul class="reasons">{reasons}</ul>'),
    ]
    if pictures:
        parts.insert(1, ("How many got better", _better(client, evidence, treatment)))
    if pd.notna(row["score"]):
        parts.append(("How the score is made", score_table(evidence, row)))
    used = [*(source for reason in row["reasons"] for source in reason.source_ids)]
    used += [source for item in rows(client, evidence, treatment) for source in item.estimate.sources]
    used += [source for each in evidence.responses(treatment, tuple(client.scars)) for source in each.share.sources]
    parts.append(("Sources", disagreements(client, evidence, treatment) + source_list(evidence.tables, used)))
    folded = "".join(f"<details><summary>{title}</summary><div>{body}</div></details>" for title, body in parts)
    return f'<div class="folds">{folded}</div>'


def clinic(evidence: Evidence, treatment: str) -> str:
    """What the clinic's own menu says of a treatment, marked as its own; empty text without a menu."""
    said = clinic_says(evidence.tables, treatment)
    if not said:
        return ""
    more = [f"And {len(said) - MOST_SAID:,} more offers: ask the clinic."] if len(said) > MOST_SAID else []
    items = "".join(f"<li>{escape(words)}</li>" for words in [*said[:MOST_SAID], *more])
    return f'<ul class="clinic" aria-label="What this clinic says">{items}</ul>'


def signs(evidence: Evidence, treatment: str, verdict: str) -> str:
    """The verdict, and beside it whether the clinic's menu says that it is not offered."""
    absent = offered(evidence.tables, treatment) is False
    return badge(evidence, verdict) + ('<span class="badge absent">Not offered here</span>' if absent else "")


@lru_cache(maxsize=64)
def badge(evidence: Evidence, verdict: str) -> str:
    """The verdict as sign and word."""
    word, help_ = evidence.tables.vocabulary.loc[("verdict", verdict), ["label", "help"]]
    sign = f'<span aria-hidden="true">{SIGNS[verdict]}</span>'
    return f'<span class="badge {verdict}" title="{escape(str(help_), quote=True)}">{sign} {escape(str(word))}</span>'


def ruled_out(client: Client, options: pd.DataFrame, evidence: Evidence, families: list[str]) -> str:
    """What is ruled out, nearest to fitting first, with why and what would change it."""
    out = options[~options["verdict"].isin(RANKED)]
    if families:
        out = out[out["family"].isin(families)]
    if out.empty:
        return "<p class='empty'>Nothing is ruled out by what you said.</p>"
    entries = "".join(_ruled_out(client, treatment, row, evidence) for treatment, row in records(out).items())
    return f'<div class="ruled-out-list">{entries}</div>'


def _deciding(row: Row) -> list[Reason]:
    """Why something is ruled out; a limit or a wait must not hide what else calls for care."""
    said = [reason for reason in row["reasons"] if reason.level == row["verdict"]]
    if row["verdict"] in ("outside_limits", "defer"):
        said += [reason for reason in row["reasons"] if reason.level == "caution" or reason.about == "pih"]
    return said


def against(row: Row) -> str:
    """Why something is ruled out, as paragraphs."""
    return "".join(f"<p>{escape(reason.text)}</p>" for reason in _deciding(row))


def _ruled_out(client: Client, treatment: str, row: Row, evidence: Evidence) -> str:
    deciding = _deciding(row)
    change = what_would_change(client, treatment, evidence)
    sources = source_list(evidence.tables, (source for reason in deciding for source in reason.source_ids))
    folded = f"<details><summary>Sources</summary>{sources}</details>" if sources else ""
    return (
        f'<article class="out {row["verdict"]}" data-hook="ruled-out" data-id="{escape(treatment)}">'
        f"<header><h3>{escape(row['name'])}</h3>{signs(evidence, treatment, row['verdict'])}</header>"
        f"{against(row)}{_change(change)}{folded}</article>"
    )


def _change(change: Change | None) -> str:
    return f'<p class="change">{escape(change.text)}</p>' if change else ""


def _nearest(client: Client, options: pd.DataFrame, evidence: Evidence) -> str:
    """Said in place of cards where nothing but no treatment fits: what comes nearest, and what would let it in."""
    out = options[~options["verdict"].isin(RANKED)]
    suits = out[[any(r.about.startswith("scar:") and r.level == "suitable" for r in rs) for rs in out["reasons"]]]
    within_reach = suits[suits["verdict"].isin(["outside_limits", "defer"])]
    nearest = (within_reach if len(within_reach) else suits).head(3)
    if nearest.empty:
        return (
            '<div class="empty"><p>None of the treatments we know of fits what you said. '
            "Ask a skin doctor what else there is.</p></div>"
        )
    lead = (
        "Nothing fits all of what you said, apart from no treatment. These come nearest:"
        if len(within_reach)
        else "Nothing may be used with what you said. For scars like yours these are used when nothing speaks against:"
    )
    items = []
    for treatment, row in records(nearest).items():
        change = what_would_change(client, treatment, evidence)
        worst = next(reason for reason in row["reasons"] if reason.level == row["verdict"])
        kept = KEEP_TAKING if KEEP_TAKING in worst.text else ""
        said = escape(f"{change.text} {kept}" if change else worst.text)
        items.append(f"<li><strong>{escape(row['name'])}</strong>: {said}</li>")
    return f'<div class="empty"><p>{lead}</p><ul>{"".join(items)}</ul></div>'


def care(client: Client, treatment: str, row: Row, evidence: Evidence) -> str:
    """All that calls for care, every limit that may be broken at worst, and what most of the problem is where it is not
    helped; empty text where there is nothing."""
    said = [
        reason.text
        for reason in row["reasons"]
        if reason.level == "caution" or (reason.level == "suitable" and reason.about.startswith("limit:"))
    ]
    said += filter(None, [_beside_the_point(client, treatment, evidence)])
    items = "".join(f"<li>{escape(text)}</li>" for text in said)
    return f'<ul class="care">{items}</ul>' if said else ""


def _beside_the_point(client: Client, treatment: str, evidence: Evidence) -> str:
    """What half of the problem or more is, where a treatment is not known to help that; else empty text."""
    if treatment not in beside(client, evidence):
        return ""
    traits = traits_of(client)
    said: dict[str, list[str]] = {}
    for scar in client.scars:
        level = evidence.fit(treatment, scar, traits).level
        if level in _NO_HELP:
            said.setdefault(_NO_HELP[level], []).append(evidence.tables.label("scar_type", scar))
    helps = " and ".join(f"{words} {listed(scars)}" for words, scars in said.items())
    return f"For half of your problem or more, {helps}."


_NO_HELP = {"": "it is not known to help", "poor": "it does little for", "avoid": "it is not to be used on"}


def _why(client: Client, evidence: Evidence, treatment: str) -> str:
    """What a treatment does for each kind of scar."""
    if treatment == NO_TREATMENT:
        return "Doing nothing is always an option."
    traits = traits_of(client)
    said: dict[str, list[str]] = {}
    for scar in client.scars:
        level = evidence.fit(treatment, scar, traits).level
        said.setdefault(_FIT_WORDS.get(level, _FIT_WORDS[""]), []).append(evidence.tables.label("scar_type", scar))
    helps = "; ".join(f"{words} {listed(scars)}" for words, scars in said.items())
    return f"{helps[0].upper()}{helps[1:]}."


_FIT_WORDS = {
    "good": "good for",
    "partial": "of some help for",
    "poor": "little help for",
    "": "not known for",
}


def _evidence_line(client: Client, row: Row, evidence: Evidence, treatment: str, among: int) -> str:
    found = effect(client, evidence, treatment)
    # Where no more than three are left, to be one of them says nothing.
    top = "" if among <= TOP else f"In the top three in {row['top3']:.0f} of 100 readings of the evidence."
    if row["verdict"] == "caution" and health_doubt(row["reasons"]):
        top += " Your health raises a question here: it stands after treatments without one, even if it scores higher."
    if _beside_the_point(client, treatment, evidence):
        top += " Of options that your health treats alike, it stands after those that help more of your problem."
    score = f"Score {row['score']:.0f} <small>({row['score_low']:.0f} to {row['score_high']:.0f} of 100)</small>."
    if treatment == NO_TREATMENT:
        return f'<p class="strength">{score} {top}</p>'
    number = len(found.sources)
    said = f"{number} source" if number == 1 else f"{number} sources"
    strength = escape(evidence.tables.label("strength", found.strength))
    return f'<p class="strength">Evidence of effect: <b>{strength}</b>, {said}.{few(found)} {score} {top}</p>'


@lru_cache(maxsize=256)
def harms(evidence: Evidence, treatment: str, pictures: bool = False) -> str:
    """Every harm that a source names, the lasting and serious ones first, in people of 100 or as reported."""
    found = evidence.harms(treatment)
    if treatment == NO_TREATMENT:
        lead = "What people with scars report:"
    elif not found:
        return f"<p>How often harms happen: {NOT_KNOWN}.</p>"
    else:
        lead = "What sources report, lasting or serious things first. Each figure has its own group of people."
    order = sorted(
        found.items(), key=lambda item: (item[0] not in GRAVE_HARMS, item[0] not in SKIN_HARMS, not item[1].known)
    )
    items = "".join(
        f"<li><span>{escape(evidence.tables.label('adverse_event', event))}</span> <span>{_harm(harm)}"
        f"{_of_whom(evidence, treatment, event, harm)}{icon_array(harm) if pictures else ''}</span></li>"
        for event, harm in order
    )
    return f'<p>{lead}</p><ul class="harms">{items}</ul>'


def _better(client: Client, evidence: Evidence, treatment: str) -> str:
    """How many got better in studies, by each measure that one of them used."""
    items = "".join(
        f"<li><span>{escape(measure)}</span> <span>{words}{icon_array(share)}</span></li>"
        for measure, (words, share) in better(client, evidence, treatment).items()
    )
    if not items:
        return f"<p>How many get better: {NOT_KNOWN}. No study that we read counted them.</p>"
    return (
        "<p>What studies counted. Each one draws its own line, and most had no group without the treatment beside it: "
        f'how many would have got better without it is not known.</p><ul class="better">{items}</ul>'
    )


@lru_cache(maxsize=256)
def grave(evidence: Evidence, treatment: str) -> str:
    """The grave harms that sources have seen, for the face of a card: before what it can do, never folded away."""
    seen = [
        escape(evidence.tables.label("adverse_event", event)) + (f", {_harm(harm)}" if harm.known else "")
        for event, harm in evidence.harms(treatment).items()
        if event in GRAVE_HARMS and harm.high != 0
    ]
    if treatment == NO_TREATMENT or not seen:
        return ""
    return f'<p class="grave"><b>Grave harm that sources report:</b> {"; ".join(seen)}.</p>'


def _of_whom(evidence: Evidence, treatment: str, event: str, harm: Estimate) -> str:
    """What the rows behind a grave harm say of it: of whom it tells, and how sure that is."""
    if event not in GRAVE_HARMS or harm.high == 0:
        return ""
    rows = (claim for claim in evidence.about(treatment, "adverse_event") if claim.claim_id in harm.claims)
    notes = "; ".join(dict.fromkeys(claim.note for claim in rows if claim.note))
    return f"<br><small>{escape(notes)}.</small>" if notes else ""


def _harm(harm: Estimate) -> str:
    if not harm.known:
        return 'reported, how often is <span class="unknown">not known</span>'
    people = f" <small>({harm.people:,} people)</small>" if harm.people else ""
    low = ", <small>fewer than 30 people</small>" if 0 < harm.people < FEW else ""
    if harm.high == 0:
        return f"0 {out_of(harm)}, none seen{people}{low}"
    if harm.high < 1:
        return f"fewer than 1 {out_of(harm)} <small>({harm.high:.2g})</small>{low}"
    return f"{spoken(harm, count)} {out_of(harm)}{low}"


@lru_cache(maxsize=256)
def aftercare(evidence: Evidence, treatment: str) -> str:
    """What sources advise afterwards, with days where they name them."""
    claims = evidence.about(treatment, "aftercare")
    if treatment == NO_TREATMENT:
        return "<p>None needed.</p>"
    if not claims:
        return f"<p>What to do afterwards: {NOT_KNOWN}. Ask the clinic.</p>"
    told = dict.fromkeys(claim.measure for claim in claims)
    items = []
    for measure in told:
        days = [claim for claim in claims if claim.measure == measure]
        label = escape(evidence.tables.label("aftercare", measure))
        items.append(f"<li>{label[0].upper()}{label[1:]}{_days(days)}</li>")
    return f'<ul class="aftercare">{"".join(items)}</ul>'


def _days(claims: list[Claim]) -> str:
    ends = [end for claim in claims for end in (claim.low, claim.high) if end == end]
    if not ends:
        return ""
    low, high = min(ends), max(ends)
    if high == 0:
        return ": at once"
    if high < 1:
        return f": at least {24 * high:.0f} hours"
    if low == high:
        unit = "day" if low == 1 else "days"
        return f": {'at least ' if any(c.high != c.high for c in claims) else ''}{low:g} {unit}"
    return f": {low:g} to {high:g} days"


def score_table(evidence: Evidence, row: Row) -> str:
    """What each criterion adds to the score; the parts add up to it."""
    words = evidence.tables.words("priority")
    points = _whole({name: float(row[f"points_{name}"]) for name in CRITERIA}, round(row["score"]))
    lines = "".join(
        f"<tr><th scope='row'>{escape(words[name])}</th><td>{points[name]}</td>"
        f"<td aria-hidden='true'><span class='points' style='width:{2 * points[name]}px'></span></td></tr>"
        for name in sorted(CRITERIA, key=lambda name: -row[f"points_{name}"])
    )
    return (
        "<table class='score'><thead><tr><th scope='col'>What counts</th><th scope='col'>Points</th>"
        f"<td></td></tr></thead><tbody>{lines}<tr class='total'><th scope='row'>Score</th>"
        f"<td>{row['score']:.0f}</td><td></td></tr></tbody></table>"
        "<p>What matters to you gives the weights. What is not known counts over its whole range; for effect and harm "
        "it counts as near the worst.</p>"
    )


def _whole(points: Mapping[str, float], score: int) -> dict[str, int]:
    """Points as whole numbers that add up to the score: what lacks least to its next number is rounded up."""
    down = {name: math.floor(value) for name, value in points.items()}
    short = score - sum(down.values())
    up = sorted(points, key=lambda name: down[name] - points[name])[:short]
    return {name: value + (name in up) for name, value in down.items()}


def disagreements(client: Client, evidence: Evidence, treatment: str) -> str:
    """Where the sources behind the figures differ, said plainly; empty text where they do not."""
    items = []
    for item in rows(client, evidence, treatment):
        if item.estimate.spread is not None:
            low, high = item.estimate.spread
            items.append(f"<li>{escape(item.name)}: what is usual runs from {low:g} to {high:g}, by source.</li>")
    for reason_id in ("scar_fit", "skin_fit"):
        levels = {claim.level for claim in evidence.about(treatment, reason_id)}
        if {"good", "poor"} <= levels or {"good", "avoid"} <= levels or {"good", "caution"} <= levels:
            what = "for which scars it helps" if reason_id == "scar_fit" else "for which skin it is suitable"
            items.append(f"<li>They do not all agree {what}.</li>")
    return f'<p>Where sources differ:</p><ul class="differ">{"".join(items)}</ul>' if items else ""
