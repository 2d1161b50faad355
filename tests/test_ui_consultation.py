"""Comparing, planning, a clinic's menu, keeping and sharing: what a person does, and then sees."""

import base64
import json
import re
from datetime import UTC, date, datetime
from html import unescape

import bqplot as bq
import ipywidgets as w
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scarlib
from scarlib import Client, ClientError, lab
from scarlib.comparison import CLINIC, QUESTIONS
from scarlib.record import Record
from scarlib.screening import NO_TREATMENT, RANKED
from scarlib.ui import Dashboard, keep, model
from scarlib.ui.consultation import Consultation
from scarlib.ui.model import START

TABLES = scarlib.load_tables()
NAMES = TABLES.treatments["name"]
MENU = b"treatment_id,price_usd_per_session,note\nmicroneedling,111,<b>Ours</b>\nlaser_co2_fractional,,\n"
ABSENT = b"treatment_id,offered\nmicroneedling,no\n"
NOW = datetime(2026, 11, 27, tzinfo=UTC)
NOBODY = Client(scars={"erythematous": 1}, conditions={"pregnancy"})  # nothing but no treatment fits


@pytest.fixture
def session():
    return Consultation(TABLES)


@pytest.fixture
def board():
    return Dashboard(TABLES)


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def controls(widget, css_class):
    return [item for item in walk(widget) if css_class in item._dom_classes]


def only(widget, css_class):
    (found,) = controls(widget, css_class)
    return found


def html(widget):
    return " ".join(item.value for item in walk(widget) if isinstance(item, w.HTML) and "<style>" not in item.value)


def told(widget):
    """What a part says, without its tags."""
    return re.sub(r"\s+([,.;:])", r"\1", re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html(widget)))))


def files(widget):
    """{file name: its text} of the downloads a part offers."""
    links = re.findall(r'download="([^"]+)" href="data:[\w/]+;base64,([^"]*)"', html(widget))
    return {name: base64.b64decode(data).decode() for name, data in links}


def put(upload, raw, name):
    upload.value = [{"name": name, "type": "", "size": len(raw), "content": memoryview(raw), "last_modified": NOW}]


def press(widget, description):
    (button,) = [item for item in walk(widget) if isinstance(item, w.Button) and item.description == description]
    button.click()


def above(board):
    """What stands above the options: what is wrong with the answers, and what they come to."""
    return "".join(part.value for part in board._found)


# Choosing several


def test_the_best_fits_stand_side_by_side_until_others_are_chosen(session):
    best = [NAMES[treatment] for treatment in session.answers.shortlist[:2]]
    assert [*session.comparison.columns] == [NO_TREATMENT, *session.answers.shortlist[:2]]
    for name in best:
        assert name in told(session.side_by_side)
    session.answers.scars = {"keloid": 2.0}
    assert [*session.comparison.columns] == [NO_TREATMENT, *session.answers.shortlist[:2]]


def test_options_are_chosen_one_by_one_in_the_order_of_the_boxes(session):
    first, second, third, _ = boxes = controls(session.side_by_side, "control-compared")
    first.value, second.value, third.value = "subcision", "filler_ha", "tca_cross"
    assert session.answers.compared == ["subcision", "filler_ha", "tca_cross"]
    assert [*session.comparison.columns] == [NO_TREATMENT, "subcision", "filler_ha", "tca_cross"]
    second.value = ""
    assert [box.value for box in boxes] == ["subcision", "tca_cross", "", ""], "no gap is left"
    for box in boxes:
        others = {other.value for other in boxes if other is not box} - {""}
        assert not others & {value for _, value in box.options}, "nothing can be chosen twice"
    first.value = ""
    assert session.answers.compared == [*session.answers.shortlist[:2], "tca_cross"], "the best fits, beside the other"
    third.value = second.value = ""
    first.value = ""
    assert session.answers.compared == []
    assert first.label == "The two best fits"
    assert NO_TREATMENT not in [value for _, value in first.options], "it stands beside them in any case"
    session.answers.compared = ["fat_graft", "subcision", "filler_ha", "tca_cross"]
    first.value = ""
    best = session.answers.shortlist[0]
    assert session.answers.compared == [best, "subcision", "filler_ha", "tca_cross"], "what nobody touched stays"


