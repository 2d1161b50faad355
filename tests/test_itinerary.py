"""What a person reads of a plan: every date, day off and step of care, what is not known, and nothing run."""

import html as entities
import math
import re
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scarlib
from scarlib import Client, itinerary
from scarlib.client import SCAR_TYPES
from scarlib.evidence import Evidence, weigh
from scarlib.itinerary import between, spoken_date
from scarlib.planning import plan

TABLES = scarlib.load_tables()
EVIDENCE = weigh(TABLES)
TREATMENTS = [treatment for treatment in TABLES.treatments.index if treatment != "no_treatment"]
START = date(2027, 3, 3)
CLIENT = Client(scars={"rolling": 2, "boxcar": 1}, fitzpatrick=4)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'</td></p>"
VOID = {"br", "img", "hr", "meta", "link", "input"}
NAMES = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
         "December")  # fmt: skip

clients = st.builds(
    Client,
    scars=st.dictionaries(st.sampled_from(SCAR_TYPES), st.integers(1, 3), min_size=1, max_size=2),
    fitzpatrick=st.none() | st.integers(1, 6),
    conditions=st.frozensets(st.sampled_from(list(TABLES.conditions.index)), max_size=2),
    max_sessions=st.none() | st.integers(1, 10),
    budget_usd=st.none() | st.integers(0, 20_000),
)
choices = st.lists(st.sampled_from(TREATMENTS), min_size=1, max_size=4, unique=True)
starts = st.dates(date(2020, 1, 1), date(2099, 12, 31))


