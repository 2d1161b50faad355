"""Client + evidence -> for each treatment a verdict, the reasons for it with their sources, and what would change it.

Medical reasons come first: contraindications, skin type, whether the scars are of a kind it helps. Then the person's
own limits, which can be talked about. The worst reason is the verdict. Whatever no source speaks of is "not known" and
at best `caution`, never `suitable`.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import or_
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scarlib.client import INDENTED, LIMITS, TRAITS, Client
from scarlib.errors import ClientError
from scarlib.evidence import PARENT, Estimate, Evidence, Judgement

# Worst first. `avoid` always wins; waiting does not help where a treatment is not for these scars.
VERDICTS = ("avoid", "not_indicated", "defer", "outside_limits", "caution", "suitable")
RANKED = ("suitable", "caution")
NO_TREATMENT = "no_treatment"
SKIN_TEST = "collagen_test_not_done"
DARKER = (4, 5, 6)
HELPS = ("good", "partial")  # the fits that help
FEW = 30  # people; a figure that rests on fewer says so
# Sources say so of blood thinners (C0281, C1406, C1960); of the other drugs it is our advice, and says so.
KEEP_TAKING = "Our advice: never stop a drug unless the doctor who prescribed it agrees."
_DRUGS = frozenset("anticoagulant nsaid_recent isotretinoin_current photosensitising_drug immunosuppression".split())
COUNTED = "counted so for your raised scars"  # beside a condition that the scars bring in
# A rule, and all that its answer for a treatment depends on.
Question = tuple[Callable[..., Iterator["Reason"]], *tuple[Any, ...]]
Codes = NDArray[np.int8]


@dataclass(frozen=True)
class Reason:
    """One reason in plain words. `level` is the verdict it argues for, `about` what it speaks of
    (condition:..., skin, scar:..., limit:..., setting, evidence), `weeks` how long to wait (NaN: not known)."""

    text: str
    source_ids: tuple[str, ...] = ()
    level: str = "suitable"
    about: str = ""
    weeks: float = math.nan


@dataclass(frozen=True)
class Change:
    """The smallest change that would let a treatment in: limits to raise (field -> new value; None = drop it),
    conditions to wait for (id -> weeks after it ended, NaN = until it is over)."""

    text: str
    limits: Mapping[str, float | str | None]
    waits: Mapping[str, float]

    def apply(self, client: Client) -> Client:
        """The client as they would be after this change."""
        return client.replace(conditions=client.conditions - self.waits.keys(), **self.limits)


def screen(client: Client, evidence: Evidence) -> dict[str, tuple[str, tuple[Reason, ...]]]:
    """{treatment_id: (verdict, reasons, worst first)} for every treatment, in the order of the table."""
    questions = questions_on(client, evidence)
    return {treatment: _screened(treatment, questions, evidence) for treatment in evidence.tables.treatments.index}


def screen_one(treatment: str, client: Client, evidence: Evidence) -> tuple[str, tuple[Reason, ...]]:
    """(verdict, reasons, worst first) for one treatment."""
    return _screened(treatment, questions_on(client, evidence), evidence)


def _screened(treatment: str, questions: list[Question], evidence: Evidence) -> tuple[str, tuple[Reason, ...]]:
    reasons = tuple(reasons_from(questions, treatment, evidence))
    verdict = VERDICTS[_worst(reason.level for reason in reasons)]
    return verdict, tuple(sorted(reasons, key=_order))


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What `screen` decides, without its reasons, for many clients: each distinct answer is worked out once and kept.

    Treatments stand in the order of the table; a verdict is its place in VERDICTS.
    """

    evidence: Evidence
    _answers: dict[Question, Codes] = field(default_factory=dict, repr=False)
    _tellings: dict[tuple[str, frozenset[str]], Codes] = field(default_factory=dict, repr=False)
    _figures: dict[str, list[float]] = field(default_factory=dict, repr=False)

    def of(self, client: Client) -> tuple[Codes, Codes]:
        """The verdict and the health doubt of each treatment: two arrays of shape (treatments,)."""
        verdicts, doubts = zip(*map(self._answer, questions_on(client, self.evidence)), strict=True)
        return np.minimum.reduce(verdicts), np.maximum.reduce(doubts)

    def _answer(self, question: Question) -> Codes:
        """Verdict and doubt, shape (2, treatments)."""
        rule, *given = question
        if rule is _scars:
            scars, traits, colour_only = given
            return _worst_of_scars(colour_only)[:, reduce(or_, (self._telling(scar, traits) for scar in scars))]
        if rule is _limit:
            question = (rule, *self._limit_like(*given))
        if question not in self._answers:
            reasons = [[*reasons_from([question], name, self.evidence)] for name in self._treatments]
            self._answers[question] = np.array(
                [[_worst(reason.level for reason in said) for said in reasons], [*map(health_doubt, reasons)]],
                dtype=np.int8,
            )
        return self._answers[question]

    @property
    def _treatments(self) -> pd.Index:
        return self.evidence.tables.treatments.index

    def _telling(self, scar: str, traits: frozenset[str]) -> Codes:
        key = (scar, traits)
        if key not in self._tellings:
            told = (
                0 if name == NO_TREATMENT else _told(name, scar, heeded(name, traits, self.evidence), self.evidence)
                for name in self._treatments
            )
            self._tellings[key] = np.fromiter(told, dtype=np.int8)
        return self._tellings[key]

    def _limit_like(self, limit: str, allowed: float) -> tuple[str, float]:
        """A limit that rules out and lets in the same: the highest figure within it. A limit is only ever asked which
        figures are above it."""
        if limit not in self._figures:
            known = [figure(name, limit, self.evidence) for name in self._treatments]
            ends = {end for estimate in known for end in (estimate.low, estimate.typical, estimate.high)}
            self._figures[limit] = sorted(end for end in ends if not math.isnan(end))
        within = bisect_right(self._figures[limit], allowed)
        return limit, self._figures[limit][within - 1] if within else -math.inf


