"""The plan: which treatments, from when, by when; and what follows from it."""

from datetime import date
from html import escape

import ipywidgets as w
from traitlets import link

from scarlib import itinerary
from scarlib.record import MOST
from scarlib.ui.boxes import CHOICE, WIDE, column, row
from scarlib.ui.controls import NTH, picks
from scarlib.ui.model import Answers
from scarlib.ui.parts import follow, names


def planner(answers: Answers, *pictures: w.Widget) -> w.VBox:
    """Choose treatments and dates, see the course; `pictures` stand between its summary and its tables."""
    labels = [f"{nth} treatment" for nth in NTH[:MOST]]
    choices = picks(answers, "planned", labels, names(answers), "The best fit", lambda: answers.shortlist[:1])
    start = _day(answers, "starts_on", "First visit (today, if you leave it blank)")
    ready = _day(answers, "ready_by", "To be done by (an event, if there is one)")
    watched = ("plan", "plan_problem")
    lead = follow(answers, watched, lambda: _lead(answers))
    rest = follow(answers, watched, lambda: _rest(answers))
    return column([choices, row([start, ready], "filters"), lead, *pictures, rest])


def _day(answers: Answers, name: str, label: str) -> w.DatePicker:
    picker = (
        w.DatePicker(description=label, layout=WIDE, style=CHOICE).add_class("question").add_class(f"control-{name}")
    )
    link((answers, name), (picker, "value"))
    return picker


def _lead(answers: Answers) -> str:
    """What does not fit comes first, then the course in one sentence."""
    problem = f'<p class="problem" role="alert">{escape(answers.plan_problem)}</p>' if answers.plan_problem else ""
    plan = answers.plan
    if problem:
        return problem
    if plan is None:
        return "<p class='empty'>Nothing fits that could be planned. Choose a treatment to see why.</p>"
    ready = f"<div class='ready'>{itinerary.ready_words(plan, today=date.today())}</div>" if plan.ready else ""
    conflicts = itinerary.conflicts_list(plan, answers.evidence, today=date.today())
    open_ = itinerary.unsettled(plan, answers.evidence, today=date.today())
    problem += f"<p class='problem'>{open_}</p>" if open_ else ""
    return (
        f"{problem}<p class='plan-summary' data-hook='plan'>{itinerary.summary(plan)}</p>{ready}"
        f"{_titled('What does not fit, or needs asking', conflicts)}"
        f"{_titled('What is left out', itinerary.left_out_list(plan, answers.evidence))}"
    )


def _rest(answers: Answers) -> str:
    plan = answers.plan
    if plan is None:
        return ""
    evidence = answers.evidence
    tables = (
        ("Visits", itinerary.visits_table(plan)),
        ("Days off", itinerary.downtime_table(plan, evidence)),
        ("When a result can be judged", itinerary.results_table(plan, evidence)),
    )
    scrolled = [
        (title, f'<div class="scroll" role="region" aria-label="{title}" tabindex="0">{table}</div>')
        for title, table in tables
        if table
    ]
    order = ("Order and time between", itinerary.order_list(plan, evidence))
    care = ("Care by date", itinerary.aftercare_list(plan))
    cost = ("Cost of it all", f"<p>{itinerary.cost_words(plan)}</p>")
    return "".join(_titled(*part) for part in (*scrolled, order, care, cost))


def _titled(title: str, body: str) -> str:
    return f'<div class="plan-part"><h3>{title}</h3>{body}</div>' if body else ""
