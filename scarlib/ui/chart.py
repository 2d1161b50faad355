"""Effect against days off, cost as size: a bqplot map of the options; a click chooses one."""

from collections import Counter
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


class Map:
    """The chart with its sentence. `figure` and `sentence` are widgets; they follow the answers."""

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
            unselected_style={"opacity": 0.75},
            opacities=[0.8],
            names=np.array([]),
            display_names=True,
        )
        self.figure = bq.Figure(
            marks=[self._dots],
            axes=[across, up],
            fig_margin={"top": 16, "bottom": 48, "left": 104, "right": 24},
            layout=w.Layout(width="100%", height="420px"),
        ).add_class("map")
        self.sentence = text()
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
            left_out = _left_out(figures, placed) if len(options) else ""
            self.sentence.value = f"<p>There is nothing to place on the map.{left_out}</p>"
            return
        days, tiers = placed["days"].astype(float), placed["effect"].astype(float)
        end = max(7, int(days.max()) + 1)
        self._across.max = float(end)
        self._ticks.tick_values = np.arange(0, end + 1, 1 if end <= 10 else 5)
        with self._dots.hold_sync():
            self._dots.selected = None
            self._dots.x = days.to_numpy()
            self._dots.y = np.array(_apart(days.tolist(), tiers.tolist()))
            # A dot is never smaller than a finger needs; the dearest course has the largest.
            costs = placed["cost"].astype(float).fillna(0.0)
            self._dots.size = (0.42 + 0.58 * costs / max(costs.max(), 1.0)).to_numpy()
            self._dots.names = options["rank"].reindex(placed.index).astype(str).to_numpy(dtype=str)
            self._dots.colors = [_COLOURS[verdict] for verdict in options["verdict"].reindex(placed.index)]
        self.sentence.value = _told(options, figures, placed)

    def _clicked(self, change: dict[str, object]) -> None:
        selected = change["new"]
        if isinstance(selected, (list, tuple, np.ndarray)) and len(selected):
            self._answers.chosen = self._shown[int(selected[-1])]


def _apart(days: Sequence[float], tiers: Sequence[float]) -> list[float]:
    """Tiers with dots that would cover each other moved apart a little, up and down by turns."""
    taken: Counter[tuple[int, float]] = Counter()
    moved = []
    for day, tier in zip(days, tiers, strict=True):
        place = (round(day), round(tier, 1))
        step = (taken[place] + 1) // 2 * 0.3
        moved.append(tier + step if taken[place] % 2 else tier - step)
        taken[place] += 1
    return moved


def _told(options: pd.DataFrame, figures: pd.DataFrame, placed: pd.DataFrame) -> str:
    """The chart in words: how to read it, what stands out, which number is which, what is missing and why."""
    best = escape(str(placed.sort_values(["effect", "days"], ascending=[False, True])["name"].iloc[0]))
    left_out = _left_out(figures, placed)
    costless = [escape(str(name)) for name in placed.loc[placed["cost"].isna(), "name"]]
    small = f" Smallest dot because the cost is not known: {', '.join(costless)}." if costless else ""
    names = "".join(
        f"<li value='{int(str(options.at[treatment, 'rank']))}'>{escape(str(name))}</li>"
        for treatment, name in placed["name"].items()
    )
    return (
        f"<p>Most improvement for the fewest days off: {best}. Further up is more improvement, further left is fewer "
        "days off: the usual number, or where sources differ the most they say. A larger dot costs more. Dots that "
        "would cover each other are moved up or down a little. Green fits, amber needs care. The number is the rank. "
        f"Choose a dot to see the option in full above.{small}{left_out}</p>"
        f"<ol class='legend'>{names}</ol>"
    )


def _left_out(figures: pd.DataFrame, placed: pd.DataFrame) -> str:
    missing = [escape(str(name)) for name in figures.loc[~figures.index.isin(placed.index), "name"]]
    return f" Not on the map, as days off or effect are not known: {', '.join(missing)}." if missing else ""
