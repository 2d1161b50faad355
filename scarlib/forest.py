"""Pictures and tables of the evidence for a notebook: forest plots, the coverage grid, a table that scrolls.

Each has its words beside it: a picture says in its text what it shows, and its numbers stand in a table too.
matplotlib is imported only when something is drawn.
"""

import base64
import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from scarlib.coverage import cells
from scarlib.evidence import Evidence
from scarlib.screening import NO_TREATMENT
from scarlib.steps import source_names
from scarlib.tables import MEASURES, Tables, skin_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FONTS = ["Segoe UI", "Helvetica Neue", "Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"]
_INK, _QUIET, _RULE = "#1c2b30", "#5a6a70", "#d5dde0"
# Shape and word say the tier; the colour only helps, and its lightness differs too.
_TIERS = {
    1: ("D", "#00574f", "guideline, pooled"),
    2: ("o", "#00897b", "fair trial"),
    3: ("s", "#5a6a70", "weaker, or review"),
    4: ("^", "#b35900", "web page"),
}
_STRENGTHS = {
    "strong": ("#00574f", "white"),
    "fair": ("#5fa8a0", "black"),
    "weak": ("#d3e8e5", "black"),
    "none": ("white", _QUIET),
}
_BANDS = (
    "Darker skin (types IV to VI)",
    "Lighter and darker skin together (such as III to V)",
    "Lighter skin (types I to III)",
    "Skin type not stated",
)
_WIDTH = 11.0  # inches; a notebook shows it at about 1100 px
_ROW, _HEAD, _FOOT, _GRID_HEAD = 0.235, 1.15, 0.6, 2.3


@dataclass(frozen=True)
class Picture:
    """A PNG with its words: what a screen reader reads (`text`) and what stands below it (`caption`)."""

    png: bytes
    text: str
    caption: str = ""

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png).decode("ascii")
        return (
            f'<figure style="margin:0 0 1.5rem"><img src="data:image/png;base64,{data}" alt="{escape(self.text)}" '
            f'style="width:100%;max-width:1100px;height:auto;background:#fff">'
            + (f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else "")
            + "</figure>"
        )


@dataclass(frozen=True, eq=False)
class Table:
    """A frame as a table that scrolls within its own box: text left, numbers right, what is not known in grey."""

    frame: pd.DataFrame
    caption: str
    missing: str = "not known"
    blank: tuple[str, ...] = ()  # columns that stay empty where there is nothing
    rows: int = 14  # more rows than this scroll

    def _repr_html_(self) -> str:
        says = [column for column in self.frame if not self.frame[column].eq("").all()]
        frame = self.frame[says] if len(self.frame) else self.frame
        numbers: Any = list(frame.select_dtypes("number").columns)
        words: dict[str, Any] = {"text-align": "left", "vertical-align": "top"}
        figures: dict[str, Any] = {"text-align": "right", "white-space": "nowrap"}
        styler = frame.style.hide(axis="index").format_index(escape="html", axis=1)
        styler = styler.set_properties(**words).set_properties(subset=numbers, **figures)
        for column in frame:
            missing = "" if column in self.blank else _MISSING.get(str(column), self.missing)
            styler = styler.format((_number if column in numbers else _text)(missing), subset=[column])
            styler = styler.map(partial(_quiet, missing), subset=[column])
        styler = styler.set_table_styles(
            [
                {"selector": "caption", "props": "caption-side:top;text-align:left;font-weight:600;padding:.25rem 0"},
                {"selector": "thead th", "props": f"text-align:left;vertical-align:bottom;{_STICKY}"},
            ]
        )
        right: Any = {column: [{"selector": "th.col_heading", "props": "text-align:right"}] for column in numbers}
        styler = styler.set_table_styles(right, overwrite=False)
        box = _SCROLLS if len(frame) > self.rows else "overflow:auto;"
        return (
            f'<div role="region" tabindex="0" aria-label="{escape(self.caption)}" style="{box}margin-bottom:1rem">'
            f"{styler.set_caption(escape(self.caption)).to_html()}</div>"
        )


