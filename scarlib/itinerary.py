"""A dated plan as HTML: visits, days off, care, results, cost, what does not fit, and a picture of it all.

Nothing is worked out here. Every function gives safe HTML, and empty text where there is nothing to tell. Where a part
cites, `cite` turns source ids into safe HTML; without it, the sources stand folded beside what they say.
"""

import math
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from html import escape
from itertools import groupby
from typing import Any

import pandas as pd

from scarlib.citations import source_list
from scarlib.evidence import Estimate, Evidence
from scarlib.phrases import NOT_KNOWN, count, few, honest, spoken
from scarlib.planning import MONTHS, Plan, spoken_date
from scarlib.screening import dollars, listed

Cite = Callable[[Iterable[str]], str]
_TERM = re.compile(r" \([^()]*\)$")
_MOST_TICKS = 5  # months that are named below the picture, so that they do not touch on a phone


def between(first: date, last: date, to: str = "to") -> str:
    """Two days as one stretch: "3 to 10 March 2027", "28 April to 5 May 2027"."""
    if first == last:
        return spoken_date(first)
    start = spoken_date(first)
    if first.year == last.year:
        start = start.removesuffix(f" {first.year}")
        if first.month == last.month:
            start = f"{first.day}"
    return f"{start} {to} {spoken_date(last)}"


def summary(plan: Plan) -> str:
    """The plan in one sentence: how many visits, from when to when, for what."""
    parts = [_times(plan, treatment, name) for treatment, name in _visited(plan).items()]
    home = listed(plan.home["name"].tolist()) if len(plan.home) else ""
    at_home = f"{home} at home from {spoken_date(plan.start)}" if home else ""
    if not parts:
        return escape(f"No visits: {at_home}." if home else "No visit is planned.")
    days = _dates(plan.visits["date_planned"])
    number = plan.visits["visit"].nunique()
    when = f"{number} visits from {between(days[0], days[-1])}" if number > 1 else f"1 visit on {spoken_date(days[0])}"
    last, most = plan.last_at_most, plan.visits_at_most
    more = f"up to {most} visits, " if most > number else ""
    late = f", or {more}as late as {spoken_date(last)}" if last and last > days[-1] else ""
    return escape(f"{when}{late}: {listed(parts)}{f'; {at_home}' if home else ''}.")


def unsettled(plan: Plan, evidence: Evidence, *, today: date) -> str:
    """What of the plan is ruled out for this client as things stand, in one sentence that goes before its dates; and
    from which first visit on a wait would be kept, if what it counts from is over on `today`."""
    if not plan.unsettled:
        return ""
    out = [
        f"{evidence.texts[treatment]['name']} ({evidence.tables.label('verdict', plan.verdicts[treatment][0]).lower()})"
        for treatment in plan.unsettled
    ]
    said = f"Not settled. As things stand, this is ruled out for you: {listed(out)}. Book nothing yet."
    return escape(f"{said} {_kept_waits(plan, today)}".strip())


def _kept_waits(plan: Plan, today: date) -> str:
    """Whether the waits are kept if they count from `today`; empty text where more than a known wait is in the way."""
    first = _waited(plan, today)
    if first is None:
        return ""
    if first <= plan.start:
        return "These dates leave time for the wait, if what it counts from is over today. Ask."
    day = spoken_date(first)
    return f"If what the wait counts from is over today, a first visit on {day} or later leaves time for it. Ask."


def _waited(plan: Plan, today: date) -> date | None:
    """The first visit from which on all waits are kept if they count from `today`, or the plan's own where it keeps
    them; None where nothing is waited for, or more than a known wait is in the way."""
    short = []
    for treatment in plan.unsettled:
        verdict, reasons = plan.verdicts[treatment]
        weeks = [reason.weeks for reason in reasons if reason.level == "defer"]
        if verdict != "defer" or any(map(math.isnan, weeks)):
            return None
        mine = plan.visits.loc[plan.visits["treatment_id"] == treatment, "date_earliest"]
        first = mine.min().date() if len(mine) else plan.start
        short.append((today - first).days + math.ceil(7 * max(weeks)))
    if not short:
        return None
    return plan.start if max(short) <= 0 else max(plan.start + timedelta(days=max(short)), today)


