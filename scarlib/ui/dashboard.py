"""The page: questions on the left, results on the right, all following one `Answers`."""

import logging
from collections.abc import Callable
from html import escape
from pathlib import Path

import ipywidgets as w
from traitlets import link

from scarlib.comparison import compare, html
from scarlib.evidence import weigh
from scarlib.phrases import dark_marks
from scarlib.screening import NO_TREATMENT, RANKED
from scarlib.tables import Tables
from scarlib.ui import cards
from scarlib.ui.answers import told_answers
from scarlib.ui.chart import Map
from scarlib.ui.controls import controls
from scarlib.ui.guide import about_scars, questions
from scarlib.ui.model import Answers
from scarlib.ui.table import SORTS, options_table

log = logging.getLogger(__name__)
_NOT_DRAWN = (
    '<p class="problem" role="alert">This part could not be shown for your last answer. What follows is from before. '
    "Please undo it or start again.</p>"
)
_STYLE = Path(__file__).with_name("dashboard.css").read_text(encoding="utf-8")
_SECTIONS = (
    ("fits", "What fits you"),
    ("ruled-out", "What is ruled out"),
    ("one", "One option in full"),
    ("compare", "Side by side"),
    ("table", "All options as a table"),
    ("map", "Effect, days off and cost"),
    ("questions", "Questions people ask"),
    ("scars", "About acne scars"),
    ("about", "About this page"),
)


class Dashboard:
    """The whole page as one widget, `page`; `answers` holds its state.

    Every part is redrawn from the result alone; a part that cannot be drawn says so and leaves the others be.
    """

    def __init__(self, tables: Tables) -> None:
        self.answers = Answers(weigh(tables))
        self._summary = w.HTML()
        self._fits = w.HTML()
        self._ruled_out = w.HTML()
        self._questions = w.HTML()
        self._table = w.HTML()
        self._one = w.HTML()
        named = sorted((str(name), str(treatment)) for treatment, name in tables.treatments["name"].items())
        self._choice = w.Dropdown(description="Option", options=[("The best fit", ""), *named])
        self._compared = w.SelectMultiple(description="Two to four options", options=named, rows=8)
        self._comparison = w.HTML()
        self._map = Map(self.answers)
        self._search = w.Text(description="Search", placeholder="a name or a word", continuous_update=True)
        self._verdict = w.Dropdown(description="Fit", options=[("All", ""), *self._verdicts(tables)])
        self._sort = w.Dropdown(description="Sort by", options=list(SORTS))
        for widget in (self._search, self._verdict, self._sort, self._choice, self._compared):
            widget.add_class("question")
        self._compared.observe(self._draw_comparison, names="value")
        for widget in (self._search, self._verdict, self._sort):
            widget.observe(self._draw_table, names="value")
        link((self.answers, "chosen"), (self._choice, "value"))
        self.answers.observe(self._draw, names=["options", "families"])
        self.answers.observe(self._draw_summary, names=["problem", "unanswered"])
        self.answers.observe(self._draw_one, names="chosen")
        self._draw()
        self.page = self._page(tables)

    def first_view(self) -> dict[str, str]:
        """What the page shows before its controls work: summary, cards and what is ruled out, as plain HTML."""
        parts = (self._summary, self._fits, self._ruled_out, self._questions)
        body = "".join(part.value for part in parts)
        return {"text/html": f"<style>{_STYLE}</style><div class='scarlib first'>{body}</div>"}

    def _page(self, tables: Tables) -> w.VBox:
        parts: dict[str, list[w.Widget]] = {
            "fits": [self._fits],
            "one": [self._choice, self._one],
            "compare": [self._compared, self._comparison],
            "table": [w.HBox([self._search, self._verdict, self._sort]).add_class("filters"), self._table],
            "map": [self._map.sentence, self._map.figure],
            "ruled-out": [self._ruled_out],
            "questions": [self._questions],
            "scars": [w.HTML(about_scars(self.answers.evidence))],
            "about": [w.HTML(_about(tables))],
        }
        links = "".join(f'<a href="#{name}">{title}</a>' for name, title in _SECTIONS)
        sections = [
            w.VBox([w.HTML(f'<h2 id="{name}">{title}</h2>'), *parts[name]]).add_class("section")
            for name, title in _SECTIONS
        ]
        head = w.HTML(
            f"<style>{_STYLE}</style><h1>Acne scar treatments: what fits you</h1>"
            f'<p class="lead">Answer a few questions. See what suits your scars, what it can do and what can go wrong, '
            f'from {len(tables.sources)} sources.</p><p class="disclaimer">{cards.DISCLAIMER}</p>'
        )
        opener = w.HTML('<a class="to-questions" href="#your-answers">Change your answers</a>')
        results = w.VBox([self._summary, w.HTML(f'<nav aria-label="On this page">{links}</nav>'), *sections])
        shut = w.HTML('<span id="your-answers"></span><a class="to-results" href="#fits">See the results</a>')
        rail = w.VBox([shut, controls(self.answers)]).add_class("rail")
        body = w.Box([rail, results.add_class("results")]).add_class("columns")
        return w.VBox([head, body, opener]).add_class("scarlib")

    @staticmethod
    def _verdicts(tables: Tables) -> list[tuple[str, str]]:
        return [(label, code) for code, label in tables.words("verdict").items()]

    def _draw(self, _: object = None) -> None:
        answers = self.answers
        shown = (answers.client, answers.options, answers.evidence, answers.families)
        self._draw_summary()
        _show(self._fits, lambda: cards.fitting(*shown))
        _show(self._ruled_out, lambda: cards.ruled_out(*shown))
        _show(self._questions, lambda: questions(answers.options, answers.evidence))
        self._draw_table()
        self._draw_one()
        self._draw_comparison()

    def _draw_summary(self, _: object = None) -> None:
        answers = self.answers
        told = told_answers(answers.client, answers.evidence.tables)
        _show(
            self._summary,
            lambda: (
                cards.summary(answers.options, answers.problem, answers.unanswered, example=answers.untouched) + told
            ),
        )

    def _draw_table(self, _: object = None) -> None:
        answers = self.answers
        chosen = (answers.families, self._search.value, self._verdict.value, self._sort.value)
        _show(self._table, lambda: options_table(answers.client, answers.options, answers.evidence, *chosen))

    def _draw_comparison(self, _: object = None) -> None:
        _show(self._comparison, lambda: _side_by_side(self.answers, list(self._compared.value)))

    def _draw_one(self, _: object = None) -> None:
        _show(self._one, lambda: _in_full(self.answers))


