"""What we know of a person, and what matters to them."""

import json
from collections.abc import Collection, Mapping
from dataclasses import InitVar, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from scarlib.errors import ClientError
from scarlib.tables import Tables, default_tables

INDENTED = ("icepick", "boxcar", "rolling")
SCAR_TYPES = (*INDENTED, "superficial", "erythematous", "hyperpigmented", "hypertrophic", "keloid")
TRAITS = ("shallow", "deep", "tethered", "distensible", "volume_loss", "narrow", "wide")
SETTINGS = ("med_spa", "home")
# Before a person says otherwise: they came for a visible change, then not to be harmed; the rest alike.
PRIORITIES: Mapping[str, float] = MappingProxyType(
    {
        "improvement": 3,
        "skin_safety": 2,
        "lasting": 1,
        "downtime": 1,
        "comfort": 1,
        "cost": 1,
        "few_visits": 1,
    }
)
LIMITS: Mapping[str, tuple[float, float, str]] = MappingProxyType(
    {
        "max_downtime_days": (0, 365, "days"),
        "max_sessions": (0, 60, "visits"),
        "max_pain": (0, 10, "of 10"),
        "budget_usd": (0, 1_000_000, "US dollars for the whole course"),
    }
)


@dataclass(frozen=True)
class Client:
    """One person's scars, skin, health, limits and priorities. Nothing in it names the person.

    scars        {scar type: how much of the problem it is, any positive weight}
    fitzpatrick  skin type 1..6, None = not known
    traits       character of the scars, any of `scarlib.client.TRAITS`; empty = not known
    severity     Goodman-Baron grade 1..4, None = not known
    conditions   ids of tables.conditions that apply
    max_*        limits (days off, visits, pain 0..10) and budget (US dollars for the course); None = no limit
    setting      "med_spa" (nothing that only a physician may do), "home", None = anywhere
    priorities   {key of `scarlib.client.PRIORITIES`: 0 does not matter .. 3 matters most}; a key left out is 0

    Raises ClientError naming each faulty argument and what is allowed.
    """

    scars: Mapping[str, float]
    fitzpatrick: int | None = None
    traits: Collection[str] = frozenset()
    severity: int | None = None
    conditions: Collection[str] = frozenset()
    max_downtime_days: float | None = None
    max_sessions: float | None = None
    max_pain: float | None = None
    budget_usd: float | None = None
    setting: str | None = None
    priorities: Mapping[str, float] = field(default_factory=lambda: PRIORITIES)
    tables: InitVar[Tables | None] = None

    def __post_init__(self, tables: Tables | None) -> None:
        object.__setattr__(self, "_tables", tables)
        for name in ("fitzpatrick", "severity", *LIMITS):
            object.__setattr__(self, name, _plain(getattr(self, name)))
        known = (tables or default_tables()).conditions.index
        problems = [
            *_weights("scars", self.scars, SCAR_TYPES, 1e9, positive=True),
            *_whole("fitzpatrick", self.fitzpatrick, 6),
            *_members("traits", self.traits, TRAITS),
            *_whole("severity", self.severity, 4),
            *_members("conditions", self.conditions, tuple(known)),
            *_weights("priorities", self.priorities, tuple(PRIORITIES), 3, positive=False),
        ]
        if isinstance(self.scars, Mapping) and not self.scars:
            problems.append("scars: is empty. Name at least one of: " + ", ".join(SCAR_TYPES) + ".")
        for name, (low, high, unit) in LIMITS.items():
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and low <= value <= high):
                problems.append(f"{name}: {_shown(value)} is not allowed. Give {low:,} to {high:,} {unit}, or None.")
        if self.setting is not None and not (isinstance(self.setting, str) and self.setting in SETTINGS):
            problems.append(
                f"setting: {_shown(self.setting)} is not known. Allowed is one of: {', '.join(SETTINGS)}, or None."
            )
        if problems:
            raise ClientError(problems)
        object.__setattr__(self, "scars", MappingProxyType(_plain_weights(self.scars)))
        object.__setattr__(self, "priorities", MappingProxyType(_plain_weights(self.priorities)))
        object.__setattr__(self, "traits", frozenset(self.traits))
        object.__setattr__(self, "conditions", frozenset(self.conditions))

    def replace(self, **changes: Any) -> "Client":
        """The same person with some answers changed; raises ClientError as the constructor does."""
        return replace(self, **{"tables": self.__dict__["_tables"], **changes})

    def __reduce__(self) -> tuple[Any, ...]:
        return Client.from_dict, (self.to_dict(), self.__dict__["_tables"])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, in a fixed order; `from_dict` reads them back."""
        return {
            "scars": dict(self.scars),
            "fitzpatrick": self.fitzpatrick,
            "traits": sorted(self.traits),
            "severity": self.severity,
            "conditions": sorted(self.conditions),
            **{name: getattr(self, name) for name in LIMITS},
            "setting": self.setting,
            "priorities": dict(self.priorities),
        }

    @classmethod
    def from_dict(cls, answers: Mapping[str, Any], tables: Tables | None = None) -> "Client":
        """The client that `to_dict` wrote; raises ClientError for anything else."""
        names = {item.name for item in fields(cls)}
        if not isinstance(answers, Mapping):
            raise ClientError([f"client: {type(answers).__name__} is not a set of answers. Give a mapping."])
        problems = [
            f"{str(name)[:60]}: is not known. Allowed is: {', '.join(sorted(names))}."
            for name in answers
            if name not in names
        ]
        try:
            client = cls(**{"scars": {}, **{name: answers[name] for name in names & answers.keys()}}, tables=tables)
        except ClientError as error:
            raise ClientError([*problems, *error.problems]) from None
        if problems:
            raise ClientError(problems)
        return client

    def to_json(self) -> str:
        """The answers as one line of JSON."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str, tables: Tables | None = None) -> "Client":
        """The client that `to_json` wrote; raises ClientError for anything else."""
        try:
            answers = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ClientError([f"client: is not JSON ({type(error).__name__}). Give what to_json wrote."]) from None
        return cls.from_dict(answers, tables)


