"""Effect against days off, cost as size: a bqplot map of the options; a click chooses one."""

import math
from html import escape

import bqplot as bq
import ipywidgets as w
import numpy as np

from scarlib.screening import NO_TREATMENT, RANKED
from scarlib.ui.model import Answers
from scarlib.ui.table import facts

_COLOURS = {"suitable": "#0f766e", "caution": "#b45309"}
_MOST_DAYS = 30.0


class Map:
    """The chart with its sentence. `figure` and `sentence` are widgets; they follow the answers."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._shown: list[str] = []
        x = bq.LinearScale(min=-1.0, max=_MOST_DAYS)
        y = bq.LinearScale(min=-0.2, max=3.2)
        words = list(answers.evidence.tables.words("improvement_tier").values())
        across = bq.Axis(scale=x, label="Days off (usual)", grid_lines="none", num_ticks=7)
        up = bq.Axis(
            scale=y,
            orientation="vertical",
            label="Improvement",
            label_offset="5em",
            tick_values=[0, 1, 2, 3],
            tick_labels=dict(zip(("0", "1", "2", "3"), words, strict=True)),
        )
        self._dots = bq.Scatter(
            x=np.array([]),
            y=np.array([]),
            scales={"x": x, "y": y, "size": bq.LinearScale(min=0.0, max=10_000.0)},
            default_size=120,
            interactions={"click": "select"},
            selected_style={"stroke": "#111827", "stroke-width": 3},
            unselected_style={"opacity": 0.75},
            default_opacities=[0.8],
            names=np.array([]),
            display_names=True,
        )
        self.figure = bq.Figure(
            marks=[self._dots],
            axes=[across, up],
            fig_margin={"top": 16, "bottom": 48, "left": 104, "right": 24},
            layout=w.Layout(width="100%", height="420px"),
        ).add_class("map")
        self.sentence = w.HTML()
        self._dots.observe(self._clicked, names="selected")
        answers.observe(self._draw, names=["options", "families"])
        self._draw()

    def _draw(self, _: object = None) -> None:
        answers = self._answers
        options = answers.options[answers.options["verdict"].isin(RANKED)].drop(index=NO_TREATMENT, errors="ignore")
        if answers.families:
            options = options[options["family"].isin(answers.families)]
        if options.empty:
            self._shown = []
            with self._dots.hold_sync():
                self._dots.x, self._dots.y = np.array([]), np.array([])
            self.sentence.value = "<p>Nothing fits, so there is nothing to place on the map.</p>"
            return
        figures = facts(answers.client, options, answers.evidence)
        placed = figures[figures["days"].notna() & figures["effect"].notna()]
        self._shown = [str(treatment) for treatment in placed.index]
        verdicts = options["verdict"].reindex(placed.index)
        with self._dots.hold_sync():
            self._dots.selected = None
            self._dots.x = placed["days"].astype(float).clip(upper=_MOST_DAYS).to_numpy()
            self._dots.y = placed["effect"].astype(float).to_numpy()
            self._dots.size = placed["cost"].astype(float).fillna(0.0).to_numpy()
            self._dots.names = placed["name"].to_numpy(dtype=str)
            self._dots.colors = [_COLOURS[verdict] for verdict in verdicts]
        missing = [escape(str(name)) for name in figures.loc[~figures.index.isin(placed.index), "name"]]
        left_out = f" Not on the map, as days off are not known: {', '.join(missing)}." if missing else ""
        costless = sum(math.isnan(cost) for cost in placed["cost"].astype(float))
        small = f" For {costless} the cost is not known: they have the smallest dot." if costless else ""
        best = placed.sort_values(["effect", "days"], ascending=[False, True])["name"].iloc[0] if len(placed) else ""
        top = f" Highest for the fewest days off: {escape(str(best))}." if best else ""
        self.sentence.value = (
            "<p>Further up is more improvement, further left is fewer days off, a larger dot costs more. "
            f"Green fits, amber needs care. Click a dot to see it in full.{top}{small}{left_out}</p>"
        )

    def _clicked(self, change: dict[str, object]) -> None:
        selected = change["new"]
        if isinstance(selected, (list, tuple, np.ndarray)) and len(selected):
            self._answers.chosen = self._shown[int(selected[-1])]