def visits_table(plan: Plan) -> str:
    """Each session with its planned day, the days between which it may fall, and the days to keep free after it, at
    most; what is used at home below."""
    home = "".join(
        f"<p>{escape(name)}: from {spoken_date(day.date())}. {escape(note)}</p>"
        for name, day, note in zip(plan.home["name"], plan.home["from"], plan.home["note"], strict=True)
    )
    rows = []
    for row, off in zip(plan.visits.to_dict("records"), plan.downtime.to_dict("records"), strict=True):
        earliest, planned, latest = (row[f"date_{end}"].date() for end in ("earliest", "planned", "latest"))
        stretch = "on that day" if earliest == latest else between(earliest, latest)
        note = f"<br><small>{escape(row['note'])}</small>" if row["note"] and row["session"] == 1 else ""
        whole = row["name"] if row["session"] == 1 else _TERM.sub("", row["name"])  # the term in brackets once
        name = f"{escape(whole)}, <small>{_session(row)}</small>{note}"
        rows.append((str(row["visit"]), f"<strong>{spoken_date(planned)}</strong>", stretch, name, _free(off)))
    return (
        _table(
            "visits",
            "Visits",
            ("Visit", "Planned for", "It may fall", "What is done (session)", "Days off, at most"),
            rows,
        )
        + home
    )


def downtime_table(plan: Plan, evidence: Evidence, cite: Cite | None = None) -> str:
    """Days off and days of redness after each visit of a treatment, and the days to keep free, at most."""
    rows = []
    for treatment, name in _visited(plan).items():
        mine = plan.downtime[plan.downtime["treatment_id"] == treatment]
        off, red = (honest(evidence.number(treatment, what)) for what in ("downtime_days", "erythema_days"))
        told = f"{_sure(spoken(off, count), off)} {_cited(mine['source_ids'].iloc[0], cite, evidence)}"
        redness = f"{_sure(spoken(red, count), red)} {_cited(red.sources, cite, evidence)}"
        stretches = dict.fromkeys(_free(off) for off in mine.to_dict("records"))
        rows.append((escape(name), told, redness, ", ".join(stretches)))
    return _table(
        "off", "Days off", ("After each visit", "Days off", "Days the skin stays red", "Keep free, at most"), rows
    )


def results_table(plan: Plan, evidence: Evidence, cite: Cite | None = None) -> str:
    """When the result of each treatment can be judged: a date to look, no promise."""
    names, rows = _names(plan), []
    for row in plan.results.to_dict("records"):
        onset = evidence.number(row["treatment_id"], "onset_weeks")
        last = row["last_session"]
        begin = f"at home from {spoken_date(plan.start)}" if pd.isna(last) else spoken_date(last.date())
        look = f"{_sure(_judged(row), onset)} {_cited(row['source_ids'], cite, evidence)}"
        rows.append((escape(names[row["treatment_id"]]), begin, look))
    return _table("judged", "When to judge the result", ("Treatment", "Last visit", "Judge the result"), rows)


def aftercare_list(plan: Plan, cite: Cite | None = None) -> str:
    """What to do and to avoid until when, treatment by treatment; dates stand in the order of the visits."""
    days = dict(zip(plan.visits["visit"], _dates(plan.visits["date_planned"]), strict=True))
    visited, told = _visited(plan), []
    for treatment, name in _names(plan).items():
        mine = plan.aftercare[plan.aftercare["treatment_id"] == treatment]
        when = (
            f"visits on {_days(_planned(plan, treatment))}"
            if treatment in visited
            else f"at home from {spoken_date(plan.start)}"
        )
        head = f"<strong>{escape(name)}</strong> <small>({when})</small>"
        if mine.empty:
            told.append(f"<p>{head}: what to do afterwards is {NOT_KNOWN}. Ask the clinic.</p>")
            continue
        lines: dict[tuple[date, str], tuple[list[str], list[str]]] = {}
        alike: dict[str, list[dict[Hashable, Any]]] = {}
        for row in mine.to_dict("records"):
            alike.setdefault(row["what"], []).append(row)
        for same in alike.values():
            first = same[0]
            note = f" <small>({escape(first['note'])})</small>" if first["note"] else ""
            at = [plan.start if pd.isna(row["visit"]) else days[row["visit"]] for row in same]
            things, sources = lines.setdefault(_when(same, at), ([], []))
            things.append(f"{escape(first['label'])}{note}")
            sources += first["source_ids"]
        items = "".join(
            f"<li><b>{words}:</b> {'; '.join(things)}. {cite(sources) if cite else ''}</li>"
            for (_, words), (things, sources) in sorted(lines.items())
        )
        told.append(f"<p>{head}</p><ul>{items}</ul>")
    return f'<div class="aftercare">{"".join(f"<div>{part}</div>" for part in told)}</div>' if told else ""


