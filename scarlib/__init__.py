"""Acne-scar treatments: screened, ranked and planned from cited evidence. It informs; it does not diagnose."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scarlib import ranking as _ranking
from scarlib import screening as _screening
from scarlib.client import Client
from scarlib.errors import ClientError, DataError
from scarlib.evidence import Evidence as _Evidence
from scarlib.evidence import weigh as _weigh
from scarlib.menu import lay_over as _lay_over
from scarlib.menu import read_menu as _read_menu
from scarlib.screening import Change, Reason
from scarlib.tables import Tables, default_tables
from scarlib.tables import load_tables as _load_tables

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
    "recommend_many",
    "report",
    "what_would_change",
]


def load_tables(folder: str | Path | None = None, menu: str | Path | bytes | None = None) -> Tables:
    """Read and check every table of `folder` (default: those that come with scarlib), and lay a clinic's `menu` over
    them: a path, or the bytes of a file, CSV or Excel (see docs/menu.md). A menu moves price and offer alone.

    Raises DataError listing all problems (file, row, column, cure); nothing is half loaded.
    Rows are counted as a spreadsheet does: the header is row 1.
    """
    if not isinstance(folder, (str, Path, type(None))):
        raise DataError([f"folder: {type(folder).__name__} is not a path. Give the path of a folder of tables."])
    if not isinstance(menu, (str, Path, bytes, type(None))):
        raise DataError(
            [f"menu: {type(menu).__name__} is not a file. Give a path, or the bytes of a CSV or Excel file."]
        )
    tables = _load_tables(folder)
    if menu is None:
        return tables
    return _lay_over(tables, _read_menu(menu, known=tables.treatments.index))


def recommend(client: Client, tables: Tables | None = None) -> pd.DataFrame:
    """Every treatment, best first, with verdict, reasons, rank, score and its range.

    Index treatment_id. Columns: name; family; verdict (suitable, caution, defer, not_indicated, outside_limits, avoid);
    reasons (tuple of Reason); rank (1.. for suitable and caution, else <NA>); score, score_low, score_high (0..100, NaN
    where not ranked); top3 (of 100 plausible readings); points_<criterion>, which add up to the score.
    `tables` defaults to those that come with scarlib.
    """
    return _ranking.recommend(_checked(client), _evidence(tables))


def recommend_many(clients: pd.DataFrame, tables: Tables | None = None) -> pd.DataFrame:
    """`recommend` for a whole book of clients at once, without the reasons: the same verdicts, order and figures.

    `clients` has one row a client, columns named as the fields of Client (cells as Client takes them, or text such as
    "rolling:3; icepick:1"). Index (client id, treatment_id), each client's treatments best first. Beyond a second a bar
    shows how far it is. Raises ClientError listing every problem of every row. See `scarlib.book.recommend_many`.
    """
    from scarlib import book  # needed by those who have many clients, not by every page

    return book.recommend_many(clients, _evidence(tables))


def what_would_change(client: Client, treatment_id: str, tables: Tables | None = None) -> Change | None:
    """The smallest change of a limit or of time that would let a ruled-out treatment in, or None.

    None also where it already fits, and where it must be avoided or is not for these scars.
    Raises ClientError for a treatment that is not in the table.
    """
    return _screening.what_would_change(_checked(client), treatment_id, _evidence(tables))


def compare(client: Client, treatments: Sequence[str], tables: Tables | None = None) -> pd.DataFrame:
    """One to four options side by side: the client's questions in rows, options in columns, "no_treatment" first.

    Cells are plain text; what no source says is "not known". Raises ClientError naming each faulty id.
    """
    from scarlib import comparison  # needed by those who compare, not by every page

    return comparison.compare(_checked(client), treatments, _evidence(tables))


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

    return planning.plan(_checked(client), treatments, _evidence(tables), start, ready_by)


def report(
    client: Client,
    plan: "Plan | None",
    tables: Tables | None = None,
    *,
    considered: Sequence[str] = (),
    decision: str = "",
    unclear: str = "",
    on: date | None = None,
) -> str:
    """The page to take home: one self-contained HTML file for two or three sheets, four where there is very much to
    tell. No name is asked for.

    `considered` are the options side by side (default: the plan's and the best ranked), `decision` "chosen",
    "undecided", "no_treatment" or "" (to be ticked by hand), `unclear` what is unclear in the client's own words, `on`
    the day on the page (default: today). Raises ClientError naming each faulty argument.
    """
    from scarlib import reporting  # needed by those who print, not by every page

    evidence = _evidence(tables)
    return reporting.report(_checked(client), plan, evidence, considered, unclear, decision, on)


def _checked(client: Client) -> Client:
    if not isinstance(client, Client):
        raise ClientError(
            [f"client: {type(client).__name__} is not a Client. Give scarlib.Client(scars={{...}}, ...)."]
        )
    return client


def _evidence(tables: Tables | None) -> _Evidence:
    if tables is not None and not isinstance(tables, Tables):
        raise ClientError([f"tables: {type(tables).__name__} is not Tables. Give what scarlib.load_tables() gave."])
    return _weigh(default_tables() if tables is None else tables)


def __getattr__(name: str) -> str:
    """`__version__`, looked up only when asked: reading package metadata costs more than all else here."""
    if name != "__version__":
        raise AttributeError(f"module 'scarlib' has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("scarlib")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0"
