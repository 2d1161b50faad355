"""The page to take home: one self-contained HTML file for screen and paper (A4, Letter), without script or request.

It tells what other modules find: the plan (`itinerary`), the options (`comparison`), the answers (`answers`). Harms are
the first row of the options and told in full for each; what is not known is named, and asked about. Sources are
numbered where they are first cited and listed once.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from html import escape
from itertools import groupby, pairwise
from pathlib import Path
from textwrap import shorten
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

import scarlib
from scarlib import itinerary
from scarlib.answers import answers
from scarlib.client import Client
from scarlib.comparison import CLINIC, MATTERS, NOT_KNOWN, compare, matters
from scarlib.errors import ClientError
from scarlib.evidence import GRAVE_HARMS, Estimate, Evidence
from scarlib.itinerary import Cite
from scarlib.menu import offered
from scarlib.phrases import DISCLAIMER, EVIDENCE_READ, FUNDING, REVIEW_BY, cost_words, honest
from scarlib.planning import Plan, spoken_date
from scarlib.ranking import recommend
from scarlib.screening import DARKER, NO_TREATMENT, RANKED, listed, screen_one, traits_of
from scarlib.tables import Tables

DECISIONS = ("chosen", "no_treatment", "undecided")
MOST_WORDS = 1_000  # characters of what is unclear in the client's own words
Told = Mapping[str, str]  # {question: answer} of one option, in the words of `compare`
SHOWN = 2  # treatments next to no treatment, unless more are asked for: what fits on two or three pages
WIDE = 3  # treatments next to no treatment in one table
# As much on the sources as fits on paper: how many of one figure, how many characters of their titles, each on a line
# of its own or not; and the characters of a page up to which three sheets of Letter hold it so.
_ROOM = ((3, 72, True, 10_800), (2, 48, False, 11_600), (1, 30, False, 12_800), (1, 0, False, 10**9))


def report(
    client: Client,
    plan: Plan | None,
    evidence: Evidence,
    considered: Sequence[str] = (),
    unclear: str = "",
    decision: str = "",
    on: date | None = None,
) -> str:
    """The page as HTML.

    `plan` is what is planned, or None. `considered` are the ids of the options that stand side by side: those of the
    plan are always among them, no treatment comes first; by default the best ranked fill them up to two. `decision`
    is "chosen", "undecided", "no_treatment", or "" (not said: with a plan, the page leaves it to be ticked). `unclear`
    is what is unclear in the client's own words. `on` is the day on the page (default: today).
    Raises ClientError naming each faulty argument: a plan that is none, was made for other answers or names a
    treatment that these tables lack, an unknown or repeated id, an unknown decision, one that does not go with the
    plan, words that are too long, no date.
    """
    _check(client, plan, evidence, considered, unclear, decision, on)
    today = on or date.today()
    options = _considered(client, plan, evidence, considered)
    told = _told(client, options, evidence)
    planned = plan.order if plan else ()
    subjects = [NO_TREATMENT] if decision == "no_treatment" else planned or options
    holes = _holes(client, subjects, evidence)
    shown = {
        "today": spoken_date(today),
        "version": scarlib.__version__,
        "read": EVIDENCE_READ,
        "review_by": spoken_date(REVIEW_BY),
        "overdue": today > REVIEW_BY,
        "headline": _headline(plan, evidence, decision),
        "summary": Markup(itinerary.summary(plan)) if plan else "",
        "unsettled": Markup(itinerary.unsettled(plan, evidence, today=today)) if plan else "",
        "decision": decision,
        "answers": answers(client, evidence.tables),
        "planned": planned,
        "call": _grave(planned, evidence),
        "holes": _grouped((names, what) for what, _, names in holes),
        "unclear": unclear.strip(),
        "questions": _questions(client, plan, evidence),
        "specific": {} if subjects == [NO_TREATMENT] else _grouped((names, ask) for _, ask, names in holes),
        "menu": evidence.tables.menu is not None,
        "clinic": {
            evidence.texts[name]["name"]: told[name][CLINIC]
            for name in options
            if offered(evidence.tables, name) is not None
        },
        "disclaimer": DISCLAIMER,
        "funding": FUNDING,
    }
    page = ""
    for most, title, listed_out, room in _ROOM:
        sources = _Sources(evidence.tables, most)
        cited = {  # in the order of the page, so that sources are numbered in the order of reading
            "options": [
                _side_by_side(client, {name: told[name] for name in (NO_TREATMENT, *some)}, planned, evidence, sources)
                for some in (options[first : first + WIDE] for first in range(0, len(options), WIDE))
            ],
            "parts": _parts(plan, evidence, sources.cite, today) if plan else {},
            "aftercare": Markup(itinerary.aftercare_list(plan, sources.cite)) if plan else "",
            "harms": [
                _harms(client, name, told[name], evidence, sources)
                for name in ([NO_TREATMENT] if decision == "no_treatment" else planned)
            ],
        }
        page = _template().render(
            shown, **cited, sources=list(sources.listed(title)), roomy=listed_out, titled=title > 0
        )
        if len(re.sub(r"<[^>]*>", "", page.partition("</style>")[2])) <= room:
            break
    return page + "\n"


def _check(
    client: Client,
    plan: Plan | None,
    evidence: Evidence,
    considered: Sequence[str],
    unclear: str,
    decision: str,
    on: date | None,
) -> None:
    known = [treatment for treatment in evidence.tables.treatments.index if treatment != NO_TREATMENT]
    allowed = ", ".join(known)
    problems = []
    if plan is not None and not isinstance(plan, Plan):
        problems.append(f"plan: {type(plan).__name__} is not a plan. Give what scarlib.plan made, or None.")
    elif plan is not None:
        strange = [treatment for treatment in (*plan.order, *plan.left_out) if treatment not in known]
        problems += [f"plan: {name!r} is not in these tables. Plan with the same tables." for name in strange]
        if plan.client != client:
            problems.append("plan: was made for other answers. Plan again, for this client.")
    if isinstance(considered, str) or not isinstance(considered, (Sequence, pd.Index)):
        problems.append(f"considered: {considered!r:.60} is not a list. Give ids in a list, any of: {allowed}.")
        considered = ()
    for number, treatment in enumerate(considered):
        if treatment != NO_TREATMENT and treatment not in known:
            problems.append(f"considered: {treatment!r:.60} is not known. Allowed is any of: {allowed}.")
        elif treatment in list(considered[:number]):
            problems.append(f"considered: {treatment!r} stands more than once. Keep one.")
    if not isinstance(unclear, str) or len(unclear) > MOST_WORDS:
        long = f" (it has {len(unclear):,})" if isinstance(unclear, str) else ""
        problems.append(f"unclear: is not a text of at most {MOST_WORDS:,} characters{long}. Shorten it.")
    if decision not in ("", *DECISIONS):
        problems.append(f"decision: {decision!r:.60} is not known. Allowed is one of: {', '.join(DECISIONS)}, or ''.")
    elif decision == "chosen" and plan is None:
        problems.append("decision: 'chosen' needs a plan. Give one, or say 'undecided' or 'no_treatment'.")
    elif decision == "no_treatment" and plan is not None:
        problems.append("decision: 'no_treatment' does not go with a plan. Give None, or say 'chosen' or 'undecided'.")
    if on is not None and (not isinstance(on, date) or isinstance(on, datetime)):
        problems.append(f"on: {on!r:.60} is not a day. Give a datetime.date, or None for today.")
    if problems:
        raise ClientError(problems)


@lru_cache(maxsize=1)
def _template() -> Template:
    folder = Path(__file__).with_name("templates")
    loader = FileSystemLoader(folder)
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("report.html.j2")


class _Sources:
    """The sources of one page, numbered in the order in which they are first cited; of one figure the best few."""

    def __init__(self, tables: Tables, most: int) -> None:
        self._tables, self._most = tables, most
        self._numbers: dict[str, int] = {}

    def cite(self, source_ids: Iterable[str], most: int = 0) -> str:
        """ "[1, 4–6, +2]" as safe HTML: the first few as links, best tier first, and how many more there are."""
        ids, most = list(dict.fromkeys(source_ids)), most or self._most
        return self._numbered(ids[:most], [f"+{len(ids) - most}"] if len(ids) > most else [])

    def cite_harms(self, harms: Mapping[str, Estimate]) -> str:
        """The best source of each harm, and how many more there are."""
        best = dict.fromkeys(source for harm in harms.values() for source in harm.sources[:1])
        return self.cite([*best, *(source for harm in harms.values() for source in harm.sources)], len(best))

    def _numbered(self, ids: Sequence[str], more: Sequence[str]) -> str:
        found = sorted({self._numbers.setdefault(source, len(self._numbers) + 1) for source in ids})
        breaks = [0, *(k for k, (a, b) in enumerate(pairwise(found), 1) if b > a + 1), len(found)]
        runs = [found[first:last] for first, last in pairwise(breaks) if found]
        told = [
            _to(run[0]) if len(run) == 1 else f"{_to(run[0])}{', ' if len(run) == 2 else '–'}{_to(run[-1])}"
            for run in runs
        ]
        return f'<span class="cite">[{", ".join([*told, *more])}]</span>' if told else ""

    def listed(self, title: int) -> Iterator[dict[str, Any]]:
        """Number, author, year, short title, and by what it is found: DOI, else PubMed number, else the page's host."""
        rows = self._tables.sources.loc[list(self._numbers)].to_dict("records")
        for number, row in enumerate(rows, 1):
            address = str(row["url"])
            host = named = address.partition("://")[2].partition("/")[0].removeprefix("www.")
            if row["doi"]:
                address, named = f"https://doi.org/{row['doi']}", f"doi:{row['doi']}"
            elif row["pmid"]:
                address, named = f"https://pubmed.ncbi.nlm.nih.gov/{row['pmid']}/", f"PMID {row['pmid']}"
            author = row["first_author"] or host or "No author named"
            yield {
                "number": number,
                "author": author,
                "year": "no year" if math.isnan(row["year"]) else f"{row['year']:.0f}",
                "title": shorten(str(row["title"]), title, placeholder="…") if title else "",
                "named": "" if named == author else named,
                "address": address if address.startswith(("https://", "http://")) else "",
            }


