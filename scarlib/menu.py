"""A clinic's own menu: what it offers and charges, read from CSV or Excel, checked, and laid over the tables.

A menu is a statement of the clinic, never evidence: it changes what a course costs and says what is offered. No row of
evidence, no rule and no other figure follows from it.
"""

import io
import math
import re
import zipfile
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from scarlib.errors import DataError
from scarlib.tables import Column, Tables, check_cells, default_tables, read_cells, tabulate

MAX_BYTES = 20_000_000
MAX_ROWS = 200_000
MAX_TEXT = 500  # characters in one cell
MAX_TOLD = 1_000  # problems; who meets more mends these first
_MAX_UNPACKED = 300_000_000  # bytes of a workbook out of its zip: a small file can hold a very large one
_MAX_WIDTH = 50  # columns
_NO_TREATMENT = "no_treatment"
_DEAR = (0, 100_000)
_TEXT = Column(optional=True)
COLUMNS: Mapping[str, Column] = {
    "treatment_id": Column(required=True),
    "offered": Column(allowed=("yes", "no"), optional=True),
    "price_usd_per_session": Column(number=_DEAR, optional=True),
    "package_sessions": Column(number=(1, 60), whole=True, optional=True),
    "package_price_usd": Column(number=_DEAR, optional=True),
    "device": _TEXT,
    "performed_by": Column(allowed=("physician", "med_spa", "home"), optional=True),
    "downtime_advice": _TEXT,
    "note": _TEXT,
}
# Characters that are not seen, or that turn the order of those that are.
_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_BY = {"physician": "a doctor", "med_spa": "med spa staff", "home": "you, at home"}


@dataclass(frozen=True, eq=False)
class Menu:
    """A clinic's checked menu. `offers` has one row an offer, index treatment_id (several offers of one treatment may
    stand), columns offered ("yes", "no"), price_usd_per_session, package_sessions, package_price_usd (NaN = not
    stated), device, performed_by, downtime_advice, note (text, blank = not stated). Treat it as read-only."""

    name: str
    offers: pd.DataFrame

    def __repr__(self) -> str:
        return f"<Menu {self.name}: {len(self.offers)} offers of {self.offers.index.nunique()} treatments>"


class Tariff(NamedTuple):
    """One way to pay, in US dollars; NaN = not offered in this way."""

    price: float
    package_sessions: float
    package_price: float

    @property
    def session(self) -> float:
        """The price of one session; where only a package is priced, its share of that."""
        return self.package_price / self.package_sessions if math.isnan(self.price) else self.price

    def course(self, visits: float) -> float:
        """The least that so many visits cost, with whole packages; NaN visits = NaN."""
        if math.isnan(visits) or math.isnan(self.package_price):
            return self.price * visits
        whole = math.floor(visits / self.package_sessions)
        more = math.ceil(visits / self.package_sessions)
        if math.isnan(self.price):
            return self.package_price * more
        return min(
            packages * self.package_price + max(0.0, visits - packages * self.package_sessions) * self.price
            for packages in (0, whole, more)
        )


def read_menu(source: str | Path | bytes, name: str = "", known: Collection[str] | None = None) -> Menu:
    """Read and check a menu: a path, or the bytes of a file, CSV (UTF-8) or Excel (.xlsx, its first sheet).

    `name` is how problems call the file (default: that of the path, or "menu"); `known` the treatment ids allowed
    (default: those that come with scarlib). Formulas are never evaluated: a cell is the text that stands in it.
    Raises DataError listing all problems (file, row, column, cure). Rows count as in a spreadsheet: the header is 1.
    """
    ids = default_tables().treatments.index if known is None else known
    problems: list[str] = []
    name = name or ("menu" if isinstance(source, bytes) else Path(source).name)
    raw = _bytes(source, name, problems)
    records = _records(name, raw, problems) if raw is not None else None
    frame = tabulate(name, records, COLUMNS, problems) if records is not None else None
    if frame is not None:
        frame = _tidy(frame)
        problems += islice(_check(name, frame, ids, problems.copy()), MAX_TOLD + 1)
    if len(problems) > MAX_TOLD:
        problems[MAX_TOLD:] = [f"{name}: has more problems than these {MAX_TOLD:,}. Mend these first."]
    if problems or frame is None:
        raise DataError(problems)
    frame["offered"] = frame["offered"].where(frame["offered"] != "", "yes")
    return Menu(name, frame.set_index("treatment_id"))


