"""The page: questions on the left, results on the right, all following one `Answers`."""

import gc
import os
import re
from pathlib import Path

import ipywidgets as w

from scarlib.evidence import weigh
from scarlib.tables import Tables
from scarlib.ui import cards, parts
from scarlib.ui.about import about, as_a_decision_aid
from scarlib.ui.boxes import column, text
from scarlib.ui.chart import Map
from scarlib.ui.clinic import clinic_menu
from scarlib.ui.controls import controls
from scarlib.ui.guide import about_scars
from scarlib.ui.keep import keep, take_home
from scarlib.ui.model import Answers
from scarlib.ui.planner import planner
from scarlib.ui.still import still
from scarlib.ui.table import options_table

# Each page brings it, so it goes without what is only for those who write it.
_ROOM = re.compile(r"/\*.*?\*/|(?<=[{};,])\s+|\s+(?=[{}])", re.DOTALL)
STYLE = f"<style>{_ROOM.sub('', Path(__file__).with_name('dashboard.css').read_text(encoding='utf-8')).strip()}</style>"
_SECTIONS = {
    "fits": "What fits you",
    "ruled-out": "What is ruled out",
    "one": "One option in full",
    "what-if": "What if?",
    "compare": "Side by side",
    "plan": "A plan with dates",
    "take-home": "Take it home",
    "table": "All options as a table",
    "map": "Effect, days off and cost",
    "questions": "Questions people ask",
    "scars": "About acne scars",
    "clinic": "The clinic’s own prices",
    "about": "About this page",
}
_NAV = (
    '<nav class="scroll" aria-label="On this page">'
    + "".join(f'<a href="#{name}">{title}</a>' for name, title in _SECTIONS.items())
    + "</nav>"
)


class Dashboard:
    """The whole page as one widget, `page`; `answers` holds its state, every part follows it.

    Where Voilà sends it, the page comes in two steps: first the questions and what follows from them, so that they can
    be answered at once, then all else, when the page asks for it (`complete`).
    """

    def __init__(self, tables: Tables) -> None:
        self.answers = Answers(weigh(tables))
        self._found = (parts.problems(self.answers), parts.summary(self.answers))
        self._fits = parts.fitting(self.answers)
        self._ruled_out = parts.ruled_out(self.answers)
        self._questions = parts.guide_questions(self.answers)
        self._complete = False
        self.page = self._page(tables)

    def first_view(self) -> dict[str, str]:
        """What the page shows before its widgets are there, and all it shows where scripts are off: the questions, the
        options for the starting answers, what is ruled out, the questions people ask; without scripts the table too.
        Plain HTML, made as the widgets make it, so that they can take its place without a jump."""
        answers, tables = self.answers, self.answers.evidence.tables
        results = "".join(map(still, self._first)) + _section("Questions people ask", still(self._questions))
        table = options_table(answers.client, answers.options, answers.evidence, [])
        unscripted = _section("All options as a table", table) + _section("About this page", about(tables))
        columns = f"{still(self._rail)}<div class='results'>{results}<noscript>{unscripted}</noscript></div>"
        body = f"{still(self._head)}<div class='columns'>{columns}</div>{still(self._opener)}"
        return {"text/html": f"{STYLE}<div class='scarlib first'>{body}</div>"}

    def _page(self, tables: Tables) -> w.VBox:
        in_voila = "VOILA_SERVER_URL" in os.environ  # SERVER_SOFTWARE is not there in kernels kept ready
        style = "" if in_voila else STYLE  # there, the first view has brought it
        self._head = text(f'{style}{_head(tables)}<span id="results"></span>')
        self._opener = text('<a class="to-questions" href="#your-answers">Change your answers</a>')
        shut = text('<span id="your-answers"></span><a class="to-results" href="#results">See the results</a>')
        self._rail = column([shut, controls(self.answers)], "rail")
        first = (self._part("fits", self._fits), self._part("ruled-out", self._ruled_out))
        self._first = (*self._found, text(_NAV), *first)
        self._results = column(self._first, "results")
        if in_voila:
            more = w.Button(description="Show the rest of the page").add_class("the-rest")
            more.on_click(lambda _: self.complete())
            self._results.children = (*self._first, more)
            gc.freeze()  # what stands now stays: looking through it for waste would hold up an answer for 50 ms
        else:
            self.complete()
        body = column([self._rail, self._results], "columns")
        return column([self._head, body, self._opener], "scarlib")

    def complete(self) -> None:
        """Add what is not on the page yet."""
        if self._complete:
            return
        self._complete = True
        answers, tables = self.answers, self.answers.evidence.tables
        kept = keep(answers)  # first: its link is the newest thing a page whose connection breaks has
        chart = Map(answers)
        rest: dict[str, list[w.Widget]] = {
            "one": [parts.in_full(answers)],
            "what-if": [parts.what_if(answers)],
            "compare": [parts.side_by_side(answers)],
            "plan": [planner(answers)],
            "take-home": [take_home(answers), kept],
            "table": [parts.as_table(answers)],
            "map": [chart.sentence, chart.figure, chart.key],
            "questions": [self._questions],
            "scars": [text(about_scars(answers.evidence))],
            "clinic": [clinic_menu(answers)],
            "about": [text(about(tables) + as_a_decision_aid())],
        }
        self._results.children = (*self._first, *(self._part(name, *widgets) for name, widgets in rest.items()))

    def _part(self, name: str, *widgets: w.Widget) -> w.VBox:
        return column([text(f'<h2 id="{name}">{_SECTIONS[name]}</h2>'), *widgets], "section")


def _section(title: str, body: str) -> str:
    return f"<div class='section'><h2>{title}</h2>{body}</div>"


def _head(tables: Tables) -> str:
    return (
        "<h1>Acne scar treatments: what fits you</h1>"
        '<p class="lead">Answer a few questions. See what suits your scars, what it can do and what can go wrong, '
        f'from {len(tables.sources)} sources.</p><p class="disclaimer">{cards.DISCLAIMER}</p>'
    )
