"""A risk as a hundred dots: never fewer than the figure says, never a picture where nothing is known."""

import math
import re

from hypothesis import given
from hypothesis import strategies as st

import scarlib
from scarlib.evidence import Estimate, weigh
from scarlib.icons import icon_array

EVIDENCE = weigh(scarlib.load_tables())
share = st.floats(0, 100)


def dots(svg):
    """{class: how many dots}"""
    return {name: path.count("h0") for name, path in re.findall(r'class="(\w+)" d="([^"]*)"', svg)}


@given(st.tuples(share, share, share).map(sorted))
def test_there_are_a_hundred_dots_and_none_too_few(ends):
    low, typical, high = ends
    found = dots(icon_array(Estimate(low, typical, high)))
    hit, may = found.get("hit", 0), found.get("may", 0)
    assert sum(found.values()) == 100
    assert abs(hit - low) <= 0.5
    assert hit + may >= min(high, 100) - 1e-6, "the highest figure is reached"


def test_a_small_risk_is_not_rounded_to_none_and_none_is_none():
    assert dots(icon_array(Estimate(0.1, 0.1, 0.1))) == {"may": 1, "not": 99}
    assert dots(icon_array(Estimate(0, 0, 0))) == {"not": 100}
    assert dots(icon_array(Estimate(100, 100, 100))) == {"hit": 100}


def test_an_open_end_reaches_to_all():
    assert dots(icon_array(Estimate(20, math.nan, math.nan))) == {"hit": 20, "may": 80}
    assert dots(icon_array(Estimate(math.nan, math.nan, 20))) == {"may": 20, "not": 80}


def test_what_is_not_known_has_no_picture():
    assert icon_array(Estimate()) == ""


def test_no_dot_stands_on_another():
    path = re.findall(r"M(\d+) (\d+)h0", icon_array(Estimate(5, 14, 24)))
    assert len(set(path)) == 100


def test_every_risk_of_dark_marks_can_be_drawn():
    for treatment in EVIDENCE.tables.treatments.index:
        for skin in (None, 1, 2, 3, 4, 5, 6):
            risk = EVIDENCE.pih(treatment, skin)
            assert bool(icon_array(risk)) == risk.known
