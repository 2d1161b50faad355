"""data/*.csv -> validated pandas tables: either all of them are sound, or one DataError lists every problem."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path

import pandas as pd

from scarlib.errors import DataError

# A wheel carries the tables inside the package; a checkout has them beside it.
_PACKAGED = Path(__file__).parent / "data"
DATA = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parent.parent / "data"

SKIN_TYPES = ("I", "II", "III", "IV", "V", "VI")

LEVELS: Mapping[str, tuple[str, ...]] = {
    "scar_fit": ("good", "partial", "poor", "avoid"),
    "skin_fit": ("good", "caution", "avoid"),
    "contraindication": ("avoid", "defer", "caution", "prophylaxis", "no_delay"),
    "comparative": ("better", "equal", "worse"),
    "combination": ("same_day", "spaced", "sequence_first", "avoid", "improves", "no_added_benefit"),
    "adverse_event": ("reported", "rare"),
    "aftercare": ("advised", "allowed"),
    "anesthesia": ("none", "topical", "local_injection", "nerve_block", "sedation"),
    "setting": ("home", "med_spa", "physician"),
}
_NEEDS_LEVEL = ("scar_fit", "skin_fit", "contraindication", "aftercare", "anesthesia", "setting")
# Codes the library itself uses; each needs its words.
CODES: Mapping[str, tuple[str, ...]] = {
    "verdict": ("suitable", "caution", "defer", "not_indicated", "outside_limits", "avoid"),
    "strength": ("strong", "fair", "weak", "none", "clinic"),
    "improvement_tier": ("0", "1", "2", "3"),
    "priority": ("improvement", "downtime", "comfort", "cost", "skin_safety", "few_visits", "lasting"),
    "skin_type": ("1", "2", "3", "4", "5", "6"),
    "severity": ("1", "2", "3", "4"),
    "trait": ("shallow", "deep", "tethered", "distensible", "volume_loss", "narrow", "wide"),
    "scar_type": ("icepick", "boxcar", "rolling", "superficial", "erythematous", "hyperpigmented", "hypertrophic",
                  "keloid", "atrophic"),
}  # fmt: skip
MEASURES: Mapping[str, str] = {
    "improvement": "improvement_measure",
    "responder_rate": "responder_measure",
    "adverse_event": "adverse_event",
    "aftercare": "aftercare",
    "downtime_days": "downtime_sign",
    "pain_vas": "anaesthesia_when_scored",
    "comparative": "comparison_measure",
    "combination": "comparison_measure",
}
# Lowest and highest number that an attribute can hold, in its own unit.
RANGES: Mapping[str, tuple[float, float]] = {
    "improvement": (-100, 100),
    "responder_rate": (0, 100),
    "satisfaction": (0, 100),
    "pih_percent": (0, 100),
    "adverse_event": (0, 100),
    "sessions": (0, 60),
    "interval_weeks": (0, 104),
    "downtime_days": (0, 365),
    "erythema_days": (0, 730),
    "onset_weeks": (0, 260),
    "durability_months": (0, 600),
    "pain_vas": (0, 10),
    "cost_usd_per_session": (0, 100_000),
    "contraindication": (0, 520),
    "aftercare": (0, 730),
}


@dataclass(frozen=True)
class Column:
    """What one column of a file may hold; the data dictionary says the same in words."""

    allowed: tuple[str, ...] = ()  # the only values allowed, if any
    vocabulary: str = ""  # or the vocabulary list that names them
    refers: str = ""  # or the table whose ids they are
    required: bool = False  # blank is a problem
    many: bool = False  # several values, separated by ";"
    number: tuple[float, float] | None = None  # a number from .. to
    whole: bool = False  # a whole number
    links: bool = False  # an http(s) address
    noted: bool = False  # a value may carry a note after ":"
    optional: bool = False  # the whole column may be left out


_TEXT = Column(required=True)
_FREE = Column()
FILES: Mapping[str, Mapping[str, Column]] = {
    "vocabulary": {"list": _TEXT, "id": _TEXT, "label": _TEXT, "help": _FREE},
    "sources": {
        "source_id": _TEXT,
        "type": Column(vocabulary="source_type", required=True),
        "tier": Column(number=(1, 4), whole=True, required=True),
        "first_author": _FREE,
        "year": Column(number=(1900, 2100), whole=True),
        "title": _TEXT,
        "journal": _FREE,
        "doi": _FREE,
        "pmid": _FREE,
        "url": Column(links=True),
    },
    "treatments": {
        "treatment_id": _TEXT,
        "name": _TEXT,
        "clinical_name": _TEXT,
        "family": Column(vocabulary="family", required=True),
        "how_it_works": _TEXT,
        "good_at": _TEXT,
        "watch_for": _TEXT,
        "visit": _TEXT,
        "price_unit": Column(allowed=("session", "syringe", "vial", "scar", "tube")),
        "claims": Column(refers="evidence", many=True, required=True),
    },
    "conditions": {
        "condition_id": _TEXT,
        "group": _TEXT,
        "group_question": _TEXT,
        "label": _TEXT,
        "question": _TEXT,
        "help": _TEXT,
        "implies": Column(refers="conditions", many=True),
        "concerns": Column(refers="treatments", many=True),
        "concerns_reason": _FREE,
    },
    "scar_types": {
        "scar_type": Column(vocabulary="scar_type", required=True),
        "name": _TEXT,
        "scar_class": Column(allowed=("indented", "raised", "mark"), required=True),
        "description": _TEXT,
        "recognise": _TEXT,
        "claims": Column(refers="evidence", many=True, required=True),
    },
    "evidence": {
        "claim_id": _TEXT,
        "treatment_id": Column(refers="treatments", required=True),
        "attribute": Column(vocabulary="attribute", required=True),
        "scar_type": Column(vocabulary="scar_type"),
        "trait": Column(vocabulary="trait"),
        "skin_type": _FREE,
        "condition": _FREE,
        "partner_id": _FREE,
        "measure": _FREE,
        "level": Column(vocabulary="level"),
        "value": Column(number=(-1e6, 1e6)),
        "low": Column(number=(-1e6, 1e6)),
        "high": Column(number=(-1e6, 1e6)),
        "interval_kind": Column(vocabulary="interval_kind"),
        "unit": Column(vocabulary="unit"),
        "n": Column(number=(0, 1e6)),
        "follow_up_weeks": Column(number=(0, 1000)),
        "design": Column(vocabulary="design"),
        "source_id": Column(refers="sources", required=True),
        "flags": Column(vocabulary="flag", many=True, noted=True),
        "note": _FREE,
    },
    "guide": {
        "guide_id": _TEXT,
        "topic": _TEXT,
        "statement": _TEXT,
        "treatments": Column(refers="treatments", many=True),
        "claims": Column(refers="evidence", many=True),
        "finding": _TEXT,
        "agrees": Column(allowed=("yes", "partly", "no", "not_known"), required=True),
    },
}
KEYS: Mapping[str, tuple[str, ...]] = {
    "vocabulary": ("list", "id"),
    "sources": ("source_id",),
    "treatments": ("treatment_id",),
    "conditions": ("condition_id",),
    "scar_types": ("scar_type",),
    "evidence": ("claim_id",),
    "guide": ("guide_id",),
}
# In a finding of the guide {C0001} stands for the figure of that row, {C0001 n} for the people behind it.
QUOTE = re.compile(r"\{(C\d+)( n)?\}")


@dataclass(frozen=True, eq=False)
class Tables:
    """The validated tables. Treat them as read-only.

    evidence    one row a fact, index claim_id; text blank where not stated, numbers NaN (see data/README.md)
    sources     one row a source, index source_id; tier 1 (guideline, meta-analysis) .. 4 (web page)
    treatments  one row a treatment, index treatment_id, `no_treatment` among them
    conditions  one row a thing to ask before treating, index condition_id
    scar_types  one row a scar type, index scar_type
    vocabulary  one row a code, index (list, id), with its plain words
    guide       one row a statement of a clinic's guide, index guide_id, with what the evidence says of it
    menu        what a clinic says it offers and charges (see scarlib.menu), index treatment_id; None = no clinic.
                It is kept apart: nothing here is evidence
    """

    evidence: pd.DataFrame
    sources: pd.DataFrame
    treatments: pd.DataFrame
    conditions: pd.DataFrame
    scar_types: pd.DataFrame
    vocabulary: pd.DataFrame
    guide: pd.DataFrame
    menu: pd.DataFrame | None = None

    def __repr__(self) -> str:
        return (
            f"<Tables: {len(self.treatments)} treatments, {len(self.evidence)} facts from {len(self.sources)} sources>"
        )

    @cached_property
    def _labels(self) -> dict[tuple[str, str], str]:
        return dict(zip(self.vocabulary.index, self.vocabulary["label"], strict=True))

    def label(self, vocabulary: str, code: str) -> str:
        """Plain words for a code of a vocabulary list; the code itself, spaced, where the list has none."""
        return self._labels.get((vocabulary, code), code.replace("_", " "))

    def words(self, vocabulary: str) -> dict[str, str]:
        """{code: plain words} of a vocabulary list, in its order."""
        return {code: label for (name, code), label in self._labels.items() if name == vocabulary}


def load_tables(folder: str | Path | None = None) -> Tables:
    """Read and check every table of `folder` (default: the tables that come with scarlib).

    Raises DataError listing all problems of all files (file, row, column, cure); nothing is half loaded.
    Rows are counted as a spreadsheet does: the header is row 1.
    """
    root = Path(folder) if folder is not None else DATA
    problems: list[str] = []
    frames: dict[str, pd.DataFrame] = {}
    for name, columns in FILES.items():
        frame = _read(root / f"{name}.csv", columns, problems)
        if frame is not None:
            frames[name] = frame
    problems += [problem for name, frame in frames.items() for problem in _check(name, frame, frames)]
    if "evidence" in frames:
        problems += _check_evidence(frames)
    if "guide" in frames:
        problems += _check_guide(frames)
    if "vocabulary" in frames:
        problems += _check_codes(frames["vocabulary"])
    if "scar_types" in frames:
        missing = [scar for scar in CODES["scar_type"][:-1] if scar not in set(frames["scar_types"]["scar_type"])]
        problems += [f"scar_types.csv: {scar} is missing. Add its row." for scar in missing]
    if "treatments" in frames and "no_treatment" not in set(frames["treatments"]["treatment_id"]):
        problems.append("treatments.csv: no_treatment is missing. Add its row: doing nothing is always an option.")
    if problems:
        raise DataError(problems)
    return Tables(**{name: frame.set_index(list(KEYS[name])) for name, frame in frames.items()})


@lru_cache(maxsize=1)
def default_tables() -> Tables:
    """The tables that come with scarlib, read once."""
    return load_tables()


def _read(path: Path, columns: Mapping[str, Column], problems: list[str]) -> pd.DataFrame | None:
    """One file as a frame of text and numbers, or None with the reason added to `problems`."""
    name = path.name
    try:
        raw = path.read_bytes()
    except OSError:
        problems.append(f"{name}: cannot be read. Put the file {name} into the folder {path.parent.name}.")
        return None
    records = read_cells(name, raw, problems)
    return None if records is None else tabulate(name, records, columns, problems)


def read_cells(name: str, raw: bytes, problems: list[str], most: int | None = None) -> list[list[str]] | None:
    """The cells of a CSV (UTF-8), row by row, of no more than `most` rows; None with the reason added to `problems`
    where it is not sound."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        problems.append(
            f"{name}, row {row}: is not UTF-8 text (byte {raw[error.start]:#04x}). Save the file again as CSV UTF-8."
        )
        return None
    try:
        records = list(islice(csv.reader(io.StringIO(text, newline=""), strict=True), most))
    except csv.Error as error:
        problems.append(f"{name}, {_where(text)}: is not a well-formed CSV ({error}). Check the quotes around there.")
        return None
    return records