def test_one_more_than_the_best_fit_is_not_one_instead_of_it(session):
    best, second = session.answers.shortlist[:2]
    controls(session.course, "control-planned")[1].value = "laser_pdl"
    assert session.answers.planned == [best, "laser_pdl"]
    controls(session.side_by_side, "control-compared")[2].value = "laser_pdl"
    assert session.answers.compared == [best, second, "laser_pdl"]
    controls(session.side_by_side, "control-compared")[0].value = "filler_ha"
    assert session.answers.compared == ["filler_ha", second, "laser_pdl"]


def test_a_box_opens_once_those_before_it_are_filled(session):
    """With keys, each choice passes by on the way to the next: the first would fall into the box before."""

    def shut():
        return [[box.disabled for box in controls(where, f"control-{name}")] for where, name in places]

    places = ((session.side_by_side, "compared"), (session.course, "planned"))
    assert shut() == [[False, False, False, True], [False, False, True, True]], "after the two best fits, the best fit"
    controls(session.course, "control-planned")[1].value = "laser_pdl"
    session.answers.compared = ["tca_cross"]
    assert shut() == [[False, False, True, True], [False, False, False, True]]
    session.answers.open(Record(NOBODY))
    assert session.answers.shortlist == []
    assert shut() == [[False, True, True, True]] * 2


def test_choices_from_elsewhere_reach_the_boxes(session):
    session.answers.compared = ["tca_cross", "subcision"]
    session.answers.planned = ["peel_medium"]
    assert [box.value for box in controls(session.side_by_side, "control-compared")] == [
        "tca_cross",
        "subcision",
        "",
        "",
    ]
    assert controls(session.course, "control-planned")[0].value == "peel_medium"


def test_where_nothing_fits_there_is_a_sentence_and_a_way_on(session):
    session.answers.open(Record(NOBODY))
    assert session.answers.shortlist == []
    assert "Nothing fits that could be compared" in told(session.side_by_side)
    assert "Nothing fits that could be planned" in told(session.course)
    assert "A dot is a planned visit" not in told(session.course)
    for frame in ("comparison", "plan"):
        with pytest.raises(ClientError):
            getattr(session, frame)
    session.answers.planned = ["microneedling"]
    assert session.plan.order in ((), ("microneedling",))
    assert "preg" in told(session.course).lower()


# The plan


def test_the_plan_follows_choice_dates_and_answers(session):
    boxes = controls(session.course, "control-planned")
    assert [*session.plan.order] == session.answers.shortlist[:1]
    boxes[0].value, boxes[1].value = "microneedling", "peel_superficial"
    only(session.course, "control-starts_on").value = date(2027, 3, 1)
    assert session.plan.start == date(2027, 3, 1)
    assert "1 March 2027" in told(session.course)
    assert "A dot is a planned visit" in told(session.course)
    expected = scarlib.plan(session.client, ["microneedling", "peel_superficial"], date(2027, 3, 1), tables=TABLES)
    assert session.plan.visits.equals(expected.visits)
    only(session.course, "control-ready_by").value = date(2027, 3, 20)
    assert session.plan.ready.typical is False
    assert "20 March 2027" in told(session.course)
    assert "Your skin type is not given" in told(session.course)
    session.answers.fitzpatrick = 5
    assert "Your skin type is not given" not in told(session.course), "the plan is worked out again for the new answer"
    assert session.plan.ready.by == date(2027, 3, 20)


def test_without_a_date_the_first_visit_is_today(session):
    assert session.plan.start == date.today()


def test_an_impossible_date_says_so_and_leaves_no_plan_of_other_dates(session):
    only(session.course, "control-starts_on").value = date(2027, 3, 1)
    assert "1 March 2027" in told(session.course)
    only(session.course, "control-ready_by").value = date(2027, 2, 1)
    problem = session.answers.plan_problem
    assert problem == "To be done by: 1 February 2027 is before the start. Give 1 March 2027 or a later day."
    assert problem in told(session.course)
    assert "visits from" not in told(session.course)
    with pytest.raises(ClientError, match="1 February 2027 is before the start"):
        _ = session.plan
    only(session.take_home, "control-report").click()
    assert problem in told(session.take_home)
    assert "The page to read or print" not in told(session.take_home)
    only(session.take_home, "control-decision").value = "no_treatment"
    only(session.take_home, "control-report").click()
    assert "The page to read or print" in told(session.take_home)
    only(session.course, "control-ready_by").value = None
    assert session.answers.plan_problem == ""
    assert "before the start" not in told(session.course)


