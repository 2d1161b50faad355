"""Every pooling rule, on claims small enough to work the answer out by hand."""

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scarlib
from scarlib.client import INDENTED, SCAR_TYPES, TRAITS
from scarlib.evidence import Evidence, weigh
from scarlib.screening import VERDICTS

TABLES = scarlib.load_tables()
REAL = weigh(TABLES)
TREATMENTS = list(TABLES.treatments.index)
SKINS = (None, 1, 2, 3, 4, 5, 6)
ANY = "subcision"
NO_TRAITS = frozenset()
fast = settings(max_examples=50, deadline=None, derandomize=True)

TEXT = [column for column, kind in TABLES.evidence.dtypes.items() if kind != "float64"]
NUMERIC = [column for column, kind in TABLES.evidence.dtypes.items() if kind == "float64"]


def weighed(*rows):
    """Evidence of these rows alone; source `t3b` is of tier 3."""
    if not rows:
        return Evidence(dataclasses.replace(TABLES, evidence=TABLES.evidence.iloc[:0]))
    filled = [
        {**dict.fromkeys(TEXT, ""), **dict.fromkeys(NUMERIC, math.nan), "treatment_id": ANY, **row} for row in rows
    ]
    evidence = pd.DataFrame(filled, index=pd.Index([f"K{i}" for i in range(len(rows))], name="claim_id"))
    ids = sorted(set(evidence["source_id"]))
    sources = pd.DataFrame({"tier": [float(name[1]) for name in ids]}, index=ids)
    return Evidence(dataclasses.replace(TABLES, evidence=evidence, sources=sources))


def days(source, value=math.nan, **rest):
    return {"attribute": "erythema_days", "source_id": source, "value": float(value), **rest}


def pooled(*rows):
    return weighed(*rows).number(ANY, "erythema_days")


def fit_row(source, level, **rest):
    return {"attribute": "scar_fit", "scar_type": "rolling", "source_id": source, "level": level, **rest}


def fit(*rows, scar="rolling", traits=NO_TRAITS):
    return weighed(*rows).fit(ANY, scar, traits)


def rule_row(source, level, **rest):
    return {"attribute": "contraindication", "condition": "smoking", "source_id": source, "level": level, **rest}


def rule(*rows):
    return weighed(*rows).rule(ANY, "smoking")


def bounds(estimate):
    return estimate.low, estimate.typical, estimate.high


# Which rows count


def test_lower_tiers_speak_only_while_fewer_than_two_better_sources_do():
    one_better = pooled(days("t2a", 2, n=20.0), days("t3a", 10, n=60.0), days("t4a", 90, n=100.0))
    assert one_better.claims == ("K0", "K1")  # tier 3 makes it two, so tier 4 stays out
    assert one_better.typical == 10
    two_better = pooled(days("t2a", 2, n=20.0), days("t1a", 4, n=20.0), days("t3a", 90, n=100.0))
    assert two_better.claims == ("K0", "K1")
    assert bounds(two_better) == (2, 2, 4)
    assert two_better.tier == 1
    web_only = pooled(days("t4a", 7))
    assert (web_only.typical, web_only.tier, web_only.strength) == (7, 4, "weak")


def test_two_rows_of_one_source_are_not_two_sources():
    found = pooled(days("t2a", 2, n=20.0), days("t2a", 3, n=20.0), days("t3a", 10, n=60.0))
    assert "K2" in found.claims


def test_the_same_trial_counts_once_by_its_best_tier():
    found = pooled(
        days("t3b", 40, n=100.0, flags="same_trial:x"),
        days("t2a", 4, n=100.0, flags="same_trial:x"),
        days("t2c", 6, n=60.0),
    )
    assert set(found.claims) == {"K1", "K2"}
    assert found.typical == 4
    assert found.people == 160