def lay_over(tables: Tables, menu: Menu) -> Tables:
    """New tables that carry the menu beside the evidence, which stays the very same frame.

    Where the clinic prices a session, its price is what a course costs (`Evidence.price`), and `price_unit` says
    session; what is sold by the tube stays so. A treatment that is not offered keeps its verdict (see `offered`).
    Raises DataError for a treatment that is not in the tables.
    """
    unknown = menu.offers.index.unique().difference(tables.treatments.index.drop(_NO_TREATMENT))
    if len(unknown):
        cure = "Read the menu with known=tables.treatments.index."
        raise DataError([f"{menu.name}: '{treatment}' is not in these tables. {cure}" for treatment in unknown])
    unit = tables.treatments["price_unit"]
    own = unit.index.isin(list(tariffs(menu.offers))) & (unit != "tube")
    return replace(tables, menu=menu.offers, treatments=tables.treatments.assign(price_unit=unit.mask(own, "session")))


def offered(tables: Tables, treatment_id: str) -> bool | None:
    """Whether the clinic offers it; None = there is no menu, or it does not name the treatment. Doing nothing is
    always an option and on no menu."""
    if tables.menu is None or treatment_id not in tables.menu.index:
        return None
    return bool((tables.menu.loc[[treatment_id], "offered"] == "yes").any())


def clinic_says(tables: Tables, treatment_id: str) -> tuple[str, ...]:
    """What the clinic states of a treatment, each sentence marked as its own (plain text: escape it for a page).
    Empty without a menu and for no treatment."""
    if tables.menu is None or treatment_id == _NO_TREATMENT:
        return ()
    here = offered(tables, treatment_id)
    if here is None:
        return ("This clinic's menu does not name it. Ask whether it is offered here.",)
    if not here:
        return ("Not offered here, this clinic says. What sources say of it stays the same.",)
    rows = tables.menu.loc[[treatment_id]]
    said = [words for row in rows[rows["offered"] == "yes"].to_dict("records") for words in _sentences(row)]
    return tuple(dict.fromkeys(said))


def tariffs(offers: pd.DataFrame | None) -> dict[str, tuple[Tariff, ...]]:
    """{treatment_id: the different prices among what is offered}; a treatment without a price is left out."""
    if offers is None:
        return {}
    columns = ["price_usd_per_session", "package_sessions", "package_price_usd"]
    priced = offers.loc[(offers["offered"] == "yes") & offers[[columns[0], columns[2]]].notna().any(axis=1), columns]
    found: dict[str, list[Tariff]] = {}
    for treatment, *cells in priced.reset_index().drop_duplicates().itertuples(index=False):
        found.setdefault(treatment, []).append(Tariff(*cells))
    return {treatment: tuple(several) for treatment, several in found.items()}


def _sentences(row: Mapping[Hashable, Any]) -> Iterator[str]:
    """One offer in words."""
    device = f" ({row['device'].strip()})" if row["device"].strip() else ""
    price, sessions, package = (
        row[name] for name in ("price_usd_per_session", "package_sessions", "package_price_usd")
    )
    if not math.isnan(price):
        yield f"The clinic's own price{device}: ${price:,.0f} a session."
    if not math.isnan(package):
        visits = "1 session" if sessions == 1 else f"{sessions:.0f} sessions"
        yield f"The clinic's own price{device}: ${package:,.0f} for {visits}."
    if math.isnan(price) and math.isnan(package):
        yield f"Offered here{device}, this clinic says. Its price is not known."
    if row["performed_by"]:
        yield f"This clinic says it is done by {_BY[row['performed_by']]}."
    for column, about in (("downtime_advice", " on the days after"), ("note", "")):
        if words := row[column].strip():
            yield f"This clinic's own words{about}, not checked: {words}"


def _bytes(source: str | Path | bytes, name: str, problems: list[str]) -> bytes | None:
    """The file, unless it cannot be read or is too large to be."""
    try:
        size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
        if size > MAX_BYTES:
            problems.append(
                f"{name}: is too large ({size / 1e6:.1f} MB). Allowed is {MAX_BYTES / 1e6:.0f} MB. Split it, "
                "or delete what is not part of the menu."
            )
            return None
        return source if isinstance(source, bytes) else Path(source).read_bytes()
    except (OSError, ValueError):  # a path may also hold a character that none can
        problems.append(f"{name}: cannot be read. Check that the file is there and may be opened.")
        return None


def _records(name: str, raw: bytes, problems: list[str]) -> list[list[str]] | None:
    """A file of either kind, told by its first bytes, as rows of cells, the header first."""
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        problems.append(f"{name}: is an old Excel file, or one with a password. Save it as .xlsx without a password.")
        return None
    if raw.startswith(b"PK") or name.lower().endswith(".xlsx"):
        records = _sheet(name, raw, problems)
    else:
        header = raw.partition(b"\n")[0]
        for mark, words in ((b";", "semicolons"), (b"\t", "tabs")):
            if mark in header and b"," not in header:
                problems.append(f"{name}, row 1: has {words} between its cells. Save it with commas, as CSV UTF-8.")
                return None
        records = read_cells(name, raw, problems, MAX_ROWS + 2)
    if records and len(records) > MAX_ROWS + 1:
        problems.append(f"{name}: has more than {MAX_ROWS:,} rows. Split it, or delete what is not part of the menu.")
        return None
    if records and len(records[0]) > _MAX_WIDTH:
        problems.append(f"{name}, row 1: has more than {_MAX_WIDTH} columns. Keep: {', '.join(COLUMNS)}.")
        return None
    return [[cell.strip() for cell in records[0]], *records[1:]] if records else records


