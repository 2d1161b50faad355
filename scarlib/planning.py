"""Chosen treatments -> one dated course: visits, days off, care, cost, conflicts, and whether it is over by a date.

Order and spacing come from `combination` rows, numbers from the pooled evidence. Every date is known in three readings:
low (fewest sessions, shortest waits), typical, high (most sessions, longest waits). Rules:

- Order: a treatment that a source puts first has its whole course first. Where sources contradict each other the better
  tier decides, then the caller's order.
- Spacing: every row is kept, the longest wait decides, whatever its tier (as for safety in `evidence`). A row on a whole
  group of treatments gives way only where the same source allows this very pair in one visit.
- One visit is shared only where a source names both treatments. "Several devices in one session", said of a group,
  is told but not planned. With an order, the last session of the first shares a visit with the first of the second.
- Our assumptions, marked as such: where no row speaks of a pair, the longer of the two treatments' own interval, days
  off and redness; days off and redness also where only a group row gives the weeks; where a treatment's own interval is
  not known, the longest usual interval of any treatment in the tables.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import NamedTuple

import pandas as pd

from scarlib.client import INDENTED, Client
from scarlib.errors import ClientError
from scarlib.evidence import Claim, Estimate, Evidence
from scarlib.screening import NO_TREATMENT, Reason, listed, screen_one

LOW, TYPICAL, HIGH = 0, 1, 2
YEARS = (2000, 2200)
# What the groups that sources speak of stand for, beyond the families of treatments.csv.
_NEEDLING = frozenset({"microneedling", "microneedling_prp", "rf_microneedling"})
# rf_microneedling is in: the maker's row says "after light, laser or RF", and the longer wait is the safer reading.
_NONABLATIVE = frozenset(
    {"laser_nonablative_fractional", "laser_picosecond", "laser_ndyag_nonablative", "laser_pdl", "rf_nonablative",
     "rf_microneedling"}
)  # fmt: skip
_BEFORE = ("hydroquinone_priming", "peel_or_toning_priming", "winter_timing")
_AROUND = ("antiviral",)  # both sources start it before the visit, neither as a figure
_TIERS = {1: "a guideline or pooled trials", 2: "a trial", 3: "a small study, review or label", 4: "a web page"}


@dataclass(frozen=True)
class Conflict:
    """Something that does not fit, or needs asking, in plain words: the treatments and sources it speaks of."""

    text: str
    treatments: tuple[str, ...]
    source_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cost:
    """US dollars for the whole plan; NaN = nothing known. Each line of `not_known` names a part that is missing or
    is only "at least": while there is one, the sums are lower bounds."""

    low: float
    typical: float
    high: float
    not_known: tuple[str, ...]


@dataclass(frozen=True)
class Ready:
    """Whether every visit is done and healed by a date, in the typical and in the cautious (high) reading.

    typical, cautious            True, False, or None where healing is not known
    done_typical, done_cautious  the day when visits, days off and redness are over as far as known; None = no visits
    drop_typical, drop_cautious  {treatment: sessions left (0 = none)}: the least to give up so that it fits
    text                         all of it in plain words; never a promise of a result
    """

    by: date
    typical: bool | None
    cautious: bool | None
    done_typical: date | None
    done_cautious: date | None
    drop_typical: Mapping[str, int]
    drop_cautious: Mapping[str, int]
    text: str


@dataclass(frozen=True, eq=False)
class Plan:
    """A dated course. In the frames NaT / NaN / <NA> = not known; dates are days without a time; one row each:

    visits     session: visit (number), treatment_id, name, session, sessions (<NA>: number not known), sessions_low,
               sessions_high, date_earliest, date_planned, date_latest, note; in order of date_planned
    home       course at home: treatment_id, name, from, note
    pairs      pair: first, second, shared (a visit), weeks_low, weeks_typical, weeks_high, assumed, text, source_ids
    downtime   window off: visit, treatment_id, from, until_typical, until_at_most, said, source_ids
    aftercare  thing to do: visit (<NA>: at home), treatment_id, what, label, level (advised, allowed), from, until,
               until_at_least (may be longer), note, source_ids
    results    treatment: treatment_id, last_session, earliest, typical, latest (when to judge it), said, source_ids
    left_out   {treatment: why it is never planned};  verdicts  {treatment: (verdict, every reason)}, see `screening`
    """

    start: date
    order: tuple[str, ...]
    visits: pd.DataFrame
    home: pd.DataFrame
    pairs: pd.DataFrame
    downtime: pd.DataFrame
    aftercare: pd.DataFrame
    results: pd.DataFrame
    cost: Cost
    conflicts: tuple[Conflict, ...]
    left_out: Mapping[str, tuple[Reason, ...]]
    verdicts: Mapping[str, tuple[str, tuple[Reason, ...]]]
    ready: Ready | None = None


class _Days(NamedTuple):
    low: int
    typical: int
    high: int


class _Course(NamedTuple):
    """One treatment: sessions and days between them in each reading, days until healed (NaN: not known), and the
    days to keep from another treatment where no source says."""

    name: str
    home: bool
    sessions: _Days
    counted: bool
    interval: _Days
    interval_known: bool
    healed: tuple[float, float, float]
    rest: _Days


class _Pair(NamedTuple):
    before: str = ""  # which comes first, "" = either
    shared: bool = False
    days: _Days = _Days(0, 0, 0)
    most: float = math.nan  # days, where a source that orders the two names a longest wait
    assumed: bool = False
    text: str = ""
    sources: tuple[str, ...] = ()
    conflicts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    avoid: tuple[str, ...] = ()  # sources


def plan(
    client: Client, treatments: Sequence[str], evidence: Evidence, start: date, ready_by: date | None = None
) -> Plan:
    """These treatments, in the order that the evidence supports, dated from `start` (the first visit).

    What must be avoided goes to `left_out`; every other verdict of screening is planned and named in `conflicts`.
    Raises ClientError naming each faulty argument: no treatment, an unknown or repeated id, no_treatment, a start or
    ready_by that is not a date, ready_by before start.
    """
    _check(treatments, evidence, start, ready_by)
    verdicts = {treatment: screen_one(treatment, client, evidence) for treatment in treatments}
    left_out = {
        treatment: tuple(reason for reason in reasons if reason.level == "avoid")
        for treatment, (verdict, reasons) in verdicts.items()
        if verdict == "avoid"
    }
    conflicts = [
        Conflict(f"{evidence.texts[treatment]['name']}: {reason.text}", (treatment,), reason.source_ids)
        for treatment, (_, reasons) in verdicts.items()
        for reason in reasons
        if reason.level != "suitable"
    ]
    kept = [treatment for treatment in treatments if treatment not in left_out]
    courses = {treatment: _course(treatment, evidence) for treatment in kept}
    pairs: dict[frozenset[str], _Pair] = {}
    for first, second in combinations(kept, 2):
        if first in left_out or second in left_out:
            continue
        pair = _pair(first, second, client, evidence, courses)
        pairs[frozenset((first, second))] = pair
        conflicts += [Conflict(text, (first, second), sources) for text, sources in pair.conflicts]
        if pair.avoid:
            text = f"Sources say not to join it with {courses[first].name}. Ask which of the two to choose."
            left_out[second] = (Reason(text, pair.avoid, "avoid", f"treatment:{first}"),)
            conflicts.append(Conflict(f"{courses[second].name}: {text}", (first, second), pair.avoid))
    order, rings = _order([treatment for treatment in kept if treatment not in left_out], pairs)
    visited = [treatment for treatment in order if not courses[treatment].home]
    visits = _visits(visited, courses, pairs, start)
    home = _frame(
        ((t, courses[t].name, start, "Used at home, not in visits. How long is not known: ask.")
         for t in order if courses[t].home),
        {"treatment_id": "str", "name": "str", "from": _DATE, "note": "str"},
    )  # fmt: skip
    aftercare = _aftercare(visits, home, client, evidence)
    downtime = _downtime(visits, evidence)
    cost = _cost(order, courses, evidence)
    conflicts += [*rings, *_late(visits, pairs), *_retinoids(home, aftercare, courses)]
    conflicts += _over_limits(client, visits, downtime, cost, visited, courses, pairs)
    return Plan(
        start,
        tuple(order),
        visits,
        home,
        _pair_frame(order, pairs, courses),
        downtime,
        aftercare,
        _results(order, visits, start, evidence),
        cost,
        tuple(conflicts),
        left_out,
        verdicts,
        None if ready_by is None else _ready(visited, courses, pairs, start, ready_by),
    )


def to_ics(plan: Plan) -> bytes:
    """The visits as an iCalendar file: one all-day event a visit, its range in the description, no person's name."""
    from icalendar import Calendar, Event  # 0.15 s: only where a calendar is asked for

    calendar = Calendar()
    calendar.add("prodid", "-//scarlib//plan//EN")
    calendar.add("version", "2.0")
    for (number, day), rows in plan.visits.groupby(["visit", "date_planned"]):
        lines = [
            f"{row.name}: {_session_words(row.session, row.sessions)}, between {row.date_earliest:%Y-%m-%d} "
            f"and {row.date_latest:%Y-%m-%d}. {row.note}".strip()
            for row in rows.itertuples(index=False)
        ]
        event = Event()
        event.add("uid", f"{plan.start:%Y%m%d}-{number}-{'-'.join(rows['treatment_id'])}@scarlib")
        event.add("dtstamp", datetime(plan.start.year, plan.start.month, plan.start.day, tzinfo=UTC))
        event.add("dtstart", day.date())
        event.add("dtend", day.date() + timedelta(days=1))
        event.add("summary", f"Visit {number}: {listed(list(rows['name']))}")
        event.add("description", "\n".join([*lines, "A plan to talk over, not a booking."]))
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def to_csv(plan: Plan) -> str:
    """The visits as CSV; a cell that a spreadsheet would run as a formula starts with an apostrophe."""
    cells = plan.visits.copy()
    for column in cells.select_dtypes("str").columns:
        cells[column] = [f"'{cell}" if cell[:1] in tuple("=+-@\t\r") else cell for cell in cells[column]]
    return cells.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n")


