"""Every control on the page: it reaches the client, it changes what is shown, and nothing fires twice."""

import html
from contextlib import contextmanager

import ipywidgets as w
import pytest

import scarlib
from scarlib import Client
from scarlib.client import LIMITS, PRIORITIES, SCAR_TYPES, SETTINGS, TRAITS
from scarlib.evidence import weigh
from scarlib.ui import Dashboard, model
from scarlib.ui.controls import UNSET, controls
from scarlib.ui.model import START, Answers

TABLES = scarlib.load_tables()
EVIDENCE = weigh(TABLES)
CONDITIONS = TABLES.conditions
GROUPS = {str(name): list(rows.index) for name, rows in CONDITIONS.groupby("group", sort=False)}
QUESTION = dict(zip(CONDITIONS["group"], CONDITIONS["group_question"], strict=True))
FAMILIES = [code for code in TABLES.words("family") if code != "no_treatment"]
# How many values a control has to offer at the least, "not known" or "no limit" among them.
STEPS = {
    "severity": 5,
    "fitzpatrick": 7,
    "max_downtime_days": 5,
    "max_sessions": 5,
    "max_pain": 5,
    "budget_usd": 5,
    "setting": 3,
}


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


def having(root, css_class):
    return [widget for widget in walk(root) if css_class in widget._dom_classes]


def only(root, css_class):
    (widget,) = having(root, css_class)
    return widget


def tick_named(root, words):
    (tick,) = [widget for widget in walk(root) if isinstance(widget, w.Checkbox) and widget.description == words]
    return tick


def button(root, words):
    (found,) = [widget for widget in walk(root) if isinstance(widget, w.Button) and widget.description == words]
    return found


def shown(board):
    """What the results say, as one text."""
    return "".join(widget.value for widget in walk(only(board.page, "results")) if isinstance(widget, w.HTML))


def opened(board, group):
    """The ticks of a group of conditions, opened as a person does."""
    asked = tick_named(board.page, QUESTION[group])
    asked.value = True
    return {code: tick_named(board.page, CONDITIONS.at[code, "label"]) for code in GROUPS[group]}


def traits_opened(board):
    tick_named(board.page, "What are they like? (you may skip this)").value = True
    return {trait: tick_named(board.page, TABLES.label("trait", trait)) for trait in TRAITS}


@pytest.fixture(scope="module")
def the_board():
    return Dashboard(TABLES)


@pytest.fixture
def board(the_board):
    """The page as it opens: every question answered as at the start, every fold shut."""
    the_board.answers.reset()
    for widget in walk(only(the_board.page, "rail")):
        if isinstance(widget, w.Checkbox):
            widget.value = False
    assert the_board.answers.client == START
    return the_board


@pytest.fixture
def counted(monkeypatch):
    """Counts how often the ranking is worked out inside a `with`."""
    calls = []
    real = model.recommend

    def recommend(client, evidence):
        calls.append(client)
        return real(client, evidence)

    monkeypatch.setattr(model, "recommend", recommend)

    @contextmanager
    def times(wanted):
        before = len(calls)
        yield
        assert len(calls) - before == wanted

    return times


def above(board):
    """What stands above the options: what is wrong with the answers, and what they come to."""
    return "".join(part.value for part in board._found)


# Every control is there


def test_every_answer_has_its_control(board):
    assert {name for scar in SCAR_TYPES for name in only(board.page, f"scar-{scar}")._dom_classes} >= {"control-scars"}
    assert len(having(board.page, "control-scars")) == len(SCAR_TYPES)
    assert len(having(board.page, "control-priorities")) == len(PRIORITIES)
    for name in (*STEPS, "family"):
        assert isinstance(only(board.page, f"control-{name}"), w.Dropdown), name
    assert set(traits_opened(board)) == set(TRAITS)
    assert len(having(board.page, "control-traits")) == len(TRAITS)
    assert sum(len(opened(board, group)) for group in GROUPS) == len(CONDITIONS) >= 50


def test_every_control_has_words_of_its_own(board):
    traits_opened(board)
    for group in GROUPS:
        opened(board, group)
    rail = only(board.page, "rail")
    asked = [widget for widget in walk(rail) if isinstance(widget, (w.Dropdown, w.Checkbox, w.Button))]
    words = [widget.description for widget in asked]
    assert all(word.strip() for word in words)
    assert len(set(words)) == len(words), sorted(word for word in words if words.count(word) > 1)
    for widget in asked:
        if isinstance(widget, w.Dropdown):
            labels = [label for label, _ in widget.options]
            assert len(set(labels)) == len(labels)
            assert not any("_" in label or "None" in label for label in labels)


# Every control reaches the client and the page