def test_rows_of_one_trial_share_its_weight():
    # 100 people at 10 against 120 at 1; were each row of the trial worth 100, 10 would win.
    found = pooled(days("t2a", 10, n=100.0), days("t2a", 10, n=100.0), days("t2b", 1, n=60.0), days("t2c", 1, n=60.0))
    assert found.typical == 1


@pytest.mark.parametrize("flag", ["control_arm", "derived"])
def test_control_arms_and_derived_rows_never_count(flag):
    assert not pooled(days("t1a", 5, flags=flag)).known
    assert bounds(pooled(days("t2a", 3), days("t2b", 3), days("t1a", 90, flags=flag))) == (3, 3, 3)
    assert fit(fit_row("t1a", "good", flags=flag)).level == ""
    arm = {"attribute": "improvement", "measure": "percent_improvement", "scar_type": "rolling", "value": 90.0}
    assert not weighed({**arm, "source_id": "t1a", "flags": flag}).improvement(ANY, "rolling", NO_TRAITS).known


@pytest.mark.parametrize("flag", ["control_arm", "derived"])
def test_control_arms_and_derived_rows_never_count_in_safety_either(flag):
    assert fit(fit_row("t2a", "good"), fit_row("t2b", "good"), fit_row("t2c", "avoid", flags=flag)).level == "good"
    assert rule(rule_row("t1a", "avoid", flags=flag)).level == ""
    skin = {"attribute": "skin_fit", "skin_type": "V", "source_id": "t2a", "level": "avoid", "flags": flag}
    assert weighed(skin).skin_fit(ANY, 5).level == ""


# How much they weigh


def test_a_source_weighs_at_most_a_hundred_people():
    # 100 against 120 people: the thousand people of one trial do not outvote two others.
    assert pooled(days("t2a", 9, n=1000.0), days("t2b", 1, n=60.0), days("t2c", 1, n=60.0)).typical == 1


def test_a_source_that_does_not_say_weighs_by_its_tier():
    # A guideline (100) outweighs three trials (30 each) but not four.
    trials = [days(f"t2{letter}", 1) for letter in "bcde"]
    assert pooled(days("t1a", 9), *trials[:3]).typical == 9
    assert pooled(days("t1a", 9), *trials).typical == 1
    # Tier 3 (20) outweighs one web page (10), not three.
    pages = [days(f"t4{letter}", 1) for letter in "bcd"]
    assert pooled(days("t3a", 9), *pages[:1]).typical == 9
    assert pooled(days("t3a", 9), *pages).typical == 1


@pytest.mark.parametrize("flag", ["not_acne_scar", "family_rule", "not_acne_scar;family_rule"])
def test_other_scars_and_family_rules_weigh_half(flag):
    assert pooled(days("t2a", 9, n=100.0), days("t2b", 1, n=60.0)).typical == 9
    assert pooled(days("t2a", 9, n=100.0, flags=flag), days("t2b", 1, n=60.0)).typical == 1


@pytest.mark.parametrize("flag", ["not_acne_scar", "family_rule"])
def test_other_scars_and_family_rules_weaken(flag):
    large = [days(f"t2{letter}", 5, n=200.0) for letter in "ab"]
    assert pooled(*large).strength == "strong"
    assert pooled(*({**row, "flags": flag} for row in large)).strength in ("fair", "weak")
    middling = [days(f"t3{letter}", 5, n=200.0) for letter in "ab"]
    assert pooled(*middling).strength == "fair"
    assert pooled(*({**row, "flags": flag} for row in middling)).strength == "weak"


def test_strength_by_its_definition():
    assert pooled().strength == "none"
    assert pooled(days("t1a", 5), days("t1b", 5)).strength == "strong"
    assert pooled(days("t2a", 5, n=50.0), days("t2b", 5, n=50.0)).strength == "strong"
    assert pooled(days("t2a", 5, n=50.0), days("t2b", 5, n=49.0)).strength == "fair"
    assert pooled(days("t2a", 5, n=500.0)).strength == "fair"
    assert pooled(days("t3a", 5, n=30.0), days("t3b", 5, n=30.0)).strength == "fair"
    assert pooled(days("t3a", 5, n=30.0), days("t3b", 5, n=29.0)).strength == "weak"


