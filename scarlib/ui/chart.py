"""Effect against days off, cost as size: a bqplot map of the options; a click chooses one."""

from collections.abc import Sequence
from html import escape

import bqplot as bq
import ipywidgets as w
import numpy as np
import pandas as pd

from scarlib.screening import NO_TREATMENT, RANKED
from scarlib.ui.boxes import text
from scarlib.ui.model import Answers
from scarlib.ui.table import facts

_COLOURS = {"suitable": "#0f766e", "caution": "#b45309"}


# Parts of an axis within which two dots would cover each other on a phone: of the days, and in tiers.
_NEAR = (0.14, 0.28)
_MOST_STEPS = 11


class Map:
    """The chart with its sentence above and how to read it below. `sentence`, `figure` and `key` are widgets; they
    follow the answers."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._shown: list[str] = []
        self._across = x = bq.LinearScale(min=-0.5, max=7.0)
        y = bq.LinearScale(min=-0.2, max=3.2)
        words = list(answers.evidence.tables.words("improvement_tier").values())
        self._ticks = across = bq.Axis(scale=x, label="Days off", grid_lines="none", tick_format="d")
        up = bq.Axis(
            scale=y,
            label="Improvement",
            label_offset="5em",
            tick_values=[0, 1, 2, 3],
            tick_labels=dict(zip(("0", "1", "2", "3"), words, strict=True)),
        )
        up.orientation = "vertical"  # given to the constructor, traitlets warns of it
        self._dots = bq.Scatter(
            x=np.array([]),
            y=np.array([]),
            scales={"x": x, "y": y, "size": bq.LinearScale(min=0.0, max=1.0)},
            default_size=1100,
            interactions={"click": "select"},
            selected_style={"stroke": "#111827", "stroke-width": 3},
            names=np.array([]),
            display_names=True,
        )
        self.figure = bq.Figure(
            marks=[self._dots],
            axes=[across, up],
            fig_margin={"top": 16, "bottom": 48, "left": 104, "right": 24},
            layout=w.Layout(width="100%", height="420px"),
        ).add_class("map")
        self.sentence, self.key = text(), text()
        self._dots.observe(self._clicked, names="selected")
        answers.observe(self._draw, names=["options", "families", "empty"])
        self._draw()

    def _draw(self, _: object = None) -> None:
        answers = self._answers
        options = answers.options[answers.options["verdict"].isin(RANKED)].drop(index=NO_TREATMENT, errors="ignore")
        if answers.families:
            options = options[options["family"].isin(answers.families)]
        options = options.iloc[:0] if answers.empty else options
        figures = facts(answers.client, options, answers.evidence)
        placed = figures[figures["days"].notna() & figures["effect"].notna()] if len(options) else options
        self._shown = [str(treatment) for treatment in placed.index]
        if not self._shown:
            with self._dots.hold_sync():
                self._dots.x, self._dots.y, self._dots.names = np.array([]), np.array([]), np.array([])
            self.sentence.value = "<p>There is nothing to place on the map.</p>"
            self.key.value = _left_out(figures, placed) if len(options) else ""
            return
        days, tiers = placed["days"].astype(float), placed["effect"].astype(float)
        end = max(7, int(days.max()) + 1)
        self._across.max = float(end)
        self._ticks.tick_values = np.arange(0, end + 1, 1 if end <= 10 else 5)
        with self._dots.hold_sync():
            self._dots.selected = None
            self._dots.x = days.to_numpy()
            self._dots.y = np.array(_apart(days.tolist(), tiers.tolist(), end))
            # A dot is never smaller than a finger needs; the dearest course has the largest.
            costs = placed["cost"].astype(float).fillna(0.0)
            self._dots.size = (0.42 + 0.58 * costs / max(costs.max(), 1.0)).to_numpy()
            self._dots.names = options["rank"].reindex(placed.index).astype(str).to_numpy(dtype=str)
            self._dots.colors = [_COLOURS[verdict] for verdict in options["verdict"].reindex(placed.index)]
        best = escape(str(placed.sort_values(["effect", "days"], ascending=[False, True])["name"].iloc[0]))
        self.sentence.value = f"<p>Most improvement for the fewest days off: {best}.</p>"
        self.key.value = _legend(options, placed) + _left_out(figures, placed)

    def _clicked(self, change: dict[str, object]) -> None:
        selected = change["new"]
        if isinstance(selected, (list, tuple, np.ndarray)) and len(selected):
            self._answers.chosen = self._shown[int(selected[-1])]


def _apart(days: Sequence[float], tiers: Sequence[float], end: float) -> list[float]:
    """Tiers with dots that would cover each other moved apart, as little as will do; `end` is where the days end."""
    across, up = _NEAR
    moved: list[float] = []
    for day, tier in zip(days, tiers, strict=True):
        taken = [other for there, other in zip(days, moved, strict=False) if abs(day - there) < across * end]
        places = (tier + sign * step * up for step in range(_MOST_STEPS) for sign in (1, -1))
        free = (place for place in places if 0 <= place <= 3 and all(abs(place - other) > up - 0.01 for other in taken))
        moved.append(next(free, tier))
    return moved


def _legend(options: pd.DataFrame, placed: pd.DataFrame) -> str:
    """How to read the chart, and which number is which."""
    costless = [escape(str(name)) for name in placed.loc[placed["cost"].isna(), "name"]]
    small = f" Smallest dot because the cost is not known: {', '.join(costless)}." if costless else ""
    names = "".join(
        f"<li value='{int(str(options.at[treatment, 'rank']))}'>{escape(str(name))}</li>"
        for treatment, name in placed["name"].items()
    )
    return (
        f"<ol class='legend'>{names}</ol>"
        "<p>Further up is more improvement, further left is fewer days off: the usual number, or where sources differ "
        "the most they say. Green fits, amber needs care. A larger dot costs more. The number is the rank. Choose a "
        "dot to see the option in full above.</p>"
        f"<p class='key'>Dots that would cover each other are moved up or down.{small}</p>"
    )


def _left_out(figures: pd.DataFrame, placed: pd.DataFrame) -> str:
    missing = [escape(str(name)) for name in figures.loc[~figures.index.isin(placed.index), "name"]]
    if not missing:
        return ""
    return f"<p class='key'>Not on the map, as days off or effect are not known: {', '.join(missing)}.</p>"