def _worst(levels: Iterable[str]) -> int:
    return min(map(VERDICTS.index, levels), default=VERDICTS.index("suitable"))


@lru_cache(maxsize=2)
def _worst_of_scars(colour_only: bool) -> Codes:
    """Verdict, and no doubt, for whatever may be told of scars: shape (2, 64)."""
    verdicts = [_worst(_scar_levels(told, colour_only).values()) for told in range(_FROM_WEB << 1)]
    return np.array([verdicts, [0] * len(verdicts)], dtype=np.int8)


def health_doubt(reasons: Iterable[Reason]) -> int:
    """How far the client's health calls a treatment into question: 0 not, 1 a source asks for care, 2 not known."""
    cautions = [reason for reason in reasons if reason.level == "caution" and reason.about.startswith("condition:")]
    return max((1 if reason.source_ids else 2 for reason in cautions if not reason.about.endswith("_scars")), default=0)


def traits_of(client: Client) -> frozenset[str]:
    """The scars' character, with what the Goodman-Baron grade says by its definition: grade 3 flattens when the skin
    is stretched (distensible), grade 4 does not."""
    traits = frozenset(client.traits)
    if client.severity == 3:
        return traits | {"distensible"}
    return traits - {"distensible"} if client.severity == 4 else traits


def heeded(treatment: str, traits: frozenset[str], evidence: Evidence) -> frozenset[str]:
    """Traits that come to the same for this treatment, so that few sets differ: those that its rows speak of, and if
    there are any others, all others, as a trait of which no row speaks is like any other such."""
    named = _named_traits(treatment, evidence)
    return traits if traits <= named else traits | (frozenset(TRAITS) - named)


@lru_cache(maxsize=128)  # the treatments of the few tables that `weigh` keeps
def _named_traits(treatment: str, evidence: Evidence) -> frozenset[str]:
    owners = (treatment, PARENT.get(treatment))
    return frozenset(
        claim.trait for (owner, _), claims in evidence.claims.items() if owner in owners for claim in claims
    )


