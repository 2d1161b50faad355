"""The tables load, or one DataError lists everything that is wrong with them."""

import csv
import re
import shutil
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scarlib
from scarlib import Client, DataError, load_tables
from scarlib.client import SCAR_TYPES, TRAITS
from scarlib.tables import DATA, FILES, KEYS, LEVELS, skin_range

FUZZ = settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def read(name):
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def small(whole):
    """A small set of sound tables: a few facts of every attribute and treatment, and their sources."""
    tables = {name: [list(row) for row in rows] for name, rows in whole.items()}
    cited = set()
    for name in ("treatments", "scar_types"):
        claims = tables[name][0].index("claims")
        for row in tables[name][1:]:
            row[claims] = row[claims].split(";")[0]
            cited.add(row[claims])
    claims = tables["guide"][0].index("claims")
    tables["guide"][1:] = [row for row in tables["guide"][1:] if row[claims].count(";") < 5]
    cited.update(claim for row in tables["guide"][1:] for claim in row[claims].split(";"))
    facts, seen = [], Counter()
    for row in tables["evidence"][1:]:
        seen[row[2]] += 1
        if row[0] in cited or seen[row[2]] <= 6:
            facts.append(row)
    tables["evidence"][1:] = facts
    source = tables["evidence"][0].index("source_id")
    used = {row[source] for row in facts}
    tables["sources"][1:] = [row for row in tables["sources"][1:] if row[0] in used]
    return tables


REAL = {name: read(name) for name in FILES}
SMALL = small(REAL)


@pytest.fixture
def folder(tmp_path):
    for name, rows in SMALL.items():
        write(tmp_path, name, rows)
    return tmp_path


def write(folder, name, rows):
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="", errors="replace") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def row_of(name, **wanted):
    """Number of the first row that holds these cells, as a spreadsheet counts: the header is row 1."""
    header = SMALL[name][0]
    for number, row in enumerate(SMALL[name][1:], 2):
        if all(row[header.index(column)] == cell for column, cell in wanted.items()):
            return number
    raise AssertionError(wanted)


