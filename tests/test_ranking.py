"""The order against an independent implementation, and what people read out of the scores."""

import math
import random

import numpy as np
import pytest
from pymcdm.methods import WSM
from standing import standing

import scarlib
from scarlib import Client
from scarlib.client import LIMITS, PRIORITIES, SCAR_TYPES, SETTINGS, TRAITS
from scarlib.evidence import Estimate, weigh
from scarlib.ranking import (
    BENEFIT,
    CRITERIA,
    DRAWS,
    SCALES,
    _on_scale,
    _triangular,
    rank,
    values,
    weights_of,
)
from scarlib.screening import NO_TREATMENT

TABLES = scarlib.load_tables()
EVIDENCE = weigh(TABLES)
TREATMENTS = list(TABLES.treatments.index)
CONDITIONS = list(TABLES.conditions.index)
POINTS = [f"points_{criterion}" for criterion in CRITERIA]


def somebody(seed):
    """A person of any kind; the same seed is the same person."""
    dice = random.Random(seed)

    def some(options, most):
        return dice.sample(list(options), dice.randint(0, most))

    limits = {
        name: dice.uniform(low, min(high, 10_000)) for name, (low, high, _) in LIMITS.items() if dice.random() < 0.3
    }
    return Client(
        scars={scar: dice.uniform(0.5, 3) for scar in dice.sample(SCAR_TYPES, dice.randint(1, 3))},
        fitzpatrick=dice.choice([None, 1, 2, 3, 4, 5, 6]),
        traits=some(TRAITS, 2),
        severity=dice.choice([None, 1, 2, 3, 4]),
        conditions=some(CONDITIONS, 2),
        setting=dice.choice([None, *SETTINGS]),
        priorities={name: dice.choice([0, 1, 2, 3, dice.uniform(0.1, 3)]) for name in PRIORITIES},
        **limits,
    )


CROWD = [somebody(seed) for seed in range(24)]


def ranked(client):
    options = scarlib.recommend(client, TABLES)
    return options[options["rank"].notna()]


def expected(client, treatments):
    low, likely, high = values(client, EVIDENCE, treatments)
    return (low + likely + high) / 3


def weights_by_hand(priorities):
    """Each branch weighs its strongest priority and splits it by the priorities in it."""
    given = {name: float(priorities.get(name, 0)) for name in CRITERIA}
    if not any(given.values()):
        given = dict.fromkeys(CRITERIA, 1.0)
    found = {}
    for branch in ([n for n in CRITERIA if n in BENEFIT], [n for n in CRITERIA if n not in BENEFIT]):
        total, top = sum(given[n] for n in branch), max(given[n] for n in branch)
        found |= {n: given[n] / total * top if total else 0.0 for n in branch}
    return np.array([found[n] for n in CRITERIA]) / sum(found.values())


def test_weights_add_up_to_one_and_follow_the_branches():
    for client in CROWD:
        assert weights_of(client.priorities) == pytest.approx(weights_by_hand(client.priorities), abs=1e-12)
    assert weights_of({}) == pytest.approx(weights_by_hand({}))
    one = weights_of({"improvement": 3, "downtime": 3, "comfort": 3, "cost": 3})
    assert one[CRITERIA.index("improvement")] == pytest.approx(0.5)  # four wishes do not outvote one


@pytest.mark.parametrize("seed", range(24))
def test_order_and_score_are_those_of_a_weighted_sum(seed):
    client = CROWD[seed]
    found = ranked(client)
    matrix = expected(client, list(found.index))
    weights = weights_by_hand(client.priorities)
    kinds = np.ones(len(CRITERIA))
    # The values are on fixed scales already, so the oracle's own scaling is switched off.
    preference = WSM(lambda column, cost=False: column)(matrix, weights, kinds, validation=False)
    assert found["score"].to_numpy() == pytest.approx(100 * preference, abs=1e-9)
    # What the client's health calls into question comes after the rest, then what is beside the point; within each, the
    # oracle's order.
    later = standing(client, EVIDENCE, found["reasons"]).to_numpy()
    assert (np.diff(later) >= 0).all()
    for doubt in set(later):
        assert (np.diff(preference[later == doubt]) <= 1e-12).all()
    assert list(found["rank"]) == list(range(1, len(found) + 1))


