"""The guide's statements are answered from the rows, and quote them."""

from dataclasses import replace

import pytest

import scarlib
from scarlib import Tables, guide


@pytest.fixture(scope="module")
def tables() -> Tables:
    return scarlib.load_tables()


def test_every_statement_is_answered_from_the_rows(tables: Tables) -> None:
    found = guide.findings(tables)
    assert list(found.index) == list(tables.guide.index)
    assert set(found["agrees"]) == {"yes", "in part", "no", "not known"}
    assert not found["finding"].str.contains(r"[{}]|\bnan\b").any()
    assert ((found["rows"] == 0) == (found["best tier"] == 0)).all()
    assert (found["sources"] <= found["rows"]).all()
    assert (found.loc[found["rows"] == 0, "agrees"] == "not known").all()


def test_the_rows_behind_the_statements_are_all_there(tables: Tables) -> None:
    claims = guide.claims(tables)
    counts = guide.findings(tables)["rows"]
    assert claims.groupby("guide_id").size().to_dict() == counts[counts > 0].to_dict()
    assert claims["link"].str.startswith("http").all()
    assert (claims[["says", "source"]] != "").all(axis=None)
    assert claims[["treatment", "note"]].notna().all(axis=None)


def test_findings_quote_the_rows(tables: Tables) -> None:
    rows = tables.guide.iloc[:1].assign(claims="C0909;C0497", finding="Seen in {C0909 n} people for {C0497}.")
    found = guide.findings(replace(tables, guide=rows)).iloc[0]
    assert found["finding"] == "Seen in 120 people for 14 to 21 days."
    assert (found["rows"], found["sources"]) == (2, 2)
