"""What the evidence covers and lacks is counted from what the library decided."""

from dataclasses import replace

import pytest

import scarlib
from scarlib import coverage
from scarlib.client import SCAR_TYPES
from scarlib.evidence import NUMBERS, Evidence, weigh


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return weigh(scarlib.load_tables())


def treatments(evidence: Evidence) -> list[str]:
    return list(evidence.tables.treatments.index)


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


def test_sources_and_facts_add_up(evidence: Evidence) -> None:
    tables = evidence.tables
    for frame in (coverage.by_tier(tables), coverage.by_kind(tables)):
        assert frame["sources"].sum() == len(tables.sources)
        assert frame["facts"].sum() == len(tables.evidence)
    assert coverage.overview(tables).at[0, "facts"] == len(tables.evidence)


def test_fingerprint_follows_the_facts(evidence: Evidence) -> None:
    tables = evidence.tables
    changed = tables.evidence.copy()
    changed.iloc[0, changed.columns.get_loc("value")] = 1.5
    other = replace(tables, evidence=changed)
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