def test_what_is_not_known_to_help_most_of_the_problem_comes_after_what_is_and_after_no_treatment():
    """Fillers are easy and last, but no source knows them to help icepick scars."""
    mostly = ranked(Client(scars={"icepick": 3, "rolling": 2}, fitzpatrick=5))
    assert mostly.index[0] == "tca_cross"
    for beside in ("filler_caha", "filler_pmma", "microneedling"):
        assert mostly.at[beside, "rank"] > mostly.at[NO_TREATMENT, "rank"]
        assert mostly.at[beside, "top3"] == 0
    assert mostly.at["filler_caha", "score"] > mostly.at["tca_cross", "score"]  # the score stays what it is
    hardly = ranked(Client(scars={"icepick": 2, "rolling": 3}, fitzpatrick=5))
    assert hardly.at["filler_caha", "rank"] < hardly.at[NO_TREATMENT, "rank"]


@pytest.mark.parametrize("seed", range(24))
def test_contributions_add_up_to_the_score_and_scores_lie_in_their_range(seed):
    found = ranked(CROWD[seed])
    assert (found[POINTS].sum(axis=1) - found["score"]).abs().max() < 1e-9
    assert (found[POINTS] >= 0).all(axis=None)
    assert (found["score_low"] >= -1e-6).all()
    assert (found["score_low"] <= found["score"]).all()
    assert (found["score"] <= found["score_high"]).all()
    assert (found["score_high"] <= 100 + 1e-4).all()
    assert found["top3"].between(0, 100).all()


def test_three_of_the_ranked_share_the_top_three():
    checked = 0
    for client in CROWD:
        found = ranked(client.replace(priorities=PRIORITIES))
        ties = found["score"].round(9).duplicated().any()
        if len(found) >= 3 and not ties:
            assert found["top3"].sum() == pytest.approx(300, abs=1e-6)
            checked += 1
        elif len(found) < 3:
            assert (found["top3"] == 100).all()
    assert checked >= 6


def test_the_same_person_gets_the_same_table_whatever_was_asked_before():
    client = CROWD[3]
    before = scarlib.recommend(client, TABLES)
    for other in CROWD[:5]:
        scarlib.recommend(other, TABLES)
    fresh = scarlib.load_tables()
    assert scarlib.recommend(client, TABLES).equals(before)
    assert scarlib.recommend(Client.from_json(client.to_json()), fresh).equals(before)


def test_the_order_of_the_answers_does_not_matter():
    scars = {"rolling": 1, "icepick": 2, "keloid": 1}
    one = Client(scars=scars, conditions=["smoking", "rosacea"], traits=["deep", "wide"])
    two = Client(scars=dict(reversed(scars.items())), conditions=["rosacea", "smoking"], traits=["wide", "deep"])
    columns = ["verdict", "rank"]
    first, second = scarlib.recommend(one), scarlib.recommend(two)
    assert first[columns].equals(second[columns])
    assert first["score"].to_numpy() == pytest.approx(second["score"].to_numpy(), abs=1e-9, nan_ok=True)


def test_a_scar_counts_by_its_share_whatever_the_unit():
    one, ten = Client(scars={"rolling": 1, "icepick": 3}), Client(scars={"rolling": 10, "icepick": 30})
    assert scarlib.recommend(one)["score"].to_numpy() == pytest.approx(
        scarlib.recommend(ten)["score"].to_numpy(), abs=1e-9, nan_ok=True
    )


# Priorities


@pytest.mark.parametrize("criterion", CRITERIA)
def test_more_priority_never_weighs_less(criterion):
    for client in CROWD:
        at = CRITERIA.index(criterion)
        weights = [weights_of({**client.priorities, criterion: step})[at] for step in np.linspace(0, 3, 13)]
        if any(client.priorities[name] for name in CRITERIA if name != criterion):
            assert (np.diff(weights) >= -1e-12).all()


