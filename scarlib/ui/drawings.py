"""Small drawn side views of the skin, one per scar type and trait, as inline SVG.

Colours follow `--skin-epidermis`, `--skin-dermis`, `--skin-fat`, `--skin-mark-red`, `--skin-mark-brown` and
`--skin-line`; the fallbacks are mid tones that hold on a light and on a dark page.
"""

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

_SIZES = {"small": (96, 48), "large": (200, 100)}  # CSS pixels, width and height

_EPIDERMIS = "var(--skin-epidermis,#dc9f80)"
_DERMIS = "var(--skin-dermis,#f1cdb9)"
_FAT = "var(--skin-fat,#f3dfa6)"
_RED = "var(--skin-mark-red,#c8473f)"
_BROWN = "var(--skin-mark-brown,#6b4226)"
_LINE = "var(--skin-line,#9f6856)"

_INK = {  # what differs from the root: no fill, round caps, a line 1 unit wide
    "line": "",
    "dash": 'stroke-dasharray="1.5 2.5"',
    "vessel": f'stroke="{_RED}" stroke-width="1.6"',
    "red": f'stroke="none" fill="{_RED}" opacity=".3"',
    "blush": f'stroke="{_RED}" stroke-width="2" opacity=".7"',
    "brown": f'stroke="{_BROWN}" stroke-width="2" opacity=".6"',
    "grains": f'stroke="{_BROWN}" stroke-width="1.7" stroke-dasharray="0 2.4 0 3.2"',
}

_FAT_TOP = "q8-3 16.7 0t16.7 0 16.7 0 16.7 0 16.7 0 16.7 0"
_WOUND = ("dash", "M33 3V33M63 3V33")  # the edges of the first wound, alike in both raised scars


class _Scene(NamedTuple):
    """One picture on a 96 by 48 grid: flat skin is y = 16, and fat starts near y = 37."""

    label: str
    surface: str = ""  # path from (-2, 16), before it runs on to (98, 16)
    under: tuple[tuple[str, str], ...] = ()  # (ink, path) below the epidermis
    over: tuple[tuple[str, str], ...] = ()  # (ink, path) on top of it
    fat_top: str = _FAT_TOP  # path from (-2, 37)


_SCARS = {
    "icepick": _Scene(
        "a narrow, deep pit that runs straight down",
        "H41.5q1.5 0 1.7 1.6l2.4 12.4q1 4.6 2.4 4.6t2.4-4.6l2.4-12.4q.2-1.6 1.7-1.6",
    ),
    "boxcar": _Scene(
        "a wide dent with straight, steep sides and a flat floor",
        "H31q1 0 1 1V26q0 1 1 1H63q1 0 1-1V17q0-1 1-1",
    ),
    "rolling": _Scene(
        "a wavy surface, with thin bands below that pull it down",
        "H4C16 16 18 23 28 23S40 16 48 16 58 24 68 24 80 16 92 16",
        under=(("line", "M28 23Q27 33 21 42M28 23V42M28 23Q29 33 35 42M68 24Q67 33 61 42M68 24V42M68 24Q69 33 75 42"),),
    ),
    "superficial": _Scene(
        "a fine, uneven surface with very shallow dents",
        "H10c3 0 3.5 2.8 7 2.8s3-2.8 6-2.8h3c2 0 2.5 1.8 4.5 1.8s2.5-1.8 4.5-1.8 3 3.2 7 3.2 3-2 5-2"
        " 2 1.2 4 1.2 3-2.4 5-2.4h4c3 0 3.5 2.4 6.5 2.4s3-2.4 6-2.4 2 1.6 4 1.6 2-1.6 4-1.6",
    ),
    "erythematous": _Scene(
        "a flat surface, with a red zone and widened blood vessels under it",
        under=(
            ("red", "M24 17C27 35 69 35 72 17"),
            (
                "vessel",
                "M20 31q7-2 14 0t14 0 14 0 14 0M32 30c-3-5-2-8 2-8s5 3 2 8M46 30c-4-6-2-9 2-9s6 3 2 9"
                "M60 31c-3-5-2-8 2-8s5 3 2 8",
            ),
        ),
        over=(("blush", "M28 16H68"),),
    ),
    "hyperpigmented": _Scene(
        "a flat surface, with brown colour along the base of the top layer",
        under=(("grains", "M28 19H69M33 22l7 .6 8-1 7 1.2 8-1M42 25.4l7-.8 6 1"),),
        over=(("brown", "M28 16H68"),),
    ),
    "hypertrophic": _Scene(
        "a raised dome that stays within the edges of the old wound",
        "H34C38.5 16 38 7 48 7S57.5 16 62 16",
        under=(
            ("red", "M36 16C40 14 38 8 48 8S56 14 60 16C59 28 37 28 36 16"),
            ("line", "M43 14q5-2 10 0M41 18q7-3 14 0M44 22q5-2 9 0"),
        ),
        over=(_WOUND,),
    ),
    "keloid": _Scene(
        "a raised scar that grows past the old wound",
        "H16q3 0 2-4C16 3 27 5 33 5S44 3 52 3s10 3 16 2 12 1 11 7q-1 4 3 4",
        under=(
            ("red", "M18 16C18 0 36 7 50 4S79 4 79 16C76 30 60 25 48 27S20 29 18 16"),
            ("line", "M24 11q9-3 17 1t16-1 15 0M24 17q8-3 15 0t17-1 16 1M31 22q9-3 17 0"),
        ),
        over=(_WOUND,),
    ),
}

