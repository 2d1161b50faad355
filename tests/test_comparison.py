"""What a person reads when options stand side by side, and what must hold for every client and choice."""

import html as entities
import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scarlib
from scarlib import Client, ClientError
from scarlib.client import PRIORITIES, SCAR_TYPES, SETTINGS
from scarlib.comparison import NOT_KNOWN, QUESTIONS, compare, html, matters
from scarlib.evidence import GRAVE_HARMS, SKIN_HARMS, Evidence, weigh
from scarlib.screening import screen_one

TABLES = scarlib.load_tables()
EVIDENCE = weigh(TABLES)
TREATMENTS = [treatment for treatment in TABLES.treatments.index if treatment != "no_treatment"]
HARMS = "What can go wrong? (of 100 people)"
BETTER = "How much better, and how sure?"
HOW_MANY = "How many got better, as studies counted? (of 100 people)"
FIT = "Does it fit me?"
ORDER = [
    "My skin type: dark marks",
    HARMS,
    BETTER,
    HOW_MANY,
    "When do I see it?",
    "How many visits?",
    "Days off",
    "Does it hurt?",
    "What does it cost in all?",
    "How long does it last?",
    "What is it like?",
    "What do I do afterwards?",
    FIT,
]
CLIENT = Client(scars={"rolling": 2, "boxcar": 1}, fitzpatrick=5)
SEVERAL = ["subcision", "filler_ha", "rf_microneedling", "tca_cross"]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&lt;b&gt;</p></td>"
VOID = {"br", "img", "input", "hr"}

clients = st.builds(
    Client,
    scars=st.dictionaries(st.sampled_from(SCAR_TYPES), st.integers(1, 3), min_size=1, max_size=3),
    fitzpatrick=st.none() | st.integers(1, 6),
    severity=st.none() | st.integers(1, 4),
    conditions=st.frozensets(st.sampled_from(list(TABLES.conditions.index)), max_size=3),
    max_downtime_days=st.none() | st.integers(0, 30),
    budget_usd=st.none() | st.integers(0, 20_000),
    setting=st.none() | st.sampled_from(SETTINGS),
    priorities=st.dictionaries(st.sampled_from(list(PRIORITIES)), st.integers(0, 3)),
)
choices = st.lists(st.sampled_from(TREATMENTS), min_size=1, max_size=4, unique=True)


