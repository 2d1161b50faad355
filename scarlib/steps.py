"""How one figure comes about, as plain tables for a reader who checks: every row behind it and what became of it.

Nothing here decides: `steps`, `votes` and `rules` spell out what `evidence.py` did; the rest puts rows into words.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from scarlib.client import SCAR_TYPES
from scarlib.evidence import NUMBERS, SCEPTIC, Claim, Estimate, Evidence, days_off, effect_tier, point_weights
from scarlib.tables import MEASURES, SKIN_TYPES, Tables

EFFECT, MARKS, COURSE = "How much it helps", "Dark marks (PIH)", "What it takes"
_UNITS = {
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
_UNIT_WORDS = {"percent": " percent", "usd": " US dollars", "count": "", "vas_0_10": " of 10"}
_HALVED = {
    "not_acne_scar": "speaks of other scars",
    "family_rule": "speaks of the whole family",
    "our_reading": "our reading of a sentence",
}
_ANY: frozenset[str] = frozenset()
_VOLUME = re.compile(r"[ ,]+\d.*$")  # of a journal: "35(1):79-81"


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

    def figures(self, evidence: Evidence, treatment_id: str) -> pd.Series:
        """The figures that the answer is drawn from, each under the name of its source."""
        kind, _, what = self.code.partition(":")
        if kind == "effect":
            rows = votes(evidence, treatment_id, what).iloc[:-1].rename(columns={"effect": "value"})
        elif kind == "pih":
            rows = steps(evidence, treatment_id, "pih_percent", int(what))
        else:
            rows = steps(evidence, treatment_id, self.code)
        return rows[rows["weight"] > 0].set_index("source")["value"]


def questions(tables: Tables) -> tuple[Question, ...]:
    """The questions asked of every treatment, in the order in which they are shown."""
    effect = [Question(EFFECT, f"effect:{scar}", tables.label("scar_type", scar), "0 to 3") for scar in SCAR_TYPES]
    marks = [
        Question(MARKS, f"pih:{skin}", f"skin type {numeral}", "percent of people")
        for skin, numeral in enumerate(SKIN_TYPES, 1)
    ]
    course = [Question(COURSE, name, tables.label("attribute", name), _UNITS[name]) for name in NUMBERS]
    return (*effect, *marks, *course)


def answers(evidence: Evidence, treatment_id: str) -> list[dict[str, object]]:
    """What is known of one treatment, one row a question: group, code, question, low, typical, high (NaN = not known),
    unit, strength, sources, people (NaN = not stated), tier (0 = none), known (bool)."""
    asked = [(question, question.ask(evidence, treatment_id)) for question in questions(evidence.tables)]
    return [
        {
            "group": question.group,
            "code": question.code,
            "question": question.label,
            "low": found.low,
            "typical": found.typical,
            "high": found.high,
            "unit": question.unit,
            "strength": found.strength if found.known else "none",
            "sources": len(found.sources) if found.known else 0,
            "people": found.people or (math.nan if found.known else 0),
            "tier": found.tier,
            "known": found.known,
        }
        for question, found in asked
    ]


def card(evidence: Evidence, treatment_id: str) -> pd.DataFrame:
    """The figures of one treatment as its card shows them: `answers` without code, tier and known."""
    return pd.DataFrame(answers(evidence, treatment_id)).drop(columns=["code", "tier", "known"])


def steps(evidence: Evidence, treatment_id: str, attribute: str, skin: int | None = None) -> pd.DataFrame:
    """Every row behind one pooled figure, and what became of it.

    `attribute` is one of `evidence.NUMBERS`, or "pih_percent" with a Fitzpatrick type in `skin` (1..6).
    One row a claim, best tier first: claim_id, source, tier, measure, skin type, value, low, high, people, weight (0
    where the row does not move the typical value), share (percent of the weight reached, in the order of the values),
    counts (bool), why.
    The typical value is the first whose share reaches 50: `evidence.number` and `evidence.pih` say the same.
    """
    marks = attribute == "pih_percent"
    estimate = evidence.pih(treatment_id, skin) if marks else evidence.number(treatment_id, attribute)
    claims = evidence.about(treatment_id, attribute)
    claims = days_off(claims) if attribute == "downtime_days" else claims
    used = [claim for claim in claims if claim.claim_id in estimate.claims]
    points = [claim for claim in used if _is_point(claim)]
    weights = dict(zip((claim.claim_id for claim in points), point_weights(points), strict=True))
    frame = pd.DataFrame(
        [
            {
                **_cited(claim, evidence.tables),
                "measure": _measure(evidence.tables, attribute, claim.measure),
                "skin type": _skin(claim.skin),
                "value": claim.value,
                "low": claim.low,
                "high": claim.high,
                "people": claim.n,
                "weight": weights.get(claim.claim_id, 0.0),
                "counts": claim in used,
                "why": _why(claim, used, evidence.tables, skin),
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


def _cited(claim: Claim, tables: Tables) -> dict[str, object]:
    return {"claim_id": claim.claim_id, "source": source_names(tables)[claim.source_id], "tier": claim.tier}


def _is_point(claim: Claim) -> bool:
    return not (math.isnan(claim.value) or claim.flags & {"lower_bound", "upper_bound"})


def _why(claim: Claim, used: list[Claim], tables: Tables, skin: int | None) -> str:
    if claim in used:
        if not _is_point(claim):
            return "a bound: it can widen the range, and never moves the usual figure"
        half = next((f"counts half: {words}" for flag, words in _HALVED.items() if flag in claim.flags), "counts")
        more = sum(_is_point(other) and other.trial == claim.trial for other in used) - 1
        return half + (f"; shares its weight with {more} more of this study" if more else "")
    if claim.flags & {"control_arm", "derived"}:
        return "never counts: a control group, or worked out from other rows"
    kept = next((other.source_id for other in used if other.trial == claim.trial), claim.source_id)
    if kept != claim.source_id:
        return f"the same study as {source_names(tables)[kept]}: counts once"
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
    ids = evidence.improvement(treatment_id, scar_type, _ANY).claims
    # All claims are searched: they may be those of the treatment this one builds on.
    used = [claim for claims in evidence.claims.values() for claim in claims if claim.claim_id in ids]
    shared = Counter(claim.trial for claim in used)
    says = said(evidence.tables)
    frame = pd.DataFrame(
        [
            {
                **_cited(claim, evidence.tables),
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
    deciding = evidence.rule(treatment_id, condition).sources
    return pd.DataFrame(
        [
            {
                **_cited(claim, evidence.tables),
                "says": evidence.tables.label("level", claim.level),
                "weeks, from": claim.low,
                "weeks, to": claim.high,
                "decides": claim.source_id in deciding,
                "note": claim.note,
            }
            for claim in sorted(evidence.about(treatment_id, "contraindication"), key=lambda claim: claim.tier)
            if claim.condition == condition
        ]
    )


@lru_cache(maxsize=4)
def source_names(tables: Tables) -> dict[str, str]:
    """{source_id: "Author year"}, with the journal or the id where no author stands on the page."""
    names = {}
    for source, row in tables.sources.to_dict("index").items():
        name = row["first_author"] or _VOLUME.sub("", row["journal"]) or str(source)
        names[str(source)] = name if math.isnan(row["year"]) else f"{name} {row['year']:.0f}"
    return names


def treatment_names(tables: Tables) -> dict[str, str]:
    """{treatment_id: plain name}"""
    return dict(zip(tables.treatments.index, tables.treatments["name"], strict=True))


@lru_cache(maxsize=4)
def said(tables: Tables) -> dict[str, str]:
    """{claim_id: what the row says, in a few plain words}: the question, the answer, for whom, in how many people."""
    answer = quotes(tables)
    names = treatment_names(tables) | tables.words("partner")
    conditions = dict(zip(tables.conditions.index, tables.conditions["label"], strict=True))
    found = {}
    for claim, row in tables.evidence.to_dict("index").items():
        about = [
            tables.label("attribute", row["attribute"]),
            _measure(tables, row["attribute"], row["measure"]),
            conditions.get(row["condition"]) or tables.label("outcome", row["condition"]),
            names.get(row["partner_id"], row["partner_id"]),
        ]
        whom = [
            tables.label("scar_type", row["scar_type"]),
            row["skin_type"] and f"skin type {row['skin_type']}",
            f"{row['n']:.0f} people" if row["n"] > 0 else "",
        ]
        parts = ": ".join(filter(None, [", ".join(filter(None, about)), answer[str(claim)]]))
        found[str(claim)] = "; ".join(filter(None, [parts, ", ".join(filter(None, whom))]))
    return found


def quotes(tables: Tables, *, brief: bool = False) -> dict[str, str]:
    """{claim_id: its figure with unit ("14 to 21 days") after its level in words}; brief: the figure alone, without the
    range around it."""
    found = {}
    for claim, row in tables.evidence.to_dict("index").items():
        ends = [f"{end:g}" for end in (row["low"], row["high"]) if not math.isnan(end)]
        figure = " to ".join(dict.fromkeys(ends))
        if not math.isnan(row["value"]) and "midpoint" not in row["flags"]:
            figure = f"{row['value']:g}" + (f" (from {figure})" if len(ends) == 2 and not brief else "")
        words = [tables.label("level", row["level"])] if row["level"] and not (brief and figure) else []
        if figure:
            bound = "up to " if "upper_bound" in row["flags"] else "at least " if "lower_bound" in row["flags"] else ""
            unit = _UNIT_WORDS.get(row["unit"], f" {tables.label('unit', row['unit'])}" if row["unit"] else "")
            words.append(f"{bound}{figure}{unit.removesuffix('s') if figure == '1' else unit}")
        found[str(claim)] = ", ".join(words)
    return found


def _measure(tables: Tables, attribute: str, measure: str) -> str:
    return tables.label(MEASURES.get(attribute, ""), measure)


def _skin(types: tuple[int, ...]) -> str:
    """(3, 4, 5) -> "III to V"."""
    return " to ".join(dict.fromkeys(SKIN_TYPES[skin - 1] for skin in (*types[:1], *types[-1:])))
