"""The dashboard beside a mini app in Panel and in Dash, in a real browser: python bench/pages.py [--visits 5]

Each page is visited in turn, so that whatever else the computer does hits them alike: over loopback, and over a line
of 10 Mbit/s with 40 ms there and back (slow_line.py). Every visit has a browser of its own, in which nothing is kept;
before it and before the first key, all servers have come to rest, so that none pays for a visit before. What is
measured:

- first paint: the browser's first contentful paint.
- options painted: the first frame with a ranked option in it.
- interactive: there is a control, and changing it has an effect. From the start of the visit a script looks every
  25 ms for the control; once it can be seen and the page is parsed, the script sets it to a second value at each
  look; the time is that of the look at which the ranked options have followed. The same for all three pages.
- key to update: from a key pressed in the control (a real one, at the browser's own time) to the last change that the
  page makes after it, before it stays still for 400 ms.
- MB: every byte that goes over the slow line, either way. "again" is a second visit in the same browser.
- layout shift: the worst window of up to 5 s with gaps under 1 s, as browsers sum it up.

The control is the choice of skin type; for Dash it is the number field. The mini apps come into an environment of
their own, .bench/, which is made at the first run. --profile tells instead where one visit of the dashboard spends
its time.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from inside import told
from playwright.sync_api import Browser, Page, Playwright, TimeoutError, sync_playwright
from servers import APPS, App, Servers, prepare
from slow_line import Line, measure

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PROBE = Path(__file__).with_name("probe.js").read_text("utf-8")
LINES = ("loopback", "10 Mbit/s, 40 ms")
KEYS = 40  # changes by key, over all visits to one page
QUIET = 1.5  # seconds without a word on the network, after which a page has loaded


@dataclass
class Seen:
    """What all visits to one page over one line have measured: times in ms, sizes in bytes."""

    first_paint: list[float] = field(default_factory=list)
    ranked: list[float] = field(default_factory=list)
    interactive: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    shift: list[float] = field(default_factory=list)


@contextmanager
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser that knows nothing yet."""
    running = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
    try:
        yield running
    finally:
        running.close()


def fresh_page(running: Browser, app: App, start: str | None = None) -> Page:
    """An empty page with the probe in it. `start` is the text of the first options, which a change has to change."""
    page = running.new_context(viewport={"width": 1280, "height": 900}).new_page()
    known = {"control": app.control, "result": app.result, "start": start}
    page.add_init_script(f"({PROBE})({json.dumps(known)})")
    page.wait_for_timeout(300)  # for the browser itself to have started
    return page


def look(page: Page, address: str, line: Line, seen: Seen) -> str:
    """Visit twice without touching anything. Returns the text of the options."""
    wire = page.context.new_cdp_session(page)
    asked: set[str] = set()
    last = time.monotonic()

    def heard(event: dict[str, object]) -> None:
        nonlocal last
        last = time.monotonic()

    def asks(event: dict[str, object]) -> None:
        heard(event)
        if str(event.get("documentURL", "http")).startswith("http"):
            asked.add(str(event["requestId"]))

    for name in ("loadingFinished", "dataReceived", "webSocketFrameReceived", "webSocketFrameSent"):
        wire.on(f"Network.{name}", heard)
    for name in ("requestWillBeSent", "webSocketCreated"):
        wire.on(f"Network.{name}", asks)
    wire.send("Network.enable")
    text = ""
    for received in (seen.cold, seen.again):
        asked.clear()
        carried, last = line.carried, time.monotonic()
        page.goto(address, wait_until="commit")
        wait(page, "benchProbe.ranked", f"{address}: no ranked option was shown.")
        while time.monotonic() - last < QUIET:
            page.wait_for_timeout(100)
        received.append(line.carried - carried)
        if received is seen.cold:
            seen.requests.append(len(asked))
            first = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            seen.first_paint.append(page.evaluate(first))
            seen.ranked.append(page.evaluate("benchProbe.ranked"))
            seen.shift.append(layout_shift(page.evaluate("benchProbe.shifts")))
            text = page.evaluate("benchProbe.text()")
        page.goto("about:blank")
    return text


def use(page: Page, address: str, start: str, keys: int, seen: Seen, rest: Callable[[], None]) -> None:
    """Visit, change the control as soon as there is one, and then by keys."""
    page.goto(address, wait_until="commit")
    wait(page, "benchProbe.answered", f"{address}: no change of the control had an effect.")
    seen.interactive.append(page.evaluate("benchProbe.answered"))
    rest()
    if page.evaluate("benchProbe.text()") == start:
        raise SystemExit(f"{address}: the options went back to the first ones, so no change had an effect.")
    page.evaluate("benchProbe.focus()")
    forth = True
    for _ in range(keys):
        place, is_select = page.evaluate("benchProbe.arm()")
        # To and fro. In a list, down is forth; in a number field, up is.
        forth = place < 1 if forth else place <= 0
        key = "ArrowDown" if forth == is_select else "ArrowUp"
        page.keyboard.press(key)
        wait(page, "benchProbe.still()", f"{address}: {key} did not change the options.")
        seen.keys.append(page.evaluate("benchProbe.took()"))


