"""What the evidence notebook says agrees with what the library decided."""

import math
from pathlib import Path

import pandas as pd
import pytest

import scarlib
from scarlib import coverage
from scarlib.client import SCAR_TYPES
from scarlib.errors import DataError
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


def agrees(steps: pd.DataFrame, estimate: Estimate, *, bounds: bool = False) -> None:
    assert set(steps.loc[steps["counts"], "claim_id"]) == set(estimate.claims)
    moving = steps[steps["weight"] > 0]
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
        agrees(coverage.steps(evidence, treatment, attribute), evidence.number(treatment, attribute))


@pytest.mark.parametrize("skin", range(1, 7))
def test_every_dark_mark_rate_uses_the_rows_its_steps_name(evidence: Evidence, skin: int) -> None:
    for treatment in treatments(evidence):
        estimate = evidence.pih(treatment, skin)
        steps = coverage.steps(evidence, treatment, "pih_percent", skin)
        assert set(steps.loc[steps["counts"], "claim_id"]) == set(estimate.claims)
        named = steps["skin type"] != ""
        if (steps["counts"] & named).any() and not math.isnan(estimate.typical):
            moving = steps[steps["weight"] > 0]
            assert weighted_quantile(moving["value"], moving["weight"], 0.5) <= estimate.typical


def test_each_row_that_does_not_count_says_why(evidence: Evidence) -> None:
    for treatment in treatments(evidence):
        for attribute in NUMBERS:
            steps = coverage.steps(evidence, treatment, attribute)
            left_out = steps[~steps["counts"]]
            assert not left_out["why"].isin(["", "not used"]).any(), (treatment, attribute, list(left_out["claim_id"]))
            assert steps.loc[steps["counts"] & (steps["weight"] == 0), "why"].str.startswith("a bound").all()


def test_pain_steps_show_numbing_trials_and_tiers(evidence: Evidence) -> None:
    why = coverage.steps(evidence, "microneedling", "pain_vas").set_index("claim_id")["why"]
    assert why["C0983"].startswith("scored with another kind of numbing")
    assert why["C0979"].startswith("the same study as")
    assert why["C0984"].startswith("tier 3: not needed")


def test_votes_give_the_effect_that_is_shown(evidence: Evidence) -> None:
    for treatment in treatments(evidence):
        for scar in SCAR_TYPES:
            estimate = evidence.improvement(treatment, scar, frozenset())
            if not estimate.known:
                continue
            votes = coverage.votes(evidence, treatment, scar)
            assert set(votes["claim_id"]) - {""} == set(estimate.claims)
            assert weighted_quantile(votes["effect"], votes["weight"], 0.5) == estimate.typical, (treatment, scar)


def test_rules_name_who_decides(evidence: Evidence) -> None:
    for treatment in treatments(evidence):
        for condition in evidence.tables.conditions.index:
            judgement = evidence.rule(treatment, condition)
            rules = coverage.rules(evidence, treatment, condition)
            assert len(rules) == len(judgement.claims)
            assert not len(rules) or rules["decides"].any()


def test_grid_has_every_cell_once_and_never_a_dash(evidence: Evidence) -> None:
    cells = coverage.cells(evidence)
    assert len(cells) == cells.groupby(["treatment_id", "code"]).ngroups
    assert "no_treatment" not in set(cells["treatment_id"])
    assert (cells["strength"].eq("none") == ~cells["known"]).all()
    assert ((cells["sources"] > 0) == cells["known"]).all()
    grid = coverage.grid(evidence)
    assert grid.size == len(cells)
    assert grid.notna().all(axis=None)
    assert (grid == "not known").sum(axis=None) == (~cells["known"]).sum()
    totals = coverage.totals(evidence)
    assert totals.loc["all", "cells"] == len(cells)
    assert totals.loc["all", "not known"] == (~cells["known"]).sum()


def test_card_says_what_the_evidence_says(evidence: Evidence) -> None:
    card = coverage.card(evidence, "laser_co2_fractional").set_index("question")
    sessions = evidence.number("laser_co2_fractional", "sessions")
    row = card.loc["number of sessions"]
    assert (row["low"], row["typical"], row["high"]) == (sessions.low, sessions.typical, sessions.high)


def test_sources_and_facts_add_up(evidence: Evidence) -> None:
    tables = evidence.tables
    for frame in (coverage.by_tier(tables), coverage.by_kind(tables)):
        assert frame["sources"].sum() == len(tables.sources)
        assert frame["facts"].sum() == len(tables.evidence)
    assert coverage.overview(tables).at[0, "facts"] == len(tables.evidence)
    assert set(coverage.source_names(tables)) == set(tables.sources.index)
    assert all(coverage.source_names(tables).values())
    assert all(address.startswith("http") for address in coverage.links(tables).values() if address)


