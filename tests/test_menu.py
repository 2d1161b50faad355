"""A clinic's menu loads, or one DataError lists everything wrong; laid over, it moves prices and nothing else."""

import contextlib
import csv
import io
import math
import re
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scarlib
from scarlib import Client, DataError
from scarlib.client import SCAR_TYPES, TRAITS
from scarlib.evidence import NUMBERS, Evidence
from scarlib.menu import COLUMNS, MAX_BYTES, MAX_ROWS, Tariff, clinic_says, lay_over, offered, read_menu
from scarlib.planning import plan
from scarlib.screening import NO_TREATMENT, screen

openpyxl = pytest.importorskip("openpyxl")
TABLES = scarlib.load_tables()
PLAIN = Evidence(TABLES)
IDS = [treatment for treatment in TABLES.treatments.index if treatment != NO_TREATMENT]
SKINS = (None, 1, 2, 3, 4, 5, 6)
HEAD = ",".join(COLUMNS)


def menu(*lines, head=HEAD, name="menu.csv"):
    return read_menu("\n".join([head, *lines]).encode(), name)


def problems(raw, name="menu.csv"):
    with pytest.raises(DataError) as caught:
        read_menu(raw if isinstance(raw, bytes) else raw.encode(), name)
    return caught.value.problems


def workbook(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def laid(*lines, **rest):
    return Evidence(lay_over(TABLES, menu(*lines, **rest)))


# Reading


def test_the_example_loads_and_the_dictionary_names_its_columns(root):
    found = read_menu(root / "docs" / "menu-example.csv")
    assert repr(found) == "<Menu menu-example.csv: 6 offers of 5 treatments>"
    text = (root / "docs" / "menu.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == list(COLUMNS)
    with (root / "docs" / "menu-example.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == list(COLUMNS)


def test_columns_may_be_left_out_and_stand_in_any_order():
    offers = menu("250, Microneedling", "300,subcision", head="price_usd_per_session,treatment_id").offers
    assert list(offers.columns) == list(COLUMNS)[1:]
    assert list(offers.index) == ["microneedling", "subcision"]
    assert list(offers["offered"]) == ["yes", "yes"]
    assert offers["package_sessions"].isna().all()


def test_an_excel_menu_says_the_same_as_a_csv():
    head = list(COLUMNS)
    row = ["microneedling", True, 300.0, 3, 810, 2, "Med_Spa", None, "note"]
    one = read_menu(workbook([*head, None], [*row, None], [None] * 4), "menu.xlsx").offers
    assert one.equals(menu("microneedling,yes,300,3,810,2,med_spa,,note").offers)
    assert read_menu(workbook(head, row)).offers.equals(one), "told by its bytes, whatever its name"


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "=1+1", "+1", "@SUM(A1)", '=HYPERLINK("http://x","y")'])
def test_a_formula_is_text_and_never_evaluated(text):
    quoted = text.replace('"', '""')
    for offers in (
        menu(f'microneedling,,,,,,,,"{quoted}"').offers,
        read_menu(workbook(["treatment_id", "note"], ["microneedling", text])).offers,
    ):
        assert offers.at["microneedling", "note"] == text
    (told,) = problems(workbook(["treatment_id", "price_usd_per_session"], ["microneedling", "=100+200"]), "m.xlsx")
    assert told.startswith("m.xlsx, row 2, column price_usd_per_session: '=100+200' is not a number.")


OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BAD = {
    "missing column": ("offered\nyes", "menu.csv, row 1: column treatment_id is missing. Add it to the header."),
    "unknown column": ("treatment_id,price\nsubcision,3", "menu.csv, row 1: column price is not known. Remove it, or"),
    "unknown treatment": ("treatment_id\nmagic", "menu.csv, row 2, column treatment_id: 'magic' is not known. Allowed"),
    "no treatment": (
        "treatment_id\nno_treatment",
        "menu.csv, row 2, column treatment_id: 'no_treatment' is always an option, and free. Remove the row.",
    ),
    "text in a number": (
        "treatment_id,price_usd_per_session\nsubcision,$300",
        "menu.csv, row 2, column price_usd_per_session: '$300' is not a number. Write digits with a point, or leave",
    ),
    "negative price": (
        "treatment_id,price_usd_per_session\nsubcision,-1",
        "menu.csv, row 2, column price_usd_per_session: -1 is out of range. Allowed is 0 to 100000.",
    ),
    "package without sessions": (
        "treatment_id,package_price_usd\nsubcision,900",
        "menu.csv, row 2, column package_sessions: is blank, but the package has a price. Say how many sessions",
    ),
    "package without a price": (
        "treatment_id,package_sessions\nsubcision,3",
        "menu.csv, row 2, column package_price_usd: is blank, but the package has sessions. Give its price, or leave",
    ),
    "a broken number of sessions": (
        "treatment_id,package_sessions,package_price_usd\nsubcision,three,900",
        "menu.csv, row 2, column package_sessions: 'three' is not a number. Write digits with a point, or leave it",
    ),
    "duplicate offer": (
        "treatment_id,device\nsubcision,Cannula\nsubcision,cannula ",
        "menu.csv, row 3, column treatment_id: the offer 'subcision, cannula' stands twice. Remove one, or name",
    ),
    "not yes or no": (
        "treatment_id,offered\nsubcision,maybe",
        "menu.csv, row 2, column offered: 'maybe' is not known. Allowed is one of: no, yes.",
    ),
    "hidden character": (
        "treatment_id,note\nsubcision,a\u202eb",
        "menu.csv, row 2, column note: holds a character that is not seen. Type it again.",
    ),
    "long text": (
        "treatment_id,note\nsubcision," + "x" * 501,
        "menu.csv, row 2, column note: has 501 characters. Allowed is 500.",
    ),
    "wrong encoding": (
        "treatment_id,note\nsubcision,caf\xe9".encode("latin-1"),
        "menu.csv, row 2: is not UTF-8 text (byte 0xe9). Save the file again as CSV UTF-8.",
    ),
    "empty": ("", "menu.csv: is empty. It needs the header treatment_id, offered"),
    "header alone": (HEAD, "menu.csv: has a header but no rows. Add at least one."),
    "semicolons": (
        "treatment_id;note\nsubcision;x",
        "menu.csv, row 1: has semicolons between its cells. Save it with commas, as CSV UTF-8.",
    ),
    "broken quotes": ('treatment_id,note\nsubcision,"x"y', "menu.csv, row 2: is not a well-formed CSV ("),
    "broken xlsx": (b"PK\x03\x04 and nothing more", "menu.csv: is not a sound Excel file. Open it in a spreadsheet"),
    "old Excel": (OLD, "menu.csv: is an old Excel file, or one with a password. Save it as .xlsx without a password."),
    "too large": (b"x" * (MAX_BYTES + 1), "menu.csv: is too large (20.0 MB). Allowed is 20 MB. Split it, or delete"),
    "too many rows": (
        "treatment_id\n" + "subcision\n" * (MAX_ROWS + 1),
        "menu.csv: has more than 200,000 rows. Split it, or delete what is not part of the menu.",
    ),
    "too many columns": ("treatment_id" + "," * 50 + "\nsubcision", "menu.csv, row 1: has more than 50 columns. Keep:"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_with_its_cause_and_cure(kind):
    raw, words = BAD[kind]
    (told,) = problems(raw)
    print(told[:160])
    assert told.startswith(words)
    assert told.count(".") >= 2


def test_all_problems_are_told_at_once():
    told = problems("treatment_id,price_usd_per_session,package_price_usd\nmagic,x,\nsubcision,,900\n,5,")
    assert [problem.partition(":")[0] for problem in told] == [
        "menu.csv, row 2, column price_usd_per_session",
        "menu.csv, row 4, column treatment_id",
        "menu.csv, row 2, column treatment_id",
        "menu.csv, row 3, column package_sessions",
    ]
    assert len(problems("treatment_id\n" + "magic\n" * 5_000)) == 1_001


def test_a_file_that_is_not_there_and_a_workbook_that_would_burst_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"away\.csv: cannot be read"):
        read_menu(str(tmp_path / "away.csv"))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("xl/a.xml", "w") as part:
        for _ in range(301):
            part.write(b" " * 1_000_000)
    assert problems(bomb.getvalue(), "b.xlsx") == (
        "b.xlsx: is too large once unpacked (301 MB). Copy the menu alone to a new file.",
    )


SOUND = workbook(["treatment_id", "note"], ["microneedling", "x"])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.integers(0, len(SOUND) - 1))
def test_whatever_the_bytes_it_loads_or_is_refused(raw, place):
    damaged = SOUND[:place] + raw + SOUND[place + len(raw) :]
    for source in (raw, f"{HEAD}\n".encode() + raw, damaged, b"PK" + raw):
        with contextlib.suppress(DataError):
            assert len(read_menu(source).offers)


# Laid over


def test_the_clinics_price_replaces_that_of_the_sources():
    evidence = laid("microneedling,,300,,,,,,")
    price, visits = evidence.price("microneedling"), PLAIN.number("microneedling", "sessions")
    assert (price.low, price.typical, price.high) == (300, 300, 300)
    assert (price.strength, price.sources, price.claims, price.tier) == ("clinic", (), (), 0)
    course = evidence.course_cost("microneedling")
    assert (course.low, course.typical, course.high) == (300 * visits.low, 300 * visits.typical, 300 * visits.high)
    assert (course.strength, course.sources) == ("clinic", visits.sources)
    assert evidence.tables.label("strength", "clinic") == "the clinic's own price"
    assert evidence.number("microneedling", "cost_usd_per_session") == PLAIN.number(
        "microneedling", "cost_usd_per_session"
    )
    assert evidence.course_cost("subcision") == PLAIN.course_cost("subcision")


def test_packages_are_bought_whole_and_only_where_they_cost_less():
    assert Tariff(300, 3, 810).course(3) == 810
    assert Tariff(300, 3, 810).course(4) == 1110
    assert Tariff(300, 3, 310).course(4) == 610
    assert Tariff(300, 6, 310).course(2) == 310, "a package may cost about as much as one session"
    assert Tariff(100, 3, 810).course(3) == 300
    assert Tariff(math.nan, 3, 810).course(4) == 1620
    assert Tariff(math.nan, 3, 810).session == 270
    assert Tariff(300, math.nan, math.nan).course(4) == 1200
    assert math.isnan(Tariff(300, 3, 810).course(math.nan))


def test_several_devices_span_a_range_and_what_is_not_offered_has_no_price():
    evidence = laid("subcision,,400,,,A,,,", "subcision,,600,,,B,,,", "subcision,no,10,,,C,,,")
    price = evidence.price("subcision")
    assert (price.low, price.typical, price.high) == (400, 600, 600)


def test_a_price_per_session_is_no_longer_one_per_scar_but_a_tube_stays_a_tube():
    evidence = laid("punch_techniques,,500,,,,,,", "topical_retinoid,,30,,,,,,")
    assert evidence.texts["punch_techniques"]["price_unit"] == "session"
    course = evidence.course_cost("topical_retinoid")
    assert course.low == 30
    assert math.isnan(course.typical)


def test_what_is_not_offered_is_still_shown_with_its_verdict():
    evidence = laid("subcision,no,,,,,,,", "microneedling,yes,300,,,Pen,med_spa,Rest.,")
    tables = evidence.tables
    client = Client(scars={"rolling": 1}, fitzpatrick=4)
    assert screen(client, evidence) == screen(client, PLAIN)
    assert [offered(tables, t) for t in ("subcision", "microneedling", "filler_ha", NO_TREATMENT)] == [
        False, True, None, None,
    ]  # fmt: skip
    assert clinic_says(tables, "subcision")[0].startswith("Not offered here")
    assert clinic_says(tables, "microneedling") == (
        "The clinic's own price (Pen): $300 a session.",
        "This clinic says it is done by med spa staff.",
        "This clinic's own words on the days after, not checked: Rest.",
    )
    assert "Ask whether it is offered here" in clinic_says(tables, "filler_ha")[0]
    assert clinic_says(tables, NO_TREATMENT) == clinic_says(TABLES, "subcision") == ()
    assert offered(TABLES, "subcision") is None


def test_a_limit_and_a_plan_speak_of_the_clinics_own_price():
    from datetime import date

    client = Client(scars={"rolling": 1}, fitzpatrick=2, budget_usd=500)
    evidence = laid("microneedling,,700,4,2000,,,,")
    reason = next(r for r in screen(client, evidence)["microneedling"][1] if r.about == "limit:budget_usd")
    assert reason.text.startswith("Cost of the course (the clinic's own price): usually $")
    assert reason.level == "outside_limits"
    course = plan(Client(scars={"rolling": 1}, fitzpatrick=2), ["microneedling"], evidence, date(2027, 1, 4))
    assert course.cost.high == Tariff(700, 4, 2000).course(PLAIN.number("microneedling", "sessions").high)


def test_a_menu_for_other_treatments_is_refused():
    other = read_menu(b"treatment_id\nmagic", known=["magic"])
    with pytest.raises(DataError, match="'magic' is not in these tables"):
        lay_over(TABLES, other)


cell = st.sampled_from(["", "x", "=1+1", "Cures all scars"])
price = st.sampled_from(["", "0", "1", "350", "99999.5"])
offer = st.tuples(
    st.sampled_from(IDS), st.sampled_from(["yes", "no", ""]), price,
    st.sampled_from([",", "1,1", "3,900", "60,100000", "6,0"]), st.sampled_from(["physician", "med_spa", "home", ""]),
    cell, cell,
)  # fmt: skip
people = st.builds(
    Client,
    scars=st.dictionaries(st.sampled_from(SCAR_TYPES), st.integers(1, 3), min_size=1, max_size=3),
    fitzpatrick=st.sampled_from(SKINS),
    traits=st.sets(st.sampled_from(TRAITS), max_size=2),
    conditions=st.sets(st.sampled_from([*TABLES.conditions.index]), max_size=3),
    budget_usd=st.sampled_from([None, 0, 500, 3000]),
    max_downtime_days=st.sampled_from([None, 3]),
    setting=st.sampled_from([None, "med_spa", "home"]),
)


def medical(evidence, treatment):
    """Every answer but that on cost."""
    return (
        [evidence.number(treatment, name) for name in NUMBERS],
        [
            (evidence.pih(treatment, s), evidence.skin_risk(treatment, s), evidence.skin_fit(treatment, s))
            for s in SKINS
        ],
        [evidence.rule(treatment, condition) for condition in TABLES.conditions.index],
        [evidence.improvement(treatment, scar, frozenset()) for scar in SCAR_TYPES],
        [evidence.fit(treatment, scar, frozenset()) for scar in SCAR_TYPES],
        (evidence.harms(treatment), evidence.setting(treatment)),
    )


EXPECTED = {treatment: repr(medical(PLAIN, treatment)) for treatment in TABLES.treatments.index}  # repr: NaN is NaN


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(offer, min_size=1, max_size=12), people)
def test_no_menu_moves_a_verdict_but_through_the_budget_or_a_figure_but_the_cost(offers, client):
    lines = [
        f"{treatment},{yes},{usd},{package},Device {i},{by},{advice},{note}"
        for i, (treatment, yes, usd, package, by, advice, note) in enumerate(offers)
    ]
    evidence = laid(*lines)
    assert evidence.tables.evidence is TABLES.evidence
    for name in ("sources", "conditions", "scar_types", "vocabulary", "guide"):
        assert getattr(evidence.tables, name) is getattr(TABLES, name)
    same = [column for column in TABLES.treatments if column != "price_unit"]
    assert evidence.tables.treatments[same].equals(TABLES.treatments[same])
    assert {treatment: repr(medical(evidence, treatment)) for treatment in EXPECTED} == EXPECTED
    free = client.replace(budget_usd=None)
    assert screen(free, evidence) == screen(free, PLAIN)
    for treatment, (_, reasons) in screen(client, evidence).items():
        before = screen(client, PLAIN)[treatment][1]
        assert [r for r in reasons if r.about != "limit:budget_usd"] == [
            r for r in before if r.about != "limit:budget_usd"
        ]
        cost = evidence.course_cost(treatment)
        ends = [end for end in (cost.low, cost.typical, cost.high) if not math.isnan(end)]
        assert ends == sorted(ends)
        if treatment not in evidence.tariffs:
            assert repr(cost) == repr(PLAIN.course_cost(treatment))
