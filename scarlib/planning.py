"""Chosen treatments -> one dated course: visits, days off, care, cost, conflicts, and whether it is over by a date.

Order and spacing come from `combination` rows, numbers from the pooled evidence. Every date is known in three readings:
low (fewest sessions, shortest waits), typical, high (most sessions, longest waits). Rules:

- Order: a treatment that a source puts first has its whole course first. Where sources contradict each other the
  better tier decides, then the caller's order.
- Spacing: every row is kept and the longest wait decides, whatever its tier (as for safety in `evidence`). A row on a
  group of treatments gives way only where the same source allows this very pair in one visit.
- Whoever has had the first of two has had "filler lately", "a laser, dermabrasion or deep peel lately" and so on: what
  screening asks of such a person before the second counts as a row on the pair. Where it is not known whether a source
  means the first, the plan asks.
- A visit is shared only where a source names both treatments. "Several devices in one session", said of a group, is
  told but not planned. With an order, the last session of the first shares a visit with the first of the second.
- Our assumptions, marked as such: where no row speaks of a pair, the longer of the two treatments' own interval and
  healing; healing also where only a row on a group gives the weeks; where a treatment's own interval is not known, the
  longest usual interval of any treatment in the tables. Healing = days off and redness, as far as known; where sources
  differ the longest, as no figure is the usual one.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, combinations
from typing import Any, NamedTuple

import pandas as pd

from scarlib.client import INDENTED, Client
from scarlib.errors import ClientError
from scarlib.evidence import Claim, Estimate, Evidence, Judgement
from scarlib.screening import NO_TREATMENT, RANKED, SKIN_TEST, Reason, dollars, listed, screen_one, stretch

LOW, TYPICAL, HIGH = READINGS = (0, 1, 2)
YEARS = (2000, 2200)
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
# What the groups that sources speak of stand for, beyond the families of treatments.csv.
_NEEDLING = ("microneedling", "microneedling_prp", "rf_microneedling")
# rf_microneedling is in: the maker's row says "after light, laser or RF", and the longer wait is the safer reading.
_NONABLATIVE = ("laser_nonablative_fractional", "laser_picosecond", "laser_ndyag_nonablative", "laser_pdl",
                "rf_nonablative", "rf_microneedling")  # fmt: skip
_SKIN_OFF = ("laser_co2_fractional", "laser_eryag_fractional", "laser_ablative_full", "dermabrasion", "peel_medium",
             "peel_deep_phenol")  # fmt: skip
# Condition that a treatment leaves behind: which treatments, and how it is called.
_LEAVES = {
    "recent_filler": (("filler_ha", "filler_pmma", "filler_plla", "filler_caha"), "a filler"),
    "recent_botulinum": (("botulinum_toxin",), "botulinum toxin"),
    "recent_resurfacing": (_SKIN_OFF, "a laser, dermabrasion or peel that takes off skin"),
    "recent_surgery": (("punch_techniques",), "surgery on the face"),
    "open_wound": ((*_SKIN_OFF, "punch_techniques"), "work that leaves a wound"),
}
# What a person's own words for such a condition, and our kinds of treatment, would count too: whether its sources mean
# these is not known.
_MAY_LEAVE = {
    "recent_surgery": (("surgery",), "surgery on the face"),
    "recent_resurfacing": (("lasers",), "a laser"),
}
_PLANNED = ("planned_resurfacing", ("lasers", "peels"), "a later laser or peel")
# What is said where no wait is known.
_CARE = {
    "avoid": "sources say not to use it. Ask first.",
    "defer": "sources say to wait. How long is not known: ask.",
    "caution": "it needs special care. Ask first.",
}
_RETINOID = "topical_retinoid_current"
_BEFORE = ("hydroquinone_priming", "peel_or_toning_priming", "winter_timing")
_AROUND = ("antiviral",)  # both sources start it before the visit, neither as a figure
_TIERS = {1: "a guideline or pooled trials", 2: "a trial", 3: "a small study, review or label", 4: "a web page"}
_DATE = "datetime64[s]"
_KINDS = {
    **dict.fromkeys(("visit", "session", "sessions", "sessions_low", "sessions_high"), "Int64"),
    **dict.fromkeys(("date_earliest", "date_planned", "date_latest", "from", "until", "until_typical"), _DATE),
    **dict.fromkeys(("until_at_most", "last_session", "earliest", "typical", "latest"), _DATE),
    **dict.fromkeys(("weeks_low", "weeks_typical", "weeks_high"), "float64"),
    **dict.fromkeys(("shared", "assumed", "until_at_least"), "bool"),
    "source_ids": "object",
}


@dataclass(frozen=True)
class Conflict:
    """Something that does not fit, or needs asking, in plain words: the treatments and sources it speaks of, and the
    day `by` which it has to be done, where there is one."""

    text: str
    treatments: tuple[str, ...]
    source_ids: tuple[str, ...] = ()
    by: date | None = None


@dataclass(frozen=True)
class Cost:
    """US dollars for the whole plan; NaN = nothing known. While `not_known` names a part, the sums are "at least"."""

    low: float
    typical: float
    high: float
    not_known: tuple[str, ...]


@dataclass(frozen=True)
class Ready:
    """Whether every visit is done and healed by a date, in the typical and in the cautious (high) reading.

    typical, cautious            True, False, or None where healing is not known or no visit is planned
    done_typical, done_cautious  the day when visits, days off and redness are over as far as known; None = no visits
    drop_typical, drop_cautious  {treatment: sessions left (0 = none)}: the least to give up so that it fits
    text                         all of it in plain words, a line a reading; never a promise of a result
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

    last_at_most, visits_at_most  the last visit, and how many, with the most sessions and longest waits; None, 0 = none
    visits     session: visit (number), treatment_id, name, session, sessions (<NA>: number not known), sessions_low,
               sessions_high, date_earliest, date_planned, date_latest, note (first of all why it is not settled, where
               screening rules it out as things stand); in order of date_planned
    home       course at home: treatment_id, name, from, note
    pairs      pair: first, second, shared (a visit), weeks_low, weeks_typical, weeks_high, assumed, text, source_ids
    downtime   days off: visit, treatment_id, from, until_typical, until_at_most, said, source_ids
    aftercare  thing to do: visit (<NA>: at home), treatment_id, what, label, level (advised, allowed), from, until,
               until_at_least (may be longer), note, source_ids; in order of date
    results    treatment: treatment_id, last_session, earliest, typical, latest (when to judge it), said, source_ids
    left_out   {treatment: why it is never planned};  verdicts  {treatment: (verdict, every reason)}, see `screening`
    unsettled  {treatment: why not yet} of what is planned and ruled out as things stand
    """

    client: Client
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
    unsettled: Mapping[str, Reason]
    last_at_most: date | None
    visits_at_most: int
    ready: Ready | None = None


class _Days(NamedTuple):
    """A count in the three readings."""

    low: int
    typical: int
    high: int


class _Course(NamedTuple):
    name: str
    home: bool
    sessions: _Days
    counted: bool  # whether the usual number of sessions is known
    interval: _Days
    interval_known: bool
    healing: _Days  # as far as known
    healing_known: tuple[bool, ...]

    @property
    def short(self) -> str:
        """Its name without the term in brackets, where it was named in full before."""
        return self.name.partition(" (")[0]

    @property
    def rest(self) -> _Days:
        """Days to keep from another treatment where no source says."""
        return _Days(*map(max, self.interval, self.healing))


class _Before(NamedTuple):
    treatment: str = ""  # which comes first, "" = no source says
    text: str = ""
    conflicts: tuple[Conflict, ...] = ()


class _Pair(NamedTuple):
    before: str = ""  # which comes first, "" = either
    shared: bool = False
    days: _Days = _Days(0, 0, 0)
    most: float = math.nan  # days, where a source that orders the two names a longest wait
    assumed: bool = False
    text: str = ""
    sources: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


class _Session(NamedTuple):
    treatment: str
    number: int
    earliest: date
    planned: date
    latest: date


class _Run(NamedTuple):
    """The sessions of one treatment in one reading, in days from the start."""

    begin: int
    gap: int
    sessions: int

    def day(self, k: int) -> int:
        return self.begin + k * self.gap

    @property
    def days(self) -> list[int]:
        return [self.day(k) for k in range(self.sessions)]

    @property
    def last(self) -> int:
        return self.day(self.sessions - 1)


class _Known(NamedTuple):
    """What is known of the person, and of the treatments alone and in pairs."""

    client: Client
    evidence: Evidence
    courses: dict[str, _Course]
    pairs: dict[frozenset[str], _Pair]
    groups: list[list[str]]  # treatments that share every visit, in the order in which they are done

    def joined(self, order: Sequence[str]) -> list[list[str]]:
        """Treatments that share every visit: each joins the first group that it may without passing one that a source
        puts before it."""
        groups: list[list[str]] = []
        for treatment in order:
            joined: list[str] | None = None
            for group in reversed(groups):
                links = [self.pairs[frozenset((treatment, member))] for member in group]
                if any(link.before for link in links):
                    break
                joined = group if all(link.shared for link in links) else joined
            if joined is None:
                joined = []
                groups.append(joined)
            joined.append(treatment)
        return groups

    def schedule(self, reading: int, keep: Mapping[str, int] | None = None) -> dict[str, _Run]:
        """{treatment: its sessions}; `keep` = the most sessions of each.

        Treatments that share every visit take the longest of their intervals; any other begins when it is far enough
        from the last session of each one before it.
        """
        found: dict[str, _Run] = {}
        for whole in self.groups:
            group = [treatment for treatment in whole if not keep or keep[treatment]]
            if not group:
                continue
            pairs = [(self.pairs[frozenset((t, other))], run) for other, run in found.items() for t in group]
            begin = max((run.last + pair.days[reading] for pair, run in pairs), default=0)
            gap = max(self.courses[treatment].interval[reading] for treatment in group)
            for treatment in group:
                count = self.courses[treatment].sessions[reading]
                found[treatment] = _Run(begin, gap, min(count, keep[treatment]) if keep else count)
        return found


def plan(
    client: Client, treatments: Sequence[str], evidence: Evidence, start: date, ready_by: date | None = None
) -> Plan:
    """These treatments, in the order that the evidence supports, dated from `start` (the first visit).

    What must be avoided goes to `left_out`; every other verdict of screening is planned and named in `conflicts`. Where
    a source says not to join two treatments, the one named later is left out.
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
    known = _Known(client, evidence, {treatment: _course(treatment, evidence) for treatment in treatments}, {}, [])
    conflicts = [
        Conflict(f"{known.courses[treatment].name}: {reason.text}", (treatment,), reason.source_ids)
        for treatment, (_, reasons) in verdicts.items()
        for reason in reasons
        if reason.level != "suitable"
    ]
    said: dict[frozenset[str], list[tuple[Claim, bool]]] = {}
    first_of: dict[frozenset[str], _Before] = {}
    for first, second in combinations(treatments, 2):
        if left_out.keys() & {first, second}:
            continue
        rows = _rows(first, second, evidence)
        never = _cites(claim for claim, _ in rows if claim.level == "avoid")
        if never:
            text = f"Sources say not to join it with {known.courses[first].name}. Ask which of the two to choose."
            left_out[second] = (Reason(text, never, "avoid", f"treatment:{first}"),)
            conflicts.append(Conflict(f"{known.courses[second].name}: {text}", (first, second), never))
        else:
            said[frozenset((first, second))] = rows
            first_of[frozenset((first, second))] = _before(first, second, [claim for claim, _ in rows], known)
    order, rings = _order([treatment for treatment in treatments if treatment not in left_out], said, first_of)
    # What joins an earlier visit comes before what lies in between, and what is asked of two depends on who is first:
    # so they are read again in that order. Whether two may share a visit does not depend on it.
    for _ in range(2):
        for first, second in combinations(order, 2):
            both = frozenset((first, second))
            known.pairs[both] = _pair(first, second, said[both], first_of[both], known)
        visited = [treatment for treatment in order if not known.courses[treatment].home]
        known.groups[:] = known.joined(visited)
        visited = [treatment for group in known.groups for treatment in group]
        done = iter(visited)
        order = [treatment if known.courses[treatment].home else next(done) for treatment in order]
    sessions = _sessions(visited, known, start)
    home = [(treatment, start) for treatment in order if known.courses[treatment].home]
    unsettled = {
        treatment: next(reason for reason in reasons if reason.level == verdict)
        for treatment, (verdict, reasons) in verdicts.items()
        if treatment in order and verdict not in RANKED
    }
    visits = _visits(sessions, known, unsettled)
    at = [*zip(visits["visit"], (s.treatment for s in sessions), (s.planned for s in sessions), strict=True)]
    aftercare = _aftercare([*at, *((pd.NA, *item) for item in home)], known)
    longest = {day for run in known.schedule(HIGH).values() for day in run.days}
    cost = _cost(order, known)
    conflicts += [c for both in combinations(order, 2) for c in known.pairs[frozenset(both)].conflicts]
    conflicts += [*rings, *_late(visited, known), *_tests(visited, known, start)]
    conflicts += _retinoids(home, visited, aftercare, known)
    conflicts += _over_limits(visited, known, cost)
    note = "Used at home, not in visits. How long is not known: ask."
    return Plan(
        client=client,
        start=start,
        order=tuple(order),
        visits=visits,
        home=_frame([(t, known.courses[t].name, day, note) for t, day in home], "treatment_id name from note"),
        pairs=_pair_frame(order, known),
        downtime=_downtime(at, evidence),
        aftercare=aftercare,
        results=_results(order, sessions, start, evidence),
        cost=cost,
        conflicts=tuple(conflicts),
        left_out=left_out,
        verdicts=verdicts,
        unsettled=unsettled,
        last_at_most=start + timedelta(days=max(longest)) if longest else None,
        visits_at_most=len(longest),
        ready=None if ready_by is None else _ready(visited, known, start, ready_by, aftercare, unsettled),
    )


