"""What the evidence covers and how a figure comes about, as plain tables for a reader who checks.

Nothing here decides: `steps`, `votes` and `rules` spell out what `evidence.py` did, row by row; the rest counts.
"""

import csv
import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from scarlib.client import SCAR_TYPES
from scarlib.errors import DataError
from scarlib.evidence import (
    NUMBERS,
    SCEPTIC,
    Claim,
    Estimate,
    Evidence,
    Judgement,
    days_off,
    effect_tier,
    point_weights,
)
from scarlib.screening import NO_TREATMENT
from scarlib.tables import DATA, MEASURES, SKIN_TYPES, Tables, skin_range

GUIDE = ("guide_id", "topic", "statement", "treatments", "claims", "finding", "agrees")
AGREES = {"yes": "yes", "partly": "in part", "no": "no", "not_known": "not known"}
FEW_PEOPLE = 30
UNITS = {
    "sessions": "sessions",
    "interval_weeks": "weeks",
    "downtime_days": "days",
    "erythema_days": "days",
    "onset_weeks": "weeks",
    "durability_months": "months",
    "pain_vas": "0 to 10",
    "cost_usd_per_session": "US dollars",
    "satisfaction": "percent of people",
}
_EFFECT, _MARKS, _COURSE = "How much it helps", "Dark marks (PIH)", "What it takes"
_ANY: frozenset[str] = frozenset()
_VOLUME = re.compile(r"[ ,]+\d.*$")  # of a journal: "35(1):79-81"
_QUOTE = re.compile(r"\{(C\d+)( n)?\}")  # {C0001}: the figure of that row; {C0001 n}: the people behind it


@dataclass(frozen=True)
class Question:
    """One question asked of each treatment: `code` as in the tables, `label` in plain words."""

    group: str
    code: str
    label: str
    unit: str

    def ask(self, evidence: Evidence, treatment_id: str) -> Estimate:
        """What the evidence answers for one treatment."""
        kind, _, what = self.code.partition(":")
        if kind == "effect":
            return evidence.improvement(treatment_id, what, _ANY)
        if kind == "pih":
            return evidence.pih(treatment_id, int(what))
        return evidence.number(treatment_id, self.code)


def questions(tables: Tables) -> tuple[Question, ...]:
    """The questions of the grid, in the order in which they are shown."""
    effect = [Question(_EFFECT, f"effect:{scar}", tables.label("scar_type", scar), "0 to 3") for scar in SCAR_TYPES]
    marks = [
        Question(_MARKS, f"pih:{skin}", f"skin type {numeral}", "percent of people")
        for skin, numeral in enumerate(SKIN_TYPES, 1)
    ]
    course = [Question(_COURSE, name, tables.label("attribute", name), UNITS[name]) for name in NUMBERS]
    return (*effect, *marks, *course)


@lru_cache(maxsize=4)
def source_names(tables: Tables) -> dict[str, str]:
    """{source_id: "Author year"}, with the journal or the id where no author stands on the page."""
    rows = tables.sources
    names = {}
    for source, author, journal, year in zip(
        rows.index, rows["first_author"], rows["journal"], rows["year"], strict=True
    ):
        name = author or _VOLUME.sub("", journal) or source
        names[source] = name if math.isnan(year) else f"{name} {year:.0f}"
    return names


def _treatment_names(tables: Tables) -> dict[str, str]:
    return dict(zip(tables.treatments.index, tables.treatments["name"], strict=True))


def links(tables: Tables) -> dict[str, str]:
    """{source_id: address}: by DOI, else PubMed number, else the page that was read."""
    rows = tables.sources
    return {
        source: f"https://doi.org/{doi}" if doi else f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else url
        for source, doi, pmid, url in zip(rows.index, rows["doi"], rows["pmid"], rows["url"], strict=True)
    }


def overview(tables: Tables) -> pd.DataFrame:
    """What lies behind the pages, one row: treatments, facts, sources, conditions, newest source (year), and a
    fingerprint of the facts, which differs as soon as one of them does."""
    facts = hashlib.sha256(tables.evidence.to_csv().encode()).hexdigest()[:12]
    return pd.DataFrame(
        {
            "treatments": [len(tables.treatments) - 1],
            "facts": [len(tables.evidence)],
            "sources": [len(tables.sources)],
            "conditions asked": [len(tables.conditions)],
            "newest source": [f"{tables.sources['year'].max():.0f}"],
            "fingerprint": [facts],
        }
    )


