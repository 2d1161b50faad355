"""Claims -> what they say together: for each treatment and question low / typical / high or a level,
how strong it is, from which sources, and where they disagree.

Rules (one place for each):
- Best tier first: tiers 1-2; tier 3, then 4, only while fewer than two better sources speak.
- Rows flagged control_arm or derived never count; the same trial counts once.
- A source weighs as many people as stand behind it (at most 100; where it does not say: tier 1 100, tier 2 30,
  tier 3 20, tier 4 10), half of that where the row speaks of other scars (not_acne_scar) or only of the family
  (family_rule), and for a number also where it is our reading of a sentence (our_reading); its rows share its weight.
- Numbers: weighted median of the typical values; the range runs from the 10th weighted percentile of the lows
  to the 90th of the highs, so that it covers the sources that found worse. A bound ("at least", "up to")
  widens the range to include it and never moves the typical value.
- Effect and fit: weighted vote, ties to the more cautious level. One more small source that saw no effect takes part
  in the vote on effect, because studies that saw nothing are printed less often.
- Safety: the strictest source decides, whatever its tier. Only a guideline or consensus (tier 1) that speaks of
  this very treatment and sees no reason to wait turns "avoid" or "defer" into "caution".
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

import pandas as pd

from scarlib.client import INDENTED, SCAR_TYPES
from scarlib.menu import Tariff, tariffs
from scarlib.tables import Tables, skin_range

UNKNOWN = math.nan
# People taken to stand behind a source that does not say: a guideline rests on many studies, a web page on few.
_UNSAID = {1: 100.0, 2: 30.0, 3: 20.0, 4: 10.0}
SCEPTIC = 10.0  # people behind the one more source that saw no effect
# Where no row speaks of a treatment's fit or effect, that of the treatment it builds on stands in for it, as weak.
PARENT: Mapping[str, str] = {"microneedling_prp": "microneedling"}
NUMBERS = (
    "sessions",
    "interval_weeks",
    "downtime_days",
    "erythema_days",
    "onset_weeks",
    "durability_months",
    "pain_vas",
    "cost_usd_per_session",
    "satisfaction",
)
# Pain scored with the numbing that clinics use comes first; scores under other numbing are never mixed in.
_NUMBING = ("topical", "topical_cooling", "topical_assisted", "cooling", "", "injection", "needle_with_topical",
            "needle", "none", "no_cooling")  # fmt: skip
_FIT_ORDER = ("avoid", "poor", "partial", "good")
_SAFETY_ORDER = ("avoid", "defer", "caution", "good")
_FIT_TIER = {"poor": 0, "partial": 1, "good": 2}
# A share of people with at least this change, where half of them or more reach it, is worth this tier.
_RESPONSE_TIER = {"gt25": 1, "one_grade": 1, "gt50": 2, "good_excellent": 2, "gt70": 3, "gt75": 3}
_PERCENT_MEASURES = (
    "percent_improvement",
    "score_percent",
    "ecca_percent",
    "gb_quant_percent",
    "patient_rating_percent",
)
# Harms that endanger or that sources call permanent count four times; other harm to the skin once, like dark marks,
# which mostly fade. What passes in days (redness, swelling, a bruise) is told, not scored.
GRAVE_HARMS = frozenset(
    """hypopigmentation permanent_scarring hypertrophic_scarring atrophic_scarring tram_track_scarring scarring
    scar_widening granuloma_unresolved fat_loss nerve_damage burn ulceration tissue_sloughing infection
    bacterial_infection arrhythmia life_threatening_event serious_event systemic_toxicity blindness stroke
    vascular_occlusion_needle vascular_occlusion_cannula vision_loss_stroke_skin_death""".split()
)
SKIN_HARMS = frozenset(
    """pigment_change persistent_hyperpigmentation severe_pih melasma skin_atrophy atrophy_telangiectasia
    telangiectasia persistent_erythema prolonged_erythema granuloma nodule firm_bumps subcutaneous_lumps""".split()
)
_GRAVE_COUNTS = 4.0
# Rows that count something else than people say so in their note.
_NOT_PEOPLE = {
    "syringe": "syringes",
    "per session": "sessions",
    "per peel": "peels",
    "per treatment": "treatments",
    "share of acne lesion": "acne spots",
    "share gone of scars": "scars",
    "share of new scars": "scars",
}
_UNTREATED = ("baseline", "untreated", "placebo")
_CONTRAINDICATION = {"avoid": "avoid", "defer": "defer", "caution": "caution", "prophylaxis": "caution",
                     "no_delay": "good"}  # fmt: skip


class Claim(NamedTuple):
    """One row of evidence, as the pooling reads it."""

    claim_id: str
    treatment_id: str
    attribute: str
    scar_type: str
    trait: str
    skin: tuple[int, ...]
    condition: str
    partner_id: str
    measure: str
    level: str
    value: float
    low: float
    high: float
    n: float
    follow_up_weeks: float
    source_id: str
    trial: str
    tier: int
    flags: frozenset[str]
    note: str

    @property
    def weight(self) -> float:
        """People it counts for."""
        people = _UNSAID[self.tier] if math.isnan(self.n) else min(max(self.n, 1.0), 100.0)
        return people / 2 if self.flags & {"not_acne_scar", "family_rule"} else people


@dataclass(frozen=True)
class Estimate:
    """A pooled number in the unit of its question; NaN = not known. `tier` is the best tier behind it, 0 = none.
    Strength "clinic": it rests on a price that a clinic itself states, which no source backs."""

    low: float = UNKNOWN
    typical: float = UNKNOWN
    high: float = UNKNOWN
    strength: str = "none"
    claims: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    people: int = 0
    tier: int = 0
    spread: tuple[float, float] | None = None  # lowest and highest typical value where sources disagree
    things: str = ""  # what a share is of, where it is not people

    @property
    def known(self) -> bool:
        """Whether anything at all is known, be it only a bound."""
        return not (math.isnan(self.low) and math.isnan(self.typical) and math.isnan(self.high))


@dataclass(frozen=True)
class Judgement:
    """A pooled level ("" = not known), who says so, and what the others say: {level: source ids}."""

    level: str = ""
    strength: str = "none"
    claims: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    tier: int = 0
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weeks: float = UNKNOWN  # to wait, for a contraindication of level defer, or that others would defer


def _counted(claims: Iterable[Claim]) -> list[Claim]:
    return [claim for claim in claims if not claim.flags & {"control_arm", "derived"}]


def _tiered(claims: Iterable[Claim]) -> list[Claim]:
    """Best tier first, and the same trial once (its best tier)."""
    counted = _counted(claims)
    best: dict[str, int] = {}
    for claim in counted:
        best[claim.trial] = min(best.get(claim.trial, 9), claim.tier)
    first: dict[str, str] = {}
    for claim in sorted(counted, key=lambda c: c.tier):
        first.setdefault(claim.trial, claim.source_id)
    counted = [c for c in counted if first[c.trial] == c.source_id]
    for limit in (2, 3, 4):
        chosen = [claim for claim in counted if best[claim.trial] <= limit]
        if len({claim.trial for claim in chosen}) >= 2:
            return chosen
    return counted


def _strength(claims: Sequence[Claim]) -> str:
    """Strong: two or more tier 1-2 trials or papers with at least 100 people between them, or two of tier 1, all of
    acne scars. Fair: one of tier 1-2, or two of tier 3 that weigh at least 60 people. Weak: less. None: nothing."""
    if not claims:
        return "none"
    direct = [claim for claim in claims if not claim.flags & {"not_acne_scar", "family_rule", "our_reading"}]
    good = {claim.trial for claim in direct if claim.tier <= 2}
    people = _people([claim for claim in direct if claim.tier <= 2])
    if len({claim.trial for claim in direct if claim.tier == 1}) >= 2 or (len(good) >= 2 and people >= 100):
        return "strong"
    near = [claim for claim in claims if not claim.flags & {"not_acne_scar", "family_rule"}]
    middling = {claim.trial: claim.weight for claim in near if claim.tier == 3}
    if good or (len(middling) >= 2 and sum(middling.values()) >= 60):
        return "fair"
    if len({claim.trial for claim in near if claim.tier <= 2}) >= 2:
        return "fair"
    return "weak"


def _people(claims: Iterable[Claim]) -> int:
    trials: dict[str, float] = {}
    for claim in claims:
        if not math.isnan(claim.n):
            trials[claim.trial] = max(trials.get(claim.trial, 0.0), claim.n)
    return int(sum(trials.values()))


def _shared(claims: Sequence[Claim]) -> list[float]:
    """Each claim's weight: rows of one trial share the trial's."""
    rows: dict[str, int] = {}
    for claim in claims:
        rows[claim.trial] = rows.get(claim.trial, 0) + 1
    return [claim.weight / rows[claim.trial] for claim in claims]


def point_weights(claims: Sequence[Claim]) -> list[float]:
    """Each figure's weight in the pool of a number."""
    return [
        weight / 2 if "our_reading" in claim.flags else weight
        for claim, weight in zip(claims, _shared(claims), strict=True)
    ]


