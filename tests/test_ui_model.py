"""The one state of the page: what is worked out, how often, and what stays when it cannot be."""

import math
from datetime import date

import pytest

import scarlib
from scarlib import Client
from scarlib.client import PRIORITIES
from scarlib.evidence import weigh
from scarlib.record import Record
from scarlib.screening import NO_TREATMENT
from scarlib.ui import model
from scarlib.ui.model import ANSWERS, START, Answers

TABLES = scarlib.load_tables()
EVIDENCE = weigh(TABLES)
ONE_OF_EACH = {
    "scars": {"icepick": 3.0, "keloid": 1.0},
    "character": ["deep", "tethered"],
    "severity": 3,
    "fitzpatrick": 5,
    "conditions": ["isotretinoin_recent"],
    "max_downtime_days": 3.0,
    "max_sessions": 2.0,
    "max_pain": 4.0,
    "budget_usd": 1000.0,
    "setting": "med_spa",
    "priorities": {**PRIORITIES, "cost": 3.0},
}


@pytest.fixture
def answers():
    return Answers(EVIDENCE)


@pytest.fixture
def calls(monkeypatch):
    """The clients that the ranking was asked about."""
    seen = []
    real = model.recommend

    def recommend(client, evidence):
        seen.append(client)
        return real(client, evidence)

    monkeypatch.setattr(model, "recommend", recommend)
    return seen


def break_it(monkeypatch, error):
    def recommend(client, evidence):
        raise error

    monkeypatch.setattr(model, "recommend", recommend)


def state(answers):
    return {name: getattr(answers, name) for name in ANSWERS}


def agrees(answers):
    """Whether the answers, the client and the options tell the same story."""
    told = {**state(answers), "character": sorted(answers.character), "conditions": sorted(answers.conditions)}
    client = answers.client.to_dict()
    client["character"] = client.pop("traits")
    told["priorities"] = {name: answers.priorities.get(name, 0.0) for name in PRIORITIES}
    client["priorities"] = {name: client["priorities"].get(name, 0.0) for name in PRIORITIES}
    expected = scarlib.recommend(answers.client, TABLES)
    return told == client and answers.options.drop(columns="reasons").equals(expected.drop(columns="reasons"))


# Once a change


def test_every_answer_is_covered_here():
    assert set(ONE_OF_EACH) == set(ANSWERS)


def test_the_start_is_worked_out_once_and_agrees(calls):
    answers = Answers(EVIDENCE)
    assert calls == [START]
    assert answers.untouched
    assert answers.problem == ""
    assert agrees(answers)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_changed_answer_is_worked_out_once(answers, calls, name):
    setattr(answers, name, ONE_OF_EACH[name])
    assert len(calls) == 1
    assert agrees(answers)
    assert not answers.untouched


@pytest.mark.parametrize("name", ANSWERS)
def test_the_same_answer_again_is_not_worked_out(answers, calls, name):
    setattr(answers, name, getattr(answers, name))
    assert calls == []


def test_a_changed_answer_tells_its_views_once(answers):
    told = []
    answers.observe(told.append, names="options")
    answers.fitzpatrick = 4
    assert len(told) == 1


def test_views_are_told_after_the_client_has_changed(answers):
    seen = []
    answers.observe(lambda change: seen.append((answers.client.fitzpatrick, answers.problem)), names="options")
    answers.fitzpatrick = 6
    assert seen == [(6, "")]


def test_what_is_listed_and_shown_is_no_answer(answers, calls):
    answers.families = ["lasers"]
    answers.chosen = "subcision"
    answers.undo()
    assert calls == []
    assert answers.chosen == "subcision"
    assert answers.client == START


# Several answers as one step


def test_several_answers_are_one_step(answers, calls):
    answers.answer(**ONE_OF_EACH)
    assert len(calls) == 1
    assert agrees(answers)
    answers.undo()
    assert len(calls) == 2
    assert answers.client == START