@pytest.mark.parametrize("criterion", CRITERIA)
def test_the_best_on_the_only_thing_that_matters_comes_first(criterion):
    for client in CROWD[:12]:
        found = ranked(client.replace(priorities={criterion: 3}))
        value = dict(zip(found.index, expected(client, list(found.index))[:, CRITERIA.index(criterion)], strict=True))
        steps = standing(client, EVIDENCE, found["reasons"])
        alike = steps.index[steps == steps.min()]  # what is in doubt or beside the point comes later
        assert value[found.index[0]] == max(value[treatment] for treatment in alike)


@pytest.mark.parametrize("branch", [BENEFIT, tuple(name for name in CRITERIA if name not in BENEFIT)])
def test_stressing_a_whole_branch_never_lowers_the_best_of_that_branch(branch):
    """One priority alone may: it takes weight from its neighbours in the branch, where the best on it may lose."""
    inside = np.array([name in branch for name in CRITERIA])
    for client in CROWD:
        milder = {name: weight / 2 if name in branch else weight for name, weight in client.priorities.items()}
        if not any(milder[name] for name in branch):
            continue
        before, after = ranked(client.replace(priorities=milder)), ranked(client)
        names = list(before.index)
        worth = (expected(client, names) * weights_of(client.priorities) * inside).sum(axis=1)
        best = names[int(np.argmax(worth))]
        assert after.loc[best, "rank"] <= before.loc[best, "rank"]


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_priority_alone_in_its_branch_never_lowers_the_best_on_it(criterion):
    siblings = [name for name in CRITERIA if (name in BENEFIT) == (criterion in BENEFIT)]
    for client in CROWD[:15]:
        alone = {name: 0 if name in siblings else weight for name, weight in client.priorities.items()}
        if not any(alone.values()):
            continue
        before = ranked(client.replace(priorities={**alone, criterion: 1}))
        after = ranked(client.replace(priorities={**alone, criterion: 3}))
        value = expected(client, list(before.index))[:, CRITERIA.index(criterion)]
        for name in before.index[np.isclose(value, value.max(), atol=1e-12)][:1]:
            better = (after["score"] > after.loc[name, "score"] + 1e-9).sum()
            assert better <= (before["score"] > before.loc[name, "score"] + 1e-9).sum()


def test_no_priority_at_all_means_all_alike():
    client = Client(scars={"rolling": 1}, priorities={})
    alike = client.replace(priorities=dict.fromkeys(CRITERIA, 1))
    assert ranked(client)["score"].equals(ranked(alike)["score"])


# What is known, and what is not


def test_values_are_between_worst_and_best_and_in_order():
    for client in CROWD:
        low, likely, high = values(client, EVIDENCE, TREATMENTS)
        assert low.shape == (len(TREATMENTS), len(CRITERIA))
        assert (low >= -1e-12).all()
        assert (low <= likely + 1e-12).all()
        assert (likely <= high + 1e-12).all()
        assert (high <= 1 + 1e-12).all()


def test_what_is_not_known_spans_the_whole_scale():
    for criterion in SCALES:
        low, likely, high = _on_scale(criterion, Estimate())
        assert (low, high) == (0, 1)
        assert 0 <= likely < 1
    client = Client(scars={"rolling": 1}, fitzpatrick=2)
    low, _, high = values(client, EVIDENCE, TREATMENTS)
    pain, cost = CRITERIA.index("comfort"), CRITERIA.index("cost")
    for i, treatment in enumerate(TREATMENTS):
        if treatment == NO_TREATMENT:
            continue
        if not EVIDENCE.number(treatment, "pain_vas").known:
            assert (low[i, pain], high[i, pain]) == (0, 1)
        if not EVIDENCE.course_cost(treatment).known:
            assert (low[i, cost], high[i, cost]) == (0, 1)
        assert cost != pain


@pytest.mark.parametrize("criterion", ["improvement", "skin_safety"])
def test_what_is_not_known_leans_to_the_worst_where_an_error_does_harm(criterion):
    assert _on_scale(criterion, Estimate())[1] == 0