@pytest.mark.parametrize("place", ["session", "board"])
def test_without_a_scar_nothing_old_passes_for_an_answer(place, request):
    """Health that was ticked after the last scar was taken away counts for nothing yet, so nothing may be shown."""
    here = request.getfixturevalue(place)
    page = here.page if place == "board" else w.VBox([v for v in vars(here).values() if isinstance(v, w.Widget)])
    here.answers.scars = {}
    here.answers.conditions = ["pregnancy"]
    here.answers.fitzpatrick = 6
    said = html(page)
    assert model.NO_SCAR in said
    for shown in ('data-hook="option"', 'data-hook="plan"', "data-hook='plan'", 'data-hook="summary"', "#answers="):
        assert shown not in said
    only(page, "control-report").click()
    assert model.NO_SCAR in html(page)
    assert "acne-scar-plan.html" not in html(page)
    if place == "session":
        for name in ("client", "options", "overview", "ruled_out", "contributions", "comparison", "plan", "record"):
            with pytest.raises(ClientError, match="Choose at least one kind of scar"):
                getattr(here, name)
        assert len(here.table._dt_args["data_json"]) < 10
    here.answers.scars = {"rolling": 1.0}
    assert here.answers.client.conditions == {"pregnancy"}
    assert here.answers.client.fitzpatrick == 6
    assert model.NO_SCAR not in html(page)
    assert "data-hook='plan'" in html(page) or "Nothing fits" in html(page)


def test_a_first_visit_in_the_past_is_named(session):
    only(session.course, "control-starts_on").value = date(2020, 3, 1)
    assert "The first visit, 1 March 2020, lies in the past" in told(session.course)
    only(session.course, "control-starts_on").value = None
    assert "lies in the past" not in told(session.course)


def test_a_plan_of_what_is_ruled_out_says_so_before_its_dates(session):
    session.answers.answer(conditions=["isotretinoin_recent"], planned=["laser_ablative_full"])
    assert session.options.at["laser_ablative_full", "verdict"] not in RANKED
    said = told(session.course)
    assert said.index("Not settled. As things stand, this is ruled out for you") < said.index("visit on")


def test_a_table_of_ones_own_follows_the_answers_and_keeps_its_dollars(session):
    shown = session.live(lambda: session.comparison)
    assert "mathjax_ignore" in html(shown)
    assert "…" not in html(shown)
    assert "..." not in html(shown)
    session.answers.compared = ["filler_ha"]
    assert "filler_ha" in html(shown)
    session.answers.answer(scars=dict(NOBODY.scars), conditions=list(NOBODY.conditions), compared=[])
    assert "treatments:" in html(shown)  # nothing to compare: a sentence, and no traceback


def test_a_consultation_is_saved_without_what_it_shows():
    def cells():
        shown = [{"output_type": "stream", "text": "Pregnancy"}]
        return [
            {"cell_type": "code", "source": "session", "outputs": list(shown), "execution_count": 3},
            {"cell_type": "markdown", "source": "Who?"},
        ]

    def model(**metadata):
        return {"type": "notebook", "content": {"metadata": {**metadata, "widgets": {"state": 1}}, "cells": cells()}}

    kept, other = model(scarlib=lab.MARK), model()
    for told_of in (kept, other, {"type": "file", "content": "x"}, {"type": "notebook", "content": None}):
        lab.forget(told_of, path="a.ipynb", contents_manager=None)
    assert "Pregnancy" not in json.dumps(kept)
    assert "widgets" not in kept["content"]["metadata"]
    assert [cell["source"] for cell in kept["content"]["cells"]] == ["session", "Who?"]
    assert other == model()


def test_the_notebook_of_a_consultation_is_marked_as_one(root):
    notebook = json.loads((root / "notebooks" / "consultation.ipynb").read_text("utf-8"))
    assert notebook["metadata"]["scarlib"] == lab.MARK


def test_a_plan_that_cannot_be_worked_out_says_so_and_leaks_nothing(session, monkeypatch):
    def fails(*_):
        raise KeyError("secret")

    monkeypatch.setattr(model, "plan", fails)
    session.answers.planned = ["subcision"]
    assert "could not be worked out" in told(session.course)
    assert "secret" not in told(session.course)


def test_one_answer_is_planned_once(session, monkeypatch):
    seen, real = [], model.plan
    monkeypatch.setattr(model, "plan", lambda *given: seen.append(given) or real(*given))
    session.answers.fitzpatrick = 3
    assert len(seen) == 1
    session.answers.planned = ["subcision"]
    assert len(seen) == 2


