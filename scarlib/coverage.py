"""What the evidence covers and what it lacks, counted: nothing here decides."""

import hashlib
from collections.abc import Iterator

import pandas as pd

from scarlib.client import SCAR_TYPES
from scarlib.evidence import Evidence, Judgement
from scarlib.screening import FEW, NO_TREATMENT
from scarlib.steps import EFFECT, MARKS, answers, questions, treatment_names
from scarlib.tables import DATA, SKIN_TYPES, Tables

_ANY: frozenset[str] = frozenset()


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


def origin() -> str:
    """How the facts were found and checked, as the data's README tells it (Markdown)."""
    _, _, after = (DATA / "README.md").read_text(encoding="utf-8").partition("## Where the data came from")
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


def cells(evidence: Evidence) -> pd.DataFrame:
    """The grid, one row a cell: treatment_id, treatment, and the columns of `steps.answers`. Every treatment but no
    treatment."""
    return pd.DataFrame(
        [
            {"treatment_id": treatment, "treatment": name, **row}
            for treatment, name in _treatments(evidence.tables).items()
            for row in answers(evidence, treatment)
        ]
    )


def _treatments(tables: Tables) -> dict[str, str]:
    """{treatment_id: name} of every treatment but no treatment."""
    return {treatment: name for treatment, name in treatment_names(tables).items() if treatment != NO_TREATMENT}


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
    found: dict[tuple[str, str, tuple[str, ...]], dict[str, object]] = {}
    for treatment, name in treatment_names(evidence.tables).items():
        for question in questions(evidence.tables):
            estimate = question.ask(evidence, treatment)
            if estimate.spread is None:
                continue
            marks = question.group == MARKS
            key = (treatment, question.group, estimate.claims) if marks else (treatment, question.code, ())
            if key in found:
                found[key]["question"] = f"{found[key]['question']}, {question.label.removeprefix('skin type ')}"
                continue
            about = {MARKS: "dark marks, ", EFFECT: "effect on "}.get(question.group, "")
            lowest, highest = estimate.spread
            figures = question.figures(evidence, treatment)
            found[key] = {
                "treatment": name,
                "question": f"{about}{question.label}",
                "lowest": lowest,
                "highest": highest,
                "unit": question.unit,
                "lowest found by": "; ".join(figures.index[figures == lowest].unique()),
                "highest found by": "; ".join(figures.index[figures == highest].unique()),
                "strength": estimate.strength,
            }
    return pd.DataFrame(list(found.values()))


def split_opinions(evidence: Evidence) -> pd.DataFrame:
    """Where sources differ in words: treatment, question, what is shown, sources for it, what others say (with how many
    sources). Questions: each condition, each skin type, each scar type, and where it may be done."""

    def words(level: str, question: str) -> str:
        safe = level == "good" and not question.startswith("fit for")
        return "no reason against it" if safe else evidence.tables.label("level", level)

    return pd.DataFrame(
        [
            {
                "treatment": name,
                "question": question,
                "shown": words(judgement.level, question),
                "sources for it": len(judgement.sources),
                "others say": "; ".join(
                    f"{words(level, question)} ({len(sources)})" for level, sources in judgement.others.items()
                ),
            }
            for treatment, name in treatment_names(evidence.tables).items()
            for question, judgement in _judged(evidence, treatment)
            if judgement.level and judgement.others
        ]
    )


def _judged(evidence: Evidence, treatment: str) -> Iterator[tuple[str, Judgement]]:
    """Every question on a treatment that sources answer in words; skin types that rest on the same rows share one."""
    for condition, (label, _) in evidence.concerns.items():
        yield f"client: {label}", evidence.rule(treatment, condition)
    by_skin: dict[tuple[str, ...], list[str]] = {}
    for skin, numeral in enumerate(SKIN_TYPES, 1):
        by_skin.setdefault(evidence.skin_fit(treatment, skin).claims, []).append(numeral)
    for types in by_skin.values():
        yield f"skin type {', '.join(types)}", evidence.skin_fit(treatment, SKIN_TYPES.index(types[0]) + 1)
    for scar in SCAR_TYPES:
        yield f"fit for {evidence.tables.label('scar_type', scar)}", evidence.fit(treatment, scar, _ANY)
    yield evidence.tables.label("attribute", "setting"), evidence.setting(treatment)


def unknown_conditions(evidence: Evidence) -> pd.DataFrame:
    """Conditions that concern a treatment of which no row speaks, most gaps first: condition, concerns (treatments),
    spoken of, not known, which. The tool says "not known, ask" there."""
    names = _treatments(evidence.tables)
    rows = []
    for condition, (label, concerned) in evidence.concerns.items():
        treatments = [treatment for treatment in names if not concerned or treatment in concerned]
        missing = [names[treatment] for treatment in treatments if not evidence.rule(treatment, condition).level]
        rows.append(
            {
                "condition": label,
                "concerns": len(treatments),
                "spoken of": len(treatments) - len(missing),
                "not known": len(missing),
                "which": "; ".join(missing),
            }
        )
    return pd.DataFrame(rows).sort_values("not known", ascending=False, kind="stable", ignore_index=True)


def skin_rates(evidence: Evidence) -> pd.DataFrame:
    """What each treatment's dark-mark (PIH) figure for a skin type rests on: index treatment, columns I..VI, each
    "named" (a row names the type), "type not stated", "darker types" (a bound taken from them) or "not known"."""

    def basis(treatment: str, skin: int) -> str:
        claims = evidence.about(treatment, "pih_percent")
        if any(skin in claim.skin for claim in claims):
            return "named"
        if not evidence.pih(treatment, skin).known:
            return "not known"
        return "darker types" if all(claim.skin for claim in claims) else "type not stated"

    rates = {
        name: [basis(treatment, skin) for skin in range(1, 7)]
        for treatment, name in _treatments(evidence.tables).items()
    }
    return pd.DataFrame.from_dict(rates, orient="index", columns=list(SKIN_TYPES)).rename_axis("treatment")


def web_only(evidence: Evidence) -> pd.DataFrame:
    """Scar types for which only web pages (tier 4) say that a treatment helps: treatment, scar type, effect shown (tier
    0..3, NaN = not known), sources."""
    rows = []
    for treatment, name in treatment_names(evidence.tables).items():
        for scar in SCAR_TYPES:
            fit = evidence.fit(treatment, scar, _ANY)
            effect = evidence.improvement(treatment, scar, _ANY)
            if fit.level in ("good", "partial") and {fit.tier, effect.tier} - {0} == {4}:
                rows.append(
                    {
                        "treatment": name,
                        "scar type": evidence.tables.label("scar_type", scar),
                        "effect": effect.typical,
                        "sources": len({*fit.sources, *effect.sources}),
                    }
                )
    return pd.DataFrame(rows, columns=["treatment", "scar type", "effect", "sources"])


def few_people(evidence: Evidence) -> pd.DataFrame:
    """Known cells of the grid that rest on few people, by group: index group (and "all"), columns known, fewer than
    `screening.FEW` people, people not stated."""
    frame = cells(evidence)
    frame = frame[frame["known"]]
    few, unsaid = f"fewer than {FEW} people", "people not stated"
    frame = frame.assign(**{few: frame["people"].between(1, FEW - 1), unsaid: frame["people"].isna()})
    counts = frame.groupby("group", sort=False)[["known", few, unsaid]].sum()
    counts.loc["all"] = counts.sum()
    return counts