@pytest.mark.parametrize("name", STEPS)
def test_a_dropdown_reaches_client_and_page(board, counted, name):
    control = only(board.page, f"control-{name}")
    values = [value for _, value in control.options]
    assert len(values) >= STEPS[name]
    assert control.value == UNSET, "at the start nothing is known and nothing limited"
    start, seen = shown(board), set()
    for value in [*values[1:], UNSET]:
        with counted(1):
            control.value = value
        assert getattr(board.answers.client, name) == (None if value == UNSET else value)
        assert board.answers.problem == ""
        seen.add(shown(board))
    assert len(seen) > 1, "no value of it changes the page"
    assert shown(board) == start


def test_the_dropdowns_offer_every_value_that_is_allowed(board):
    for name, values in {"fitzpatrick": range(1, 7), "severity": range(1, 5), "setting": SETTINGS}.items():
        assert {value for _, value in only(board.page, f"control-{name}").options} == {UNSET, *values}
    for name, (low, high, _) in LIMITS.items():
        steps = [value for _, value in only(board.page, f"control-{name}").options if value != UNSET]
        assert steps == sorted(steps)
        assert low <= steps[0] <= steps[-1] <= high


@pytest.mark.parametrize("scar", SCAR_TYPES)
def test_a_scar_reaches_client_and_page(board, counted, scar):
    board.answers.scars = {"icepick" if scar == "rolling" else "rolling": 1.0}
    control = only(board.page, f"scar-{scar}")
    assert control.value == 0
    start, seen = shown(board), set()
    weights = [value for _, value in control.options if value > 0]
    assert len(weights) >= 2
    for weight in [*weights, 0.0]:
        with counted(1):
            control.value = weight
        assert board.answers.client.scars.get(scar, 0.0) == weight
        seen.add(shown(board))
    assert len(seen) == len(weights) + 1, "how much of a problem it is has to matter"
    assert shown(board) == start


def test_no_scars_at_all_is_said_in_the_results_and_can_be_mended(board, counted):
    options = board.answers.options
    with counted(0):
        only(board.page, "scar-rolling").value = 0.0
    assert board.answers.problem in shown(board)
    assert board.answers.options is options
    with counted(1):
        only(board.page, "scar-icepick").value = 3.0
    assert board.answers.client == START.replace(scars={"icepick": 3})
    assert "Choose at least one" not in shown(board)


def test_the_traits_reach_client_and_page(board, counted):
    board.answers.scars = {scar: 1.0 for scar in ("icepick", "boxcar", "rolling")}
    ticks = traits_opened(board)
    silent = []
    for trait, tick in ticks.items():
        before = shown(board)
        with counted(1):
            tick.value = True
        assert board.answers.client.traits == {trait}
        if shown(board) == before:
            silent.append(trait)
        with counted(1):
            tick.value = False
        assert board.answers.client.traits == frozenset()
        assert shown(board) == before
    assert silent == []


@pytest.mark.parametrize("name", PRIORITIES)
def test_a_priority_reaches_client_and_page(board, counted, name):
    (control,) = [
        widget
        for widget in having(board.page, "control-priorities")
        if widget.description == TABLES.label("priority", name)
    ]
    assert control.value == PRIORITIES[name]
    values = [value for _, value in control.options]
    assert values == [0, 1, 2, 3]
    start, seen = shown(board), set()
    for value in [*(value for value in values if value != PRIORITIES[name]), PRIORITIES[name]]:
        with counted(1):
            control.value = value
        assert board.answers.client.priorities == {**PRIORITIES, name: value}
        seen.add(shown(board))
    assert len(seen) == len(values)
    assert shown(board) == start


def test_the_kind_of_treatment_changes_the_list_and_no_answer(board, counted):
    control = only(board.page, "control-family")
    values = [value for _, value in control.options]
    assert values == [(), *((code,) for code in FAMILIES)]
    start, seen = shown(board), set()
    with counted(0):
        for value in [*values[1:], ()]:
            control.value = value
            assert board.answers.client == START
            seen.add(shown(board))
    assert len(seen) == len(values)
    assert shown(board) == start


# Conditions


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_of_conditions_opens_and_shuts(board, counted, group):
    asked = tick_named(board.page, QUESTION[group])
    shut = len(having(board.page, "control-conditions"))
    single = len(GROUPS[group]) == 1
    with counted(1 if single else 0):
        opened(board, group)
    assert len(having(board.page, "control-conditions")) == shut + len(GROUPS[group])
    assert board.answers.client.conditions == (set(GROUPS[group]) if single else set())
    with counted(1 if single else 0):
        asked.value = False
    assert len(having(board.page, "control-conditions")) == shut
    assert board.answers.client == START


