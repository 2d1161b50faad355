"""A consultation is kept and opened again, by file and by link; what is not one is refused with a sentence."""

import contextlib
import json
from base64 import urlsafe_b64encode
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scarlib
from scarlib import Client, ClientError
from scarlib.client import PRIORITIES, SCAR_TYPES, SETTINGS, TRAITS
from scarlib.record import MARK, MAX_FILE, MAX_LINK, MOST, VERSION, Record
from scarlib.screening import NO_TREATMENT

TABLES = scarlib.load_tables()
TREATMENTS = [treatment for treatment in TABLES.treatments.index if treatment != NO_TREATMENT]
CLIENT = Client(scars={"rolling": 2}, fitzpatrick=5, conditions={"isotretinoin_recent"})
FULL = Record(
    CLIENT, ("subcision",), ("subcision", "laser_co2_fractional"), date(2027, 1, 4), date(2027, 9, 1), "m.csv"
)

clients = st.builds(
    Client,
    scars=st.dictionaries(st.sampled_from(SCAR_TYPES), st.floats(0.1, 9), min_size=1),
    fitzpatrick=st.none() | st.integers(1, 6),
    traits=st.sets(st.sampled_from(TRAITS)),
    severity=st.none() | st.integers(1, 4),
    conditions=st.sets(st.sampled_from(list(TABLES.conditions.index))),
    max_downtime_days=st.none() | st.floats(0, 365),
    budget_usd=st.none() | st.integers(0, 1_000_000),
    setting=st.none() | st.sampled_from(SETTINGS),
    priorities=st.dictionaries(st.sampled_from(list(PRIORITIES)), st.floats(0, 3)),
)
some = st.lists(st.sampled_from(TREATMENTS), unique=True, max_size=MOST).map(tuple)
days = st.none() | st.dates(date(2000, 1, 1), date(2200, 12, 31))
records = st.builds(
    Record, clients, compared=some, planned=some, starts_on=days, ready_by=days, menu=st.text(max_size=200)
)


def link_to(raw):
    return f"#{MARK}{urlsafe_b64encode(raw).decode()}"


def coded(told):
    return link_to(json.dumps(told).encode())


@given(records)
def test_what_is_saved_opens_as_it_was(record):
    assert Record.from_json(record.to_json()) == record


@given(records)
def test_a_link_holds_all_but_the_menu(record):
    link = f"https://clinic.example/scars/#{record.to_link()}"
    assert Record.from_link(link) == Record(
        record.client, record.compared, record.planned, record.starts_on, record.ready_by
    )
    assert "?" not in link
    assert link.count("#") == 1, "all that was entered stands after the #, which no browser sends"


def test_every_answer_at_once_still_fits_a_link():
    client = Client(
        scars=dict.fromkeys(SCAR_TYPES, 0.1 + 0.2),
        fitzpatrick=6,
        traits=TRAITS,
        severity=4,
        conditions=list(TABLES.conditions.index),
        max_downtime_days=364.987654321,
        max_sessions=59.987654321,
        max_pain=9.987654321,
        budget_usd=987654.321,
        setting="med_spa",
        priorities=dict.fromkeys(PRIORITIES, 2.987654321),
    )
    longest = sorted(TREATMENTS, key=len)[-MOST:]
    record = Record(client, tuple(longest), tuple(longest), date(2027, 1, 1), date(2027, 1, 1), "m" * 200)
    assert len(record.to_link()) < MAX_LINK
    assert len(record.to_json()) < MAX_FILE
    assert Record.from_link(record.to_link()).client == client


def test_a_file_of_the_first_version_opens():
    assert Record.from_json(CLIENT.to_json()) == Record(CLIENT)


def test_a_file_says_which_version_it_is():
    assert json.loads(FULL.to_json())["version"] == VERSION


def changed(**changes):
    return json.dumps({**FULL.to_dict(), **changes})


