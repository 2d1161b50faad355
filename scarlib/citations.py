"""Who says it: sources as links (DOI, else PMID, else the page), always with author, year and kind."""

from collections.abc import Iterable
from functools import lru_cache
from html import escape

import pandas as pd

from scarlib.tables import Tables


def source_list(tables: Tables, source_ids: Iterable[str]) -> str:
    """An HTML list of sources, best tier first; empty text where there are none."""
    wanted = set(source_ids)
    items = "".join(item for source_id, item in _cited(tables).items() if source_id in wanted)
    return f'<ul class="sources">{items}</ul>' if items else ""


@lru_cache(maxsize=4)
def _cited(tables: Tables) -> dict[str, str]:
    """{source_id: its list item}, best tier first."""
    order = tables.sources.sort_values("tier", kind="stable")
    return {str(source_id): f"<li>{_one(tables, row)}</li>" for source_id, row in order.iterrows()}


def _one(tables: Tables, source: pd.Series) -> str:
    author = escape(str(source["first_author"])) or "No author named"
    year = f"{source['year']:.0f}" if pd.notna(source["year"]) else "no year"
    kind = escape(tables.label("source_type", str(source["type"])))
    return f"{author}, {year}. {_linked(source)} <small>{kind}</small>"


def _linked(source: pd.Series) -> str:
    title = escape(str(source["title"]))
    if source["doi"]:
        address = f"https://doi.org/{source['doi']}"
    elif source["pmid"]:
        address = f"https://pubmed.ncbi.nlm.nih.gov/{source['pmid']}/"
    else:
        address = str(source["url"])
    if not address.startswith(("https://", "http://")):
        return title
    return f'<a href="{escape(address, quote=True)}" target="_blank" rel="noopener noreferrer">{title}</a>'