def test_fingerprint_follows_the_facts(evidence: Evidence) -> None:
    tables = evidence.tables
    changed = tables.evidence.copy()
    changed.iloc[0, changed.columns.get_loc("value")] = 1.5
    other = scarlib.Tables(
        changed, tables.sources, tables.treatments, tables.conditions, tables.scar_types, tables.vocabulary
    )
    assert coverage.overview(other).at[0, "fingerprint"] != coverage.overview(tables).at[0, "fingerprint"]


def test_origin_is_the_section_of_the_readme() -> None:
    text = coverage.origin()
    assert "curated by reading" in text
    assert "##" not in text


def test_disagreements_are_the_spreads_of_the_library(evidence: Evidence) -> None:
    frame = coverage.disagreements(evidence)
    assert (frame["lowest"] < frame["highest"]).all()
    assert (frame[["lowest found by", "highest found by"]] != "").all(axis=None)
    numbers = sum(
        evidence.number(treatment, name).spread is not None for treatment in treatments(evidence) for name in NUMBERS
    )
    effects = sum(
        evidence.improvement(treatment, scar, frozenset()).spread is not None
        for treatment in treatments(evidence)
        for scar in SCAR_TYPES
    )
    assert (~frame["question"].str.startswith("dark marks")).sum() == numbers + effects


def test_split_opinions_name_the_other_side(evidence: Evidence) -> None:
    frame = coverage.split_opinions(evidence)
    assert len(frame)
    assert (frame[["shown", "others say"]] != "").all(axis=None)


def test_unknowns_come_from_the_data(evidence: Evidence) -> None:
    conditions = coverage.unknown_conditions(evidence)
    assert (conditions["spoken of"] + conditions["not known"] == conditions["concerns"]).all()
    assert len(conditions) == len(evidence.tables.conditions)
    rates = coverage.skin_rates(evidence)
    unknown = sum(
        not evidence.pih(t, skin).known for t in treatments(evidence) if t != "no_treatment" for skin in range(1, 7)
    )
    assert (rates == "not known").sum(axis=None) == unknown
    few = coverage.few_people(evidence)
    assert few.loc["all", "known"] == coverage.cells(evidence)["known"].sum()
    web = coverage.web_only(evidence)
    assert set(web["treatment"]) <= set(evidence.tables.treatments["name"])


def test_guide_is_answered_from_the_rows(evidence: Evidence) -> None:
    guide = coverage.guide(evidence)
    assert guide.index.is_unique
    assert set(guide["agrees"]) <= set(coverage.AGREES.values())
    assert not guide["finding"].str.contains(r"[{}]|nan").any()
    claims = coverage.guide_claims(evidence)
    assert claims.groupby("guide_id").size().sum() == guide["rows"].sum()
    assert claims["link"].str.startswith("http").all()
    assert (claims["says"] != "").all()


def test_guide_quotes_the_rows(evidence: Evidence, tmp_path: Path) -> None:
    path = tmp_path / "guide.csv"
    path.write_text(
        "guide_id,topic,statement,treatments,claims,finding,agrees\n"
        "G01,Topic,It says so.,microneedling,C0909;C0497,Seen in {C0909 n} people for {C0497}.,partly\n",
        encoding="utf-8",
    )
    assert coverage.guide(evidence, path).at["G01", "finding"] == "Seen in 120 people for 14 to 21 days."


def test_guide_lists_every_problem_at_once(evidence: Evidence, tmp_path: Path) -> None:
    path = tmp_path / "guide.csv"
    path.write_text(
        "guide_id,topic,statement,treatments,claims,finding,agrees\n"
        "G01,Topic,It says so.,magic,C9999,Half of 40 people.,perhaps\n"
        "G02,Topic,It says so.,,,See {C0497}.,yes\n",
        encoding="utf-8",
    )
    with pytest.raises(DataError) as caught:
        coverage.guide(evidence, path)
    text = str(caught.value)
    for part in ("C9999", "magic", "a figure of its own", "perhaps", "row 3, column claims: is blank", "C0497"):
        assert part in text


@pytest.mark.parametrize("content", ["", "guide_id,topic\n", "a,b\n1,2\n"])
def test_guide_needs_its_header(evidence: Evidence, tmp_path: Path, content: str) -> None:
    path = tmp_path / "guide.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match="row 1"):
        coverage.guide(evidence, path)


@pytest.mark.parametrize(
    ("skin", "start"),
    [("IV-VI", "Darker"), ("V", "Darker"), ("I-III", "Lighter skin"), ("III-V", "Lighter and"), ("", "Skin type not")],
)
def test_skin_bands(skin: str, start: str) -> None:
    assert coverage.skin_band(skin).startswith(start)