def _to(number: int) -> str:
    return f'<a href="#source-{number}">{number}</a>'


def _headline(plan: Plan | None, evidence: Evidence, decision: str) -> str:
    if plan is None:
        return "No treatment for now." if decision == "no_treatment" else "Not decided yet."
    names = ", then ".join(evidence.texts[treatment]["name"] for treatment in plan.order)
    if not names:
        return "Nothing that was asked for can be planned. The plan below says why."
    said = {"chosen": "Chosen", "undecided": "Not decided yet. It could be", "": "A plan to talk over"}[decision]
    return f"{said}: {names}.{' Not settled, see the plan: book nothing yet.' if plan.unsettled else ''}"


# The options


def _considered(client: Client, plan: Plan | None, evidence: Evidence, considered: Sequence[str]) -> list[str]:
    """The treatments that stand side by side, those of the plan first."""
    chosen = [*(plan.order if plan else ()), *considered]
    if not len(considered):
        options = recommend(client, evidence)
        fits = options["verdict"].isin(RANKED) & (options.index != NO_TREATMENT)
        best = options.index[fits] if fits.any() else options.index  # or what comes nearest
        others = [*(plan.left_out if plan else ()), *map(str, best)]
        chosen += [name for name in others if name not in (*chosen, NO_TREATMENT)][: max(SHOWN - len(chosen), 0)]
    return [treatment for treatment in dict.fromkeys(chosen) if treatment != NO_TREATMENT]


