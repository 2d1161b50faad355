"""Why, why not, what if: how the result hangs on each limit and priority, how stable the first place is, what a score
is made of, and what would let in what is out.

A move changes one limit or one priority by one step, and nothing else: never a scar, a condition or a skin type that
is known. What must be avoided is therefore avoided after every move. The one medical question asked is a skin type
that is not known: then each type is tried, to see whether it is worth finding out.

Stability is the rank acceptability index of stochastic multicriteria acceptability analysis (SMAA: Lahdelma, Hokkanen &
Salminen 1998), over the draws that `ranking.rank` uses.
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from html import unescape
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scarlib.client import LIMITS, PRIORITIES, Client
from scarlib.errors import ClientError
from scarlib.evidence import Evidence
from scarlib.phrases import count, rows, tier_words
from scarlib.ranking import CRITERIA, health_doubt, later, readings, recommend, values, weights_of
from scarlib.screening import (
    DARKER,
    NO_TREATMENT,
    RANKED,
    VERDICTS,
    Change,
    Reason,
    needed_for,
    of_100,
    screen,
    traits_of,
    what_would_change,
)
from scarlib.tables import SKIN_TYPES

# The steps of each limit, as the page's controls offer them, in the unit of the limit.
STEPS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "max_downtime_days": (0, 1, 2, 3, 5, 7, 10, 14, 21, 30),
        "max_sessions": (1, 2, 3, 4, 5, 6, 8, 10, 12),
        "max_pain": (1, 2, 3, 4, 5, 6, 7, 8),
        "budget_usd": (250, 500, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 7500, 10000, 15000),
    }
)
_PLACES = ("home", "med_spa", None)  # each opens all that stands before it
_MATTERS = ("not at all", "a little", "much", "most of all")
_LIMIT_NAMES = {"max_downtime_days": "days off", "max_sessions": "visits", "max_pain": "pain", "budget_usd": "cost"}
NOT_KNOWN = "not known"
MEDICAL = "Nothing you can change: it is medical."
NOT_THESE = "Nothing you can change: it is not for these scars."
SKIN_FIRST = "Find out your skin type first."

Value = float | int | str | None
Screened = Mapping[str, tuple[str, tuple[Reason, ...]]]


@dataclass(frozen=True)
class Move:
    """One limit or priority changed by one step, and the result then: `field` of Client or the priority's name,
    `value` (None = no limit), `words` ("If 5 days off were fine instead of 3"), `first` (treatment_id), whether that is
    another than now, what `came_in` and `went_out` (treatment ids), `top3`, and whether any of these differs."""

    field: str
    value: Value
    words: str
    first: str
    first_changed: bool
    came_in: tuple[str, ...]
    went_out: tuple[str, ...]
    top3: tuple[str, ...]
    moved: bool


def what_if(client: Client, evidence: Evidence) -> pd.DataFrame:
    """Every move and what it does to the result: one row a `Move`, its fields as columns, limits first.

    Limits: the next looser and the next tighter step, and no limit; for a limit that is not set the loosest step that
    rules something out, if any does. Priorities: one step up and one down. A skin type that is not known: each type.
    """
    found = moves(client, evidence)
    columns = {item.name: [getattr(move, item.name) for move in found] for item in fields(Move)}
    kinds = {"field": "str", "words": "str", "first": "str", "first_changed": "bool", "moved": "bool"}
    return pd.DataFrame({name: pd.Series(column, dtype=kinds.get(name, "object")) for name, column in columns.items()})


def moves(client: Client, evidence: Evidence) -> tuple[Move, ...]:
    """The rows of `what_if`."""
    screened = screen(client, evidence)
    before = _order(client, screened, evidence)
    found = []
    for field, value, words in _steps(client, before, evidence):
        then = moved(client, field, value)
        after = _order(then, screened if field in PRIORITIES else screen(then, evidence), evidence)
        came_in = tuple(treatment for treatment in after if treatment not in before)
        went_out = tuple(treatment for treatment in before if treatment not in after)
        differs = bool(came_in or went_out) or after[:3] != before[:3]
        found.append(Move(field, value, words, after[0], after[0] != before[0], came_in, went_out, after[:3], differs))
    return tuple(found)


def moved(client: Client, field: str, value: Value) -> Client:
    """The client after one move; the one given stays as it is."""
    if field in PRIORITIES:
        return client.replace(priorities={**client.priorities, field: value})
    return client.replace(**{field: value})


def skin_rules_out(client: Client, evidence: Evidence) -> dict[int, tuple[str, ...]]:
    """{skin type IV to VI (4, 5, 6): treatments for scars like these that must not be used if it is the client's};
    empty where the skin type is known. What these types rule out is why a type that is not known is worth finding."""
    if client.fitzpatrick is not None:
        return {}
    now = screen(client, evidence)
    open_ = [treatment for treatment, (verdict, _) in now.items() if verdict not in ("avoid", "not_indicated")]
    after = {skin: screen(moved(client, "fitzpatrick", skin), evidence) for skin in DARKER}
    return {skin: tuple(t for t in open_ if found[t][0] == "avoid") for skin, found in after.items()}


def stability(client: Client, evidence: Evidence) -> pd.DataFrame:
    """Of 100 plausible readings of the evidence and the priorities: in how many each ranked option is first, and in
    how many it is in the top three.

    Index treatment_id, in rank order; columns first, top3 (0..100). Firsts add up to 100: options that tie share the
    reading. In a reading the options stand as `ranking.rank` puts them: by score, but after all others what the
    client's health calls into question and what is beside the point, so that is first in no reading as long as
    anything else is ranked.
    """
    screened = screen(client, evidence)
    treatments = list(_order(client, screened, evidence))
    total = readings(client, evidence, treatments).astype(np.float64)
    placed = total - 1000.0 * _behind(client, treatments, screened, evidence)[:, None]  # no score reaches over a step
    first = placed == placed.max(axis=0)
    places = min(3, len(treatments))
    third = np.partition(placed, len(treatments) - places, axis=0)[len(treatments) - places]
    return pd.DataFrame(
        {"first": 100 * (first / first.sum(axis=0)).mean(axis=1), "top3": 100 * (placed >= third).mean(axis=1)},
        index=pd.Index(treatments, name="treatment_id"),
    )


def contributions(client: Client, evidence: Evidence, treatment_id: str) -> pd.DataFrame:
    """The score of one ranked treatment, part by part: index criterion; columns words (what counts, in plain words),
    points (they add up to the score), figure (plain text, "not known" where nothing is known), weight (0..1, they add
    up to 1; 100 times the weight is the most points to be had).

    Raises ClientError for an id that is not in the table, and for a treatment that is ruled out and has no score.
    """
    options = recommend(client, evidence)
    allowed = ", ".join(options.index[options["rank"].notna()])
    if treatment_id not in options.index:
        raise ClientError([f"treatment_id: {treatment_id!r} is not known. Allowed is one of: {allowed}."])
    row = options.loc[treatment_id]
    if pd.isna(row["rank"]):
        verdict = evidence.tables.label("verdict", row["verdict"])
        raise ClientError([f"treatment_id: {treatment_id!r} is ruled out ({verdict}). Give a ranked one: {allowed}."])
    words = evidence.tables.words("priority")
    return pd.DataFrame(
        {
            "words": pd.Series([words[name] for name in CRITERIA], dtype="str").to_numpy(),
            "points": [float(row[f"points_{name}"]) for name in CRITERIA],
            "figure": [_figure(name, treatment_id, client, evidence) for name in CRITERIA],
            "weight": weights_of(client.priorities),
        },
        index=pd.Index(CRITERIA, name="criterion"),
    )


def ways_in(client: Client, evidence: Evidence) -> pd.DataFrame:
    """Every treatment that is out, nearest to fitting first, and the smallest change that would let it in.

    Index treatment_id; columns name, verdict, reason (the first that decides, and how many more do), words (what would
    let it in, or why nothing would), change (`screening.Change`, None where there is none). Nearest: what the fewest
    steps of limits let in, then what waiting does, the shortest first; then what only a skin type still to be found
    out, then what is not for these scars, and last what must be avoided.
    """
    found = []
    for treatment, (verdict, reasons) in screen(client, evidence).items():
        if verdict not in RANKED:
            change = what_would_change(client, treatment, evidence)
            deciding = [reason for reason in reasons if reason.level == verdict]
            more = f" And {_counted(len(deciding) - 1, 'more reason')}." if len(deciding) > 1 else ""
            row = {
                "treatment_id": treatment,
                "name": evidence.texts[treatment]["name"],
                "verdict": verdict,
                "reason": deciding[0].text + more,
                "words": change.text if change else _why_not(verdict, reasons),
                "change": change,
            }
            found.append((_distance(client, verdict, change), row))
    found.sort(key=lambda item: item[0])
    columns = ("treatment_id", "name", "verdict", "reason", "words", "change")
    data = {name: pd.Series([row[name] for _, row in found], dtype=object) for name in columns}
    texts = {name: "str" for name in columns if name != "change"}
    return pd.DataFrame(data).astype(texts).set_index("treatment_id")


def _order(client: Client, screened: Screened, evidence: Evidence) -> tuple[str, ...]:
    """What is ranked, best first, as `ranking.rank` orders it; without its draws, which the order does not need."""
    treatments = [treatment for treatment, (verdict, _) in screened.items() if verdict in RANKED]
    low, likely, high = values(client, evidence, treatments)
    score = (100 * weights_of(client.priorities) * (low + likely + high) / 3).sum(axis=1)
    order = np.lexsort((np.arange(len(score)), -score, _behind(client, treatments, screened, evidence)))
    return tuple(treatments[place] for place in order)


def _behind(client: Client, treatments: list[str], screened: Screened, evidence: Evidence) -> NDArray[np.int64]:
    """`ranking.later` of these treatments."""
    places = evidence.tables.treatments.index.get_indexer(pd.Index(treatments))
    return later(
        client, evidence, places, np.array([health_doubt(screened[name][1]) for name in treatments], dtype=int)
    )


# Moves


def _steps(client: Client, ranked: tuple[str, ...], evidence: Evidence) -> Iterator[tuple[str, Value, str]]:
    """(field, value, words) of every move, limits first."""
    for limit in LIMITS:
        now = getattr(client, limit)
        for value in _limit_steps(limit, now, ranked, evidence):
            yield limit, value, _limit_words(limit, now, value)
    yield from (("setting", place, _place_words(client.setting, place)) for place in _places(client, ranked, evidence))
    labels = evidence.tables.words("priority")
    for name in PRIORITIES:
        weight = float(client.priorities.get(name, 0.0))
        for value in (math.floor(weight) + 1, math.ceil(weight) - 1):
            if 0 <= value < len(_MATTERS):
                yield name, float(value), _priority_words(labels[name], weight, value)
    if client.fitzpatrick is None:
        yield from (("fitzpatrick", skin, f"If your skin is type {name}") for skin, name in enumerate(SKIN_TYPES, 1))


def _limit_steps(limit: str, now: float | None, ranked: tuple[str, ...], evidence: Evidence) -> list[float | None]:
    steps = STEPS[limit]
    if now is None:
        needed = [needed_for(treatment, limit, evidence) for treatment in ranked if treatment != NO_TREATMENT]
        most = max((figure for figure in needed if not math.isnan(figure)), default=0.0)
        return list(steps[: bisect_left(steps, most)][-1:])
    looser, tighter = steps[bisect_right(steps, now) :][:1], steps[: bisect_left(steps, now)][-1:]
    return [*looser, *tighter, None]


def _places(client: Client, ranked: tuple[str, ...], evidence: Evidence) -> list[str | None]:
    if client.setting is not None:
        here = _PLACES.index(client.setting)
        return list(dict.fromkeys([*_PLACES[here + 1 : here + 2], *_PLACES[max(here - 1, 0) : here], None]))
    levels = {evidence.setting(treatment).level for treatment in ranked if treatment != NO_TREATMENT}
    return ["med_spa"] if "physician" in levels else ["home"] if "med_spa" in levels else []


def _limit_words(limit: str, now: float | None, value: float | None) -> str:
    if value is None:
        return f"If you set no limit on {_LIMIT_NAMES[limit]}"
    said = {
        "max_downtime_days": f"{_counted(value, 'day')} off",
        "max_sessions": _counted(value, "visit"),
        "max_pain": f"pain of {count(value)} in 10",
        "budget_usd": f"${value:,.0f} for the course",
    }[limit]
    if now is None:
        return f"If your limit was {said}"
    held = f"${now:,.0f}" if limit == "budget_usd" else count(now)
    if value < now:
        return f"If your limit was {said} instead of {held}"
    return f"If {said} {'were' if said.endswith(('days off', 'visits')) else 'was'} fine instead of {held}"


def _place_words(now: str | None, place: str | None) -> str:
    if place is None:
        return "If it could be done anywhere"
    if place == "home":
        return "If it had to be done at home"
    return "If a clinic or med spa was fine too" if now == "home" else "If it had to be done without a doctor"


def _priority_words(label: str, now: float, value: int) -> str:
    name = f"{label[:1].lower()}{label[1:]}"
    was = _MATTERS[math.floor(now + 0.5)]
    if _MATTERS[value] == was:
        return f"If {name} mattered a bit {'more' if value > now else 'less'}"
    return f"If {name} did not matter" if value == 0 else f"If {name} mattered {_MATTERS[value]} instead of {was}"


def _counted(value: float, noun: str) -> str:
    return f"{count(value)} {noun}" if count(value) == "1" else f"{count(value)} {noun}s"


# Parts of a score


def _figure(criterion: str, treatment: str, client: Client, evidence: Evidence) -> str:
    """The figure behind one part of the score, as plain text."""
    if treatment != NO_TREATMENT and criterion == "improvement":
        traits = traits_of(client)
        told = {
            evidence.tables.label("scar_type", scar): tier_words(
                evidence, evidence.improvement(treatment, scar, traits)
            )
            for scar in client.scars
        }
        return "; ".join(f"{name}: {_plain(words)}" for name, words in told.items())
    if criterion == "skin_safety":
        if treatment == NO_TREATMENT:
            return "none"
        risk = evidence.skin_risk(treatment, client.fitzpatrick)
        return f"harm to the skin: {of_100(risk)}, grave harm counted four times" if risk.known else NOT_KNOWN
    asked = {
        "improvement": "Improvement",
        "lasting": "Lasting",
        "downtime": "Days off",
        "comfort": "Pain, 0 to 10",
        "cost": "Cost of the course",
        "few_visits": "Visits",
    }[criterion]
    return next(_plain(row.words) for row in rows(client, evidence, treatment) if row.name == asked)


def _plain(safe_html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", safe_html))


# What is out


def _why_not(verdict: str, reasons: tuple[Reason, ...]) -> str:
    if verdict == "not_indicated":
        return NOT_THESE
    to_find_out = verdict == "defer" and any(reason.level == "defer" and reason.about == "skin" for reason in reasons)
    return SKIN_FIRST if to_find_out else MEDICAL


def _distance(client: Client, verdict: str, change: Change | None) -> tuple[float, ...]:
    """How far a treatment is from fitting, to sort by: steps of limits, then weeks to wait; without a change the
    verdict alone."""
    if change is None:
        return (1.0, -VERDICTS.index(verdict), 0.0)
    weeks = sum(math.inf if math.isnan(wait) else wait for wait in change.waits.values())
    return (0.0, weeks, sum(_steps_between(client, limit, value) for limit, value in change.limits.items()))


def _steps_between(client: Client, limit: str, value: float | str | None) -> int:
    now = getattr(client, limit)
    if limit == "setting":
        return _PLACES.index(None if value is None else str(value)) - _PLACES.index(now)
    return bisect_left(STEPS[limit], float(value or 0.0)) - bisect_right(STEPS[limit], now) + 1
