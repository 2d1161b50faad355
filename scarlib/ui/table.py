"""The same options as one table: pandas for the facts, HTML for the page."""

from collections.abc import Callable
from html import escape

import pandas as pd

from scarlib.client import Client
from scarlib.evidence import Estimate, Evidence
from scarlib.phrases import (
    NOT_KNOWN,
    cost_words,
    count,
    effect,
    honest,
    price_words,
    rows,
    spoken,
    tier_words,
    worst_said,
)
from scarlib.screening import NO_TREATMENT
from scarlib.ui.cards import Row, badge, records

SORTS = {
    "Best first": ("place", True),
    "Name": ("name", True),
    "Most improvement": ("effect", False),
    "Fewest visits": ("visits", True),
    "Fewest days off": ("days", True),
    "Least pain": ("pain", True),
    "Lowest cost": ("cost", True),
    "Lowest dark-mark risk": ("marks", True),
}
_HEAD = (
    ("Treatment", ""),
    ("Kind", ""),
    ("Fit", ""),
    ("Dark marks (PIH)", "of 100 people"),
    ("Improvement", ""),
    ("Visits", "weeks apart"),
    ("Days off", "days"),
    ("Pain", "0 to 10"),
    ("Cost a session", "US dollars"),
    ("Cost of the course", "US dollars"),
    ("Lasting", "months"),
    ("Evidence", "of effect"),
    ("Score", "0 to 100, with range"),
)


def facts(client: Client, options: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """The usual figures behind the table, to sort by; of a burden whose sources differ, the worst they say. Index
    treatment_id, NaN = not known."""
    none = [treatment == NO_TREATMENT for treatment in options.index]

    def typical(figure: Callable[[str], Estimate]) -> list[float]:
        return [0.0 if is_none else figure(str(t)).typical for t, is_none in zip(options.index, none, strict=True)]

    def burden(figure: Callable[[str], Estimate]) -> list[float]:
        return typical(lambda treatment: worst_said(figure(treatment)))

    return pd.DataFrame(
        {
            "place": range(len(options)),
            "treated": [not is_none for is_none in none],
            "name": options["name"].to_list(),
            "effect": typical(lambda treatment: effect(client, evidence, treatment)),
            "visits": typical(lambda treatment: evidence.number(treatment, "sessions")),
            "days": burden(lambda treatment: evidence.number(treatment, "downtime_days")),
            "pain": burden(lambda treatment: evidence.number(treatment, "pain_vas")),
            "cost": typical(evidence.course_cost),
            "marks": burden(lambda treatment: evidence.pih(treatment, client.fitzpatrick)),
        },
        index=options.index,
    )


def options_table(
    client: Client,
    options: pd.DataFrame,
    evidence: Evidence,
    families: list[str],
    text: str = "",
    verdict: str = "",
    sort: str = "Best first",
) -> str:
    """Options as an HTML table, filtered by kind, fit and words, sorted by one question; what is not known last."""
    shown = options
    if families:
        shown = shown[shown["family"].isin([*families, "no_treatment"])]
    if verdict:
        shown = shown[shown["verdict"] == verdict]
    table = evidence.tables.treatments
    if text.strip():
        words = table.loc[shown.index, ["name", "clinical_name", "how_it_works", "good_at"]].agg(" ".join, axis=1)
        shown = shown[words.str.contains(text.strip(), case=False, regex=False)]
    column, rising = SORTS[sort]
    if column != "place" and len(shown):
        order = facts(client, shown, evidence)[list(dict.fromkeys([column, "treated", "place"]))]
        order = order.sort_values([column, "treated", "place"], ascending=[rising, True, True], na_position="last")
        shown = shown.loc[order.index]
    if shown.empty:
        return "<p class='empty'>No treatment matches. Clear the search, or choose another kind or fit.</p>"
    head = "".join(f"<th scope='col'>{name}<small>{unit}</small></th>" for name, unit in _HEAD)
    body = "".join(_line(client, treatment, row, evidence) for treatment, row in records(shown).items())
    return (
        "<div class='scroll' role='region' aria-label='All options as a table' tabindex='0'>"
        f"<table class='options'><caption>{len(shown)} of {len(options)} options, {sort.lower()}.</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _line(client: Client, treatment: str, row: Row, evidence: Evidence) -> str:
    by_name = {item.name: item.words for item in rows(client, evidence, treatment)}
    none = treatment == NO_TREATMENT
    risk = evidence.pih(treatment, client.fitzpatrick)
    found = effect(client, evidence, treatment)
    score: str = (
        f"{row['score']:.0f} <small>({row['score_low']:.0f} to {row['score_high']:.0f})</small>"
        if pd.notna(row["score"])
        else "<span class='unknown'>not ranked</span>"
    )
    cells = (
        escape(evidence.tables.label("family", row["family"])),
        badge(evidence, row["verdict"]),
        "none" if none else spoken(honest(risk), lambda value: f"{value:.0f}"),
        by_name["Improvement"] if none else tier_words(evidence, found),
        by_name["Visits"],
        by_name["Days off"],
        by_name["Pain, 0 to 10"],
        "none" if none else price_words(evidence, treatment),
        "none" if none else cost_words(evidence, treatment),
        "nothing to last" if none else spoken(evidence.number(treatment, "durability_months"), count),
        NOT_KNOWN if found.strength == "none" else escape(evidence.tables.label("strength", found.strength)),
        score,
    )
    numeric = (0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1)
    tds = "".join(
        f"<td class='number'>{cell}</td>" if right else f"<td>{cell}</td>"
        for cell, right in zip(cells, numeric, strict=True)
    )
    return f"<tr data-id='{escape(treatment)}'><th scope='row'>{escape(row['name'])}</th>{tds}</tr>"
