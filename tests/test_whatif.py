"""Every move against the recommendation of the moved person, the shares against a sampler of its own, and what a
person would notice."""

import dataclasses
from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standing import standing

import scarlib
from scarlib import Client, ClientError
from scarlib.client import LIMITS, PRIORITIES, SCAR_TYPES, SETTINGS, TRAITS
from scarlib.evidence import weigh
from scarlib.ranking import BENEFIT, CRITERIA, recommend, values
from scarlib.screening import DARKER, NO_TREATMENT, RANKED, screen
from scarlib.whatif import (
    MEDICAL,
    NOT_KNOWN,
    NOT_THESE,
    SKIN_FIRST,
    STEPS,
    contributions,
    moved,
    skin_rules_out,
    stability,
    ways_in,
    what_if,
)

TABLES = scarlib.load_tables()
EVIDENCE = weigh(TABLES)
TREATMENTS = list(TABLES.treatments.index)
CONDITIONS = list(TABLES.conditions.index)
# The only things a move may touch: what a person can choose, and a skin type still to be found out.
MAY_MOVE = {*LIMITS, "setting", *PRIORITIES, "fitzpatrick"}
people = settings(max_examples=30, deadline=None, derandomize=True)


def clients(**fixed):
    """People of every kind; limits sometimes on a step of the controls, sometimes between."""
    limits = {
        name: st.none() | st.sampled_from(STEPS[name]) | st.floats(low, min(high, 20_000), allow_nan=False)
        for name, (low, high, _) in LIMITS.items()
    }
    fields = {
        "scars": st.dictionaries(st.sampled_from(SCAR_TYPES), st.floats(0.1, 10), min_size=1, max_size=4),
        "fitzpatrick": st.none() | st.integers(1, 6),
        "traits": st.frozensets(st.sampled_from(TRAITS), max_size=3),
        "severity": st.none() | st.integers(1, 4),
        "conditions": st.frozensets(st.sampled_from(CONDITIONS), max_size=2),
        "setting": st.none() | st.sampled_from(SETTINGS),
        "priorities": st.dictionaries(st.sampled_from(list(PRIORITIES)), st.integers(0, 3) | st.floats(0, 3)),
        **limits,
        **fixed,
    }
    return st.builds(Client, **fields)


def person(scars=("rolling",), **rest):
    return Client(scars=dict.fromkeys(scars, 1), **{"fitzpatrick": 2, **rest})


def in_order(client):
    options = recommend(client, EVIDENCE)
    return tuple(options.index[options["rank"].notna()])


def verdicts(client):
    return {treatment: verdict for treatment, (verdict, _) in screen(client, EVIDENCE).items()}


def row(frame, field, value):
    """The one move of a field to a value."""
    [found] = [move for move in frame.itertuples() if move.field == field and move.value == value]
    return found


# Moves, true of everyone


@people
@given(clients())
def test_every_move_is_the_recommendation_of_the_moved_person(client):
    before = in_order(client)
    for move in what_if(client, EVIDENCE).itertuples():
        after = in_order(moved(client, move.field, move.value))
        assert move.first == after[0]
        assert move.top3 == after[:3]
        assert move.came_in == tuple(treatment for treatment in after if treatment not in before)
        assert move.went_out == tuple(treatment for treatment in before if treatment not in after)
        assert move.first_changed == (after[0] != before[0])
        assert move.moved == (set(after) != set(before) or after[:3] != before[:3])


@people
@given(clients())
def test_what_must_be_avoided_is_avoided_after_every_move(client):
    before = verdicts(client)
    for move in what_if(client, EVIDENCE).itertuples():
        after = verdicts(moved(client, move.field, move.value))
        for treatment, verdict in before.items():
            if verdict == "avoid":
                assert after[treatment] == "avoid", (move.field, move.value, treatment)
            if verdict in ("avoid", "not_indicated") or (verdict == "defer" and move.field != "fitzpatrick"):
                assert treatment not in move.came_in