def _numbers(*names: str) -> Callable[[Client, str, Evidence], Iterable[str]]:
    """Who stands behind pooled figures."""
    return lambda client, treatment, evidence: (
        source for name in names for source in evidence.number(treatment, name).sources
    )


_HARMS = "What can go wrong? (of 100 people)"
_MARKS = "My skin type: dark marks"
_BETTER = "How much better, and how sure?"
_COST = "What does it cost in all?"
_FIT = "Does it fit me?"
_CONFLICTS = "What does not fit, or needs asking"
# Who stands behind an answer of `compare`.
_BEHIND: Mapping[str, Callable[[Client, str, Evidence], Iterable[str]]] = {
    _MARKS: lambda client, treatment, evidence: evidence.pih(treatment, client.fitzpatrick).sources,
    _BETTER: lambda client, treatment, evidence: (
        source for scar in client.scars for source in evidence.improvement(treatment, scar, traits_of(client)).sources
    ),
    "When do I see it?": _numbers("onset_weeks"),
    "How long does it last?": _numbers("durability_months"),
    "How many visits?": lambda client, treatment, evidence: (
        *_numbers("sessions", "interval_weeks")(client, treatment, evidence),
        *(claim.source_id for claim in evidence.about(treatment, "setting")),
    ),
    "Days off": _numbers("downtime_days", "erythema_days"),
    "Does it hurt?": lambda client, treatment, evidence: (
        *evidence.number(treatment, "pain_vas").sources,
        *(claim.source_id for claim in evidence.about(treatment, "anesthesia")),
    ),
    _COST: lambda client, treatment, evidence: evidence.course_cost(treatment).sources,
}
# Harms first. What a visit is like and what to do afterwards would fill another page: the plan tells it.
_ROWS = (_HARMS, *_BEHIND, _FIT)