def _check(treatments: Sequence[str], evidence: Evidence, start: date, ready_by: date | None) -> None:
    allowed = [treatment for treatment in evidence.tables.treatments.index if treatment != NO_TREATMENT]
    problems = []
    if isinstance(treatments, str) or not isinstance(treatments, Sequence) or not treatments:
        problems.append(f"treatments: {treatments!r} is not a list of treatments. Give at least one id in a list.")
        treatments = ()
    for treatment in dict.fromkeys(map(repr, treatments)):
        if treatment not in map(repr, allowed):
            problems.append(f"treatments: {treatment} is not known. Allowed is any of: {', '.join(allowed)}.")
        elif list(map(repr, treatments)).count(treatment) > 1:
            problems.append(f"treatments: {treatment} stands twice. Keep one.")
    days = {"start": start} if ready_by is None else {"start": start, "ready_by": ready_by}
    wrong = [
        name
        for name, day in days.items()
        if not isinstance(day, date) or isinstance(day, datetime) or not YEARS[0] <= day.year <= YEARS[1]
    ]
    problems += [
        f"{name}: {days[name]!r} is not a date. Give a datetime.date from {YEARS[0]} to {YEARS[1]}." for name in wrong
    ]
    if not wrong and ready_by is not None and ready_by < start:
        problems.append(f"ready_by: {ready_by} is before the start. Give {start} or a later day.")
    if problems:
        raise ClientError(problems)