_MISSING = {"people": "not stated"}
_SCROLLS = "overflow:auto;max-height:32rem;border:1px solid var(--jp-border-color2,#d5dde0);"
_STICKY = "position:sticky;top:0;background:var(--jp-layout-color0,#fff);z-index:1"
_ADDRESS = re.compile(r"https?://\S+")


def _is_missing(cell: object, missing: str) -> bool:
    return cell == missing or cell is None or (isinstance(cell, float) and math.isnan(cell))


def _quiet(missing: str, cell: object) -> str:
    return "color:var(--jp-ui-font-color2,#767676)" if _is_missing(cell, missing) else ""


def _text(missing: str) -> Callable[[Any], str]:
    def words(cell: Any) -> str:
        if pd.api.types.is_bool(cell):
            return "yes" if cell else "no"
        text = missing if _is_missing(cell, missing) else escape(str(cell))
        if not _ADDRESS.fullmatch(text):
            return text
        shown = escape(_short(re.sub(r"^https?://(www\.)?", "", str(cell)), 30))
        return f'<a href="{text}" title="{text}" target="_blank" rel="noopener">{shown}</a>'

    return words


def _number(missing: str) -> Callable[[Any], str]:
    def words(cell: Any) -> str:
        if _is_missing(cell, missing):
            return missing
        return f"{cell:,.0f}" if abs(cell) >= 100 or float(cell).is_integer() else f"{cell:.3g}"

    return words


def points(tables: Tables, attribute: str, measure: str = "") -> pd.DataFrame:
    """What was measured: one row a claim of an attribute (and a measure), control groups and derived rows left out.

    Columns measure, section (scar type, or band of skin types for pih_percent), treatment, source, value, low, high,
    bound ("", "lower" or "upper"), people, tier, other_scars (bool: scars or skin of another cause), claim_id. In the
    order in which they are drawn: by section, treatment, tier and figure.
    """
    rows = tables.evidence[tables.evidence["attribute"] == attribute]
    rows = rows[rows["measure"] == measure] if measure else rows
    flags = rows["flags"]
    rows = rows[~flags.str.contains("control_arm|derived") & (rows["treatment_id"] != NO_TREATMENT)]
    flags = rows["flags"]
    if attribute == "pih_percent":
        order, section = list(_BANDS), rows["skin_type"].map(_band)
    else:
        words, unsaid = tables.words("scar_type"), "type of scar not stated"
        order = [_title(label) for label in (tables.label("scar_type", "atrophic"), *words.values(), unsaid)]
        section = rows["scar_type"].map(lambda scar: _title(words.get(scar, unsaid)))
    frame = pd.DataFrame(
        {
            "measure": rows["measure"].map(lambda code: tables.label(MEASURES[attribute], code) if code else ""),
            "section": section,
            "treatment": rows["treatment_id"].map(tables.treatments["name"]),
            "source": rows["source_id"].map(source_names(tables)),
            "value": rows["value"],
            "low": rows["low"],
            "high": rows["high"],
            "bound": flags.map(lambda f: "lower" if "lower_bound" in f else "upper" if "upper_bound" in f else ""),
            "people": rows["n"],
            "tier": rows["source_id"].map(tables.sources["tier"]).astype(int),
            "other_scars": flags.str.contains("not_acne_scar"),
            "claim_id": rows.index,
        }
    )
    ranks = {
        "section": {name: place for place, name in reversed(list(enumerate(order)))},
        "treatment": {name: place for place, name in enumerate(tables.treatments["name"])},
    }
    keys = pd.DataFrame({name: frame[name].map(rank) for name, rank in ranks.items()})
    keys["tier"] = frame["tier"]
    keys["value"] = -frame["value"].fillna(0)
    return frame.loc[keys.sort_values(list(keys.columns), kind="stable").index].reset_index(drop=True)