def tabulate(
    name: str, records: list[list[str]], columns: Mapping[str, Column], problems: list[str]
) -> pd.DataFrame | None:
    """Rows of cells, the header first, as a frame of text and numbers, or None with the reasons added to `problems`.
    An optional column that is left out comes blank."""
    while records and not any(records[-1]):
        records.pop()
    if not records:
        problems.append(f"{name}: is empty. It needs the header {', '.join(columns)} and at least one row.")
        return None
    header = records[0]
    missing = [column for column, rule in columns.items() if column not in header and not rule.optional]
    surplus = [column for column in header if column not in columns]
    twice = sorted({column for column in header if header.count(column) > 1})
    problems += [f"{name}, row 1: column {column} is missing. Add it to the header." for column in missing]
    problems += [
        f"{name}, row 1: column {column or '(blank)'} is not known. "
        f"Remove it, or spell it as one of: {', '.join(columns)}."
        for column in surplus
    ]
    problems += [f"{name}, row 1: column {column} stands twice. Keep one." for column in twice]
    ragged = [row for row, record in enumerate(records, 1) if len(record) != len(header)]
    problems += [
        f"{name}, row {row}: has {len(records[row - 1])} cells, the header has {len(header)}. "
        "Put texts that hold a comma in double quotes."
        for row in ragged
    ]
    if len(records) == 1:
        problems.append(f"{name}: has a header but no rows. Add at least one.")
    if missing or surplus or twice or ragged or len(records) == 1:
        return None
    frame = pd.DataFrame(records[1:], columns=header, dtype=str).reindex(columns=list(columns), fill_value="")
    for column, rule in columns.items():
        if rule.number is not None:
            frame[column] = _numbers(name, frame[column], rule, problems)
    return frame