def to_ics(plan: Plan) -> bytes:
    """The visits as an iCalendar file: one all-day event a visit, its range in the description, no person's name."""
    from icalendar import Calendar, Event  # 0.15 s: only where a calendar is asked for

    calendar = Calendar()
    calendar.add("prodid", "-//scarlib//plan//EN")
    calendar.add("version", "2.0")
    off = plan.downtime.set_index(["visit", "treatment_id"])["said"].to_dict()
    for number, rows in plan.visits.groupby("visit"):
        records = rows.to_dict("records")
        day = records[0]["date_planned"].date()
        lines = [
            f"{row['name']}, session {row['session']} of {_number(row['sessions'])}. "
            f"{_may_fall(row['date_earliest'], row['date_latest'])}"
            f"Days off afterwards: {off[number, row['treatment_id']]}. {row['note']}".strip()
            for row in records
        ]
        begun = {row["treatment_id"] for row in records if row["session"] == 1}
        lines += plan.pairs.loc[plan.pairs["assumed"] & plan.pairs["second"].isin(begun), "text"].tolist()
        event = Event()
        event.add("uid", f"{plan.start:%Y%m%d}-{number}-{'-'.join(row['treatment_id'] for row in records)}@scarlib")
        event.add("dtstamp", datetime(plan.start.year, plan.start.month, plan.start.day, tzinfo=UTC))
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=1))
        open_ = any(row["treatment_id"] in plan.unsettled for row in records)
        title = f"Visit {number}{' (not settled)' if open_ else ''}"
        event.add("summary", f"{title}: {listed([row['name'] for row in records])}")
        event.add("description", "\n".join([*lines, "A plan to talk over, not a booking."]))
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def to_csv(plan: Plan) -> str:
    """The visits as CSV; a cell that a spreadsheet would run as a formula starts with an apostrophe."""
    cells = plan.visits.copy()
    for column in ("treatment_id", "name", "note"):
        safe = [f"'{cell}" if cell.startswith(tuple("=+-@\t\r")) else cell for cell in cells[column]]
        cells[column] = [cell.replace("\r", " ") for cell in safe]  # to_csv leaves a bare CR unquoted: a new line
    return cells.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n")