def cost_words(plan: Plan) -> str:
    """The whole course in US dollars, low to high, and which part of it is not known."""
    cost = plan.cost
    if not plan.order:
        return "Nothing is planned, so nothing is to pay."
    missing = escape(" ".join(cost.not_known))
    if math.isnan(cost.low):
        return f"The cost is {NOT_KNOWN}. {missing}".strip()
    low, typical, high = (dollars(end) for end in (cost.low, cost.typical, cost.high))
    ends = low if low == high else f"{low} to {high}, usually {typical}"
    return f"At least {ends}. Part of it is {NOT_KNOWN}. {missing}" if missing else f"About {ends} in all."


def order_list(plan: Plan, evidence: Evidence, cite: Cite | None = None) -> str:
    """Which treatment comes first and how far apart they are, by whose word, and what is our own assumption."""
    items = "".join(
        f"<li>{escape(text)} {_cited(ids, cite, evidence)}</li>"
        for text, ids in zip(plan.pairs["text"], plan.pairs["source_ids"], strict=True)
    )
    return f'<ul class="order">{items}</ul>' if items else ""


def overdue(plan: Plan, today: date) -> list[str]:
    """What of the plan would have to happen before `today`, in sentences."""
    if not plan.order:
        return []
    said = []
    if plan.start < today:
        said.append(f"The first visit, {spoken_date(plan.start)}, lies in the past. Choose a later day.")
    care = plan.aftercare.dropna(subset=["from"])
    first = care[(care["from"] < pd.Timestamp(plan.start)) & (care["from"] < pd.Timestamp(today))]
    if len(first):
        begin = first["from"].min().date()
        things = listed(list(dict.fromkeys(first["label"])))
        said.append(
            f"Before the visits comes {things}, here from {spoken_date(begin)}, which is over. "
            f"A first visit on {_in_time(plan, begin, today)} or later leaves time for it."
        )
    for by in (conflict.by for conflict in plan.conflicts if conflict.by and conflict.by < today):
        said.append(
            f"The skin test had to be done by {spoken_date(by)}, which is over. If yours is not done, a first visit on "
            f"{_in_time(plan, by, today)} or later leaves time for it."
        )
    return said


def _in_time(plan: Plan, due: date, today: date) -> str:
    """The first visit from which on what was due on a day that is over would be due today or later."""
    return spoken_date(max(plan.start, today) + (min(plan.start, today) - due))


def conflicts_list(plan: Plan, evidence: Evidence, cite: Cite | None = None, *, today: date) -> str:
    """What does not fit or needs asking, as seen from `today`, with its sources."""
    items = "".join(f"<li>{escape(text)}</li>" for text in overdue(plan, today))
    items += "".join(
        f"<li>{escape(conflict.text)} {_cited(conflict.source_ids, cite, evidence)}</li>" for conflict in plan.conflicts
    )
    return f'<ul class="conflicts">{items}</ul>' if items else ""


def left_out_list(plan: Plan, evidence: Evidence, cite: Cite | None = None) -> str:
    """What was asked for and is not planned, and why."""
    items = "".join(
        f"<li><strong>{escape(evidence.texts[treatment]['name'])}</strong>: "
        + " ".join(f"{escape(reason.text)} {_cited(reason.source_ids, cite, evidence)}" for reason in reasons)
        + "</li>"
        for treatment, reasons in plan.left_out.items()
    )
    return f'<ul class="left-out">{items}</ul>' if items else ""


def ready_words(plan: Plan, *, today: date) -> str:
    """Whether all is done and healed by the day asked for, as seen from `today`; no promise of a result."""
    ready = plan.ready
    if ready is None:
        return ""
    head, *lines = escape(ready.text).split("\n")
    first = _waited(plan, today)
    if first and ready.done_typical and (last := ready.by - (ready.done_typical - plan.start)) < first:
        lines.insert(
            0,
            f"If the wait counts from today, no: the first visit is on {spoken_date(first)} or later then, and on "
            f"{spoken_date(last)} at the latest to be done in time.",
        )
    return f"<strong>{head}</strong><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"