def _filled(estimate: Estimate) -> tuple[float, float, float]:
    """Low, typical, high, each unknown one taken from its neighbours: the larger of them for typical and high."""
    known = [end for end in (estimate.high, estimate.typical, estimate.low) if not math.isnan(end)] or [math.nan]
    high = known[0]
    typical = high if math.isnan(estimate.typical) else estimate.typical
    return (known[-1] if math.isnan(estimate.low) else estimate.low), typical, high


def _in_days(weeks: Iterable[float]) -> _Days:
    return _Days(*(math.ceil(round(week * 7, 6)) for week in weeks))


def _course(treatment: str, evidence: Evidence) -> _Course:
    sessions, interval = evidence.number(treatment, "sessions"), evidence.number(treatment, "interval_weeks")
    counted = not math.isnan(sessions.typical)
    low, typical, high = _filled(sessions) if sessions.known else (1.0, 1.0, 1.0)
    fewest = max(math.floor(low if counted or not math.isnan(sessions.low) else 1), 1)
    usual = max(math.floor(typical + 0.5), fewest) if counted else fewest
    if interval.known:
        between = _in_days(_filled(interval))
    else:
        every = [evidence.number(other, "interval_weeks").typical for other in evidence.tables.treatments.index]
        between = _in_days([max(weeks for weeks in every if not math.isnan(weeks))] * 3)
    off, red = (evidence.number(treatment, name) for name in ("downtime_days", "erythema_days"))
    signs = [(x.low, x.typical, x.high) for x in (off, red)]
    rest = [max([between[i], *(math.ceil(sign[i]) for sign in signs if not math.isnan(sign[i]))]) for i in range(3)]
    healed = [math.nan if any(math.isnan(sign[i]) for sign in signs) else max(s[i] for s in signs) for i in range(3)]
    return _Course(
        evidence.texts[treatment]["name"],
        evidence.setting(treatment).level == "home",
        _Days(fewest, usual, max(math.ceil(high), usual)),
        counted,
        between,
        interval.known,
        (healed[0], healed[1], healed[2]),
        _Days(rest[0], max(rest[:2]), max(rest)),
    )


