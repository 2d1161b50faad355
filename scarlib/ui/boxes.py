"""Widgets that share one layout and one style: each of these is a model of its own, which a page has to load."""

from collections.abc import Sequence

import ipywidgets as w
from ipywidgets.widgets.widget_bool import CheckboxStyle
from ipywidgets.widgets.widget_description import DescriptionStyle
from ipywidgets.widgets.widget_string import HTMLStyle

# For controls; dashboard.css sets their widths.
WIDE = w.Layout(width="auto")
CHOICE = DescriptionStyle(description_width="initial")
TICK = CheckboxStyle(description_width="initial")
# The class of a text that changes.
FOLLOWS = "follows"
_PLAIN = w.Layout()
_TEXT = HTMLStyle()


def text(html: str = "") -> w.HTML:
    """Safe HTML."""
    return w.HTML(html, layout=_PLAIN, style=_TEXT)


def column(children: Sequence[w.Widget]) -> w.VBox:
    """Widgets below each other."""
    return w.VBox(children, layout=_PLAIN)


def row(children: Sequence[w.Widget]) -> w.HBox:
    """Widgets side by side."""
    return w.HBox(children, layout=_PLAIN)
