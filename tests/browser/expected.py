"""What the page has to say, from the library."""

import scarlib
from scarlib import Client
from scarlib.screening import NO_TREATMENT

TABLES = scarlib.load_tables()


def told(client: Client) -> str:
    """The sentence that counts what fits a client."""
    verdicts = scarlib.recommend(client, TABLES)["verdict"].drop(NO_TREATMENT)
    fits, care = (verdicts == "suitable").sum(), (verdicts == "caution").sum()
    return f"{fits} of {len(verdicts)} treatments fit, {care} with care, {len(verdicts) - fits - care} ruled out."