def origin(path: Path = DATA / "README.md") -> str:
    """How the facts were found and checked, as the data's README tells it (Markdown)."""
    _, _, after = path.read_text(encoding="utf-8").partition("## Where the data came from")
    return after.partition("\n## ")[0].strip()


def by_tier(tables: Tables) -> pd.DataFrame:
    """Sources and facts of each tier: index tier, columns what it is, sources, facts, share of facts (percent)."""
    tier = tables.sources["tier"].astype(int)
    facts = tables.evidence["source_id"].map(tier).value_counts()
    frame = pd.DataFrame(
        {
            "what it is": pd.Series({int(code): label for code, label in tables.words("tier").items()}),
            "sources": tier.value_counts(),
            "facts": facts,
        }
    )
    frame["share of facts"] = 100 * frame["facts"] / frame["facts"].sum()
    return frame.rename_axis("tier").sort_index()


def by_kind(tables: Tables) -> pd.DataFrame:
    """Sources and facts by kind of source, best tier first: columns tier, kind, sources, facts."""
    kinds = tables.sources[["type", "tier"]].assign(
        facts=tables.evidence.groupby("source_id").size().reindex(tables.sources.index, fill_value=0)
    )
    frame = kinds.groupby(["tier", "type"], as_index=False).agg(sources=("facts", "size"), facts=("facts", "sum"))
    frame["kind"] = frame["type"].map(tables.words("source_type"))
    frame["tier"] = frame["tier"].astype(int)
    return frame[["tier", "kind", "sources", "facts"]]


def steps(evidence: Evidence, treatment_id: str, attribute: str, skin: int | None = None) -> pd.DataFrame:
    """Every row behind one pooled figure, and what became of it.

    `attribute` is one of `evidence.NUMBERS`, or "pih_percent" with a Fitzpatrick type in `skin` (1..6).
    One row a claim, best tier first: claim_id, source, tier, measure, skin type, value, low, high, people, weight (0
    where the row does not move the typical value), share (percent of the weight reached, in the order of the values),
    counts (bool), why.
    The typical value is the first whose share reaches 50: `evidence.number` and `evidence.pih` say the same.
    """
    estimate = (
        evidence.pih(treatment_id, skin) if attribute == "pih_percent" else evidence.number(treatment_id, attribute)
    )
    claims = evidence.about(treatment_id, attribute)
    claims = days_off(claims) if attribute == "downtime_days" else claims
    used = [claim for claim in claims if claim.claim_id in estimate.claims]
    points = [claim for claim in used if _is_point(claim)]
    weights = dict(zip((claim.claim_id for claim in points), point_weights(points), strict=True))
    names = source_names(evidence.tables)
    kept = {claim.trial: claim.source_id for claim in used}
    vocabulary = "downtime_sign" if attribute == "downtime_days" else "anaesthesia_when_scored"
    frame = pd.DataFrame(
        [
            {
                "claim_id": claim.claim_id,
                "source": names[claim.source_id],
                "tier": claim.tier,
                "measure": evidence.tables.label(vocabulary, claim.measure) if claim.measure else "",
                "skin type": _skin_words(claim.skin),
                "value": claim.value,
                "low": claim.low,
                "high": claim.high,
                "people": claim.n,
                "weight": weights.get(claim.claim_id, 0.0),
                "counts": claim in used,
                "why": _why(claim, used, points, kept, names, skin),
            }
            for claim in sorted(claims, key=lambda claim: claim.tier)
        ],
        columns=["claim_id", "source", "tier", "measure", "skin type", "value", "low", "high", "people", "weight",
                 "counts", "why"],
    )  # fmt: skip
    return _with_share(frame.astype({"counts": bool}), "value")


def _with_share(frame: pd.DataFrame, order: str) -> pd.DataFrame:
    """The frame with the share of all weight reached at each row, in the order of one column, after `weight`."""
    moving = frame[frame["weight"] > 0].sort_values(order, kind="stable")
    share = 100 * moving["weight"].cumsum() / moving["weight"].sum()
    frame.insert(list(frame.columns).index("weight") + 1, "share", share.reindex(frame.index))
    return frame


def _behind(evidence: Evidence, estimate: Estimate) -> list[Claim]:
    """The claims of an estimate; they may be those of the treatment this one builds on."""
    return [claim for claims in evidence.claims.values() for claim in claims if claim.claim_id in estimate.claims]