# Numbers

people = st.integers(1, 100)
figures = st.integers(0, 40)


@fast
@given(st.lists(st.tuples(figures, people), min_size=1, max_size=8))
def test_weighted_quantiles_against_counting_every_person(trials):
    found = pooled(*(days(f"t2{i}", value, n=float(n)) for i, (value, n) in enumerate(trials)))
    everyone = np.sort(np.repeat([value for value, _ in trials], [n for _, n in trials]))
    low, typical, high = (everyone[-(-len(everyone) * tenths // 10) - 1] for tenths in (1, 5, 9))
    assert bounds(found) == (low, typical, high)


def test_the_range_runs_from_the_lows_to_the_highs():
    found = pooled(days("t2a", 5, low=4.0, high=6.0, n=100.0), days("t2b", 7, low=6.0, high=20.0, n=100.0))
    assert bounds(found) == (4, 5, 20)


def test_bounds_widen_and_never_move_the_typical_value():
    points = [days("t2a", 5), days("t2b", 5)]
    up_to = days("t2c", high=30.0, flags="upper_bound")
    at_least = days("t2d", low=1.0, flags="lower_bound")
    assert bounds(pooled(*points, up_to)) == (5, 5, 30)
    assert bounds(pooled(*points, at_least)) == (1, 5, 5)
    assert bounds(pooled(*points, up_to, at_least)) == (1, 5, 30)
    inside = days("t2e", high=2.0, flags="upper_bound")
    assert bounds(pooled(*points, inside))[1:] == (5, 5)


def test_bounds_alone_give_no_typical_value():
    at_least = pooled(days("t2a", low=6.0, flags="lower_bound"))
    assert at_least.known
    assert at_least.low == 6
    assert math.isnan(at_least.typical)
    assert math.isnan(at_least.high)
    up_to = pooled(days("t2a", 4, flags="upper_bound"))
    assert up_to.known
    assert math.isnan(up_to.low)
    assert math.isnan(up_to.typical)
    assert up_to.high == 4


@st.composite
def number_rows(draw):
    """Points, ranges and bounds, in any order and of any tier."""
    rows = []
    for i in range(draw(st.integers(1, 7))):
        tier = draw(st.integers(1, 4))
        ends = sorted(draw(st.lists(figures, min_size=3, max_size=3)))
        kind = draw(st.sampled_from(["point", "range", "whole", "least", "most", "least_value", "most_value"]))
        low, value, high = (float(end) for end in ends)
        row = {
            "point": {"value": value},
            "range": {"low": low, "high": high},
            "whole": {"low": low, "value": value, "high": high},
            "least": {"low": low, "flags": "lower_bound"},
            "most": {"high": high, "flags": "upper_bound"},
            "least_value": {"value": value, "flags": "lower_bound"},
            "most_value": {"value": value, "flags": "upper_bound"},
        }[kind]
        rows.append(days(f"t{tier}{i}", **{"n": draw(st.sampled_from([math.nan, 12.0, 80.0])), **row}))
    return rows


def ordered(estimate):
    known = [end for end in bounds(estimate) if not math.isnan(end)]
    return known == sorted(known)


@fast
@given(number_rows())
def test_low_typical_high_are_in_order_and_cited(rows):
    found = pooled(*rows)
    assert found.known
    assert ordered(found)
    assert found.claims
    assert found.sources
    assert found.strength != "none"


@fast
@given(number_rows(), st.booleans(), figures)
def test_a_bound_never_moves_the_typical_value_nor_narrows_the_range(rows, upper, end):
    rows = [{**row, "source_id": f"t2{i}"} for i, row in enumerate([days("x", 7), days("x", 9), *rows])]
    extra = {"high": float(end), "flags": "upper_bound"} if upper else {"low": float(end), "flags": "lower_bound"}
    before, after = pooled(*rows), pooled(*rows, days("t2z", **extra))
    assert after.typical == before.typical
    assert after.low <= before.low
    assert after.high >= before.high
    assert after.high >= end if upper else after.low <= end


def off(source, value=math.nan, **rest):
    return {**days(source, value, **rest), "attribute": "downtime_days"}


def test_days_until_a_sign_has_gone_only_widen_the_days_off():
    found = weighed(off("t2a", 5), off("t2b", 5), off("t2c", 12, measure="crusting"), off("t2d", 8, measure="crusting"))
    assert bounds(found.number(ANY, "downtime_days")) == (5, 5, 12)
    alone = weighed(off("t2c", 12, measure="crusting"), off("t2d", 12, measure="crusting"))
    assert alone.number(ANY, "downtime_days").typical == 12


def test_days_off_of_at_least_so_many_are_not_lost_beside_other_figures():
    found = weighed(off("t2a", 5), off("t2b", 5), off("t2c", low=30.0, flags="lower_bound"))
    assert bounds(found.number(ANY, "downtime_days")) == (5, 5, 30)


def test_disagreement_is_kept():
    assert pooled(days("t2a", 2), days("t2b", 14)).spread == (2, 14)
    assert pooled(days("t2a", 2), days("t2b", 2)).spread is None


def pain(source, value, measure, **rest):
    return {"attribute": "pain_vas", "source_id": source, "value": float(value), "measure": measure, **rest}


def test_pain_is_never_pooled_across_numbing():
    rows = [pain("t2a", 3, "topical"), pain("t2b", 5, "topical"), pain("t1a", 9, "none"), pain("t2c", 8, "none")]
    found = weighed(*rows).number(ANY, "pain_vas")
    assert found.claims == ("K0", "K1")
    assert bounds(found) == (3, 3, 5)
    assert weighed(*rows[2:]).number(ANY, "pain_vas").typical == 9  # 100 people against 30


def test_pain_of_a_control_arm_does_not_hide_the_pain_that_is_known():
    rows = [pain("t2a", 1, "topical", flags="control_arm"), pain("t2b", 8, "none")]
    assert weighed(*rows).number(ANY, "pain_vas").typical == 8


def test_course_cost_is_price_times_visits():
    price = {"attribute": "cost_usd_per_session", "source_id": "t3a", "value": 100.0, "low": 80.0, "high": 150.0}
    visits = {"attribute": "sessions", "source_id": "t3b", "value": 3.0, "low": 2.0, "high": 5.0}
    assert bounds(weighed(price, visits).course_cost(ANY)) == (160, 300, 750)
    assert not weighed(visits).course_cost(ANY).known
    alone = weighed(price).course_cost(ANY)
    assert alone.low == 80
    assert math.isnan(alone.typical)
    assert math.isnan(alone.high)


# Levels


def test_the_weighted_vote_decides_and_ties_go_to_the_cautious():
    assert fit(fit_row("t2a", "good", n=50.0), fit_row("t2b", "partial", n=49.0)).level == "good"
    assert fit(fit_row("t2a", "good", n=50.0), fit_row("t2b", "partial", n=50.0)).level == "partial"
    tie = fit(fit_row("t2a", "good"), fit_row("t2b", "partial"), fit_row("t2c", "poor"))
    assert tie.level == "poor"
    assert tie.others == {"good": ("t2a",), "partial": ("t2b",)}


def test_one_source_that_says_avoid_for_these_scars_decides():
    found = fit(fit_row("t1a", "good", n=100.0), fit_row("t1b", "good", n=100.0), fit_row("t4a", "avoid"))
    assert (found.level, found.sources) == ("avoid", ("t4a",))


def test_indented_scars_together_stand_in_for_a_type_only_where_it_has_no_row():
    general = fit_row("t2a", "good", scar_type="atrophic")
    for scar in INDENTED:
        found = fit(general, scar=scar)
        assert (found.level, found.strength) == ("good", "weak")
    for scar in set(SCAR_TYPES) - set(INDENTED):
        assert fit(general, scar=scar).level == ""
    assert fit(general, fit_row("t4a", "poor")).level == "poor"


def test_a_trait_that_speaks_against_it_caps_the_fit():
    rows = [fit_row("t2a", "good"), fit_row("t2b", "good"), fit_row("t4a", "poor", scar_type="", trait="tethered")]
    assert fit(*rows).level == "good"
    assert fit(*rows, traits=frozenset({"tethered"})).level == "poor"


@pytest.mark.parametrize("scar", ["erythematous", "hyperpigmented", "hypertrophic", "keloid"])
def test_what_is_said_of_dents_by_their_shape_says_nothing_of_marks_and_raised_scars(scar):
    said_of_dents = fit_row("t3a", "good", scar_type="", trait="deep")
    found = weighed(said_of_dents)
    assert found.fit(ANY, scar, frozenset({"deep"})).level == ""
    assert not found.improvement(ANY, scar, frozenset({"deep"})).known


def test_the_strictest_safety_rule_decides_whatever_its_tier():
    found = rule(rule_row("t1a", "caution"), rule_row("t2a", "no_delay"), rule_row("t4a", "avoid"))
    assert (found.level, found.sources) == ("avoid", ("t4a",))
    assert found.others == {"caution": ("t1a",), "good": ("t2a",)}
    assert rule(rule_row("t3a", "defer", low=26.0, high=52.0), rule_row("t3b", "caution")).weeks == 52
    assert rule(rule_row("t3a", "prophylaxis")).level == "caution"
    assert rule().level == ""


@pytest.mark.parametrize("strict", ["avoid", "defer"])
def test_a_guideline_that_sees_no_reason_to_wait_softens_to_caution(strict):
    found = rule(rule_row("t1a", "no_delay"), rule_row("t3a", strict))
    assert found.level == "caution"
    assert found.others == {strict: ("t3a",), "good": ("t1a",)}


@pytest.mark.parametrize("strict", ["avoid", "defer"])
@pytest.mark.parametrize("flags", ["our_reading", "family_rule", "our_reading;family_rule"])
def test_it_softens_only_where_it_speaks_of_this_very_treatment(strict, flags):
    assert rule(rule_row("t1a", "no_delay", flags=flags), rule_row("t3a", strict)).level == strict


@pytest.mark.parametrize("strict", ["avoid", "defer"])
def test_only_a_guideline_softens_and_only_with_one_voice(strict):
    assert rule(rule_row("t2a", "no_delay"), rule_row("t3a", strict)).level == strict
    split = rule(rule_row("t1a", "no_delay"), rule_row("t1b", "caution"), rule_row("t3a", strict))
    assert split.level == strict
    assert rule(rule_row("t1a", "no_delay"), rule_row("t3a", "caution")).level == "caution"


@fast
@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["avoid", "defer", "caution", "prophylaxis", "no_delay"])))
)
def test_more_sources_never_make_a_rule_milder_than_caution_allows(said):
    rows = [rule_row(f"t{tier}{i}", level) for i, (tier, level) in enumerate(said)]
    found = rule(*rows)
    if not rows:
        assert found.level == ""
        return
    order = ("avoid", "defer", "caution", "good")
    as_level = {"prophylaxis": "caution", "no_delay": "good"}
    strictest = min((as_level.get(level, level) for _, level in said), key=order.index)
    panel = {level for tier, level in said if tier == 1}
    expected = "caution" if strictest in ("avoid", "defer") and panel == {"no_delay"} else strictest
    assert found.level == expected


