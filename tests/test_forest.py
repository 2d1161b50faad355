"""Forest plots: one measure each, every figure of it, and words beside the picture."""

import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest

import scarlib
from scarlib import forest
from scarlib.evidence import weigh
from scarlib.tables import Tables


@pytest.fixture(scope="module")
def tables() -> Tables:
    return scarlib.load_tables()


def test_points_hold_every_row_that_counts(tables: Tables) -> None:
    rows = tables.evidence[tables.evidence["attribute"] == "improvement"]
    points = forest.points(tables, "improvement")
    left_out = rows[rows["flags"].str.contains("control_arm") | (rows["treatment_id"] == "no_treatment")]
    assert set(points["claim_id"]) == set(rows.index) - set(left_out.index)
    assert points["claim_id"].is_unique


def test_one_measure_a_picture(tables: Tables) -> None:
    points = forest.points(tables, "improvement", "ecca_percent")
    assert set(tables.evidence.loc[points["claim_id"], "measure"]) == {"ecca_percent"}


def test_dark_marks_are_split_by_skin_and_darker_comes_first(tables: Tables) -> None:
    sections = forest.points(tables, "pih_percent")["section"].drop_duplicates().tolist()
    assert [section.split()[0] for section in sections] == ["Darker", "Lighter", "Lighter", "Skin"]


@pytest.mark.parametrize(
    ("skin", "start"),
    [("IV-VI", "Darker"), ("V", "Darker"), ("I-III", "Lighter skin"), ("III-V", "Lighter and"), ("", "Skin type not")],
)
def test_a_range_of_skin_types_stands_in_its_band(tables: Tables, skin: str, start: str) -> None:
    rows = tables.evidence[tables.evidence["attribute"] == "pih_percent"].assign(skin_type=skin)
    points = forest.points(replace(tables, evidence=rows), "pih_percent")
    assert points["section"].str.startswith(start).all()


def test_points_of_a_section_stand_together(tables: Tables) -> None:
    for attribute in ("improvement", "responder_rate", "pih_percent"):
        points = forest.points(tables, attribute)
        for keys in (["section"], ["section", "treatment"]):
            runs = (points[keys] != points[keys].shift()).any(axis=1).sum()
            assert runs == len(points[keys].drop_duplicates())


@pytest.mark.parametrize("attribute", ["improvement", "responder_rate"])
def test_gallery_has_every_measure_in_use(tables: Tables, attribute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def draw(tables: Tables, attribute: str, measure: str) -> forest.Picture:
        drawn.append(measure)
        return forest.Picture(b"", measure, "the same for all")

    monkeypatch.setattr(forest, "forest", draw)
    captions = [picture.caption for picture in forest.gallery(tables, attribute)]
    assert captions == ["the same for all", *[""] * (len(captions) - 1)]
    rows = tables.evidence[tables.evidence["attribute"] == attribute]
    assert set(drawn) == set(rows["measure"])


def test_forest_is_a_picture_with_words(tables: Tables) -> None:
    picture = forest.forest(tables, "responder_rate", "gt70")
    assert picture.png.startswith(b"\x89PNG")
    html = picture._repr_html_()
    assert 'alt="Forest plot, More than seven tenths better' in html
    assert "http" not in html.replace("data:image", "")
    assert "<figcaption>" in html


def test_unknown_measure_says_what_to_do(tables: Tables) -> None:
    with pytest.raises(ValueError, match="measure: no row of improvement holds 'inches'"):
        forest.forest(tables, "improvement", "inches")


def test_heatmap_counts_its_cells(tables: Tables) -> None:
    picture = forest.heatmap(weigh(tables))
    assert picture.png.startswith(b"\x89PNG")
    assert f"Grid of {len(tables.treatments) - 1} treatments" in picture.text


def test_table_escapes_links_and_names_what_is_missing() -> None:
    frame = pd.DataFrame({"text": ["<b>", "https://example.org/a"], "n": [float("nan"), 1234.5], "yes": [True, False]})
    html = forest.Table(frame, "A & B")._repr_html_()
    assert "<b>" not in html
    assert '<a href="https://example.org/a"' in html
    assert ">example.org/a</a>" in html
    assert "not known" in html
    assert "1,234" in html
    assert 'aria-label="A &amp; B"' in html
    assert ">yes<" in html
    assert "not stated" in forest.Table(pd.DataFrame({"people": [float("nan")]}), "A")._repr_html_()
    assert "empty" not in forest.Table(pd.DataFrame({"empty": ["", ""], "full": ["a", "b"]}), "A")._repr_html_()
    blank = forest.Table(frame, "A", blank=("n",))._repr_html_()
    assert "not known" not in blank


def test_library_starts_without_matplotlib() -> None:
    code = "import sys, scarlib, scarlib.forest; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