def _where(text: str) -> str:
    """The row before which a CSV stops being readable."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    row = 0
    try:
        for _ in reader:
            row += 1
    except csv.Error:
        pass
    return f"row {row + 1}"


def _numbers(name: str, cells: pd.Series, rule: Column, problems: list[str]) -> pd.Series:
    distinct = pd.Series(cells.unique())  # few, even where rows are many
    figures = pd.to_numeric(distinct.where(distinct != ""), errors="coerce").astype(float)
    numbers = cells.map(dict(zip(distinct, figures, strict=True))).astype(float)
    low, high = rule.number or (0.0, 0.0)
    for position in (numbers.isna() & (cells != "")).to_numpy().nonzero()[0]:
        problems.append(
            f"{name}, row {position + 2}, column {cells.name}: '{cells.iloc[position]}' is not a number. "
            "Write digits with a point, or leave it blank."
        )
    for position in (~numbers.between(low, high) & numbers.notna()).to_numpy().nonzero()[0]:
        problems.append(
            f"{name}, row {position + 2}, column {cells.name}: {cells.iloc[position]} is out of range. "
            f"Allowed is {low:g} to {high:g}."
        )
    if rule.whole:
        for position in ((numbers % 1 != 0) & numbers.notna()).to_numpy().nonzero()[0]:
            problems.append(
                f"{name}, row {position + 2}, column {cells.name}: {cells.iloc[position]} is not a whole number. "
                f"Allowed is {low:g} to {high:g}."
            )
    return numbers


def _check(name: str, frame: pd.DataFrame, frames: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Blank, unknown and repeated cells of one table."""
    file = f"{name}.csv"
    yield from check_cells(file, frame, FILES[name], frames)
    keys = list(KEYS[name])
    for position in frame.duplicated(keys).to_numpy().nonzero()[0]:
        key = " ".join(frame[keys].iloc[position])
        yield f"{file}, row {position + 2}, column {keys[-1]}: '{key}' stands twice. Remove one, or give it its own id."
    rest = [column for column in frame.columns if column not in keys]
    if name == "evidence":
        for position in frame.duplicated(rest).to_numpy().nonzero()[0]:
            yield f"{file}, row {position + 2}: repeats an earlier row under another claim_id. Remove it."