def _band(skin_type: str) -> str:
    """ "IV-VI" -> the band of skin types in which a rate of dark marks is shown."""
    darker = [skin >= 4 for skin in skin_range(skin_type)]
    return _BANDS[3 if not darker else 0 if all(darker) else 1 if any(darker) else 2]


def _title(words: str) -> str:
    return words[:1].upper() + words[1:]


def forest(tables: Tables, attribute: str, measure: str = "") -> Picture:
    """A forest plot of one measure. Raises ValueError where no row holds it."""
    frame = points(tables, attribute, measure)
    if frame.empty:
        raise ValueError(
            f"measure: no row of {attribute} holds {measure!r}. Take one of vocabulary.csv that is in use."
        )
    name = tables.label(MEASURES[attribute], measure) if measure else tables.label("attribute", attribute)
    title = _title(name)
    unit = tables.evidence.at[frame["claim_id"].iloc[0], "unit"]
    axis = "percent of people" if unit == "percent" and attribute != "improvement" else tables.label("unit", str(unit))
    text = (
        f"Forest plot, {title}, in {axis}: {len(frame)} figures on {frame['treatment'].nunique()} treatments from "
        f"{frame['source'].nunique()} sources. The table of the same figures holds every number."
    )
    caption = (
        "The mark is the figure of one source, the larger the more people; the line is the range it gives (from low to "
        "high, or its spread, as the source says); an arrow is a bound. Hollow: number of people not stated. "
        "* scars or skin of another cause."
    )
    height = _ROW * len(_lines(frame)) + _HEAD + _FOOT
    return Picture(_png(partial(_draw_forest, frame, title, axis), height), text, caption)


def gallery(tables: Tables, attribute: str) -> tuple[Picture, ...]:
    """One forest plot for each measure of an attribute, most rows first: unlike measures never share a picture. The
    caption, which is the same for all, stands below the first."""
    rows = tables.evidence[tables.evidence["attribute"] == attribute]
    first, *rest = (forest(tables, attribute, measure) for measure in rows["measure"].value_counts().index)
    return (first, *(replace(picture, caption="") for picture in rest))


def heatmap(evidence: Evidence) -> Picture:
    """The coverage grid of `coverage.cells`: colour and number of sources in each cell, "?" where it is not known."""
    frame = cells(evidence)
    known = int(frame["known"].sum())
    text = (
        f"Grid of {frame['treatment'].nunique()} treatments by {frame['code'].nunique()} questions. {known} of "
        f"{len(frame)} cells are known. The table of the same grid says in words what each cell holds."
    )
    caption = (
        "The number is how many sources speak; the shade is how strong they are together. In brackets: only a "
        "range or a bound is known, no usual figure. ? = not known."
    )
    height = 0.26 * frame["treatment"].nunique() + _GRID_HEAD + 0.1
    return Picture(_png(partial(_draw_grid, frame), height), text, caption)


def _png(draw: Callable[["Figure"], None], height: float) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rc("font", **{"family": "sans-serif", "sans-serif": _FONTS, "size": 9})
        matplotlib.rc("text", color=_INK)
        matplotlib.rc("axes", edgecolor=_RULE, labelcolor=_INK)
        matplotlib.rc("xtick", color=_QUIET)
        figure = Figure(figsize=(_WIDTH, height), dpi=160, facecolor="white")
        draw(figure)
        page = io.BytesIO()
        figure.savefig(page, format="png")
    return page.getvalue()


