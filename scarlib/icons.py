"""A risk as a picture: a hundred dots, one a person, so that every risk has the same denominator."""

import math

from scarlib.evidence import Estimate


def icon_array(risk: Estimate) -> str:
    """A hundred dots as inline SVG: those a risk surely reaches full, those it may reach half as strong, the rest pale.
    The words beside it say the same. Empty text where nothing is known: an empty picture would read as no risk."""
    if not risk.known:
        return ""
    ends = [end for end in (risk.low, risk.typical, risk.high) if not math.isnan(end)]
    least = 0.0 if math.isnan(risk.low) else min(ends)
    most = 100.0 if math.isnan(risk.high) else max(ends)
    sure, maybe = math.floor(least + 0.5), math.ceil(round(most, 6))  # what may happen is never rounded away
    rows = (("hit", 0, sure), ("may", sure, maybe), ("not", maybe, 100))
    dots = "".join(f'<path class="{name}" d="{_dots(first, last)}"/>' for name, first, last in rows if last > first)
    return f'<svg class="icons" viewBox="0 0 100 100" aria-hidden="true">{dots}</svg>'


def _dots(first: int, last: int) -> str:
    """Lines without length, whose round ends are the dots."""
    return "".join(f"M{5 + 10 * (n % 10)} {5 + 10 * (n // 10)}h0" for n in range(first, last))