def check_cells(
    file: str, frame: pd.DataFrame, columns: Mapping[str, Column], frames: Mapping[str, pd.DataFrame]
) -> Iterator[str]:
    """Blank and unknown cells of one table; `frames` holds the tables whose ids it may name."""
    for column, rule in columns.items():
        cells = frame[column]
        if rule.number is not None:
            blank = cells.isna() if rule.required else cells.isna() & False
        else:
            blank = (cells.str.strip() == "") if rule.required else cells.isna()
        for position in blank.to_numpy().nonzero()[0]:
            yield f"{file}, row {position + 2}, column {column}: is blank. It needs a value."
        allowed = _allowed(rule, frames)
        if allowed is not None:
            yield from _unknown(file, column, cells, rule, allowed)
        if rule.links:
            for position in ((cells != "") & ~cells.str.match(r"https?://\S+$")).to_numpy().nonzero()[0]:
                yield (
                    f"{file}, row {position + 2}, column {column}: '{cells.iloc[position]}' is not a web address. "
                    "Start it with https://, or leave it blank."
                )


def _allowed(rule: Column, frames: Mapping[str, pd.DataFrame]) -> set[str] | None:
    """The values a column may hold, or None where it is free or its list could not be read."""
    if rule.allowed:
        return set(rule.allowed)
    if rule.vocabulary and "vocabulary" in frames:
        words = frames["vocabulary"]
        return set(words.loc[words["list"] == rule.vocabulary, "id"])
    if rule.refers and rule.refers in frames:
        return set(frames[rule.refers][KEYS[rule.refers][-1]])
    return None