def skin_row(source, level, skin):
    return {"attribute": "skin_fit", "source_id": source, "level": level, "skin_type": skin}


def test_skin_type_by_the_strictest_word_on_it():
    found = weighed(skin_row("t2a", "good", "IV-VI"), skin_row("t4a", "avoid", "VI"), skin_row("t3a", "caution", "V"))
    assert [found.skin_fit(ANY, skin).level for skin in (3, 4, 5, 6)] == ["good", "good", "caution", "avoid"]
    assert found.skin_fit(ANY, None).level == "avoid"
    # Good for light skin says nothing of darker skin.
    assert weighed(skin_row("t1a", "good", "I-III")).skin_fit(ANY, 4).level == ""


# Effect


def effect_row(source, value, measure="percent_improvement", **rest):
    return {"attribute": "improvement", "measure": measure, "source_id": source, "value": float(value),
            "scar_type": "rolling", "n": 50.0, **rest}  # fmt: skip


def effect(*rows, scar="rolling", traits=NO_TRAITS):
    return weighed(*rows).improvement(ANY, scar, traits)


def test_unlike_measures_vote_by_tier_and_are_never_averaged():
    # 60 % is tier 2, 80 % tier 3, and the sceptic's ten people say 0: of 110, the 55th says 2.
    assert effect(effect_row("t2a", 60), effect_row("t2b", 80)).typical == 2
    # One grade is tier 1, whatever the number would be as a percentage.
    assert effect(effect_row("t2a", 1, "gb_qual_grades"), effect_row("t2b", 1, "gb_qual_grades")).typical == 1
    # Points of a score have no tier at all.
    assert not effect(effect_row("t2a", 9, "gb_quant_points")).known