def timeline_svg(plan: Plan) -> str:
    """The plan as a figure: a lane a treatment with its visits, days off and when its result can be judged.

    Drawn in the colour of the text, in per cent of the width and in sizes that do not shrink, so that it reads on a
    phone, on paper, and in black and white. The sentence of `summary` describes it; show it beside the picture.
    """
    if not plan.order:
        return ""
    names, off, results = _names(plan), plan.downtime, plan.results
    off = off.assign(until=off["until_at_most"].fillna(off["until_typical"])).dropna(subset=["until"])
    shown = [*_dates(plan.visits["date_latest"]), *_dates(off["until"])]
    shown += [day for end in ("earliest", "typical", "latest") for day in _dates(results[end].dropna())]
    shown += [plan.ready.by] if plan.ready else []
    end = max([*shown, plan.start + timedelta(days=28)])
    top = 18 if plan.ready else 0

    def x(day: date) -> str:
        return f"{5 + 90 * (day - plan.start).days / (end - plan.start).days:.2f}%"

    drawn = []
    for lane, (treatment, name) in enumerate(names.items()):
        y = top + 30 * lane
        drawn.append(f'<text x="0" y="{y + 10}">{escape(_lane(plan, treatment, name))}</text>')
        drawn += _drawn(plan, treatment, off[off["treatment_id"] == treatment], x, y + 21)
    foot = top + 30 * len(names) + 3
    drawn.append(f'<line x1="5%" x2="95%" y1="{foot}" y2="{foot}" stroke="currentColor" stroke-width="1"/>')
    year = None
    for day in _ticks(plan.start, end):
        drawn.append(f'<line x1="{x(day)}" x2="{x(day)}" y1="{foot}" y2="{foot + 4}" stroke="currentColor"/>')
        drawn.append(f'<text x="{x(day)}" y="{foot + 16}" text-anchor="middle">{MONTHS[day.month - 1]}</text>')
        if day.year != year:
            drawn.append(f'<text x="{x(day)}" y="{foot + 29}" text-anchor="middle">{day.year}</text>')
        year = day.year
    if plan.ready:
        at = (plan.ready.by - plan.start) / (end - plan.start)
        anchor = "start" if at < 1 / 3 else "end" if at > 2 / 3 else "middle"
        drawn.append(
            f'<line x1="{x(plan.ready.by)}" x2="{x(plan.ready.by)}" y1="14" y2="{foot}" stroke="currentColor" '
            f'stroke-dasharray="5 3"/><text x="{x(plan.ready.by)}" y="10" text-anchor="{anchor}">'
            f"to be done by {spoken_date(plan.ready.by)}</text>"
        )
    key = "".join(f"<li>{_sign(shape)} {words}</li>" for shape, words in _KEY)
    return (
        f'<figure class="timeline"><svg role="img" aria-label="{summary(plan)}" width="100%" height="{foot + 31}" '
        f'overflow="visible" font-size="12" fill="currentColor">{"".join(drawn)}</svg>'
        f"<figcaption><ul>{key}</ul>{_not_drawn(plan)}</figcaption></figure>"
    )


_VISIT = '<rect x="-1.5" y="-8" width="3" height="16"/>'
_JUDGED = '<path d="M0,-5 L5,0 L0,5 L-5,0Z" fill="none" stroke="currentColor" stroke-width="1.5"/>'
_KEY = (
    (_VISIT, "a visit"),
    ('<rect x="-9" y="-5" width="18" height="10" opacity=".3"/>', "days off, at most"),
    (
        '<line x1="-9" x2="9" stroke="currentColor" stroke-width="1.5" stroke-dasharray="2 3"/>',
        "visits may run as late",
    ),
    (_JUDGED, "the result can be judged"),
)


def _sign(shape: str) -> str:
    return (
        '<svg aria-hidden="true" width="20" height="16" viewBox="-10 -8 20 16" fill="currentColor">' + shape + "</svg>"
    )