@people
@given(clients())
def test_a_move_changes_one_answer_by_one_step_and_no_medical_fact(client):
    before = client.to_dict()
    frame = what_if(client, EVIDENCE)
    assert client.to_dict() == before
    assert not frame.duplicated(["field", "value"]).any()
    assert frame["words"].is_unique or not _on_steps(client)
    for move in frame.itertuples():
        after = moved(client, move.field, move.value).to_dict()
        assert move.field in MAY_MOVE
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"priorities" if move.field in PRIORITIES else move.field}
        assert move.words.startswith("If ")
        if move.field in PRIORITIES:
            others = {name: weight for name, weight in after["priorities"].items() if name != move.field}
            assert others == {name: w for name, w in before["priorities"].items() if name != move.field}
            assert 0 < abs(move.value - before["priorities"].get(move.field, 0)) <= 1
        elif move.field == "fitzpatrick":
            assert client.fitzpatrick is None
        elif move.field in LIMITS and move.value is not None:
            assert move.value in STEPS[move.field]
            now = before[move.field]
            if now is not None:
                between = [step for step in STEPS[move.field] if min(now, move.value) < step < max(now, move.value)]
                assert not between, "a step was passed over"


def _on_steps(client):
    """Whether every limit and priority stands where a control can put it; else two moves may read alike."""
    limits = all(getattr(client, name) in (None, *STEPS[name]) for name in LIMITS)
    return limits and all(float(weight).is_integer() for weight in client.priorities.values())


@people
@given(clients())
def test_every_limit_that_is_set_and_every_priority_can_move_both_ways(client):
    frame = what_if(client, EVIDENCE)
    for limit in LIMITS:
        now = getattr(client, limit)
        values_ = set(frame.loc[frame["field"] == limit, "value"])
        if now is not None:
            assert None in values_
            assert (min(STEPS[limit]) < now) == any(value is not None and value < now for value in values_)
            assert (max(STEPS[limit]) > now) == any(value is not None and value > now for value in values_)
    for name in PRIORITIES:
        now = client.priorities.get(name, 0)
        values_ = list(frame.loc[frame["field"] == name, "value"])
        assert any(value > now for value in values_) == (now < 3)
        assert any(value < now for value in values_) == (now > 0)


@settings(people, max_examples=12)
@given(clients(**dict.fromkeys((*LIMITS, "setting"), st.none())))
def test_a_limit_that_is_not_set_is_tried_where_it_first_rules_something_out(client):
    frame = what_if(client, EVIDENCE)
    before = set(in_order(client))
    for limit, steps in STEPS.items():
        ruling = [step for step in steps if set(in_order(moved(client, limit, step))) != before]
        found = list(frame.loc[frame["field"] == limit, "value"])
        assert found == ([max(ruling)] if ruling else [])


@people
@given(clients(), st.sampled_from([None, *SETTINGS]))
def test_the_place_moves_to_the_next_one(client, setting):
    client = client.replace(setting=setting)
    found = what_if(client, EVIDENCE)
    found = found[found["field"] == "setting"]
    assert set(found["value"]) <= {None, *SETTINGS} - {setting}
    if setting is not None:
        assert None in set(found["value"])
        assert {"med_spa", "home"} - {setting} <= set(found["value"])
    else:
        assert len(found) <= 1
        assert found["moved"].all()


@people
@given(clients())
def test_skin_types_are_tried_only_where_the_type_is_not_known(client):
    frame = what_if(client, EVIDENCE)
    tried = list(frame.loc[frame["field"] == "fitzpatrick", "value"])
    assert tried == ([1, 2, 3, 4, 5, 6] if client.fitzpatrick is None else [])
    ruled = skin_rules_out(client, EVIDENCE)
    assert set(ruled) == (set(DARKER) if client.fitzpatrick is None else set())
    before = verdicts(client)
    for skin, treatments in ruled.items():
        after = verdicts(client.replace(fitzpatrick=skin))
        for treatment in TREATMENTS:
            newly = after[treatment] == "avoid" and before[treatment] not in ("avoid", "not_indicated")
            assert (treatment in treatments) == newly


# Moves, examples


def test_more_days_off_let_in_what_needs_them():
    """Freeing scars with a needle needs about ten days; with 7 allowed it is out, with 10 still, with no limit in."""
    usual = EVIDENCE.number("subcision", "downtime_days").typical
    assert 10 < usual < 14
    frame = what_if(person(max_downtime_days=10), EVIDENCE)
    looser = row(frame, "max_downtime_days", 14)
    assert looser.words == "If 14 days off were fine instead of 10"
    assert "subcision" in looser.came_in
    assert "subcision" in row(frame, "max_downtime_days", None).came_in
    tighter = row(frame, "max_downtime_days", 7)
    assert tighter.words == "If your limit was 7 days off instead of 10"
    assert "subcision" not in tighter.came_in


