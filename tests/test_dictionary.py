"""data/README.md, the files and the checks say the same."""

import csv
import re

import pytest

from scarlib.tables import DATA, FILES, KEYS, LEVELS, MEASURES, RANGES

TEXT = (DATA / "README.md").read_text(encoding="utf-8")


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def tables(header):
    """{heading: rows} of every table with this header."""
    found, heading, inside = {}, "", False
    for line in TEXT.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if not line.startswith("|"):
            inside = False
        elif line == header:
            inside, found[heading] = True, []
        elif inside and not set(line) <= set("|-: "):
            found[heading].append(cells(line))
    return found


COLUMNS = tables("| Column | Meaning | Unit | Allowed |")
CSV = {path.stem: path for path in DATA.glob("*.csv")}


def read(name):
    with CSV[name].open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


VOCABULARY = {(row["list"], row["id"]): row["label"] for row in read("vocabulary")}
LISTS = {name for name, _ in VOCABULARY}


def test_every_file_is_named_once_and_no_other():
    assert set(COLUMNS) == {f"{name}.csv" for name in CSV} == {f"{name}.csv" for name in FILES}
    listed = [row[0] for row in tables("| File | One row is |")["The tables"]]
    assert sorted(listed) == sorted(COLUMNS)
    assert TEXT.count("| Column | Meaning | Unit | Allowed |") == len(FILES)
    assert set(KEYS) == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_every_column_is_named_in_the_order_of_the_file(name):
    named = [row[0].strip("`") for row in COLUMNS[f"{name}.csv"]]
    with CSV[name].open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == named == list(FILES[name])


@pytest.mark.parametrize("name", FILES)
def test_every_column_says_what_it_means_and_what_is_allowed(name):
    for column, meaning, _, allowed in COLUMNS[f"{name}.csv"]:
        rule = FILES[name][column.strip("`")]
        assert meaning, column
        assert allowed, column
        if rule.allowed:
            assert tuple(allowed.split(", ")) == rule.allowed
        if rule.vocabulary:
            assert f"`list: {rule.vocabulary}`" in allowed
        if rule.refers and rule.refers != name:
            assert f"{rule.refers}.csv" in allowed
        if rule.number and "list:" not in allowed:
            low, high = (float(end) for end in allowed.split(" to "))
            assert (low, high) == rule.number
        for listed in re.findall(r"`list: (\w+)`", allowed):
            assert listed in LISTS, listed


def test_the_ranges_by_attribute_are_those_that_are_checked():
    said = {}
    for attributes, _, span in tables("| Attribute | Unit | Range |")["Units by attribute"]:
        for attribute in re.findall(r"`(\w+)`", attributes):
            if " to " in span:
                said[attribute] = tuple(float(end) for end in span.split(" to "))
    assert said == {name: (float(low), float(high)) for name, (low, high) in RANGES.items()}


def test_the_levels_and_measures_by_attribute_are_those_that_are_checked():
    levels, measures = {}, {}
    for attributes, said, measured in tables("| Attribute | Levels | Measures |")["Levels and measures by attribute"]:
        for attribute in re.findall(r"`(\w+)`", attributes):
            if whole := re.match(r"`list: (\w+)`", said):
                levels[attribute] = {code for name, code in VOCABULARY if name == whole[1]}
            elif said:
                levels[attribute] = set(re.sub(r" \(.*?\)", "", said).split(", "))
            if listed := re.match(r"`list: (\w+)`", measured):
                measures[attribute] = listed[1]
    assert levels == {name: set(of) for name, of in LEVELS.items()}
    assert measures == dict(MEASURES)


@pytest.mark.parametrize("name", FILES)
def test_every_code_in_the_tables_has_a_label(name):
    for column, rule in FILES[name].items():
        if rule.vocabulary:
            for row in read(name):
                for code in row[column].split(";") if rule.many else [row[column]]:
                    if code:
                        assert VOCABULARY[rule.vocabulary, code.split(":")[0]].strip(), (column, code)


def test_every_measure_outcome_and_partner_in_the_evidence_has_a_label():
    treatments = {row["treatment_id"] for row in read("treatments")}
    conditions = {row["condition_id"] for row in read("conditions")} | {"icepick_scars"}
    for row in read("evidence"):
        attribute = row["attribute"]
        if row["measure"] and attribute in MEASURES:
            assert VOCABULARY[MEASURES[attribute], row["measure"]].strip(), row["claim_id"]
        if row["level"]:
            assert VOCABULARY["level", row["level"]].strip()
        if row["partner_id"]:
            assert row["partner_id"] in treatments or VOCABULARY["partner", row["partner_id"]].strip(), row["claim_id"]
        if row["condition"] and attribute in ("comparative", "combination"):
            assert VOCABULARY["outcome", row["condition"]].strip(), row["claim_id"]
        if attribute == "contraindication":
            assert row["condition"] in conditions


def test_what_the_library_says_of_an_option_has_a_label():
    from scarlib.client import PRIORITIES, SCAR_TYPES, TRAITS
    from scarlib.screening import VERDICTS

    for listed, codes in (("verdict", VERDICTS), ("priority", PRIORITIES), ("scar_type", SCAR_TYPES), ("trait", TRAITS),
                          ("strength", ("none", "weak", "fair", "strong")), ("improvement_tier", "0123"),
                          ("skin_type", "123456"), ("severity", "1234")):  # fmt: skip
        for code in codes:
            assert VOCABULARY[listed, code].strip(), (listed, code)


def test_labels_and_help_are_calm_plain_text():
    for row in read("vocabulary"):
        for text in (row["label"], row["help"]):
            assert "!" not in text
            assert not re.search(r"<|&\w+;", text)
            assert text == text.strip()
        assert not row["help"] or row["help"].endswith(".")