def test_one_small_study_does_not_outvote_those_that_were_not_printed():
    assert effect(effect_row("t2a", 80, n=8.0)).typical == 0
    assert effect(effect_row("t2a", 80, n=12.0)).typical == 3


def test_a_share_of_people_counts_where_half_of_them_reached_it():
    responders = {"attribute": "responder_rate", "measure": "gt50", "scar_type": "rolling", "n": 50.0}
    assert effect({**responders, "source_id": "t2a", "value": 50.0}).typical == 2
    assert effect({**responders, "source_id": "t2a", "value": 49.0}).typical == 1


@pytest.mark.parametrize("flag", ["upper_bound", "lower_bound"])
def test_a_bound_is_never_a_typical_effect(flag):
    found = effect(effect_row("t2a", 10), effect_row("t2b", 10), effect_row("t2c", 90, n=100.0, flags=f"{flag}"),
                   effect_row("t2d", 90, n=100.0, flags=flag))  # fmt: skip
    assert found.typical == 0


def test_no_claim_is_cited_twice():
    trait = {"attribute": "scar_fit", "trait": "deep", "level": "good", "source_id": "t2a", "scar_type": ""}
    found = effect(trait, traits=frozenset({"deep"}))
    assert found.claims == ("K0",)


# Dark marks