def test_the_timeline_shows_each_visit_on_its_treatments_row(session):
    session.answers.planned = ["microneedling", "peel_superficial"]
    (figure,) = [item for item in walk(session.course) if isinstance(item, bq.Figure)]
    spans, off, visits = figure.marks
    assert [*visits.x.astype("datetime64[s]")] == [*session.plan.visits["date_planned"].to_numpy("datetime64[s]")]
    assert len(set(visits.y)) == 2
    assert spans.x.shape == (len(session.plan.visits), 2)
    assert (spans.x[:, 0] <= spans.x[:, 1]).all()
    assert set(np.unique(off.y)) <= set(visits.y)
    session.answers.open(Record(NOBODY))
    assert figure.layout.display == "none", "an empty picture is not shown"


# The clinic's menu


@pytest.mark.parametrize("place", ["board", "session"])
def test_a_menu_moves_the_price_and_is_marked_as_the_clinics(place, request):
    shown = request.getfixturevalue(place)
    page = shown.page if place == "board" else shown.clinic
    verdicts = shown.answers.options["verdict"].to_dict()
    put(only(page, "control-menu"), MENU, "ours.csv")
    assert shown.answers.menu == "ours.csv"
    assert shown.answers.evidence.price("microneedling").typical == 111
    assert shown.answers.options["verdict"].to_dict() == verdicts, "a price alone rules nothing in or out"
    assert "In use: ours.csv, 2 offers" in told(page)
    assert "<b>Ours</b>" not in html(page)
    assert "&lt;b&gt;Ours&lt;/b&gt;" in html(page)
    press(page, "Work without the menu")
    assert shown.answers.menu == ""
    assert shown.answers.evidence.price("microneedling").typical != 111
    assert "No menu is in use" in told(page)


def test_cards_and_comparison_say_what_the_clinic_says(board):
    put(only(board.page, "control-menu"), MENU, "ours.csv")
    assert "The clinic's own price: $111 a session." in told(board._fits)
    board.answers.use_menu(ABSENT, "absent.csv")
    assert "Not offered here" in told(board._fits)
    frame = scarlib.compare(START, ["microneedling"], board.answers.evidence.tables)
    assert [*frame.index] == [*QUESTIONS, CLINIC]
    assert "Not offered here" in frame.at[CLINIC, "microneedling"]
    assert "menu" in frame.at[CLINIC, NO_TREATMENT]


def test_the_comparison_tells_the_clinics_price_and_marks_it():
    cost = "What does it cost in all?"
    frame = scarlib.compare(START, ["microneedling", "subcision"], scarlib.load_tables(menu=MENU))
    assert "one session: $111; the clinic's own price" in frame.at[cost, "microneedling"]
    assert "clinic" not in frame.at[cost, "subcision"]


def test_a_bad_menu_tells_every_problem_and_the_previous_one_stays(session):
    upload = only(session.clinic, "control-menu")
    put(upload, MENU, "ours.csv")
    put(upload, b"treatment_id,price_usd_per_session\nmagic,-1\nsubcision,cheap\n", "<i>bad.csv")
    said = told(session.clinic)
    for problem in ("'magic'", "-1", "'cheap'", "The menu ours.csv stays", "3 problems"):
        assert problem in said
    assert session.answers.menu == "ours.csv"
    assert session.answers.evidence.price("microneedling").typical == 111
    put(upload, MENU, "ours.csv")
    assert "problem" not in told(session.clinic), "a good one takes the complaint away"


def test_of_very_many_problems_the_first_are_told_and_the_rest_counted(session):
    put(only(session.clinic, "control-menu"), b"treatment_id\n" + b"magic\n" * 300, "m.csv")
    assert re.search(r"And \d{3} more\. Mend these first\.", told(session.clinic))
    assert told(session.clinic).count("'magic'") == 20


def test_a_clinic_with_very_many_offers_does_not_flood_the_page(session):
    rows = "".join(f"microneedling,{100 + k},Pen {k}\n" for k in range(2_000))
    put(only(session.clinic, "control-menu"), f"treatment_id,price_usd_per_session,device\n{rows}".encode(), "m.csv")
    assert session.answers.menu == "m.csv"
    assert "more offers: ask the clinic" in told(session.clinic)
    assert len(told(session.clinic)) < 5_000
    assert len(session.comparison.at[CLINIC, "microneedling"]) < 1_000