def what_would_change(client: Client, treatment_id: str, evidence: Evidence) -> Change | None:
    """The smallest change of limits or of time that would let a ruled-out treatment in; None where there is none,
    or where it already fits. Raises ClientError for an id that is not in the table."""
    if not isinstance(treatment_id, str) or treatment_id not in evidence.tables.treatments.index:
        allowed = ", ".join(evidence.tables.treatments.index)
        raise ClientError([f"treatment_id: {treatment_id!r} is not known. Allowed is one of: {allowed}."])
    verdict, reasons = screen_one(treatment_id, client, evidence)
    if verdict not in ("defer", "outside_limits"):
        return None
    waits: dict[str, float] = {}
    limits: dict[str, float | str | None] = {}
    steps = []
    for reason in reasons:
        kind, _, what = reason.about.partition(":")
        if reason.level == "defer" and kind == "condition":
            for condition in client.conditions:
                if what in _implied(condition, evidence):
                    waits[condition] = max(waits.get(condition, reason.weeks), reason.weeks)
            if what not in waits and not any(what in _implied(condition, evidence) for condition in waits):
                return None
            steps.append(f"{_wait(what, reason.weeks)} ({reason.text.partition(':')[0]})")
        elif reason.level == "outside_limits" and kind == "limit":
            step = 50 if what == "budget_usd" else 1
            needed = math.ceil(needed_for(treatment_id, what, evidence) / step) * step
            limits[what] = needed
            steps.append(f"allow {_ALLOWED.get(what, '{}').format(_limit_words(what, needed))}")
        elif reason.level == "outside_limits":
            limits["setting"] = "med_spa" if evidence.setting(treatment_id).level == "med_spa" else None
            place = "a clinic or med spa" if limits["setting"] else "a doctor's practice"
            steps.append(f"have it done at {place}")
        elif reason.level == "defer":
            return None
    change = Change("It would come in if you " + ", and ".join(steps) + ".", limits, waits)
    after, _ = screen_one(treatment_id, change.apply(client), evidence)
    return change if after in RANKED else None


def needed_for(treatment_id: str, limit: str, evidence: Evidence) -> float:
    """The figure a limit is held against: the typical one, or the lowest known where no typical one is."""
    estimate = figure(treatment_id, limit, evidence)
    return estimate.low if math.isnan(estimate.typical) else estimate.typical


def figure(treatment_id: str, limit: str, evidence: Evidence) -> Estimate:
    """The pooled figure that a limit speaks of, in the limit's unit."""
    if limit == "budget_usd":
        return evidence.course_cost(treatment_id)
    attribute = {"max_downtime_days": "downtime_days", "max_sessions": "sessions", "max_pain": "pain_vas"}[limit]
    return evidence.number(treatment_id, attribute)


def from_scars(client: Client) -> tuple[str, ...]:
    """Conditions that count although the client has not named them, because the scars bring them in."""
    raised = client.scars.keys() & {"hypertrophic", "keloid"}
    return ("keloid_tendency",) if raised and "keloid_tendency" not in client.conditions else ()


def _present(client: Client, evidence: Evidence) -> dict[str, str]:
    """{condition that applies: the one the client named that brings it in}, with what the scars themselves bring in."""
    present = {condition: condition for condition in sorted(client.conditions)}
    present |= {condition: condition for condition in from_scars(client)}
    present |= {f"{scar}_scars": f"{scar}_scars" for scar in client.scars}
    for condition in sorted(client.conditions):
        for implied in _implied(condition, evidence):
            present.setdefault(implied, condition)
    return present


@lru_cache(maxsize=1024)
def _implied(condition: str, evidence: Evidence) -> list[str]:
    """The condition, and all that it brings with it."""
    table = evidence.tables.conditions["implies"]
    found, open_ = [], [condition]
    while open_:
        current = open_.pop()
        if current not in found:
            found.append(current)
            open_ += [item for item in table.get(current, "").split(";") if item]
    return found


def _order(reason: Reason) -> tuple[int, int]:
    """Dark-mark risk before all else; then the worst reason first."""
    return (0 if reason.about == "pih" else 1, VERDICTS.index(reason.level))


