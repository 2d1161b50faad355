"""A widget as plain HTML: what a browser shows of it once its scripts are there, and can use before.

Elements and classes are those that ipywidgets makes in the browser, so that one style fits both and neither moves when
one takes the other's place. What can be changed bears the id of its model; the page's template sends what a person
does with it to the kernel, and shows what comes back.
"""

from collections.abc import Iterator
from html import escape

import ipywidgets as w

from scarlib.ui.boxes import FOLLOWS

_INLINE = "widget-inline-hbox"
_UNLABELLED = '<label class="widget-label" style="display: none"></label>'


def still(widget: w.Widget) -> str:
    """The widget as it stands, safe HTML. Raises TypeError for a kind of widget that it does not know."""
    match widget:
        case w.VBox() | w.HBox():
            kind = f"widget-container widget-box widget-{'vbox' if isinstance(widget, w.VBox) else 'hbox'}"
            return f"<div{_classes(widget, kind, 'lm-Panel')}>{''.join(map(still, widget.children))}</div>"
        case w.HTML():
            inner = f'{_UNLABELLED}<div class="widget-html-content">{widget.value}</div>'
            model = _model(widget) if FOLLOWS in widget._dom_classes else ""
            return f"<div{_classes(widget, f'{_INLINE} widget-html')}{model}>{inner}</div>"
        case w.Dropdown():
            options = "".join(_options(widget))
            inner = f'<label class="widget-label" for="{widget.model_id}">{escape(widget.description)}</label>'
            inner += f'<select id="{widget.model_id}">{options}</select>'
            return f"<div{_classes(widget, f'{_INLINE} widget-dropdown')}{_model(widget)}>{inner}</div>"
        case w.Checkbox():
            ticked = " checked" if widget.value else ""
            inner = f'{_UNLABELLED}<label class="widget-label-basic">'
            inner += f'<input type="checkbox"{ticked}><span{_title(widget)}>{escape(widget.description)}</span></label>'
            return f"<div{_classes(widget, f'{_INLINE} widget-checkbox')}{_model(widget)}>{inner}</div>"
        case w.Button():
            kind = _classes(widget, "jupyter-button widget-button")
            return f'<button type="button"{kind}{_title(widget)}{_model(widget)}>{escape(widget.description)}</button>'
    known = "VBox, HBox, HTML, Dropdown, Checkbox, Button"
    raise TypeError(f"{type(widget).__name__} cannot be drawn as plain HTML. What can be: {known}.")


def _options(widget: w.Dropdown) -> Iterator[str]:
    for place, label in enumerate(widget._options_labels):
        yield f"<option{' selected' if place == widget.index else ''}>{escape(label)}</option>"


def _classes(widget: w.DOMWidget, kind: str, *others: str) -> str:
    return f' class="{" ".join(("lm-Widget", *others, "jupyter-widgets", kind, *widget._dom_classes))}"'


def _title(widget: w.Checkbox | w.Button) -> str:
    return f' title="{escape(widget.tooltip)}"' if widget.tooltip else ""


def _model(widget: w.Widget) -> str:
    return f' data-model="{widget.model_id}"'