def wait(page: Page, condition: str, otherwise: str) -> None:
    try:
        page.wait_for_function(f"() => {condition}", polling=100, timeout=60_000)
    except TimeoutError:
        raise SystemExit(otherwise) from None


def layout_shift(shifts: Sequence[tuple[float, float]]) -> float:
    """The largest sum of shifts, each (time in ms, value), within 5 s and with gaps under 1 s."""
    worst = total = 0.0
    began = last = float("-inf")
    for when, value in shifts:
        if when - last >= 1000 or when - began >= 5000:
            began, total = when, 0.0
        last = when
        total += value
        worst = max(worst, total)
    return worst


def p95(values: Sequence[float]) -> float:
    """The 95th percentile, between the two values next to it; of a single value, that value."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


Target = float | str | None  # a limit; or the page whose value is the limit
# What, how it follows from what was seen, its decimals, its target on loopback and on the slow line.
ROWS: tuple[tuple[str, Callable[[Seen], float], int, Target, Target], ...] = (
    ("first paint, ms", lambda seen: statistics.median(seen.first_paint), 0, None, None),
    ("options painted, ms", lambda seen: statistics.median(seen.ranked), 0, 150, 400),
    ("interactive, ms", lambda seen: statistics.median(seen.interactive), 0, "Panel", "Dash"),
    ("key to update, ms, median", lambda seen: statistics.median(seen.keys), 0, None, None),
    ("key to update, ms, 95 %", lambda seen: p95(seen.keys), 0, 50, None),
    ("layout shift", lambda seen: statistics.median(seen.shift), 3, 0.1, 0.1),
)
SIZES: tuple[tuple[str, Callable[[Seen], float], int, Target, Target], ...] = (
    ("requests", lambda seen: statistics.median(seen.requests), 0, None, None),
    ("MB, first visit", lambda seen: statistics.median(seen.cold) / 1e6, 2, None, 1.2),
    ("MB, again", lambda seen: statistics.median(seen.again) / 1e6, 3, None, 0.1),
)


def table(seen: dict[str, dict[str, Seen]]) -> Iterator[tuple[str, ...]]:
    """The cells of the table, from what was seen by line and page."""
    for line, pages in seen.items():
        slow = line != LINES[0]
        yield (line, *pages, "target")
        for what, value, decimals, *targets in (*ROWS, *(SIZES if slow else ())):
            values = {name: value(page) for name, page in pages.items()}
            target = targets[slow]
            limit = values[target] if isinstance(target, str) else target
            said = ""
            if limit is not None:
                said = f"{target}'s" if isinstance(target, str) else f"{target:g}"
                said += "" if values["ours"] <= limit else ", missed"
            yield (f"  {what}", *(f"{number:,.{decimals}f}" for number in values.values()), said)


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for what, *cells, target in rows:
        print(
            what.ljust(widths[0]),
            *(cell.rjust(width + 1) for cell, width in zip(cells, widths[1:-1], strict=True)),
            end="",
        )
        print(f"   {target}".rstrip())


def measure_all(playwright: Playwright, servers: Servers, visits: int) -> dict[str, dict[str, Seen]]:
    """Visit all pages in turn, over both lines."""
    seen = {line: {app.name: Seen() for app in APPS} for line in LINES}
    for visit in range(visits):
        for line, addresses in zip(LINES, (servers.addresses, servers.slow_addresses), strict=True):
            for app in APPS:
                address, found = addresses[app.name], seen[line][app.name]
                servers.rest()
                with browser(playwright) as running:
                    start = look(fresh_page(running, app), address, servers.lines[app.name], found)
                servers.rest()
                with browser(playwright) as running:
                    use(fresh_page(running, app, start), address, start, -(-KEYS // visits), found, servers.rest)
        print(f"Round {visit + 1} of {visits} is done. Load: {os.getloadavg()[0]:.1f}.", file=sys.stderr)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visits", type=int, default=5, help="cold visits of each kind; default %(default)s")
    parser.add_argument("--profile", action="store_true", help="where one visit of the dashboard spends its time")
    args = parser.parse_args()
    # Ended from outside, the servers end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        if args.profile:
            servers = Servers(APPS[:1], stack)
            servers.rest()
            page = fresh_page(stack.enter_context(browser(playwright)), APPS[0])
            print("\n".join(told(page, servers.addresses["ours"], APPS[0].control)))
            return
        prepare()
        rate, turn = measure()
        seen = measure_all(playwright, Servers(APPS, stack), args.visits)
    print(f"{args.visits} cold visits of each kind, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end.")
    print(f"A plain download over the slow line: {rate:.1f} Mbit/s, {turn:.0f} ms there and back.\n")
    print_table(list(table(seen)))


if __name__ == "__main__":
    main()