def questions_on(client: Client, evidence: Evidence) -> list[Question]:
    """What is asked of every treatment for this client. Whatever decides stands in here: a rule sees nothing else."""
    return [
        (_pigment, client.fitzpatrick),
        (_skin, client.fitzpatrick),
        *(
            (_condition, condition, named, COUNTED if named in from_scars(client) else "")
            for condition, named in _present(client, evidence).items()
        ),
        (_scars, tuple(client.scars), traits_of(client), client.severity == 1),
        *((_limit, limit, allowed) for limit in LIMITS if (allowed := getattr(client, limit)) is not None),
        (_place, client.setting),
    ]


def reasons_from(questions: Iterable[Question], treatment: str, evidence: Evidence) -> Iterator[Reason]:
    """The reasons that these questions give for a treatment, in their order. None speaks against no treatment."""
    if treatment == NO_TREATMENT:
        yield Reason("Doing nothing is always an option.", about="scar:none")
        return
    for rule, *given in questions:
        yield from rule(treatment, *given, evidence)


def _pigment(treatment: str, skin: int | None, evidence: Evidence) -> Iterator[Reason]:
    if skin not in DARKER:
        return
    risk = evidence.pih(treatment, skin)
    if risk.known:
        few = f" Fewer than {FEW} people stand behind this." if 0 < risk.people < FEW else ""
        text = f"Dark marks (PIH) afterwards: {of_100(risk)} people, as far as sources tell.{few}"
    else:
        text = "Dark marks (PIH) afterwards: how often is not known for your skin type."
    yield Reason(text, risk.sources, "suitable", "pih")


def _skin(treatment: str, skin: int | None, evidence: Evidence) -> Iterator[Reason]:
    said = evidence.skin_fit(treatment, skin)
    if skin is None:
        if said.level == "avoid":
            text = "Not before your skin type is known: for darker skin a source says not to use it."
            yield Reason(text, said.sources, "defer", "skin")
        elif said.level != "good":
            text = "Your skin type is not given. In darker skin this needs care, or is not known: ask."
            yield Reason(text, said.sources, "caution", "skin")
        return
    numeral = ("I", "II", "III", "IV", "V", "VI")[skin - 1]
    if said.level == "avoid":
        yield Reason(
            f"Not for skin type {numeral}, a source says.{_disagreement(said, _SAFETY_SAID)}",
            _cited(said),
            "avoid",
            "skin",
        )
    elif said.level == "caution":
        text = f"Skin type {numeral} needs extra care with this.{_disagreement(said, _SAFETY_SAID)}"
        yield Reason(text, _cited(said), "caution", "skin")
    elif said.level == "good" and skin in DARKER and said.strength == "weak":
        text = f"Skin type {numeral}: only weak sources call it suitable. Ask before you decide."
        yield Reason(text, said.sources, "caution", "skin")
    elif said.level == "good":
        yield Reason(f"Sources call it suitable for skin type {numeral}.", said.sources, "suitable", "skin")
    elif skin in DARKER:
        text = f"How skin type {numeral} takes it is not known: ask."
        yield Reason(text, (), "caution", "skin")


