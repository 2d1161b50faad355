"""A plan as a bqplot picture: a row a treatment, a dot a visit, a line from its earliest to its latest day."""

import bqplot as bq
import ipywidgets as w
import numpy as np
import pandas as pd

from scarlib.planning import Plan
from scarlib.ui.boxes import text
from scarlib.ui.model import Answers

_VISIT, _SPAN, _OFF = "#0f766e", "#94a3b8", "#b45309"
_MARGIN = {"top": 16, "bottom": 48, "left": 208, "right": 40}
_KEY = (
    "<p>A dot is a planned visit, the thin line runs from the earliest to the latest day for it, the thick line shows "
    "days off.</p>"
)


class Timeline:
    """The picture of the answers' plan: `figure` and `key`, which says how to read it, are widgets. Its table and its
    sentence stand beside it."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        x, y = bq.DateScale(), bq.LinearScale()
        self._rows = bq.Axis(scale=y, grid_lines="none", tick_values=np.array([]))
        self._rows.orientation = "vertical"  # given to the constructor, traitlets warns of it
        # Marks stand at even spaces, not at the first of a month: with its name alone one would read it as that.
        days = bq.Axis(scale=x, label="Date", grid_lines="dashed", tick_format="%-d %b %Y", num_ticks=5)
        scales = {"x": x, "y": y}
        nothing = {"x": np.array([], dtype="datetime64[ns]"), "y": np.array([])}
        self._spans = bq.Lines(scales=scales, colors=[_SPAN], stroke_width=4, **nothing)
        self._off = bq.Lines(scales=scales, colors=[_OFF], stroke_width=10, opacities=[0.7], **nothing)
        self._visits = bq.Scatter(scales=scales, colors=[_VISIT], default_size=120, **nothing)
        self._visits.tooltip = bq.Tooltip(fields=["x"], labels=["planned visit"], formats=["%d %b %Y"])
        self._y = y
        self.figure = bq.Figure(
            marks=[self._spans, self._off, self._visits],
            axes=[days, self._rows],
            fig_margin=_MARGIN,
            layout=w.Layout(width="100%", height="240px"),
        ).add_class("map")
        self.key = text()
        answers.observe(self._draw, names="plan")
        self._draw()

    def _draw(self, _: object = None) -> None:
        plan = self._answers.plan
        shown = plan is not None and not plan.visits.empty
        self.figure.layout.display = None if shown else "none"
        self.key.value = _KEY if shown else ""
        if plan is None or not shown:
            return
        place = {treatment: -row for row, treatment in enumerate(plan.visits["treatment_id"].unique())}
        names = plan.visits.drop_duplicates("treatment_id").set_index("treatment_id")["name"]
        at = plan.visits["treatment_id"].map(place).astype(float)
        self._y.min, self._y.max = min(place.values()) - 0.5, 0.5
        self._rows.tick_values = np.array(list(place.values()), dtype=float)
        self._rows.tick_labels = {str(row): str(names[treatment]) for treatment, row in place.items()}
        self.figure.layout.height = f"{140 + 56 * len(place)}px"
        self.figure.fig_margin = {**_MARGIN, "left": 32 + 7 * max(map(len, names))}  # room for the longest name
        with self._visits.hold_sync():
            self._visits.x, self._visits.y = plan.visits["date_planned"].to_numpy("datetime64[ns]"), at.to_numpy()
        _segments(self._spans, plan.visits["date_earliest"], plan.visits["date_latest"], at)
        off = _days_off(plan)
        _segments(self._off, off["from"], off["until"], off["treatment_id"].map(place).astype(float))


def _segments(mark: bq.Lines, start: pd.Series, end: pd.Series, row: pd.Series) -> None:
    """One line a pair of dates, on its row."""
    with mark.hold_sync():
        mark.x = np.column_stack([start.to_numpy("datetime64[ns]"), end.to_numpy("datetime64[ns]")])
        mark.y = np.column_stack([row, row])


def _days_off(plan: Plan) -> pd.DataFrame:
    """Windows of days off as far as their length is known."""
    known = plan.downtime.assign(until=plan.downtime["until_at_most"].fillna(plan.downtime["until_typical"]))
    return known.dropna(subset=["until"])
