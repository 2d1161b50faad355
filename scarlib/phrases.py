"""Estimates in plain words and as ranges on shared scales: one look for cards, table and questions."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial
from html import escape

from scarlib.client import Client
from scarlib.evidence import Estimate, Evidence, Response
from scarlib.ranking import SCALES
from scarlib.screening import FEW, HELPS, NO_TREATMENT, dollars, traits_of

NOT_KNOWN = '<span class="unknown">not known</span>'
EVIDENCE_READ = "November 2026"
REVIEW_BY = date(2027, 11, 30)  # a year after the evidence was read
DISCLAIMER = (
    "This page supports a talk with a qualified professional. It does not diagnose and does not replace that talk."
)
FUNDING = (
    "The software is free and nobody paid for it. The clinic that shows it to you may sell some of the treatments."
)
_TIERS = 3
_ANY_EFFECT = Estimate(0, 0, _TIERS)


@dataclass(frozen=True)
class Row:
    """One question of a card: its name, the estimate, its words, and the scale all cards share (worst, best)."""

    name: str
    estimate: Estimate
    words: str
    scale: tuple[float, float]


def spoken(estimate: Estimate, number: Callable[[float], str], unit: str = "") -> str:
    """ "4 (3 to 6) visits", "at least 6 months", "up to 14 days", or not known; safe HTML."""
    tail = f" {unit}" if unit else ""
    low, typical, high = estimate.low, estimate.typical, estimate.high
    if not estimate.known:
        return NOT_KNOWN
    if math.isnan(typical):
        if math.isnan(high):
            return f"at least {number(low)}{tail}"
        if math.isnan(low):
            return f"up to {number(high)}{tail}"
        return f"{number(low)} to {number(high)}{tail}" if number(low) != number(high) else f"{number(low)}{tail}"
    ends = (number(low), number(high)) if not math.isnan(low + high) else ("", "")
    if ends[0] == ends[1]:
        more = " or more" if math.isnan(high) else ""
        return f"{number(typical)}{tail}{more}"
    return f"{number(typical)}{tail} <small>({ends[0]} to {ends[1]})</small>"


def count(value: float) -> str:
    """A number as people write it: 4, 2.5, 0.4."""
    return f"{value:.0f}" if value >= 10 or abs(value - round(value)) < 0.05 else f"{value:.1f}"


def out_of(share: Estimate) -> str:
    """What a share is of: "of 100" people, or "of 100 syringes"."""
    return f"of 100 {share.things}".strip()


def money(price: Estimate) -> Callable[[float], str]:
    """How to tell a price or cost: rounded to ten, but a clinic's own to the dollar."""
    return "${:,.0f}".format if price.strength == "clinic" else dollars


def effect(client: Client, evidence: Evidence, treatment: str) -> Estimate:
    """The tier of improvement over all the scars, each weighing as much as it is of the problem. Where it is not known
    for a kind of scar it counts as none, and the range goes on to the best. Not known where no scar is known to be
    helped."""
    return _effect(evidence, treatment, tuple(client.scars.items()), traits_of(client))


@lru_cache(maxsize=4096)
def _effect(
    evidence: Evidence, treatment: str, scars: tuple[tuple[str, float], ...], traits: frozenset[str]
) -> Estimate:
    found = {scar: evidence.improvement(treatment, scar, traits) for scar, _ in scars}
    helped = [
        part for scar, part in found.items() if part.known and evidence.fit(treatment, scar, traits).level in HELPS
    ]
    if not helped:
        return Estimate()
    parts = [(weight, found[scar] if found[scar].known else _ANY_EFFECT) for scar, weight in scars]
    total = sum(weight for weight, _ in parts)
    low, typical, high = (
        sum(weight * getattr(part, end) for weight, part in parts) / total for end in ("low", "typical", "high")
    )
    return Estimate(
        low,
        typical,
        high,
        min((part.strength for part in helped), key=("none", "weak", "fair", "strong").index),
        sources=tuple(dict.fromkeys(source for part in helped for source in part.sources)),
        people=max(part.people for part in helped),
    )


def tier_words(evidence: Evidence, estimate: Estimate) -> str:
    """A tier of improvement in words: "good (some to very good)"."""
    words = _tier_names(evidence)

    def word(value: float) -> str:
        return words[min(max(math.floor(value + 0.5), 0), _TIERS)]

    if not estimate.known:
        return NOT_KNOWN
    low, typical, high = word(estimate.low), word(estimate.typical), word(estimate.high)
    return typical if low == high else f"{typical} <small>({low} to {high})</small>"


