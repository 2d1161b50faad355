"""The page: questions on the left, results on the right, all following one `Answers`."""

from pathlib import Path

import ipywidgets as w

from scarlib.evidence import weigh
from scarlib.tables import Tables
from scarlib.ui import cards, parts
from scarlib.ui.about import about
from scarlib.ui.chart import Map
from scarlib.ui.clinic import clinic_menu
from scarlib.ui.controls import controls
from scarlib.ui.guide import about_scars
from scarlib.ui.keep import keep, take_home
from scarlib.ui.model import Answers
from scarlib.ui.planner import planner
from scarlib.ui.table import options_table

STYLE = f"<style>{Path(__file__).with_name('dashboard.css').read_text(encoding='utf-8')}</style>"
_SECTIONS = (
    ("fits", "What fits you"),
    ("ruled-out", "What is ruled out"),
    ("one", "One option in full"),
    ("what-if", "What if?"),
    ("compare", "Side by side"),
    ("plan", "A plan with dates"),
    ("take-home", "Take it home"),
    ("table", "All options as a table"),
    ("map", "Effect, days off and cost"),
    ("questions", "Questions people ask"),
    ("scars", "About acne scars"),
    ("clinic", "The clinic’s own prices"),
    ("about", "About this page"),
)
_NAV = (
    '<nav class="scroll" aria-label="On this page">'
    + "".join(f'<a href="#{name}">{title}</a>' for name, title in _SECTIONS)
    + "</nav>"
)


class Dashboard:
    """The whole page as one widget, `page`; `answers` holds its state, every part follows it."""

    def __init__(self, tables: Tables) -> None:
        self.answers = Answers(weigh(tables))
        self._keep = keep(self.answers)  # first: the link is the newest thing a page whose connection breaks has
        self._summary = parts.summary(self.answers)
        self._fits = parts.fitting(self.answers)
        self._ruled_out = parts.ruled_out(self.answers)
        self._questions = parts.guide_questions(self.answers)
        self.page = self._page(tables)

    def first_view(self) -> dict[str, str]:
        """What the page shows before its controls work, and all it shows where scripts are off: the options for the
        starting answers, what is ruled out, the questions people ask; without scripts the table too. Plain HTML."""
        answers, tables = self.answers, self.answers.evidence.tables
        titles = ("What fits you", "What is ruled out", "Questions people ask")
        shown = (self._fits, self._ruled_out, self._questions)
        sections = "".join(_section(title, part.value) for title, part in zip(titles, shown, strict=True))
        table = options_table(answers.client, answers.options, answers.evidence, [])
        still = _section("All options as a table", table) + _section("About this page", about(tables))
        return {
            "text/html": f"{STYLE}<div class='scarlib first'>{_head(tables)}<div class='columns'><div class='rail'>"
            "<div class='question-group'><p>Your questions come in a moment.</p></div></div><div class='results'>"
            f"{self._summary.value}{_NAV}{sections}<noscript>{still}</noscript></div></div></div>"
        }

    def _page(self, tables: Tables) -> w.VBox:
        answers, chart = self.answers, Map(self.answers)
        shown: dict[str, list[w.Widget]] = {
            "fits": [self._fits],
            "ruled-out": [self._ruled_out],
            "one": [parts.in_full(answers)],
            "what-if": [parts.what_if(answers)],
            "compare": [parts.side_by_side(answers)],
            "plan": [planner(answers)],
            "take-home": [take_home(answers), self._keep],
            "table": [parts.as_table(answers)],
            "map": [chart.sentence, chart.figure],
            "questions": [self._questions],
            "scars": [w.HTML(about_scars(answers.evidence))],
            "clinic": [clinic_menu(answers)],
            "about": [w.HTML(about(tables))],
        }
        sections = [
            w.VBox([w.HTML(f'<h2 id="{name}">{title}</h2>'), *shown[name]]).add_class("section")
            for name, title in _SECTIONS
        ]
        head = w.HTML(f'{STYLE}{_head(tables)}<span id="results"></span>')
        opener = w.HTML('<a class="to-questions" href="#your-answers">Change your answers</a>')
        results = w.VBox([self._summary, w.HTML(_NAV), *sections])
        shut = w.HTML('<span id="your-answers"></span><a class="to-results" href="#results">See the results</a>')
        rail = w.VBox([shut, controls(answers)]).add_class("rail")
        body = w.Box([rail, results.add_class("results")]).add_class("columns")
        return w.VBox([head, body, opener]).add_class("scarlib")


def _section(title: str, body: str) -> str:
    return f"<div class='section'><h2>{title}</h2>{body}</div>"


def _head(tables: Tables) -> str:
    return (
        "<h1>Acne scar treatments: what fits you</h1>"
        '<p class="lead">Answer a few questions. See what suits your scars, what it can do and what can go wrong, '
        f'from {len(tables.sources)} sources.</p><p class="disclaimer">{cards.DISCLAIMER}</p>'
    )
