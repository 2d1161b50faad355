"""Priorities -> score with its range, rank and the chance of the top three.

Additive multi-attribute value model (Keeney & Raiffa 1976). Every criterion has a value function on a fixed scale,
0 (worst) to 1 (best), and is known as a triangle: low, likely, high. The score is the expected value times the
person's weights, so it splits exactly into one contribution per criterion.

Weights. The criteria form two branches, benefit and burden. A branch weighs as much as the strongest priority in it
and its criteria share that by their own priorities; otherwise five kinds of burden would outvote one benefit merely
by being named apart (the splitting bias of value trees: Weber, Eisenführ & von Winterfeldt 1988).

Order. By score; but what the client's health calls into question comes after all that it does not, and what is not
known to be safe with it after what sources say needs care: a score cannot weigh a danger that nobody has measured.

Range and top three. Stochastic multicriteria acceptability analysis (SMAA: Lahdelma, Hokkanen & Salminen 1998):
2,000 seeded draws over every triangle and over the priorities (each half a step up or down; 0 stays 0).

Not known. The triangle spans the whole scale: never zero, never average. For the two criteria where an error does harm
(improvement, skin safety) it leans to the worst end, as screening does, and doubt counts: small uncontrolled studies
overstate. The low end of weak evidence reaches the worst end of the scale, its likely value goes half of the way there
and its high end comes down to the typical figure; for fair evidence each goes half as far.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scarlib.client import PRIORITIES, Client
from scarlib.evidence import Estimate, Evidence
from scarlib.screening import NO_TREATMENT, RANKED, Reason, screen, traits_of

CRITERIA = tuple(PRIORITIES)
BENEFIT = ("improvement", "lasting")
CAUTIOUS = ("improvement", "skin_safety")
# Fixed scales: the figure worth nothing and the figure worth everything, in the unit of the estimate. Each runs
# from none to about the worst (for lasting: best) typical figure in the tables.
SCALES: Mapping[str, tuple[float, float]] = {
    "improvement": (0.0, 3.0),  # tier of effect
    "skin_safety": (100.0, 0.0),  # people harmed, of 100 (see Evidence.skin_risk)
    "lasting": (0.0, 24.0),  # months
    "downtime": (21.0, 0.0),  # days
    "comfort": (10.0, 0.0),  # pain 0..10
    "cost": (12_000.0, 0.0),  # US dollars for the course
    "few_visits": (12.0, 0.0),  # sessions
}
_DOUBT: Mapping[str, float] = {"strong": 0.0, "fair": 0.5, "weak": 1.0, "none": 1.0}
DRAWS = 2_000
_SEED = 20_261_122

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Scores of the treatments that may be ranked, best first, and what they are made of.

    scores         index treatment_id; columns rank, score, score_low, score_high (0..100), top3 (0..100)
    contributions  index treatment_id, one column a criterion; rows add up to the score
    """

    scores: pd.DataFrame
    contributions: pd.DataFrame


def recommend(client: Client, evidence: Evidence) -> pd.DataFrame:
    """Every treatment, best first: index treatment_id; columns name, family, verdict, reasons (tuple of Reason),
    rank (1.. for suitable and caution, else <NA>), score, score_low, score_high (0..100, NaN where not ranked),
    top3 (of 100 plausible readings) and points_<criterion>, which add up to the score. Ruled-out treatments follow,
    nearest to fitting first."""
    screened = screen(client, evidence)
    ranked = [treatment for treatment, (verdict, _) in screened.items() if verdict in RANKED]
    ranking = rank(client, evidence, ranked, {treatment: health_doubt(screened[treatment][1]) for treatment in ranked})
    table = evidence.tables.treatments
    nearness = ("outside_limits", "defer", "not_indicated", "avoid")
    rest = sorted(
        (treatment for treatment in screened if screened[treatment][0] not in RANKED),
        key=lambda treatment: nearness.index(screened[treatment][0]),
    )
    order = [*ranking.scores.index, *rest]
    scores = ranking.scores.reindex(order)
    return pd.DataFrame(
        {
            "name": table["name"].reindex(order),
            "family": table["family"].reindex(order),
            "verdict": pd.Series([screened[treatment][0] for treatment in order], index=order, dtype="str"),
            "reasons": pd.Series([screened[treatment][1] for treatment in order], index=order, dtype=object),
            "rank": scores["rank"].astype("Int64"),
            "score": scores["score"],
            "score_low": scores["score_low"],
            "score_high": scores["score_high"],
            "top3": scores["top3"],
            **ranking.contributions.reindex(order).add_prefix("points_"),
        }
    ).rename_axis("treatment_id")