def _drawn(plan: Plan, treatment: str, off: pd.DataFrame, x: Callable[[date], str], y: int) -> Iterable[str]:
    """One lane, around the height y."""

    def line(first: date, last: date, dots: str = "") -> str:
        dashes = f' stroke-width="1.5" stroke-dasharray="{dots}"' if dots else ""
        return f'<line x1="{x(first)}" x2="{x(last)}" y1="{y}" y2="{y}" stroke="currentColor"{dashes}/>'

    def mark(day: date, shape: str) -> str:
        return f'<svg x="{x(day)}" y="{y}" overflow="visible">{shape}</svg>'

    mine = plan.visits[plan.visits["treatment_id"] == treatment]
    for first, last in zip(_dates(off["from"]), _dates(off["until"]), strict=True):
        width = float(x(last)[:-1]) - float(x(first)[:-1])
        yield f'<rect x="{x(first)}" y="{y - 5}" width="{width:.2f}%" height="10" opacity=".3"/>'
    if len(mine):
        planned, latest = _dates(mine["date_planned"]), _dates(mine["date_latest"])
        yield line(planned[0], planned[-1])
        yield line(planned[-1], latest[-1], "2 3")
        yield from (mark(day, _VISIT) for day in planned)
    (result,) = plan.results[plan.results["treatment_id"] == treatment].to_dict("records")
    ends = [result[end].date() for end in ("earliest", "typical", "latest") if pd.notna(result[end])]
    if ends:
        yield line(ends[0], ends[-1])
        yield from (mark(day, _JUDGED) for day in dict.fromkeys((ends[0], ends[-1])))


def _lane(plan: Plan, treatment: str, name: str) -> str:
    numbers = plan.visits.loc[plan.visits["treatment_id"] == treatment, "visit"].tolist()
    if not numbers:
        return f"{name}: at home"
    if len(numbers) == 1:
        return f"{name}: visit {numbers[0]}"
    runs = numbers == list(range(numbers[0], numbers[-1] + 1))
    return f"{name}: visits {f'{numbers[0]} to {numbers[-1]}' if runs else listed([str(n) for n in numbers])}"


def _not_drawn(plan: Plan) -> str:
    """What the picture cannot show, as it is not known."""
    open_off = set(plan.downtime.loc[plan.downtime["until_at_most"].isna(), "treatment_id"])
    open_results = set(plan.results.loc[plan.results["latest"].isna(), "treatment_id"])
    names = _names(plan)
    parts = [
        f"{what} ({listed([name for treatment, name in names.items() if treatment in missing])})"
        for what, missing in (("how many days off", open_off), ("when at the latest to judge", open_results))
        if missing
    ]
    return f"<p>Not drawn, as it is {NOT_KNOWN}: {escape('; '.join(parts))}.</p>" if parts else ""