def _is_point(claim: Claim) -> bool:
    return not (math.isnan(claim.value) or claim.flags & {"lower_bound", "upper_bound"})


def _why(
    claim: Claim,
    used: list[Claim],
    points: list[Claim],
    kept: dict[str, str],
    names: dict[str, str],
    skin: int | None,
) -> str:
    if claim in points:
        words = {
            "not_acne_scar": "speaks of other scars",
            "family_rule": "speaks of the whole family",
            "our_reading": "our reading of a sentence",
        }
        half = [flag for flag in words if flag in claim.flags]
        shared = sum(point.trial == claim.trial for point in points)
        also = f"; shares its weight with {shared - 1} more of this study" if shared > 1 else ""
        return ("counts" if not half else f"counts half: {words[half[0]]}") + also
    if claim in used:
        return "a bound: it can widen the range, and never moves the usual figure"
    if claim.flags & {"control_arm", "derived"}:
        return "never counts: a control group, or worked out from other rows"
    if claim.trial in kept and kept[claim.trial] != claim.source_id:
        return f"the same study as {names[kept[claim.trial]]}: counts once"
    if skin is not None and skin not in claim.skin and any(skin in other.skin for other in used):
        return "speaks of other skin types" if claim.skin else "names no skin type, and other rows name this one"
    if claim.attribute == "pain_vas" and used and claim.measure != used[0].measure:
        return "scored with another kind of numbing: never mixed in"
    if used and claim.tier > max(other.tier for other in used):
        return f"tier {claim.tier}: not needed, two or more better sources speak"
    return "does not speak of this skin type" if skin is not None else "not used"


def votes(evidence: Evidence, treatment_id: str, scar_type: str) -> pd.DataFrame:
    """Every row that votes on how much a treatment helps one scar type, whatever the scar's character.

    Columns claim_id, source, tier, speaks of, says, effect (tier 0..3), people, weight, share (percent of the weight
    reached, in the order of the effect). The last row is the small source that saw no effect, which always votes.
    The effect shown is the first whose share reaches 50, unless the scar's character caps it.
    """
    used = _behind(evidence, evidence.improvement(treatment_id, scar_type, _ANY))
    shared = Counter(claim.trial for claim in used)
    names, says = source_names(evidence.tables), said(evidence.tables)
    frame = pd.DataFrame(
        [
            {
                "claim_id": claim.claim_id,
                "source": names[claim.source_id],
                "tier": claim.tier,
                "speaks of": "this scar type" if claim.scar_type == scar_type else "scars of this kind together",
                "says": says[claim.claim_id],
                "effect": float(effect_tier(claim) or 0),
                "people": claim.n,
                "weight": claim.weight / shared[claim.trial] * (1.0 if claim.scar_type == scar_type else 0.5),
            }
            for claim in sorted(used, key=lambda claim: claim.tier)
        ]
        + [
            {
                "claim_id": "",
                "source": "one more small source",
                "speaks of": "",
                "says": "no effect",
                "effect": 0.0,
                "people": SCEPTIC,
                "weight": SCEPTIC,
            }
        ]
    )
    return _with_share(frame, "effect")


def rules(evidence: Evidence, treatment_id: str, condition: str) -> pd.DataFrame:
    """Every row on a treatment for a client with one condition: claim_id, source, tier, says, weeks (to wait, low and
    high), decides (bool: it gives the level that is shown), note. The strictest source decides."""
    judgement = evidence.rule(treatment_id, condition)
    names = source_names(evidence.tables)
    return pd.DataFrame(
        [
            {
                "claim_id": claim.claim_id,
                "source": names[claim.source_id],
                "tier": claim.tier,
                "says": evidence.tables.label("level", claim.level),
                "weeks, from": claim.low,
                "weeks, to": claim.high,
                "decides": claim.source_id in judgement.sources,
                "note": claim.note,
            }
            for claim in sorted(evidence.about(treatment_id, "contraindication"), key=lambda claim: claim.tier)
            if claim.condition == condition
        ]
    )


def card(evidence: Evidence, treatment_id: str) -> pd.DataFrame:
    """The figures of one treatment as its card shows them: group, question, low, typical, high, unit, strength,
    sources, people (NaN = not stated). Other NaN = not known."""
    rows = [{**row, "unit": question.unit} for question, row in _asked(evidence, treatment_id)]
    columns = ["group", "question", "low", "typical", "high", "unit", "strength", "sources", "people"]
    return pd.DataFrame(rows)[columns]