def _unknown(file: str, column: str, cells: pd.Series, rule: Column, allowed: set[str]) -> Iterator[str]:
    distinct = cells.unique()
    bad = {
        cell: part
        for cell in distinct
        for part in (cell.split(";") if rule.many else [cell])
        if cell and (part.split(":")[0] if rule.noted else part) not in allowed
    }
    if not bad:
        return
    where = f"an id of {rule.refers}.csv" if rule.refers else "one of: " + ", ".join(sorted(allowed))
    for position in cells.isin(list(bad)).to_numpy().nonzero()[0]:
        part = bad[cells.iloc[position]]
        yield f"{file}, row {position + 2}, column {column}: '{part}' is not known. Allowed is {where}."


def _check_codes(words: pd.DataFrame) -> Iterator[str]:
    """The lists that the library itself reads hold exactly its codes, in its words."""
    for name, codes in CODES.items():
        of = words[words["list"] == name]
        for code in codes:
            if code not in set(of["id"]):
                yield f"vocabulary.csv: the list {name} has no {code}. Add its row."
        for position in of.index[~of["id"].isin(codes)]:
            yield (
                f"vocabulary.csv, row {position + 2}, column id: {str(of.at[position, 'id'])!r} is not known in the "
                f"list {name}. Allowed is one of: {', '.join(codes)}."
            )
        for position in of.index[(of["help"] == "") & (name in ("verdict", "severity"))]:
            yield f"vocabulary.csv, row {position + 2}, column help: is blank. The list {name} needs it."