def spoken_date(day: date) -> str:
    """ "3 March 2027"."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _may_fall(earliest: date, latest: date) -> str:
    ends = f"{spoken_date(earliest)} to {spoken_date(latest)}"
    return "" if earliest == latest else f"It may fall on any day from {ends}. "


def _number(sessions: int) -> str:
    return "a number not known" if pd.isna(sessions) else str(sessions)


def _check(treatments: Sequence[str], evidence: Evidence, start: date, ready_by: date | None) -> None:
    allowed = [treatment for treatment in evidence.tables.treatments.index if treatment != NO_TREATMENT]
    problems = []
    if isinstance(treatments, str) or not isinstance(treatments, (Sequence, pd.Index)) or not len(treatments):
        problems.append(f"treatments: {treatments!r} is not a list of treatments. Give at least one id in a list.")
        treatments = ()
    for number, treatment in enumerate(treatments):
        if treatment not in allowed:
            problems.append(f"treatments: {treatment!r} is not allowed. Allowed is any of: {', '.join(allowed)}.")
        elif treatment in treatments[:number]:
            problems.append(f"treatments: {treatment!r} stands twice. Keep one.")
    days = {"start": start} if ready_by is None else {"start": start, "ready_by": ready_by}
    wrong = [
        f"{name}: {day if isinstance(day, date) else repr(day)} is not allowed. "
        f"Give a day (datetime.date) from {YEARS[0]} to {YEARS[1]}."
        for name, day in days.items()
        if not isinstance(day, date) or isinstance(day, datetime) or not YEARS[0] <= day.year <= YEARS[1]
    ]
    if not wrong and ready_by is not None and ready_by < start:
        wrong = [f"ready_by: {ready_by} is before the start. Give {start} or a later day."]
    if problems or wrong:
        raise ClientError([*problems, *wrong])


def _course(treatment: str, evidence: Evidence) -> _Course:
    sessions = evidence.visits(treatment)
    interval, off, red = (
        evidence.number(treatment, name) for name in ("interval_weeks", "downtime_days", "erythema_days")
    )
    few = _first_known(sessions.low, 1)
    usual = max(_first_known(sessions.typical, few), few)
    most = max(_first_known(sessions.high, usual), usual)
    weeks = (interval.low, _first_known(interval.typical, interval.high, interval.low), interval.high)
    if not interval.known:
        every = [evidence.number(other, "interval_weeks").typical for other in evidence.tables.treatments.index]
        weeks = (math.nan, max(figure for figure in every if not math.isnan(figure)), math.nan)
    # Where sources differ there is no usual figure, and the lower one would soothe.
    usually = [math.nan if sign.spread else sign.typical for sign in (off, red)]
    ends = [(sign.low, _first_known(u, sign.high), sign.high) for u, sign in zip(usually, (off, red), strict=True)]
    healing = [max((math.ceil(sign[r]) for sign in ends if not math.isnan(sign[r])), default=0) for r in READINGS]
    return _Course(
        evidence.texts[treatment]["name"],
        evidence.setting(treatment).level == "home",
        _Days(int(few), int(usual), int(most)),
        not math.isnan(sessions.typical),
        _in_days(_first_known(end, weeks[TYPICAL]) for end in weeks),
        interval.known,
        _Days(*accumulate(healing, max)),
        tuple(not any(math.isnan(sign[r]) for sign in ends) for r in READINGS),
    )


def _first_known(*figures: float) -> float:
    return next((figure for figure in figures if not math.isnan(figure)), math.nan)


def _in_days(weeks: Iterable[float]) -> _Days:
    """Rounded up, so that no wait comes out shorter than its source says."""
    return _Days(*(math.ceil(round(week * 7, 6)) for week in weeks))


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


def _rows(first: str, second: str, evidence: Evidence) -> list[tuple[Claim, bool]]:
    """The rows on two treatments, each with whether it speaks of a group and not of these two."""
    return [
        (claim, claim.partner_id != other)
        for owner, other in ((first, second), (second, first))
        for claim in evidence.about(owner, "combination")
        if claim.level and not claim.flags & {"control_arm", "derived"} and _means(claim.partner_id, other, evidence)
    ]


def _who(claims: Iterable[Claim]) -> str:
    best = {claim.source_id: claim.tier for claim in claims}
    return f"{'one source:' if len(best) == 1 else f'{len(best)} sources, the best'} {_TIERS[min(best.values())]}"


def _cites(claims: Iterable[Claim]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(claim.source_id for claim in claims))


def _pair(first: str, second: str, rows: Sequence[tuple[Claim, bool]], order: _Before, known: _Known) -> _Pair:
    """What the sources say of two treatments, of which the plan has `first` first."""
    a, b = known.courses[first], known.courses[second]
    kinds = known.evidence.tables.evidence["interval_kind"]
    claims = [claim for claim, _ in rows]
    same_day = [claim for claim in claims if claim.level == "same_day"]
    named = [c for c, group in rows if c.level == "same_day" and not group and "family_rule" not in c.flags]
    apart = [
        (claim, group)
        for claim, group in rows
        if (claim.level == "spaced" or kinds.at[claim.claim_id] == "spacing")
        and not (group and claim.source_id in _cites(named))
    ]
    weeks = [claim for claim, _ in apart if not math.isnan(claim.low)]
    # What is used at home goes on beside the visits, so it matters what they leave behind.
    after, before = (_left_behind(*both, known) for both in ((first, second), (second, first)))
    waits = _waits(before if a.home else after)
    shared = bool(named) and not apart and not _waits(after) and not _waits(before)
    told = [(b.name, after)] if not a.home else []
    told += [(a.name, before)] if a.home or shared else []
    conflicts = [
        Conflict(f"{name}: after {what} {_CARE[said.level]}", (first, second), said.sources)
        for name, left in told
        for what, said in left.items()
        if what not in waits
    ]
    conflicts += _may_be_left(first, second, known)
    text = [order.text or f"{a.name} and {b.name}: which comes first is not known."]
    days, most, assumed = _Days(0, 0, 0), math.nan, False
    if a.home or b.home:
        known_pause = any(_paused(treatment, known) for treatment in (first, second))
        text += [] if claims or known_pause else ["Whether they go together is not known: ask."]
    elif shared:
        text.append(f"They may share a visit ({_who(named)}).")
    elif weeks or waits:
        if weeks:
            low, high = max(claim.low for claim in weeks), max(claim.high for claim in weeks)
            open_end = any(math.isnan(claim.high) for claim in weeks)
            high = low if open_end else max(low, high)
            days = _in_days((low, (low + high) / 2, high))
            most = math.nan if open_end else 7 * max((c.high for c in weeks if c.level != "spaced"), default=math.nan)
            wait = f"At least {low:g}" if open_end else f"{low:g}" if low == high else f"{low:g} to {high:g}"
            text.append(f"{wait} weeks apart ({_who(weeks)}).")
        for what, said in waits.items():
            days = _Days(*map(max, days, _in_days([said.weeks] * 3)))
            asks = "one source asks" if len(said.sources) == 1 else f"{len(said.sources)} sources ask"
            text.append(f"After {what}, {asks} to wait {stretch(said.weeks)} before {b.name}.")
        if all(group for _, group in apart):
            healed = _Days(*map(max, days, a.healing, b.healing))
            assumed, days = healed != days, healed
            text += [f"The plan leaves {days.typical} days, to heal (our assumption)."] if assumed else []
        if same_day:
            words = f"in one visit ({_who(same_day)}), or apart{f' ({_who(weeks)})' if weeks else ''}"
            words = f"Sources disagree on {a.name} and {b.name}: {words}. The plan keeps them apart."
            cited = _sources([*same_day, *weeks], waits)
            conflicts.append(Conflict(words, (first, second), cited))
    else:
        assumed, days = True, _Days(*map(max, a.rest, b.rest))
        text.append(f"How long to wait is not known: ask. The plan leaves {days.typical} days (our assumption).")
        text += [f"Said of a group: one visit is allowed ({_who(same_day)})."] if same_day else []
    text += _told(claims, known.client)
    notes = dict.fromkeys(c.note for c in claims if c.note and c.level in ("sequence_first", "same_day", "spaced"))
    text += [f"Notes on the sources: {'; '.join(notes)}."] if notes else []
    sources, both = _sources(claims, waits), (*order.conflicts, *conflicts)
    return _Pair(order.treatment, shared, days, most, assumed, " ".join(text), sources, both)


def _left_behind(first: str, second: str, known: _Known) -> dict[str, Judgement]:
    """{what the first leaves behind, in words: what sources ask of whoever has it, before the second}."""
    return {
        words: said
        for condition, (left_by, words) in _LEAVES.items()
        if first in left_by and (said := known.evidence.rule(second, condition)).level in _CARE
    }


def _waits(left: Mapping[str, Judgement]) -> dict[str, Judgement]:
    return {what: said for what, said in left.items() if said.level == "defer" and not math.isnan(said.weeks)}


def _may_be_left(first: str, second: str, known: _Known) -> Iterator[Conflict]:
    """What is asked of whoever has had, or plans, something that our rows may or may not mean by one of the two."""
    a, b = known.courses[first].name, known.courses[second].name
    family = {treatment: known.evidence.texts[treatment]["family"] for treatment in (first, second)}
    for condition, (kinds, words) in _MAY_LEAVE.items():
        said = known.evidence.rule(second, condition)
        if family[first] in kinds and first not in _LEAVES[condition][0] and said.level in _CARE:
            wait = _CARE[said.level] if math.isnan(said.weeks) else f"a source asks to wait {stretch(said.weeks)}."
            text = f"{b}: after {words} {wait} Whether it means {a} is not known: ask."
            yield Conflict(text, (first, second), said.sources)
    planned, later, words = _PLANNED
    said = known.evidence.rule(first, planned)
    if family[second] in later and said.level in _CARE:
        yield Conflict(f"{a}: before {words} {_CARE[said.level]}", (first, second), said.sources)


def _sources(claims: Iterable[Claim], waits: Mapping[str, Judgement]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*_cites(claims), *(source for said in waits.values() for source in said.sources)]))


def _paused(treatment: str, known: _Known) -> Judgement | None:
    """How long before a visit for this treatment a retinoid cream is stopped, if a source says."""
    said = known.evidence.rule(treatment, _RETINOID)
    return said if said.level == "defer" and not math.isnan(said.weeks) else None


def _before(first: str, second: str, claims: Sequence[Claim], known: _Known) -> _Before:
    """Which comes first, and the disagreement if there is one; `first` is the one that the caller named first."""
    says = {t: [c for c in claims if c.level == "sequence_first" and c.treatment_id == t] for t in (first, second)}
    best = {treatment: min(claim.tier for claim in said) for treatment, said in says.items() if said}
    if not best:
        return _Before()
    before = min(best, key=lambda treatment: best[treatment])  # the first of equals: the caller's order
    lead, then = known.courses[before].name, known.courses[second if before == first else first].name
    conflicts = []
    if len(best) == 2:
        said = "; ".join(f"{known.courses[treatment].name} first ({_who(rows)})" for treatment, rows in says.items())
        why = "as you named it first" if best[first] == best[second] else "as the better source says"
        text = f"Sources disagree on the order: {said}. The plan puts {lead} first, {why}."
        conflicts.append(Conflict(text, (first, second), _cites(c for rows in says.values() for c in rows)))
    return _Before(before, f"{lead} first, then {then} ({_who(says[before])}).", tuple(conflicts))


def _told(claims: Sequence[Claim], client: Client) -> Iterator[str]:
    """Whether the two together do better, for this client's scars, in words."""
    mine = {"", *client.scars, *(["atrophic"] if set(client.scars) & set(INDENTED) else [])}
    for level, words in (("improves", "Better together than one alone"), ("no_added_benefit", "No gain from both")):
        said = [claim for claim in claims if claim.level == level and claim.scar_type in mine]
        if said:
            yield f"{words} ({_who(said)})."
            if all("not_acne_scar" in claim.flags for claim in said):
                yield "Seen on scars of other causes."
            if any(claim.partner_id == "prp" for claim in said):
                yield "Said of added plasma (PRP), without needles."