def health_doubt(reasons: Iterable[Reason]) -> int:
    """How far the client's health calls a treatment into question: 0 not, 1 a source asks for care, 2 not known."""
    cautions = [reason for reason in reasons if reason.level == "caution" and reason.about.startswith("condition:")]
    return max((1 if reason.source_ids else 2 for reason in cautions if not reason.about.endswith("_scars")), default=0)


def rank(
    client: Client, evidence: Evidence, treatments: list[str], doubts: Mapping[str, int] = MappingProxyType({})
) -> Ranking:
    """Score and order these treatments for this client; see the module's description of the method. Those with a
    higher health doubt come after the others, whatever their score."""
    low, likely, high = values(client, evidence, treatments)
    weights = weights_of(client.priorities)
    contributions = 100 * weights * (low + likely + high) / 3
    score = contributions.sum(axis=1)
    positions = evidence.tables.treatments.index.get_indexer(pd.Index(treatments))
    dice, steps = _draws(len(evidence.tables.treatments))
    drawn = _triangular(low, likely, high, tuple(part[positions] for part in dice))
    total = 100 * np.einsum("tcd,cd->td", drawn, _drawn_weights(client.priorities, steps).astype(np.float32))
    low_end, high_end = np.quantile(total, (0.05, 0.95), axis=1)
    places = min(3, len(treatments))
    third = np.partition(total, len(treatments) - places, axis=0)[len(treatments) - places]
    least = min((doubts.get(treatment, 0) for treatment in treatments if treatment != NO_TREATMENT), default=0)
    # Doing nothing does not come first merely because all else is in doubt.
    later = np.array([least if treatment == NO_TREATMENT else doubts.get(treatment, 0) for treatment in treatments])
    order = np.lexsort((np.arange(len(score)), -score, later))
    scores = pd.DataFrame(
        {
            "rank": np.empty(len(treatments), dtype=int),
            "score": score,
            "score_low": np.minimum(low_end, score),
            "score_high": np.maximum(high_end, score),
            "top3": 100 * (total >= third).mean(axis=1),
        },
        index=pd.Index(treatments, name="treatment_id"),
    ).iloc[order]
    scores["rank"] = np.arange(1, len(treatments) + 1)
    parts = pd.DataFrame(contributions, index=pd.Index(treatments, name="treatment_id"), columns=list(CRITERIA))
    return Ranking(scores, parts.iloc[order])


def values(client: Client, evidence: Evidence, treatments: list[str]) -> tuple[Floats, Floats, Floats]:
    """Low, likely and high value (0 worst .. 1 best) of each treatment on each criterion: three arrays of shape
    (treatments, criteria)."""
    traits = traits_of(client)
    triangles = [
        [_triangle(criterion, treatment, client, evidence, traits) for criterion in CRITERIA]
        for treatment in treatments
    ]
    low, likely, high = np.moveaxis(np.array(triangles, dtype=float).reshape(-1, len(CRITERIA), 3), -1, 0)
    return low, likely, high


def weights_of(priorities: Mapping[str, float]) -> Floats:
    """Weights of the criteria, adding up to 1: shape (criteria,). All priorities 0 = all criteria alike."""
    given = np.array([priorities.get(criterion, 0.0) for criterion in CRITERIA], dtype=float)
    return _branched(given[:, None])[:, 0]


def _branched(given: Floats) -> Floats:
    """Priorities, shape (criteria, draws) -> weights of the same shape, each draw adding up to 1."""
    given = np.where(given.max(axis=0) > 0, given, 1.0)
    weights = np.zeros_like(given)
    benefit = np.array([criterion in BENEFIT for criterion in CRITERIA])
    for branch in (benefit, ~benefit):
        part = given[branch]
        total = part.sum(axis=0)
        weights[branch] = np.where(total > 0, part / np.where(total > 0, total, 1.0), 0.0) * part.max(axis=0)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float64)


def _drawn_weights(priorities: Mapping[str, float], steps: Floats) -> Floats:
    given = np.array([priorities.get(criterion, 0.0) for criterion in CRITERIA], dtype=float)[:, None]
    return _branched(np.where(given > 0, np.clip(given + steps, 0.01, 3.5), 0.0))


