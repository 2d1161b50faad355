"""The parts of the page: widgets that follow the answers, the same in the dashboard and in a notebook."""

import logging
from collections.abc import Callable, Sequence
from html import escape

import ipywidgets as w
from traitlets import link

from scarlib.comparison import compare, html
from scarlib.record import MOST
from scarlib.screening import RANKED
from scarlib.ui import cards, whatif
from scarlib.ui.answers import told_answers
from scarlib.ui.boxes import FOLLOWS, choice, column, row, text, tick
from scarlib.ui.controls import NTH, picks
from scarlib.ui.guide import questions
from scarlib.ui.model import Answers
from scarlib.ui.table import SORTS, options_table

log = logging.getLogger(__name__)
_RESULT = ("options", "families")
_NOT_DRAWN = (
    '<p class="problem" role="alert">This part could not be shown for your last answer. What follows is from before. '
    "Please undo it or start again.</p>"
)


def follow(
    answers: Answers, names: Sequence[str], draw: Callable[[], str], *others: w.Widget, whole: bool = True
) -> w.HTML:
    """A part redrawn when one of these answers, or the value of one of the `others`, changes. Where it cannot be drawn
    it says so, keeps what stood there, and leaves all else be. While there are no results it says what is missing,
    unless it is drawn all the same (`whole` is False)."""

    def drawn(before: str = "") -> str:
        try:
            return f"<p class='empty'>{escape(answers.empty)}</p>" if answers.empty and whole else draw()
        except Exception:  # a viewer gets a sentence, the log the cause
            log.exception("a part of the page could not be drawn")
            return before if _NOT_DRAWN in before else _NOT_DRAWN + before

    part = text(drawn(), FOLLOWS)

    def redraw(_: object) -> None:
        part.value = drawn(part.value)

    answers.observe(redraw, names=[*names, "empty"])
    for other in others:
        other.observe(redraw, names="value")
    return part


def problems(answers: Answers) -> w.HTML:
    """What is wrong with the answers: by itself, so that it is not said again with each other answer."""

    def draw() -> str:
        return cards.problems([said for said in (answers.problem, answers.notice) if said], answers.unanswered)

    return follow(answers, ("problem", "notice", "unanswered"), draw, whole=False).add_class("problems")


def summary(answers: Answers) -> w.HTML:
    """The sentence that counts what fits, and the answers themselves."""

    def draw() -> str:
        if answers.empty:
            return ""
        health = bool(answers.client.conditions or answers.unanswered)
        left_over = [answers.evidence.tables.label("scar_type", scar) for scar in answers.left_over]
        said = cards.summary(answers.options, answers.example, left_over, health=health)
        return said + told_answers(answers.client, answers.evidence.tables)

    return follow(answers, ("options", "unanswered"), draw, whole=False)


def fitting(answers: Answers) -> w.HTML:
    """What may be ranked, best first, as cards."""
    return follow(
        answers, _RESULT, lambda: cards.fitting(answers.client, answers.options, answers.evidence, answers.families)
    )


def ruled_out(answers: Answers) -> w.HTML:
    """What is ruled out, why, and what would change it."""
    return follow(
        answers, _RESULT, lambda: cards.ruled_out(answers.client, answers.options, answers.evidence, answers.families)
    )


def in_full(answers: Answers) -> w.VBox:
    """One option of the person's choice with all that is known of it."""
    option = choice("Option", [("The best fit", ""), *names(answers)])
    link((answers, "chosen"), (option, "value"))
    return column([option, follow(answers, ("options", "chosen"), lambda: _in_full(answers))])


def _in_full(answers: Answers) -> str:
    chosen = answers.chosen or str(answers.options.index[0])
    row = cards.records(answers.options.loc[[chosen]])[chosen]
    if row["verdict"] in RANKED:
        among = int(answers.options["verdict"].isin(RANKED).sum())
        full = cards.card(answers.client, chosen, row, answers.evidence, among=among, pictures=True)
        return full.replace('data-hook="option"', 'data-hook="chosen"')
    return (
        f'<article class="card {row["verdict"]}" data-hook="chosen" data-id="{escape(chosen)}"><header>'
        f"<h3>{escape(row['name'])}</h3>{cards.signs(answers.evidence, chosen, row['verdict'])}</header>"
        f"{cards.against(row)}{cards.marked(answers.client, answers.evidence, chosen)}"
        f"{cards.details(answers.client, chosen, row, answers.evidence, pictures=True)}"
        f"{cards.clinic(answers.evidence, chosen)}</article>"
    )


def side_by_side(answers: Answers) -> w.VBox:
    """Up to four options of the person's choice, question by question, with no treatment first."""
    labels = [f"{nth} option" for nth in NTH[:MOST]]
    choices = picks(answers, "compared", labels, names(answers), "The two best fits", lambda: answers.shortlist[:2])
    return column([choices, follow(answers, ("options", "compared"), lambda: _side_by_side(answers))])


def _side_by_side(answers: Answers) -> str:
    chosen = answers.compared or answers.shortlist[:2]
    if not chosen:
        return (
            "<p class='empty'>Nothing fits that could be compared. Choose options above to see them all the same.</p>"
        )
    return html(answers.client, compare(answers.client, chosen, answers.evidence), answers.evidence)


def what_if(answers: Answers) -> w.VBox:
    """How firm the order is, and which limit or priority would change it: worked out only while it is asked for."""
    asked = tick("Work out what would change the order", "control-whatif")

    def draw() -> str:
        if not asked.value:
            return ""
        return whatif.stable(answers.client, answers.evidence) + whatif.strip(answers.client, answers.evidence)

    return column([asked, follow(answers, ("options",), draw, asked)])


def as_table(answers: Answers) -> w.VBox:
    """Every option in one table that can be searched, narrowed and sorted."""
    words = answers.evidence.tables.words("verdict")
    search = w.Text(description="Search", placeholder="a name or a word", continuous_update=True).add_class("question")
    verdict = choice("Fit", [("All", ""), *((label, code) for code, label in words.items())])
    sort = choice("Sort by", SORTS)

    def draw() -> str:
        asked = (answers.families, search.value, verdict.value, sort.value)
        return options_table(answers.client, answers.options, answers.evidence, *asked)

    table = follow(answers, _RESULT, draw, search, verdict, sort)
    return column([row([search, verdict, sort], "filters"), table])


def guide_questions(answers: Answers) -> w.HTML:
    """The questions people ask, answered for what fits."""
    return follow(answers, ("options",), lambda: questions(answers.options, answers.evidence))


def names(answers: Answers) -> list[tuple[str, str]]:
    """(plain name, id) of every treatment, by name."""
    return sorted((str(name), str(treatment)) for treatment, name in answers.evidence.tables.treatments["name"].items())