def _means(partner: str, treatment: str, evidence: Evidence) -> bool:
    """Whether a partner of a combination row is this treatment, or a group that it belongs to."""
    family = evidence.texts[treatment]["family"]
    groups = {
        "laser_class": family == "lasers",
        "rf_class": family == "radiofrequency",
        "energy_device": family in ("lasers", "radiofrequency"),
        "needling_class": treatment in _NEEDLING,
        "nonablative_device": treatment in _NONABLATIVE,
        "facial_procedures": evidence.setting(treatment).level != "home",
        "prp": treatment == "microneedling_prp",
    }
    return partner == treatment or groups.get(partner, False)


def _who(claims: Iterable[Claim]) -> str:
    best: dict[str, int] = {}
    for claim in claims:
        best[claim.source_id] = claim.tier
    count = "one source" if len(best) == 1 else f"{len(best)} sources, at best"
    return f"{count}{',' if len(best) == 1 else ''} {_TIERS[min(best.values())]}"


def _cites(claims: Iterable[Claim]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(claim.source_id for claim in claims))


def _pair(first: str, second: str, client: Client, evidence: Evidence, courses: Mapping[str, _Course]) -> _Pair:
    """What the sources say of two treatments; `first` is the one that the caller named first."""
    rows = [
        (claim, owner, claim.partner_id != other or "family_rule" in claim.flags)
        for owner, other in ((first, second), (second, first))
        for claim in evidence.about(owner, "combination")
        if _means(claim.partner_id, other, evidence) and claim.level
    ]
    claims = [claim for claim, _, _ in rows]
    kinds = evidence.tables.evidence["interval_kind"]
    same_day = [claim for claim in claims if claim.level == "same_day"]
    named = [claim for claim, _, group in rows if claim.level == "same_day" and not group]
    spacing = [
        (claim, claim.partner_id not in courses)
        for claim in claims
        if (kinds.at[claim.claim_id] == "spacing" or claim.level == "spaced")
        and (claim.partner_id in courses or claim.source_id not in _cites(named))
    ]
    spaced = [claim for claim, _ in spacing if not math.isnan(claim.low)]
    shared = bool(named) and not spacing
    before, text, conflicts = _first(first, second, rows, courses)
    a, b = courses[first], courses[second]
    assumed, days, most = False, _Days(0, 0, 0), math.nan
    if a.home or b.home:
        text += "" if claims else " Whether they go together is not known: ask."
    elif shared:
        text += f" They may share a visit ({_who(named)})."
    elif spaced:
        weeks, most_weeks = _spacing(spaced)
        days = _in_days(weeks)
        ordering = [claim for claim in spaced if claim.level != "spaced"]
        most = max((claim.high for claim in ordering), default=math.nan) * 7
        wait = f"{weeks[0]:g}" if weeks[0] == most_weeks else f"{weeks[0]:g} to {most_weeks:g}"
        wait = f"At least {weeks[0]:g}" if math.isnan(most_weeks) else wait
        text += f" {wait} weeks between them ({_who(spaced)})."
        if all(group for _, group in spacing):
            healed = [max((h for h in (a.healed[i], b.healed[i]) if not math.isnan(h)), default=0) for i in range(3)]
            longer = [max(x, math.ceil(y)) for x, y in zip(days, healed, strict=True)]
            assumed = longer[TYPICAL] > days.typical or longer[HIGH] > days.high
            days = _Days(longer[0], max(longer[:2]), max(longer))
            text += " Longer while the skin heals (our assumption)." if assumed else ""
        if same_day:
            said = f"one visit ({_who(same_day)}) or apart ({_who(spaced)})"
            disagree = f"Sources disagree on {a.name} and {b.name}: {said}. The plan keeps them apart."
            conflicts.append((disagree, _cites([*same_day, *spaced])))
    else:
        assumed = True
        days = _Days(*(max(ends) for ends in zip(a.rest, b.rest, strict=True)))
        text += (
            f" How long to wait between them is not known: ask. The plan leaves {days.typical} days (our assumption)."
        )
        if same_day:
            text += f" One visit is allowed for such treatments as a group ({_who(same_day)}), so ask about that too."
    avoid = _cites(claim for claim in claims if claim.level == "avoid")
    text += _told(claims, client)
    notes = [c.note for c in dict.fromkeys(claims) if c.note and c.level in ("sequence_first", "same_day", "spaced")]
    text += f" Notes on the sources: {'; '.join(dict.fromkeys(notes))}." if notes else ""
    shown = f"{a.name} and {b.name}." if not before else ""
    return _Pair(before, shared, days, most, assumed, (shown + text).strip(), _cites(claims), tuple(conflicts), avoid)


