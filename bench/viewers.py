"""What many viewers at once cost: python bench/viewers.py [1 10 30]

Starts a dashboard of its own and opens that many pages, as programs that ask for what a browser asks for. Then a real
browser comes as the next visitor. Memory is the proportional set size (PSS), which counts what processes share once;
it is read from /proc, so this runs on Linux only.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from playwright.sync_api import sync_playwright
from visit import launch, visit
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parent.parent
PROTOCOL = "v1.kernel.websocket.jupyter.org"


def start(log: Path, most: int) -> tuple[subprocess.Popen[bytes], int]:
    command = [sys.executable, "-m", "scarlib", "dashboard", "--port", "0", "--no-browser", f"--most-viewers={most}"]
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
    while not (ready := re.search(r"localhost:(\d+)/", log.read_text())):
        if process.poll() is not None:
            raise SystemExit(log.read_text())
        time.sleep(0.2)
    return process, int(ready[1])


def page(port: int, sockets: ExitStack) -> tuple[str, float, float]:
    """The id of a page's kernel, and after how many seconds the first of the page and all of it was there."""
    began = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=600) as reply:
        text = reply.read(1)
        first = time.perf_counter() - began
        text += reply.read()
    there = time.perf_counter() - began
    kernel_id = re.search(r'"kernelId": "([\w-]+)"', text.decode())[1]
    address = f"ws://127.0.0.1:{port}/api/kernels/{kernel_id}/channels?session_id={os.urandom(8).hex()}"
    sockets.enter_context(connect(address, subprotocols=[PROTOCOL], open_timeout=600))
    return kernel_id, first, there


def pss(process: psutil.Process) -> float:
    """In MB."""
    return int(re.search(r"^Pss: +(\d+)", Path(f"/proc/{process.pid}/smaps_rollup").read_text(), re.M)[1]) / 1e3


def settle(port: int, server: psutil.Process, kernels: int) -> dict[str, psutil.Process]:
    """The kernels by id, once as many run and nothing is busy any more."""
    while True:
        running = {
            match[1]: child
            for child in server.children()
            if (match := re.search(r"kernel-([\w-]+)\.json", " ".join(child.cmdline())))
        }
        if len(running) >= kernels and all(child.cpu_percent(0.05) < 5 for child in [server, *running.values()]):
            return running
        time.sleep(0.3)


def main() -> None:
    counts = [int(count) for count in sys.argv[1:]] or [1, 10, 30]
    ready = json.loads((ROOT / "voila.json").read_text("utf-8"))["VoilaConfiguration"]["default_pool_size"]
    print(
        f"{'viewers':>7} {'all come at once: begun s':>26} {'there s':>8} {'MB a viewer':>12} {'MB in all':>10} "
        f"{'next: first paint ms':>21} {'usable ms':>10}"
    )
    for count in counts:
        with TemporaryDirectory() as folder, ExitStack() as sockets, sync_playwright() as playwright:
            process, port = start(Path(folder) / "log.txt", max(counts) + 5)
            try:
                server = psutil.Process(process.pid)
                settle(port, server, ready)
                with ThreadPoolExecutor(count) as crowd:
                    pages = list(crowd.map(page, [port] * count, [sockets] * count))
                kernels = settle(port, server, count + ready)
                each = [pss(kernels[kernel_id]) for kernel_id, *_ in pages]
                total = pss(server) + sum(map(pss, kernels.values()))
                seen = []
                for _ in range(3):
                    browser = launch(playwright)
                    seen.append(visit(browser, f"http://127.0.0.1:{port}/", slow=False))
                    browser.close()
                    settle(port, server, count + ready)
                begun, there = (statistics.median(times) for times in list(zip(*pages, strict=True))[1:])
                print(
                    f"{count:7} {begun:26.2f} {there:8.2f} {statistics.mean(each):12.0f} "
                    f"{total:10.0f} {statistics.median(v.first_paint for v in seen):21.0f} "
                    f"{statistics.median(v.usable for v in seen):10.0f}"
                )
            finally:
                sockets.close()
                process.terminate()
                process.wait(60)


if __name__ == "__main__":
    main()
