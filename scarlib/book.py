"""A book of clients at once: one row a client in, out what `recommend` says of each, without the reasons.

Screening and ranking are those of one client (`screening.Verdicts`, `ranking.score`); what clients have in common is
worked out once, and memory beyond the result does not grow with their number.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scarlib.client import LIMITS, PRIORITIES, SCAR_TYPES, TRAITS, Client
from scarlib.errors import ClientError
from scarlib.evidence import Evidence
from scarlib.menu import MAX_TOLD
from scarlib.ranking import CRITERIA, NEARNESS, NUMBERS, score
from scarlib.screening import RANKED, VERDICTS, Verdicts, screen
from scarlib.tables import Tables

FIELDS = tuple(item.name for item in fields(Client))
CHUNK = 256  # clients read and worked through at a time
_EXAMPLE = "'rolling:3; icepick:1'"
_NUMBERS = (*NUMBERS, *(f"points_{criterion}" for criterion in CRITERIA))
_WORDS = np.array(VERDICTS, dtype=object)
# Of each verdict: whether it is ranked, and how near it is to fitting where it is not.
_FITS = np.array([verdict in RANKED for verdict in VERDICTS])
_DISTANCE = np.array([NEARNESS.index(verdict) if verdict in NEARNESS else -1 for verdict in VERDICTS])


def recommend_many(clients: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """What `recommend` says of every client of a book, but the reasons: for those ask `recommend` for one client.

    `clients` has one row a client, any unique id as its index, columns named as the fields of Client. A column that is
    left out, and a cell that is missing (None, NaN, NA), is that field's default: not known, or no limit. Cells are
    what Client takes, or text, so that a book may be kept as CSV: scars and priorities "rolling:3; icepick:1", traits
    and conditions "deep; tethered", numbers in digits. Empty text is empty: no traits, no limit, no priorities.

    Index (client id, treatment_id), clients in the order given, treatments best first; columns verdict, rank (Int64,
    <NA> where not ranked), score, score_low, score_high, top3 and points_<criterion> (NaN where not ranked).
    Raises ClientError listing every problem of every row (client id, column, what is allowed) before any work is done,
    or the first 1,000 of them.
    """
    problems = list(islice(_problems(clients, evidence.tables), MAX_TOLD + 1))
    if len(problems) > MAX_TOLD:
        problems[MAX_TOLD:] = [f"clients: has more problems than these {MAX_TOLD:,}. Mend these first."]
    if problems:
        raise ClientError(problems)
    from tqdm.auto import tqdm  # type: ignore[import-untyped]  # needed by those who wait

    shape = len(clients), len(evidence.tables.treatments)
    order = np.empty(shape, dtype=np.min_scalar_type(-shape[1]))
    words = np.empty(shape, dtype=object)
    ranks = np.tile(np.arange(1, shape[1] + 1), (shape[0], 1))
    unranked = np.empty(shape, dtype=bool)
    numbers = np.full((len(_NUMBERS), *shape), np.nan)
    verdicts = Verdicts(evidence)
    with tqdm(total=len(clients), unit=" clients", delay=1, leave=False) as bar:
        for start in range(0, len(clients), CHUNK):
            chunk = [_client(cells, evidence.tables) for cells in _cells(clients.iloc[start : start + CHUNK])]
            rows = slice(start, start + len(chunk))
            codes, doubts = map(np.array, zip(*map(verdicts.of, chunk), strict=True))
            fits = _FITS[codes]
            who, places = np.nonzero(fits)
            found = score(chunk, evidence, who, places, doubts[fits])
            who, out = np.nonzero(~fits)
            first = np.arange(shape[1]) < fits.sum(axis=1, keepdims=True)
            unranked[rows] = ~first
            order[rows][first] = found.places
            order[rows][~first] = out[np.lexsort((out, _DISTANCE[codes[who, out]], who))]
            words[rows] = _WORDS[np.take_along_axis(codes, order[rows].astype(np.intp), axis=1)]
            numbers[:, rows][:, first] = [*found.numbers, *found.contributions.T]
            bar.update(len(chunk))
    return pd.DataFrame(
        {
            "verdict": pd.array(words.reshape(-1), dtype="str", copy=False),
            "rank": pd.arrays.IntegerArray(ranks.reshape(-1), unranked.reshape(-1)),
            **dict(zip(_NUMBERS, numbers.reshape(len(_NUMBERS), -1), strict=True)),
        },
        _index(clients.index, order, evidence.tables),
        copy=False,
    )


def _index(ids: pd.Index, order: NDArray[np.signedinteger], tables: Tables) -> pd.MultiIndex:
    """(client id, treatment_id) of the result; an id of several levels keeps them."""
    levels: list[Any] = [ids]
    codes: list[Any] = [np.arange(len(ids), dtype=np.int32)]
    names = ["client_id" if ids.name is None else ids.name]
    if isinstance(ids, pd.MultiIndex):
        levels, codes, names = [*ids.levels], [*ids.codes], [*ids.names]
    levels.append(tables.treatments.index)
    codes = [*(np.repeat(code, order.shape[1]) for code in codes), order.reshape(-1)]
    return pd.MultiIndex(levels, codes, names=[*names, "treatment_id"], verify_integrity=False)


# Reading a book


def _problems(clients: object, tables: Tables) -> Iterator[str]:
    """Everything that keeps a book from being worked through."""
    if not isinstance(clients, pd.DataFrame):
        yield f"clients: {type(clients).__name__} is not a table. Give a DataFrame with one row a client."
        return
    names = list(clients.columns)
    for name in dict.fromkeys(names):
        if name not in FIELDS:
            yield (
                f"column {name!r:.60}: is not known. Allowed is any of: {', '.join(FIELDS)}. "
                "If it says who a client is, make it the index: clients.set_index(...)."
            )
        if names.count(name) > 1:
            yield f"column {name!r:.60}: stands twice. Keep one."
    if "scars" not in names:
        yield f"column scars: is missing. Say what scars each client has, such as {_EXAMPLE}."
    ids = clients.index
    if any((code == -1).any() for code in ids.codes) if isinstance(ids, pd.MultiIndex) else ids.hasnans:
        yield "index: a client has no id. Give each client an id."
    for client in ids[ids.duplicated()].unique():
        yield f"client {client!r:.60}: stands twice in the index. Give each client an id of their own."
    readable = [names.index(name) for name in FIELDS if name in names]
    for start in range(0, len(clients), CHUNK):
        chunk = clients.iloc[start : start + CHUNK, readable]
        for client, cells in zip(chunk.index.tolist(), _cells(chunk), strict=True):
            try:
                _client(cells if "scars" in names else {**cells, "scars": _ANY}, tables)
            except ClientError as error:
                yield from (f"client {client!r:.60}, column {problem}" for problem in error.problems)


def _cells(clients: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The cells of each client that are not missing."""
    columns = [
        [(name, cell, gone) for cell, gone in zip(cells.tolist(), cells.isna().tolist(), strict=True)]
        for name, cells in clients.items()
    ]
    for row in zip(*columns, strict=True) if columns else ({} for _ in range(len(clients))):
        yield {name: cell for name, cell, gone in row if not gone}