def _first(
    first: str, second: str, rows: Sequence[tuple[Claim, str, bool]], courses: Mapping[str, _Course]
) -> tuple[str, str, list[tuple[str, tuple[str, ...]]]]:
    """Which comes first ("" = no source says), the sentence on it, and the disagreement if there is one."""
    says = {t: [c for c, owner, _ in rows if c.level == "sequence_first" and owner == t] for t in (first, second)}
    if not any(says.values()):
        return "", "", []
    # `min` keeps the first of equals: the caller's order.
    before = min((t for t in says if says[t]), key=lambda t: min(claim.tier for claim in says[t]))
    names = (courses[before].name, courses[second if before == first else first].name)
    conflicts = []
    if all(says.values()):
        said = "; ".join(f"{courses[t].name} first ({_who(says[t])})" for t in says)
        tied = len({min(claim.tier for claim in claims) for claims in says.values()}) == 1
        why = "as you asked" if tied else "as the better source says"
        text = f"Sources disagree on the order: {said}. The plan puts {names[0]} first, {why}."
        conflicts.append((text, _cites(claim for claims in says.values() for claim in claims)))
    return before, f"{names[0]} first, then {names[1]} ({_who(says[before])}).", conflicts


def _spacing(claims: Sequence[Claim]) -> tuple[tuple[float, float, float], float]:
    """Weeks apart in the three readings, the longest wait of every row, and the highest figure (NaN: open end)."""
    low = max(claim.low for claim in claims)
    if any(math.isnan(claim.high) for claim in claims):
        return (low, low, low), math.nan
    high = max(low, *(claim.high for claim in claims))
    return (low, (low + high) / 2, high), high


def _told(claims: Sequence[Claim], client: Client) -> str:
    """Whether the two together do better, for this client's scars, in words."""
    mine = {"", *client.scars, *(["atrophic"] if set(client.scars) & set(INDENTED) else [])}
    text = ""
    for level, words in (("improves", "Better together than one alone"), ("no_added_benefit", "No gain from both")):
        said = [claim for claim in claims if claim.level == level and claim.scar_type in mine]
        if said:
            other = " Seen on scars of other causes." if all("not_acne_scar" in c.flags for c in said) else ""
            prp = " Said of added plasma (PRP), without needles." if any(c.partner_id == "prp" for c in said) else ""
            text += f" {words} ({_who(said)}).{other}{prp}"
    return text


def _order(treatments: Sequence[str], pairs: Mapping[frozenset[str], _Pair]) -> tuple[list[str], list[Conflict]]:
    """The caller's order, changed only where a source puts one first."""
    left, order, rings = list(treatments), [], []
    while left:
        free = (t for t in left if all(pairs[frozenset((t, other))].before != other for other in left if other != t))
        chosen = next(free, None)
        if chosen is None:
            chosen = left[0]
            sources = tuple(s for pair in combinations(left, 2) for s in pairs[frozenset(pair)].sources)
            text = "The orders that sources give go round in a circle. The plan keeps the order you gave: ask."
            rings.append(Conflict(text, tuple(left), tuple(dict.fromkeys(sources))))
        order.append(chosen)
        left.remove(chosen)
    return order, rings


def _schedule(
    order: Sequence[str],
    courses: Mapping[str, _Course],
    pairs: Mapping[frozenset[str], _Pair],
    reading: int,
    keep: Mapping[str, int],
) -> dict[str, tuple[int, int, int]]:
    """{treatment: (first day, days between sessions, last day)}, counted from the start.

    Treatments that share every visit take the longest of their intervals; any other begins when it is far enough from
    the last session of each one before it. `keep` = the most sessions of each.
    """
    groups: list[list[str]] = []
    for treatment in order:
        joined = None
        for group in reversed(groups):
            links = [pairs[frozenset((treatment, member))] for member in group]
            if any(link.before for link in links):
                break
            joined = group if all(link.shared for link in links) else joined
        if joined is None:
            groups.append([treatment])
        else:
            joined.append(treatment)
    found: dict[str, tuple[int, int, int]] = {}
    for group in groups:
        between = max(courses[treatment].interval[reading] for treatment in group)
        begin = max(
            (found[other][2] + pairs[frozenset((treatment, other))].days[reading]
             for other in found for treatment in group),
            default=0,
        )  # fmt: skip
        for treatment in group:
            count = min(courses[treatment].sessions[reading], keep.get(treatment, 999))
            found[treatment] = (begin, between, begin + (count - 1) * between)
    return found


_DATE = "datetime64[s]"