@pytest.mark.parametrize("code", CONDITIONS.index)
def test_a_condition_reaches_client_and_page(board, counted, code):
    group = str(CONDITIONS.at[code, "group"])
    start = shown(board)
    with counted(1):
        tick = opened(board, group)[code]
        tick.value = True
    assert board.answers.conditions == [code]
    assert board.answers.client.conditions == {code}
    assert shown(board) != start, "a person who ticks this sees nothing change"
    with counted(1):
        tick.value = False
    assert board.answers.client == START
    # A wrong tick taken back takes no yes back.
    assert f"You said yes to “{html.unescape(QUESTION[group])}” Tick which" in html.unescape(shown(board))
    tick_named(board.page, QUESTION[group]).value = False
    assert shown(board) == start


def test_conditions_of_several_groups_stand_together_and_one_question_clears_its_own(board, counted):
    opened(board, "pregnancy")["pregnancy"].value = True
    first, second = GROUPS["pregnancy"][:2]
    opened(board, "pregnancy")[second].value = True
    other = next(group for group in GROUPS if group != "pregnancy" and len(GROUPS[group]) > 1)
    kept = GROUPS[other][0]
    opened(board, other)[kept].value = True
    assert board.answers.client.conditions == {first, second, kept}
    with counted(1):
        tick_named(board.page, QUESTION["pregnancy"]).value = False
    assert board.answers.client.conditions == {kept}
    assert tick_named(board.page, CONDITIONS.at[kept, "label"]).value is True


@pytest.mark.parametrize("code", [codes[0] for codes in GROUPS.values()])
def test_a_condition_from_elsewhere_opens_its_group_and_is_worked_out_once(board, counted, code):
    group = CONDITIONS.at[code, "group"]
    with counted(1):
        board.answers.conditions = [code]
    assert board.answers.conditions == [code]
    assert tick_named(board.page, QUESTION[group]).value is True
    assert tick_named(board.page, CONDITIONS.at[code, "label"]).value is True
    with counted(1):
        board.answers.undo()
    assert board.answers.client == START
    assert tick_named(board.page, QUESTION[group]).value is False


def test_opening_a_group_often_makes_nothing_fire_twice(board, counted):
    asked = tick_named(board.page, QUESTION["pregnancy"])
    for _ in range(5):
        asked.value = True
        asked.value = False
    with counted(1):
        opened(board, "pregnancy")["pregnancy"].value = True
    with counted(1):
        board.answers.undo()


# Undo and start again


def change_everything(board):
    traits_opened(board)
    for group in GROUPS:
        opened(board, group)
    for widget in walk(only(board.page, "rail")):
        if isinstance(widget, w.Checkbox):
            widget.value = True
        elif isinstance(widget, w.Dropdown):
            values = [value for _, value in widget.options]
            widget.value = next(value for value in reversed(values) if value != widget.value)


def settings(board, prefix=""):
    rail = [widget for widget in walk(only(board.page, "rail")) if isinstance(widget, (w.Dropdown, w.Checkbox))]
    return {
        widget.description: widget.value
        for widget in rail
        if any(name.startswith(prefix) for name in widget._dom_classes)
    }


def test_start_again_brings_every_control_back(board, counted):
    start, page = settings(board, "control-"), shown(board)
    change_everything(board)
    changed = settings(board, "control-")
    assert all(changed[name] != value for name, value in start.items())
    assert board.answers.client.conditions == set(CONDITIONS.index)
    assert board.answers.client.traits == set(TRAITS)
    with counted(1):
        button(board.page, "Start again").click()
    assert board.answers.client == START
    after = settings(board, "control-")
    assert {name: after[name] for name in start} == start
    assert not any(value for name, value in after.items() if name not in start)
    assert shown(board) == page
    with counted(1):
        button(board.page, "Undo").click()
    assert board.answers.client.conditions == set(CONDITIONS.index)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("how", ["Undo", "Start again"])
def test_a_question_put_back_shows_its_words_again(board, name, how):
    """A dropdown whose index is None shows an empty box."""
    control = only(board.page, f"control-{name}")
    words = control.options[0][0]
    control.value = control.options[2][1]
    button(board.page, how).click()
    assert (control.value, control.label, control.index) == (UNSET, words, 0)


def test_start_again_shuts_a_question_that_was_only_opened(board):
    start = settings(board)
    opened(board, "pregnancy")
    traits_opened(board)
    button(board.page, "Start again").click()
    assert settings(board) == start


def test_undo_takes_back_one_click_at_a_time(board, counted):
    start = shown(board)
    only(board.page, "control-fitzpatrick").value = 5
    after_one = shown(board)
    only(board.page, "control-budget_usd").value = 1000.0
    with counted(1):
        button(board.page, "Undo").click()
    assert only(board.page, "control-budget_usd").value == UNSET
    assert shown(board) == after_one
    with counted(1):
        button(board.page, "Undo").click()
    assert shown(board) == start