def cells(evidence: Evidence) -> pd.DataFrame:
    """The grid, one row a cell: treatment_id, treatment, group, code, question, low, typical, high, strength, sources,
    people, tier (0 = none), known (bool). Every treatment but no treatment, every question of `questions`."""
    treatments = [treatment for treatment in evidence.tables.treatments.index if treatment != NO_TREATMENT]
    return pd.DataFrame([row for treatment in treatments for _, row in _asked(evidence, treatment)])


def _asked(evidence: Evidence, treatment_id: str) -> Iterator[tuple[Question, dict[str, object]]]:
    name = _treatment_names(evidence.tables)[treatment_id]
    for question in questions(evidence.tables):
        found = question.ask(evidence, treatment_id)
        yield (
            question,
            {
                "treatment_id": treatment_id,
                "treatment": name,
                "group": question.group,
                "code": question.code,
                "question": question.label,
                "low": found.low,
                "typical": found.typical,
                "high": found.high,
                "strength": found.strength if found.known else "none",
                "sources": len(found.sources) if found.known else 0,
                "people": found.people or (math.nan if found.known else 0),
                "tier": found.tier,
                "known": found.known,
            },
        )


def grid(evidence: Evidence) -> pd.DataFrame:
    """The grid to read: treatments in rows, questions in columns, "strong, 4 sources" or "not known" in each cell."""
    frame = cells(evidence)
    words = frame["strength"] + ", " + frame["sources"].map(lambda n: "1 source" if n == 1 else f"{n} sources")
    frame["words"] = words.where(frame["known"], "not known")
    wide = frame.pivot(index="treatment", columns=["group", "question"], values="words")
    order = frame[["group", "question"]].drop_duplicates()
    return wide.reindex(index=frame["treatment"].unique(), columns=pd.MultiIndex.from_frame(order))


def totals(evidence: Evidence) -> pd.DataFrame:
    """Cells of the grid by group and strength: index group (and "all"), columns strong, fair, weak, not known, cells,
    percent not known."""
    frame = cells(evidence)
    counts = pd.crosstab(frame["group"], frame["strength"]).reindex(
        index=frame["group"].unique(), columns=["strong", "fair", "weak", "none"], fill_value=0
    )
    counts = counts.rename(columns={"none": "not known"}).rename_axis(columns=None)
    counts.loc["all"] = counts.sum()
    counts["cells"] = counts.sum(axis=1)
    counts["percent not known"] = 100 * counts["not known"] / counts["cells"]
    return counts


def disagreements(evidence: Evidence) -> pd.DataFrame:
    """Where sources differ in number: treatment, question, lowest and highest usual figure, unit, who found the lowest,
    who found the highest, strength. Skin types that rest on the same rows share a line."""
    names = source_names(evidence.tables)
    found: dict[tuple[str, str, tuple[str, ...]], dict[str, object]] = {}
    for treatment in evidence.tables.treatments.index:
        for question in questions(evidence.tables):
            estimate = question.ask(evidence, treatment)
            if estimate.spread is None:
                continue
            key = (treatment, question.group, estimate.claims)
            if question.group == _MARKS and key in found:
                found[key]["question"] = f"{found[key]['question']}, {question.label.removeprefix('skin type ')}"
                continue
            ends = [_who(evidence, question, estimate, end, names) for end in estimate.spread]
            marks = "dark marks, " if question.group == _MARKS else ""
            effect = "effect on " if question.group == _EFFECT else ""
            found[key if question.group == _MARKS else (treatment, question.code, ())] = {
                "treatment": _treatment_names(evidence.tables)[treatment],
                "question": f"{marks}{effect}{question.label}",
                "lowest": estimate.spread[0],
                "highest": estimate.spread[1],
                "unit": question.unit,
                "lowest found by": ends[0],
                "highest found by": ends[1],
                "strength": estimate.strength,
            }
    return pd.DataFrame(list(found.values()))


def _who(evidence: Evidence, question: Question, estimate: Estimate, end: float, names: dict[str, str]) -> str:
    """The sources of an estimate whose own figure is the lowest or highest one."""
    claims = [
        claim
        for claim in _behind(evidence, estimate)
        if (effect_tier(claim) if question.group == _EFFECT else claim.value if _is_point(claim) else None) == end
    ]
    return "; ".join(dict.fromkeys(names[claim.source_id] for claim in claims))


