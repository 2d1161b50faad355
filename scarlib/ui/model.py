"""The one state of the page: a person's answers, what is shown, and the result that follows from them."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
from traitlets import Dict, Float, HasTraits, Instance, Int, List, Unicode

from scarlib.client import LIMITS, PRIORITIES, SCAR_TYPES, Client
from scarlib.errors import ClientError
from scarlib.evidence import Evidence, weigh
from scarlib.menu import lay_over, read_menu
from scarlib.planning import YEARS, Plan, plan, spoken_date
from scarlib.ranking import recommend
from scarlib.record import Record
from scarlib.screening import NO_TREATMENT, RANKED

log = logging.getLogger(__name__)

# An example to open with; the page says that it is one.
START = Client(scars={"rolling": 2})
# Fields of Client; `traits` is called `character` here because every HasTraits has a method of that name.
ANSWERS = (
    "scars",
    "character",
    "severity",
    "fitzpatrick",
    "conditions",
    *LIMITS,
    "setting",
    "priorities",
)
# What a plan is made of, beside the answers.
PLANNED = ("planned", "starts_on", "ready_by")
# What is said beside the answers, for the page to take home; in no file and no link.
SAID = ("decision", "unclear")
_STEP = (*ANSWERS, "compared", *PLANNED, *SAID)  # what a step of several changes may change, and undo brings back
_FIELDS = {"start": "First visit", "ready_by": "To be done by"}
NO_SCAR = "Choose at least one kind of scar or mark under “Your scars”. Then you see what fits you."
SHORT_YEAR = "The year of a date is not whole yet. Write all four figures, such as 2027."
NO_PLAN = "The plan could not be worked out. Please change what is planned, or undo your last answer."
FAILED = "That change could not be worked out. The results below are the last good ones. Please undo it or start again."


class Answers(HasTraits):
    """A person's answers as traits; `options` and `plan` follow them, worked out once a change.

    Views only link to it. `families` narrows what is listed, `chosen` is the option shown in full, `compared` and
    `planned` what stands side by side and in the plan ("the best fit" while they are empty). `evidence` changes with
    the clinic's menu alone, whose name is `menu`. `problem`, `notice` and `plan_problem` are plain sentences where
    something cannot be worked out or opened; the last good options then stay. A plan does not: its dates are no longer
    those that were asked for.
    """

    scars = Dict(key_trait=Unicode(), value_trait=Float())
    character = List(Unicode())
    severity = Int(None, allow_none=True)
    fitzpatrick = Int(None, allow_none=True)
    conditions = List(Unicode())
    max_downtime_days = Float(None, allow_none=True)
    max_sessions = Float(None, allow_none=True)
    max_pain = Float(None, allow_none=True)
    budget_usd = Float(None, allow_none=True)
    setting = Unicode(None, allow_none=True)
    priorities = Dict(key_trait=Unicode(), value_trait=Float())

    families = List(Unicode())
    chosen = Unicode()
    compared = List(Unicode())
    planned = List(Unicode())
    starts_on = Instance(date, allow_none=True)  # None = today
    ready_by = Instance(date, allow_none=True)
    evidence = Instance(Evidence)
    menu = Unicode()

    options = Instance(pd.DataFrame)
    plan = Instance(Plan, allow_none=True)  # None = there is nothing to plan
    problem = Unicode()
    empty = Unicode()  # why there are no results at all; "" = there are
    plan_problem = Unicode()
    notice = Unicode()  # what became of a file or a link that was opened
    unanswered = List(Unicode())  # questions answered with yes, but not to what
    decision = Unicode()  # see `report`; "" = nothing said
    unclear = Unicode()  # what is unclear, in the person's own words
    starts = Int(0)  # times the answers became those of another start: started again, or a record opened

    def __init__(self, evidence: Evidence, client: Client = START) -> None:
        super().__init__()
        self.evidence = evidence
        self._plain = replace(evidence.tables, menu=None)
        self._start = client
        self._past: list[dict[str, Any]] = []
        self._given: frozenset[str] = frozenset()  # kinds of scar whose amount the person has changed
        self._held = False
        self._write(client)
        self._choose(Record(client))
        self.client = self._answered_by()
        self.options = recommend(self.client, evidence)
        self._draw_up()
        self.observe(self._answered, names=list(ANSWERS))
        self.observe(self._chosen, names=["compared", *PLANNED])

    def undo(self) -> None:
        """Go back one answer or choice; nothing happens at the start."""
        if self._past:
            with self._as_one(remember=False):
                for name, value in self._past.pop().items():
                    setattr(self, name, value)

    def reset(self) -> None:
        """Back to what the page opened with; the answers can be undone. The clinic's menu stays."""
        with self._as_one():
            self._write(self._start)
            self._choose(Record(self._start))
            self.families, self.chosen, self.notice = [], "", ""
            self._given = frozenset()
        self.starts += 1

    def answer(self, **answers: Any) -> None:
        """Change several answers as one step, worked out once."""
        with self._as_one():
            for name, value in answers.items():
                setattr(self, name, value)

    @property
    def record(self) -> Record:
        """All that is kept of this consultation. Raises ClientError while no scar is chosen."""
        if self.empty:
            raise ClientError([self.empty])
        first, last = (
            day if day and YEARS[0] <= day.year <= YEARS[1] else None for day in (self.starts_on, self.ready_by)
        )
        return Record(self.client, tuple(self.compared), tuple(self.planned), first, last, self.menu)

    def open(self, record: Record) -> None:
        """Go on where a kept consultation stopped; the answers can be undone. The clinic's menu stays."""
        with self._as_one():
            self._write(record.client)
            self._choose(record)
            # Scars that are the example's to the last may be a page loaded again by somebody who never gave any.
            self._given = frozenset() if record.client.scars == START.scars else frozenset(SCAR_TYPES)
        self.starts += 1

    def use_menu(self, raw: bytes, name: str) -> None:
        """Lay a clinic's menu over the tables. Raises DataError with all its problems; the previous menu then stays."""
        menu = read_menu(raw, name, self._plain.treatments.index)
        self._use(weigh(lay_over(self._plain, menu)), menu.name)

    def drop_menu(self) -> None:
        """Work without a clinic's menu again."""
        self._use(weigh(self._plain), "")

    @property
    def shortlist(self) -> list[str]:
        """What may be ranked, best first, without no treatment."""
        ranked = self.options.index[self.options["verdict"].isin(RANKED)]
        return [str(treatment) for treatment in ranked if treatment != NO_TREATMENT]

    def _write(self, client: Client) -> None:
        answers = client.to_dict()
        answers["character"] = answers.pop("traits")
        for name, value in answers.items():
            setattr(self, name, value)

    def _choose(self, record: Record) -> None:
        self.compared, self.planned = list(record.compared), list(record.planned)
        self.starts_on, self.ready_by = record.starts_on, record.ready_by
        self.decision = self.unclear = ""

    def _use(self, evidence: Evidence, name: str) -> None:
        self.menu, self.evidence = name, evidence  # in this order: views follow the evidence
        self._work_out()

    def _state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ANSWERS}

    @property
    def untouched(self) -> bool:
        """Whether the answers are still those the page opened with."""
        return self.client == self._start

    @property
    def example(self) -> bool:
        """Whether all that is answered is the example."""
        return self.untouched and self._start == START

    @property
    def left_over(self) -> list[str]:
        """Kinds of scar that still have the amount of the example, which nobody has given."""
        kept = self._start.scars.items() if self._start == START else ()
        return [scar for scar, amount in kept if scar not in self._given and self.client.scars.get(scar) == amount]

    @contextmanager
    def _as_one(self, *, remember: bool = True) -> Iterator[None]:
        before = {name: getattr(self, name) for name in (*_STEP, "_given")}
        self._held = True
        try:
            yield
        except Exception:  # nothing half done
            for name, value in before.items():
                setattr(self, name, value)
            raise
        finally:
            self._held = False
        changed = {name: value for name, value in before.items() if getattr(self, name) != value}
        if changed and remember:
            self._past.append(changed)
        if changed.keys() & set(ANSWERS):
            self._work_out()
        elif changed.keys() & set(PLANNED):
            self._draw_up()

    def _answered(self, change: Mapping[str, Any]) -> None:
        before = {change["name"]: change["old"], "_given": self._given}
        if change["name"] == "scars":
            self._given |= {scar for scar, _ in change["old"].items() ^ change["new"].items()}
        if not self._held:
            self.notice = ""
            self._past.append(before)
            self._work_out()

    def _chosen(self, change: Mapping[str, Any]) -> None:
        if not self._held:
            if not _unfinished(change["old"]):
                self._past.append({change["name"]: change["old"]})
            if change["name"] in PLANNED:
                self._draw_up()

    def _answered_by(self) -> Client:
        answers = self._state()
        answers["traits"] = frozenset(answers.pop("character"))
        answers["priorities"] = {name: answers["priorities"].get(name, 0.0) for name in PRIORITIES}
        return Client.from_dict(answers, self.evidence.tables)

    def _work_out(self) -> None:
        # Without a scar there is nothing to screen, and what was screened before must not pass for this person's.
        if not self.scars:
            self.problem = self.empty = NO_SCAR
            return
        try:
            client = self._answered_by()
            options = recommend(client, self.evidence)
        except ClientError as error:
            self.problem = " ".join(error.problems)
        except Exception:  # a viewer gets a sentence, the log the cause
            log.exception("the answers could not be worked out")
            self.problem = FAILED
        else:
            self.client = client
            self.problem = ""
            self.options = options
            self._draw_up()
            self.empty = ""
            return
        self.empty = self.empty and self.problem

    def _draw_up(self) -> None:
        """The plan of what is chosen, or of the best fit. A plan that was chosen is not this one any more."""
        treatments = self.planned or self.shortlist[:1]
        start = self.starts_on or date.today()
        found, problem = None, ""
        try:
            if _unfinished(self.starts_on) or _unfinished(self.ready_by):
                raise ClientError([SHORT_YEAR])
            found = plan(self.client, treatments, self.evidence, start, self.ready_by) if treatments else None
        except ClientError as error:
            told = " ".join(error.problems).replace(" (datetime.date)", "")
            told = re.sub(r"\b(start|ready_by): ", lambda name: f"{_FIELDS[name[1]]}: ", told)
            problem = re.sub(r"\b\d{4}-\d\d-\d\d\b", lambda day: spoken_date(date.fromisoformat(day[0])), told)
        except Exception:  # a viewer gets a sentence, the log the cause
            log.exception("the plan could not be worked out")
            problem = NO_PLAN
        if self.decision == "chosen" and _dates(found) != _dates(self.plan):
            self.decision = ""
        self.plan, self.plan_problem = found, problem


def _unfinished(day: object) -> bool:
    """Whether this is a date whose year is still being typed."""
    return isinstance(day, date) and day.year < 1000


def _dates(found: Plan | None) -> list[object]:
    """What makes one plan another: what is done when."""
    if found is None:
        return []
    return [*found.order, *found.visits["treatment_id"], *found.visits["date_planned"]]
