"""About the page: what it rests on, who made it, when it is due for review, and how it does as a decision aid.

The criteria are those of IPDAS (International Patient Decision Aid Standards) in our own words. Where the wording of a
quality item could not be read, a near relative stands under a number of ours (K). No score of any version is claimed.
"""

from datetime import date
from html import escape

import scarlib
from scarlib.phrases import DISCLAIMER, EVIDENCE_READ, FUNDING, REVIEW_BY
from scarlib.planning import spoken_date
from scarlib.tables import Tables

MET = ("yes", "in part", "not yet")
# (number, criterion, how far it is met, where or why not, the section of the page it is in; "" = not in one)
CRITERIA = (
    ("1.1.1", "Says which health problem it is about", "yes", "acne scars, by kind", "scars"),
    ("1.1.2", "Says which decision it is about", "yes", "which treatment, if any, for these scars now", "about"),
    ("1.1.3", "Lists the options", "yes", "every treatment, and doing nothing, with make-up that hides scars", "table"),
    ("1.1.4", "Tells what is good about each", "yes", "improvement, visits, how long it lasts", "fits"),
    ("1.1.5", "Tells what is bad about each", "yes", "pain, days off, dark marks, cost, harm", "fits"),
    (
        "1.2.1",
        "Tells what life with it is like",
        "yes",
        "the visit, the days after, and how scars weigh on people",
        "one",
    ),
    ("2.1.1", "Good and bad in equal detail", "yes", "the same questions, order and type for each", "compare"),
    ("2.2.1", "Names its sources", "yes", "folded under each option", "one"),
    ("2.2.2", "Gives a date", "yes", "here, and on the printed page", "about"),
    ("2.2.3", "Says how it is kept up to date", "yes", "here", "about"),
    ("2.2.4", "Says how unsure the figures are", "yes", "ranges, number of people, strength", "fits"),
    ("2.3.1", "Says who paid", "yes", "here, and on the printed page", "about"),
    ("K1", "Tells what happens if nothing is done", "yes", "no treatment is ranked like the others", "fits"),
    ("K2", "Lets options be compared", "yes", "up to four beside no treatment", "compare"),
    ("K3", "Tells how likely each outcome is", "in part", "people of 100; gains on scales that do not match", "one"),
    ("K4", "Tells for whom a figure holds", "in part", "by skin type and kind of scar, where sources say", "fits"),
    ("K5", "Gives rates of events", "yes", "people of 100, or not known", "one"),
    ("K6", "Gives the time a rate is for", "in part", "for gains, where a study says it; few do for harm", "one"),
    ("K7", "Same number of people and time for all", "in part", "always of 100; the time differs by study", "one"),
    ("K8", "Shows a figure in several ways", "yes", "words, numbers, bars and dots", "one"),
    ("K9", "Tells both sides of a risk", "yes", "how many get dark marks, and how many do not", "fits"),
    ("K13", "Asks what matters most", "yes", "seven things, which then make the order", "fits"),
    ("K14", "Helps to share what matters", "yes", "a page to take home, a file, a link", "take-home"),
    ("K15", "Leads step by step", "yes", "answers, what fits, compare, plan, take home", "fits"),
    ("K16", "Lists questions for the talk", "yes", "on the page to take home", "take-home"),
    ("K17", "Clients were asked what they need to know", "not yet", "this needs real people", ""),
    ("K18", "Clinicians were asked", "not yet", "this needs real people", ""),
    ("K19", "Reviewed by clients, clinicians and others", "not yet", "this needs real people", ""),
    ("K20", "Tried in real use", "not yet", "this needs real people", ""),
    (
        "K21",
        "Tells how the evidence was found, and how good it is",
        "yes",
        "here, and in the notebook on the evidence",
        "about",
    ),
    ("K22", "Tells who made it, and their interests", "yes", "here", "about"),
    ("K23", "Easy to read, and not by reading alone", "in part", "grade 8 or below; pictures, but no sound", "scars"),
)
_GROUPS = (("qualifying", ("1.",)), ("certifying", ("2.",)), ("related quality items", ("K",)))


def about(tables: Tables, today: date | None = None) -> str:
    """The text as safe HTML; on a day (default: today) past the review date it says so first."""
    overdue = (
        f'<p class="problem">This page was due for review on {spoken_date(REVIEW_BY)}. Newer studies may differ. '
        "Ask.</p>"
        if (today or date.today()) > REVIEW_BY
        else ""
    )
    web = int((tables.sources["tier"] == 4).sum())
    return (
        f"{overdue}<p>{DISCLAIMER}</p>"
        "<p><strong>The decision:</strong> which treatment, if any, for my acne scars now?</p>"
        f"<p>Every figure comes from {len(tables.evidence):,} facts in {len(tables.sources)} sources, read in "
        f"{EVIDENCE_READ}. {web} of the sources are web pages of clinics, sellers or magazines, which count only where "
        "nothing better speaks. Most sources were read in a summary, not in full. Studies are small and short, and "
        "their scales do not match, so improvement is told in steps and not in per cent.</p>"
        "<p>What no source says is shown as not known. It never counts as safe.</p>"
        f"<p>Version {escape(scarlib.__version__)}. Next review by {spoken_date(REVIEW_BY)}. A wrong figure is mended "
        "in its one row of the data, with its source, and every place that shows it follows.</p>"
        f"<p>{FUNDING}</p>"
        "<p>What you enter stays in this page and in its tab, and ends with them. It is not stored anywhere else.</p>"
    )


def as_a_decision_aid() -> str:
    """How the page meets each criterion, as safe HTML that leads to the sections where it does."""
    counts = []
    for name, starts in _GROUPS:
        found = [met for number, _, met, _, _ in CRITERIA if number.startswith(starts)]
        counts.append(f"{name} {found.count('yes')} of {len(found)}")
    rows = "".join(
        f'<tr role="row"><th scope="row" role="rowheader">{number} {escape(criterion)}</th>'
        f'<td role="cell" data-label="Met?">{met}</td><td role="cell" data-label="Where, or why not">'
        + (f'<a href="#{section}">{escape(where)}</a>' if section else escape(where))
        + "</td></tr>"
        for number, criterion, met, where, section in CRITERIA
    )
    return (
        "<h3>How this page does as a decision aid</h3>"
        f"<p>Fully met, by our own reading: {', '.join(counts)}. Nobody has tested the page with clients or clinicians "
        "yet.</p><details><summary>Each criterion</summary>"
        '<table class="guide stacks" role="table"><caption>What decision aids are judged by (IPDAS), in our words. '
        "Numbers with K are ours.</caption>"
        '<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Criterion</th>'
        '<th scope="col" role="columnheader">Met?</th><th scope="col" role="columnheader">Where, or why not</th></tr>'
        f'</thead><tbody role="rowgroup">{rows}</tbody></table></details>'
    )
