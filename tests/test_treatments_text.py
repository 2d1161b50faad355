"""The texts people read about treatments, conditions and scars."""

import csv
import re

import pytest

from scarlib.tables import DATA


def read(name):
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


TREATMENTS = {row["treatment_id"]: row for row in read("treatments")}
CONDITIONS = {row["condition_id"]: row for row in read("conditions")}
SCARS = {row["scar_type"]: row for row in read("scar_types")}
EVIDENCE = {row["claim_id"]: row for row in read("evidence")}
TEXTS = {
    "treatments": ("name", "clinical_name", "how_it_works", "good_at", "watch_for", "visit"),
    "conditions": ("group_question", "label", "question", "help", "concerns_reason"),
    "scar_types": ("name", "description", "recognise"),
}
NAMES = re.compile(r"\b(CO2|5-FU)\b")


def words(text):
    return len(text.split())


@pytest.mark.parametrize(("name", "column"), [(name, column) for name, columns in TEXTS.items() for column in columns])
def test_texts_hold_no_figures_and_no_shouting(name, column):
    for row in read(name):
        text = row[column]
        assert not re.search(r"\d", NAMES.sub("", text)), text
        assert not re.search(r"\b(percent|per cent)\b|%", text), text
        assert "!" not in text
        assert text == text.strip()
        assert not re.search(r"[<>]|&\w+;", text)


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_every_cited_claim_exists_and_speaks_of_this_treatment(treatment):
    cited = TREATMENTS[treatment]["claims"].split(";")
    assert len(cited) == len(set(cited))
    for claim in cited:
        assert EVIDENCE[claim]["treatment_id"] == treatment, claim


@pytest.mark.parametrize("scar", SCARS)
def test_every_claim_on_a_scar_exists_and_speaks_of_it(scar):
    for claim in SCARS[scar]["claims"].split(";"):
        row = EVIDENCE[claim]
        assert row["attribute"] == "definition", claim
        assert row["scar_type"] in ("", scar, "atrophic"), claim


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_risks_get_at_least_as_many_words_as_uses(treatment):
    row = TREATMENTS[treatment]
    assert words(row["watch_for"]) >= words(row["good_at"])


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_every_text_is_whole_sentences(treatment):
    for column in ("how_it_works", "good_at", "watch_for", "visit"):
        assert TREATMENTS[treatment][column].endswith("."), column


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_the_price_unit_is_said_where_a_price_is_known(treatment):
    priced = any(
        row["treatment_id"] == treatment and row["attribute"] == "cost_usd_per_session" for row in EVIDENCE.values()
    )
    assert bool(TREATMENTS[treatment]["price_unit"]) == priced


def test_the_five_families_of_the_guide_and_no_treatment_are_there():
    families = {row["family"] for row in TREATMENTS.values()}
    assert {"microneedling", "peels", "lasers", "fillers", "radiofrequency"} <= families
    assert TREATMENTS["no_treatment"]["family"] == "no_treatment"
    assert len(TREATMENTS) == 32


def test_every_client_scar_type_is_described():
    from scarlib.client import INDENTED, SCAR_TYPES

    assert set(SCARS) == set(SCAR_TYPES)
    assert {SCARS[scar]["scar_class"] for scar in INDENTED} == {"indented"}
    assert {SCARS[scar]["scar_class"] for scar in ("hypertrophic", "keloid")} == {"raised"}
    assert {SCARS[scar]["scar_class"] for scar in ("erythematous", "hyperpigmented")} == {"mark"}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_is_a_question_and_says_why_it_concerns_only_some(condition):
    row = CONDITIONS[condition]
    assert row["question"].endswith("?")
    assert row["group_question"].endswith("?")
    assert bool(row["concerns"]) == bool(row["concerns_reason"])


def test_a_condition_concerns_every_treatment_that_a_rule_speaks_of():
    for row in EVIDENCE.values():
        condition = CONDITIONS.get(row["condition"])
        if row["attribute"] == "contraindication" and condition and condition["concerns"]:
            assert row["treatment_id"] in condition["concerns"].split(";"), row["claim_id"]