def _sheet(name: str, raw: bytes, problems: list[str]) -> list[list[str]] | None:
    """The first sheet of a workbook as rows of text, the header first."""
    try:
        import openpyxl  # needed for Excel alone
    except ImportError:
        problems.append(f"{name}: is an Excel file, and openpyxl is not installed. Install it, or save as CSV UTF-8.")
        return None
    broken = f"{name}: is not a sound Excel file. Open it in a spreadsheet and save it again as .xlsx, or as CSV UTF-8."
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
        if unpacked > _MAX_UNPACKED:
            problems.append(
                f"{name}: is too large once unpacked ({unpacked / 1e6:.0f} MB). Copy the menu alone to a new file."
            )
            return None
        # Formulas stay the text that they are: neither they nor what a spreadsheet once made of them is taken.
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=False, keep_links=False)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # the size that a file states of itself may be wrong
            rows = islice(sheet.iter_rows(max_col=_MAX_WIDTH + 1, values_only=True), MAX_ROWS + 2)
            records = [[_cell(value) for value in row] for row in rows]
        finally:
            book.close()
    except Exception:  # openpyxl raises whatever a broken part makes it stumble over
        problems.append(broken)
        return None
    filled = [max((place for place, cell in enumerate(row, 1) if cell), default=0) for row in records]
    width = filled[0] if records else 0
    return [row[: max(width, end)] + [""] * (width - len(row)) for row, end in zip(records, filled, strict=True)]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Spaces around an id or a code, and capitals in a code, mean nothing."""
    codes = {column: frame[column] for column, rule in COLUMNS.items() if rule.required or rule.allowed}
    tidy = {
        column: cells.map({cell: cell.strip().lower() for cell in cells.unique()}) for column, cells in codes.items()
    }
    return frame.assign(**tidy)


def _check(name: str, frame: pd.DataFrame, known: Iterable[str], told: Iterable[str]) -> Iterator[str]:
    """Every problem of the cells but those of numbers, which are `told` already."""
    named = replace(COLUMNS["treatment_id"], allowed=tuple(item for item in known if item != _NO_TREATMENT))
    nothing = frame["treatment_id"] == _NO_TREATMENT
    for position in nothing.to_numpy().nonzero()[0]:
        yield (
            f"{name}, row {position + 2}, column treatment_id: '{_NO_TREATMENT}' is always an option, and free. "
            "Remove the row."
        )
    # Rows keep their number: a row that was told stays in the frame under the first treatment that is known.
    rest = frame.assign(treatment_id=frame["treatment_id"].mask(nothing, next(iter(named.allowed), "")))
    yield from check_cells(name, rest, {**COLUMNS, "treatment_id": named}, {})
    faulty = {place[: place.find(": ")] for place in (problem[len(name) :] for problem in told)}
    package, sessions = frame["package_price_usd"].notna(), frame["package_sessions"].notna()
    for lacking, column, cure in (
        (package & ~sessions, "package_sessions", "the package has a price. Say how many sessions it pays for."),
        (sessions & ~package, "package_price_usd", "the package has sessions. Give its price, or leave both blank."),
    ):
        for position in lacking.to_numpy().nonzero()[0]:
            where = f", row {position + 2}, column {column}"
            if where not in faulty:
                yield f"{name}{where}: is blank, but {cure}"
    for column in ("device", "downtime_advice", "note"):
        cells = frame[column].tolist()
        if max(map(len, cells)) <= MAX_TEXT and not _HIDDEN.search("".join(cells)):
            continue  # as nearly always: asked once of all, not of each
        for row, cell in enumerate(cells, 2):
            if len(cell) > MAX_TEXT:
                yield f"{name}, row {row}, column {column}: has {len(cell):,} characters. Allowed is {MAX_TEXT}."
            if _HIDDEN.search(cell):
                yield f"{name}, row {row}, column {column}: holds a character that is not seen. Type it again."
    seen: set[tuple[str, str, str, float]] = set()
    devices = [device.strip().casefold() for device in frame["device"].tolist()]
    keys = (frame["treatment_id"].tolist(), devices, frame["performed_by"].tolist())
    packages = frame["package_sessions"].fillna(0).tolist()
    for row, key in enumerate(zip(*keys, packages, strict=True), 2):
        if key in seen and f", row {row}, column package_sessions" not in faulty:
            offer = ", ".join(filter(None, [*key[:3], f"package of {key[3]:.0f}" if key[3] else ""]))
            yield (
                f"{name}, row {row}, column treatment_id: the offer '{offer}' stands twice. Remove one, or name "
                "another device, person or package."
            )
        seen.add(key)