def _condition(treatment: str, condition: str, named: str, why: str, evidence: Evidence) -> Iterator[Reason]:
    about = f"condition:{condition}"
    said = evidence.rule(treatment, condition)
    if condition.endswith("_scars"):
        if said.level:
            text = "A source says that it was not studied in narrow, deep pits (icepick scars)."
            yield Reason(text, said.sources, "caution", about)
        return
    name = ", ".join(filter(None, (evidence.concerns[named][0], why)))
    if said.level in ("", "good") and any(
        evidence.rule(treatment, other).level in ("avoid", "defer") for other in _implied(named, evidence)
    ):
        return  # "not known" or "no reason to wait" beside what rules it out for the same condition
    if not said.level:
        direct = evidence.rule(treatment, named).level
        if condition != named and (direct != "good" if direct else _concerns(named, treatment, evidence)):
            return  # the named condition has said as much, or more
        if _concerns(condition, treatment, evidence):
            text = f"{name}: whether it is safe then is not known. Ask before you decide."
            yield Reason(text, (), "caution", about)
        return
    if condition != named:  # what is implied is told only where it is stricter than what was named
        direct = evidence.rule(treatment, named).level
        if direct and VERDICTS.index(_as_verdict(direct)) <= VERDICTS.index(_as_verdict(said.level)):
            return
    also, cited = _disagreement(said, _SAFETY_SAID), _cited(said)
    if said.level == "avoid":
        yield Reason(f"{name}: sources say not to use it.{also}", cited, "avoid", about)
    elif said.level == "defer":
        kept = f" {KEEP_TAKING}" if condition in _DRUGS else ""
        yield Reason(f"{name}: {_wait(condition, said.weeks)}.{kept}{also}", cited, "defer", about, said.weeks)
    elif said.level == "caution":
        what = (
            "antiviral medicine first, or special care"
            if condition == "herpes_history"
            else "needs special care. Ask before you decide"
        )
        yield Reason(f"{name}: {what}.{also}", cited, "caution", about)
    else:
        yield Reason(f"{name}: sources see no reason to wait.", cited, "suitable", about)


def _concerns(condition: str, treatment: str, evidence: Evidence) -> bool:
    _, concerned = evidence.concerns[condition]
    return not concerned or treatment in concerned


def _as_verdict(level: str) -> str:
    return "suitable" if level == "good" else level


def _wait(condition: str, weeks: float) -> str:
    if condition == SKIN_TEST:
        return f"have the test, then wait {stretch(weeks)}"
    if math.isnan(weeks):
        return "wait until this is over"
    return f"wait until {stretch(weeks)} after {'it' if condition.startswith('recent_') else 'its end'}"


def stretch(weeks: float) -> str:
    """A length of time in words: "5 days", "2 weeks", "26 weeks (about 6 months)"."""
    if weeks < 1:
        return f"{math.ceil(7 * weeks)} days"
    return f"{_counted(weeks, 'week')}{f' (about {weeks / 4.345:.0f} months)' if weeks >= 9 else ''}"


def _cited(said: Judgement) -> tuple[str, ...]:
    """Those who decide, and those who say otherwise."""
    return tuple(dict.fromkeys([*said.sources, *(source for other in said.others.values() for source in other)]))


_SAFETY_SAID = {"avoid": "do not use it", "defer": "wait", "caution": "take care", "good": "no reason against it"}
_FIT_SAID = {"avoid": "do not use it", "poor": "it does little", "partial": "it helps in part", "good": "it is good"}


def _disagreement(said: Judgement, words: Mapping[str, str]) -> str:
    if said.level != "defer" and not math.isnan(said.weeks):
        words = {**words, "defer": f"wait {stretch(said.weeks)}"}
    other = [f"{words[level]} ({len(sources)})" for level, sources in said.others.items() if level in words]
    return f" Other sources say: {', '.join(other)}." if other else ""