@lru_cache(maxsize=4)
def _tier_names(evidence: Evidence) -> list[str]:
    return [escape(words) for words in evidence.tables.words("improvement_tier").values()]


def rows(client: Client, evidence: Evidence, treatment: str) -> tuple[Row, ...]:
    """The six questions of a card, in its order."""
    return _rows(evidence, treatment, effect(client, evidence, treatment))


@lru_cache(maxsize=4096)
def _rows(evidence: Evidence, treatment: str, improvement: Estimate) -> tuple[Row, ...]:
    if treatment == NO_TREATMENT:
        return (
            Row("Improvement", Estimate(0, 0, 0), "none to count on", SCALES["improvement"]),
            Row("Visits", Estimate(0, 0, 0), "none", SCALES["few_visits"]),
            Row("Days off", Estimate(0, 0, 0), "none", SCALES["downtime"]),
            Row("Pain, 0 to 10", Estimate(0, 0, 0), "none", SCALES["comfort"]),
            Row("Cost of the course", Estimate(0, 0, 0), "none", SCALES["cost"]),
            Row("Lasting", Estimate(), "nothing to last", SCALES["lasting"]),
        )
    visits = evidence.visits(treatment)
    interval = evidence.number(treatment, "interval_weeks")
    at_home = evidence.setting(treatment).level == "home"
    visit_words = "used at home" if at_home and not visits.known else spoken(visits, count)
    if interval.known and visits.known:
        visit_words += f" <small>{_every(interval)}</small>"
    days = honest(evidence.number(treatment, "downtime_days"))
    pain = honest(evidence.number(treatment, "pain_vas"))
    cost = evidence.course_cost(treatment)
    lasting = evidence.number(treatment, "durability_months")
    return (
        Row("Improvement", improvement, tier_words(evidence, improvement), SCALES["improvement"]),
        Row("Visits", visits, visit_words, SCALES["few_visits"]),
        Row("Days off", days, spoken(days, count), SCALES["downtime"]),
        Row("Pain, 0 to 10", pain, spoken(pain, count), SCALES["comfort"]),
        Row("Cost of the course", cost, cost_words(evidence, treatment), SCALES["cost"]),
        Row("Lasting", lasting, spoken(lasting, count, "months"), SCALES["lasting"]),
    )


def honest(burden: Estimate) -> Estimate:
    """A burden as a range without a usual figure where studies disagree: the lower one would soothe."""
    return burden if burden.spread is None else replace(burden, typical=math.nan)


def worst_said(burden: Estimate) -> Estimate:
    """A burden placed where its sources, if they disagree, put it at worst: for what can only show one figure."""
    return burden if burden.spread is None else replace(burden, typical=burden.high)


def _every(interval: Estimate) -> str:
    low, high = (f"{end:.0f}" for end in (interval.low, interval.high))
    if "nan" in (low, high):
        return f"about every {interval.typical:.0f} weeks"
    return f"every {low} weeks" if low == high else f"every {low} to {high} weeks"


def cost_words(evidence: Evidence, treatment: str) -> str:
    """The course in US dollars; where only a price per syringe, vial, scar or tube is known, that."""
    course = evidence.course_cost(treatment)
    if not math.isnan(course.typical):
        return spoken(course, money(course)) + _own(course)
    return price_words(evidence, treatment)


def price_words(evidence: Evidence, treatment: str) -> str:
    """The price of one session (or syringe, vial, scar, tube) in US dollars."""
    price = evidence.price(treatment)
    unit = evidence.texts[treatment]["price_unit"]
    said = spoken(price, money(price))
    return said if not price.known or not unit else f"{said} <small>a {escape(unit)}</small>{_own(price)}"


def _own(price: Estimate) -> str:
    return " <small>the clinic's own price</small>" if price.strength == "clinic" else ""


_NUMERALS = ("I", "II", "III", "IV", "V", "VI")


