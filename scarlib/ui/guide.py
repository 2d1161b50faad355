"""The questions people ask, answered from the data: sessions, pain, recovery, combining; and what acne scars are."""

import math
from collections.abc import Iterable
from functools import lru_cache
from html import escape

import pandas as pd

from scarlib.citations import source_list
from scarlib.evidence import Claim, Estimate, Evidence
from scarlib.phrases import NOT_KNOWN, count
from scarlib.screening import RANKED
from scarlib.ui.drawings import drawing

GUIDE_FAMILIES = ("microneedling", "peels", "lasers", "fillers", "radiofrequency")
_TOGETHER = ("same_day", "spaced", "sequence_first", "avoid", "improves", "no_added_benefit")
_SCAR_OUTCOMES = ("", "scar_improvement", "raised_scar_improvement")


def questions(options: pd.DataFrame, evidence: Evidence) -> str:
    """The guide's four questions for the five kinds of treatment it names and for what fits this client."""
    fits = [t for t in options.index[options["verdict"].isin(RANKED)] if t != "no_treatment"]
    return _common(evidence) + _combining(evidence, fits)


@lru_cache(maxsize=4)
def _common(evidence: Evidence) -> str:
    table = evidence.tables.treatments
    lines = []
    for family in GUIDE_FAMILIES:
        members = table.index[table["family"] == family]
        cells = "".join(
            f"<td>{_span(evidence, members, name)}</td>" for name in ("sessions", "pain_vas", "downtime_days")
        )
        numbing = dict.fromkeys(
            evidence.tables.label("anesthesia", claim.level)
            for member in members
            for claim in evidence.about(member, "anesthesia")
        )
        label = escape(evidence.tables.label("family", family))
        words = escape(", ".join(numbing)) or NOT_KNOWN
        lines.append(f"<tr><th scope='row'>{label}</th>{cells}<td>{words}</td></tr>")
    return (
        "<h3>How many visits? Does it hurt? How long do I need to recover?</h3>"
        "<p>One visit is seldom all. How much it hurts and how long you need depends on the treatment, and on your "
        "skin and scars. These are the usual figures, from the lowest to the highest treatment of each kind; where "
        "sources differ, all they say.</p>"
        "<div class='scroll' role='region' aria-label='Visits, pain and recovery by kind' tabindex='0'>"
        "<table class='guide'><thead><tr><th scope='col'>Kind of treatment</th><th scope='col'>Visits</th>"
        "<th scope='col'>Pain, 0 to 10</th><th scope='col'>Days off</th><th scope='col'>Numbing, by source</th></tr>"
        f"</thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _span(evidence: Evidence, members: Iterable[str], attribute: str) -> str:
    burden = attribute != "sessions"
    found = [evidence.number(member, attribute) if burden else evidence.visits(member) for member in members]
    typical = [end for item in found for end in _usual(item, burden) if not math.isnan(end)]
    missing = sum(math.isnan(item.typical) for item in found)
    if not typical:
        return NOT_KNOWN
    low, high = count(min(typical)), count(max(typical))
    said = low if low == high else f"{low} to {high}"
    return said if not missing else f"{said} <small class='unknown'>({missing} of {len(found)} not known)</small>"


def _usual(estimate: Estimate, burden: bool) -> tuple[float, ...]:
    """The usual figure; of a burden whose sources differ, both ends, as on the cards."""
    return (estimate.low, estimate.high) if burden and estimate.spread is not None else (estimate.typical,)


def _combining(evidence: Evidence, fits: list[str]) -> str:
    names = evidence.tables.treatments["name"]
    said: dict[tuple[str, ...], dict[tuple[str, str], list[Claim]]] = {}  # {pair: {(what, who is first): claims}}
    for treatment in fits:
        for claim in evidence.about(treatment, "combination"):
            partner = claim.partner_id
            if claim.level in _TOGETHER and claim.condition in _SCAR_OUTCOMES and (partner in fits or partner == "prp"):
                pair = (
                    (treatment, partner) if partner not in fits else tuple(sorted((treatment, partner), key=fits.index))
                )
                first = treatment if claim.level == "sequence_first" else ""
                said.setdefault(pair, {}).setdefault((claim.level, first), []).append(claim)
    if not said:
        text = "<p>No source we have read speaks of combining what fits you. Ask a specialist.</p>"
        return f"<h3>Can treatments be combined?</h3>{text}"
    items = []
    for (treatment, partner), levels in sorted(said.items(), key=lambda item: _best_tier(item[1])):
        name = escape(names[treatment])
        other = escape(names[partner] if partner in names.index else evidence.tables.label("partner", partner))
        phrases = [
            _PHRASES[level].format(first=escape(names.get(first, "")), n=_sources(claims))
            for (level, first), claims in levels.items()
        ]
        items.append(f"<li><b>{name}</b> with <b>{other}</b>: {'; '.join(phrases)}.</li>")
    used = [claim.source_id for levels in said.values() for claims in levels.values() for claim in claims]
    rest = "".join(items[_PAIRS:])
    more = f"<details><summary>More pairs</summary><ul class='combining'>{rest}</ul></details>" if rest else ""
    return (
        "<h3>Can treatments be combined?</h3><p>Often, with a specialist’s advice. For what fits you, sources say:</p>"
        f"<ul class='combining'>{''.join(items[:_PAIRS])}</ul>{more}"
        f"<details><summary>Sources</summary>{source_list(evidence.tables, used)}</details>"
    )


def _best_tier(levels: dict[tuple[str, str], list[Claim]]) -> int:
    return min(claim.tier for claims in levels.values() for claim in claims)


_PAIRS = 6
_PHRASES = {
    "same_day": "can be done on the same day ({n})",
    "spaced": "leave time between them ({n})",
    "sequence_first": "{first} goes first ({n})",
    "avoid": "do not combine them ({n})",
    "improves": "better together ({n})",
    "no_added_benefit": "no better together ({n})",
}


def _sources(claims: list[Claim]) -> str:
    number = len({claim.trial for claim in claims})
    weak = ", weak" if all(claim.tier == 4 for claim in claims) else ""
    return (f"{number} source" if number == 1 else f"{number} sources") + weak


@lru_cache(maxsize=4)
def about_scars(evidence: Evidence) -> str:
    """What acne scars are, by type, with a drawn cross-section of each."""
    tables = evidence.tables
    classes = {"indented": "Dents", "raised": "Raised scars", "mark": "Flat marks"}
    groups = []
    for scar_class, title in classes.items():
        of_class = tables.scar_types[tables.scar_types["scar_class"] == scar_class]
        items = "".join(
            f"<li>{drawing(str(scar), 'large')}<div><h4>{escape(row['name'])}</h4>"
            f"<p>{escape(row['description'])}</p><p>{escape(row['recognise'])}</p></div></li>"
            for scar, row in of_class.iterrows()
        )
        groups.append(f"<h3>{title}</h3><ul class='scar-types'>{items}</ul>")
    claims = [claim for cell in tables.scar_types["claims"] for claim in cell.split(";")]
    used = tables.evidence.loc[claims, "source_id"]
    folded = f"<details><summary>Sources</summary>{source_list(tables, used)}</details>"
    return (
        "<p>Acne scars follow inflamed spots. Some lie below the level of the skin, some stand above it, and some "
        f"marks are flat and differ in colour only.</p>{''.join(groups)}{folded}"
    )