def _scars(
    treatment: str, scars: tuple[str, ...], traits: frozenset[str], colour_only: bool, evidence: Evidence
) -> Iterator[Reason]:
    told = reduce(or_, (_told(treatment, scar, traits, evidence) for scar in scars))
    levels = _scar_levels(told, colour_only)
    unhelped: dict[str, list[tuple[str, Judgement]]] = {"poor": [], "": []}
    for scar in scars:
        fit = evidence.fit(treatment, scar, traits)
        name = evidence.tables.label("scar_type", scar)
        about = f"scar:{scar}"
        if fit.level == "avoid":
            text = f"Not on {name}: sources say not to use it there."
            yield Reason(text, fit.sources, levels["harmed"], about)
        elif fit.level in HELPS:
            good = "A source calls it good for" if len(fit.sources) == 1 else "Sources call it good for"
            words = good if fit.level == "good" else "Of some help for"
            text = f"{words} {name} ({fit.strength} evidence).{_said_of(treatment, scar, fit, evidence)}"
            yield Reason(f"{text}{_disagreement(fit, _FIT_SAID)}", _cited(fit), about=about)
        else:
            if fit.level != evidence.fit(treatment, scar, frozenset()).level:
                character = listed([evidence.tables.label("trait", trait) for trait in sorted(traits)])
                name = f"{name} that are {character}"
            unhelped[fit.level].append((name, fit))
    for fit_level, found in unhelped.items():
        if found:
            names = listed([name for name, _ in found])
            sources = tuple(dict.fromkeys(source for _, fit in found for source in _cited(fit)))
            said = (
                f"Does little for {names}."
                if fit_level
                else f"Whether it helps {names} is not known: no source says so."
            )
            also = _disagreement(found[0][1], _FIT_SAID) if len(found) == 1 else ""
            yield Reason(said + also, sources, levels["unhelped"], "scar:none")
    if "evidence" in levels:
        text = "Only web pages of clinics, sellers or magazines support it for these scars."
        yield Reason(text, (), levels["evidence"], "evidence")
    if "severity" in levels:
        text = "You chose colour only (grade 1): then there is no dent to treat. Check how much your scars show."
        yield Reason(text, (), levels["severity"], "severity")


def _said_of(treatment: str, scar: str, fit: Judgement, evidence: Evidence) -> str:
    """What the sources spoke of, where it was another treatment or all dents together."""
    owner = evidence.judged_by(treatment)
    rows = {claim.claim_id: claim for claim in evidence.about(owner, "scar_fit")}
    said = [rows[claim] for claim in fit.claims if claim in rows]
    of = [evidence.texts[owner]["name"].lower()] if said and owner != treatment else []
    of += ["dents of all kinds"] if said and scar in INDENTED and all(c.scar_type == "atrophic" for c in said) else []
    return f" Said of {' on '.join(of)}." if of else ""


# What sources tell of a treatment for a scar, in bits, so that several scars are told together by "or".
_HARMED, _UNHELPED, _DENT_HELPED, _OTHER_HELPED, _FROM_STUDIES, _FROM_WEB = (1 << bit for bit in range(6))


def _told(treatment: str, scar: str, traits: frozenset[str], evidence: Evidence) -> int:
    fit = evidence.fit(treatment, scar, traits)
    if fit.level == "avoid":
        return _HARMED
    if fit.level not in HELPS:
        return _UNHELPED
    told = _DENT_HELPED if scar in INDENTED else _OTHER_HELPED
    for tier in (fit.tier, evidence.improvement(treatment, scar, traits).tier):
        told |= (_FROM_WEB if tier == 4 else _FROM_STUDIES) if tier else 0
    return told


def _scar_levels(told: int, colour_only: bool) -> dict[str, str]:
    """{what speaks: the level it argues for}, of what is told of all scars together."""
    levels = {}
    if told & _HARMED:
        levels["harmed"] = "avoid"
    if told & _UNHELPED:
        levels["unhelped"] = "suitable" if told & (_DENT_HELPED | _OTHER_HELPED) else "not_indicated"
    if told & _FROM_WEB and not told & _FROM_STUDIES:
        levels["evidence"] = "caution"
    if colour_only and told & _DENT_HELPED:
        levels["severity"] = "caution" if told & _OTHER_HELPED else "not_indicated"
    return levels