@pytest.mark.parametrize(
    ("answers", "field", "value", "words"),
    [
        ({"max_downtime_days": 3}, "max_downtime_days", 5, "If 5 days off were fine instead of 3"),
        ({"max_downtime_days": 0}, "max_downtime_days", 1, "If 1 day off was fine instead of 0"),
        ({"max_downtime_days": 3}, "max_downtime_days", None, "If you set no limit on days off"),
        ({"max_sessions": 4}, "max_sessions", 5, "If 5 visits were fine instead of 4"),
        ({"max_sessions": 2}, "max_sessions", 1, "If your limit was 1 visit instead of 2"),
        ({"max_pain": 4.0}, "max_pain", 5, "If pain of 5 in 10 was fine instead of 4"),
        ({"budget_usd": 2000.0}, "budget_usd", 2500, "If $2,500 for the course was fine instead of $2,000"),
        ({"budget_usd": 2000.0}, "budget_usd", None, "If you set no limit on cost"),
        ({"setting": "home"}, "setting", "med_spa", "If a clinic or med spa was fine too"),
        ({"setting": "med_spa"}, "setting", "home", "If it had to be done at home"),
        ({"setting": "med_spa"}, "setting", None, "If it could be done anywhere"),
        ({"fitzpatrick": None}, "fitzpatrick", 4, "If your skin is type IV"),
        ({}, "comfort", 2.0, "If little pain mattered much instead of a little"),
        ({}, "cost", 0.0, "If low cost did not matter"),
        ({}, "skin_safety", 3.0, "If low risk for your skin mattered most of all instead of much"),
        ({"priorities": {"cost": 3}}, "lasting", 1.0, "If a result that lasts mattered a little instead of not at all"),
    ],
)
def test_a_move_says_what_it_is(answers, field, value, words):
    assert row(what_if(person(**answers), EVIDENCE), field, value).words == words


def test_no_limit_and_no_priority_lets_in_what_pregnancy_or_a_pacemaker_rules_out():
    client = person(["hyperpigmented", "rolling"], conditions={"pregnancy", "electronic_implant"}, max_downtime_days=0)
    frame = what_if(client, EVIDENCE)
    ruled_out = {"topical_retinoid", "rf_microneedling", "rf_fractional_bipolar", "rf_nonablative"}
    assert {verdicts(client)[treatment] for treatment in ruled_out} == {"avoid"}
    assert not ruled_out & {treatment for came_in in frame["came_in"] for treatment in came_in}


def test_a_skin_type_that_is_not_known_is_worth_finding_before_skin_is_taken_off():
    ruled = skin_rules_out(person(["rolling"], fitzpatrick=None), EVIDENCE)
    for skin in DARKER:
        assert "dermabrasion" in ruled[skin]
        assert "peel_deep_phenol" in ruled[skin]
    assert "microneedling" not in {treatment for treatments in ruled.values() for treatment in treatments}
    assert "triamcinolone_intralesional" not in ruled[6]  # not for dents, whatever the skin


def test_wanting_no_pain_at_all_puts_doing_nothing_first():
    frame = what_if(person(priorities={"comfort": 1}), EVIDENCE)
    assert in_order(person(priorities={"comfort": 1}))[0] == NO_TREATMENT
    improvement = row(frame, "improvement", 1.0)
    assert improvement.first_changed
    assert improvement.first != NO_TREATMENT


# Stability


@people
@given(clients())
def test_firsts_add_up_to_100_and_the_top_three_hold_them(client):
    frame = stability(client, EVIDENCE)
    assert tuple(frame.index) == in_order(client)
    assert frame["first"].sum() == pytest.approx(100, abs=1e-9)
    assert frame.to_numpy().min() >= 0
    assert (frame["first"] <= frame["top3"] + 1e-9).all()
    assert frame["top3"].sum() >= 100 * min(3, len(frame)) - 1e-6


@people
@given(clients(conditions=st.frozensets(st.sampled_from(CONDITIONS), min_size=1, max_size=3)))
def test_what_health_calls_into_question_is_first_in_no_reading_before_what_it_does_not(client):
    frame = stability(client, EVIDENCE)
    reasons = recommend(client, EVIDENCE)["reasons"]
    doubt = standing(client, EVIDENCE, reasons[frame.index]).drop(NO_TREATMENT).to_dict()
    least = min(doubt.values(), default=0)
    for treatment, level in doubt.items():
        if level > least:
            assert frame.at[treatment, "first"] == 0
            before = 1 + sum(other < level for other in doubt.values())  # and doing nothing
            assert before < 3 or frame.at[treatment, "top3"] == 0


