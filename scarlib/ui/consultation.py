"""One consultation in JupyterLab: its parts as widgets, to show one below the other, and the tables behind each."""

from collections.abc import Callable
from html import escape

import ipywidgets as w
import pandas as pd
from itables.widget import ITable

from scarlib import whatif
from scarlib.client import Client
from scarlib.comparison import compare
from scarlib.errors import ClientError
from scarlib.evidence import weigh
from scarlib.planning import Plan
from scarlib.record import Record
from scarlib.tables import Tables
from scarlib.ui import parts
from scarlib.ui.boxes import column, text
from scarlib.ui.clinic import clinic_menu
from scarlib.ui.controls import controls
from scarlib.ui.dashboard import STYLE
from scarlib.ui.keep import keep, take_home
from scarlib.ui.model import Answers
from scarlib.ui.planner import planner
from scarlib.ui.table import facts
from scarlib.ui.timeline import Timeline

DASHBOARD = "http://localhost:8866/"  # where `make dashboard` serves it
_HEADERS = {
    "name": "Treatment",
    "verdict": "Fit",
    "rank": "Rank",
    "score": "Score",
    "score_low": "Score, low",
    "score_high": "Score, high",
    "top3": "Top three, of 100",
    "marks": "Dark marks, of 100",
    "effect": "Improvement, 0 to 3",
    "visits": "Visits",
    "days": "Days off",
    "pain": "Pain, 0 to 10",
    "cost": "Course, US dollars",
}


class Consultation:
    """A consultation with one client. All parts follow the same answers, so they may be shown in any order.

    Widgets: profile, clinic, screening, shortlist, table, why, what_if, side_by_side, course, take_home, keep, and
    `live` for a table of your own that follows the answers.
    Tables behind them, as they are when asked for: client, options, overview, ruled_out, contributions, comparison,
    plan (a scarlib.planning.Plan, whose tables are its own), offers, record.
    """

    def __init__(self, tables: Tables, client: Client | None = None, dashboard: str = DASHBOARD) -> None:
        self.answers = answers = Answers(weigh(tables), client) if client else Answers(weigh(tables))
        self._style, part = text(STYLE), self._part
        # What is wrong comes last, where it moves nothing.
        self.profile = part(parts.summary(answers), controls(answers), parts.problems(answers))
        self.clinic = part(clinic_menu(answers))
        self.screening = part(parts.ruled_out(answers))
        self.shortlist = part(parts.fitting(answers))
        self.table = ITable(pageLength=10, lengthMenu=[10, 40], column_filters="header", showIndex=False)
        self._fill_table()
        answers.observe(self._fill_table, names=["options", "empty"])
        self.why = part(parts.in_full(answers))
        self.what_if = part(parts.what_if(answers))
        self.side_by_side = part(parts.side_by_side(answers))
        timeline = Timeline(answers)
        self.course = part(planner(answers, timeline.figure, timeline.key))
        self.take_home = part(take_home(answers))
        self.keep = part(keep(answers, dashboard))

    def _part(self, *children: w.Widget) -> w.VBox:
        return column([self._style, *children], "scarlib", "part")

    def live(self, table: Callable[[], pd.DataFrame]) -> w.VBox:
        """A table that follows the answers. What is shown so is never saved with the notebook, as a frame by itself is:
        it may tell of the client's health."""

        def draw() -> str:
            try:
                frame = table()
            except ClientError as error:
                return f"<p class='empty'>{escape(' '.join(error.problems))}</p>"
            # Dollar signs are money here, not mathematics.
            with pd.option_context("display.max_colwidth", None, "display.html.use_mathjax", False):
                cells = frame.to_html(na_rep="not known", border=0, max_rows=60)
            return f'<div class="scroll" role="region" aria-label="A table" tabindex="0">{cells}</div>'

        return self._part(parts.follow(self.answers, ("options", "compared", "plan"), draw))

    def __repr__(self) -> str:
        answers = self.answers
        return f"<Consultation: {len(answers.shortlist)} treatments may be used, menu {answers.menu or 'none'}>"

    def _fill_table(self, _: object = None) -> None:
        if self.answers.empty:
            self.table.update(pd.DataFrame(columns=[*_HEADERS.values()]))
            return
        self.table.update(self.overview.reset_index(drop=True))
        cells = self.table._dt_args["data_json"].replace('"NaN", "___NaN___"', '"not known", "___NaN___"')
        self.table._dt_args = {**self.table._dt_args, "data_json": cells}  # itables has no word for what is missing

    @property
    def client(self) -> Client:
        """The client as answered so far. This and every table raises ClientError while no scar is chosen."""
        self._answered()
        return self.answers.client

    @property
    def options(self) -> pd.DataFrame:
        """Every treatment, best first, as `scarlib.recommend` gives it."""
        self._answered()
        return self.answers.options

    def _answered(self) -> None:
        if self.answers.empty:
            raise ClientError([self.answers.empty])

    @property
    def overview(self) -> pd.DataFrame:
        """The options with their usual figures (NaN = not known), under the names that `table` shows."""
        answers = self.answers
        figures = facts(self.client, answers.options, answers.evidence)
        frame = answers.options.join(figures.drop(columns="name"))[[*_HEADERS]].round(1)
        frame["verdict"] = frame["verdict"].map(answers.evidence.tables.words("verdict"))
        return frame.rename(columns=_HEADERS)

    @property
    def ruled_out(self) -> pd.DataFrame:
        """What is out, nearest first, with the reason that decides and the smallest change that would let it in."""
        return whatif.ways_in(self.client, self.answers.evidence)

    @property
    def contributions(self) -> pd.DataFrame:
        """What each criterion adds to the score of each ranked option: rows add up to the column score."""
        ranked = self.options[self.options["rank"].notna()]
        return (
            ranked.filter(regex="^points_")
            .rename(columns=lambda name: name.removeprefix("points_"))
            .assign(score=ranked["score"])
        )

    @property
    def comparison(self) -> pd.DataFrame:
        """The options side by side: questions in rows, no treatment first. Raises ClientError where nothing is chosen
        and nothing fits."""
        answers = self.answers
        return compare(self.client, answers.compared or answers.shortlist[:2], answers.evidence)

    @property
    def plan(self) -> Plan:
        """The course as planned. Raises ClientError where nothing is chosen and nothing fits, or its dates do not."""
        self._answered()
        if self.answers.plan_problem:
            raise ClientError([self.answers.plan_problem])
        if self.answers.plan is None:
            raise ClientError(["plan: nothing fits this client. Choose a treatment in session.course to see why."])
        return self.answers.plan

    @property
    def offers(self) -> pd.DataFrame | None:
        """The clinic's menu, one row an offer; None where none is in use."""
        return self.answers.evidence.tables.menu

    @property
    def record(self) -> Record:
        """All that is kept of this consultation: `record.to_json()` is its file."""
        return self.answers.record