def _limit(treatment: str, limit: str, allowed: float, evidence: Evidence) -> Iterator[Reason]:
    estimate = figure(treatment, limit, evidence)
    about = f"limit:{limit}"
    name = _LIMIT_NAMES[limit] + (" (the clinic's own price)" if estimate.strength == "clinic" else "")
    if not estimate.known:
        text = f"{name}: not known. Ask whether it stays within your {_allowed(limit, allowed)}."
        yield Reason(text, (), "caution", about)
        return
    usual = needed_for(treatment, limit, evidence)
    if usual > allowed and estimate.spread is not None:
        ends = f"{_figure(limit, estimate.low)} to {_limit_words(limit, estimate.high)}"
        text = f"{name}: {ends}, as sources differ. Taken together, more than your {_allowed(limit, allowed)}."
        yield Reason(text, estimate.sources, "outside_limits", about)
    elif usual > allowed:
        word = "at least" if math.isnan(estimate.typical) else "usually"
        text = f"{name}: {word} {_beyond(limit, usual, allowed)}, more than your {_allowed(limit, allowed)}."
        yield Reason(text, estimate.sources, "outside_limits", about)
    elif math.isnan(usual) and estimate.high > allowed:
        text = f"{name}: only a highest figure is known. Ask whether it stays within your limit."
        yield Reason(text, estimate.sources, "caution", about)
    elif not math.isnan(usual) and estimate.high > allowed:
        text = f"{name}: can be up to {_limit_words(limit, estimate.high)}, more than your limit."
        yield Reason(text, estimate.sources, "suitable", about)
    elif math.isnan(estimate.high):
        text = f"{name}: at least {_limit_words(limit, usual)}; how much more is not known."
        yield Reason(text, estimate.sources, "caution", about)


def _place(treatment: str, setting: str | None, evidence: Evidence) -> Iterator[Reason]:
    if setting is None:
        return
    said = evidence.setting(treatment)
    order = ("home", "med_spa", "physician")
    if not said.level:
        yield Reason("Who may do it is not known: ask.", (), "caution", "setting")
    elif order.index(said.level) > order.index(setting):
        who = "a doctor" if said.level == "physician" else "a trained professional"
        yield Reason(f"Has to be done by {who}.", said.sources, "outside_limits", "setting")
    elif "physician" in said.others:
        text = "In some places only a doctor may do it. Ask who will treat you."
        yield Reason(text, said.others["physician"], "suitable", "setting")


_LIMIT_NAMES = {
    "max_downtime_days": "Days off",
    "max_sessions": "Visits",
    "max_pain": "Pain",
    "budget_usd": "Cost of the course",
}


def _allowed(limit: str, value: float) -> str:
    """A limit as it was given."""
    return f"${value:,.0f}" if limit == "budget_usd" else f"{value:g}"


def _beyond(limit: str, value: float, allowed: float) -> str:
    """A figure above the limit, never rounded down to it."""
    near = limit == "budget_usd" and dollars(value) in (dollars(allowed), _allowed(limit, allowed))
    return f"${math.ceil(value):,}" if near else _limit_words(limit, value)


def _figure(limit: str, value: float) -> str:
    if limit == "budget_usd":
        return dollars(value)
    return f"{value:.1f}".removesuffix(".0")


def _counted(value: float, noun: str) -> str:
    number = f"{value:.1f}".removesuffix(".0")
    return f"{number} {noun}" if number == "1" else f"{number} {noun}s"


_ALLOWED = {"max_downtime_days": "{} off", "max_pain": "pain of {}"}  # where the limit is not named beside it


def _limit_words(limit: str, value: float) -> str:
    if limit == "max_downtime_days":
        return _counted(value, "day")
    if limit == "max_sessions":
        return _counted(value, "visit")
    return f"{_figure(limit, value)} in 10" if limit == "max_pain" else _figure(limit, value)


def dollars(value: float) -> str:
    """US dollars, from a hundred on rounded to ten: "$1,350", "$25"."""
    if not math.isfinite(value):
        return f"${value}"
    step = 10 if value >= 100 else 1
    return f"${step * math.floor(value / step + 0.5):,}"


def listed(words: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def of_100(estimate: Estimate) -> str:
    """A percentage in plain numbers, over one hundred people: "about 14 (5 to 24) of 100"."""
    if math.isnan(estimate.typical) or estimate.spread is not None:
        if math.isnan(estimate.high):
            return f"at least {estimate.low:.0f} of 100"
        if math.isnan(estimate.low):
            return f"up to {estimate.high:.0f} of 100"
        return f"{estimate.low:.0f} to {estimate.high:.0f} of 100"
    if round(estimate.low) == round(estimate.high):
        return f"about {estimate.typical:.0f} of 100"
    return f"about {estimate.typical:.0f} (from {estimate.low:.0f} to {estimate.high:.0f}) of 100"
