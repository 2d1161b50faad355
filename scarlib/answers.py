"""A person's answers in words: for the page and for the printed sheet."""

from scarlib.client import Client
from scarlib.screening import COUNTED, from_scars
from scarlib.tables import Tables


def answers(client: Client, tables: Tables) -> dict[str, str]:
    """{question: answer} as plain text, in a fixed order; what is not known or not limited says so."""
    scars = ", ".join(tables.label("scar_type", scar) for scar in client.scars)
    character = ", ".join(tables.label("trait", trait) for trait in sorted(client.traits)) or "not said"
    skin = "not known" if client.fitzpatrick is None else tables.label("skin_type", str(client.fitzpatrick))
    grade = "not known" if client.severity is None else tables.label("severity", str(client.severity))
    named = tables.conditions["label"]
    health = "; ".join(
        [
            *(str(named[condition]) for condition in sorted(client.conditions)),
            *(f"{named[condition]}, {COUNTED}" for condition in from_scars(client)),
        ]
    )
    limits = ", ".join(
        words.format(getattr(client, name)) for name, words in _LIMITS.items() if getattr(client, name) is not None
    )
    place = {None: "anywhere", "med_spa": "clinic or med spa, no doctor", "home": "at home"}[client.setting]
    matters = ", ".join(tables.label("priority", name) for name, weight in client.priorities.items() if weight >= 2)
    return {
        "Scars": scars,
        "What they are like": character,
        "How much they show": grade,
        "Skin": skin,
        "Health": health or "nothing named",
        "Limits": limits or "none",
        "Where": place,
        "What matters most": matters or "nothing above the rest",
    }


_LIMITS = {
    "max_downtime_days": "days off: up to {:g}",
    "max_sessions": "visits: up to {:g}",
    "max_pain": "pain: up to {:g} of 10",
    "budget_usd": "money: up to ${:,.0f}",
}