def _client(cells: dict[str, Any], tables: Tables) -> Client:
    """The client of one row; raises ClientError with all problems of the row."""
    answers: dict[str, Any] = {"scars": {}}
    problems: list[str] = []
    for name, cell in cells.items():
        try:
            answers[name] = _READERS[name](cell) if isinstance(cell, str) else _plain(cell)
        except ClientError as error:
            problems += (f"{name}: {problem}" for problem in error.problems)
            answers |= {"scars": _ANY} if name == "scars" else {}
    try:
        client = Client(**answers, tables=tables)
    except ClientError as error:
        problems += error.problems
    if problems:
        raise ClientError(problems)
    return client


_ANY = {SCAR_TYPES[0]: 1}  # stands in for scars that cannot be read, so that the rest of the row is checked too


def _plain(cell: Any) -> Any:
    """A number as Client takes it: a column with a missing cell turns 4 into 4.0."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def _number(text: str) -> Any:
    """A number, None for empty text, or the text itself, for Client to say what is allowed."""
    try:
        return _plain(float(text)) if text.strip() else None
    except ValueError:
        return text


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


@lru_cache(maxsize=1024)
def _weights(text: str) -> dict[str, Any]:
    """ "rolling:3; icepick:1" -> {"rolling": 3, "icepick": 1}"""
    pairs = [part.partition(":") for part in _parts(text)]
    names = [name.strip() for name, _, _ in pairs]
    problems = [f"{name!r:.60} has no weight. Write such as {_EXAMPLE}." for name, colon, _ in pairs if not colon]
    problems += [f"{name!r:.60} stands twice. Keep one." for name in sorted({n for n in names if names.count(n) > 1})]
    if problems:
        raise ClientError(problems)
    return {name: _number(weight) for name, (_, _, weight) in zip(names, pairs, strict=True)}


_READERS: dict[str, Callable[[str], Any]] = {
    "scars": _weights,
    "priorities": _weights,
    "traits": _parts,
    "conditions": _parts,
    "setting": lambda text: text.strip() or None,
    **dict.fromkeys(("fitzpatrick", "severity", *LIMITS), _number),
}

# A study over invented clients


def invented(number: int, tables: Tables, seed: int = 1) -> pd.DataFrame:
    """A book of invented clients, to see what the tool recommends over many: profiles, not people. The same seed draws
    the same book.

    Everything is drawn with equal chances, which says nothing of how common it is: one to three types of scar, each 1,
    2 or 3 of the problem; skin type I to VI; none, one or two traits; grade 2, 3, 4 or not known; for every other
    client no condition, for the others one or two; each limit and the setting for every other client; improvement
    matters 2 or 3, as they ask for treatment, and every other priority is 0 to 3.
    """
    dice = random.Random(seed)
    conditions = list(tables.conditions.index)
    limits = {"max_downtime_days": (3, 7, 14), "max_sessions": (3, 6), "max_pain": (4, 6), "budget_usd": (1500, 4000)}
    return pd.DataFrame(
        [
            {
                "scars": {scar: dice.randint(1, 3) for scar in dice.sample(SCAR_TYPES, dice.randint(1, 3))},
                "fitzpatrick": dice.randint(1, 6),
                "traits": dice.sample(TRAITS, dice.randint(0, 2)),
                "severity": dice.choice([None, 2, 3, 4]),
                "conditions": dice.sample(conditions, dice.choice([0, 0, 1, 2])),
                **{limit: dice.choice([None, dice.choice(steps)]) for limit, steps in limits.items()},
                "setting": dice.choice([None, "med_spa"]),
                "priorities": {name: dice.randint(2 if name == "improvement" else 0, 3) for name in PRIORITIES},
            }
            for _ in range(number)
        ],
        pd.RangeIndex(1, number + 1, name="client"),
    )


def first_choices(clients: pd.DataFrame, options: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Of 100 clients of each group of skin types, for how many each treatment comes first: index name, columns types I
    to III, types IV to VI, most often first. `clients` as `invented` draws them, `options` what is recommended."""
    first = options.index[options["rank"].eq(1).fillna(False)]
    darker = clients.loc[first.get_level_values(0), "fitzpatrick"].gt(3)
    groups = darker.map({False: "types I to III", True: "types IV to VI"})
    names = first.get_level_values(1).map(tables.treatments["name"].to_dict())
    share = 100 * pd.crosstab(names.to_numpy(), groups.to_numpy(), normalize="columns")
    order = share.max(axis=1).sort_values(ascending=False, kind="stable").index
    return share.loc[order].rename_axis(index="treatment", columns=None)


def checked(
    clients: pd.DataFrame, options: pd.DataFrame, evidence: Evidence, sample: int = 200, seed: int = 1
) -> pd.DataFrame:
    """Whether what must be avoided is ever ranked, over all clients, and whether verdicts are those of `screen`, over a
    sample drawn by the seed. One row: clients, ranked, avoid among them, clients screened again, verdicts compared,
    verdicts that differ."""
    drawn = random.Random(seed).sample(range(len(clients)), min(sample, len(clients)))
    compared = differ = 0
    for cells, client in zip(_cells(clients.iloc[drawn]), clients.index[drawn], strict=True):
        verdicts = options.loc[client, "verdict"].to_dict()
        screened = screen(_client(cells, evidence.tables), evidence)
        compared += len(screened)
        differ += sum(verdicts[treatment] != verdict for treatment, (verdict, _) in screened.items())
    ranked = options.loc[options["rank"].notna(), "verdict"]
    return pd.DataFrame(
        {
            "clients": [len(clients)],
            "ranked": [len(ranked)],
            "avoid among them": [int((ranked == "avoid").sum())],
            "clients screened again": [len(drawn)],
            "verdicts compared": [compared],
            "verdicts that differ": [differ],
        }
    )