def _order(
    treatments: Sequence[str],
    said: Mapping[frozenset[str], Sequence[tuple[Claim, bool]]],
    first_of: Mapping[frozenset[str], _Before],
) -> tuple[list[str], list[Conflict]]:
    """The caller's order, changed only where a source puts one first."""
    left, order, rings = list(treatments), [], []
    while left:
        free = (t for t in left if all(first_of[frozenset((t, o))].treatment in ("", t) for o in left if o != t))
        chosen = next(free, None)
        if chosen is None:
            chosen = left[0]
            sources = _cites(claim for both in combinations(left, 2) for claim, _ in said[frozenset(both)])
            text = "The orders that sources give go round in a circle. The plan keeps the order you gave: ask."
            rings.append(Conflict(text, tuple(left), sources))
        order.append(chosen)
        left.remove(chosen)
    return order, rings


def _sessions(order: Sequence[str], known: _Known, start: date) -> list[_Session]:
    """The usual number of sessions of each, dated in the three readings, in order of the planned date."""
    runs = [known.schedule(reading) for reading in READINGS]
    found = [
        _Session(treatment, k + 1, *(start + timedelta(days=run[treatment].day(k)) for run in runs))
        for treatment in order
        for k in range(known.courses[treatment].sessions.typical)
    ]
    return sorted(found, key=lambda session: session.planned)