def _draw_forest(frame: pd.DataFrame, title: str, unit: str, figure: "Figure") -> None:
    from matplotlib.transforms import blended_transform_factory

    height = figure.get_figheight()
    lines = _lines(frame)
    axes = figure.add_axes((4.95 / _WIDTH, _FOOT / height, 3.0 / _WIDTH, (height - _HEAD - _FOOT) / height))
    ends = frame[["value", "low", "high"]].to_numpy(dtype=float)
    top = 100.0 if unit.startswith("percent") else float(pd.Series(ends.ravel()).max()) * 1.08
    axes.set_xlim(-0.03 * top, 1.03 * top)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_xlabel(unit)
    axes.grid(axis="x", color=_RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    page = blended_transform_factory(figure.transFigure, axes.transData)

    def write(inches: float, line: float, words: str, **style: Any) -> None:
        axes.text(inches / _WIDTH, line, words, transform=page, va="center", clip_on=False, **style)

    figure.text(0.15 / _WIDTH, 1 - 0.28 / height, title, fontsize=13, fontweight="bold", va="center")
    heads = (0.15, "Treatment", "left"), (2.95, "Source", "left"), (8.95, "Figure", "right"), (9.6, "People", "right")
    for inches, words, side in (*heads, (9.75, "Kind of source", "left")):
        figure.text(inches / _WIDTH, 1 - (_HEAD - 0.2) / height, words, color=_QUIET, ha=side, va="center")
    _legend(figure, height)
    said = ""
    for place, line in enumerate(lines):
        if isinstance(line, str):
            write(0.15, place + 0.1, line, fontweight="bold")
            axes.plot([0.15 / _WIDTH, 10.85 / _WIDTH], [place - 0.5] * 2, color=_QUIET, lw=0.8, transform=page,
                      clip_on=False)  # fmt: skip
            said = ""
            continue
        treatment = str(line["treatment"])
        if treatment != said:
            write(0.15, place, treatment)
            if said:
                axes.plot([0.15 / _WIDTH, 10.85 / _WIDTH], [place - 0.5] * 2, color=_RULE, lw=0.6, transform=page,
                          clip_on=False, zorder=0)  # fmt: skip
            said = treatment
        star = " *" if line["other_scars"] else ""
        write(2.95, place, _short(str(line["source"])) + star, color=_INK)
        write(8.95, place, _figure_words(line), ha="right")
        write(9.6, place, "not stated" if math.isnan(line["people"]) else f"{line['people']:.0f}", ha="right",
              color=_QUIET if math.isnan(line["people"]) else _INK)  # fmt: skip
        write(9.75, place, _TIERS[line["tier"]][2], color=_TIERS[line["tier"]][1])
        _mark(axes, place, line, top)


def _lines(frame: pd.DataFrame) -> list[Any]:
    """Rows of the picture from the top: a section's name, then its points."""
    lines: list[Any] = []
    for section, rows in frame.groupby("section", sort=False):
        lines += [str(section), *rows.to_dict("records")]
    return lines


def _mark(axes: "Axes", place: int, line: dict[str, Any], top: float) -> None:
    shape, colour, _ = _TIERS[line["tier"]]
    low, high = line["low"], line["high"]
    if not math.isnan(low + high):
        axes.plot([low, high], [place, place], color=colour, lw=1.6, solid_capstyle="butt")
        axes.plot([low, high], [place, place], color=colour, ls="", marker="|", ms=6)
    end = line["value"]
    if line["bound"]:
        ends = [x for x in (low, line["value"], high) if not math.isnan(x)]
        end = ends[0] if line["bound"] == "lower" else ends[-1]
        step = 0.07 * top * (1 if line["bound"] == "lower" else -1)
        axes.annotate("", xy=(end + step, place), xytext=(end, place), annotation_clip=False,
                      arrowprops={"arrowstyle": "->", "color": colour, "lw": 1.3})  # fmt: skip
    if math.isnan(end):
        return
    people = line["people"]
    hollow = math.isnan(people)
    size = 28 if hollow else 18 + 1.1 * min(people, 100)
    axes.scatter([end], [place], s=size, marker=shape, facecolor="white" if hollow else colour, edgecolor=colour,
                 linewidth=1.2, zorder=3, clip_on=False)  # fmt: skip


def _figure_words(line: dict[str, Any]) -> str:
    """ "41.3", "50 (25 to 75)", "up to 14", "at least 6"."""
    ends = [f"{end:g}" for end in (line["low"], line["high"]) if not math.isnan(end)]
    whole = " to ".join(dict.fromkeys(ends))
    bound = {"lower": "at least ", "upper": "up to ", "": ""}[line["bound"]]
    if math.isnan(line["value"]):
        return bound + whole
    return bound + f"{line['value']:g}" + (f" ({whole})" if len(ends) == 2 else "")


def _short(words: str, most: int = 31) -> str:
    return words if len(words) <= most else words[: most - 1].rstrip(" (") + "…"


def _legend(figure: "Figure", height: float) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], ls="", marker=shape, color=colour, markersize=7, label=f"tier {tier}: {words}")
        for tier, (shape, colour, words) in _TIERS.items()
    ]
    handles += [
        Line2D(
            [], [], ls="", marker="o", color=_QUIET, markersize=math.sqrt(18 + 1.1 * people), label=f"{people} people"
        )
        for people in (10, 100)
    ]
    figure.legend(
        handles=handles, loc="center left", bbox_to_anchor=(0.0, 1 - 0.62 / height), ncols=len(handles), frameon=False,
        fontsize=8.5, handletextpad=0.2, columnspacing=1.4, borderpad=0.6,
    )  # fmt: skip


