"""What the mini apps rank: thirty options with made-up numbers, weighed anew for every answer."""

import numpy as np
import pandas as pd

SKIN_TYPES = ("I", "II", "III", "IV", "V", "VI")
MOST_DAYS = 14
START = ("I", 7, False)

_dice = np.random.default_rng(1)
_OPTIONS = pd.DataFrame(
    {
        "option": [f"Option {number}" for number in range(1, 31)],
        "effect": _dice.uniform(0, 3, 30),
        "days": np.arange(30) % (MOST_DAYS + 2),
        "risk": _dice.uniform(0, 20, 30),
        "at_home": _dice.random(30) < 0.3,
    }
)


def ranked(skin: str, days: float | None, at_home: bool) -> pd.DataFrame:
    """The options for a skin type, a limit of days off and a place, best first, with their scores."""
    risk = _OPTIONS["risk"] * (1 + SKIN_TYPES.index(skin)) / 3
    over = (_OPTIONS["days"] - (days or 0)).clip(lower=0)
    away = (at_home & ~_OPTIONS["at_home"]).astype(int)
    score = (30 * _OPTIONS["effect"] - risk - 4 * over - 20 * away).round(1)
    table = _OPTIONS.assign(risk=risk.round(1), effect=_OPTIONS["effect"].round(1), score=score)
    table = table.sort_values("score", ascending=False, ignore_index=True)
    table.insert(0, "rank", table.index + 1)
    return table
