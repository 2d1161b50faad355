"""Every figure is recomputed from the rows that are shown behind it."""

import math

import pandas as pd
import pytest

import scarlib
from scarlib import steps
from scarlib.client import SCAR_TYPES
from scarlib.evidence import NUMBERS, Estimate, Evidence, weigh


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return weigh(scarlib.load_tables())


def treatments(evidence: Evidence) -> list[str]:
    return list(evidence.tables.treatments.index)


def weighted_quantile(values: pd.Series, weights: pd.Series, share: float) -> float:
    order = values.sort_values(kind="stable").index
    reached = weights[order].cumsum()
    return float(values[reached[reached >= share * weights.sum() - 1e-9].index[0]])


def agrees(rows: pd.DataFrame, estimate: Estimate) -> None:
    assert set(rows.loc[rows["counts"], "claim_id"]) == set(estimate.claims)
    moving = rows[rows["weight"] > 0]
    assert moving["counts"].all()
    if moving.empty:
        assert math.isnan(estimate.typical)
        return
    typical = weighted_quantile(moving["value"], moving["weight"], 0.5)
    low = weighted_quantile(moving["low"].fillna(moving["value"]), moving["weight"], 0.1)
    high = weighted_quantile(moving["high"].fillna(moving["value"]), moving["weight"], 0.9)
    assert typical == estimate.typical
    assert estimate.low <= min(low, typical)
    assert estimate.high >= max(high, typical) or math.isnan(estimate.high)
    if len(moving) == len(estimate.claims):
        assert (estimate.low, estimate.high) == (min(low, typical), max(high, typical))
    assert moving["share"].max() == pytest.approx(100)


@pytest.mark.parametrize("attribute", NUMBERS)
def test_every_number_is_recomputed_from_its_steps(evidence: Evidence, attribute: str) -> None:
    for treatment in treatments(evidence):
        agrees(steps.steps(evidence, treatment, attribute), evidence.number(treatment, attribute))


@pytest.mark.parametrize("skin", range(1, 7))
def test_every_dark_mark_rate_uses_the_rows_its_steps_name(evidence: Evidence, skin: int) -> None:
    for treatment in treatments(evidence):
        estimate = evidence.pih(treatment, skin)
        rows = steps.steps(evidence, treatment, "pih_percent", skin)
        assert set(rows.loc[rows["counts"], "claim_id"]) == set(estimate.claims)
        named = rows["skin type"] != ""
        if (rows["counts"] & named).any() and not math.isnan(estimate.typical):
            moving = rows[rows["weight"] > 0]
            assert weighted_quantile(moving["value"], moving["weight"], 0.5) <= estimate.typical


def test_each_row_that_does_not_count_says_why(evidence: Evidence) -> None:
    for treatment in treatments(evidence):
        for attribute in NUMBERS:
            rows = steps.steps(evidence, treatment, attribute)
            left_out = rows[~rows["counts"]]
            assert not left_out["why"].isin(["", "not used"]).any(), (treatment, attribute, list(left_out["claim_id"]))
            assert rows.loc[rows["counts"] & (rows["weight"] == 0), "why"].str.startswith("a bound").all()


def test_pain_steps_show_numbing_trials_and_tiers(evidence: Evidence) -> None:
    why = steps.steps(evidence, "microneedling", "pain_vas").set_index("claim_id")["why"]
    assert why["C0983"].startswith("scored with another kind of numbing")
    assert why["C0979"].startswith("the same study as")
    assert why["C0984"].startswith("tier 3: not needed")


def test_votes_give_the_effect_that_is_shown(evidence: Evidence) -> None:
    for treatment in treatments(evidence):
        for scar in SCAR_TYPES:
            estimate = evidence.improvement(treatment, scar, frozenset())
            if not estimate.known:
                continue
            rows = steps.votes(evidence, treatment, scar)
            assert set(rows["claim_id"]) - {""} == set(estimate.claims)
            assert weighted_quantile(rows["effect"], rows["weight"], 0.5) == estimate.typical, (treatment, scar)


def test_rules_name_who_decides(evidence: Evidence) -> None:
    for treatment in treatments(evidence):
        for condition in evidence.tables.conditions.index:
            judgement = evidence.rule(treatment, condition)
            rows = steps.rules(evidence, treatment, condition)
            assert len(rows) == len(judgement.claims)
            assert not len(rows) or rows["decides"].any()


def test_card_says_what_the_evidence_says(evidence: Evidence) -> None:
    card = steps.card(evidence, "laser_co2_fractional").set_index("question")
    sessions = evidence.number("laser_co2_fractional", "sessions")
    row = card.loc["number of sessions"]
    assert (row["low"], row["typical"], row["high"]) == (sessions.low, sessions.typical, sessions.high)


def test_every_source_has_a_name_and_every_row_its_words(evidence: Evidence) -> None:
    tables = evidence.tables
    names = steps.source_names(tables)
    assert set(names) == set(tables.sources.index)
    assert all(names.values())
    said = steps.said(tables)
    assert set(said) == set(tables.evidence.index)
    assert all(words and "nan" not in words.split() for words in said.values())
    assert said["C0497"] == "days off, crusts: 14 to 21 days"