@people
@given(clients(conditions=st.just(frozenset())))
def test_without_health_doubt_the_top_three_are_those_of_the_recommendation(client):
    reasons = recommend(client, EVIDENCE)
    frame = stability(client, EVIDENCE)
    if standing(client, EVIDENCE, reasons.loc[frame.index, "reasons"]).nunique() == 1:
        assert frame["top3"].to_numpy() == pytest.approx(reasons.loc[frame.index, "top3"].to_numpy(), abs=1e-9)


def _own_shares(client, treatments, draws=40_000):
    """First places by a sampler of its own: numpy's triangles and the branches of the weights by hand."""
    generator = np.random.default_rng(5)
    low, likely, high = (part[..., None] for part in values(client, EVIDENCE, treatments))
    wide = high > low
    drawn = np.where(
        wide, generator.triangular(low, likely, np.where(wide, high, low + 1), (*low.shape[:2], draws)), low
    )
    given_ = np.array([client.priorities.get(name, 0.0) for name in CRITERIA])[:, None]
    shaken = np.clip(given_ + generator.uniform(-0.5, 0.5, (len(CRITERIA), draws)), 0.01, 3.5) * (given_ > 0)
    branch = np.array([name in BENEFIT for name in CRITERIA])
    weights = np.zeros_like(shaken)
    for part in (branch, ~branch):
        total = shaken[part].sum(axis=0)
        weights[part] = shaken[part] / np.where(total > 0, total, 1) * shaken[part].max(axis=0)
    score = (drawn * (weights / weights.sum(axis=0))).sum(axis=1)
    return 100 * np.bincount(score.argmax(axis=0), minlength=len(treatments)) / draws


@pytest.mark.parametrize(
    "client",
    [
        person(),
        person(["icepick"], fitzpatrick=5),
        person(["rolling", "boxcar"], fitzpatrick=4, priorities={"improvement": 1, "downtime": 3, "cost": 2}),
        person(["hypertrophic"], fitzpatrick=3, max_sessions=4),
    ],
)
def test_firsts_are_those_of_a_sampler_of_its_own(client):
    frame = stability(client, EVIDENCE)
    options = recommend(client, EVIDENCE)
    steps = standing(client, EVIDENCE, options.loc[frame.index, "reasons"])
    alike = list(steps.index[steps == steps.min()])
    expected = _own_shares(client, alike)
    assert frame.loc[alike, "first"].to_numpy() == pytest.approx(expected, abs=4)
    assert frame["first"].max() < 100


def test_those_who_tie_share_a_reading():
    """What is used at home needs no visit, and neither does doing nothing: with visits alone counting they tie."""
    frame = stability(person(["hyperpigmented"], priorities={"few_visits": 2}), EVIDENCE)
    assert EVIDENCE.setting("topical_retinoid").level == "home"
    assert frame.loc[[NO_TREATMENT, "topical_retinoid"], "first"].to_list() == [50, 50]


# What a score is made of


@people
@given(clients(), st.randoms())
def test_the_parts_add_up_to_the_score(client, dice):
    options = recommend(client, EVIDENCE)
    treatment = dice.choice(list(in_order(client)))
    parts = contributions(client, EVIDENCE, treatment)
    assert list(parts.index) == list(CRITERIA)
    assert parts["points"].sum() == pytest.approx(options.at[treatment, "score"], abs=1e-9)
    assert parts["weight"].sum() == pytest.approx(1)
    assert (parts["points"] <= 100 * parts["weight"] + 1e-9).all()
    for figure in parts["figure"]:
        assert figure
        assert "nan" not in figure
        assert "<" not in figure
        assert "&" not in figure


def test_the_figure_behind_a_part_is_the_one_on_the_card():
    parts = contributions(person(["rolling", "icepick"]), EVIDENCE, "microneedling")["figure"]
    visits = EVIDENCE.number("microneedling", "sessions")
    assert parts["few_visits"].startswith(f"{visits.typical:g} ({visits.low:g} to {visits.high:g})")
    assert parts["improvement"].startswith("rolling scars: ")
    assert "; icepick scars: " in parts["improvement"]
    assert contributions(person(), EVIDENCE, NO_TREATMENT)["figure"].to_dict()["skin_safety"] == "none"