# Keep, open, share


def test_what_is_saved_opens_again_in_another_consultation(session):
    session.answers.answer(fitzpatrick=4, scars={"boxcar": 3.0}, planned=["subcision"], compared=["filler_ha"])
    session.answers.starts_on = date(2027, 1, 4)
    (text,) = [text for name, text in files(session.keep).items() if name.endswith(".json")]
    other = Consultation(TABLES)
    put(only(other.keep, "control-file"), text.encode(), "kept.json")
    assert other.record == session.record
    assert other.plan.order == ("subcision",)
    other.answers.undo()
    assert other.client == START, "opening a file can be taken back"


def test_a_link_opens_the_same_answers(session, board):
    session.answers.answer(fitzpatrick=4, planned=["subcision"])
    (link,) = re.findall(r'class="share" href="([^"]+)"', html(session.keep))
    assert link.startswith("http://localhost:8866/#answers=")
    only(board.page, "control-link").value = link
    assert board.answers.record == session.record
    assert only(board.page, "control-link").value == "", "the field is free for another link"


def test_what_was_opened_is_said_beside_the_box(session):
    link = only(session.keep, "control-link")
    link.value = f"#{Record(Client(scars={'boxcar': 1})).to_link()}"
    assert "Opened. The whole page now follows these answers." in html(session.keep)
    session.answers.fitzpatrick = 2
    assert "Opened." not in html(session.keep)
    link.value = "#nothing"
    assert "This could not be opened, and nothing was changed. It holds no answers." in html(session.keep)


def test_a_link_to_this_computer_says_that_it_leads_nowhere_else(session):
    assert "on this computer only" in html(session.keep)
    named = Consultation(TABLES, dashboard="https://scars.example/")
    assert "opens the dashboard at https://scars.example/" in html(named.keep)
    assert "on this computer only" not in html(named.keep)


def test_the_dashboards_own_link_needs_no_address(board):
    assert re.search(r'class="share" href="#answers=', html(board.page))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 99}', '{"scars": {"<img src=x onerror=alert(1)>": 1}}', "\x00\ufffd", "[" * 9999],
)
def test_what_cannot_be_opened_is_told_and_changes_nothing(board, text):
    board.answers.fitzpatrick = 3
    before = board.answers.record
    put(only(board.page, "control-file"), text.encode(), "kept.json")
    assert board.answers.notice.startswith("This could not be opened, and nothing was changed.")
    summary = above(board)
    assert "could not be opened" in summary
    assert "<img" not in summary
    assert board.answers.record == before
    board.answers.fitzpatrick = 2
    assert "could not be opened" not in above(board), "it goes with the next answer"


def test_a_file_with_bytes_that_are_no_text_is_refused(board):
    put(only(board.page, "control-file"), bytes(range(256)) * 40, "picture.png")
    assert "could not be opened" in board.answers.notice


def test_a_broken_link_is_told(board):
    only(board.page, "control-link").value = "https://clinic.example/#answers=AAAA"
    assert "broken or was cut" in board.answers.notice


def test_a_record_made_with_a_menu_says_so_where_the_menu_is_missing(session):
    put(only(session.clinic, "control-menu"), MENU, "ours.csv")
    text = session.record.to_json()
    other = Consultation(TABLES)
    put(only(other.keep, "control-file"), text.encode(), "kept.json")
    assert "ours.csv" in other.answers.notice


def test_start_again_clears_choices_and_dates_and_keeps_the_menu(session):
    put(only(session.clinic, "control-menu"), MENU, "ours.csv")
    session.answers.answer(fitzpatrick=4, planned=["subcision"], compared=["subcision"], ready_by=date(2027, 5, 1))
    press(session.profile, "Start again")
    assert session.record == Record(START, menu="ours.csv")


# Take it home


def test_the_files_to_take_home_are_made_when_asked_for(session):
    assert files(session.take_home) == {}
    session.answers.answer(fitzpatrick=5, planned=["tca_cross"], starts_on=date(2027, 2, 1))
    press(session.take_home, "Make the files to take home")
    made = files(session.take_home)
    assert {*made} == {"acne-scar-plan.html", "acne-scar-visits.ics", "acne-scar-visits.csv"}
    assert "1 February 2027" in made["acne-scar-plan.html"]
    assert made["acne-scar-visits.ics"].count("BEGIN:VEVENT") == len(session.plan.visits)
    assert made["acne-scar-visits.csv"].count("\n") == 1 + len(session.plan.visits)
    session.answers.fitzpatrick = 1
    assert files(session.take_home) == {}, "files for other answers are not left about"