class Page(HTMLParser):
    """Tags opened and closed in order, the attributes and the text of a piece of HTML."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.seen, self.text = [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.seen if name == tag]


def marked(text):
    """The questions that are marked as mattering most."""
    rows = re.findall(r'<tr role="row" class="matters">(.*?)</th>', text)
    return [entities.unescape(re.search(r'rowheader">(.*?) <strong', row)[1]) for row in rows]


def shape(cell):
    """A cell as the sequence of its labels, figures and words of degree taken out."""
    return [part.partition(":")[0] if ":" in part else "" for part in cell.split("; ")]


# What stands where


@pytest.mark.parametrize("named", [SEVERAL, SEVERAL[:1], ["tca_cross", "no_treatment", "subcision"]])
def test_no_treatment_stands_first_and_the_others_as_named(named):
    frame = compare(CLIENT, named, EVIDENCE)
    assert list(frame.columns) == ["no_treatment", *(name for name in named if name != "no_treatment")]


def test_the_questions_stand_in_one_order():
    assert list(QUESTIONS) == ORDER
    assert list(compare(CLIENT, SEVERAL, EVIDENCE).index) == ORDER


def test_an_index_of_ids_is_taken_as_it_is():
    named = pd.Index(SEVERAL[:2])
    assert list(compare(CLIENT, named, EVIDENCE).columns) == ["no_treatment", *SEVERAL[:2]]


def test_every_option_answers_in_the_same_words_and_order():
    cells = [compare(CLIENT, [treatment], EVIDENCE)[treatment] for treatment in TREATMENTS]
    for question in (BETTER, "When do I see it?", "Days off", "Does it hurt?"):
        assert len({str(shape(column[question])) for column in cells}) == 1, question
    for question, parts in {"How many visits?": 3, "What does it cost in all?": 2}.items():
        assert {len(column[question].split("; ")) for column in cells} == {parts}, question


def test_the_cells_of_an_option_do_not_depend_on_its_neighbours():
    together = compare(CLIENT, SEVERAL, EVIDENCE)
    for treatment in SEVERAL:
        pd.testing.assert_series_equal(together[treatment], compare(CLIENT, [treatment], EVIDENCE)[treatment])


# What is known and what is not


def test_nobody_makes_half_a_visit():
    for treatment in TREATMENTS:
        first = compare(CLIENT, [treatment], EVIDENCE).at["How many visits?", treatment].split("; ")[0]
        assert not re.search(r"\d\.\d", first), (treatment, first)


def test_who_got_better_is_told_as_studies_counted():
    client = Client(scars={"rolling": 1})
    frame = compare(client, ["laser_co2_fractional", "filler_pmma", "dermabrasion"], EVIDENCE)
    assert "more than half better: 37 to 62 of 100, 3 sources, 110 people" in frame.at[HOW_MANY, "laser_co2_fractional"]
    assert "watched for 26 to 52 weeks" in frame.at[HOW_MANY, "filler_pmma"]
    assert frame.at[HOW_MANY, "dermabrasion"] == NOT_KNOWN
    assert "18 to 34 of 100 scars" in frame.at[HOW_MANY, "no_treatment"]


@pytest.mark.parametrize(
    ("question", "attribute"),
    [
        ("When do I see it?", "onset_weeks"),
        ("Days off", "downtime_days"),
        ("Does it hurt?", "pain_vas"),
        ("How long does it last?", "durability_months"),
    ],
)
def test_not_known_stands_exactly_where_no_figure_is_known(question, attribute):
    seen = set()
    for treatment in TREATMENTS:
        first = compare(CLIENT, [treatment], EVIDENCE).at[question, treatment].split("; ")[0]
        known = EVIDENCE.number(treatment, attribute).known
        assert (first == NOT_KNOWN) is not known, treatment
        seen.add(known)
    assert seen == {True, False}


def test_a_figure_for_dark_marks_says_where_no_study_named_the_skin_type():
    rows = TABLES.evidence.query("attribute == 'pih_percent'")
    named = {4: r"IV|I-V|II-V|III-V|I-VI|III-VI|II-VI", 6: r"VI"}
    for skin, ranges in named.items():
        for treatment in TREATMENTS:
            cell = compare(CLIENT.replace(fitzpatrick=skin), [treatment], EVIDENCE).at[
                "My skin type: dark marks", treatment
            ]
            skins = rows.loc[rows["treatment_id"] == treatment, "skin_type"]
            if "The studies do not name" in cell:
                assert EVIDENCE.pih(treatment, skin).known
            elif EVIDENCE.pih(treatment, skin).known:
                assert skins.str.contains(ranges).any(), treatment


@pytest.mark.parametrize("treatment", ["peel_superficial", "rf_fractional_bipolar"])
def test_what_was_counted_by_the_visit_is_no_promise_for_a_course(treatment):
    cell = compare(CLIENT.replace(fitzpatrick=4), [treatment], EVIDENCE).at["My skin type: dark marks", treatment]
    assert "Counted by the visit" in cell
    assert "get none" not in cell


def test_lasting_dark_marks_are_not_told_as_all_of_them():
    cell = compare(CLIENT.replace(fitzpatrick=6), ["dermabrasion"], EVIDENCE).at[
        "My skin type: dark marks", "dermabrasion"
    ]
    assert "at least 2 of 100" in cell
    assert "get none" not in cell


@pytest.mark.parametrize("skin", [None, 1, 6])
def test_dark_marks_are_told_for_this_skin_or_not_known(skin):
    for treatment in TREATMENTS:
        cell = compare(CLIENT.replace(fitzpatrick=skin), [treatment], EVIDENCE).at[
            "My skin type: dark marks", treatment
        ]
        assert (NOT_KNOWN in cell) is not EVIDENCE.pih(treatment, skin).known


def test_a_table_without_a_fact_on_an_option_says_not_known_everywhere():
    rows = TABLES.evidence[TABLES.evidence["treatment_id"] != "subcision"]
    frame = compare(CLIENT, ["subcision"], weigh(replace(TABLES, evidence=rows)))
    for question in [*ORDER[:10], "What do I do afterwards?"]:
        assert NOT_KNOWN in frame.at[question, "subcision"], question


def test_each_kind_of_scar_is_told_by_itself():
    cell = compare(CLIENT, ["subcision"], EVIDENCE).at[BETTER, "subcision"]
    for part, scar in zip(cell.split("; "), CLIENT.scars, strict=True):
        assert part.startswith(TABLES.label("scar_type", scar))


def test_a_gain_does_not_hide_that_sources_say_not_to_use_it():
    told = set()
    for treatment, scar in itertools.product(TREATMENTS, SCAR_TYPES):
        effect = EVIDENCE.improvement(treatment, scar, frozenset())
        level = EVIDENCE.fit(treatment, scar, frozenset()).level
        cell = compare(Client(scars={scar: 1}), [treatment], EVIDENCE).at[BETTER, treatment]
        assert ("but sources" in cell) is (effect.typical >= 0.5 and level in ("avoid", "poor"))
        told.add("but sources" in cell)
    assert told == {True, False}


# Harms


@pytest.mark.parametrize("treatment", TABLES.treatments.index)
def test_every_harm_that_a_source_names_stands_in_the_cell(treatment):
    named = [treatment] if treatment != "no_treatment" else ["subcision"]
    parts = compare(CLIENT, named, EVIDENCE).at[HARMS, treatment].split("; ")
    found = EVIDENCE.harms(treatment)
    told = [part for part in parts if ": " in part]
    assert len(told) == len(found)
    for event, harm in found.items():
        label = TABLES.label("adverse_event", event)
        (part,) = [part for part in told if part.startswith(f"{label}: ")]
        assert ("of 100" in part) is harm.known
        assert (f"how often is {NOT_KNOWN}" in part) is not harm.known
        if harm.high > 0:
            assert not part.startswith(f"{label}: 0 of"), part
        if 0 < harm.people < 30:
            assert f"only {harm.people}" in part or not harm.known


def test_the_grave_stands_first_among_those_with_a_figure_and_among_those_without():
    for treatment in TREATMENTS:
        cell = compare(CLIENT, [treatment], EVIDENCE).at[HARMS, treatment]
        events = {TABLES.label("adverse_event", event): event for event in EVIDENCE.harms(treatment)}
        order = [
            (events[part.partition(": ")[0]], NOT_KNOWN in part.partition(": how often")[2])
            for part in cell.split("; ")
            if part.partition(": ")[0] in events
        ]
        ranks = [(unknown, event not in GRAVE_HARMS, event not in SKIN_HARMS) for event, unknown in order]
        assert ranks == sorted(ranks)


def test_a_share_of_syringes_or_spots_is_not_called_people():
    assert "of 100 syringes: 0.02" in compare(CLIENT, ["filler_ha"], EVIDENCE).at[HARMS, "filler_ha"]
    assert "5.7 of 100 acne spots" in compare(CLIENT, ["filler_ha"], EVIDENCE).at[HARMS, "no_treatment"]


# For this person


def test_the_fit_gives_the_verdict_and_every_reason():
    client = CLIENT.replace(conditions={"pregnancy"} & set(TABLES.conditions.index), max_sessions=1)
    for treatment in TREATMENTS:
        cell = compare(client, [treatment], EVIDENCE).at[FIT, treatment]
        verdict, reasons = screen_one(treatment, client, EVIDENCE)
        assert cell.startswith(TABLES.label("verdict", verdict) + ".")
        assert all(reason.text in cell for reason in reasons if reason.about != "pih")


def test_what_matters_is_the_priority_behind_each_question():
    client = CLIENT.replace(priorities={"comfort": 2.5, "skin_safety": 1})
    found = matters(client)
    assert list(found) == ORDER
    assert found["Does it hurt?"] == 2.5
    assert found[HARMS] == found["My skin type: dark marks"] == 1
    assert {found[question] for question in ("When do I see it?", "What is it like?", FIT, BETTER)} == {0}
    assert {name for name in QUESTIONS.values() if name} == set(PRIORITIES)


def test_a_row_is_marked_where_it_matters_and_the_options_differ():
    client = CLIENT.replace(priorities={"comfort": 2, "lasting": 1.9, "cost": 3})
    frame = compare(client, SEVERAL, EVIDENCE)
    assert marked(html(client, frame, EVIDENCE)) == ["Does it hurt?", "What does it cost in all?"]
    frame.loc["What does it cost in all?"] = NOT_KNOWN
    text = html(client, frame, EVIDENCE)
    assert marked(text) == ["Does it hurt?"]
    assert text.count("matters most to you") == 1
    assert all(escaped(question) in text for question in ORDER)


# HTML


def escaped(text):
    return entities.escape(text)


def test_the_table_can_be_read_by_a_screen_reader():
    frame = compare(CLIENT, SEVERAL, EVIDENCE)
    page = Page(html(CLIENT, frame, EVIDENCE))
    assert len(page.all("caption")) == 1
    scopes = [attributes["scope"] for attributes in page.all("th")]
    assert scopes == ["col"] * (1 + frame.shape[1]) + ["row"] * len(frame)
    names = [TABLES.treatments.at[treatment, "name"] for treatment in frame.columns]
    assert [cell["data-label"] for cell in page.all("td")] == names * len(frame)
    assert len(page.all("details")) == frame.shape[1]
    assert page.all("a")


def test_every_word_of_the_frame_stands_in_the_html():
    frame = compare(CLIENT, SEVERAL, EVIDENCE)
    text = "".join(Page(html(CLIENT, frame, EVIDENCE)).text)
    for cell in frame.to_numpy().ravel():
        assert all(part in text for part in cell.split("; "))


def test_the_sources_of_an_option_hold_those_of_its_harms_and_figures():
    for treatment in TREATMENTS:
        _, text = html(CLIENT, compare(CLIENT, [treatment], EVIDENCE), EVIDENCE).rsplit("<details>", 1)
        wanted = {source for harm in EVIDENCE.harms(treatment).values() for source in harm.sources}
        wanted |= {*EVIDENCE.course_cost(treatment).sources, *EVIDENCE.pih(treatment, CLIENT.fitzpatrick).sources}
        assert all(escaped(TABLES.sources.at[source, "title"]) in text for source in wanted), treatment


def test_what_a_phrase_escaped_stands_in_a_cell_as_it_was_written():
    words = TABLES.vocabulary.copy()
    words.loc["improvement_tier", "label"] = ["a & <b>"] * 4
    frame = compare(CLIENT, ["subcision"], weigh(replace(TABLES, vocabulary=words)))
    assert ": a & <b>, how sure" in frame.at[BETTER, "subcision"]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("treatments", ["name", "clinical_name", "how_it_works", "good_at", "watch_for", "visit", "price_unit"]),
        ("vocabulary", ["label", "help"]),
        ("conditions", ["label"]),
        ("sources", ["first_author", "title", "doi", "pmid", "url"]),
    ],
)
def test_nothing_from_a_table_is_run(table, columns):
    poisoned = getattr(TABLES, table).copy()
    for column in columns:
        poisoned[column] = HOSTILE
    evidence = Evidence(replace(TABLES, **{table: poisoned}))
    client = CLIENT.replace(conditions=set(TABLES.conditions.index[:3]))
    frame = compare(client, SEVERAL, evidence)
    page = Page(html(client, frame, evidence))
    assert not {tag for tag, _ in page.seen} & {"script", "img", "b"}
    assert not [name for _, attributes in page.seen for name in attributes if name.startswith("on")]
    assert all(link["href"].startswith(("https://", "http://")) for link in page.all("a"))
    assert "alert(1)" in "".join(page.text)


# For everyone


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(client=clients, named=choices)
def test_every_cell_says_something_plain(client, named):
    frame = compare(client, named, EVIDENCE)
    assert list(frame.index) == ORDER
    assert list(frame.columns) == ["no_treatment", *named]
    for cell in frame.to_numpy().ravel():
        assert isinstance(cell, str)
        assert cell.strip() == cell != ""
        assert not re.search(r"\bnan\b|\bNone\b|\binf\b|[<>!]|&\w+;|  |: ;", cell), cell
    page = Page(html(client, frame, EVIDENCE))
    assert len(page.all("td")) == frame.size
    for question in marked(html(client, frame, EVIDENCE)):
        assert matters(client)[question] >= 2
        assert frame.loc[question].nunique() > 1


# What cannot be compared


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ([], ["0 beside no_treatment"]),
        (["no_treatment"], ["0 beside no_treatment"]),
        (TREATMENTS[:5], ["5 beside no_treatment"]),
        (["subcision", "subcision"], ["'subcision' stands more than once"]),
        (["subcision", "no_treatment", "no_treatment"], ["'no_treatment' stands more than once"]),
        (["laser"], ["'laser' is not known"]),
        ([3, None, ["subcision"]], ["'3' is not known", "'None' is not known", "is not known"]),
        (["x", "subcision", "subcision", *TREATMENTS[:4]], ["'x' is not", "stands more than once", "6 beside"]),
        ("subcision", ["'subcision' is not a list"]),
        ({"subcision"}, ["is not a list"]),
        (None, ["None is not a list"]),
    ],
)
def test_what_cannot_be_compared_is_named_with_what_is_allowed(named, said):
    with pytest.raises(ClientError) as caught:
        compare(CLIENT, named, EVIDENCE)
    assert len(caught.value.problems) == len(said)
    for problem, words in zip(caught.value.problems, said, strict=True):
        assert problem.startswith("treatments: ")
        assert words in problem
        assert "subcision" in problem or "Keep one" in problem