def test_what_is_not_known_is_said_to_be_not_known():
    client = person()
    unknown = [treatment for treatment in in_order(client) if not EVIDENCE.number(treatment, "pain_vas").known]
    unknown.remove(NO_TREATMENT)
    assert unknown
    for treatment in unknown:
        assert contributions(client, EVIDENCE, treatment).at["comfort", "figure"] == NOT_KNOWN
    assert not EVIDENCE.skin_risk("subcision", 2).known
    assert contributions(client, EVIDENCE, "subcision").at["skin_safety", "figure"] == NOT_KNOWN


def test_faults_name_the_treatment_and_what_is_allowed():
    with pytest.raises(ClientError, match=r"treatment_id: 'magic' is not known\. Allowed is one of: .*microneedling"):
        contributions(person(), EVIDENCE, "magic")
    client = person(["hyperpigmented"], conditions={"pregnancy"})
    with pytest.raises(ClientError, match=r"'topical_retinoid' is ruled out \(Do not use\)\. Give a ranked one"):
        contributions(client, EVIDENCE, "topical_retinoid")


# What is out


@people
@given(clients())
def test_what_is_out_comes_in_after_the_change_that_is_named(client):
    frame = ways_in(client, EVIDENCE)
    now = verdicts(client)
    assert sorted(frame.index) == sorted(treatment for treatment in TREATMENTS if now[treatment] not in RANKED)
    assert frame["verdict"].to_dict() == {treatment: now[treatment] for treatment in frame.index}
    for move in frame.itertuples():
        assert move.reason.endswith(".")
        if move.change is None:
            assert move.words in (MEDICAL, NOT_THESE, SKIN_FIRST)
        else:
            assert move.words == move.change.text
            assert verdicts(move.change.apply(client))[move.Index] in RANKED
            assert move.verdict in ("outside_limits", "defer")


@people
@given(clients())
def test_the_nearest_comes_first(client):
    frame = ways_in(client, EVIDENCE)
    groups = {"outside_limits": 0, "defer": 1, "not_indicated": 2, "avoid": 3}
    places = [
        groups[verdict] + (4 if change is None else 0)
        for verdict, change in zip(frame["verdict"], frame["change"], strict=True)
    ]
    assert places == sorted(places)
    weeks = [max(c.waits.values(), default=0) for c in frame["change"] if c is not None and len(c.waits) <= 1]
    weeks = [float("inf") if week != week else week for week in weeks]
    assert weeks == sorted(weeks)


def test_one_step_is_nearer_than_many():
    """With 3 days off allowed, 5 are nearer than 12."""
    client = person(["rolling", "icepick"], max_downtime_days=3)
    frame = ways_in(client, EVIDENCE)
    needed = [change.limits["max_downtime_days"] for change in frame["change"] if change is not None]
    steps = [bisect_right(STEPS["max_downtime_days"], days - 0.5) for days in needed]
    assert len(set(needed)) > 2
    assert steps == sorted(steps)


def test_a_medical_reason_and_the_wrong_scars_cannot_be_changed():
    frame = ways_in(person(["rolling"], conditions={"electronic_implant"}, max_downtime_days=0), EVIDENCE)
    assert frame.at["rf_microneedling", "words"] == MEDICAL
    assert frame.at["rf_microneedling", "change"] is None
    assert frame.at["silicone_gel", "words"] == NOT_THESE
    assert "10" in frame.at["subcision", "words"] or "11" in frame.at["subcision", "words"]


def test_a_skin_type_that_is_not_known_comes_first():
    frame = ways_in(person(["rolling"], fitzpatrick=None), EVIDENCE)
    assert frame.at["dermabrasion", "words"] == SKIN_FIRST
    assert "skin type" in frame.at["dermabrasion", "reason"]


def test_where_nothing_is_out_the_table_is_empty_and_keeps_its_columns():
    client = person(["rolling"])
    full = ways_in(client, EVIDENCE)
    kept = [treatment for treatment in TREATMENTS if treatment not in full.index]
    tables = dataclasses.replace(TABLES, treatments=TABLES.treatments.loc[kept])
    empty = ways_in(client, weigh(tables))
    assert empty.empty
    assert list(empty.columns) == list(full.columns)


def test_the_same_person_gets_the_same_answer():
    client = person(["rolling", "icepick"], fitzpatrick=None, max_pain=4, budget_usd=2000)
    again = Client.from_json(client.to_json())
    assert what_if(client, EVIDENCE).equals(what_if(again, EVIDENCE))
    assert stability(client, EVIDENCE).equals(stability(again, EVIDENCE))