def damage(folder, name, row, column, cell):
    """Change one cell of the file as it now is."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    rows[row - 1][rows[0].index(column)] = cell
    write(folder, name, rows)


def problems(folder):
    with pytest.raises(DataError) as caught:
        load_tables(folder)
    found = caught.value.problems
    assert len(set(found)) == len(found), "a fault is told once"
    assert all(problem in str(caught.value) for problem in found)
    return found


def test_the_packaged_tables_load_whole():
    tables = load_tables()
    for name in FILES:
        frame = getattr(tables, name)
        assert len(frame) == len(REAL[name]) - 1
        assert frame.index.is_unique
        assert list(frame.index.names) == list(KEYS[name])
    assert len(tables.treatments) == 32
    assert "no_treatment" in tables.treatments.index
    assert set(tables.sources["tier"]) == {1, 2, 3, 4}
    assert set(tables.evidence["source_id"]) <= set(tables.sources.index)
    assert tables.label("scar_type", "icepick") == "icepick scars"
    assert tables.label("scar_type", "not_listed") == "not listed"
    assert list(tables.words("severity")) == ["1", "2", "3", "4"]
    assert re.fullmatch(r"<Tables: 32 treatments, \d+ facts from \d+ sources>", repr(tables))


def test_a_copy_loads_the_same_and_so_do_other_line_ends_and_a_byte_order_mark(tmp_path):
    for name in FILES:
        shutil.copy(DATA / f"{name}.csv", tmp_path)
    path = tmp_path / "evidence.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
    assert load_tables(str(tmp_path)).evidence.equals(load_tables().evidence)


def test_the_small_tables_are_sound(folder):
    assert len(load_tables(folder).evidence) == len(SMALL["evidence"]) - 1 < 300


SOURCE = SMALL["evidence"][4][SMALL["evidence"][0].index("source_id")]
CONTRAINDICATION = row_of("evidence", attribute="contraindication")
FIT = row_of("evidence", attribute="scar_fit")
RATE = row_of("evidence", attribute="pih_percent", low="", high="")
SKIN_FIT = row_of("evidence", attribute="skin_fit", level="good")
COMPARED = row_of("evidence", attribute="comparative")
RANGE = next(
    number
    for number, row in enumerate(SMALL["evidence"][1:], 2)
    if row[2] == "downtime_days" and row[SMALL["evidence"][0].index("low")] and row[SMALL["evidence"][0].index("high")]
)


@pytest.mark.parametrize(
    ("name", "row", "column", "cell", "cure"),
    [
        ("evidence", 3, "n", "thirty", "Write digits"),
        ("evidence", 3, "n", "nan", "Write digits"),
        ("evidence", 3, "n", "-1", "Allowed is 0 to"),
        ("evidence", 3, "n", "9" * 400, "Allowed is 0 to"),
        ("evidence", RATE, "value", "140", "Allowed is 0 to 100"),
        ("evidence", RATE, "value", "inf", "Allowed is"),
        ("evidence", RATE, "value", "", "at least one number"),
        ("evidence", RANGE, "low", "300", "Swap"),
        ("evidence", 5, "treatment_id", "leeches", "treatments.csv"),
        ("evidence", 5, "treatment_id", "subcision:x", "treatments.csv"),
        ("evidence", 5, "treatment_id", "", "needs a value"),
        ("evidence", 5, "source_id", "nobody2020", "sources.csv"),
        (
            "evidence",
            5,
            "source_id",
            SOURCE + ":x",
            "sources.csv",
        ),
        ("evidence", 5, "attribute", "miracle", "Allowed is one of"),
        ("evidence", 5, "attribute", "", "needs a value"),
        ("evidence", 5, "flags", "small_n;doubtful", "Allowed is one of"),
        ("evidence", FIT, "scar_type", "crater", "Allowed is one of"),
        ("evidence", FIT, "level", "superb", "Allowed is one of"),
        ("evidence", FIT, "level", "better", "good, partial, poor, avoid"),
        ("evidence", FIT, "level", "", "good, partial, poor, avoid"),
        ("evidence", FIT, "trait", "ugly", "Allowed is one of"),
        ("evidence", CONTRAINDICATION, "condition", "toothache", "conditions.csv"),
        ("evidence", CONTRAINDICATION, "condition", "", "conditions.csv"),
        ("evidence", CONTRAINDICATION, "level", "", "avoid, defer"),
        ("evidence", SKIN_FIT, "skin_type", "VII", "I to VI"),
        ("evidence", SKIN_FIT, "skin_type", "VI-IV", "I to VI"),
        ("evidence", SKIN_FIT, "skin_type", "IV-", "I to VI"),
        ("evidence", SKIN_FIT, "skin_type", "", "I to VI"),
        ("evidence", SKIN_FIT, "level", "", "good, caution, avoid"),
        ("evidence", COMPARED, "partner_id", "leeches", "treatment id"),
        ("evidence", COMPARED, "condition", "joy", "vocabulary.csv"),
        ("sources", 3, "tier", "9", "Allowed is 1 to 4"),
        ("sources", 3, "tier", "1.5", "1 to 4"),
        ("sources", 3, "tier", "", "needs a value"),
        ("sources", 3, "url", "www.example.org", "https://"),
        ("sources", 3, "url", "javascript:alert(1)", "https://"),
        ("sources", 3, "type", "rumour", "Allowed is one of"),
        ("treatments", 3, "family", "magic", "Allowed is one of"),
        ("treatments", 3, "family", "lasers:x", "Allowed is one of"),
        ("treatments", 3, "price_unit", "bucket", "Allowed is one of"),
        ("treatments", 3, "claims", "C9999", "evidence.csv"),
        ("treatments", 3, "watch_for", " ", "needs a value"),
        ("conditions", 3, "concerns", "leeches", "treatments.csv"),
        ("conditions", 3, "implies", "toothache", "conditions.csv"),
        ("scar_types", 3, "scar_class", "odd", "Allowed is one of"),
        ("scar_types", 3, "claims", "", "needs a value"),
        ("guide", 3, "statement", "", "needs a value"),
        ("guide", 3, "treatments", "leeches", "treatments.csv"),
        ("guide", 3, "claims", "C9999", "evidence.csv"),
        ("guide", 3, "claims", "", "not_known"),
        ("guide", 3, "agrees", "perhaps", "Allowed is one of: no, not_known, partly, yes"),
        ("guide", 3, "agrees", "", "needs a value"),
        ("guide", 3, "finding", "40", "{C0001}"),
        ("guide", 3, "finding", "{", "{C0001}"),
        ("guide", 3, "finding", "{C9999}", "Add it there"),
        ("guide", 3, "finding", "{C9999 n}", "Add it there"),
    ],
)
def test_one_bad_cell_is_one_problem_with_file_row_column_and_cure(folder, name, row, column, cell, cure):
    damage(folder, name, row, column, cell)
    found = [problem for problem in problems(folder) if problem.startswith(f"{name}.csv, row {row}, column {column}:")]
    assert found
    assert any(cure in problem for problem in found)
    if cell:
        assert any(cell.strip().split(":")[0].rsplit(";", maxsplit=1)[-1] in problem for problem in found)


def test_a_finding_quotes_only_listed_facts_that_hold_a_figure(folder):
    facts = SMALL["evidence"]
    column = facts[0].index
    full = next(row[0] for row in facts[1:] if row[column("value")] and row[column("n")])
    empty = next(
        row[0] for row in facts[1:] if not any(row[column(name)] for name in ("value", "low", "high", "level", "n"))
    )
    damage(folder, "guide", 3, "claims", f"{full};{empty}")
    damage(folder, "guide", 3, "finding", f"{{{full}}} of {{{full} n}} people, after a fractional CO2 laser.")
    load_tables(folder)
    damage(folder, "guide", 3, "claims", empty)
    where, digits = "guide.csv, row 3, column finding:", full[1:]
    listed = "quotes a fact that column claims does not list. Add it there."
    assert list(problems(folder)) == [f"{where} '{{{full}{people}}}' {listed}" for people in ("", " n")]
    damage(folder, "guide", 3, "claims", f"{full};{empty}")
    damage(folder, "guide", 3, "finding", f"{{{empty}}} of {{{empty} n}} people, or half of 40, or {{{full}x}}.")
    held = "quotes a figure that the fact does not hold. Quote another, or say it in words."
    quote = "is not quoted from a fact. Write {C0001} for its figure, {C0001 n} for its people."
    assert list(problems(folder)) == [
        f"{where} '{{{empty}}}' {held}",
        f"{where} '{{{empty} n}}' {held}",
        *(f"{where} '{part}' {quote}" for part in ("40", "{", digits, "}")),
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_repeated_row_is_named(folder, name):
    rows = SMALL[name]
    write(folder, name, [*rows, rows[3]])
    found = problems(folder)
    assert all(problem.startswith(f"{name}.csv, row {len(rows) + 1}") for problem in found)
    assert any("twice" in problem and rows[3][0] in problem for problem in found)


def test_the_same_fact_under_another_id_is_named(folder):
    rows = SMALL["evidence"]
    write(folder, "evidence", [*rows, ["C9999", *rows[3][1:]]])
    (found,) = problems(folder)
    assert found.startswith(f"evidence.csv, row {len(rows) + 1}:")
    assert "repeats" in found


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("column", [0, -1])
def test_a_missing_column_is_named(folder, name, column):
    gone = SMALL[name][0][column]
    keep = [i for i, title in enumerate(SMALL[name][0]) if title != gone]
    write(folder, name, [[row[i] for i in keep] for row in SMALL[name]])
    (found,) = problems(folder)
    assert found == f"{name}.csv, row 1: column {gone} is missing. Add it to the header."


def test_a_surplus_and_a_repeated_column_are_named(folder):
    write(folder, "sources", [[*row, "x" if i else "mood"] for i, row in enumerate(SMALL["sources"])])
    assert any("column mood is not known" in problem for problem in problems(folder))
    write(folder, "sources", [[*row, row[0]] for row in SMALL["sources"]])
    assert any("column source_id stands twice" in problem for problem in problems(folder))


@pytest.mark.parametrize("name", ["evidence", "sources", "scar_types", "guide"])
def test_a_file_that_is_no_table_is_named_with_its_cure(folder, name):
    path = folder / f"{name}.csv"
    header = ",".join(SMALL[name][0])
    for content, cause, cure in (
        (b"", "is empty", "header"),
        (b"\n\n", "is empty", "header"),
        (header.encode() + b"\n", "no rows", "Add at least one"),
        (path.read_bytes() + "caf\u00e9\n".encode("latin-1"), "not UTF-8", "CSV UTF-8"),
        (header.encode("utf-16"), "not UTF-8", "CSV UTF-8"),
        (path.read_bytes() + b'"open', "well-formed", "quotes"),
    ):
        path.write_bytes(content)
        (found,) = problems(folder)
        assert found.startswith(f"{name}.csv")
        assert cause in found
        assert cure in found
    path.unlink()
    (found,) = problems(folder)
    assert found.startswith(f"{name}.csv: cannot be read. Put the file {name}.csv into the folder")
    path.mkdir()
    assert len(problems(folder)) == 1


def test_a_wrong_encoding_says_in_which_row(folder):
    path = folder / "sources.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[6] = lines[6].replace(b",", ",\u00e9".encode("latin-1"), 1)
    path.write_bytes(b"".join(lines))
    (found,) = problems(folder)
    assert found.startswith("sources.csv, row 7:")


def test_an_unbalanced_quote_says_in_which_row(folder):
    rows = [",".join(f'"{cell}"' for cell in row) for row in SMALL["scar_types"]]
    rows[3] = rows[3].replace('","', '",""', 1)
    (folder / "scar_types.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    found = problems(folder)
    assert any(problem.startswith("scar_types.csv, row 4") for problem in found)


def test_a_ragged_row_is_named(folder):
    rows = [list(row) for row in SMALL["scar_types"]]
    rows[2] += ["more"]
    rows[4] = rows[4][:-1]
    write(folder, "scar_types", rows)
    found = problems(folder)
    assert [problem.partition(":")[0] for problem in found] == ["scar_types.csv, row 3", "scar_types.csv, row 5"]
    assert all("double quotes" in problem for problem in found)


def test_faults_of_several_files_come_at_once(folder):
    damage(folder, "evidence", RATE, "value", "140")
    damage(folder, "evidence", FIT, "scar_type", "crater")
    damage(folder, "sources", 3, "url", "www.example.org")
    damage(folder, "treatments", 3, "family", "magic")
    damage(folder, "vocabulary", 3, "label", "")
    (folder / "scar_types.csv").unlink()
    found = problems(folder)
    assert len(found) == 6
    assert {problem.partition(".csv")[0] for problem in found} == {
        "evidence", "sources", "treatments", "vocabulary", "scar_types",
    }  # fmt: skip


@pytest.mark.parametrize("gone", ["conditions", "treatments", "vocabulary", "sources"])
def test_a_file_that_cannot_be_read_hides_no_fault_of_another(folder, gone):
    damage(folder, "evidence", RATE, "value", "140")
    (folder / f"{gone}.csv").unlink()
    found = problems(folder)
    assert any(problem.startswith(f"{gone}.csv") for problem in found)
    assert any(problem.startswith(f"evidence.csv, row {RATE}, column value") for problem in found)


def test_tables_without_no_treatment_are_refused(folder):
    rows = SMALL["treatments"]
    evidence = [row for row in SMALL["evidence"] if row[1] != "no_treatment"]
    kept = {row[0] for row in evidence}
    write(folder, "treatments", [row for row in rows if row[0] != "no_treatment"])
    write(folder, "evidence", evidence)
    scars = [list(row) for row in SMALL["scar_types"]]
    claims = scars[0].index("claims")
    for row in scars[1:]:
        row[claims] = next(iter(kept))
    write(folder, "scar_types", scars)
    assert any("no_treatment" in problem for problem in problems(folder))


def test_a_folder_that_is_not_there_names_every_file(tmp_path):
    found = problems(tmp_path / "nowhere")
    assert len(found) == len(FILES)
    assert all("nowhere" in problem for problem in found)


def test_nothing_is_half_loaded(folder, monkeypatch):
    """A fault in the last row of the last file leaves no Tables behind."""
    built = []
    monkeypatch.setattr(scarlib.tables, "Tables", lambda **frames: built.append(frames))
    damage(folder, "evidence", len(SMALL["evidence"]), "source_id", "nobody2020")
    assert len(problems(folder)) == 1
    assert not built


def test_tables_are_frozen():
    with pytest.raises(AttributeError):
        load_tables().evidence = None


@pytest.mark.parametrize(("text", "types"), [("", ()), ("IV", (4,)), ("I-III", (1, 2, 3)), ("VI-VI", (6,)),
                                             ("VI-I", ()), ("iv", ()), ("I-III-V", ()), ("1", ())])  # fmt: skip
def test_skin_ranges(text, types):
    assert skin_range(text) == types


def loads_or_refuses(folder):
    """What loads can also be used: a table that is accepted never breaks an answer."""
    try:
        tables = load_tables(folder)
    except DataError:
        return
    conditions = list(tables.conditions.index)
    client = Client(
        scars=dict.fromkeys(SCAR_TYPES, 1), fitzpatrick=4, traits=TRAITS, conditions=conditions, tables=tables
    )
    assert len(scarlib.recommend(client, tables)) == len(tables.treatments)


@FUZZ
@given(
    st.sampled_from(list(FILES)), st.binary(max_size=300) | st.text(alphabet='a,;"\n\r\x00I-V1. \ufeff', max_size=200)
)
def test_random_files_load_or_are_refused(tmp_path_factory, name, content):
    folder = tmp_path_factory.mktemp("fuzz")
    for other, rows in SMALL.items():
        write(folder, other, rows)
    (folder / f"{name}.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    loads_or_refuses(folder)


CELLS = {name: sorted({cell for row in rows[1:] for cell in row}) for name, rows in SMALL.items()}


@FUZZ
@given(st.data())
def test_mutated_cells_load_or_are_refused(tmp_path_factory, data):
    """Cells blanked, swapped for those of other columns or filled with odd text; whatever still loads must work."""
    folder = tmp_path_factory.mktemp("fuzz")
    for other, rows in SMALL.items():
        write(folder, other, rows)
    name = data.draw(st.sampled_from(["evidence", "evidence", *FILES]))
    rows = [list(row) for row in SMALL[name]]
    for _ in range(data.draw(st.integers(1, 6))):
        row = data.draw(st.integers(0, len(rows) - 1) | st.integers(1, len(rows) - 1))
        column = data.draw(st.integers(0, len(rows[0]) - 1))
        odd = st.sampled_from(["", "", " ", "0", "-1", "1e9", "nan", "IV", "x:y", ";", "\u0000", '"', "\u202e", "good"])
        rows[row][column] = data.draw(odd | st.sampled_from(CELLS[name]) | st.text(max_size=6))
    write(folder, name, rows)
    loads_or_refuses(folder)


@pytest.mark.parametrize("attribute", [*LEVELS, "pih_percent", "pain_vas"])
def test_a_row_stripped_of_its_level_or_skin_type_loads_or_is_refused(folder, attribute):
    rows = [list(row) for row in SMALL["evidence"]]
    row = rows[row_of("evidence", attribute=attribute) - 1]
    for column in ("level", "skin_type", "measure"):
        row[rows[0].index(column)] = ""
    write(folder, "evidence", rows)
    loads_or_refuses(folder)