def _quantile(values: Sequence[float], weights: Sequence[float], share: float) -> float:
    """Weighted quantile: the smallest value below which at least `share` of the weight lies."""
    pairs = sorted(zip(values, weights, strict=True))
    goal = share * sum(weights)
    reached = 0.0
    for value, weight in pairs:
        reached += weight
        if reached >= goal - 1e-9:
            return value
    return pairs[-1][0]


def _pool(claims: Iterable[Claim]) -> Estimate:
    """Numeric claims of one question, one unit and one way of measuring -> one estimate."""
    counted = list(claims)
    bounded = [c for c in counted if c.flags & {"lower_bound", "upper_bound"} or math.isnan(c.value)]
    points = _tiered(c for c in counted if c not in bounded)
    last = max((claim.tier for claim in points), default=4)
    bounds = [claim for claim in _tiered(bounded) if claim.tier <= last]
    chosen = [*points, *bounds]
    if not chosen:
        return Estimate()
    low = typical = high = UNKNOWN
    spread = None
    if points:
        weights = point_weights(points)
        values = [claim.value for claim in points]
        typical = _quantile(values, weights, 0.5)
        low = _quantile([c.value if math.isnan(c.low) else c.low for c in points], weights, 0.1)
        high = _quantile([c.value if math.isnan(c.high) else c.high for c in points], weights, 0.9)
        least, most = min(values), max(values)
        if len({c.trial for c in points}) > 1 and most - least > max(1.0, 0.5 * abs(typical)):
            spread = (least, most)
    for claim in bounds:
        ends = [end for end in (claim.low, claim.value, claim.high) if not math.isnan(end)]
        if "lower_bound" in claim.flags:
            low = min(low, ends[0]) if not math.isnan(low) else ends[0]
            high = max(high, ends[-1]) if not math.isnan(typical) else high
        else:
            high = max(high, ends[-1]) if not math.isnan(high) else ends[-1]
            low = min(low, ends[0]) if not math.isnan(low) else low
            low = ends[0] if math.isnan(low) and len(ends) > 1 else low
    if math.isnan(typical):  # bounds alone: "at least 6" and "up to 4" may cross; keep the wider reading
        low, high = (min(low, high), max(low, high)) if not math.isnan(low + high) else (low, high)
    elif typical < low or typical > high:
        low, high = min(low, typical), max(high, typical)
    return Estimate(low, typical, high, _strength(points or bounds), *_cited(chosen), spread=spread)


