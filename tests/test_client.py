"""What a person's profile accepts, and how it says no."""

import copy
import dataclasses
import json
import math
import pickle

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scarlib
from scarlib import Client, ClientError
from scarlib.client import LIMITS, PRIORITIES, SCAR_TYPES, SETTINGS, TRAITS

CONDITIONS = list(scarlib.load_tables().conditions.index)
people = settings(max_examples=100, deadline=None, derandomize=True)
hostile = settings(max_examples=200, deadline=None, derandomize=True)

clients = st.builds(
    Client,
    scars=st.dictionaries(st.sampled_from(SCAR_TYPES), st.floats(1e-6, 1e9) | st.integers(1, 9), min_size=1),
    fitzpatrick=st.none() | st.integers(1, 6),
    traits=st.frozensets(st.sampled_from(TRAITS)),
    severity=st.none() | st.integers(1, 4),
    conditions=st.frozensets(st.sampled_from(CONDITIONS), max_size=6),
    setting=st.none() | st.sampled_from(SETTINGS),
    priorities=st.dictionaries(st.sampled_from(list(PRIORITIES)), st.floats(0, 3)),
    **{name: st.none() | st.floats(low, high) | st.integers(low, high) for name, (low, high, _) in LIMITS.items()},
)


def problems(**answers):
    with pytest.raises(ClientError) as caught:
        Client(**{"scars": {"rolling": 1}, **answers})
    return caught.value.problems


@pytest.mark.parametrize(
    ("argument", "value", "allowed"),
    [
        ("scars", {}, "icepick"),
        ("scars", {"pits": 1}, "icepick"),
        ("scars", {"rolling": 0}, "above 0"),
        ("scars", {"rolling": -1}, "above 0"),
        ("scars", {"rolling": math.nan}, "above 0"),
        ("scars", {"rolling": math.inf}, "above 0"),
        ("scars", {"rolling": True}, "above 0"),
        ("scars", {"rolling": "2"}, "above 0"),
        pytest.param("scars", {"rolling": 10**400}, "number", id="scars-huge"),
        ("scars", ["rolling"], "mapping"),
        ("scars", None, "mapping"),
        ("fitzpatrick", 0, "1 to 6"),
        ("fitzpatrick", 7, "1 to 6"),
        ("fitzpatrick", "IV", "1 to 6"),
        ("fitzpatrick", 3.0, "1 to 6"),
        ("fitzpatrick", True, "1 to 6"),
        ("traits", {"bumpy"}, "tethered"),
        ("traits", "deep", "set"),
        ("traits", 5, "set"),
        ("traits", [["deep"]], "tethered"),
        ("severity", 5, "1 to 4"),
        ("severity", 2.5, "1 to 4"),
        ("conditions", {"toothache"}, "pregnancy"),
        ("conditions", "pregnancy", "set"),
        ("max_downtime_days", -1, "0 to 365 days"),
        ("max_downtime_days", "3", "0 to 365 days"),
        ("max_sessions", 61, "0 to 60 visits"),
        ("max_pain", 11, "0 to 10"),
        ("max_pain", math.nan, "0 to 10"),
        ("budget_usd", True, "US dollars"),
        pytest.param("budget_usd", 10**400, "US dollars", id="budget_usd-huge"),
        ("setting", "hospital", "med_spa"),
        ("setting", ["med_spa"], "med_spa"),
        ("priorities", {"joy": 1}, "improvement"),
        ("priorities", {"cost": 4}, "0 to 3"),
        ("priorities", {"cost": -1}, "0 to 3"),
        ("priorities", {"cost": None}, "0 to 3"),
        ("priorities", 3, "mapping"),
    ],
)
def test_each_bad_argument_is_named_with_what_is_allowed(argument, value, allowed):
    found = problems(**{argument: value})
    assert len(found) == 1
    assert found[0].startswith(f"{argument}:")
    assert allowed in found[0]


def test_all_bad_arguments_are_named_at_once():
    found = problems(
        scars={"pits": 1}, fitzpatrick=9, traits={"bumpy"}, severity=0, conditions={"toothache"},
        max_downtime_days=-1, max_sessions="3", max_pain=11, budget_usd=math.nan, setting="mars",
        priorities={"cost": 4, "joy": 1},
    )  # fmt: skip
    named = [problem.partition(":")[0] for problem in found]
    assert set(named) == {field.name for field in dataclasses.fields(Client)}
    assert named.count("priorities") == 2


def test_an_unknown_answer_and_a_bad_one_are_named_at_once():
    with pytest.raises(ClientError) as caught:
        Client.from_dict({"scars": {"pits": 1}, "shoe_size": 9})
    assert {problem.partition(":")[0] for problem in caught.value.problems} == {"scars", "shoe_size"}


def test_what_is_allowed_is_written_in_full_numbers():
    assert "1,000,000" in problems(budget_usd=-1)[0] or "1000000" in problems(budget_usd=-1)[0]


def test_every_limit_may_be_none_and_reach_both_ends():
    for name, (low, high, _) in LIMITS.items():
        for value in (None, low, high):
            assert getattr(Client(scars={"rolling": 1}, **{name: value}), name) == value