def _draw_grid(frame: pd.DataFrame, figure: "Figure") -> None:
    from matplotlib.patches import Patch, Rectangle

    height = figure.get_figheight()
    treatments, codes = list(frame["treatment"].unique()), list(frame["code"].unique())
    groups = frame.drop_duplicates("code").set_index("code")[["group", "question"]]
    gaps = (groups["group"] != groups["group"].shift()).cumsum().sub(1).mul(0.35)
    across = {code: place + gaps[code] for place, code in enumerate(codes)}
    axes = figure.add_axes((3.1 / _WIDTH, 0.1 / height, (_WIDTH - 4.0) / _WIDTH, 1 - (_GRID_HEAD + 0.1) / height))
    axes.set_xlim(0, max(across.values()) + 1)
    axes.set_ylim(len(treatments), 0)
    axes.axis("off")
    for cell in frame.to_dict("records"):
        x, y = across[cell["code"]], treatments.index(cell["treatment"])
        fill, ink = _STRENGTHS[cell["strength"]]
        axes.add_patch(Rectangle((x + 0.04, y + 0.06), 0.92, 0.88, facecolor=fill, edgecolor=_RULE, linewidth=0.6))
        count = str(cell["sources"]) if not math.isnan(cell["typical"]) else f"({cell['sources']})"
        axes.text(x + 0.5, y + 0.52, count if cell["known"] else "?", ha="center", va="center", color=ink)
    for place, treatment in enumerate(treatments):
        axes.text(-0.15, place + 0.52, treatment, ha="right", va="center")
    for code, column in across.items():
        label = _brackets(str(groups.at[code, "question"]))
        axes.text(column + 0.45, -0.2, label, rotation=55, ha="left", va="center", rotation_mode="anchor")
    inch = len(treatments) / (height - _GRID_HEAD - 0.1)
    for group in groups["group"].unique():
        first = across[str(groups.index[groups["group"] == group][0])]
        axes.text(first + 0.04, (0.75 - _GRID_HEAD) * inch, group, fontweight="bold", va="center", fontsize=10)
    labels = {"strong": "strong", "fair": "fair", "weak": "weak", "none": "? not known"}
    handles = [Patch(facecolor=_STRENGTHS[s][0], edgecolor=_QUIET, label=labels[s]) for s in labels]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.0, 1 - 0.62 / height), ncols=1, frameon=False,
        title="How strong together", alignment="left", borderpad=0.9,
    )  # fmt: skip
    figure.text(0.15 / _WIDTH, 1 - 0.28 / height, "How many sources answer which question", fontsize=13,
                fontweight="bold", va="center")  # fmt: skip


def _brackets(label: str) -> str:
    """The short word of a label: what stands in its brackets, if anything does."""
    inner = label.partition("(")[2].rstrip(")")
    return inner or label