def test_an_end_that_is_not_known_is_the_end_of_the_scale():
    assert _on_scale("downtime", Estimate(low=0.0, strength="strong"))[0] == 0  # days "at least 0": may be any
    assert _on_scale("downtime", Estimate(high=21.0, strength="strong"))[2] == 1
    assert _on_scale("downtime", Estimate(0.0, 10.5, 21.0, "strong")) == (0, 0.5, 1)
    assert _on_scale("lasting", Estimate(0.0, 12.0, 24.0, "strong")) == (0, 0.5, 1)
    assert _on_scale("lasting", Estimate(30.0, 36.0, 90.0, "strong")) == (1, 1, 1)


@pytest.mark.parametrize("criterion", ["improvement", "skin_safety"])
def test_weaker_evidence_is_never_worth_more(criterion):
    figures = {"improvement": (1.0, 2.0, 3.0), "skin_safety": (5.0, 20.0, 40.0)}[criterion]
    means = [sum(_on_scale(criterion, Estimate(*figures, strength))) for strength in ("strong", "fair", "weak")]
    assert means == sorted(means, reverse=True)


def test_known_harms_bound_skin_safety_even_where_the_rate_of_dark_marks_is_not_known():
    for skin in (None, 1, 2, 3, 4, 5, 6):
        client = Client(scars={"rolling": 1}, fitzpatrick=skin)
        _, _, high = values(client, EVIDENCE, TREATMENTS)
        for i, treatment in enumerate(TREATMENTS):
            risk = EVIDENCE.skin_risk(treatment, skin)
            if treatment != NO_TREATMENT and not math.isnan(risk.low):
                assert high[i, CRITERIA.index("skin_safety")] <= 1 - risk.low / 100 + 1e-9, (treatment, skin)


def test_a_known_good_rate_is_worth_more_than_none():
    """An option whose rate of dark marks was never counted does not outscore one where it was counted and is low."""
    for skin in (1, 2, 3, 4, 5, 6):
        client = Client(scars={"rolling": 1}, fitzpatrick=skin)
        value = dict(zip(TREATMENTS, expected(client, TREATMENTS)[:, CRITERIA.index("skin_safety")], strict=True))
        unknown = [t for t in TREATMENTS if t != NO_TREATMENT and not EVIDENCE.pih(t, skin).known]
        low_risk = [
            t
            for t in TREATMENTS
            if t != NO_TREATMENT and EVIDENCE.skin_risk(t, skin).known and EVIDENCE.skin_risk(t, skin).high <= 20
        ]
        for counted in low_risk:
            assert all(value[counted] >= value[other] for other in unknown), (skin, counted)


def test_no_treatment_costs_nothing_hurts_nothing_and_changes_nothing():
    found = ranked(Client(scars={"rolling": 1}, fitzpatrick=5)).loc[NO_TREATMENT]
    weights = 100 * weights_of(PRIORITIES)
    for criterion, weight in zip(CRITERIA, weights, strict=True):
        assert found[f"points_{criterion}"] == pytest.approx(0 if criterion in BENEFIT else weight)


# The draws

SHAPES = [(0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (0.2, 0.5, 0.6), (0.0, 0.3, 1.0), (0.4, 0.4, 0.9), (0.7, 0.7, 0.7)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_sampler_has_the_quantiles_of_a_triangle(shape):
    share = np.linspace(0.005, 0.995, 199)
    low, likely, high = (np.array([[end]]) for end in shape)
    dice = tuple(part.astype(np.float32)[None, None, :] for part in (share, np.sqrt(share), np.sqrt(1 - share)))
    drawn = _triangular(low, likely, high, dice)[0, 0]
    if shape[0] == shape[2]:
        assert drawn == pytest.approx(shape[0], abs=1e-6)
        return
    oracle = np.quantile(np.random.default_rng(7).triangular(*shape, size=200_000), share)
    assert drawn == pytest.approx(oracle, abs=0.006)


def test_two_thousand_draws_hit_the_mean():
    assert DRAWS == 2_000
    client = CROWD[0]
    names = list(ranked(client).index)
    found = rank(client, EVIDENCE, names)
    assert list(found.scores.index) == list(found.contributions.index) == names
    assert (found.scores["score_high"] - found.scores["score_low"]).max() > 0