def split_opinions(evidence: Evidence) -> pd.DataFrame:
    """Where sources differ in words: treatment, question, what is shown, sources for it, what others say (with how many
    sources). Questions: each condition, each skin type, each scar type, and where it may be done."""
    tables = evidence.tables
    asked: list[tuple[str, str, Judgement]] = []
    for treatment in tables.treatments.index:
        for condition in tables.conditions.index:
            label, _ = evidence.concerns[condition]
            asked.append((treatment, f"client: {label}", evidence.rule(treatment, condition)))
        by_skin: dict[tuple[str, ...], tuple[list[str], Judgement]] = {}
        for skin, numeral in enumerate(SKIN_TYPES, 1):
            judgement = evidence.skin_fit(treatment, skin)
            by_skin.setdefault(judgement.claims, ([], judgement))[0].append(numeral)
        asked += [(treatment, f"skin type {', '.join(types)}", judgement) for types, judgement in by_skin.values()]
        for scar in SCAR_TYPES:
            asked.append((treatment, f"fit for {tables.label('scar_type', scar)}", evidence.fit(treatment, scar, _ANY)))
        asked.append((treatment, tables.label("attribute", "setting"), evidence.setting(treatment)))
    return pd.DataFrame(
        [
            {
                "treatment": _treatment_names(tables)[treatment],
                "question": question,
                "shown": _level_words(judgement.level, question, tables),
                "sources for it": len(judgement.sources),
                "others say": "; ".join(
                    f"{_level_words(level, question, tables)} ({len(sources)})"
                    for level, sources in judgement.others.items()
                ),
            }
            for treatment, question, judgement in asked
            if judgement.level and judgement.others
        ]
    )


def _level_words(level: str, question: str, tables: Tables) -> str:
    safe = level == "good" and not question.startswith("fit for")
    return "no reason against it" if safe else tables.label("level", level)


def unknown_conditions(evidence: Evidence) -> pd.DataFrame:
    """Conditions that concern a treatment of which no row speaks, most gaps first: condition, concerns (treatments),
    spoken of, not known, which. The tool says "not known, ask" there."""
    tables = evidence.tables
    rows = []
    for condition in tables.conditions.index:
        label, concerned = evidence.concerns[condition]
        treatments = [t for t in tables.treatments.index if t != NO_TREATMENT and (not concerned or t in concerned)]
        missing = [treatment for treatment in treatments if not evidence.rule(treatment, condition).level]
        rows.append(
            {
                "condition": label,
                "concerns": len(treatments),
                "spoken of": len(treatments) - len(missing),
                "not known": len(missing),
                "which": "; ".join(tables.treatments.loc[missing, "name"]),
            }
        )
    return pd.DataFrame(rows).sort_values("not known", ascending=False, kind="stable", ignore_index=True)


def skin_rates(evidence: Evidence) -> pd.DataFrame:
    """What each treatment's dark-mark (PIH) figure for a skin type rests on: index treatment, columns I..VI, each
    "named" (a row names the type), "type not stated", "darker types" (a bound taken from them) or "not known"."""
    frame = {}
    for treatment in evidence.tables.treatments.index:
        if treatment == NO_TREATMENT:
            continue
        claims = evidence.about(treatment, "pih_percent")
        frame[_treatment_names(evidence.tables)[treatment]] = [
            "named"
            if any(skin in claim.skin for claim in claims)
            else "not known"
            if not evidence.pih(treatment, skin).known
            else "type not stated"
            if any(not claim.skin for claim in claims)
            else "darker types"
            for skin in range(1, 7)
        ]
    return pd.DataFrame.from_dict(frame, orient="index", columns=list(SKIN_TYPES)).rename_axis("treatment")


def web_only(evidence: Evidence) -> pd.DataFrame:
    """Scar types for which only web pages (tier 4) say that a treatment helps: treatment, scar type, effect shown (tier
    0..3, NaN = not known), sources."""
    tables = evidence.tables
    rows = []
    for treatment in tables.treatments.index:
        for scar in SCAR_TYPES:
            fit, effect = evidence.fit(treatment, scar, _ANY), evidence.improvement(treatment, scar, _ANY)
            tiers = [tier for tier in (fit.tier, effect.tier) if tier]
            if fit.level in ("good", "partial") and tiers and min(tiers) == 4:
                rows.append(
                    {
                        "treatment": _treatment_names(tables)[treatment],
                        "scar type": tables.label("scar_type", scar),
                        "effect": effect.typical,
                        "sources": len({*fit.sources, *effect.sources}),
                    }
                )
    return pd.DataFrame(rows, columns=["treatment", "scar type", "effect", "sources"])