@people
@given(clients)
def test_round_trip_through_a_dict_and_json(client):
    assert Client.from_dict(client.to_dict()) == client
    assert Client.from_json(client.to_json()) == client
    assert json.loads(client.to_json()) == client.to_dict()
    assert "\n" not in client.to_json()
    assert Client.from_json(client.to_json()).to_json() == client.to_json()


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from([*SCAR_TYPES, *TRAITS, "med_spa"]) | st.sampled_from([10**400, -(10**400), 1e308, math.nan]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5) | st.sampled_from([*SCAR_TYPES, *PRIORITIES]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
answers = st.dictionaries(
    st.sampled_from([field.name for field in dataclasses.fields(Client)]) | st.text(max_size=6), nested, max_size=6
)


def accepted_or_refused(text):
    try:
        client = Client.from_json(text)
    except ClientError:
        return
    assert isinstance(client, Client)


@hostile
@given(answers | nested)
def test_hostile_json_is_refused_with_a_client_error_alone(content):
    accepted_or_refused(json.dumps(content))


@hostile
@given(st.text() | st.binary())
def test_hostile_text_is_refused_with_a_client_error_alone(text):
    accepted_or_refused(text)


@hostile
@given(clients, st.data())
def test_damaged_json_is_refused_with_a_client_error_alone(client, data):
    text = client.to_json()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    accepted_or_refused(text[:start] + data.draw(st.text(max_size=4)) + text[end:])


@pytest.mark.parametrize("depth", [50, 500, 900, 990, 5_000, 200_000])
@pytest.mark.parametrize("pattern", ['{"scars": %s%s}', '{"scars": {"rolling": 1}, "setting": %s%s}', "%s%s"])
def test_deep_nesting_is_refused_with_a_client_error_alone(depth, pattern):
    accepted_or_refused(pattern % ("[" * depth, "]" * depth))


@pytest.mark.parametrize("text", ['{"scars": {"rolling": NaN}}', '{"scars": {"rolling": 1e999}}',
                                  '{"scars": {"rolling": 1}, "max_pain": -Infinity}', "", "null", "[]", "1" * 5000,
                                  '{"scars": {"rolling": 1' + "0" * 400 + "}}"])  # fmt: skip
def test_numbers_that_are_none_are_refused(text):
    with pytest.raises(ClientError):
        Client.from_json(text)


def test_a_refusal_does_not_repeat_a_flood_of_input():
    with pytest.raises(ClientError) as caught:
        Client.from_json(json.dumps({"scars": {"rolling": 1}, "setting": "x" * 100_000}))
    assert len(str(caught.value)) < 5_000


def test_a_client_cannot_be_changed_from_outside():
    scars, traits, priorities = {"rolling": 1}, {"deep"}, {"cost": 1}
    client = Client(scars=scars, traits=traits, priorities=priorities)
    scars["icepick"], priorities["cost"] = 2, 3
    traits.add("wide")
    assert dict(client.scars) == {"rolling": 1}
    assert client.traits == {"deep"}
    assert dict(client.priorities) == {"cost": 1}
    with pytest.raises(dataclasses.FrozenInstanceError):
        client.severity = 2
    with pytest.raises(TypeError):
        client.scars["keloid"] = 1
    with pytest.raises(TypeError):
        client.priorities["cost"] = 3
    assert not hasattr(client.traits, "add")
    client.to_dict()["scars"]["keloid"] = 1
    assert dict(client.scars) == {"rolling": 1}


def test_replace_changes_one_answer_and_checks_it():
    client = Client(scars={"rolling": 1}, severity=2)
    assert client.replace(severity=3).severity == 3
    assert client.severity == 2
    with pytest.raises(ClientError, match="severity"):
        client.replace(severity=9)


def test_a_client_of_a_clinics_own_tables_can_be_changed_and_read_back():
    tables = scarlib.load_tables()
    own = pd.concat([tables.conditions, tables.conditions.loc[["smoking"]].rename(index={"smoking": "own_rule"})])
    tables = dataclasses.replace(tables, conditions=own)
    client = Client(scars={"rolling": 1}, conditions={"own_rule"}, tables=tables)
    assert Client.from_json(client.to_json(), tables) == client
    assert client.replace(severity=2).conditions == {"own_rule"}
    with pytest.raises(ClientError, match="own_rule"):
        Client(scars={"rolling": 1}, conditions={"own_rule"})


def test_a_client_can_be_copied_and_kept():
    client = Client(scars={"rolling": 1}, traits={"deep"})
    assert copy.deepcopy(client) == client
    assert pickle.loads(pickle.dumps(client)) == client


def test_nothing_in_a_client_names_the_person():
    assert {field.name for field in dataclasses.fields(Client)} == {
        "scars", "fitzpatrick", "traits", "severity", "conditions", "max_downtime_days", "max_sessions", "max_pain",
        "budget_usd", "setting", "priorities",
    }  # fmt: skip


def test_numbers_out_of_a_table_are_taken_as_they_are():
    row = pd.DataFrame({"fitzpatrick": [4], "weight": [2], "days": [3.0]}).iloc[0]
    frame = pd.DataFrame({"fitzpatrick": [4], "weight": [2]})
    client = Client(scars={"rolling": frame["weight"].iloc[0]}, fitzpatrick=frame["fitzpatrick"].iloc[0])
    assert client == Client(scars={"rolling": 2}, fitzpatrick=4)
    assert Client.from_json(client.to_json()) == client
    assert Client(scars={"rolling": 1}, max_downtime_days=row["days"]).max_downtime_days == 3


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"setting": pd.NA}, "setting: "),
        ({"conditions": {"pregnancy": False}}, "conditions: "),
        ({"scars": {"rolling": 1e308}}, "at most 1,000,000,000"),
        ({"scars": {"rolling": True}}, "at most 1,000,000,000"),
    ],
)
def test_what_is_refused_names_its_argument_and_its_bounds(answers, said):
    with pytest.raises(ClientError) as caught:
        Client(**{"scars": {"rolling": 1}, **answers})
    assert said in caught.value.problems[0]