def _show(part: w.HTML, draw: Callable[[], str]) -> None:
    """Draw one part of the page; where that fails, say so plainly, keep what stood there, and leave the rest be."""
    try:
        part.value = draw()
    except Exception:  # a viewer gets a sentence, the log the cause
        log.exception("a part of the page could not be drawn")
        if _NOT_DRAWN not in part.value:
            part.value = _NOT_DRAWN + part.value


def _side_by_side(answers: Answers, chosen: list[str]) -> str:
    """The options a person chose, question by question, with no treatment first."""
    treated = [treatment for treatment in chosen if treatment != NO_TREATMENT]
    if not 1 <= len(treated) <= 4:
        return (
            "<p class='empty'>Choose two to four options, with Ctrl or Cmd held down on a computer. "
            "No treatment stands beside them.</p>"
        )
    frame = compare(answers.client, treated, answers.evidence)
    return html(answers.client, frame, answers.evidence)


def _in_full(answers: Answers) -> str:
    """The chosen option, ranked or ruled out, with all that is known of it."""
    chosen = answers.chosen or str(answers.options.index[0])
    row = cards.records(answers.options.loc[[chosen]])[chosen]
    if row["verdict"] in RANKED:
        full = cards.card(answers.client, chosen, row, answers.evidence)
        return full.replace('data-hook="option"', 'data-hook="chosen"')
    return (
        f'<article class="card {row["verdict"]}" data-hook="chosen" data-id="{escape(chosen)}"><header>'
        f"<h3>{escape(row['name'])}</h3>{cards.badge(answers.evidence, row['verdict'])}</header>"
        f"<p class='marks'>{dark_marks(answers.client, answers.evidence, chosen)}</p>"
        f"{cards.details(answers.client, chosen, row, answers.evidence)}</article>"
    )


def _about(tables: Tables) -> str:
    web = int((tables.sources["tier"] == 4).sum())
    return (
        f"<p>{cards.DISCLAIMER}</p>"
        f"<p>Every figure comes from {len(tables.evidence):,} facts in {len(tables.sources)} sources, read in "
        f"November 2026. {web} of the sources are web pages of clinics, sellers or magazines, which count only where "
        "nothing better speaks. Most sources were read in a summary, not in full. Studies are small and short, and "
        "their scales do "
        "not match, so improvement is told in steps and not in per cent.</p>"
        "<p>What no source says is shown as not known. It never counts as safe.</p>"
        "<p>The software is free and nobody paid for it. The clinic that shows it to you may sell some of the "
        "treatments.</p>"
        "<p>What you enter stays in this page’s own session. It is not stored.</p>"
    )