def few_people(evidence: Evidence) -> pd.DataFrame:
    """Known cells of the grid that rest on few people, by group: index group (and "all"), columns known, fewer than
    `FEW_PEOPLE` people, people not stated."""
    frame = cells(evidence)
    frame = frame[frame["known"]]
    counts = pd.DataFrame(
        {
            "known": frame.groupby("group", sort=False).size(),
            f"fewer than {FEW_PEOPLE} people": frame["people"].between(1, FEW_PEOPLE - 1).groupby(frame["group"]).sum(),
            "people not stated": frame["people"].isna().groupby(frame["group"]).sum(),
        }
    )
    counts = counts.reindex(frame["group"].unique())
    counts.loc["all"] = counts.sum()
    return counts.rename_axis("group")


def guide(evidence: Evidence, path: Path = DATA / "guide.csv") -> pd.DataFrame:
    """The statements of a clinic's guide against the evidence, index guide_id.

    Columns topic, statement, agrees (yes, in part, no, not known), finding (with figures quoted from the rows), rows,
    sources, best tier (0 = no row). Raises DataError listing every problem of the file: a cell names a claim or a
    treatment that is not in the tables, holds a digit of its own, quotes a claim it does not list.
    """
    quotes = _quotes(evidence.tables, brief=True)
    rows = evidence.tables.evidence
    people = rows["n"].to_dict()
    tiers = rows["source_id"].map(evidence.tables.sources["tier"])
    read = _read_guide(path, evidence.tables)
    frame = pd.DataFrame(
        [
            {
                "guide_id": row["guide_id"],
                "topic": row["topic"],
                "statement": row["statement"],
                "agrees": AGREES[row["agrees"]],
                "finding": _QUOTE.sub(
                    lambda match: f"{people[match[1]]:.0f}" if match[2] else quotes[match[1]], row["finding"]
                ),
                "rows": len(_listed(row["claims"])),
                "sources": rows.loc[_listed(row["claims"]), "source_id"].nunique(),
                "best tier": int(tiers.loc[_listed(row["claims"])].min()) if row["claims"] else 0,
            }
            for row in read
        ]
    )
    return frame.set_index("guide_id")


def guide_claims(evidence: Evidence, path: Path = DATA / "guide.csv") -> pd.DataFrame:
    """The rows behind each statement of the guide: guide_id, claim_id, treatment, says, note, source, tier, link."""
    tables = evidence.tables
    names, address, says = source_names(tables), links(tables), said(tables)
    tiers = tables.sources["tier"]
    found = []
    for row in _read_guide(path, tables):
        for claim in _listed(row["claims"]):
            fact = tables.evidence.loc[claim]
            source = str(fact["source_id"])
            treatment = str(fact["treatment_id"])
            found.append(
                {
                    "guide_id": row["guide_id"],
                    "claim_id": claim,
                    "treatment": "" if treatment == NO_TREATMENT else _treatment_names(tables)[treatment],
                    "says": says[claim],
                    "note": fact["note"],
                    "source": names[source],
                    "tier": int(tiers[source]),
                    "link": address[source],
                }
            )
    return pd.DataFrame(found)


def _read_guide(path: Path, tables: Tables) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or tuple(rows[0]) != GUIDE:
        raise DataError([f"{path.name}, row 1: needs the header {','.join(GUIDE)} and a row. Write both."])
    problems = []
    for number, row in enumerate(rows, 2):
        where = f"{path.name}, row {number}, column"
        for column, known in (("claims", tables.evidence.index), ("treatments", tables.treatments.index)):
            problems += [
                f"{where} {column}: '{item}' is not known. Use ids of the tables, separated by ';'."
                for item in _listed(row[column])
                if item not in known
            ]
        quoted = [match[1] for match in _QUOTE.finditer(row["finding"])]
        problems += [
            f"{where} finding: quotes {claim}, which column claims does not list. Add it there."
            for claim in quoted
            if claim not in _listed(row["claims"])
        ]
        if re.search(r"\d", _QUOTE.sub("", row["finding"]).replace("CO2", "")):
            problems.append(f"{where} finding: holds a figure of its own. Quote a row: {{C0001}}.")
        if row["agrees"] not in AGREES:
            problems.append(f"{where} agrees: '{row['agrees']}' is not known. Allowed is one of: {', '.join(AGREES)}.")
        if row["agrees"] in ("yes", "partly", "no") and not row["claims"]:
            problems.append(f"{where} claims: is blank. Name the rows it rests on, or say not_known.")
    if problems:
        raise DataError(problems)
    return rows


