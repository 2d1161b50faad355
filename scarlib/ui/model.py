"""The one state of the page: a person's answers, what is shown, and the result that follows from them."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pandas as pd
from traitlets import Dict, Float, HasTraits, Instance, Int, List, Unicode

from scarlib.client import LIMITS, PRIORITIES, Client
from scarlib.errors import ClientError
from scarlib.evidence import Evidence
from scarlib.ranking import recommend

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
FAILED = "That change could not be worked out. The results below are the last good ones. Please undo it or start again."


class Answers(HasTraits):
    """A person's answers as traits; `options` follows them, worked out once a change.

    Views only link to it. `families` narrows what is listed, `chosen` is the option shown in full.
    `problem` is a plain sentence where the answers cannot be worked out; `options` then stays as it was.
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
    options = Instance(pd.DataFrame)
    problem = Unicode()
    unanswered = List(Unicode())  # questions answered with yes, but not to what
    starts = Int(0)  # times the person started again

    def __init__(self, evidence: Evidence, client: Client = START) -> None:
        super().__init__()
        self.evidence = evidence
        self.client = client
        self._start = client
        self._past: list[dict[str, Any]] = []
        self._held = False
        self._write(client)
        self.options = recommend(client, evidence)
        self.observe(self._answered, names=list(ANSWERS))

    def undo(self) -> None:
        """Go back one answer; nothing happens at the start."""
        if self._past:
            with self._as_one(remember=False):
                for name, value in self._past.pop().items():
                    setattr(self, name, value)

    def reset(self) -> None:
        """Back to the answers the page opened with; can be undone."""
        with self._as_one():
            self._write(self._start)
            self.families = []
        self.starts += 1

    def answer(self, **answers: Any) -> None:
        """Change several answers as one step, worked out once."""
        with self._as_one():
            for name, value in answers.items():
                setattr(self, name, value)

    def _write(self, client: Client) -> None:
        answers = client.to_dict()
        answers["character"] = answers.pop("traits")
        for name, value in answers.items():
            setattr(self, name, value)

    def _state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ANSWERS}

    @property
    def untouched(self) -> bool:
        """Whether the answers are still those the page opened with."""
        return self.client == self._start

    @contextmanager
    def _as_one(self, *, remember: bool = True) -> Iterator[None]:
        before = self._state()
        self._held = True
        try:
            yield
        except Exception:  # nothing half done
            for name, value in before.items():
                setattr(self, name, value)
            raise
        finally:
            self._held = False
        if self._state() != before:
            if remember:
                self._past.append(before)
            self._work_out()

    def _answered(self, change: Mapping[str, Any]) -> None:
        if not self._held:
            self._past.append({**self._state(), change["name"]: change["old"]})
            self._work_out()

    def _work_out(self) -> None:
        answers = self._state()
        answers["traits"] = frozenset(answers.pop("character"))
        answers["priorities"] = {name: answers["priorities"].get(name, 0.0) for name in PRIORITIES}
        if not answers["scars"]:
            self.problem = (
                "Choose at least one kind of scar or mark under “Your scars”. Until then the last results stay."
            )
            return
        try:
            client = Client.from_dict(answers, self.evidence.tables)
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