def days_off(claims: Sequence[Claim]) -> list[Claim]:
    """Claims on downtime, with those that only tell how long a sign shows turned into bounds where a source gives days
    off."""
    if not any(not claim.measure and not math.isnan(claim.value) for claim in claims):
        return list(claims)
    return [
        claim
        if not claim.measure or (math.isnan(claim.value) and math.isnan(claim.high))
        else claim._replace(
            value=UNKNOWN,
            low=UNKNOWN,
            high=claim.value if math.isnan(claim.high) else claim.high,
            flags=claim.flags | {"upper_bound"},
        )
        for claim in claims
    ]


def _pih(claims: Sequence[Claim], skin: int) -> Estimate:
    named = [claim for claim in claims if skin in claim.skin]
    unnamed = [claim for claim in claims if not claim.skin]
    if named or unnamed:
        return _pool(named) if named else _weakened(_pool(unnamed))
    darker = _pool([claim for claim in claims if min(claim.skin) > skin])
    return _weakened(replace(darker, low=UNKNOWN, typical=UNKNOWN, spread=None))


def _whole_range(claims: Sequence[Claim]) -> Estimate:
    """From the lowest to the highest figure any counted row gives."""
    counted = _counted(claims)
    ends = [end for c in counted for end in (c.low, c.value, c.high) if not math.isnan(end)]
    return Estimate(min(ends), UNKNOWN, max(ends), "weak", *_cited(counted)) if ends else Estimate()


def _at_least(found: Estimate, lighter: Estimate) -> Estimate:
    """A risk that is nowhere below that of a lighter skin type; weak where the lighter type's had to stand in."""
    if not found.known or not lighter.known:
        return found
    typical, high = (
        max(a, b) if not math.isnan(a + b) else a
        for a, b in ((found.typical, lighter.typical), (found.high, lighter.high))
    )
    if (typical, high) == (found.typical, found.high) or math.isnan(found.high):
        return found
    return replace(
        found,
        typical=typical,
        high=high,
        strength="weak",
        claims=tuple(dict.fromkeys(found.claims + lighter.claims)),
        sources=tuple(dict.fromkeys(found.sources + lighter.sources)),
        spread=None if math.isnan(typical) else (found.low, high),
    )


def _cited(claims: Sequence[Claim]) -> tuple[tuple[str, ...], tuple[str, ...], int, int]:
    """Claim ids, source ids (best tier first), people, best tier."""
    ranked = sorted(claims, key=lambda c: c.tier)
    return (
        tuple(claim.claim_id for claim in claims),
        tuple(dict.fromkeys(claim.source_id for claim in ranked)),
        _people(claims),
        ranked[0].tier if ranked else 0,
    )


def _things(claims: Iterable[Claim]) -> str:
    """What the rows count where it is not people; "" = people."""
    notes = [claim.note.lower() for claim in claims]
    return next((things for word, things in _NOT_PEOPLE.items() for note in notes if word in note), "")


def _others(claims: Iterable[tuple[str, Claim]], level: str) -> dict[str, tuple[str, ...]]:
    others: dict[str, list[str]] = {}
    for said, claim in claims:
        if said != level and claim.source_id not in others.setdefault(said, []):
            others[said].append(claim.source_id)
    return {said: tuple(sources) for said, sources in others.items()}


def _vote(claims: Sequence[Claim], order: Sequence[str], *, weaken: bool = False) -> Judgement:
    """Weighted vote over levels, ties to the more cautious (the earlier in `order`)."""
    chosen = _tiered(claims)
    if not chosen:
        return Judgement()
    tally = dict.fromkeys(order, 0.0)
    for claim, weight in zip(chosen, _shared(chosen), strict=True):
        tally[claim.level] += weight
    level = max(order, key=lambda item: tally[item])  # max keeps the first of equals
    said, sources, _, tier = _cited(chosen)
    strength = "weak" if weaken else _strength(chosen)
    return Judgement(level, strength, said, sources, tier, _others(((c.level, c) for c in claims), level))


