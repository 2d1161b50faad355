"""Acne-scar treatments: screened, ranked and planned from cited evidence. It informs; it does not diagnose."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from scarlib import ranking as _ranking
from scarlib import screening as _screening
from scarlib.client import Client
from scarlib.errors import ClientError, DataError
from scarlib.evidence import weigh as _weigh
from scarlib.screening import Change, Reason
from scarlib.tables import Tables, default_tables, load_tables

if TYPE_CHECKING:
    from scarlib.planning import Plan

__all__ = [
    "Change",
    "Client",
    "ClientError",
    "DataError",
    "Reason",
    "Tables",
    "compare",
    "load_tables",
    "plan",
    "recommend",
    "what_would_change",
]


def recommend(client: Client, tables: Tables | None = None) -> pd.DataFrame:
    """Every treatment, best first, with verdict, reasons, rank, score and its range.

    Index treatment_id. Columns: name; family; verdict (suitable, caution, defer, not_indicated, outside_limits, avoid);
    reasons (tuple of Reason); rank (1.. for suitable and caution, else <NA>); score, score_low, score_high (0..100, NaN
    where not ranked); top3 (of 100 plausible readings); points_<criterion>, which add up to the score.
    `tables` defaults to those that come with scarlib.
    """
    return _ranking.recommend(client, _weigh(tables or default_tables()))


def what_would_change(client: Client, treatment_id: str, tables: Tables | None = None) -> Change | None:
    """The smallest change of a limit or of time that would let a ruled-out treatment in, or None.

    None also where it already fits, and where it must be avoided or is not for these scars.
    Raises ClientError for a treatment that is not in the table.
    """
    return _screening.what_would_change(client, treatment_id, _weigh(tables or default_tables()))


def compare(client: Client, treatments: Sequence[str], tables: Tables | None = None) -> pd.DataFrame:
    """One to four options side by side: the client's questions in rows, options in columns, "no_treatment" first.

    Cells are plain text; what no source says is "not known". Raises ClientError naming each faulty id.
    """
    from scarlib import comparison  # needed by those who compare, not by every page

    return comparison.compare(client, treatments, _weigh(tables or default_tables()))


def plan(
    client: Client,
    treatments: Sequence[str],
    start: date,
    ready_by: date | None = None,
    tables: Tables | None = None,
) -> "Plan":
    """A dated course of several treatments: visits, downtime, aftercare, cost and conflicts as tables.

    `treatments` are ids in the order wished for; the evidence may put them into another. `ready_by` asks whether all
    can be done and healed by then. Raises ClientError naming each faulty argument. See `scarlib.planning.Plan`.
    """
    from scarlib import planning  # needed by those who plan, not by every page

    return planning.plan(client, treatments, _weigh(tables or default_tables()), start, ready_by)


def __getattr__(name: str) -> str:
    """`__version__`, looked up only when asked: reading package metadata costs more than all else here."""
    if name != "__version__":
        raise AttributeError(f"module 'scarlib' has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("scarlib")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0"