def _told(client: Client, options: Sequence[str], evidence: Evidence) -> dict[str, Told]:
    """{treatment: its answers, in the words of `compare`}, no treatment first."""
    frames = [compare(client, options[first : first + WIDE], evidence) for first in range(0, len(options), WIDE)]
    return {
        str(treatment): dict(zip(map(str, frame.index), map(str, frame[treatment]), strict=True))
        for frame in frames
        for treatment in frame.columns
    }


def _side_by_side(
    client: Client, told: Mapping[str, Told], planned: Sequence[str], evidence: Evidence, sources: _Sources
) -> dict[str, Any]:
    """One table of options: the heads, and for each question the cells."""
    weight = matters(client)
    rows = [
        {
            "question": question,
            "matters": weight.get(question, 0.0) >= MATTERS,
            "cells": [
                _answer(question, told_of[question], client, treatment, planned, evidence, sources)
                for treatment, told_of in told.items()
            ],
        }
        for question in _ROWS
    ]
    heads = [
        {
            "name": evidence.texts[treatment]["name"],
            "clinical": evidence.texts[treatment]["clinical_name"],
            "planned": treatment in planned,
        }
        for treatment in told
    ]
    return {"heads": heads, "rows": rows}


def _answer(
    question: str,
    text: str,
    client: Client,
    treatment: str,
    planned: Sequence[str],
    evidence: Evidence,
    sources: _Sources,
) -> Markup:
    """One cell: the answer of `compare` with its sources; effect and harms by their parts, what fits in short."""
    if question == _FIT:
        return _fit(client, treatment, treatment in planned, evidence, sources)
    if question == _HARMS:
        return _by_parts(*_parted(text), sources.cite_harms(evidence.harms(treatment)))
    cited = sources.cite(_BEHIND[question](client, treatment, evidence)) if question in _BEHIND else ""
    if question == _BETTER:
        return _by_parts("", text.split("; "), [], cited)
    own = question == _COST and evidence.price(treatment).strength == "clinic"
    return Markup(f"<p>{cost_words(evidence, treatment) if own else escape(text)} {cited}</p>")


def _fit(client: Client, treatment: str, planned: bool, evidence: Evidence, sources: _Sources) -> Markup:
    """The verdict and what speaks against; of what is planned, the plan tells that among its conflicts."""
    verdict, reasons = screen_one(treatment, client, evidence)
    against = [reason for reason in reasons if reason.level != "suitable" and reason.about != "pih"]
    words = f"{escape(evidence.tables.label('verdict', verdict))}."
    if planned and against:
        return Markup(f"<p>{words} See “{_CONFLICTS}”.</p>")
    told = [f"{escape(reason.text)} {sources.cite(reason.source_ids)}".strip() for reason in against]
    return Markup(f"<p>{' '.join([words, *told])}</p>")


def _by_parts(lead: str, known: Sequence[str], unknown: Sequence[str], sources: str) -> Markup:
    """A list under its lead; what has no figure stands together, last."""
    rest = [f"How often is {NOT_KNOWN}: {', '.join(unknown)}"] if unknown else []
    items = "".join(f"<li>{escape(line)}</li>" for line in [*_joined(known), *rest])
    head = f"<p>{escape(lead)}:</p>" if lead else ""
    return Markup(f"{head}<ul>{items.removesuffix('</li>')} {sources}</li></ul>")


_PEOPLE = re.compile(r" \(([^()]*people[^()]*)\)$")