def mark_row(source, value=math.nan, skin="", **rest):
    return {"attribute": "pih_percent", "source_id": source, "value": float(value), "skin_type": skin, **rest}


def test_dark_marks_for_a_skin_type_come_from_rows_on_that_type_first():
    found = weighed(mark_row("t2a", 40, "IV"), mark_row("t2b", 20, "III-V"), mark_row("t2c", 3))
    assert found.pih(ANY, 4).claims == ("K0", "K1")
    assert found.pih(ANY, 1).strength == "weak"  # only the row without a skin type


def test_dark_marks_known_for_darker_skin_are_only_a_bound_for_lighter():
    found = weighed(mark_row("t2a", 40, "V"), mark_row("t2b", 30, "V")).pih(ANY, 2)
    assert math.isnan(found.typical)
    assert found.high == 40


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_dark_marks_are_never_one_number_without_a_skin_type(treatment):
    assert math.isnan(REAL.pih(treatment, None).typical)
    for skin in SKINS[1:]:
        known, unknown = REAL.pih(treatment, skin), REAL.pih(treatment, None)
        if not math.isnan(known.high):
            assert unknown.high >= known.high, "a skin type that is not known is not safer than one that is"


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_darker_skin_is_never_told_a_lower_risk_of_dark_marks_than_lighter_skin(treatment):
    """A figure read in lighter or unnamed skin, or in one primed group, cannot make it look safer for a darker type."""
    told = [REAL.pih(treatment, skin) for skin in (3, 4, 5, 6)]
    for lighter, darker in pairwise(told):
        if not math.isnan(lighter.typical) and not math.isnan(darker.typical):
            assert darker.typical >= lighter.typical
        if not math.isnan(lighter.high) and not math.isnan(darker.high):
            assert darker.high >= lighter.high


