"""What a first visit to running dashboards costs: python bench/visit.py ADDRESS... [--visits 5] [--slow]

Several addresses are visited in turn, so that whatever else the computer does hits them alike. --slow is a line of
10 Mbit/s with 40 ms each way (the socket is not slowed). --chunks prints scarlib/chunks.txt anew; for that, the address
has to be plain Voilà, which sends its scripts one by one: voila --port=9000 in the checkout's folder.
"""

import argparse
import re
import shutil
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
CHUNKS = Path(__file__).resolve().parent.parent / "scarlib" / "chunks.txt"
CONTROL = ".control-fitzpatrick select"
SLOW = {"offline": False, "latency": 40, "downloadThroughput": 10e6 / 8, "uploadThroughput": 10e6 / 8}


@dataclass
class Visit:
    """Times in ms since the address was asked for."""

    asked: list[str] = field(default_factory=list)
    received: float = 0
    first_paint: float = 0
    usable: float = 0
    widgets: float = 0


def launch(playwright: Playwright) -> Browser:
    """A browser that knows nothing yet, compiled scripts included."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)


def visit(browser: Browser, address: str, slow: bool) -> Visit:
    seen = Visit()
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    if slow:
        wire.send("Network.emulateNetworkConditions", SLOW)
    page.on("request", lambda request: seen.asked.append(request.url) if request.url.startswith("http") else None)
    wire.on(
        "Network.loadingFinished", lambda event: setattr(seen, "received", seen.received + event["encodedDataLength"])
    )
    page.goto(address, wait_until="commit")
    page.wait_for_selector(CONTROL, state="visible", timeout=120_000)
    seen.usable = page.evaluate("performance.now()")
    page.wait_for_selector(".first-view", state="detached", timeout=120_000)
    seen.widgets = page.evaluate("performance.now()")
    seen.first_paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    page.wait_for_load_state("networkidle")
    context.close()
    return seen


def chunks(asked: list[str]) -> Iterator[str]:
    """The lines of scarlib/chunks.txt, in the order in which the page asked."""
    for url in asked:
        if own := re.search(r"/voila/static/(\d+)\.voila\.js", url):
            yield f"voila {own[1]}"
        elif extension := re.search(r"/voila/labextensions/(.+)/static/(\d+)\.[0-9a-f]+\.js", url):
            yield f"{extension[1]} {extension[2]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="+")
    parser.add_argument("--visits", type=int, default=5)
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--chunks", action="store_true", help=f"print what belongs in {CHUNKS.name}")
    args = parser.parse_args()
    visits: dict[str, list[Visit]] = {address: [] for address in args.address}
    with sync_playwright() as playwright:
        for _ in range(1 if args.chunks else args.visits):
            for address, seen in visits.items():
                browser = launch(playwright)
                seen.append(visit(browser, address, args.slow))
                browser.close()
    if args.chunks:
        print("\n".join(dict.fromkeys(chunks(visits[args.address[0]][0].asked))))
        return
    titles = f"{'requests':>9} {'kB':>7} {'first paint ms':>15} {'usable ms':>10} {'widgets ms':>11}"
    print(f"{'median of ' + str(args.visits):28} {titles}")
    for address, seen in visits.items():
        requests, received, paint, usable, widgets = (
            statistics.median(values)
            for values in zip(
                *((len(v.asked), v.received, v.first_paint, v.usable, v.widgets) for v in seen), strict=True
            )
        )
        print(f"{address:28} {requests:9.0f} {received / 1000:7.0f} {paint:15.0f} {usable:10.0f} {widgets:11.0f}")


if __name__ == "__main__":
    main()