def _frame(rows: Iterable[tuple[object, ...]], columns: str) -> pd.DataFrame:
    names = columns.split()
    cells = list(zip(*rows, strict=True)) or [()] * len(names)
    made: dict[str, Any] = {}
    for name, column in zip(names, cells, strict=True):
        kind: Any = _KINDS.get(name, "str")
        # An array costs a third of what a Series does; of tuples it would have two dimensions.
        made[name] = list(column) if kind == "object" else pd.array(list(column), dtype=kind)
    return pd.DataFrame(made)


def _visits(sessions: Sequence[_Session], known: _Known, unsettled: Mapping[str, Reason]) -> pd.DataFrame:
    number = {day: i for i, day in enumerate(dict.fromkeys(session.planned for session in sessions), 1)}
    rows = []
    for treatment, k, earliest, planned, latest in sessions:
        course = known.courses[treatment]
        few, usual, most = course.sessions
        why = unsettled.get(treatment)
        notes = [f"Not settled, book nothing yet. {why.text}"] if why else []
        if not course.counted:
            notes.append(f"Number of visits not known{f' ({few} to {most})' if most > few else ''}: ask.")
        if most > 1 and not course.interval_known:
            notes.append(f"Time between visits not known: ask. Our assumption: {course.interval.typical} days.")
        total = usual if course.counted else pd.NA
        days = (earliest, planned, latest)
        rows.append((number[planned], treatment, course.name, k, total, few, most, *days, " ".join(notes)))
    dates = "date_earliest date_planned date_latest note"
    return _frame(rows, f"visit treatment_id name session sessions sessions_low sessions_high {dates}")