def _joined(parts: Sequence[str]) -> list[str]:
    """The same, with three or more in a row behind which the same people stand as one line that names them once."""
    lines: list[str] = []
    for people, group in groupby(parts, key=lambda part: found[1] if (found := _PEOPLE.search(part)) else ""):
        same = list(group)
        if people and len(same) > 2:
            same = [f"{', '.join(_PEOPLE.sub('', part) for part in same)} ({people}, for each of these)"]
        lines += same
    return lines


def _parted(cell: str) -> tuple[str, list[str], list[str]]:
    """The harms of an option as `compare` tells them: (a lead, those with a figure, those without)."""
    unknown = f": how often is {NOT_KNOWN}"
    parts = cell.split("; ")
    lead = parts.pop(0) if len(parts) > 1 and ": " not in parts[0] else ""
    return (
        lead,
        [part for part in parts if not part.endswith(unknown)],
        [part.removesuffix(unknown) for part in parts if part.endswith(unknown)],
    )


# The plan


def _parts(plan: Plan, evidence: Evidence, cite: Cite, today: date) -> dict[str, tuple[str, Markup]]:
    """The parts of the plan that have something to tell: {name: (title, safe HTML)}."""
    told = (
        ("timeline", "", itinerary.timeline_svg(plan)),
        ("visits", "Visits", itinerary.visits_table(plan)),
        ("result", "When to judge the result", itinerary.results_table(plan, evidence, cite)),
        ("conflicts", _CONFLICTS, itinerary.conflicts_list(plan, evidence, cite, today=today)),
        ("order", "Order and time between", itinerary.order_list(plan, evidence, cite)),
        ("cost", "Cost", f"<p>{itinerary.cost_words(plan)}</p>"),
        ("ready", "Done in time?", itinerary.ready_words(plan, today=today) if plan.ready else ""),
        ("left", "Left out, and why", itinerary.left_out_list(plan, evidence, cite)),
    )
    return {name: (title, Markup(body)) for name, title, body in told if body}


# What can go wrong


def _harms(client: Client, treatment: str, told: Told, evidence: Evidence, sources: _Sources) -> dict[str, Any]:
    """Every harm of one treatment, the figures also as bars of 100."""
    found = evidence.harms(treatment)
    harms = {evidence.tables.label("adverse_event", event): harm for event, harm in found.items()}
    lead, known, unknown = _parted(told[_HARMS])
    rows = []
    for part in known:
        label, _, words = part.partition(": ")
        if label not in harms:  # no harm is told at all
            lead = part
            continue
        people = _PEOPLE.search(words)
        if people and "only" not in people[1]:  # the table of options tells how many stand behind it
            words = _PEOPLE.sub("", words)
        rows.append({"label": label, "words": words, "bar": _bar(harms[label])})
    marks = {} if treatment == NO_TREATMENT else {"pih": evidence.pih(treatment, client.fitzpatrick)}
    return {
        "name": evidence.texts[treatment]["name"],
        "marks": told[_MARKS],
        "lead": lead,
        "more": evidence.texts[treatment]["watch_for"] if treatment == NO_TREATMENT else "",
        "rows": rows,
        "unknown": ", ".join(unknown),
        "sources": Markup(sources.cite_harms(found | marks)),
    }


def _bar(harm: Estimate) -> Markup:
    """A share of 100 as a bar: dark up to the usual figure (else the lowest), light up to the highest."""
    harm = honest(harm)
    dark = harm.typical if math.isfinite(harm.typical) else harm.low if math.isfinite(harm.low) else 0.0
    light = max(harm.high, dark) if math.isfinite(harm.high) else dark
    return Markup(
        '<svg class="of100" aria-hidden="true" viewBox="0 0 102 10" preserveAspectRatio="none">'
        f'<rect x="1" y="1" width="{light:.1f}" height="8" fill="currentColor" opacity=".35"/>'
        f'<rect x="1" y="1" width="{dark:.1f}" height="8" fill="currentColor"/>'
        '<rect x=".5" y=".5" width="101" height="9" fill="none" stroke="currentColor" stroke-width=".7"/></svg>'
    )


def _grave(planned: Sequence[str], evidence: Evidence) -> list[str]:
    """What sources call grave of what is planned, but for what was looked for and not seen."""
    return list(
        dict.fromkeys(
            evidence.tables.label("adverse_event", event)
            for treatment in planned
            for event, harm in evidence.harms(treatment).items()
            if event in GRAVE_HARMS and harm.high != 0
        )
    )


