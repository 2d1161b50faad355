"""What a clinic's guide says, statement by statement, against the evidence."""

import pandas as pd

from scarlib.screening import NO_TREATMENT
from scarlib.steps import quotes, said, source_names
from scarlib.tables import QUOTE, Tables


def findings(tables: Tables) -> pd.DataFrame:
    """Each statement of the guide and what the evidence says of it, index guide_id.

    Columns topic, statement, agrees (yes, in part, no, not known), finding (with its figures quoted from the rows),
    rows, sources, best tier (0 = no row).
    """
    figures = quotes(tables, brief=True)
    people = tables.evidence["n"]
    frame = tables.guide[["topic", "statement", "agrees", "finding"]].copy()
    frame["agrees"] = frame["agrees"].replace({"partly": "in part", "not_known": "not known"})
    frame["finding"] = [
        QUOTE.sub(lambda match: f"{people[match[1]]:.0f}" if match[2] else figures[match[1]], finding)
        for finding in frame["finding"]
    ]
    behind = _behind(tables).groupby("guide_id")
    counts = behind.agg(rows=("claim_id", "size"), sources=("source_id", "nunique"), tier=("tier", "min"))
    return frame.join(counts.reindex(frame.index, fill_value=0).rename(columns={"tier": "best tier"}))


def claims(tables: Tables) -> pd.DataFrame:
    """The rows behind each statement of the guide: guide_id, claim_id, treatment, says, note, source, tier, link."""
    frame = _behind(tables)
    names = tables.treatments["name"].drop(NO_TREATMENT)
    return pd.DataFrame(
        {
            "guide_id": frame["guide_id"],
            "claim_id": frame["claim_id"],
            "treatment": frame["treatment_id"].map(names).fillna(""),
            "says": frame["claim_id"].map(said(tables)),
            "note": frame["note"],
            "source": frame["source_id"].map(source_names(tables)),
            "tier": frame["tier"],
            "link": frame["source_id"].map(_links(tables)),
        }
    )


def _behind(tables: Tables) -> pd.DataFrame:
    """One row a statement and a claim it rests on: guide_id, claim_id, the claim's columns and its source's tier."""
    cited = tables.guide["claims"].str.split(";").explode().rename("claim_id").reset_index()
    frame = cited[cited["claim_id"] != ""].join(tables.evidence, on="claim_id").reset_index(drop=True)
    return frame.assign(tier=frame["source_id"].map(tables.sources["tier"]).astype(int))


def _links(tables: Tables) -> dict[str, str]:
    """{source_id: address}: by DOI, else PubMed number, else the page that was read."""
    rows = tables.sources
    return {
        source: f"https://doi.org/{doi}" if doi else f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else url
        for source, doi, pmid, url in zip(rows.index, rows["doi"], rows["pmid"], rows["url"], strict=True)
    }
