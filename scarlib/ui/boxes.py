"""Widgets that share one layout and one style: each of these is a model of its own, which a page has to load.

Classes are given when a widget is made: each one added later is a message of its own to the page.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import ipywidgets as w
from ipywidgets.widgets.widget_bool import CheckboxStyle
from ipywidgets.widgets.widget_description import DescriptionStyle
from ipywidgets.widgets.widget_string import HTMLStyle

# For controls; dashboard.css sets their widths.
WIDE = w.Layout(width="auto")
CHOICE = DescriptionStyle(description_width="initial")
# The class of a text that changes.
FOLLOWS = "follows"
_TICK = CheckboxStyle(description_width="initial")
_PLAIN = w.Layout()
_TEXT = HTMLStyle()


def text(html: str = "", *classes: str) -> w.HTML:
    """Safe HTML."""
    return w.HTML(html, layout=_PLAIN, style=_TEXT, _dom_classes=classes)


def column(children: Sequence[w.Widget], *classes: str) -> w.VBox:
    """Widgets below each other."""
    return w.VBox(children, layout=_PLAIN, _dom_classes=classes)


def row(children: Sequence[w.Widget], *classes: str) -> w.HBox:
    """Widgets side by side."""
    return w.HBox(children, layout=_PLAIN, _dom_classes=classes)


def choice(description: str, options: Iterable[Any], *classes: str) -> w.Dropdown:
    """One of several: values, or pairs of words and value."""
    classes = ("question", *classes)
    return w.Dropdown(description=description, options=list(options), layout=WIDE, style=CHOICE, _dom_classes=classes)


def tick(description: str, *classes: str, tooltip: str = "") -> w.Checkbox:
    """Yes or no."""
    classes = ("tick", *classes)
    told = {"tooltip": tooltip} if tooltip else {}
    return w.Checkbox(description=description, indent=False, layout=WIDE, style=_TICK, _dom_classes=classes, **told)
