"""Priorities -> score with its range, rank and the chance of the top three.

Additive multi-attribute value model (Keeney & Raiffa 1976). Every criterion has a value function on a fixed scale,
0 (worst) to 1 (best), and is known as a triangle: low, likely, high. The score is the expected value times the
person's weights, so it splits exactly into one contribution per criterion.

Weights. The criteria form two branches, benefit and burden. A branch weighs as much as the strongest priority in it
and its criteria share that by their own priorities; otherwise five kinds of burden would outvote one benefit merely
by being named apart (the splitting bias of value trees: Weber, Eisenführ & von Winterfeldt 1988).

Order. By score; but what the client's health calls into question comes after all that it does not, and what is not
known to be safe with it after what sources say needs care: a score cannot weigh a danger that nobody has measured.
Where health makes no difference, what is not known to help half of the problem or more comes after what is: ease and
price are no reason for a treatment that is beside the point.

Range and top three. Stochastic multicriteria acceptability analysis (SMAA: Lahdelma, Hokkanen & Salminen 1998):
2,000 seeded draws over every triangle and over the priorities (each half a step up or down; 0 stays 0).

Not known. The triangle spans the whole scale: never zero, never average. For the two criteria where an error does harm
(improvement, skin safety) it leans to the worst end, as screening does, and doubt counts: small uncontrolled studies
overstate. The low end of weak evidence reaches the worst end of the scale, its likely value goes half of the way there
and its high end comes down to the typical figure; for fair evidence each goes half as far.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, reduce
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scarlib.client import PRIORITIES, Client
from scarlib.evidence import Estimate, Evidence
from scarlib.screening import HELPS, NO_TREATMENT, RANKED, heeded, screen, traits_of
from scarlib.screening import health_doubt as health_doubt

CRITERIA = tuple(PRIORITIES)
BENEFIT = ("improvement", "lasting")
CAUTIOUS = ("improvement", "skin_safety")
_IMPROVEMENT = CRITERIA.index("improvement")
_BRANCHES = tuple([at for at, name in enumerate(CRITERIA) if (name in BENEFIT) == benefit] for benefit in (True, False))
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
# Where the ends of the score range stand among the sorted draws, and the draws below and above.
_PLACES = np.array([0.05, 0.95]) * (DRAWS - 1)
_ENDS = np.stack([np.floor(_PLACES), np.ceil(_PLACES)], axis=1).astype(int)

# In a reading too, each step of `later` is more than any score reaches over.
_STEP = 128

# What is told of a score: see Ranking.
NUMBERS = ("score", "score_low", "score_high", "top3")
# What is ruled out, nearest to fitting first.
NEARNESS = ("outside_limits", "defer", "not_indicated", "avoid")

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Places = NDArray[np.intp]


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
    rest = sorted(
        (treatment for treatment in screened if screened[treatment][0] not in RANKED),
        key=lambda treatment: NEARNESS.index(screened[treatment][0]),
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


def rank(
    client: Client, evidence: Evidence, treatments: list[str], doubts: Mapping[str, int] = MappingProxyType({})
) -> Ranking:
    """Score and order these treatments for this client; see the module's description of the method. Those with a
    higher health doubt come after the others, whatever their score, and so do those beside the point."""
    places = evidence.tables.treatments.index.get_indexer(pd.Index(treatments))
    given = np.array([doubts.get(treatment, 0) for treatment in treatments])
    found = score([client], evidence, np.zeros_like(places), places, given)
    index = evidence.tables.treatments.index[found.places].rename("treatment_id")
    scores = pd.DataFrame(dict(zip(NUMBERS, found.numbers, strict=True)), index=index)
    scores.insert(0, "rank", np.arange(1, len(scores) + 1))
    return Ranking(scores, pd.DataFrame(found.contributions, index=index, columns=list(CRITERIA)))


class Scores(NamedTuple):
    """What `score` found: one row a treatment of a client, the rows of a client together and best first.

    who            places of the clients among those given
    places         places of the treatments in their table
    numbers        shape (NUMBERS, rows)
    contributions  shape (rows, criteria)
    """

    who: Places
    places: Places
    numbers: Floats
    contributions: Floats


def score(
    clients: Sequence[Client], evidence: Evidence, who: Places, places: Places, doubts: NDArray[np.integer]
) -> Scores:
    """`rank` for several clients, without its labels. A row asks for one treatment, by its place in the table, for one
    client, by their place among `clients`, with its health doubt; the rows of a client stand together."""
    worth = _worth(evidence)
    triangles = np.stack([worth.values(client) for client in clients])[who, :, places]
    contributions = 100 * _weights([client.priorities for client in clients])[who] * triangles.sum(axis=1) / 3
    points = contributions.sum(axis=1)
    top3, ends, behind = np.empty(len(who)), np.empty((len(who), 2, 2), dtype=np.float32), np.empty(len(who), np.int64)
    for client, (rows, total) in zip(clients, _drawn(clients, worth, who, places, triangles), strict=True):
        behind[rows] = later(client, evidence, places[rows], doubts[rows])
        placed: Singles = total
        if behind[rows].any():
            placed = np.subtract(total, _STEP * behind[rows, None], dtype=np.float32)
        top3[rows] = [np.count_nonzero(row) for row in placed >= _third(placed)]
        total.sort(axis=1)
        ends[rows] = total[:, _ENDS]
    low_end, high_end = _between(ends[:, :, 0].T, ends[:, :, 1].T)
    order = np.lexsort((np.arange(len(who)), -points, behind, who))
    numbers = np.array([points, np.minimum(low_end, points), np.maximum(high_end, points), 100 * (top3 / DRAWS)])
    return Scores(who[order], places[order], numbers[:, order], contributions[order])


def later(client: Client, evidence: Evidence, places: Places, doubts: NDArray[np.integer]) -> NDArray[np.int64]:
    """By how many steps each treatment, by its place in the table, comes behind, whatever its score: first for its
    health doubt, then for being beside the point. Doing nothing comes with the first of the others: it does not come
    before them all merely because all are behind."""
    worth = _worth(evidence)
    steps: NDArray[np.int64] = 2 * doubts.astype(np.int64) + worth.beside(client)[places]
    treated = places != worth.nothing
    steps[~treated] = min(steps[treated].tolist(), default=0)
    return steps


def beside(client: Client, evidence: Evidence) -> frozenset[str]:
    """What is beside the point: for these, half of the problem or more is scars that they are not known to help."""
    found = evidence.tables.treatments.index[_worth(evidence).beside(client)]
    return frozenset(found) - {NO_TREATMENT}


def readings(client: Client, evidence: Evidence, treatments: list[str]) -> Singles:
    """The score (0..100) of each treatment in each of `DRAWS` plausible readings of the evidence and of the
    priorities: shape (treatments, DRAWS)."""
    worth = _worth(evidence)
    places = evidence.tables.treatments.index.get_indexer(pd.Index(treatments))
    triangles = worth.values(client)[:, places].swapaxes(0, 1)
    return next(total for _, total in _drawn([client], worth, np.zeros_like(places), places, triangles))


def _drawn(
    clients: Sequence[Client], worth: "_Worth", who: Places, places: Places, triangles: Floats
) -> Iterator[tuple[slice, Singles]]:
    """For each client in turn which rows are theirs, and their scores in every reading: shape (rows, draws)."""
    shapes = _shapes(*triangles[:, :, _IMPROVEMENT].T)
    ends = np.searchsorted(who, np.arange(len(clients) + 1))
    for client, start, end in zip(clients, ends[:-1], ends[1:], strict=True):
        mine = slice(start, end)
        total = np.zeros((end - start, DRAWS), dtype=np.float32)
        for criterion, weight in enumerate(_draws_of_weights(_given(client.priorities), worth.number)):
            if not weight[0]:
                continue
            if criterion == _IMPROVEMENT:
                value = _fallen(shapes[:, mine], tuple(part[places[mine]] for part in worth.improvement_dice))
            else:
                value = worth.draws_of(criterion, client.fitzpatrick)[places[mine]]
            value *= weight
            total += value
        total *= 100
        yield mine, total


def values(client: Client, evidence: Evidence, treatments: list[str]) -> tuple[Floats, Floats, Floats]:
    """Low, likely and high value (0 worst .. 1 best) of each treatment on each criterion: three arrays of shape
    (treatments, criteria)."""
    places = evidence.tables.treatments.index.get_indexer(pd.Index(treatments))
    low, likely, high = _worth(evidence).values(client)[:, places]
    return low, likely, high


def weights_of(priorities: Mapping[str, float]) -> Floats:
    """Weights of the criteria, adding up to 1: shape (criteria,). All priorities 0 = all criteria alike."""
    weights: Floats = _weights([priorities])[0]
    return weights


def _weights(many: Sequence[Mapping[str, float]]) -> Floats:
    """`weights_of` several: shape (clients, criteria)."""
    given = np.array([_given(priorities) for priorities in many])
    given[~given.any(axis=1)] = 1.0
    shares = [_shares({at: given[:, at] for at in branch}) for branch in _BRANCHES]
    found: Floats = np.stack([*_shared_out(shares).values()], axis=1)
    return found


def _given(priorities: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(float(priorities.get(criterion, 0.0)) for criterion in CRITERIA)


def _shares(given: Mapping[int, Floats]) -> dict[int, Floats]:
    """Of one branch, {criterion: its priorities} -> {criterion: its share of the strongest of them}."""
    total, most = reduce(np.add, given.values()), reduce(np.maximum, given.values())
    total = np.where(total > 0, total, 1.0)
    return {at: row / total * most for at, row in given.items()}


def _shared_out(branches: Iterable[Mapping[int, Floats]]) -> dict[int, Floats]:
    """The shares of all branches as {criterion: its weights}, in order, adding up to 1; what is left out is 0."""
    shares = dict(sorted((item for branch in branches for item in branch.items()), key=itemgetter(0)))
    whole = reduce(np.add, shares.values())
    return {at: row / whole for at, row in shares.items()}


@lru_cache(maxsize=32)
def _draws_of_weights(given: tuple[float, ...], treatments: int) -> Singles:
    """Draws of the weights for these priorities, each half a step up or down; 0 stays 0: shape (criteria, draws)."""
    some = [tuple((at, given[at]) for at in branch if given[at] > 0) for branch in _BRANCHES]
    weights = np.zeros((len(CRITERIA), DRAWS), dtype=np.float32)
    if not any(some):
        weights += weights_of({}).astype(np.float32)[:, None]
        return weights
    for at, row in _shared_out(_drawn_shares(part, treatments) for part in some if part).items():
        weights[at] = row
    return weights


@lru_cache(maxsize=64)
def _drawn_shares(given: tuple[tuple[int, float], ...], treatments: int) -> dict[int, Floats]:
    steps = _draws(treatments)[1]
    return _shares({at: np.clip(steps[at] + priority, 0.01, 3.5) for at, priority in given})


@dataclass(frozen=True, eq=False)
class _Worth:
    """What the treatments of some evidence are worth. Improvement depends on the scars and their character, skin safety
    on the skin type, the rest on the treatment alone: each distinct case is worked out and drawn once, and kept."""

    evidence: Evidence
    nothing: int  # the place of no treatment in the table
    _effects: dict[tuple[str, frozenset[str]], Floats] = field(default_factory=dict, repr=False)
    _helped: dict[tuple[str, frozenset[str]], NDArray[np.bool_]] = field(default_factory=dict, repr=False)
    _others: dict[int | None, Floats] = field(default_factory=dict, repr=False)
    _drawn: dict[tuple[int, int | None], Singles] = field(default_factory=dict, repr=False)

    @property
    def number(self) -> int:
        """How many treatments there are."""
        return len(self.evidence.tables.treatments)

    def beside(self, client: Client) -> NDArray[np.bool_]:
        """Whether half of the problem or more is scars that a treatment is not known to help: shape (treatments,)."""
        traits, unhelped = traits_of(client), np.zeros(self.number)
        for scar, weight in client.scars.items():
            unhelped += weight * ~self._helps(scar, traits)
        found: NDArray[np.bool_] = 2 * unhelped >= sum(client.scars.values())
        return found

    def values(self, client: Client) -> Floats:
        """Low, likely and high value of every treatment: shape (3, treatments, criteria)."""
        found = self._other_values(client.fitzpatrick).copy()
        found[:, :, _IMPROVEMENT] = self.improvement(client.scars, traits_of(client))
        return found

    def improvement(self, scars: Mapping[str, float], traits: frozenset[str]) -> Floats:
        """Low, likely and high value of the effect over all scars, each weighing as much as it is of the problem: shape
        (3, treatments)."""
        whole = sum(scars.values())
        found = np.zeros((3, self.number))
        for scar, weight in scars.items():
            found += weight / whole * self._effect(scar, traits)
        return found

    @cached_property
    def improvement_dice(self) -> tuple[Singles, ...]:
        """The dice of `_draws` for improvement, side by side: shape (treatments, draws) each."""
        return tuple(part[:, _IMPROVEMENT].copy() for part in _draws(self.number)[0])

    def draws_of(self, criterion: int, skin: int | None) -> Singles:
        """Draws of the value of every treatment on a criterion other than improvement: shape (treatments, draws)."""
        key = (criterion, skin if CRITERIA[criterion] == "skin_safety" else None)
        if key not in self._drawn:
            low, likely, high = self._other_values(skin)[:, :, criterion]
            self._drawn[key] = _triangular(
                low, likely, high, tuple(part[:, criterion] for part in _draws(self.number)[0])
            )
        return self._drawn[key]

    def _helps(self, scar: str, traits: frozenset[str]) -> NDArray[np.bool_]:
        key = (scar, traits)
        if key not in self._helped:
            fits = (
                self.evidence.fit(name, scar, heeded(name, traits, self.evidence)).level
                for name in self.evidence.tables.treatments.index
            )
            self._helped[key] = np.array([level in HELPS for level in fits])
        return self._helped[key]

    def _effect(self, scar: str, traits: frozenset[str]) -> Floats:
        key = (scar, traits)
        if key not in self._effects:
            known = (
                self.evidence.improvement(name, scar, heeded(name, traits, self.evidence))
                for name in self.evidence.tables.treatments.index
            )
            found = np.array([_on_scale("improvement", estimate) for estimate in known]).T
            found[:, self.nothing] = 0.0
            self._effects[key] = found
        return self._effects[key]

    def _other_values(self, skin: int | None) -> Floats:
        """Values on all criteria but improvement, which stays 0."""
        if skin not in self._others:
            found = np.zeros((3, self.number, len(CRITERIA)))
            for place, treatment in enumerate(self.evidence.tables.treatments.index):
                for at, criterion in enumerate(CRITERIA):
                    if at != _IMPROVEMENT:
                        found[:, place, at] = _triangle(criterion, treatment, skin, self.evidence)
            self._others[skin] = found
        return self._others[skin]


@lru_cache(maxsize=4)
def _worth(evidence: Evidence) -> _Worth:
    return _Worth(evidence, list(evidence.tables.treatments.index).index(NO_TREATMENT))


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
    """Draws from triangles, by the inverse distribution function; the dice have one more axis, the draws. A triangle
    without width is its one value."""
    return _fallen(_shapes(low, likely, high), dice)


def _shapes(low: Floats, likely: Floats, high: Floats) -> Singles:
    """What the inverse distribution functions of triangles are made of: low, share below the peak, high, rise, fall."""
    width = high - low
    turn = np.divide(likely - low, width, out=np.zeros_like(width), where=width > 0)
    rise, fall = np.sqrt(width * (likely - low)), np.sqrt(width * (high - likely))
    return np.array([low, turn, high, rise, fall], dtype=np.float32)


def _fallen(shapes: Singles, dice: tuple[Singles, ...]) -> Singles:
    start, peak, end, up, down = shapes[..., None]
    uniform, root, other = dice
    drawn: Singles = up * root
    falling: Singles = down * other
    drawn += start
    np.subtract(end, falling, out=falling)
    np.copyto(drawn, falling, where=uniform >= peak)
    return drawn


def _between(below: Singles, above: Singles) -> Floats:
    """The ends of the score range, interpolated between the two draws next to each as np.quantile does: arrays of shape
    (ends, rows). Sorting whole rows is several times faster than np.quantile's search."""
    part = (_PLACES % 1)[:, None]
    step = above - below
    found: Floats = np.where(part < 0.5, below + step * part, above - step * (1 - part))
    return found


def _third(total: Singles) -> Singles:
    """The third highest score of each draw; the lowest where there are fewer than three."""
    if len(total) < 4:
        return np.asarray(total.min(axis=0), dtype=np.float32)
    first, second, third = (np.full(total.shape[1], -np.inf, dtype=np.float32) for _ in range(3))
    for row in total:
        np.maximum(third, np.minimum(second, row), out=third)
        np.maximum(second, np.minimum(first, row), out=second)
        np.maximum(first, row, out=first)
    return third


def _triangle(criterion: str, treatment: str, skin: int | None, evidence: Evidence) -> tuple[float, float, float]:
    """A treatment's value on a criterion other than improvement."""
    if treatment == NO_TREATMENT:
        return (0.0, 0.0, 0.0) if criterion in BENEFIT else (1.0, 1.0, 1.0)
    if criterion == "skin_safety":
        risk = evidence.skin_risk(treatment, skin)
        low, likely, high = _on_scale(criterion, risk)
        rate = evidence.pih(treatment, skin)
        if not rate.known and evidence.skin_fit(treatment, skin).level == "good":
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