def _frame(rows: Iterable[tuple[object, ...]], columns: Mapping[str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(columns), dtype=object)
    for name, kind in columns.items():
        frame[name] = pd.to_datetime(frame[name]).astype(_DATE) if kind == _DATE else frame[name].astype(kind)
    return frame


def _visits(
    order: Sequence[str], courses: Mapping[str, _Course], pairs: Mapping[frozenset[str], _Pair], start: date
) -> pd.DataFrame:
    dated = [_schedule(order, courses, pairs, reading, {}) for reading in (LOW, TYPICAL, HIGH)]
    rows: list[tuple[object, ...]] = []
    for treatment in order:
        course = courses[treatment]
        few, usual, most = course.sessions
        notes = [] if course.counted else [f"Number of visits not known ({few} to {most} by a source): ask."]
        if not course.counted and few == most:
            notes = ["Number of visits not known: ask."]
        if most > 1 and not course.interval_known:
            notes.append(f"Time between visits not known: ask. Our assumption: {course.interval.typical} days.")
        for k in range(usual):
            days = [start + timedelta(days=begin + k * gap) for begin, gap, _ in (at[treatment] for at in dated)]
            total = usual if course.counted else pd.NA
            rows.append((0, treatment, course.name, k + 1, total, few, most, *days, " ".join(notes)))
    number = {"visit": "int64", "treatment_id": "str", "name": "str", "session": "int64", "sessions": "Int64",
              "sessions_low": "int64", "sessions_high": "int64"}  # fmt: skip
    dates = {"date_earliest": _DATE, "date_planned": _DATE, "date_latest": _DATE, "note": "str"}
    frame = _frame(rows, {**number, **dates}).sort_values("date_planned", kind="stable", ignore_index=True)
    frame["visit"] = frame["date_planned"].rank(method="dense").astype("int64")
    return frame


def _session_words(session: int, sessions: object) -> str:
    return f"session {session} of {'a number not known' if sessions is pd.NA else sessions}"


def _pair_frame(
    order: Sequence[str], pairs: Mapping[frozenset[str], _Pair], courses: Mapping[str, _Course]
) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    for first, second in combinations(order, 2):
        pair = pairs[frozenset((first, second))]
        at_home = courses[first].home or courses[second].home
        weeks = [math.nan if at_home else days / 7 for days in pair.days]
        rows.append((first, second, pair.shared, *weeks, pair.assumed, pair.text, pair.sources))
    floats = dict.fromkeys(("weeks_low", "weeks_typical", "weeks_high"), "float64")
    columns = {"first": "str", "second": "str", "shared": "bool", **floats}
    return _frame(rows, {**columns, "assumed": "bool", "text": "str", "source_ids": "object"})


def _after(day: date, days: float) -> date | None:
    return None if math.isnan(days) else day + timedelta(days=math.ceil(days))


def _span(estimate: Estimate, unit: str) -> str:
    if not estimate.known:
        return "not known"
    if math.isnan(estimate.high):
        return f"at least {estimate.low if math.isnan(estimate.typical) else estimate.typical:g} {unit}, most not known"
    if math.isnan(estimate.low):
        return f"up to {estimate.high:g} {unit}"
    same = estimate.low == estimate.high
    return f"{estimate.high:g} {unit}" if same else f"{estimate.low:g} to {estimate.high:g} {unit}"


def _downtime(visits: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    for visit, treatment, day in zip(visits["visit"], visits["treatment_id"], visits["date_planned"], strict=True):
        off = evidence.number(treatment, "downtime_days")
        ends = (_after(day, off.typical), _after(day, off.high))
        rows.append((visit, treatment, day, *ends, _span(off, "days"), off.sources))
    columns = {"visit": "int64", "treatment_id": "str", "from": _DATE, "until_typical": _DATE, "until_at_most": _DATE}
    return _frame(rows, {**columns, "said": "str", "source_ids": "object"})


def _aftercare(visits: pd.DataFrame, home: pd.DataFrame, client: Client, evidence: Evidence) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    at = [*zip(visits["visit"], visits["treatment_id"], visits["date_planned"], strict=True),
          *((pd.NA, t, day) for t, day in zip(home["treatment_id"], home["from"], strict=True))]  # fmt: skip
    for visit, treatment, day in at:
        groups: dict[tuple[str, str], list[Claim]] = {}
        for claim in evidence.about(treatment, "aftercare"):
            if not claim.skin or client.fitzpatrick is None or client.fitzpatrick in claim.skin:
                groups.setdefault((claim.measure, claim.level), []).append(claim)
        for (measure, level), claims in groups.items():
            ends = [end for claim in claims for end in (claim.low, claim.high) if not math.isnan(end)]
            longest = max(ends, default=math.nan)
            begin, until = day, _after(day, longest)
            if level == "allowed":
                begin, until = _after(day, min(ends, default=0)), None
            elif measure in _BEFORE:
                begin, until = _after(day, -longest), day
            elif measure in _AROUND:
                begin = None
            more = until is not None and measure not in _BEFORE and any(math.isnan(claim.high) for claim in claims)
            notes = "; ".join(dict.fromkeys(claim.note for claim in claims if claim.note))
            label = evidence.tables.label("aftercare", measure)
            rows.append((visit, treatment, measure, label, level, begin, until, more, notes, _cites(claims)))
    text = dict.fromkeys(("treatment_id", "what", "label", "level"), "str")
    columns = {"visit": "Int64", **text, "from": _DATE, "until": _DATE, "until_at_least": "bool", "note": "str"}
    frame = _frame(rows, {**columns, "source_ids": "object"})
    return frame.iloc[frame["from"].fillna(frame["until"]).argsort(kind="stable")].reset_index(drop=True)


def _results(order: Sequence[str], visits: pd.DataFrame, start: date, evidence: Evidence) -> pd.DataFrame:
    """When a result can be judged: weeks after the last session, for home care after its first day."""
    last = visits.groupby("treatment_id")["date_planned"].max().to_dict()
    rows: list[tuple[object, ...]] = []
    for treatment in order:
        day, onset = last.get(treatment, pd.Timestamp(start)), evidence.number(treatment, "onset_weeks")
        ends = [_after(day, weeks * 7) for weeks in (onset.low, onset.typical, onset.high)]
        rows.append((treatment, last.get(treatment), *ends, _span(onset, "weeks"), onset.sources))
    dates = dict.fromkeys(("last_session", "earliest", "typical", "latest"), _DATE)
    return _frame(rows, {"treatment_id": "str", **dates, "said": "str", "source_ids": "object"})


def _cost(order: Sequence[str], courses: Mapping[str, _Course], evidence: Evidence) -> Cost:
    """Price of a session times sessions, low with low and high with high."""
    sums: list[tuple[float, float, float]] = []
    missing: list[str] = []
    for treatment in order:
        course, price = courses[treatment], evidence.number(treatment, "cost_usd_per_session")
        unit = evidence.texts[treatment]["price_unit"]
        if math.isnan(price.low):
            missing.append(f"{course.name}: the price is not known.")
            continue
        typical = price.low if math.isnan(price.typical) else price.typical
        high = typical if math.isnan(price.high) else price.high
        few, usual, most = course.sessions
        sums.append((price.low * few, typical * usual, high * most))
        if unit != "session":
            missing.append(f"{course.name}: the price is for one {unit}. How many you need is not known.")
        elif not course.counted:
            missing.append(f"{course.name}: the number of visits is not known.")
        elif math.isnan(price.typical) or math.isnan(price.high):
            missing.append(f"{course.name}: only a lowest price is known.")
    low, typical, high = (sum(part[i] for part in sums) if sums else math.nan for i in range(3))
    return Cost(low, typical, high, tuple(missing))


def _late(visits: pd.DataFrame, pairs: Mapping[frozenset[str], _Pair]) -> Iterator[Conflict]:
    """Spacing that cannot be kept: other visits push the second treatment past the longest wait a source names."""
    days = visits.groupby("treatment_id")["date_planned"].agg(["min", "max"])
    for both, pair in pairs.items():
        if math.isnan(pair.most) or not both <= set(days.index):
            continue
        first, second = sorted(both, key=lambda treatment: days.at[treatment, "min"])
        gap = (days.at[second, "min"] - days.at[first, "max"]).days
        if gap > pair.most:
            text = f"{pair.text} Here it would be {gap / 7:.0f} weeks. What the longer wait does is not known: ask."
            yield Conflict(text, (first, second), pair.sources)


def _retinoids(home: pd.DataFrame, aftercare: pd.DataFrame, courses: Mapping[str, _Course]) -> Iterator[Conflict]:
    pauses = aftercare[aftercare["what"] == "avoid_retinoids"]
    if "topical_retinoid" in set(home["treatment_id"]) and len(pauses):
        others = list(dict.fromkeys(pauses["treatment_id"]))
        sources = tuple(dict.fromkeys(source for ids in pauses["source_ids"] for source in ids))
        names = listed([courses[treatment].name for treatment in others])
        text = (
            f"{courses['topical_retinoid'].name}: stop it for some days after each visit for {names} (see aftercare)."
        )
        yield Conflict(text, ("topical_retinoid", *others), sources)


def _over_limits(
    client: Client,
    visits: pd.DataFrame,
    downtime: pd.DataFrame,
    cost: Cost,
    order: Sequence[str],
    courses: Mapping[str, _Course],
    pairs: Mapping[frozenset[str], _Pair],
) -> Iterator[Conflict]:
    """The client's limits against the course as a whole; each treatment alone was screened already."""
    every = tuple(order)
    if client.max_sessions is not None and len(visits):
        most = {
            begin + k * gap
            for t, (begin, gap, _) in _schedule(order, courses, pairs, HIGH, {}).items()
            for k in range(courses[t].sessions.high)
        }
        usual = visits["visit"].max()
        if max(usual, len(most)) > client.max_sessions:
            text = f"All together: {usual} visits, at most {len(most)}. Your limit is {client.max_sessions:g}."
            yield Conflict(text, every)
    if client.max_downtime_days is not None:
        for column, word in (("until_typical", "usually"), ("until_at_most", "at most")):
            spell = _longest_spell(downtime["from"], downtime[column])
            if spell > client.max_downtime_days:
                text = f"Longest time off in one go: {word} {spell} days. Your limit is {client.max_downtime_days:g}."
                yield Conflict(text, every)
                break
    budget = client.budget_usd
    if budget is not None:
        if cost.high > budget:
            word = "usually" if cost.typical > budget else "at most"
            figure = cost.typical if cost.typical > budget else cost.high
            text = f"All together: {word} ${figure:,.0f}. Your budget is ${budget:,.0f}."
            yield Conflict(text, every)
        if cost.not_known:
            yield Conflict("Part of the cost is not known: ask before you count on your budget.", every)


def _longest_spell(begins: pd.Series, ends: pd.Series) -> int:
    """Most days off without a break, as far as known: windows that touch are one."""
    longest, opened, closed = 0, None, None
    for begin, end in sorted((b, e) for b, e in zip(begins, ends, strict=True) if not pd.isna(e)):
        if opened is None or begin > closed:
            opened, closed = begin, end
        closed = max(closed, end)
        longest = max(longest, (closed - opened).days)
    return longest


def _ready(
    order: Sequence[str],
    courses: Mapping[str, _Course],
    pairs: Mapping[frozenset[str], _Pair],
    start: date,
    by: date,
) -> Ready:
    limit = (by - start).days

    def done(reading: int, keep: Mapping[str, int]) -> int:
        """The day when the last known thing is over; -1 = no visits."""
        left = [treatment for treatment in order if keep[treatment] > 0]
        dated = _schedule(left, courses, pairs, reading, keep)
        heals = {
            t: 0 if math.isnan(courses[t].healed[reading]) else math.ceil(courses[t].healed[reading]) for t in left
        }
        return max((dated[t][2] + heals[t] for t in left), default=-1)

    def drop(reading: int) -> dict[str, int]:
        """Sessions left of what has to give: one session at a time, always the one that saves most days; a treatment
        goes only when one session of each is too much; then whatever still fits is put back."""
        full = {treatment: courses[treatment].sessions[reading] for treatment in order}
        keep = dict(full)
        for floor in (1, 0):
            while done(reading, keep) > limit and (spare := [t for t in order if keep[t] > floor]):
                tries = [{**keep, treatment: keep[treatment] - 1} for treatment in reversed(spare)]
                keep = min(tries, key=lambda one: done(reading, one))
        for treatment in order:
            while keep[treatment] < full[treatment]:
                more = {**keep, treatment: keep[treatment] + 1}
                if done(reading, more) > limit:
                    break
                keep = more
        return {treatment: left for treatment, left in keep.items() if left < full[treatment]}

    ends = {reading: done(reading, {t: courses[t].sessions[reading] for t in order}) for reading in (TYPICAL, HIGH)}
    hidden = {reading: [t for t in order if math.isnan(courses[t].healed[reading])] for reading in (TYPICAL, HIGH)}
    fits = {r: False if end > limit else None if hidden[r] else True for r, end in ends.items()}
    drops = {reading: drop(reading) if fits[reading] is False else {} for reading in (TYPICAL, HIGH)}
    days = {r: start + timedelta(days=end) if end >= 0 else None for r, end in ends.items()}
    lines = []
    for reading, words in ((TYPICAL, "With the usual figures"), (HIGH, "With the most cautious figures")):
        answer = {True: "yes", False: "no", None: "not known"}[fits[reading]]
        over = f" As far as known it is over on {days[reading]}." if days[reading] else " There are no visits."
        lines.append(f"{words}, done and healed by {by}: {answer}.{over}")
        if hidden[reading]:
            names = listed([courses[treatment].name for treatment in hidden[reading]])
            lines.append(f"Days off or redness are not fully known for: {names}. Ask.")
        for treatment, left in drops[reading].items():
            course = courses[treatment]
            if not left:
                lines.append(f"To be done in time, leave out {course.name}.")
                continue
            lines.append(f"To be done in time, {course.name} could have {left} of {course.sessions[reading]} sessions.")
            if left < course.sessions.low:
                lines.append(f"Sources used {course.sessions.low} or more: what fewer do is not known.")
    lines.append("This is about visits and healing. No result is promised by then.")
    return Ready(by, fits[TYPICAL], fits[HIGH], days[TYPICAL], days[HIGH], drops[TYPICAL], drops[HIGH], " ".join(lines))