def test_a_step_that_changes_nothing_is_none(answers, calls):
    answers.answer(**state(answers))
    assert calls == []
    answers.fitzpatrick = 2
    answers.undo()
    assert answers.client == START


def test_a_refused_step_changes_nothing(answers, calls):
    with pytest.raises(Exception, match="fitzpatrick"):
        answers.answer(severity=2, fitzpatrick="five")
    assert agrees(answers)
    answers.max_pain = 4.0
    assert len(calls) == 1
    assert agrees(answers)


# Undo and start again


def test_undo_goes_back_one_answer_at_a_time(answers, calls):
    past = [state(answers)]
    for name, value in ONE_OF_EACH.items():
        setattr(answers, name, value)
        past.append(state(answers))
    del calls[:]
    for before in reversed(past[:-1]):
        answers.undo()
        assert state(answers) == before
        assert agrees(answers)
    assert len(calls) == len(ONE_OF_EACH)
    assert answers.untouched


def test_undo_at_the_start_does_nothing(answers, calls):
    answers.undo()
    answers.undo()
    assert calls == []
    assert answers.client == START


def test_start_again_is_one_step_and_can_be_undone(answers, calls):
    answers.answer(**ONE_OF_EACH)
    answers.families = ["peels"]
    before = answers.client
    del calls[:]
    answers.reset()
    assert len(calls) == 1
    assert answers.client == START
    assert answers.families == []
    assert agrees(answers)
    answers.undo()
    assert answers.client == before
    assert agrees(answers)


def test_undo_brings_back_the_plan_that_start_again_took(answers):
    answers.fitzpatrick = 4
    answers.planned, answers.starts_on, answers.compared = ["subcision"], date(2027, 3, 1), ["filler_ha"]
    answers.reset()
    assert (answers.planned, answers.starts_on, answers.compared) == ([], None, [])
    answers.undo()
    assert (answers.planned, answers.starts_on, answers.compared) == (["subcision"], date(2027, 3, 1), ["filler_ha"])
    assert answers.plan.start == date(2027, 3, 1)


def test_undo_takes_back_the_last_choice_of_the_plan_first(answers):
    answers.fitzpatrick = 4
    answers.planned = ["subcision"]
    answers.starts_on = date(2, 3, 1)  # the year is being typed
    answers.starts_on = date(2027, 3, 1)
    answers.compared = ["filler_ha"]
    answers.undo()
    assert (answers.compared, answers.starts_on) == ([], date(2027, 3, 1))
    answers.undo()
    assert (answers.starts_on, answers.planned) == (None, ["subcision"])
    assert answers.plan.start == date.today()
    answers.undo()
    assert (answers.planned, answers.fitzpatrick) == ([], 4)
    answers.ready_by = date(2027, 9, 1)
    answers.fitzpatrick = 5
    answers.undo()
    assert (answers.fitzpatrick, answers.ready_by) == (4, date(2027, 9, 1)), (
        "an answer taken back takes no date with it"
    )


def test_a_year_that_is_being_typed_is_told_so_and_not_kept(answers):
    answers.starts_on = date(202, 3, 1)
    assert answers.plan is None
    assert answers.plan_problem == model.SHORT_YEAR
    answers.starts_on, answers.ready_by = date(1999, 3, 1), date(2201, 1, 1)
    assert "1 March 1999 is not allowed" in answers.plan_problem
    assert "datetime" not in answers.plan_problem
    kept = answers.record
    assert (kept.starts_on, kept.ready_by) == (None, None)
    assert Record.from_json(kept.to_json()) == kept