def _pair_frame(order: Sequence[str], known: _Known) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    for first, second in combinations(order, 2):
        pair = known.pairs[frozenset((first, second))]
        at_home = known.courses[first].home or known.courses[second].home
        weeks = [math.nan if at_home else days / 7 for days in pair.days]
        rows.append((first, second, pair.shared, *weeks, pair.assumed, pair.text, pair.sources))
    return _frame(rows, "first second shared weeks_low weeks_typical weeks_high assumed text source_ids")


def _after(day: date, days: float) -> date | None:
    return None if math.isnan(days) else day + timedelta(days=math.ceil(days))


def _span(estimate: Estimate, unit: str) -> str:
    if not estimate.known:
        return "not known"
    if math.isnan(estimate.high):
        return f"at least {_first_known(estimate.typical, estimate.low):g} {unit}, at most not known"
    if math.isnan(estimate.low):
        return f"up to {estimate.high:g} {unit}"
    return f"{'' if estimate.low == estimate.high else f'{estimate.low:g} to '}{estimate.high:g} {unit}"


def _downtime(at: Sequence[tuple[object, str, date]], evidence: Evidence) -> pd.DataFrame:
    rows: list[tuple[object, ...]] = []
    for visit, treatment, day in at:
        off = evidence.number(treatment, "downtime_days")
        ends = (_after(day, off.typical), _after(day, off.high))
        rows.append((visit, treatment, day, *ends, _span(off, "days"), off.sources))
    return _frame(rows, "visit treatment_id from until_typical until_at_most said source_ids")


def _aftercare(at: Sequence[tuple[object, str, date]], known: _Known) -> pd.DataFrame:
    dated: list[tuple[date, tuple[object, ...]]] = []
    for visit, treatment, day in at:
        groups: dict[tuple[str, str], list[Claim]] = {}
        for claim in known.evidence.about(treatment, "aftercare"):
            if not claim.skin or known.client.fitzpatrick in (None, *claim.skin):
                groups.setdefault((claim.measure, claim.level), []).append(claim)
        for (measure, level), claims in groups.items():
            ends = [end for claim in claims for end in (claim.low, claim.high) if not math.isnan(end)]
            begin, until = day, _after(day, max(ends, default=math.nan))
            if level == "allowed":
                begin, until = day + timedelta(days=math.ceil(min(ends, default=0))), None
            longer = until is not None and any(math.isnan(claim.high) for claim in claims)
            first: date | None = begin
            if measure in _BEFORE:
                first, until, longer = _after(day, -max(ends, default=math.nan)), day, False
            elif measure in _AROUND:
                first = None
            notes = "; ".join(dict.fromkeys(claim.note for claim in claims if claim.note))
            label, sources = known.evidence.tables.label("aftercare", measure), _cites(claims)
            row = (visit, treatment, measure, label, level, first, until, longer, notes, sources)
            dated.append((first or until or day, row))
    rows = (row for _, row in sorted(dated, key=lambda item: item[0]))
    return _frame(rows, "visit treatment_id what label level from until until_at_least note source_ids")


def _results(order: Sequence[str], sessions: Sequence[_Session], start: date, evidence: Evidence) -> pd.DataFrame:
    """When a result can be judged: weeks after the last session, for home care after its first day."""
    last = {session.treatment: session.planned for session in sessions}
    rows: list[tuple[object, ...]] = []
    for treatment in order:
        onset = evidence.number(treatment, "onset_weeks")
        ends = [_after(last.get(treatment, start), weeks * 7) for weeks in (onset.low, onset.typical, onset.high)]
        rows.append((treatment, last.get(treatment), *ends, _span(onset, "weeks"), onset.sources))
    return _frame(rows, "treatment_id last_session earliest typical latest said source_ids")


