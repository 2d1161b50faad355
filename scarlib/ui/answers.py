"""A person's answers, to see beside the results on a phone and on the printed page."""

from html import escape

from scarlib.answers import answers
from scarlib.client import Client
from scarlib.tables import Tables


def told_answers(client: Client, tables: Tables) -> str:
    """The answers as a folded HTML list; what is not known or not limited says so."""
    lines = answers(client, tables)
    items = "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in lines.items())
    return f'<details class="answers"><summary>Your answers</summary><dl>{items}</dl></details>'