def test_darker_skin_is_compared_with_every_lighter_type_and_not_only_with_the_next():
    found = weighed(mark_row("t2a", 40, "IV"), mark_row("t2b", 40, "IV"), mark_row("t2c", 5, "VI"))
    assert found.pih(ANY, 6).typical >= found.pih(ANY, 4).typical


def test_skin_risk_is_the_highest_of_dark_marks_and_harms_and_grave_ones_count_four_times():
    marks = [mark_row("t2a", 2, "V", low=0.0, high=5.0), mark_row("t2b", 2, "V", low=0.0, high=5.0)]

    def with_harm(event, **figures):
        return weighed(
            *marks, {"attribute": "adverse_event", "measure": event, "source_id": "t2c", **figures}
        ).skin_risk(ANY, 5)

    rate = {"value": 10.0, "low": 8.0, "high": 12.0}
    assert bounds(with_harm("granuloma", **rate)) == (8, 10, 12)
    assert bounds(with_harm("burn", **rate)) == (32, 40, 48)
    assert bounds(with_harm("burn", value=60.0)) == (100, 100, 100)
    assert bounds(with_harm("swelling", value=90.0)) == (0, 2, 5)
    assert with_harm("burn", level="reported").strength == "weak"


def test_a_harm_known_only_as_at_least_keeps_the_risk_in_order():
    harm = {"attribute": "adverse_event", "measure": "burn", "source_id": "t2c", "low": 10.0, "flags": "lower_bound"}
    found = weighed(mark_row("t2a", 0, "V", low=0.0, high=5.0), harm).skin_risk(ANY, 5)
    assert ordered(found)


# The tables as they are


def test_every_pooled_number_of_the_tables_is_ordered_cited_and_within_its_range():
    claims, sources = set(TABLES.evidence.index), set(TABLES.sources.index)
    for treatment in TREATMENTS:
        found = [REAL.number(treatment, name) for name in scarlib.evidence.NUMBERS]
        found += [REAL.course_cost(treatment)]
        found += [REAL.pih(treatment, skin) for skin in SKINS] + [REAL.skin_risk(treatment, skin) for skin in SKINS]
        found += list(REAL.harms(treatment).values())
        found += [REAL.improvement(treatment, scar, NO_TRAITS) for scar in SCAR_TYPES]
        for estimate in found:
            assert ordered(estimate)
            assert set(estimate.claims) <= claims
            assert set(estimate.sources) <= sources
            assert estimate.known <= bool(estimate.sources)


@fast
@given(st.sampled_from(TREATMENTS), st.sampled_from(SCAR_TYPES), st.frozensets(st.sampled_from(TRAITS)))
def test_effect_is_a_tier_from_nought_to_three_cited_once(treatment, scar, traits):
    found = REAL.improvement(treatment, scar, traits)
    assert ordered(found)
    assert all(math.isnan(end) or 0 <= end <= 3 for end in bounds(found))
    assert len(set(found.claims)) == len(found.claims)
    assert set(REAL.fit(treatment, scar, traits).claims) <= set(TABLES.evidence.index)