_TRAITS = {
    "shallow": _Scene(
        "a dent with its floor close to the level of the skin",
        "H32C38 16 37 22 43 22H53C59 22 58 16 64 16",
        over=(("dash", "M37 16H60"),),
    ),
    "deep": _Scene(
        "a dent with its floor far below the level of the skin",
        "H32C39 16 36 32 43 32H53C60 32 57 16 64 16",
        over=(("dash", "M37 16H60"),),
    ),
    "tethered": _Scene(
        "a dent with thin bands below that hold its floor down",
        "H24C36 16 38 25 48 25S60 16 72 16",
        under=(("line", "M48 25Q46 35 36 42M48 25Q47 34 42 42M48 25V42M48 25Q49 34 54 42M48 25Q50 35 60 42"),),
    ),
    "distensible": _Scene(
        "a dent with arrows that stretch it flat",
        "H24C36 16 38 24 48 24S60 16 72 16",
        over=(("dash", "M35 16H62"), ("line", "M30 8H14m4-3-4 3 4 3M66 8H82m-4-3 4 3-4 3")),
    ),
    "volume_loss": _Scene(
        "a dent with a thinner layer of fat under it",
        "H20C34 16 36 23 48 23S62 16 76 16",
        over=(("dash", "M25 37H72"),),
        fat_top="q8-3 16.7 0C34 38 34 44.5 48 44.5S62 38 81.3 37q8.3-3 16.7 0",
    ),
    "narrow": _Scene(
        "a dent with a small opening",
        "H41C45 16 44 26 48 26S51 16 55 16",
        over=(("line", "M41 8H55M41 6V10M55 6V10"),),
    ),
    "wide": _Scene(
        "a dent with a large opening",
        "H16C24 16 20 26 28 26H68C76 26 72 16 80 16",
        over=(("line", "M16 8H80M16 6V10M80 6V10"),),
    ),
}


def drawing(scar_type: str, size: str = "small") -> str:
    """The side view of a scar type as an SVG element, 96 by 48 (small) or 200 by 100 (large) CSS pixels.

    Raises ValueError for a scar type or size that has no drawing.
    """
    return _render(_SCARS, "scar_type", scar_type, size)


def trait_drawing(trait: str, size: str = "small") -> str:
    """The side view of one trait of a scar as an SVG element, sized as in `drawing`.

    Raises ValueError for a trait or size that has no drawing.
    """
    return _render(_TRAITS, "trait", trait, size)


def _render(scenes: Mapping[str, _Scene], argument: str, value: str, size: str) -> str:
    given = ((argument, value, scenes), ("size", size, _SIZES))
    if problems := [
        f"{name} {wrong!r} has no drawing; use one of {', '.join(allowed)}."
        for name, wrong, allowed in given
        if wrong not in allowed
    ]:
        raise ValueError(" ".join(problems))
    scene, (width, height) = scenes[value], _SIZES[size]
    skin = f"M-2 16{scene.surface}H98"
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 96 48" role="img"'
        f' aria-label="{escape(f"Side view of the skin: {scene.label}.")}"'
        f' fill="none" stroke="{_LINE}" stroke-linecap="round">'
        f'<path fill="{_DERMIS}" stroke-width="3.8" d="{skin}V52H-2"/>'
        f'<path fill="{_FAT}" stroke-opacity=".4" d="M-2 37{scene.fat_top}V52H-2"/>'
        f"{_paths(scene.under)}"
        f'<path stroke="{_EPIDERMIS}" stroke-width="2" d="{skin}"/>'
        f"{_paths(scene.over)}</svg>"
    )


def _paths(marks: tuple[tuple[str, str], ...]) -> str:
    return "".join(f'<path d="{path}" {_INK[ink]}/>' for ink, path in marks)