def _listed(cell: str) -> list[str]:
    return [item for item in cell.split(";") if item]


@lru_cache(maxsize=4)
def said(tables: Tables) -> dict[str, str]:
    """{claim_id: what the row says, in a few plain words}: the question, the answer, for whom, in how many people."""
    rows, quotes = tables.evidence, _quotes(tables)
    names = _treatment_names(tables) | tables.words("partner")
    found = {}
    for claim, attribute, measure, condition, partner, scar, skin, n in zip(
        rows.index, rows["attribute"], rows["measure"], rows["condition"], rows["partner_id"], rows["scar_type"],
        rows["skin_type"], rows["n"], strict=True,
    ):  # fmt: skip
        about = [tables.label("attribute", attribute)]
        about += [_measure_words(tables, attribute, measure)] if measure else []
        about += [_condition_words(tables, attribute, condition)] if condition else []
        about += [names.get(partner, partner)] if partner else []
        whom = [tables.label("scar_type", scar)] if scar else []
        whom += [f"skin type {skin}"] if skin else []
        whom += [f"{n:.0f} people"] if n > 0 else []
        answer = f": {quotes[claim]}" if quotes[claim] else ""
        found[claim] = ", ".join(about) + answer + (f"; {', '.join(whom)}" if whom else "")
    return found


def _measure_words(tables: Tables, attribute: str, measure: str) -> str:
    return tables.label(MEASURES.get(attribute, ""), measure)


def _condition_words(tables: Tables, attribute: str, condition: str) -> str:
    if attribute == "contraindication" and condition in tables.conditions.index:
        return str(tables.conditions.at[condition, "label"])
    return tables.label("outcome", condition)


_UNIT_WORDS = {"percent": " percent", "usd": " US dollars", "count": "", "vas_0_10": " of 10"}


def _quotes(tables: Tables, *, brief: bool = False) -> dict[str, str]:
    """{claim_id: its figure with unit ("14 to 21 days") after its level in words}; brief: the figure alone, without the
    range around it."""
    rows = tables.evidence
    quotes = {}
    for claim, level, value, low, high, unit, flags in zip(
        rows.index, rows["level"], rows["value"], rows["low"], rows["high"], rows["unit"], rows["flags"], strict=True
    ):
        ends = [f"{end:g}" for end in (low, high) if not math.isnan(end)]
        whole = " to ".join(dict.fromkeys(ends))
        if math.isnan(value) or "midpoint" in flags:
            figure = whole
        else:
            figure = f"{value:g}" + (f" (from {whole})" if len(ends) == 2 and not brief else "")
        words = [tables.label("level", level)] if level and not (brief and figure) else []
        if figure:
            bound = "up to " if "upper_bound" in flags else "at least " if "lower_bound" in flags else ""
            word = _UNIT_WORDS.get(unit, f" {tables.label('unit', unit)}" if unit else "")
            words.append(f"{bound}{figure}{word.removesuffix('s') if figure == '1' else word}")
        quotes[claim] = ", ".join(words)
    return quotes


def _skin_words(skin: tuple[int, ...]) -> str:
    if not skin:
        return ""
    ends = [SKIN_TYPES[skin[0] - 1], SKIN_TYPES[skin[-1] - 1]]
    return " to ".join(dict.fromkeys(ends))


def skin_band(skin_type: str) -> str:
    """ "IV-VI" -> the band of skin types in which a rate of dark marks is shown."""
    skin = skin_range(skin_type)
    if not skin:
        return "Skin type not stated"
    if min(skin) >= 4:
        return "Darker skin (types IV to VI)"
    if max(skin) <= 3:
        return "Lighter skin (types I to III)"
    return "Lighter and darker skin together (such as III to V)"