def test_no_treatment_has_no_dose_and_no_price():
    assert not REAL.course_cost("no_treatment").known
    assert not REAL.number("no_treatment", "sessions").known
    assert VERDICTS[-1] == "suitable"


def test_every_table_object_is_weighed_once():
    assert weigh(TABLES) is weigh(TABLES)


def test_the_summary_has_a_row_for_every_treatment():
    summary = REAL.summary
    assert list(summary.index) == TREATMENTS
    assert summary[("sessions", "typical")].equals(
        pd.Series({t: REAL.number(t, "sessions").typical for t in TREATMENTS}).rename(("sessions", "typical"))
    )
    assert int(REAL.counts["facts"].sum()) == len(TABLES.evidence)


# How many got better


def counted(measure, value=math.nan, **rest):
    return {"attribute": "responder_rate", "scar_type": "rolling", "measure": measure, "value": float(value), **rest}


def responses(*rows, scars=("rolling",)):
    return {found.measure: found for found in weighed(*rows).responses(ANY, scars)}


def test_each_measure_runs_from_its_lowest_figure_to_its_highest():
    found = responses(
        counted("gt50", 40, source_id="t2a", n=20.0, follow_up_weeks=26.0),
        counted("gt50", 75, source_id="t3b", n=30.0, follow_up_weeks=13.0),
        counted("any", 90, source_id="t2a", n=20.0),
    )
    assert list(found) == ["any", "gt50"]
    half, any_ = found["gt50"], found["any"]
    assert (half.share.low, half.share.high, half.studies, half.share.people) == (40, 75, 2, 50)
    assert math.isnan(half.share.typical)
    assert (half.weeks, half.timed) == ((13, 26), True)
    assert bounds(any_.share) == (90, 90, 90)
    assert (any_.weeks, any_.timed) == (None, False)


def test_what_is_only_known_as_at_least_has_no_upper_end():
    found = responses(
        counted("any", low=70.0, source_id="t2a", flags="lower_bound"), counted("any", 80, source_id="t3b")
    )
    assert found["any"].share.low == 70
    assert math.isnan(found["any"].share.high)


def test_the_same_people_are_not_counted_twice():
    rows = [counted("gt50", 50, source_id=source, n=30.0, flags="same_trial:x") for source in ("t2a", "t3b")]
    assert (responses(*rows)["gt50"].studies, responses(*rows)["gt50"].share.people) == (1, 30)


@pytest.mark.parametrize("flag", ["control_arm", "derived"])
def test_who_got_better_without_the_treatment_is_not_told_as_its_own(flag):
    assert responses(counted("gt50", 10, source_id="t2a", flags=flag)) == {}


def test_scars_of_another_kind_are_told_only_where_they_stand_for_this_one():
    everywhere = counted("gt50", 60, source_id="t2a", scar_type="atrophic")
    assert list(responses(everywhere, scars=("boxcar",))) == ["gt50"]
    assert responses(everywhere, scars=("keloid",)) == {}
    assert responses(counted("gt50", 60, source_id="t2a"), scars=("boxcar",)) == {}
    mixed = counted("gt50", 60, source_id="t2a", flags="not_acne_scar")
    assert responses(mixed)["gt50"].mixed


def test_every_share_in_the_tables_is_within_what_its_rows_say():
    rows = TABLES.evidence[TABLES.evidence["attribute"] == "responder_rate"]
    told = 0
    for treatment in TREATMENTS:
        for found in REAL.responses(treatment, ("icepick", "boxcar", "rolling", "keloid", "erythematous")):
            mine = rows[(rows["treatment_id"] == treatment) & (rows["measure"] == found.measure)]
            ends = mine[["low", "value", "high"]].stack().dropna()
            assert ends.min() <= found.share.low <= ends.max()
            assert set(found.share.sources) <= set(mine["source_id"])
            told += len(found.share.claims)
    assert told >= 0.8 * len(rows)