def _strictest(claims: Sequence[Claim]) -> Judgement:
    """The strictest level any source gives; a tier 1 source that speaks of this very treatment may soften it."""
    claims = _counted(claims)
    if not claims:
        return Judgement()
    said = [(_CONTRAINDICATION.get(claim.level, claim.level), claim) for claim in claims]
    level = min((level for level, _ in said), key=_SAFETY_ORDER.index)
    direct = [item for item in said if not item[1].flags & {"our_reading", "family_rule"}]
    panel = [item for item in direct if item[1].tier == 1]
    panel_says = {item for item, _ in panel}
    softened = level in ("avoid", "defer") and panel_says == {"good"}
    if softened:
        level = "caution"
    chosen = [claim for said_level, claim in said if said_level == level]
    if softened:
        chosen += [claim for _, claim in panel]
    waiting = [claim for said_level, claim in said if said_level == ("defer" if softened else level)]
    waits = [end for claim in waiting for end in (claim.low, claim.value, claim.high) if not math.isnan(end)]
    _, sources, _, tier = _cited(chosen)
    every = tuple(claim.claim_id for claim in claims)
    weeks = max(waits) if waits else UNKNOWN
    return Judgement(level, _strength(chosen), every, sources, tier, _others(said, level), weeks)


def effect_tier(claim: Claim) -> int | None:
    """0 little or none .. 3 marked: a quarter, a half and three quarters better on the study's own scale."""
    if claim.attribute == "scar_fit":
        return _FIT_TIER.get(claim.level)
    if claim.attribute == "comparative":
        against_nothing = claim.partner_id in _UNTREATED and claim.condition in (
            "scar_improvement",
            "raised_scar_improvement",
        )
        return {"better": 1, "equal": 0, "worse": 0}.get(claim.level) if against_nothing else None
    if math.isnan(claim.value) or claim.flags & {"lower_bound", "upper_bound"}:
        return None
    if claim.attribute == "improvement":
        if claim.measure in _PERCENT_MEASURES:
            return min(max(int(claim.value // 25), 0), 3)
        if claim.measure == "gb_qual_grades":
            return 0 if claim.value < 0.5 else 1 if claim.value < 1.5 else 2
        return None
    if claim.attribute == "responder_rate" and claim.measure in _RESPONSE_TIER:
        reached = _RESPONSE_TIER[claim.measure]
        return reached if claim.value >= 50 else reached - 1
    return None


class Response(NamedTuple):
    """Who got better by one measure, as studies counted: nothing is pooled, for each study draws its own line.

    share    of 100: from the lowest figure to the highest; a typical one only where there is no other
    studies  how many counted
    weeks    how long people were watched, shortest and longest where it is said; None = no study says
    timed    whether every study says it
    mixed    whether scars that acne did not leave are among them
    """

    measure: str
    share: Estimate
    studies: int
    weeks: tuple[float, float] | None
    timed: bool
    mixed: bool


@dataclass(frozen=True, eq=False)
class Evidence:
    """What all claims say together. Every answer is computed once and kept; the tables never change."""

    tables: Tables
    _kept: dict[tuple[object, ...], object] = field(default_factory=dict, repr=False)

    @cached_property
    def claims(self) -> dict[tuple[str, str], list[Claim]]:
        """{(treatment_id, attribute): claims}"""
        tiers = self.tables.sources["tier"].to_dict()
        rows = self.tables.evidence.reset_index()
        names = ("claim_id", "treatment_id", "attribute", "scar_type", "trait", "skin_type", "condition",
                 "partner_id", "measure", "level", "value", "low", "high", "n", "follow_up_weeks", "source_id",
                 "flags", "note")  # fmt: skip
        grouped: dict[tuple[str, str], list[Claim]] = {}
        for row in zip(*(rows[name].tolist() for name in names), strict=True):
            values = dict(zip(names, row, strict=True))
            flags = str(values.pop("flags")).split(";")
            trial = next((flag.partition(":")[2] for flag in flags if flag.startswith("same_trial:")), None)
            skin = skin_range(str(values.pop("skin_type")))
            claim = Claim(
                **values,
                skin=skin,
                trial=trial or str(values["source_id"]),
                tier=int(tiers[values["source_id"]]),
                flags=frozenset(flag.partition(":")[0] for flag in flags if flag),
            )
            grouped.setdefault((claim.treatment_id, claim.attribute), []).append(claim)
        return grouped

    @cached_property
    def concerns(self) -> dict[str, tuple[str, frozenset[str]]]:
        """{condition: (its plain label, treatments it concerns; empty = all)}"""
        table = self.tables.conditions
        return {
            condition: (label, frozenset(filter(None, concerns.split(";"))))
            for condition, label, concerns in zip(table.index, table["label"], table["concerns"], strict=True)
        }

    @cached_property
    def texts(self) -> dict[str, dict[str, str]]:
        """{treatment_id: what people read about it, by column}"""
        table = self.tables.treatments
        return {str(treatment): dict(zip(table.columns, row, strict=True)) for treatment, *row in table.itertuples()}

    def about(self, treatment_id: str, *attributes: str) -> list[Claim]:
        """The claims of a treatment on some questions, in the order of the file."""
        return [claim for name in attributes for claim in self.claims.get((treatment_id, name), ())]

    def number(self, treatment_id: str, attribute: str) -> Estimate:
        """A pooled figure, in the attribute's unit. Pain is never pooled across kinds of numbing. Where a source gives
        days off, what only tells how long a sign shows (crusts, swelling) can widen the range, not move it."""
        key = ("number", treatment_id, attribute)
        if key not in self._kept:
            claims = _counted(self.about(treatment_id, attribute))
            if attribute == "pain_vas":
                numbing = next((m for m in _NUMBING if any(c.measure == m for c in claims)), "")
                claims = [claim for claim in claims if claim.measure == numbing]
            if attribute == "downtime_days":
                claims = days_off(claims)
            self._kept[key] = _pool(claims)
        return self._kept[key]  # type: ignore[return-value]

    @cached_property
    def tariffs(self) -> dict[str, tuple[Tariff, ...]]:
        """{treatment_id: the different prices on the clinic's menu}; empty without a menu."""
        return tariffs(self.tables.menu)

    def price(self, treatment_id: str) -> Estimate:
        """US dollars a session: the clinic's own where its menu states one, else what sources say."""
        own = self.tariffs.get(treatment_id)
        if not own:
            return self.number(treatment_id, "cost_usd_per_session")
        prices = [tariff.session for tariff in own]
        return Estimate(min(prices), _middle(prices), max(prices), "clinic")

    def cost(self, treatment_id: str, visits: tuple[float, float, float]) -> tuple[float, float, float]:
        """US dollars for a lowest, typical and highest number of visits, packages of the clinic's menu included."""
        own = self.tariffs.get(treatment_id)
        few, usual, most = visits
        if not own:
            price = self.number(treatment_id, "cost_usd_per_session")
            return price.low * few, price.typical * usual, price.high * most
        lows, usuals, highs = ([tariff.course(count) for tariff in own] for count in visits)
        return min(lows), _middle(usuals), max(highs)

    def visits(self, treatment_id: str) -> Estimate:
        """The number of visits in whole numbers, at least one, as nobody makes half a visit: the lowest rounded down,
        the highest up."""
        found = self.number(treatment_id, "sessions")
        low = found.low if math.isnan(found.low) else max(math.floor(found.low), 1)
        typical = found.typical if math.isnan(found.typical) else max(math.floor(found.typical + 0.5), 1)
        high = found.high if math.isnan(found.high) else math.ceil(found.high)
        return replace(found, low=low, typical=typical, high=high)

    def course_cost(self, treatment_id: str) -> Estimate:
        """US dollars for the whole course: price a session times whole visits, low with low and high with high. Where
        the price is that of one scar or tube, only "at least" the price of one. With the clinic's own price, the
        sources are those of the number of visits."""
        price = self.price(treatment_id)
        visits = self.visits(treatment_id)
        if not price.known:
            return Estimate()
        if self.texts[treatment_id]["price_unit"] in ("scar", "tube"):  # how many are needed is not known
            return replace(price, typical=UNKNOWN, high=UNKNOWN, spread=None)
        weaker = min((price.strength, visits.strength), key=("clinic", "none", "weak", "fair", "strong").index)
        return Estimate(
            *self.cost(treatment_id, (1 if math.isnan(visits.low) else visits.low, visits.typical, visits.high)),
            "weak" if weaker == "none" else weaker,
            price.claims + visits.claims,
            tuple(dict.fromkeys(price.sources + visits.sources)),
            price.people,
            price.tier,
        )

    def pih(self, treatment_id: str, skin: int | None) -> Estimate:
        """Percent of people with dark marks (PIH) afterwards, for one Fitzpatrick type.

        Rows that name a range with this type; else rows that name no type (weak); else the figure for a darker type as
        a bound. As dark marks grow commoner with darker skin (claims C0103, C0751), a darker type never gets a lower
        figure than a lighter one. Never one number without a skin type: with `skin` None the range over all rows,
        typical not known.
        """
        key = ("pih", treatment_id, skin)
        if key not in self._kept:
            claims = self.about(treatment_id, "pih_percent")
            found = _whole_range(claims) if skin is None else _pih(claims, skin)
            for lighter in range(1, skin or 1):
                found = _at_least(found, _pih(claims, lighter))
            self._kept[key] = replace(found, things=_things(c for c in claims if c.claim_id in found.claims))
        return self._kept[key]  # type: ignore[return-value]

    def responses(self, treatment_id: str, scars: Iterable[str]) -> tuple[Response, ...]:
        """How many got better, by measure, in the order of the vocabulary: what studies counted on these kinds of scar,
        and on indented scars or acne scars together."""
        key = ("responses", treatment_id, tuple(scars))
        if key not in self._kept:
            rows = [
                claim
                for claim in _counted(self.about(treatment_id, "responder_rate"))
                if any(_speaks_of(claim, scar) or self._speaks_wider(claim, scar) for scar in scars)
            ]
            measures = self.tables.words("responder_measure")
            by_measure = {measure: [claim for claim in rows if claim.measure == measure] for measure in measures}
            self._kept[key] = tuple(_response(measure, claims) for measure, claims in by_measure.items() if claims)
        return self._kept[key]  # type: ignore[return-value]

    def harms(self, treatment_id: str) -> dict[str, Estimate]:
        """{event: percent of people}, one estimate for each adverse event of a treatment, in the order of the file;
        an event that is only reported has no figure."""
        key = ("harms", treatment_id)
        if key not in self._kept:
            events: dict[str, list[Claim]] = {}
            for claim in self.about(treatment_id, "adverse_event"):
                events.setdefault(claim.measure, []).append(claim)
            found = {}
            for event, claims in events.items():
                counted = [
                    c for c in claims if not math.isnan(c.value) or not math.isnan(c.low) or not math.isnan(c.high)
                ]
                told = _pool(counted) if counted else Estimate(
                    UNKNOWN, UNKNOWN, UNKNOWN, _strength(claims), *_cited(claims)
                )  # fmt: skip
                found[event] = replace(told, things=_things(c for c in counted if c.claim_id in told.claims))
            self._kept[key] = found
        return self._kept[key]  # type: ignore[return-value]

    def skin_risk(self, treatment_id: str, skin: int | None) -> Estimate:
        """How much the skin is at risk, as percent of people: the highest of dark marks (PIH) for this skin type, of
        other harm to the skin, and of four times each grave harm (so that 25 of 100 is as bad as can be).
        A grave harm that is reported without any figure makes the estimate weak."""
        key = ("skin_risk", treatment_id, skin)
        if key not in self._kept:
            pih = self.pih(treatment_id, skin)
            harms = self.harms(treatment_id).items()
            grave = [harm for event, harm in harms if event in GRAVE_HARMS]
            counted = [_times(harm, _GRAVE_COUNTS) for harm in grave if harm.known]
            parts = [pih, *counted, *(harm for event, harm in harms if event in SKIN_HARMS and harm.known)]
            low, typical, high = (
                max((x for x in (getattr(part, end) for part in parts) if not math.isnan(x)), default=UNKNOWN)
                for end in ("low", "typical", "high")
            )
            weak = not pih.known or len(counted) < len(grave)
            if not math.isnan(low):  # a harm known only as "at least" moves the whole figure up
                typical, high = max(typical, low), max(high, typical, low)
            self._kept[key] = Estimate(
                low,
                UNKNOWN if math.isnan(pih.typical) else typical,
                UNKNOWN if math.isnan(pih.high) else high,
                strength="none" if not any(part.known for part in parts) else "weak" if weak else pih.strength,
                claims=tuple(claim for part in parts for claim in part.claims),
                sources=tuple(dict.fromkeys(source for part in parts for source in part.sources)),
                people=max(part.people for part in parts),
                tier=min((part.tier for part in parts if part.tier), default=0),
            )
        return self._kept[key]  # type: ignore[return-value]

    def skin_fit(self, treatment_id: str, skin: int | None) -> Judgement:
        """Whether sources call it good, caution or avoid for a Fitzpatrick type; the strictest decides.

        Where no row speaks of a type, "good" for a darker one holds for it too (dark marks grow commoner with darker
        skin). A type that is not known is judged by the strictest word on types IV to VI.
        """
        key = ("skin", treatment_id, skin)
        if key not in self._kept:
            claims = self.about(treatment_id, "skin_fit")
            named = [c for c in claims if (skin in c.skin if skin else 4 in c.skin or 5 in c.skin or 6 in c.skin)]
            darker = [c for c in claims if skin and min(c.skin) > skin and c.level == "good"]
            self._kept[key] = _strictest(named or darker)
        return self._kept[key]  # type: ignore[return-value]

    def rule(self, treatment_id: str, condition: str) -> Judgement:
        """What the sources say of a treatment for a client with this condition; level "" = no row speaks of it."""
        key = ("rule", treatment_id, condition)
        if key not in self._kept:
            claims = self.about(treatment_id, "contraindication")
            self._kept[key] = _strictest([claim for claim in claims if claim.condition == condition])
        return self._kept[key]  # type: ignore[return-value]

    def fit(self, treatment_id: str, scar_type: str, traits: frozenset[str]) -> Judgement:
        """Whether it suits a scar type of this character: good, partial, poor, avoid, "" = not known.

        Rows on the scar type first; for indented types, where there are none, rows on `atrophic`. A trait for which the
        sources vote poor or partial caps the fit. Where no row speaks of fit, measured improvement does, as weak.
        """
        key = ("fit", treatment_id, scar_type, traits)
        if key not in self._kept:
            self._kept[key] = self._fit(treatment_id, scar_type, traits)
        return self._kept[key]  # type: ignore[return-value]

    def judged_by(self, treatment_id: str) -> str:
        """The treatment whose rows on scars count for this one: itself, or where it has none the one it adds to."""
        return treatment_id if self.claims.get((treatment_id, "scar_fit")) else PARENT.get(treatment_id, treatment_id)

    def _fit(self, treatment_id: str, scar_type: str, traits: frozenset[str]) -> Judgement:
        owner = self.judged_by(treatment_id)
        rows = self.about(owner, "scar_fit")
        if owner != treatment_id:
            rows = [claim for claim in rows if "not_acne_scar" not in claim.flags]
        own = [c for c in rows if c.scar_type == scar_type and (not c.trait or c.trait in traits)]
        if not own:
            own = [c for c in rows if c.scar_type == scar_type]
        general = [c for c in rows if c.scar_type == "atrophic" and not c.trait and self._spans(owner, scar_type)]
        base = _vote(own or general, _FIT_ORDER, weaken=owner != treatment_id or not own)
        harmful = [c for c in _counted(rows) if c.scar_type == scar_type and c.level == "avoid"]
        if harmful:
            _, sources, _, tier = _cited(harmful)
            return Judgement("avoid", _strength(harmful), tuple(c.claim_id for c in harmful), sources, tier)
        capped = self.trait_fit(owner, scar_type, traits)
        if capped.level and (not base.level or _FIT_ORDER.index(capped.level) < _FIT_ORDER.index(base.level)):
            base = capped
        if not base.level:
            effect = self.improvement(treatment_id, scar_type, traits)
            if not math.isnan(effect.typical):
                level = "poor" if effect.typical < 1 else "partial" if effect.typical < 2 else "good"
                return Judgement(level, "weak", effect.claims, effect.sources, effect.tier)
        return base

    def _spans(self, treatment_id: str, scar_type: str) -> bool:
        """Whether what is said of indented scars together holds for this type: not where a source says that the type
        was not studied."""
        return scar_type in INDENTED and not self.rule(treatment_id, f"{scar_type}_scars").level

    def _speaks_wider(self, claim: Claim, scar_type: str) -> bool:
        """Whether a row on indented scars together, or of a treatment for raised scars on such, holds for this type."""
        if self._spans(claim.treatment_id, scar_type):
            return claim.scar_type == "atrophic" or (_of_acne_scars(claim) and not claim.trait)
        raised = scar_type in ("hypertrophic", "keloid") and self.texts[claim.treatment_id]["family"] == "raised_scars"
        return raised and not claim.scar_type and "not_acne_scar" in claim.flags

    def trait_fit(self, treatment_id: str, scar_type: str, traits: frozenset[str]) -> Judgement:
        """The least favourable vote over the named traits of a scar; level "" = no row speaks of them."""
        rows = self.about(treatment_id, "scar_fit")
        votes = [
            _vote([c for c in rows if c.trait == trait and _speaks_of(c, scar_type)], _FIT_ORDER)
            for trait in sorted(traits)
        ]
        spoken = [vote for vote in votes if vote.level]
        return min(spoken, key=lambda vote: _FIT_ORDER.index(vote.level), default=Judgement())

    def improvement(self, treatment_id: str, scar_type: str, traits: frozenset[str]) -> Estimate:
        """Effect on one scar type as a tier 0 (little or none) .. 3 (marked), pooled by vote, never by averaging
        unlike measures. A tier is a quarter, a half, three quarters better on the study's own scale.

        Rows on the scar type first; rows on indented scars together (`atrophic`, or blank) at half weight while
        fewer than two sources speak of the type. A poor or partial fit for a trait caps the tier; a trait that no row
        speaks of makes the estimate weak.
        """
        key = ("improvement", treatment_id, scar_type, traits)
        if key not in self._kept:
            self._kept[key] = self._improvement(treatment_id, scar_type, traits)
        return self._kept[key]  # type: ignore[return-value]

    def _improvement(self, treatment_id: str, scar_type: str, traits: frozenset[str]) -> Estimate:
        rows = self.about(treatment_id, "scar_fit", "improvement", "responder_rate", "comparative")
        voting = [(tier, c) for c in rows if (tier := effect_tier(c)) is not None]
        voting = [(tier, c) for tier, c in voting if not c.trait or c.trait in traits]
        own = [c for _, c in voting if _speaks_of(c, scar_type)]
        wider: list[Claim] = []
        if len({c.trial for c in own}) < 2:
            wider = [c for _, c in voting if self._speaks_wider(c, scar_type)]
        wider = [claim for claim in wider if claim not in own]
        chosen = _tiered(own) + _tiered(wider)
        if not chosen:
            parent = PARENT.get(treatment_id)
            return _weakened(self.improvement(parent, scar_type, traits)) if parent else Estimate()
        tiers = dict(zip((c.claim_id for _, c in voting), (tier for tier, _ in voting), strict=True))
        weights = [
            weight * (1.0 if claim in own else 0.5) for claim, weight in zip(chosen, _shared(chosen), strict=True)
        ]
        # Studies that saw nothing are printed less often: one more small source that saw nothing takes part.
        values = [*(float(tiers[claim.claim_id]) for claim in chosen), 0.0]
        weights.append(SCEPTIC)
        typical = _quantile(values, weights, 0.5)
        low, high = _quantile(values, weights, 0.1), _quantile(values, weights, 0.9)
        spoken_of = {claim.trait for claim in rows if _speaks_of(claim, scar_type)}
        strength = _strength(chosen) if own and traits <= spoken_of else "weak"
        cap = {"avoid": 0.0, "poor": 0.0, "partial": 1.0}.get(self.trait_fit(treatment_id, scar_type, traits).level)
        if cap is not None:
            low, typical, high = min(low, cap), min(typical, cap), min(high, cap + 1)
        said = values[:-1]
        spread = (min(said), max(said)) if max(said) - min(said) >= 2 else None
        return Estimate(low, typical, high, strength, *_cited(chosen), spread=spread)

    def setting(self, treatment_id: str) -> Judgement:
        """Where it may be done, by the least strict source (law differs by place); `others` holds the stricter."""
        key = ("setting", treatment_id)
        if key not in self._kept:
            claims = self.about(treatment_id, "setting")
            found = Judgement()
            for level in ("home", "med_spa", "physician"):
                said = [claim for claim in claims if claim.level == level]
                if said:
                    ids, sources, _, tier = _cited(said)
                    others = _others(((c.level, c) for c in claims), level)
                    found = Judgement(level, _strength(said), ids, sources, tier, others)
                    break
            self._kept[key] = found
        return self._kept[key]  # type: ignore[return-value]

    @cached_property
    def counts(self) -> pd.DataFrame:
        """Rows and sources behind each treatment: index treatment_id, columns facts, sources, best_tier."""
        rows = self.tables.evidence.assign(tier=self.tables.evidence["source_id"].map(self.tables.sources["tier"]))
        grouped = rows.groupby("treatment_id")
        counts = pd.DataFrame(
            {
                "facts": grouped.size(),
                "sources": grouped["source_id"].nunique(),
                "best_tier": grouped["tier"].min().astype(int),
            }
        )
        return counts.reindex(self.tables.treatments.index, fill_value=0)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row a treatment: (question, low / typical / high / strength / sources) for every pooled number,
        the course's cost and the tier of effect for each scar type. NaN = not known."""
        rows: dict[str, dict[tuple[str, str], object]] = {}
        for treatment in self.tables.treatments.index:
            found = {name: self.number(treatment, name) for name in NUMBERS}
            found["course_usd"] = self.course_cost(treatment)
            found |= {f"effect_{s}": self.improvement(treatment, s, frozenset()) for s in SCAR_TYPES}
            rows[treatment] = {
                (name, part): value
                for name, item in found.items()
                for part, value in (
                    ("low", item.low),
                    ("typical", item.typical),
                    ("high", item.high),
                    ("strength", item.strength),
                    ("sources", len(item.sources)),
                )
            }
        frame = pd.DataFrame.from_dict(rows, orient="index")
        frame.columns = pd.MultiIndex.from_tuples([*next(iter(rows.values()))], names=["question", "part"])
        return frame.rename_axis("treatment_id")


def _response(measure: str, claims: Sequence[Claim]) -> Response:
    """What the claims on one measure say together."""
    ends = [end for claim in claims for end in (claim.low, claim.value, claim.high) if not math.isnan(end)]
    open_end = any(math.isnan(claim.value) and math.isnan(claim.high) for claim in claims)
    typical = claims[0].value if len(claims) == 1 and "midpoint" not in claims[0].flags else UNKNOWN
    high = UNKNOWN if open_end else max(ends)
    share = Estimate(min(ends), typical, high, _strength(claims), *_cited(claims), things=_things(claims))
    weeks = [claim.follow_up_weeks for claim in claims if not math.isnan(claim.follow_up_weeks)]
    return Response(
        measure,
        share,
        studies=len({claim.trial for claim in claims}),
        weeks=(min(weeks), max(weeks)) if weeks else None,
        timed=len(weeks) == len(claims),
        mixed=any("not_acne_scar" in claim.flags for claim in claims),
    )


def _speaks_of(claim: Claim, scar_type: str) -> bool:
    """Whether a row speaks of this scar type; one that names only the shape of a dent speaks of indented scars."""
    return claim.scar_type == scar_type or (bool(claim.trait) and not claim.scar_type and scar_type in INDENTED)


def _of_acne_scars(claim: Claim) -> bool:
    return not claim.scar_type and "not_acne_scar" not in claim.flags


def _middle(prices: Sequence[float]) -> float:
    """The middle one, of two the higher: a burden is not told too low. NaN where any is."""
    return UNKNOWN if any(math.isnan(price) for price in prices) else sorted(prices)[len(prices) // 2]


def _times(estimate: Estimate, factor: float) -> Estimate:
    low, typical, high = (
        min(end * factor, 100.0) if not math.isnan(end) else end
        for end in (estimate.low, estimate.typical, estimate.high)
    )
    return replace(estimate, low=low, typical=typical, high=high)


def _weakened(estimate: Estimate) -> Estimate:
    return replace(estimate, strength="weak" if estimate.known else "none")


@lru_cache(maxsize=4)
def weigh(tables: Tables) -> Evidence:
    """The evidence of these tables, weighed once."""
    return Evidence(tables)