def test_a_page_can_be_taken_home_where_nothing_fits(session):
    session.answers.open(Record(NOBODY))
    press(session.take_home, "Make the files to take home")
    assert {*files(session.take_home)} == {"acne-scar-plan.html"}


def test_no_plan_cannot_be_chosen(session):
    session.answers.open(Record(NOBODY))
    only(session.take_home, "control-decision").value = "chosen"
    press(session.take_home, "Make the files to take home")
    assert "Nothing is planned that could be chosen." in told(session.take_home)
    assert files(session.take_home) == {}


def test_the_page_tells_the_decision_and_what_is_unclear(session):
    only(session.take_home, "control-decision").value = "no_treatment"
    only(session.take_home, "control-unclear").value = "Will it <b>last</b>?"
    press(session.take_home, "Make the files to take home")
    made = files(session.take_home)
    assert {*made} == {"acne-scar-plan.html"}, "no visits where no treatment was decided"
    assert "Will it &lt;b&gt;last&lt;/b&gt;?" in made["acne-scar-plan.html"]
    only(session.take_home, "control-decision").value = "chosen"
    assert files(session.take_home) == {}
    only(session.take_home, "control-unclear").value = "x" * 5_000
    press(session.take_home, "Make the files to take home")
    assert "What is still unclear is not a text" in told(session.take_home)
    assert files(session.take_home) == {}


def test_files_that_cannot_be_made_say_so(session, monkeypatch):
    def fails(*_, **__):
        raise KeyError("secret")

    monkeypatch.setattr(keep, "_files", fails)
    press(session.take_home, "Make the files to take home")
    assert "could not be made" in told(session.take_home)
    assert "secret" not in told(session.take_home)


# What if


def test_what_if_is_worked_out_only_while_it_is_asked_for(board):
    tick = only(board.page, "control-whatif")
    assert "plausible readings;" not in told(board.page)
    tick.value = True
    first = told(board.page)
    assert re.search(r"first in \d+ of 100 plausible readings", first)
    board.answers.fitzpatrick = 6
    assert told(board.page) != first
    tick.value = False
    assert not re.search(r"is first in \d+ of 100", told(board.page))


# The tables behind the parts


clients = st.builds(
    Client,
    scars=st.dictionaries(st.sampled_from(["icepick", "rolling", "keloid"]), st.integers(1, 3), min_size=1),
    fitzpatrick=st.none() | st.integers(1, 6),
    conditions=st.sets(st.sampled_from(list(TABLES.conditions.index)), max_size=2),
    budget_usd=st.none() | st.just(500),
)


@settings(max_examples=15, deadline=None)
@given(clients)
def test_every_table_agrees_with_the_library(client):
    session = Consultation(TABLES, client)
    options = scarlib.recommend(client, TABLES)
    assert session.options.drop(columns="reasons").equals(options.drop(columns="reasons"))
    assert session.client == client
    assert {*session.ruled_out.index} == {*options.index[~options["verdict"].isin(RANKED)]}
    parts = session.contributions
    assert np.allclose(parts.drop(columns="score").sum(axis=1), parts["score"])
    assert len(session.overview) == len(options)
    assert [*session.overview["Treatment"]] == [*options["name"]]
    if session.answers.shortlist:
        assert [*session.comparison.columns] == [NO_TREATMENT, *session.answers.shortlist[:2]]
        assert [*session.plan.order] == session.answers.shortlist[:1]


def test_the_table_to_sort_follows_the_answers(session):
    before = session.table._dt_args["data_json"]
    session.answers.fitzpatrick = 6
    assert session.table._dt_args["data_json"] != before
    assert len(json.loads(session.table._dt_args["data_json"])) == len(TABLES.treatments)
    assert "not known" in session.table._dt_args["data_json"]
    assert "NaN" not in session.table._dt_args["data_json"].replace("___NaN___", "")


def test_a_consultation_says_what_it_is(session):
    assert repr(session) == f"<Consultation: {len(session.answers.shortlist)} treatments may be used, menu none>"
    assert session.offers is None
    session.answers.use_menu(MENU, "ours.csv")
    assert len(session.offers) == 2