@lru_cache(maxsize=4)
def _draws(treatments: int) -> tuple[tuple[Singles, Singles, Singles], Floats]:
    """The same dice for every client, so that a changed answer moves the result and not the dice: uniform draws u with
    sqrt(u) and sqrt(1 - u), each of shape (treatments, criteria, draws), and the steps of the priorities."""
    generator = np.random.default_rng(_SEED)
    uniform = generator.random((treatments, len(CRITERIA), DRAWS))
    steps = generator.uniform(-0.5, 0.5, (len(CRITERIA), DRAWS))
    u, root, other = (array.astype(np.float32) for array in (uniform, np.sqrt(uniform), np.sqrt(1 - uniform)))
    return (u, root, other), steps


def _triangular(low: Floats, likely: Floats, high: Floats, dice: tuple[Singles, ...]) -> Singles:
    """Draws from triangles of shape (treatments, criteria) by the inverse distribution function; a triangle without
    width is its one value."""
    width = high - low
    turn = np.divide(likely - low, width, out=np.zeros_like(width), where=width > 0)
    rise, fall = np.sqrt(width * (likely - low)), np.sqrt(width * (high - likely))
    start, peak, end, up, down = (array.astype(np.float32)[..., None] for array in (low, turn, high, rise, fall))
    uniform, root, other = dice
    return np.where(uniform < peak, start + up * root, end - down * other)


def _triangle(
    criterion: str, treatment: str, client: Client, evidence: Evidence, traits: frozenset[str]
) -> tuple[float, float, float]:
    if treatment == NO_TREATMENT:
        return (0.0, 0.0, 0.0) if criterion in BENEFIT else (1.0, 1.0, 1.0)
    if criterion == "improvement":
        return improvement_value(evidence, treatment, client.scars, traits)
    if criterion == "skin_safety":
        risk = evidence.skin_risk(treatment, client.fitzpatrick)
        low, likely, high = _on_scale(criterion, risk)
        rate = evidence.pih(treatment, client.fitzpatrick)
        if not rate.known and evidence.skin_fit(treatment, client.fitzpatrick).level == "good":
            likely = high / 5  # no rate, but called suitable: leaning less to the worst end
        return low, likely, high
    if criterion == "cost":
        return _on_scale(criterion, evidence.course_cost(treatment))
    if criterion == "few_visits" and evidence.setting(treatment).level == "home":
        return (1.0, 1.0, 1.0)  # done at home, whatever the course
    attribute = {
        "lasting": "durability_months",
        "downtime": "downtime_days",
        "comfort": "pain_vas",
        "few_visits": "sessions",
    }[criterion]
    return _on_scale(criterion, evidence.number(treatment, attribute))


def improvement_value(
    evidence: Evidence, treatment: str, scars: Mapping[str, float], traits: frozenset[str]
) -> tuple[float, float, float]:
    """Low, likely and high value (0..1) of the effect over all scars, each weighing as much as it is of the problem."""
    total = sum(scars.values())
    parts = [
        (weight / total, _on_scale("improvement", evidence.improvement(treatment, scar, traits)))
        for scar, weight in scars.items()
    ]
    low, likely, high = (sum(share * part[i] for share, part in parts) for i in range(3))
    return low, likely, high


def _on_scale(criterion: str, estimate: Estimate) -> tuple[float, float, float]:
    """An estimate as a triangle of values. An end that is not known is the end of the scale; a likely figure that is
    not known is the middle of what is left, for a cautious criterion the worst that is left."""
    worst, best = SCALES[criterion]

    def value(figure: float, unknown: float) -> float:
        return unknown if math.isnan(figure) else min(max((figure - worst) / (best - worst), 0.0), 1.0)

    ends = (estimate.low, estimate.high) if best > worst else (estimate.high, estimate.low)
    low, high = value(ends[0], 0.0), value(ends[1], 1.0)
    if criterion in CAUTIOUS:
        doubt = _DOUBT[estimate.strength]
        typical = value(estimate.typical, low)
        if not math.isnan(estimate.typical):
            high -= (high - typical) * doubt
        return low * (1 - doubt) + 0.0, typical * (1 - doubt / 2) + 0.0, high
    return low, value(estimate.typical, (low + high) / 2), high
