"""The questions: plain ipywidgets that only link to the answers."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as w
import pandas as pd

from scarlib.client import PRIORITIES, SCAR_TYPES, TRAITS
from scarlib.screening import NO_TREATMENT
from scarlib.tables import Tables
from scarlib.ui.boxes import choice, column, row, text, tick
from scarlib.ui.drawings import drawing
from scarlib.ui.model import Answers
from scarlib.whatif import STEPS

# Stands for None in a Dropdown, which shows an empty box for a value of None.
UNSET = ""
NOT_KNOWN = "I do not know"
NO_LIMIT = "No limit"
_AMOUNT = (("Not a problem", 0.0), ("A little", 1.0), ("Some", 2.0), ("A lot", 3.0))
_MATTERS = (("Does not matter", 0.0), ("A little", 1.0), ("Much", 2.0), ("Most of all", 3.0))
NTH = ("First", "Second", "Third", "Fourth")
_PLACES = (("Anywhere", UNSET), ("Clinic or med spa, no doctor", "med_spa"), ("At home", "home"))


def controls(answers: Answers) -> w.VBox:
    """All questions in four short groups, and undo and start again."""
    tables = answers.evidence.tables
    return column(
        [
            _group("Your scars", _scars(answers, tables)),
            _group("Your skin and health", _health(answers, tables)),
            _group("Your limits", _limits(answers)),
            _group("What matters to you", _priorities(answers, tables)),
            _buttons(answers),
        ],
        "questions",
    )


def picks(
    answers: Answers,
    name: str,
    labels: Sequence[str],
    named: Sequence[tuple[str, str]],
    unset: str,
    default: Callable[[], list[str]],
) -> w.HBox:
    """Dropdowns for the first, second ... member of an answer that is a list of treatments, each one once. While
    nothing is chosen, the first says `unset` and the treatments of `default` stand for it. Each list leaves out what
    the others have, and opens only once those before it are filled."""
    treatments = [item for item in named if item[1] != NO_TREATMENT]

    def offered(place: int) -> tuple[tuple[str, str], ...]:
        chosen = getattr(answers, name)
        free = (item for item in treatments if item[1] not in chosen or chosen.index(item[1]) == place)
        return (("None" if place else unset, UNSET), *free)

    boxes = [choice(label, offered(place), f"control-{name}") for place, label in enumerate(labels)]
    following = False

    def follow(_: object = None) -> None:
        nonlocal following
        chosen = getattr(answers, name)
        following = True  # a box at a time: what stands in between is nobody's choice
        for place, box in enumerate(boxes):
            if box.options != (options := offered(place)):
                box.options = options  # which chooses the first of them
            box.value = chosen[place] if place < len(chosen) else UNSET
        following = False

    def reach(_: object = None) -> None:
        filled = len(getattr(answers, name) or default())
        for place, box in enumerate(boxes):
            box.disabled = place > filled

    def changed(change: Any) -> None:
        if not following:
            chosen = [box.value for box in boxes if box.value != UNSET]
            place = boxes.index(change["owner"])
            if not getattr(answers, name) and place:
                chosen = [*default()[:place], *chosen]  # one more, not one instead
            elif chosen and not place and change["new"] == UNSET:
                chosen = [*default()[: len(boxes) - len(chosen)], *chosen]  # the best fit, beside the others
            setattr(answers, name, list(dict.fromkeys(chosen))[: len(boxes)])
            follow()

    follow()
    reach()
    answers.observe(follow, names=name)
    answers.observe(reach, names=[name, "options"])
    for box in boxes:
        box.observe(changed, names="value")
    return row(boxes, "filters")


def _group(title: str, children: Sequence[w.Widget]) -> w.VBox:
    return column([text(f"<h2>{title}</h2>"), *children], "question-group")


def _scars(answers: Answers, tables: Tables) -> list[w.Widget]:
    amounts = [_scar(answers, tables, scar) for scar in SCAR_TYPES]

    def character() -> list[w.Widget]:
        return [
            _tick(answers, "character", trait, *map(str, tables.vocabulary.loc[("trait", trait), ["label", "help"]]))
            for trait in TRAITS
        ]

    grade = choice(
        "How much do they show?",
        [(NOT_KNOWN, UNSET), *((_grade(tables, code), int(code)) for code in tables.words("severity"))],
    )
    return [
        text("<p>How much of the problem is each kind? The drawings show the skin from the side.</p>"),
        *amounts,
        _folded(answers, "character", "What are they like? (you may skip this)", character),
        _one(answers, "severity", grade),
    ]


def _scar(answers: Answers, tables: Tables, scar: str) -> w.VBox:
    """How much of a scar type there is, with what it looks like."""
    name, description = tables.scar_types.loc[scar, ["name", "description"]]
    amount = _entry(answers, "scars", scar, choice(str(name), _AMOUNT, f"scar-{scar}"))
    look = text(f"<div class='look'>{drawing(scar)}<p>{escape(str(description))}</p></div>")
    return column([amount, look], "scar")


def _health(answers: Answers, tables: Tables) -> list[w.Widget]:
    skin = choice(
        "Skin type: how your skin takes the sun",
        [(NOT_KNOWN, UNSET), *((words, int(code)) for code, words in tables.words("skin_type").items())],
    )
    groups = tables.conditions.groupby("group", sort=False)
    return [
        _one(answers, "fitzpatrick", skin),
        text("<p>Tick what is true for you. More appears when you tick.</p>"),
        *(
            _condition_group(answers, str(rows["group_question"].iloc[0]), rows[["label", "help"]])
            for _, rows in groups
        ),
    ]


def _limits(answers: Answers) -> list[w.Widget]:
    def limit(name: str, question: str, words: Callable[[float], str]) -> w.Dropdown:
        widget = choice(question, [(NO_LIMIT, UNSET), *((words(step), float(step)) for step in STEPS[name])])
        return _one(answers, name, widget, words)

    return [
        limit("max_downtime_days", "Days off, at most", lambda n: _counted(n, "day")),
        limit("max_sessions", "Visits, at most", lambda n: _counted(n, "visit")),
        limit("max_pain", "Pain you can accept, 0 to 10", lambda n: f"up to {n:g} of 10"),
        limit("budget_usd", "Money for the whole course", lambda n: f"up to ${n:,.0f}"),
        _one(answers, "setting", choice("Where it is done", _PLACES)),
    ]


def _priorities(answers: Answers, tables: Tables) -> list[w.Widget]:
    words = tables.words("priority")
    kinds = {code: label for code, label in tables.words("family").items() if code != "no_treatment"}
    family = choice("Kind of treatment to list", [("All kinds", ()), *((kinds[code], (code,)) for code in kinds)])
    family.add_class("control-family")
    _link(answers, "families", family, tuple, list)
    return [*(_entry(answers, "priorities", name, choice(words[name], _MATTERS)) for name in PRIORITIES), family]


def _buttons(answers: Answers) -> w.HBox:
    undo = w.Button(description="Undo", tooltip="Take back the last answer")
    reset = w.Button(description="Start again", tooltip="Back to the answers the page opened with")
    undo.on_click(lambda _: answers.undo())
    reset.on_click(lambda _: answers.reset())
    return row([undo, reset], "buttons")


def _one(answers: Answers, name: str, widget: w.Dropdown, words: Callable[[float], str] = "{:g}".format) -> w.Dropdown:
    """A control for one answer; a value from elsewhere (a saved session) that is no step of it is added in `words`."""

    def shown(value: Any) -> Any:
        if value is not None and value not in [option for _, option in widget.options]:
            widget.options = (*widget.options, (words(value), value))
        return UNSET if value is None else value

    _link(answers, name, widget, shown, lambda value: None if value == UNSET else value)
    return widget.add_class(f"control-{name}")


def _entry(answers: Answers, name: str, key: str, widget: w.Dropdown) -> w.Dropdown:
    """A control for one entry of an answer that is a mapping; 0 leaves the entry out."""

    def changed(value: float) -> dict[str, float]:
        others = {**getattr(answers, name), key: value}
        return {other: weight for other, weight in others.items() if weight > 0}

    def shown(weights: dict[str, float]) -> float:
        weight = weights.get(key, 0.0)
        steps: list[float] = [step for _, step in widget.options if (step > 0) == (weight > 0)]
        return min(steps, key=lambda step: abs(step - weight))

    _link(answers, name, widget, shown, changed)
    return widget.add_class(f"control-{name}")


def _tick(
    answers: Answers, name: str, code: str, label: str, help_: str = "", *, before: Callable[[Any], None] | None = None
) -> w.Checkbox:
    """A tick box for one member of an answer that is a list; `before` hears of a change before the answers have it."""
    widget = tick(label, "control-traits" if name == "character" else f"control-{name}", tooltip=help_)
    if before:
        widget.observe(before, names="value")

    def changed(value: bool) -> list[str]:
        return [item for item in getattr(answers, name) if item != code] + [code] * value

    _link(answers, name, widget, lambda codes: code in codes, changed)
    return widget


def _link(
    answers: Answers, name: str, widget: w.Widget, shown: Callable[[Any], Any], changed: Callable[[Any], Any]
) -> None:
    """Answer and control follow each other; `shown` and `changed` translate between them."""

    def to_widget(_: object = None) -> None:
        value = shown(getattr(answers, name))
        if widget.value != value:
            widget.value = value

    def to_answers(change: Any) -> None:
        if change["new"] != shown(getattr(answers, name)):
            setattr(answers, name, changed(change["new"]))

    to_widget()
    answers.observe(to_widget, names=name)
    widget.observe(to_answers, names="value")


def _condition_group(answers: Answers, question: str, things: pd.DataFrame) -> w.VBox:
    """One question; ticked, it opens the things it stands for (index condition_id), which are made only then."""
    labels = list(things.index)
    asked = tick(question, "control-conditions")
    group = column([asked], "condition-group")

    def named() -> list[str]:
        return [code for code in answers.conditions if code in labels]

    def open_questions() -> None:
        """A yes without saying to what does not count yet, and the page has to say so."""
        others = [other for other in answers.unanswered if other != question]
        answers.unanswered = [*others, question] if asked.value and not named() else others

    def asked_changed(change: Any) -> None:
        open_questions()
        if change["new"]:
            if len(group.children) == 1:
                ticks = [_tick(answers, "conditions", *thing, before=taken_back) for thing in things.itertuples()]
                which = text("<p>Which of these? Tick all that are true.</p>")
                meant = "".join(f"<dt>{escape(t[1])}</dt><dd>{escape(t[2])}</dd>" for t in things.itertuples())
                help_ = text(f"<details><summary>What these mean</summary><dl>{meant}</dl></details>")
                group.children = (asked, column([which, *ticks, help_], "condition-ticks"))
                if len(labels) == 1:
                    answers.conditions = [*answers.conditions, *labels]
        else:
            answers.conditions = [code for code in answers.conditions if code not in labels]
            group.children = (asked,)

    by_hand = False

    def taken_back(change: Any) -> None:
        nonlocal by_hand
        by_hand = not change["new"] and change["owner"].description in [things["label"][code] for code in named()]

    def follow(change: Any) -> None:
        nonlocal by_hand
        open_questions()
        if named():
            asked.value = True
        elif any(code in labels for code in change["old"]) and not by_hand:
            asked.value = False  # a wrong tick taken back takes no yes back
        by_hand = False

    asked.observe(asked_changed, names="value")
    answers.observe(follow, names="conditions")
    answers.observe(lambda _: asked.set_trait("value", bool(named())), names="starts")
    asked.value = bool(named())
    return group


def _folded(answers: Answers, name: str, title: str, make: Callable[[], Sequence[w.Widget]]) -> w.VBox:
    """Controls of one answer behind a tick, made when they are first asked for; open where something in them is set."""
    opener = tick(title)
    box = column([opener], "condition-group")
    inner: list[w.Widget] = []

    def opened(change: Any) -> None:
        if change["new"] and not inner:
            inner.append(column(make(), "condition-ticks"))
        box.children = (opener, *inner) if change["new"] else (opener,)

    opener.observe(opened, names="value")
    answers.observe(lambda change: opener.set_trait("value", opener.value or bool(change["new"])), names=name)
    answers.observe(lambda _: opener.set_trait("value", bool(getattr(answers, name))), names="starts")
    opener.value = bool(getattr(answers, name))
    return box


def _grade(tables: Tables, code: str) -> str:
    words, help_ = tables.vocabulary.loc[("severity", code), ["label", "help"]]
    return f"{str(words).capitalize()}: {str(help_)[0].lower()}{str(help_)[1:].rstrip('.')}"


def _counted(number: float, noun: str) -> str:
    return f"{number:g} {noun}" if number == 1 else f"{number:g} {noun}s"