def test_what_was_decided_and_said_goes_with_its_person_and_its_plan(answers):
    answers.fitzpatrick = 4
    answers.decision, answers.unclear = "chosen", "Does it hurt?"
    answers.budget_usd = 5000.0  # the plan stays
    assert answers.decision == "chosen"
    answers.planned = ["subcision"]
    assert (answers.decision, answers.unclear) == ("", "Does it hurt?"), "nobody has chosen this one"
    answers.decision = "undecided"
    answers.starts_on = date(2027, 3, 1)
    assert answers.decision == "undecided"
    record = answers.record
    answers.reset()
    assert (answers.decision, answers.unclear) == ("", "")
    answers.undo()
    assert (answers.decision, answers.unclear) == ("undecided", "Does it hurt?")
    answers.open(record)
    assert (answers.decision, answers.unclear) == ("", "")


def test_what_is_left_over_from_the_example_is_known_after_undo_and_after_loading_again(answers):
    answers.fitzpatrick = 4
    assert answers.left_over == ["rolling"]
    answers.scars = {"rolling": 2.0, "boxcar": 1.0}
    answers.scars = {"rolling": 3.0, "boxcar": 1.0}
    assert answers.left_over == []
    answers.reset()
    answers.undo()
    answers.scars = {"rolling": 2.0, "boxcar": 1.0}
    assert answers.left_over == [], "it was given"
    answers.reset()
    answers.fitzpatrick = 5
    again = Answers(answers.evidence)
    again.open(answers.record)
    assert again.left_over == ["rolling"], "nobody gave it, before the page was loaded again or after"
    answers.scars = {"rolling": 2.0, "icepick": 1.0}
    answers.undo()
    assert answers.left_over == ["rolling"]


def test_what_is_left_of_the_example_is_named_until_it_is_changed(answers):
    assert answers.example
    answers.scars = {**answers.scars, "icepick": 3.0}
    assert answers.left_over == ["rolling"]
    answers.scars = {**answers.scars, "rolling": 3.0}
    answers.scars = {**answers.scars, "rolling": 2.0}
    assert answers.left_over == []
    answers.reset()
    assert answers.left_over == ["rolling"]
    answers.open(Record(Client({"rolling": 2.0, "boxcar": 1.0})))
    assert answers.left_over == []


def test_a_client_who_was_given_is_no_example():
    given_ = Answers(EVIDENCE, Client({"rolling": 2.0}, fitzpatrick=5))
    assert not given_.example
    assert given_.left_over == []


def test_start_again_at_the_start_does_nothing(answers, calls):
    answers.reset()
    assert calls == []
    answers.fitzpatrick = 3
    answers.undo()
    assert answers.client == START


def test_start_again_goes_back_to_the_client_it_opened_with():
    client = Client(scars={"icepick": 2.5}, fitzpatrick=6, budget_usd=1234, conditions={"pregnancy"})
    answers = Answers(EVIDENCE, client)
    assert agrees(answers)
    answers.answer(**ONE_OF_EACH)
    answers.reset()
    assert answers.client == client
    assert answers.untouched


def test_two_pages_share_no_answers(answers):
    other = Answers(EVIDENCE)
    answers.scars = {"icepick": 1.0}
    assert other.client == START
    assert START.scars == {"rolling": 2}


# What cannot be worked out


def test_no_scars_is_said_and_the_last_result_stays(answers, calls):
    answers.fitzpatrick = 4
    last, client = answers.options, answers.client
    del calls[:]
    answers.scars = {}
    assert answers.options is last
    assert answers.client == client
    assert calls == []
    assert "scar" in answers.problem
    assert answers.problem.endswith(".")
    answers.severity = 2
    assert answers.options is last
    assert answers.problem
    answers.scars = {"icepick": 1.0}
    assert answers.problem == ""
    assert answers.client == Client(scars={"icepick": 1.0}, fitzpatrick=4, severity=2)
    assert agrees(answers)