class Page(HTMLParser):
    """Tags opened and closed in order, their attributes, the text of a piece of HTML, and of each of its items."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.seen, self.parts, self.items, self.cells = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open
        self.text = re.sub(r"\s+", " ", "".join(self.parts))

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "li":
            self.items.append("")
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.parts.append(data)
        if "li" in self.open:
            self.items[-1] += data
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data

    def all(self, tag):
        return [attributes for name, attributes in self.seen if name == tag]


def every_part(course, evidence=EVIDENCE):
    """All that the module says of a plan."""
    alone = (itinerary.summary, itinerary.visits_table, itinerary.aftercare_list, itinerary.cost_words,
             itinerary.timeline_svg)  # fmt: skip
    cited = (itinerary.downtime_table, itinerary.results_table, itinerary.order_list, itinerary.left_out_list)
    parts = {part.__name__: part(course) for part in alone} | {part.__name__: part(course, evidence) for part in cited}
    seen = {"today": course.start}
    parts["ready_words"] = itinerary.ready_words(course, **seen)
    parts["unsettled"] = itinerary.unsettled(course, evidence, **seen)
    return {**parts, "conflicts_list": itinerary.conflicts_list(course, evidence, **seen)}


def told(day):
    """A day by hand, so that a fault in how days are told shows."""
    return f"{day.day} {NAMES[day.month - 1]} {day.year}"


def rows(text):
    """The rows of a table as lists of their cells."""
    page = Page(text)
    width = len(page.cells) // text.count("<tr")
    return [page.cells[k : k + width] for k in range(0, len(page.cells), width)]


# Days


def test_days_are_told_as_people_write_them():
    assert spoken_date(date(2027, 3, 3)) == "3 March 2027"
    assert between(date(2027, 3, 3), date(2027, 3, 10)) == "3 to 10 March 2027"
    assert between(date(2027, 4, 28), date(2027, 5, 5)) == "28 April to 5 May 2027"
    assert between(date(2027, 12, 28), date(2028, 1, 5)) == "28 December 2027 to 5 January 2028"
    assert between(date(2027, 3, 3), date(2027, 3, 3)) == "3 March 2027"


# Parts


def test_the_plan_in_one_sentence():
    course = plan(CLIENT, ["microneedling", "peel_superficial"], EVIDENCE, START)
    last = course.visits["date_planned"].max().date()
    cautious = plan(CLIENT, ["microneedling", "peel_superficial"], EVIDENCE, START, date(2199, 1, 1)).ready
    healing = EVIDENCE.number("peel_superficial", "downtime_days").high
    assert course.last_at_most == cautious.done_cautious - timedelta(days=math.ceil(healing))
    assert "Microneedling, 5 sessions; Light chemical peel, 7 sessions" in cautious.text
    assert itinerary.summary(course) == (
        f"7 visits from 3 March to {told(last)}, or up to 12 visits, as late as {told(course.last_at_most)}: "
        "Microneedling 3 times and Light chemical peel 4 times."
    )
    home = plan(CLIENT, ["topical_retinoid"], EVIDENCE, START)
    assert itinerary.summary(home) == "No visits: Retinoid cream or gel at home from 3 March 2027."
    assert "how many times is not known" in itinerary.summary(
        plan(Client(scars={"keloid": 1}, fitzpatrick=2), ["cryotherapy"], EVIDENCE, START)
    )


def test_each_visit_stands_with_its_day_its_range_and_its_days_off():
    course = plan(CLIENT, ["microneedling", "peel_superficial"], EVIDENCE, START)
    head, *body = rows(itinerary.visits_table(course))
    assert head == ["Visit", "Planned for", "It may fall", "What is done (session)", "Days off, at most"]
    assert len(body) == len(course.visits)
    assert body[0] == ["1", "3 March 2027", "on that day", "Microneedling, 1 of 3 (3 to 5)", "3 to 10 March 2027"]
    for cells, visit in zip(body, course.visits.to_dict("records"), strict=True):
        assert cells[1] == told(visit["date_planned"].date())
        if visit["date_earliest"] != visit["date_latest"]:
            assert cells[2].endswith(told(visit["date_latest"].date()))
            assert cells[2].startswith(f"{visit['date_earliest'].day} ")


def test_days_off_that_no_source_gives_are_not_known_and_never_blank():
    course = plan(CLIENT, ["laser_eryag_fractional"], EVIDENCE, START)
    assert {cells[-1] for cells in rows(itinerary.visits_table(course))[1:]} == {"not known"}
    (cells,) = rows(itinerary.downtime_table(course, EVIDENCE))[1:]
    assert [cell.strip() for cell in cells[1:]] == ["not known"] * 3
    (result,) = rows(itinerary.results_table(course, EVIDENCE))[1:]
    assert result[2].strip() == "not known"
    assert "what to do afterwards is not known. Ask the clinic." in Page(itinerary.aftercare_list(course)).text
    drawn = Page(itinerary.timeline_svg(course)).text
    assert "Not drawn, as it is not known: how many days off (Fractional erbium laser)" in drawn


def test_care_is_told_until_when_for_each_visit_in_turn():
    course = plan(CLIENT, ["microneedling"], EVIDENCE, START)
    items = Page(itinerary.aftercare_list(course)).items
    first, *_ = items
    assert first.startswith(
        "After each visit, until 5 March, 2 April and 30 April 2027: no hard exercise (Also sauna and hot showers)"
    )
    (sun,) = [item for item in items if "sun protection" in item]
    assert sun.startswith("After each visit, until 10 March, 7 April and 5 May 2027 or longer:")
    (needled,) = [item for item in items if "needled" in item]
    assert needled.startswith("From the day on, for how long is not known:")


def test_care_before_a_visit_and_around_it_is_told_as_such():
    priming = Page(itinerary.aftercare_list(plan(CLIENT, ["tca_cross"], EVIDENCE, START))).items
    assert any(item.startswith("Before each visit, 17 February to 3 March 2027,") and "lightener" in item
               for item in priming)  # fmt: skip
    assert any(item.startswith("Allowed from") and "make-up" in item for item in priming)
    fair = Client(scars={"boxcar": 1}, fitzpatrick=2)
    around = Page(itinerary.aftercare_list(plan(fair, ["laser_ablative_full"], EVIDENCE, START))).items
    (medicine,) = [item for item in around if "cold sore medicine" in item]
    assert medicine.startswith("Before and after each visit, from when is not known, until 17 March 2027:")


def test_a_result_has_dates_to_look_and_says_where_few_people_stand_behind_it():
    course = plan(CLIENT, ["microneedling"], EVIDENCE, START)
    (cells,) = rows(itinerary.results_table(course, EVIDENCE, lambda ids: f"[{len(list(ids))}]"))[1:]
    assert cells[:2] == ["Microneedling", "28 April 2027"]
    assert cells[2] == "from 21 July to 13 October 2027. Fewer than 30 people stand behind this. [1]"


def test_the_cost_says_which_part_is_not_known():
    assert itinerary.cost_words(plan(CLIENT, ["microneedling"], EVIDENCE, START)).startswith("About $")
    filler = Page(itinerary.cost_words(plan(CLIENT, ["filler_ha", "rf_microneedling"], EVIDENCE, START))).text
    assert filler.startswith("At least $")
    assert "How many you need is not known." in filler
    cold = Client(scars={"keloid": 1}, fitzpatrick=2)
    assert Page(itinerary.cost_words(plan(cold, ["cryotherapy"], EVIDENCE, START))).text == (
        "The cost is not known. Freezing the scar (cryotherapy): the price is not known."
    )


def test_being_done_in_time_is_told_with_days_in_words():
    course = plan(CLIENT, ["laser_co2_fractional"], EVIDENCE, START, START + timedelta(weeks=6))
    text = itinerary.ready_words(course, today=START)
    assert "Done and healed by 14 April 2027?" in text
    assert "With the usual figures (Fractional CO2 laser, 4 sessions): no." in text
    assert not re.search(r"\d{4}-\d{2}-\d{2}", text)
    assert text.endswith("No result is promised by then.</li></ul>")
    assert itinerary.ready_words(plan(CLIENT, ["laser_co2_fractional"], EVIDENCE, START), today=START) == ""


def test_what_does_not_fit_stands_with_its_sources():
    course = plan(CLIENT, ["microneedling", "laser_ablative_full"], EVIDENCE, START)
    cited = Page(itinerary.conflicts_list(course, EVIDENCE, lambda ids: "", today=course.start - timedelta(days=99)))
    assert len(cited.items) == len(course.conflicts)
    folded = itinerary.conflicts_list(course, EVIDENCE, today=START)
    for conflict in course.conflicts:
        assert entities.escape(conflict.text) in folded
        assert all(entities.escape(TABLES.sources.at[source, "title"]) in folded for source in conflict.source_ids)
    dark = plan(CLIENT.replace(fitzpatrick=5), ["microneedling", "laser_ablative_full"], EVIDENCE, START)
    (left,) = Page(itinerary.left_out_list(dark, EVIDENCE, lambda ids: "")).items
    assert left.startswith("Full laser resurfacing: Not for skin type V")


def test_the_order_names_our_own_assumption():
    client = Client(scars={"keloid": 1}, fitzpatrick=3)
    course = plan(client, ["triamcinolone_intralesional", "laser_pdl"], EVIDENCE, START)
    assert "our assumption" in itinerary.order_list(course, EVIDENCE)


def test_nothing_planned_is_said_or_left_away():
    dark = plan(CLIENT.replace(fitzpatrick=5), ["laser_ablative_full"], EVIDENCE, START)
    assert itinerary.summary(dark) == "No visit is planned."
    assert itinerary.cost_words(dark) == "Nothing is planned, so nothing is to pay."
    for name in ("visits_table", "aftercare_list", "timeline_svg", "downtime_table", "results_table", "order_list"):
        assert every_part(dark)[name] == "", name


# The picture


def marks(course):
    """The places of the visits in the picture, in per cent of its width."""
    drawn = itinerary.timeline_svg(course)
    return [float(x) for x in re.findall(r'<svg x="([\d.]+)%"[^>]*><rect', drawn)]


def test_the_picture_has_a_mark_for_each_session_in_proportion_to_its_day():
    course = plan(CLIENT, ["microneedling", "peel_superficial"], EVIDENCE, START)
    days = [day.date() for day in course.visits["date_planned"]]
    at = marks(course)
    assert len(at) == len(days)
    whole = (days[-1] - days[0]).days
    for day, place in zip(days, at, strict=True):
        assert place == pytest.approx(at[0] + (at[-1] - at[0]) * (day - days[0]).days / whole, abs=0.02)


def test_the_picture_reads_without_colour_and_says_what_it_shows():
    course = plan(CLIENT, ["subcision", "laser_co2_fractional"], EVIDENCE, START, date(2027, 12, 1))
    page = Page(itinerary.timeline_svg(course))
    assert page.all("svg")[0]["aria-label"] == entities.unescape(itinerary.summary(course))
    paints = {attributes[name] for _, attributes in page.seen for name in ("fill", "stroke") if name in attributes}
    assert paints == {"currentColor", "none"}
    for words in ("Fractional CO2 laser: visits 4 to 7", "a visit", "days off, at most", "the result can be judged",
                  "to be done by 1 December 2027"):  # fmt: skip
        assert words in page.text
    assert page.all("li")


@pytest.mark.parametrize("days", [1, 40, 200, 700, 3000])
def test_few_months_are_named_below_the_picture_and_each_lies_within(days):
    end = START + timedelta(days=days)
    ticks = itinerary._ticks(START, end)
    assert len(ticks) <= 5
    assert all(START < tick <= end and tick.day == 1 for tick in ticks)


def test_what_would_have_to_be_done_before_today_is_named():
    peel = plan(Client(scars={"icepick": 2}, fitzpatrick=5), ["tca_cross"], EVIDENCE, START)
    early = peel.aftercare["from"].min().date()
    assert early < START
    assert itinerary.overdue(peel, early) == []
    (said,) = itinerary.overdue(peel, START)
    assert f"here from {told(early)}, which is over" in said
    assert f"A first visit on {told(START + (START - early))} or later leaves time" in said
    moved = plan(peel.client, ["tca_cross"], EVIDENCE, START + (START - early))
    assert itinerary.overdue(moved, START) == []
    late = itinerary.overdue(peel, date(2027, 6, 1))
    assert "The first visit, 3 March 2027, lies in the past" in late[0]
    assert "lies in the past" in itinerary.conflicts_list(peel, EVIDENCE, today=date(2027, 6, 1))


# For every plan


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(client=clients, treatments=choices, start=starts, wait=st.none() | st.integers(0, 900))
def test_every_plan_is_told_in_full_and_plainly(client, treatments, start, wait):
    course = plan(client, treatments, EVIDENCE, start, None if wait is None else start + timedelta(days=wait))
    parts = every_part(course)
    for name, text in parts.items():
        page = Page(text)
        assert not re.search(r"\b(nan|NaN|NaT|None|inf)\b|<NA>|\d{4}-\d{2}-\d{2}", page.text), (name, page.text)
        assert all(cell.strip() for cell in page.cells), name
        assert not {tag for tag, _ in page.seen} & {"script", "img", "style"}
    planned = [told(day.date()) for day in course.visits["date_planned"]]
    visits = rows(parts["visits_table"])[1:] if planned else []
    assert [cells[1] for cells in visits] == planned
    assert all(name in parts["visits_table"] for name in map(entities.escape, course.home["name"]))
    care = Page(parts["aftercare_list"]).items
    for row in course.aftercare.to_dict("records"):
        end = row["from"] if row["level"] == "allowed" else row["until"]
        day = rf"\b{end.day}\b" if pd.notna(end) else "not known"
        mine = [item for item in care if row["label"] in item]
        at_any_time = ("Before each visit", "Time of year")
        assert any(re.search(day, item) or item.startswith(at_any_time) for item in mine), (row, mine)
    for conflict in course.conflicts:
        assert entities.escape(conflict.text) in parts["conflicts_list"]
    assert len(Page(parts["left_out_list"]).items) >= len(course.left_out)
    assert len(marks(course)) == len(course.visits)
    assert all(0 <= place <= 100 for place in marks(course))


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("treatments", ["name", "clinical_name", "price_unit"]),
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
    client = CLIENT.replace(conditions=set(TABLES.conditions.index[:3]), fitzpatrick=5)
    course = plan(client, ["subcision", "tca_cross", "laser_ablative_full", "topical_retinoid"], evidence, START)
    seen = ""
    for text in every_part(course, evidence).values():
        page = Page(text)
        assert not {tag for tag, _ in page.seen} & {"script", "img"}
        assert not [name for _, attributes in page.seen for name in attributes if name.startswith("on")]
        seen += page.text
    assert "alert(1)" in seen


# A wait that is not over


def _left(client, treatments, start, today):
    return itinerary.unsettled(plan(client, treatments, EVIDENCE, start), EVIDENCE, today=today)


def test_a_wait_names_the_first_visit_that_keeps_it():
    client = Client(scars={"rolling": 2}, conditions={"recent_filler"})  # 26 weeks, says a consent form
    said = _left(client, ["rf_microneedling"], START, START)
    assert "a first visit on 1 September 2027 or later leaves time for it" in said
    assert "leave time for the wait" in _left(client, ["rf_microneedling"], date(2027, 9, 1), START)
    assert "1 September 2027" in _left(client, ["rf_microneedling"], date(2027, 8, 31), START)


@pytest.mark.parametrize(
    ("treatment", "others"),
    [
        ("subcision", {"conditions": {"pregnancy"}}),
        ("peel_medium", {"conditions": {"isotretinoin_current"}}),  # one wait of 52 weeks, one without a length
        ("rf_microneedling", {"budget_usd": 100}),
    ],
)
def test_what_is_more_than_a_wait_of_known_length_names_no_day(treatment, others):
    said = _left(Client(scars={"rolling": 2}, **others), [treatment], START, START)
    assert "Not settled." in said
    assert "leave" not in said


waiting = st.builds(
    Client,
    scars=st.just({"rolling": 2}),
    conditions=st.sampled_from("recent_filler recent_botulinum recent_resurfacing isotretinoin_recent".split()).map(
        lambda condition: {condition}
    ),
)


@settings(max_examples=60, deadline=None)
@given(waiting, choices, st.dates(date(2026, 6, 1), date(2028, 6, 1)))
def test_on_the_day_a_wait_names_it_is_kept(client, treatments, start):
    today = date(2027, 1, 1)
    if named := re.search(r"a first visit on (\d+) (\w+) (\d+) or later", _left(client, treatments, start, today)):
        later = date(int(named[3]), NAMES.index(named[2]) + 1, int(named[1]))
        assert later > start
        assert "These dates leave time for the wait" in _left(client, treatments, later, today)


def test_a_wait_that_ends_too_late_for_the_day_is_told_beside_it():
    client = Client(scars={"rolling": 2}, fitzpatrick=2, conditions={"isotretinoin_current"})
    course = plan(client, ["subcision"], EVIDENCE, START, START + timedelta(days=200))
    kept = re.search(r"a first visit on (.+?) or later", itinerary.unsettled(course, EVIDENCE, today=START))[1]
    said = itinerary.ready_words(course, today=START)
    assert f"If the wait counts from today, no: the first visit is on {kept} or later then" in said
    last = re.search(r"the first visit is on (\d+ \w+ \d+) at the latest\.", said.replace("For that ", ""))[1]
    assert f"and on {last} at the latest to be done in time" in said
    enough = plan(client, ["subcision"], EVIDENCE, START, START + timedelta(days=900))
    assert "If the wait counts" not in itinerary.ready_words(enough, today=START)


def test_no_wait_names_a_day_that_is_over():
    client = Client(scars={"boxcar": 1}, fitzpatrick=3, conditions={"recent_filler"})
    today, named = date(2026, 11, 28), []
    for treatments in (
        ["rf_microneedling"],
        ["subcision", "rf_microneedling"],
        ["filler_pmma", "laser_co2_fractional"],
    ):
        for start in (date(2026, 1, 7), date(2026, 5, 7)):
            named += re.findall(r"a first visit on (\d+) (\w+) (\d+) or later", _left(client, treatments, start, today))
    days = [date(int(year), NAMES.index(month) + 1, int(day)) for day, month, year in named]
    assert len(days) > 3
    assert min(days) >= today


def test_a_skin_test_whose_day_is_over_names_the_first_visit_that_leaves_time_for_it():
    today = date(2026, 11, 28)
    course = plan(Client(scars={"rolling": 2}), ["filler_pmma"], EVIDENCE, today)
    (said,) = itinerary.overdue(course, today)
    assert said == (
        "The skin test had to be done by 31 October 2026, which is over. If yours is not done, a first visit on "
        "26 December 2026 or later leaves time for it."
    )
    later = plan(Client(scars={"rolling": 2}), ["filler_pmma"], EVIDENCE, date(2026, 12, 26))
    assert itinerary.overdue(later, today) == []
