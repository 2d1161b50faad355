"""Widgets as plain HTML. That they look as ipywidgets draws them is for tests/browser/test_first_view.py."""

import ipywidgets as w
import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import given
from hypothesis import strategies as st

from scarlib.ui.boxes import FOLLOWS
from scarlib.ui.still import still


def drawn(widget: w.Widget) -> Tag:
    return BeautifulSoup(still(widget), "html.parser").contents[0]


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)


@given(st.lists(WORDS, min_size=1, max_size=5, unique=True), st.data())
def test_a_list_shows_its_options_and_which_is_chosen(options, data):
    widget = w.Dropdown(description="Which?", options=options, value=data.draw(st.sampled_from(options)))
    box = drawn(widget)
    assert [option.text for option in box.find_all("option")] == options
    assert [option.text for option in box.find_all("option", selected=True)] == [widget.value]
    assert box["data-model"] == widget.model_id
    label = box.find("label")
    assert (label.text, label["for"]) == ("Which?", box.find("select")["id"])


@given(WORDS, st.booleans())
def test_a_tick_box_shows_whether_it_is_ticked(words, value):
    box = drawn(w.Checkbox(description=words, tooltip=words, value=value))
    assert box.input.has_attr("checked") == value
    assert (box.span.text, box.span["title"]) == (words, words)


def test_a_box_holds_what_is_in_it_in_order_and_has_its_classes():
    box = w.VBox([w.HTML("<p>one</p>"), w.HBox([w.Button(description="two", tooltip="a & b")]).add_class("inner")])
    outer = drawn(box.add_class("outer"))
    assert {"outer", "widget-vbox"} <= set(outer["class"])
    first, second = outer.contents
    assert first.p.text == "one"
    assert {"inner", "widget-hbox"} <= set(second["class"])
    assert (second.button.text, second.button["title"], second.button["type"]) == ("two", "a & b", "button")


def test_only_a_text_that_changes_can_be_found_again():
    fixed, moving = w.HTML("a"), w.HTML("b").add_class(FOLLOWS)
    assert "data-model" not in still(fixed)
    assert f'data-model="{moving.model_id}"' in still(moving)


def test_a_widget_without_a_plain_form_is_named_with_what_has_one():
    with pytest.raises(TypeError, match=r"DatePicker cannot be drawn as plain HTML\. What can be: VBox"):
        still(w.VBox([w.DatePicker()]))