def _check_evidence(frames: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """What a row of evidence may say depends on its attribute."""
    rows = frames["evidence"]
    words = frames.get("vocabulary")

    def listed(name: str) -> set[str]:
        return set() if words is None else set(words.loc[words["list"] == name, "id"])

    def say(positions: pd.Series, column: str, cure: str) -> Iterator[str]:
        for position in positions.to_numpy().nonzero()[0]:
            cell = rows[column].iloc[position]
            shown = f"{cell:g}" if isinstance(cell, float) else f"'{cell}'"
            yield f"evidence.csv, row {position + 2}, column {column}: {shown} {cure}"

    by_attribute = rows["attribute"]
    for attribute, levels in LEVELS.items():
        of = by_attribute == attribute
        allowed = {*levels} if attribute in _NEEDS_LEVEL else {*levels, ""}
        cure = f"is not a level of {attribute}. Allowed is one of: {', '.join(levels)}."
        yield from say(of & ~rows["level"].isin(allowed), "level", cure)
    for attribute, (low, high) in RANGES.items():
        of = by_attribute == attribute
        for column in ("value", "low", "high"):
            bad = of & rows[column].notna() & ~rows[column].between(low, high)
            yield from say(bad, column, f"is out of range for {attribute}. Allowed is {low:g} to {high:g}.")
    for attribute, vocabulary in MEASURES.items():
        if words is not None:
            of = by_attribute == attribute
            bad = of & (rows["measure"] != "") & ~rows["measure"].isin(listed(vocabulary))
            yield from say(bad, "measure", f"is not known. Add it to the list {vocabulary} of vocabulary.csv.")
    numeric = by_attribute.isin([a for a in RANGES if a not in LEVELS])
    blank = rows[["value", "low", "high"]].isna().all(axis=1)
    yield from say(numeric & blank, "value", "is blank, and so are low and high. Give at least one number.")
    yield from say(rows["low"] > rows["high"], "low", "is above high. Swap them.")
    yield from say(rows["value"] < rows["low"], "value", "is below low. Check the three numbers.")
    yield from say(rows["value"] > rows["high"], "value", "is above high. Check the three numbers.")
    skin = rows["skin_type"]
    yield from say(
        (skin != "") & ~skin.map(lambda cell: bool(skin_range(cell))).astype(bool),
        "skin_type",
        "is not a Fitzpatrick type or range. Write I to VI, or a range such as III-V.",
    )
    no_skin = (by_attribute == "skin_fit") & (skin == "")
    yield from say(no_skin, "skin_type", "is blank. Write I to VI, or a range such as III-V.")
    if "conditions" in frames:
        conditions = {*frames["conditions"]["condition_id"], "icepick_scars"}
        asked = by_attribute == "contraindication"
        cure = "is not known. Allowed is an id of conditions.csv."
        yield from say(asked & ~rows["condition"].isin(conditions), "condition", cure)
    if words is not None and "treatments" in frames:
        compared = by_attribute.isin(["comparative", "combination"])
        outcome = compared & (rows["condition"] != "") & ~rows["condition"].isin(listed("outcome"))
        yield from say(outcome, "condition", "is not known. Add it to the list outcome of vocabulary.csv.")
        partners = listed("partner") | set(frames["treatments"]["treatment_id"])
        partner = (rows["partner_id"] != "") & ~rows["partner_id"].isin(partners)
        yield from say(partner, "partner_id", "is not known. Use a treatment id, or add it to the list partner.")


def _check_guide(frames: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """A finding rests on rows, and quotes every figure from one of them."""
    silent: dict[str, set[str]] = {}
    if "evidence" in frames:
        facts = frames["evidence"]
        figure = facts[["value", "low", "high"]].notna().any(axis=1) | (facts["level"] != "")
        silent = {"": {*facts.loc[~figure, "claim_id"]}, " n": {*facts.loc[facts["n"].isna(), "claim_id"]}}
    columns = (frames["guide"][column] for column in ("claims", "finding", "agrees"))
    for row, (claims, finding, agrees) in enumerate(zip(*columns, strict=True), 2):
        where = f"guide.csv, row {row}, column"
        if not claims and agrees in ("yes", "partly", "no"):
            yield f"{where} claims: is blank. Name the facts it rests on, or write not_known in column agrees."
        for claim, people in dict.fromkeys(QUOTE.findall(finding)):
            quote = f"{where} finding: '{{{claim}{people}}}' quotes a"
            if claim not in claims.split(";"):
                yield f"{quote} fact that column claims does not list. Add it there."
            elif claim in silent.get(people, ()):
                yield f"{quote} figure that the fact does not hold. Quote another, or say it in words."
        for part in dict.fromkeys(re.findall(r"[{}]|\d+", QUOTE.sub(" ", finding).replace("CO2", ""))):
            yield (
                f"{where} finding: '{part}' is not quoted from a fact. "
                "Write {C0001} for its figure, {C0001 n} for its people."
            )


@lru_cache(maxsize=64)
def skin_range(text: str) -> tuple[int, ...]:
    """Fitzpatrick types a cell speaks of: "IV-VI" -> (4, 5, 6), "" or nonsense -> ()."""
    first, dash, last = text.partition("-")
    last = last if dash else first
    if first not in SKIN_TYPES or last not in SKIN_TYPES:
        return ()
    return tuple(range(SKIN_TYPES.index(first) + 1, SKIN_TYPES.index(last) + 2))