BAD_FILES = {
    "nothing": ("", "not JSON"),
    "a picture": ("\x89PNG\r\n", "not JSON"),
    "a list": ("[1, 2]", "holds no answers"),
    "a number": ("7", "holds no answers"),
    "too deep": ("[" * 90_000, "not JSON"),
    "too long": (" " * (MAX_FILE + 1), f"more than {MAX_FILE:,} characters"),
    "of the future": (changed(version=VERSION + 1), "newer than this tool knows"),
    "of no version": (changed(version=None), "version: None is not known"),
    "a version of true": (changed(version=True), "version: True is not known"),
    "without scars": (changed(client={"scars": {}}), "scars: is empty"),
    "an unknown scar": (changed(client={"scars": {"<img src=x>": 1}}), "is not known. Allowed is any of: icepick"),
    "not a number": ('{"scars": {"rolling": NaN}}', "nan for 'rolling' is not allowed"),
    "an unknown field": (changed(name="Somebody"), "name: is not known"),
    "an unknown treatment": (changed(compared=["magic"]), "compared: 'magic' is not known"),
    "a treatment that is none": (changed(planned=[["peel"]]), "planned: \"['peel']\" is not known"),
    "no treatment": (changed(planned=[NO_TREATMENT]), "planned: 'no_treatment' is not known"),
    "twice the same": (changed(planned=["subcision", "subcision"]), "planned: a treatment stands twice"),
    "too many": (changed(compared=TREATMENTS[: MOST + 1]), f"at most {MOST} treatments"),
    "no list": (changed(compared="subcision"), f"at most {MOST} treatments"),
    "no day": (changed(starts_on="soon"), "starts_on: 'soon' is not a day"),
    "a day that is not": (changed(ready_by="2027-02-30"), "ready_by: '2027-02-30' is not a day"),
    "a day long past": (changed(ready_by="0001-01-01"), "ready_by: '0001-01-01' is not a day"),
    "a menu that is no name": (changed(menu=["m"]), "menu: is not a name"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_refused_with_its_cause(kind):
    text, said = BAD_FILES[kind]
    with pytest.raises(ClientError) as caught:
        Record.from_json(text)
    assert said in str(caught.value)
    for problem in caught.value.problems:
        assert problem.endswith(".")
        assert len(problem) < 1200


def test_all_problems_of_a_file_are_told_at_once():
    with pytest.raises(ClientError) as caught:
        Record.from_json(changed(client={"scars": {"rolling": -1}, "fitzpatrick": 9}, compared=["magic"], ready_by=7))
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "scars",
        "fitzpatrick",
        "compared",
        "ready_by",
    ]


BAD_LINKS = {
    "empty": ("", "holds no answers"),
    "another anchor": ("https://clinic.example/#fits", "holds no answers"),
    "in the query": (f"https://clinic.example/?{FULL.to_link()}", "holds no answers"),
    "nothing after the mark": (f"#{MARK}", "broken or was cut"),
    "cut": (f"#{FULL.to_link()[:-9]}", "broken or was cut"),
    "not the alphabet": (f"#{MARK}<script>alert(1)</script>", "broken or was cut"),
    "not text": (link_to(bytes(range(128, 200))), "broken or was cut"),
    "too long": (f"#{MARK}{'A' * MAX_LINK}", f"more than {MAX_LINK:,} characters"),
    "an empty object": (coded({}), "version: None is not known"),
    "of the future": (coded({"version": 99, "client": {}}), "newer than this tool knows"),
    "a hostile text": (coded({"version": VERSION, "client": {"scars": {"<b>": 1}}}), "is not known"),
    "a huge number": (link_to(b'{"version":' + b"9" * 5000 + b"}"), "link: "),
    "endlessly deep": (link_to(b"[" * 5000), "broken or was cut"),
}


@pytest.mark.parametrize("kind", BAD_LINKS)
def test_a_bad_link_is_refused_with_its_cause(kind):
    link, said = BAD_LINKS[kind]
    with pytest.raises(ClientError) as caught:
        Record.from_link(link)
    assert said in str(caught.value)


@settings(max_examples=300)
@given(st.text() | st.binary().map(link_to))
def test_whatever_the_link_it_opens_or_is_refused(text):
    for read in (Record.from_link, Record.from_json):
        with contextlib.suppress(ClientError):
            assert isinstance(read(text), Record)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from([*FULL.to_dict(), "other"]), values))
def test_whatever_stands_in_a_field_it_opens_or_is_refused(changes):
    told = {**FULL.to_dict(), **changes}
    with contextlib.suppress(ClientError):
        record = Record.from_dict(told)
        assert Record.from_dict(record.to_dict()) == record
