"""What the page says of itself is so: each criterion points to a part that is there, and none is claimed twice."""

import re
from datetime import timedelta
from html import unescape

import pytest

import scarlib
from scarlib.phrases import REVIEW_BY
from scarlib.ui import Dashboard
from scarlib.ui.about import CRITERIA, MET, about, as_a_decision_aid
from scarlib.ui.dashboard import _SECTIONS

TABLES = scarlib.load_tables()


@pytest.fixture(scope="module")
def page():
    board = Dashboard(TABLES)
    board.answers.fitzpatrick = 4

    def walk(widget):
        yield widget
        for child in getattr(widget, "children", ()):
            yield from walk(child)

    return " ".join(str(getattr(item, "value", "")) for item in walk(board.page))


def words(html):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


def test_all_criteria_are_listed_once_and_lead_to_a_part_of_the_page():
    numbers = [number for number, *_ in CRITERIA]
    assert len(set(numbers)) == len(numbers) == 32
    assert {met for _, _, met, _, _ in CRITERIA} == set(MET)
    sections = set(_SECTIONS)
    for number, _, met, where, section in CRITERIA:
        assert where, number
        assert section in sections or (section == "" and met == "not yet"), number


def test_what_needs_real_people_is_not_claimed():
    met = {number: met for number, _, met, _, _ in CRITERIA}
    assert {met[number] for number in ("K17", "K18", "K19", "K20")} == {"not yet"}
    said = words(as_a_decision_aid())
    assert "certified" not in said.lower()
    assert "Nobody has tested the page with clients or clinicians yet." in said


def test_the_counts_are_those_of_the_table():
    said = words(as_a_decision_aid())
    for name, start, of in (("qualifying", "1.", 6), ("certifying", "2.", 6), ("related quality items", "K", 20)):
        full = sum(met == "yes" for number, _, met, _, _ in CRITERIA if number.startswith(start))
        assert f"{name} {full} of {of}" in said


def test_it_says_when_it_is_due_and_warns_once_it_is_past():
    assert "Next review by" in about(TABLES)
    assert 'class="problem"' not in about(TABLES, REVIEW_BY)
    assert "was due for review" in about(TABLES, REVIEW_BY + timedelta(days=1)).split("</p>")[0]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("1.1.1", "What acne scars are|About acne scars"),
        ("1.1.2", "which treatment, if any"),
        ("1.1.3", "camouflage|hides marks"),
        ("1.2.1", "What it is like"),
        ("2.2.1", "<summary>Sources"),
        ("2.2.4", "of 100 readings"),
        ("2.3.1", "nobody paid"),
        ("K1", 'data-id="no_treatment"'),
        ("K5", "of 100"),
        ("K8", 'class="icons"'),
        ("K9", "get none"),
    ],
)
def test_what_it_claims_stands_on_the_page(page, number, shown):
    assert dict((row[0], row[2]) for row in CRITERIA)[number] == "yes"
    assert re.search(shown, page)