def test_no_scars_can_be_undone(answers):
    answers.scars = {}
    answers.undo()
    assert answers.problem == ""
    assert agrees(answers)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("subcision"),
        ValueError("shapes (3,) and (4,)"),
        RuntimeError("/srv/secret.py, line 3"),
        ZeroDivisionError(),
    ],
)
def test_a_failure_keeps_the_last_good_result_and_says_so_plainly(answers, monkeypatch, caplog, error):
    answers.fitzpatrick = 3
    last, client = answers.options, answers.client
    with monkeypatch.context() as broken:
        break_it(broken, error)
        answers.max_pain = 2.0
        assert answers.options is last
        assert answers.client == client
        for technical in (
            type(error).__name__,
            "Traceback",
            "Error",
            "Exception",
            ".py",
            "line ",
            "subcision",
            "shapes",
        ):
            assert technical not in answers.problem
        assert answers.problem.endswith(".")
        assert "last good" in answers.problem
    assert type(error).__name__ in caplog.text, "the log has to carry the cause"
    answers.undo()
    assert answers.problem == ""
    assert answers.client == client
    assert agrees(answers)


def test_after_a_failure_the_next_answer_works_again(answers, monkeypatch):
    with monkeypatch.context() as broken:
        break_it(broken, RuntimeError("once"))
        answers.max_pain = 2.0
    answers.severity = 2
    assert answers.problem == ""
    assert answers.client.max_pain == 2
    assert agrees(answers)


HOSTILE = [
    ("fitzpatrick", 0),
    ("fitzpatrick", 7),
    ("fitzpatrick", 10**30),
    ("severity", -1),
    ("scars", {"<script>alert(1)</script>": 1.0}),
    ("scars", {"rolling": -1.0}),
    ("scars", {"rolling": 0.0}),
    ("scars", {"rolling": math.nan}),
    ("scars", {"rolling": math.inf}),
    ("scars", {"rolling": 1e300}),
    ("character", ["'; drop table"]),
    ("conditions", ["../../etc/passwd"]),
    ("conditions", ["pregnancy", "x" * 5000]),
    ("max_downtime_days", -1.0),
    ("max_downtime_days", math.nan),
    ("max_sessions", math.inf),
    ("max_pain", 10.5),
    ("budget_usd", -1e9),
    ("setting", "moon"),
    ("setting", ""),
    ("priorities", {"improvement": 1e9}),
    ("priorities", {"improvement": -1.0}),
    ("priorities", {"improvement": math.nan}),
]


@pytest.mark.parametrize(("name", "value"), HOSTILE)
def test_a_value_that_is_not_allowed_is_said_and_the_last_result_stays(answers, name, value):
    answers.fitzpatrick = 3
    last, client = answers.options, answers.client
    setattr(answers, name, value)
    assert answers.options is last
    assert answers.client == client
    assert answers.problem
    assert "Traceback" not in answers.problem
    answers.undo()
    assert answers.problem == ""
    assert answers.client == client


@pytest.mark.parametrize(
    ("name", "value"), [("fitzpatrick", "IV"), ("fitzpatrick", 4.5), ("scars", ["icepick"]), ("budget_usd", "free")]
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_and_nothing_changes(answers, calls, name, value):
    with pytest.raises(Exception, match=name):
        setattr(answers, name, value)
    assert calls == []
    assert agrees(answers)


def test_priorities_left_out_count_as_none(answers):
    answers.priorities = {"cost": 3.0}
    assert answers.client.priorities["cost"] == 3
    assert not any(weight for name, weight in answers.client.priorities.items() if name != "cost")
    answers.priorities = {}
    assert answers.problem == ""
    assert len(answers.options) == len(TABLES.treatments)


def test_everything_at_once_still_leaves_no_treatment(answers):
    answers.answer(
        scars={scar: 3.0 for scar in TABLES.scar_types.index},
        conditions=list(TABLES.conditions.index),
        fitzpatrick=6,
        severity=4,
        max_downtime_days=0.0,
        max_sessions=0.0,
        max_pain=0.0,
        budget_usd=0.0,
        setting="home",
    )
    assert answers.problem == ""
    assert answers.options.at[NO_TREATMENT, "verdict"] == "suitable"
    assert agrees(answers)