# A client from elsewhere

NONE = dict.fromkeys(PRIORITIES, 0.0)
ELSEWHERE = Client(
    scars={"icepick": 2.5, "keloid": 0.3},
    fitzpatrick=6,
    traits={"deep", "narrow"},
    severity=4,
    conditions={"pregnancy", "isotretinoin_recent"},
    max_downtime_days=4,
    max_sessions=7,
    max_pain=2.5,
    budget_usd=1234,
    setting="home",
    priorities={**NONE, "improvement": 1.7, "cost": 0.2},
)


@pytest.fixture
def elsewhere():
    answers = Answers(EVIDENCE, ELSEWHERE)
    return answers, controls(answers)


def test_a_client_from_elsewhere_is_shown(elsewhere):
    _, rail = elsewhere
    for name in STEPS:
        assert only(rail, f"control-{name}").value == getattr(ELSEWHERE, name), name
    assert "1234" in only(rail, "control-budget_usd").label.replace(",", "")
    for code in ELSEWHERE.conditions:
        assert tick_named(rail, CONDITIONS.at[code, "label"]).value is True


def test_the_traits_of_a_client_from_elsewhere_are_on_view(elsewhere):
    _, rail = elsewhere
    assert {tick.description for tick in having(rail, "control-traits") if tick.value} == {
        TABLES.label("trait", trait) for trait in ELSEWHERE.traits
    }


def test_a_value_from_elsewhere_is_worded_like_the_others(elsewhere):
    _, rail = elsewhere
    assert only(rail, "control-budget_usd").label == "up to $1,234"
    assert only(rail, "control-max_downtime_days").label == "4 days"
    assert only(rail, "control-max_pain").label == "up to 2.5 of 10"


def test_what_counts_is_never_shown_as_not_counting(elsewhere):
    _, rail = elsewhere
    for scar in SCAR_TYPES:
        assert (only(rail, f"scar-{scar}").value > 0) == (scar in ELSEWHERE.scars), scar
    for name in PRIORITIES:
        (control,) = [c for c in having(rail, "control-priorities") if c.description == TABLES.label("priority", name)]
        assert (control.value > 0) == (ELSEWHERE.priorities[name] > 0), name


def test_showing_a_client_from_elsewhere_changes_no_answer(elsewhere, counted):
    answers, rail = elsewhere
    assert answers.client == ELSEWHERE
    with counted(1):
        only(rail, "control-severity").value = 2
    assert answers.client == ELSEWHERE.replace(severity=2)
    with counted(1):
        only(rail, "scar-boxcar").value = 1.0
    assert answers.client.scars == {"icepick": 2.5, "keloid": 0.3, "boxcar": 1}
    with counted(1):
        answers.reset()
    assert answers.client == ELSEWHERE


def test_an_answer_from_elsewhere_moves_its_control_and_fires_once(board, counted):
    with counted(1):
        board.answers.budget_usd = 1234.0
    assert only(board.page, "control-budget_usd").value == 1234
    assert board.answers.client.budget_usd == 1234
    with counted(1):
        board.answers.answer(fitzpatrick=4, scars={"keloid": 2.0}, conditions=["pregnancy"], max_pain=3.0)
    assert only(board.page, "control-fitzpatrick").value == 4
    assert (only(board.page, "scar-keloid").value, only(board.page, "scar-rolling").value) == (2, 0)
    assert board.answers.client.budget_usd == 1234


def test_a_yes_without_saying_to_what_is_said_not_to_count_yet(board):
    """Silence here would let a pregnant person believe that the page had heard them."""
    ticks = opened(board, "pregnancy")
    assert QUESTION["pregnancy"] in above(board).replace("&#x27;", "'")
    assert "does not count yet" in above(board)
    ticks["pregnancy"].value = True
    assert "does not count yet" not in above(board)
    assert "pregnancy" in board.answers.client.conditions


def test_an_alert_is_not_drawn_again_with_each_other_answer(board):
    opened(board, "pregnancy")
    drawn = []
    alerts = next(part for part in board._found if 'role="alert"' in part.value)
    alerts.observe(lambda change: drawn.append(change["new"]), names="value")
    only(board.page, "control-fitzpatrick").value = 5
    only(board.page, "control-max_pain").value = 3.0
    board.answers.undo()
    assert drawn == []
    board.answers.scars = {}
    assert len(drawn) == 1


def test_the_fixed_page_names_the_answers_it_rests_on(board):
    """A printed page, or a phone with the questions shut, must say for whom it is."""
    only(board.page, "control-fitzpatrick").value = 5
    ticks = opened(board, "pregnancy")
    ticks["breastfeeding"].value = True
    assert "Type V" in above(board)
    assert "Breastfeeding" in above(board)
