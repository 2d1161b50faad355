"""What stands after what whatever its score, worked out from the reasons and the fits alone."""

import pandas as pd

from scarlib import Client
from scarlib.evidence import Evidence
from scarlib.screening import NO_TREATMENT, health_doubt, traits_of


def standing(client: Client, evidence: Evidence, reasons: pd.Series) -> pd.Series:
    """For each treatment, index of `reasons`, how many steps behind it stands."""
    steps = {}
    for treatment, said in reasons.items():
        helped = [
            weight
            for scar, weight in client.scars.items()
            if evidence.fit(treatment, scar, traits_of(client)).level in ("good", "partial")
        ]
        most = sum(helped) > sum(client.scars.values()) / 2
        steps[treatment] = 2 * health_doubt(said) + (0 if most else 1)
    treated = [step for treatment, step in steps.items() if treatment != NO_TREATMENT]
    if NO_TREATMENT in steps:
        steps[NO_TREATMENT] = min(treated, default=0)
    return pd.Series(steps, index=reasons.index, dtype=int)