# What is not known, and what to ask


def _holes(client: Client, treatments: Sequence[str], evidence: Evidence) -> list[tuple[str, str, str]]:
    """What no source says: (what, the question to ask, of which treatments)."""
    found = []
    for what, question, known in _ASKED:
        missing = [treatment for treatment in treatments if not known(client, treatment, evidence)]
        if missing:
            found.append((what, question, listed([evidence.texts[treatment]["name"] for treatment in missing])))
    return found


def _figure(name: str) -> Callable[[Client, str, Evidence], bool]:
    return lambda client, treatment, evidence: (
        treatment == NO_TREATMENT or evidence.number(treatment, name).known or _at_home(name, treatment, evidence)
    )


def _at_home(name: str, treatment: str, evidence: Evidence) -> bool:
    """Whether the question is none, as there are no visits."""
    return name in ("sessions", "interval_weeks") and evidence.setting(treatment).level == "home"


_ASKED: tuple[tuple[str, str, Callable[[Client, str, Evidence], bool]], ...] = (
    (
        "how often some or all of the harms happen",
        "How often have you seen each thing that can go wrong?",
        lambda client, treatment, evidence: (
            bool(evidence.harms(treatment)) and all(harm.known for harm in evidence.harms(treatment).values())
        ),
    ),
    (
        "how often dark marks (PIH) come in skin like yours",
        "How often do you see dark marks in skin like mine?",
        lambda client, treatment, evidence: (
            treatment == NO_TREATMENT or evidence.pih(treatment, client.fitzpatrick).known
        ),
    ),
    (
        "how much each of your kinds of scar improves",
        "How much better will each kind of my scars get, in your own cases?",
        lambda client, treatment, evidence: all(
            evidence.improvement(treatment, scar, traits_of(client)).known for scar in client.scars
        ),
    ),
    ("when you see the result", "When will I see the result?", _figure("onset_weeks")),
    ("how long the result lasts", "How long will the result last?", _figure("durability_months")),
    ("how many visits it takes", "How many visits will I need?", _figure("sessions")),
    ("how far apart the visits are", "How far apart are the visits?", _figure("interval_weeks")),
    ("how many days off you need", "How many days off will I need?", _figure("downtime_days")),
    ("how long the skin stays red", "How long will my skin stay red?", _figure("erythema_days")),
    ("how much it hurts", "How much does it hurt, and what do you do for the pain?", _figure("pain_vas")),
    (
        "what it costs",
        "What does it cost in all, with more visits too?",
        lambda client, treatment, evidence: treatment == NO_TREATMENT or evidence.course_cost(treatment).known,
    ),
    (
        "what to do afterwards",
        "What should I do and not do after each visit, and for how long?",
        lambda client, treatment, evidence: treatment == NO_TREATMENT or bool(evidence.about(treatment, "aftercare")),
    ),
    (
        "who may do it",
        "Who may do this where I live?",
        lambda client, treatment, evidence: treatment == NO_TREATMENT or bool(evidence.setting(treatment).level),
    ),
)
_ALWAYS = (
    "Who will treat me, and how often have you treated scars and skin like mine?",
    "What do I gain if I wait, or do nothing?",
    "Whom do I call if something worries me, at night too?",
)


def _questions(client: Client, plan: Plan | None, evidence: Evidence) -> list[str]:
    """What always matters, then the client's health, then what this plan leaves open."""
    asked = list(_ALWAYS)
    if client.conditions:
        named = [evidence.concerns[condition][0] for condition in sorted(client.conditions)]
        asked.append(f"What does my health mean for this: {'; '.join(named)}?")
    if plan and plan.order and (client.fitzpatrick is None or client.fitzpatrick in DARKER):
        asked.append("How do you prevent dark marks (PIH), and what if they come?")
    if plan and plan.order and evidence.tables.menu is None and not plan.cost.not_known:
        asked.append("What is your price for all of it, and for more visits?")
    if plan and plan.conflicts:
        asked.append("What do you say to what does not fit or needs asking?")
    if plan and plan.pairs["assumed"].any():
        asked.append("How far apart do you put these treatments, and why?")
    return asked


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """{names of treatments: what is said of just these}."""
    found: dict[str, list[str]] = {}
    for names, what in pairs:
        found.setdefault(names, []).append(what)
    return found