def dark_marks(client: Client, evidence: Evidence, treatment: str) -> str:
    """The risk of dark marks for this skin: a figure of 100 people, both ways, or not known. Safe HTML."""
    if treatment == NO_TREATMENT:
        return "No treatment, so no dark marks from one."
    risk = evidence.pih(treatment, client.fitzpatrick)
    if not risk.known:
        skin = "" if client.fitzpatrick is None else f" in skin type {_NUMERALS[client.fitzpatrick - 1]}"
        return f"Dark marks (PIH){skin}: {NOT_KNOWN}."
    course = " Counted by the visit, at least in part: over a course it may be more." if risk.things else ""
    if client.fitzpatrick is None:
        return f"Dark marks (PIH): {_of_100(risk)} people.{course} It depends on your skin type: choose it."
    numeral = _NUMERALS[client.fitzpatrick - 1]
    none: tuple[float, ...]
    if risk.spread is not None:  # never one number where studies disagree
        said, none = f"{risk.low:.0f} to {risk.high:.0f} of 100 people, as studies differ.", (risk.high, risk.low)
    elif risk.high == 0:  # seen in nobody is not the same as never
        counted = f" ({risk.people:,} counted)" if risk.people else ""
        said, none = f"0 of 100 people, none seen{counted}.", (math.nan,)
    else:
        said, none = f"{_of_100(risk)} people.", (risk.typical,)
    free = " to ".join(f"{100 - share:.0f}" for share in none)
    if not course and not any(map(math.isnan, none)):
        said += f" {'' if risk.spread else 'About '}{free} get none."
    rows = {claim.claim_id: claim for claim in evidence.about(treatment, "pih_percent")}
    if not any(client.fitzpatrick in rows[claim].skin for claim in risk.claims):
        said += f" The studies do not name skin type {numeral}."
    return f"Dark marks (PIH) in skin type {numeral}: {said}{course}{few(risk)}"


def few(estimate: Estimate) -> str:
    """A warning where a figure rests on few people, or none where it does not or the number is not known."""
    return f" Fewer than {FEW} people stand behind this." if 0 < estimate.people < FEW else ""


def _of_100(risk: Estimate) -> str:
    if math.isnan(risk.typical):
        return f"{spoken(risk, lambda value: f'{value:.0f}')} of 100"
    said = f"about {risk.typical:.0f} of 100"
    if round(risk.low) != round(risk.high):
        said += f" <small>({risk.low:.0f} to {risk.high:.0f})</small>"
    return said


_BY_ITSELF = "gone by themselves, in people with active acne"


def better(client: Client, evidence: Evidence, treatment: str) -> dict[str, tuple[str, Estimate]]:
    """How many got better, as studies counted them: {measure in words: (plain words, share of 100)}, empty where no
    study counted."""
    found = evidence.responses(treatment, tuple(client.scars))
    label = partial(evidence.tables.label, "responder_measure")
    return {
        _BY_ITSELF if each.share.things == "scars" else label(each.measure): (_counted(each), each.share)
        for each in found
    }


def _counted(found: Response) -> str:
    who = f"the {found.share.things} of " if found.share.things else ""
    share = spoken(found.share, lambda value: f"{value:.0f}")
    people = found.share.people
    said = [
        f"{share} {out_of(found.share)}",
        "1 source" if found.studies == 1 else f"{found.studies} sources",
        f"{who}{'only ' if people < FEW else ''}{people:,} people" if people else "number of people: not known",
    ]
    if found.weeks is None:
        said.append("watched for how long: not known")
    else:
        low, high = (f"{week:.0f}" for week in found.weeks)
        said.append(f"watched for {low if low == high else f'{low} to {high}'} weeks")
        said += [] if found.timed else ["in some not known how long"]
    said += ["not only scars from acne"] if found.mixed else []
    return ", ".join(said)


def range_bar(row: Row) -> str:
    """A line from low to high with a dot at typical, better to the right; nothing where nothing is known."""
    estimate = row.estimate
    worst, best = row.scale

    def place(figure: float, unknown: float) -> float:
        share = unknown if math.isnan(figure) else (figure - worst) / (best - worst)
        return round(min(max(share, 0.0), 1.0), 3)

    if not estimate.known:
        return '<span class="bar unknown-bar" aria-hidden="true"></span>'
    ends = (estimate.low, estimate.high) if best > worst else (estimate.high, estimate.low)
    left, right = place(ends[0], 0.0), place(ends[1], 1.0)
    dot = "" if math.isnan(estimate.typical) else f'<i style="--at:{place(estimate.typical, 0.0)}"></i>'
    open_end = " open" if math.isnan(estimate.low + estimate.high) else ""
    line = f'<b class="line{open_end}" style="--from:{left};--to:{right}"></b>'
    return f'<span class="bar" aria-hidden="true">{line}{dot}</span>'