def _plain(value: Any) -> Any:
    """A number out of a table (numpy.int64) as the plain number it is."""
    return value.item() if isinstance(value, np.generic) else value


def _plain_weights(weights: Mapping[str, Any]) -> dict[str, float]:
    return {name: _plain(weight) for name, weight in weights.items()}


def _is_number(value: object) -> bool:
    value = _plain(value)
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -1e300 < value < 1e300


def _shown(value: object) -> str:
    """A value as an error shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _whole(name: str, value: object, highest: int) -> list[str]:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= highest):
        return []
    return [f"{name}: {_shown(value)} is not allowed. Give a whole number from 1 to {highest}, or None for not known."]


def _members(name: str, values: object, allowed: tuple[str, ...]) -> list[str]:
    if isinstance(values, (str, Mapping)) or not isinstance(values, Collection):
        return [f"{name}: {_shown(values)} is not a set of names. Give a set such as {{{allowed[0]!r}}}."]
    unknown = [value for value in values if value not in allowed]
    cure = f"Allowed is any of: {', '.join(allowed)}."
    return [f"{name}: {_shown(value)} is not known. {cure}" for value in sorted(unknown, key=str)]


def _weights(name: str, weights: object, allowed: tuple[str, ...], highest: float, *, positive: bool) -> list[str]:
    if not isinstance(weights, Mapping):
        return [f"{name}: {_shown(weights)} is not a mapping. Give one such as {{{allowed[0]!r}: 1}}."]
    cure = f"Allowed is any of: {', '.join(allowed)}."
    problems = [f"{name}: {_shown(key)} is not known. {cure}" for key in weights if key not in allowed]
    wanted = f"a number above 0, at most {highest:,.0f}" if positive else f"a number from 0 to {highest:g}"
    for key, weight in weights.items():
        if not _is_number(weight) or (weight <= 0 if positive else weight < 0) or weight > highest:
            problems.append(f"{name}: {_shown(weight)} for {_shown(key)} is not allowed. Give {wanted}.")
    return problems