def _cost(order: Sequence[str], known: _Known) -> Cost:
    """Price of a session times sessions, low with low and high with high."""
    sums: list[tuple[float, float, float]] = []
    missing: list[str] = []
    for treatment in order:
        course, price = known.courses[treatment], known.evidence.price(treatment)
        unit = known.evidence.texts[treatment]["price_unit"]
        if math.isnan(price.low):
            missing.append(f"{course.name}: the price is not known.")
            continue
        typical = _first_known(price.typical, price.low)
        few, usual, most = course.sessions
        if price.strength == "clinic":
            sums.append(known.evidence.cost(treatment, (few, usual, most)))
        else:
            sums.append((price.low * few, typical * usual, _first_known(price.high, typical) * most))
        if unit != "session":
            missing.append(f"{course.name}: the price is for one {unit}. How many you need is not known.")
        elif not course.counted:
            missing.append(f"{course.name}: the number of visits is not known.")
        elif math.isnan(price.typical + price.high):
            missing.append(f"{course.name}: only a lowest price is known.")
    low, typical, high = (sum(part[r] for part in sums) if sums else math.nan for r in READINGS)
    return Cost(low, typical, high, tuple(missing))


def _late(order: Sequence[str], known: _Known) -> Iterator[Conflict]:
    """Spacing that cannot be kept because of the visits in between: past the longest wait that a source names, or
    neither in one visit nor healed."""
    runs = known.schedule(TYPICAL)
    for first, second in combinations(order, 2):
        pair, gap = known.pairs[frozenset((first, second))], runs[second].begin - runs[first].last
        rest = max(known.courses[treatment].rest.typical for treatment in (first, second))
        if gap > pair.most or (pair.shared and 0 < gap < rest):
            text = f"{pair.text} The plan has {gap} days between them. Whether that does harm is not known: ask."
            yield Conflict(text, (first, second), pair.sources)


def _tests(order: Sequence[str], known: _Known, start: date) -> Iterator[Conflict]:
    """The skin test that has to come before a treatment, whoever has not said that it is still to be done."""
    for treatment in order:
        said = known.evidence.rule(treatment, SKIN_TEST)
        if said.level == "defer" and SKIN_TEST not in known.client.conditions:
            name, wait = known.courses[treatment].name, stretch(said.weeks)
            begin = start + timedelta(days=known.schedule(TYPICAL)[treatment].begin)
            by = None if math.isnan(said.weeks) else begin - timedelta(weeks=said.weeks)
            told = f", so by {spoken_date(by)}" if by else ""
            text = f"{name}: a collagen skin test comes first, {wait} before the first visit{told}."
            yield Conflict(f"{text} Ask whether yours is done.", (treatment,), said.sources, by)


def _retinoids(
    home: Sequence[tuple[str, date]], order: Sequence[str], aftercare: pd.DataFrame, known: _Known
) -> Iterator[Conflict]:
    """The pauses of a retinoid cream that other treatments ask for: before a visit, and after it."""
    if "topical_retinoid" not in dict(home):
        return
    name = known.courses["topical_retinoid"].name
    for treatment in order:
        if said := _paused(treatment, known):
            text = f"{name}: stop it {stretch(said.weeks)} before each visit for {known.courses[treatment].name}."
            yield Conflict(text, ("topical_retinoid", treatment), said.sources)
    pauses = aftercare[aftercare["what"] == "avoid_retinoids"]
    if len(pauses):
        others = tuple(dict.fromkeys(pauses["treatment_id"].tolist()))
        names = listed([known.courses[treatment].name for treatment in others])
        sources = dict.fromkeys(source for ids in pauses["source_ids"] for source in ids)
        text = f"{name}: pause it after each visit for {names} (see aftercare)."
        yield Conflict(text, ("topical_retinoid", *others), tuple(sources))


def _over_limits(order: Sequence[str], known: _Known, cost: Cost) -> Iterator[Conflict]:
    """The client's limits against the course as a whole; each treatment alone was screened already."""
    client, every = known.client, tuple(order)
    runs = [known.schedule(reading) for reading in (TYPICAL, HIGH)]
    visits = [len({day for run in each.values() for day in run.days}) for each in runs]
    if client.max_sessions is not None and max(visits) > client.max_sessions:
        said = f"{visits[0]} visits, at most {visits[1]}"
        yield Conflict(f"All together: {said}. Your limit is {client.max_sessions:g}.", every)
    if client.max_downtime_days is not None:
        off = {treatment: known.evidence.number(treatment, "downtime_days") for treatment in order}
        spells = [_longest_spell(runs[0], {t: getattr(off[t], end) for t in off}) for end in ("typical", "high")]
        if max(spells) > client.max_downtime_days:
            differ = any(estimate.spread is not None for estimate in off.values())
            said = f"up to {max(spells)} days" if differ else f"usually {spells[0]} days, at most {max(spells)}"
            said += ", as sources differ" if differ else ""
            yield Conflict(f"Longest time off in one go: {said}. Your limit is {client.max_downtime_days:g}.", every)
    if client.budget_usd is not None and cost.high > client.budget_usd:
        most = f" (with {visits[1]} visits)" if visits[1] > visits[0] else ""
        said = f"usually {dollars(cost.typical)}, at most {dollars(cost.high)}{most}"
        yield Conflict(f"All together: {said}. Your budget is ${client.budget_usd:,.0f}.", every)
    if client.budget_usd is not None and cost.not_known:
        yield Conflict("Part of the cost is not known: ask before you count on your budget.", every)


def _longest_spell(runs: Mapping[str, _Run], off: Mapping[str, float]) -> int:
    """Most days off without a break, as far as known: windows that touch are one."""
    longest, opened, closed = 0, -1, -1
    for day, treatment in sorted((day, treatment) for treatment, run in runs.items() for day in run.days):
        if not math.isnan(off[treatment]):
            opened = day if day > closed else opened
            closed = max(closed, day + math.ceil(off[treatment]))
            longest = max(longest, closed - opened)
    return longest