def _ticks(first: date, last: date) -> list[date]:
    """First days of months, evenly spaced, of which no more than `_MOST_TICKS` lie between the two days."""
    months = [date(m // 12, m % 12 + 1, 1) for m in range(first.year * 12 + first.month, last.year * 12 + last.month)]
    step = next(s for s in (1, 2, 3, 4, 6, 12, 24, 48, 96) if len(months[::s]) <= _MOST_TICKS)
    return months[::step]


def _when(rows: Sequence[Mapping[Hashable, Any]], visits: Sequence[date]) -> tuple[date, str]:
    """When one thing of aftercare holds, by visit, in words; and a day to order by."""
    first, until = rows[0]["from"], rows[0]["until"]
    begins = [row["from"] for row in rows]
    ends = [] if pd.isna(until) else _dates(row["until"] for row in rows)
    before = ends == list(visits)
    if rows[0]["level"] == "allowed":
        return first.date(), f"Allowed from {_days(_dates(begins))}"
    if rows[0]["what"] == "winter_timing":
        return date.min, "Time of year"
    if before and pd.isna(first):
        return date.min, f"Before each visit, from when is {NOT_KNOWN}"
    if before:
        spans = [between(start, end) for start, end in zip(_dates(begins), ends, strict=True)]
        return first.date(), f"Before each visit, {', '.join(spans)}"
    if pd.isna(first):
        end = f"until {_days(ends)}" if ends else f"for how long is {NOT_KNOWN}"
        return date.min, f"Before and after each visit, from when is {NOT_KNOWN}, {end}"
    if not ends:
        return date.max, f"From the day on, for how long is {NOT_KNOWN}"
    longer = " or longer" if rows[0]["until_at_least"] else ""
    return ends[0], f"{'After each visit, until' if len(ends) > 1 else 'Until'} {_days(ends)}{longer}"


def _free(off: Mapping[Hashable, Any]) -> str:
    """The days to keep free after one session, as far as known."""
    start, usual, most = off["from"], off["until_typical"], off["until_at_most"]
    if pd.notna(most):
        return "none" if most == start else between(start.date(), most.date())
    if pd.isna(usual):
        return NOT_KNOWN
    return f"{between(start.date(), usual.date())} or longer, how much is {NOT_KNOWN}"


def _sure(words: str, estimate: Estimate) -> str:
    """The words, with a warning where few people stand behind them."""
    return f"{words}.{few(estimate)}" if few(estimate) else words


def _judged(row: Mapping[Hashable, Any]) -> str:
    known = {end: row[end].date() for end in ("earliest", "typical", "latest") if pd.notna(row[end])}
    if not known:
        return NOT_KNOWN
    first, last = known.get("earliest"), known.get("latest")
    if first and last:
        return f"{'on' if first == last else 'from'} {between(first, last)}"
    if first:
        return f"from {spoken_date(first)}, at the latest {NOT_KNOWN}"
    return f"by {spoken_date(last or known['typical'])}, at the earliest {NOT_KNOWN}"


def _session(row: Mapping[Hashable, Any]) -> str:
    """Which session of how many; between how many it may be stands with the first."""
    if pd.isna(row["sessions"]):
        return f"{row['session']}, of how many is {NOT_KNOWN}"
    few_, most = row["sessions_low"], row["sessions_high"]
    spread = "" if few_ == most or row["session"] > 1 else f" ({few_} to {most})"
    return f"{row['session']} of {row['sessions']}{spread}"


def _times(plan: Plan, treatment: str, name: str) -> str:
    mine = plan.visits[plan.visits["treatment_id"] == treatment]
    if mine["sessions"].isna().any():
        return f"{name}, how many times is not known"
    return f"{name} {'once' if len(mine) == 1 else f'{len(mine)} times'}"


def _visited(plan: Plan) -> dict[str, str]:
    """{treatment: its name} of what is done in visits, in order."""
    return dict(zip(plan.visits["treatment_id"], plan.visits["name"], strict=True))


def _names(plan: Plan) -> dict[str, str]:
    found = _visited(plan) | dict(zip(plan.home["treatment_id"], plan.home["name"], strict=True))
    return {treatment: found[treatment] for treatment in plan.order}


def _planned(plan: Plan, treatment: str) -> list[date]:
    return _dates(plan.visits.loc[plan.visits["treatment_id"] == treatment, "date_planned"])


def _dates(days: Iterable[pd.Timestamp]) -> list[date]:
    return [day.date() for day in days]


def _days(days: Sequence[date]) -> str:
    """Several days, each year named once: "3 March, 31 March and 28 April 2027"."""
    years = [list(group) for _, group in groupby(days, key=lambda day: day.year)]
    told = [listed([f"{day.day} {MONTHS[day.month - 1]}" for day in year]) + f" {year[0].year}" for year in years]
    return ", and ".join(filter(None, [", ".join(told[:-1]), told[-1]]))


def _cited(ids: Iterable[str], cite: Cite | None, evidence: Evidence) -> str:
    if cite:
        return cite(ids)
    found = source_list(evidence.tables, ids)
    return f"<details><summary>Sources</summary>{found}</details>" if found else ""


def _table(name: str, caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells carry their head in `data-label`, for a page that stacks them on a phone. The roles keep it a
    table for a screen reader when they are stacked."""
    if not rows:
        return ""
    top = "".join(f'<th scope="col" role="columnheader">{head}</th>' for head in heads)
    body = "".join(
        '<tr role="row">'
        + f'<th scope="row" role="rowheader" data-label="{heads[0]}">{cells[0]}</th>'
        + "".join(
            f'<td role="cell" data-label="{name}">{cell}</td>' for name, cell in zip(heads[1:], cells[1:], strict=True)
        )
        + "</tr>"
        for cells in rows
    )
    return (
        f'<table class="itinerary {name}" role="table"><caption>{caption}</caption>'
        f'<thead role="rowgroup"><tr role="row">{top}</tr></thead><tbody role="rowgroup">{body}</tbody></table>'
    )
