"""What is kept of a consultation: as a JSON file, and as a link whose state stands after `#`, which no browser sends.

Nothing in it names the person. Version 1 was what `Client.to_json` writes, the answers alone; it still opens.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote

from scarlib.client import Client
from scarlib.errors import ClientError
from scarlib.planning import YEARS
from scarlib.screening import NO_TREATMENT
from scarlib.tables import Tables, default_tables

VERSION = 2
MOST = 4  # treatments compared, or planned, beside each other
MAX_FILE = 100_000  # characters; a full one holds some 3,000
MAX_LINK = 8_000  # characters; messengers cut longer ones
MARK = "answers="
_NAMES = ("version", "client", "compared", "planned", "starts_on", "ready_by", "menu")


@dataclass(frozen=True)
class Record:
    """One consultation: the client, the treatments compared and planned (ids, in order), when the plan starts and by
    when it should be done (None = not said), and the name of the clinic's menu it was made with ("" = none)."""

    client: Client
    compared: tuple[str, ...] = ()
    planned: tuple[str, ...] = ()
    starts_on: date | None = None
    ready_by: date | None = None
    menu: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, in a fixed order; `from_dict` reads them back."""
        return {
            "version": VERSION,
            "client": self.client.to_dict(),
            "compared": list(self.compared),
            "planned": list(self.planned),
            "starts_on": self.starts_on and self.starts_on.isoformat(),
            "ready_by": self.ready_by and self.ready_by.isoformat(),
            "menu": self.menu,
        }

    def to_json(self) -> str:
        """The text of a file that `from_json` opens."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"

    def to_link(self, *, menu: bool = False) -> str:
        """What stands after the `#` of a link to the dashboard; the name of the clinic's menu only where asked for."""
        told, plain = self.to_dict(), Client(scars=self.client.scars).to_dict()
        answers = {n: v for n, v in told["client"].items() if n == "scars" or v != plain[n]}
        short = {n: v for n, v in told.items() if v and (menu or n != "menu")} | {"client": answers}
        text = json.dumps(short, separators=(",", ":"))
        return MARK + urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def from_dict(cls, told: Mapping[str, Any], tables: Tables | None = None) -> "Record":
        """The record that `to_dict` wrote, in this version or an older one; raises ClientError for anything else."""
        if not isinstance(told, Mapping):
            raise ClientError(["consultation: holds no answers. Open a file that this tool has saved."])
        told = _upgraded(told)
        allowed = ", ".join(_NAMES)
        problems = [f"{str(name)[:60]}: is not known. Allowed is: {allowed}." for name in told if name not in _NAMES]
        client = None
        try:
            client = Client.from_dict(told.get("client", {}), tables)
        except ClientError as error:
            problems += error.problems
        known = tables or default_tables()
        compared, planned = (_treatments(n, told.get(n, []), known, problems) for n in ("compared", "planned"))
        starts_on, ready_by = (_date(n, told.get(n), problems) for n in ("starts_on", "ready_by"))
        menu = told.get("menu", "")
        if not isinstance(menu, str) or len(menu) > 200:
            problems.append("menu: is not a name. Give the name of the menu's file, of 200 characters at most.")
        if problems or client is None:
            raise ClientError(problems)
        return cls(client, compared, planned, starts_on, ready_by, menu)

    @classmethod
    def from_json(cls, text: str, tables: Tables | None = None) -> "Record":
        """The record in a file that `to_json`, or `Client.to_json`, wrote; raises ClientError for anything else."""
        if len(text) > MAX_FILE:
            raise ClientError(
                [f"consultation: has more than {MAX_FILE:,} characters. Open a file that this tool saved."]
            )
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            raise ClientError(["consultation: is not JSON. Open a file that this tool has saved."]) from None
        return cls.from_dict(told, tables)

    @classmethod
    def from_link(cls, link: str, tables: Tables | None = None) -> "Record":
        """The record in a link, whole or from its `#` on; raises ClientError for anything else."""
        cure = "Ask for the link again, or start without it."
        if len(link) > MAX_LINK:
            raise ClientError([f"link: has more than {MAX_LINK:,} characters. {cure}"])
        state = unquote(link.rpartition("#")[2]).strip()  # a mail program may have quoted its =
        if not state.startswith(MARK):
            raise ClientError([f"link: holds no answers. {cure}"])
        coded = state.removeprefix(MARK)
        try:
            text = urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
            told = json.loads(text)
        except (ValueError, RecursionError):
            raise ClientError([f"link: is broken or was cut. {cure}"]) from None
        return cls.from_dict(told, tables)


def _upgraded(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same in the newest version; raises ClientError where the version is not one that can be read."""
    if "version" not in told and "scars" in told:
        return {"version": VERSION, "client": told}
    version = told.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        raise ClientError([f"version: {str(version)[:20]} is newer than this tool knows ({VERSION}). Update the tool."])
    if version != VERSION or isinstance(version, bool):
        raise ClientError([f"version: {str(version)[:20]} is not known. Open a file that this tool has saved."])
    return told


def _treatments(name: str, ids: object, tables: Tables, problems: list[str]) -> tuple[str, ...]:
    known = [treatment for treatment in tables.treatments.index if treatment != NO_TREATMENT]
    if not isinstance(ids, list) or len(ids) > MOST:
        problems.append(f"{name}: is not a list of at most {MOST} treatments.")
        return ()
    unknown = [item for item in ids if item not in known]
    problems += [f"{name}: {str(item)[:60]!r} is not known. Allowed is any of: {', '.join(known)}." for item in unknown]
    if not unknown and len(set(ids)) < len(ids):
        problems.append(f"{name}: a treatment stands twice. Keep one.")
    return () if unknown else tuple(ids)


def _date(name: str, day: object, problems: list[str]) -> date | None:
    if day is None:
        return None
    try:
        found = date.fromisoformat(day) if isinstance(day, str) else None
    except ValueError:
        found = None
    if found is None or not YEARS[0] <= found.year <= YEARS[1]:
        problems.append(f"{name}: {str(day)[:20]!r} is not a day of {YEARS[0]} to {YEARS[1]}. Write it as 2027-03-31.")
        return None
    return found