def _done(known: _Known, reading: int, keep: Mapping[str, int]) -> int:
    """The day when the last known thing is over, counted from the start; -1 = no visits."""
    runs = known.schedule(reading, keep)
    return max((run.last + known.courses[treatment].healing[reading] for treatment, run in runs.items()), default=-1)


def _drop(order: Sequence[str], known: _Known, reading: int, limit: int) -> dict[str, int]:
    """{treatment: sessions left} of what has to give: one session at a time, always the one that saves most days; a
    treatment goes only when one session of each is too much; then whatever still fits is put back."""
    full = {treatment: known.courses[treatment].sessions[reading] for treatment in order}
    keep = dict(full)
    for floor in (1, 0):
        while _done(known, reading, keep) > limit:
            tries = [
                {**keep, treatment: keep[treatment] - 1} for treatment in reversed(order) if keep[treatment] > floor
            ]
            if not tries:
                break
            keep = min(tries, key=lambda tried: _done(known, reading, tried))
    for treatment in order:
        while keep[treatment] < full[treatment]:
            more = {**keep, treatment: keep[treatment] + 1}
            if _done(known, reading, more) > limit:
                break
            keep = more
    return {treatment: left for treatment, left in keep.items() if left < full[treatment]}


def _ready(
    order: Sequence[str],
    known: _Known,
    start: date,
    by: date,
    aftercare: pd.DataFrame,
    unsettled: Mapping[str, Reason],
) -> Ready:
    asked = f"Done and healed by {spoken_date(by)}?"
    if not order:
        text = f"{asked}\nNo visit is planned, so there is nothing to be done by then."
        return Ready(by, None, None, None, None, {}, {}, text)
    later = [known.courses[t].name for t in order if t in unsettled and unsettled[t].level == "defer"]
    lines, found = [], []
    if later:
        lines.append(f"{listed(later)}: not yet. The dates below take what is in the way as over by the first visit.")
    guessed = _guessed(order, known)
    for reading, words in ((TYPICAL, "With the usual figures"), (HIGH, "With the most cautious figures")):
        full = {treatment: known.courses[treatment].sessions[reading] for treatment in order}
        end, limit = _done(known, reading, full), (by - start).days
        hidden = [known.courses[t].name for t in order if not known.courses[t].healing_known[reading]]
        fits = False if end > limit else None if hidden or later else True
        day = start + timedelta(days=end)
        drop = _drop(order, known, reading, limit) if fits is False else {}
        found.append((fits, day, drop))
        courses = [f"{known.courses[t].name}, {_counted_sessions(number)}" for t, number in full.items()]
        yes = "yes, if our assumption holds" if guessed else "yes"
        said = [f"{words} ({'; '.join(courses)}): { {True: yes, False: 'no', None: 'not known'}[fits] }."]
        said.append(f"As far as known it is over on {spoken_date(day)}.")
        if reading == TYPICAL:
            said.append(f"For that the first visit is on {spoken_date(by - timedelta(days=end))} at the latest.")
        said += [f"Days off or redness are not fully known for: {listed(hidden)}. Ask."] if hidden else []
        told = drop if reading == TYPICAL or found[0][0] is not False else {}  # once: the usual reading asks for less
        if told:
            cuts = [
                f"{left} of {full[t]} sessions of {known.courses[t].short}" if left else f"no {known.courses[t].short}"
                for t, left in told.items()
            ]
            said.append(f"Begun as planned, it would take less: {listed(cuts)}.")
        few = [
            f"{known.courses[t].sessions.low} sessions of {known.courses[t].short}"
            for t, left in told.items()
            if 0 < left < known.courses[t].sessions.low
        ]
        said += [f"Sources used at least {listed(few)}. What fewer do is not known."] if few else []
        lines.append(" ".join(said))
    lines += _in_the_midst(known, start, by)
    lines += [f"Our assumption: {listed(guessed)}."] if guessed and any(fits for fits, _, _ in found) else []
    care = aftercare[(aftercare["until"] > pd.Timestamp(by)) & ~aftercare["what"].isin(_BEFORE)]
    if len(care):
        things = listed(list(dict.fromkeys(care["label"])))
        lines.append(f"Care goes on after that day, until {spoken_date(care['until'].max())}: {things}.")
    lines.append("This is about visits and healing. No result is promised by then.")
    (usual, usual_day, usual_drop), (cautious, late_day, late_drop) = found
    text = "\n".join([asked, *lines])
    return Ready(by, usual, cautious, usual_day, late_day, usual_drop, late_drop, text)


def _guessed(order: Sequence[str], known: _Known) -> list[str]:
    """The waits that the dates take from our own assumption, in words."""
    alone = [c.name for t in order if not (c := known.courses[t]).interval_known and c.sessions.high > 1]
    pairs = [
        f"{known.courses[first].name} and {known.courses[second].name}"
        for first, second in combinations(order, 2)
        if known.pairs[frozenset((first, second))].assumed
    ]
    return [f"how long to wait between {words}" for words in (*(f"visits for {name}" for name in alone), *pairs)]


def _in_the_midst(known: _Known, start: date, by: date) -> Iterator[str]:
    """Visits whose days off or redness, at most, may reach the day asked for, as planned."""
    hit = []
    for treatment, run in known.schedule(TYPICAL).items():
        most = known.courses[treatment].healing.high
        days = [start + timedelta(days=day) for day in run.days if day <= (by - start).days <= day + most]
        hit += [f"{known.courses[treatment].short} on {listed(list(map(spoken_date, days)))}"] if days else []
    if hit:
        yield f"As planned, that day may fall into the days off or redness after {listed(hit)}."


def _counted_sessions(number: int) -> str:
    return f"{number} session{'' if number == 1 else 's'}"
