"""Where one visit of the dashboard spends its time, in fifteen lines: python bench/pages.py --profile"""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from scarlib.channels import parts

KINDS = ("Document", "Script", "Stylesheet", "Other")

# When the last view came into the page.
_WATCH = """
window.benchViews = 0;
new MutationObserver((changes) => {
  const views = ".jupyter-widgets";
  for (const { addedNodes } of changes) for (const node of addedNodes) {
    if (node.matches?.(views) || node.querySelector?.(views)) window.benchViews = performance.now();
  }
}).observe(document, { subtree: true, childList: true });
"""


@dataclass
class File:
    """One answer of the server: sizes in bytes, `there` in ms."""

    kind: str
    name: str
    sent: float = 0
    unpacked: float = 0
    there: float = 0


def told(page: Page, address: str, control: str) -> Iterator[str]:
    """The lines, from a visit to `address` until it has been still for two seconds."""
    events: list[tuple[str, dict[str, Any]]] = []
    wire = page.context.new_cdp_session(page)
    for name in (
        "requestWillBeSent",
        "responseReceived",
        "dataReceived",
        "loadingFinished",
        "webSocketCreated",
        "webSocketHandshakeResponseReceived",
        "webSocketFrameReceived",
    ):
        wire.on(f"Network.{name}", lambda event, name=name: events.append((name, event)))
    page.add_init_script(_WATCH)
    # A page of the same server first, so that the visit stays in the process that is watched.
    page.goto(f"{address}healthz")
    wire.send("Network.enable")
    wire.send("Profiler.enable")
    wire.send("Profiler.setSamplingInterval", {"interval": 500})
    wire.send("Profiler.start")
    events.clear()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(control, state="visible", timeout=60_000)
    count = -1
    while count != len(events):
        count = len(events)
        page.wait_for_timeout(2000)
    profile = wire.send("Profiler.stop")["profile"]
    yield from _network(events, page)
    yield from _page(page)
    yield from _processor(profile)


def _network(events: list[tuple[str, dict[str, Any]]], page: Page) -> Iterator[str]:
    began = next(event["timestamp"] for name, event in events if name == "requestWillBeSent")

    def when(event: dict[str, Any]) -> float:
        return 1000 * (event["timestamp"] - began)

    files: dict[str, File] = {}
    for name, event in events:
        if name == "responseReceived" and event["response"]["url"].startswith("http"):
            kind = event["type"] if event["type"] in KINDS else "Other"
            files[event["requestId"]] = File(kind, event["response"]["url"].split("?")[0].rsplit("/", 1)[-1])
        elif file := files.get(event.get("requestId", "")):
            if name == "dataReceived":
                file.unpacked += event["dataLength"]
            elif name == "loadingFinished":
                file.sent, file.there = event["encodedDataLength"], when(event)
    first_byte = page.evaluate("performance.getEntriesByType('navigation')[0].responseStart")
    for kind in KINDS:
        some = sorted((file for file in files.values() if file.kind == kind), key=lambda file: -file.sent)
        largest = ", ".join(f"{file.name[:24]} {file.sent / 1e3:.0f} kB" for file in some[:3])
        yield _line(
            kind,
            len(some),
            f"{sum(file.sent for file in some) / 1e3:.0f} kB sent, {sum(file.unpacked for file in some) / 1e3:.0f} kB "
            f"unpacked, the last at {max((file.there for file in some), default=0):.0f} ms; "
            + (f"first byte at {first_byte:.0f} ms" if kind == "Document" else largest),
        )
    opened = [when(event) for name, event in events if name == "webSocketHandshakeResponseReceived"]
    frames = [event for name, event in events if name == "webSocketFrameReceived" and event["response"]["opcode"] == 2]
    states: dict[str, Any] = {}
    arrived = size = 0.0
    for event in frames:
        frame = base64.b64decode(event["response"]["payloadData"])
        _, (header, _, _, content, *_) = parts(frame)
        if json.loads(bytes(header))["msg_type"] != "comm_msg":
            continue
        data = json.loads(bytes(content))["data"]
        if data.get("method") == "update_states":
            states, arrived, size = data["states"], when(event), len(frame)
    yield _line(
        "Socket",
        len(frames),
        f"open at {opened[0]:.0f} ms, first message at {when(frames[0]):.0f} ms, the widgets' state "
        f"({size / 1e3:.0f} kB unpacked) at {arrived:.0f} ms",
    )
    models = Counter(state["model_name"].removesuffix("Model") for state in states.values())
    yield _line("Models", len(states), ", ".join(f"{name} {number}" for name, number in models.most_common(8)))


def _line(what: str, count: int, words: str) -> str:
    return f"{what:11}{count:6,}  {words}"


def _page(page: Page) -> Iterator[str]:
    paint, views, last = page.evaluate(
        "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
        " document.querySelectorAll('.jupyter-widgets').length, benchViews]"
    )
    ranked, busy, elements = page.evaluate(
        "[benchProbe.ranked, benchProbe.busy, document.querySelectorAll('*').length]"
    )
    yield _line("Paint", 1, f"first at {paint:.0f} ms, the first option at {ranked:.0f} ms")
    yield _line("Views", views, f"the last one in the page at {last:.0f} ms; {elements:,} elements in all")
    longest = sorted(sorted(busy, key=lambda task: -task[1])[:4])
    words = ", ".join(f"{length:.0f} ms at {start:.0f}" for start, length in longest)
    yield _line("Long tasks", len(busy), f"{sum(length for _, length in busy):.0f} ms; the longest: {words}")


def _processor(profile: dict[str, Any]) -> Iterator[str]:
    """Time by where it was spent itself: V8 samples the stack every half millisecond."""
    nodes = {node["id"]: node["callFrame"] for node in profile["nodes"]}
    places: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for node, spent in zip(profile["samples"], profile["timeDeltas"], strict=True):
        frame = nodes[node]
        file = frame["url"].split("?")[0].rsplit("/", 1)[-1]
        places[file or (frame["functionName"] if not frame["url"] else "the page itself")] += spent / 1000
        if file:
            where = f"{file[:16]}:{frame['lineNumber'] + 1}:{frame['columnNumber'] + 1}"
            functions[f"{frame['functionName'] or 'unnamed'} ({where})"] += spent / 1000

    def top(counted: Counter[str], most: int) -> str:
        return ", ".join(f"{name} {spent:.0f}" for name, spent in counted.most_common(most))

    yield _line("ms by place", int(sum(places.values())), top(places, 8))
    yield _line("ms by name", int(sum(functions.values())), top(functions, 5))
