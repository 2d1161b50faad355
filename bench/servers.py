"""The dashboard and the mini apps of bench/pages.py: each served as its own documentation says, on a free port."""

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from slow_line import Line, slow_line

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
CACHE = ROOT / ".bench"
PATIENCE = 120  # seconds after which a server is given up
_REFILL = json.loads((ROOT / "voila.json").read_text("utf-8"))["VoilaKernelManager"]["fill_delay"]


@dataclass(frozen=True)
class App:
    """A page to measure: `command` takes its port and the port of its slow line; `control` and `result` (the ranked
    options) are CSS selectors."""

    name: str
    command: Callable[[int, int], list[str | Path]]
    control: str
    result: str
    path: str = "/"
    refill: float = 0  # seconds after a visit, at which its server makes the next one ready


def _ours(port: int, _: int) -> list[str | Path]:
    return [sys.executable, "-m", "scarlib", "dashboard", "--port", str(port), "--no-browser"]


def _panel(port: int, line: int) -> list[str | Path]:
    origins = [f"--allow-websocket-origin=127.0.0.1:{each}" for each in (port, line)]
    return [CACHE / "bin/panel", "serve", BENCH / "mini_panel.py", "--address=127.0.0.1", f"--port={port}", *origins]


def _dash(port: int, _: int) -> list[str | Path]:
    # Threads, so that connections are kept open, as they are by the servers of the other two.
    served = [f"--chdir={BENCH}", f"--bind=127.0.0.1:{port}", "--threads=8", "mini_dash:server"]
    return [CACHE / "bin/gunicorn", *served]


APPS = (
    App("ours", _ours, ".control-fitzpatrick select", "[data-hook=option]", refill=_REFILL),
    App("Panel", _panel, "select", "tbody tr", "/mini_panel"),
    # In Dash's drop-down one key changes nothing, in its number field it does.
    App("Dash", _dash, "#days", "tbody tr"),
)


def prepare() -> None:
    """Make the environment of the mini apps, unless it is there as bench/requirements.txt wants it."""
    wanted = (BENCH / "requirements.txt").read_text("utf-8")
    stamp = CACHE / "installed.txt"
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    print(f"Installing Panel and Dash into {CACHE.name}/. This takes a minute or two, and only this once.", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", CACHE], check=True)
    (CACHE / ".gitignore").write_text("*\n", "utf-8")
    subprocess.run([CACHE / "bin/pip", "install", "--quiet", "-r", BENCH / "requirements.txt"], check=True)
    stamp.write_text(wanted, "utf-8")


class Servers:
    """The servers of a run and their slow lines. They end with `stack`, whatever happens."""

    def __init__(self, apps: Sequence[App], stack: ExitStack) -> None:
        self.addresses: dict[str, str] = {}
        self.slow_addresses: dict[str, str] = {}
        self.lines: dict[str, Line] = {}
        self._processes: list[psutil.Popen] = []
        self._refill = max(app.refill for app in apps)
        for app in apps:
            port = _free_port()
            line = self.lines[app.name] = stack.enter_context(slow_line(port))
            self.addresses[app.name] = f"http://127.0.0.1:{port}{app.path}"
            self.slow_addresses[app.name] = f"http://127.0.0.1:{line.port}{app.path}"
            self._processes.append(stack.enter_context(_running(app, port, line.port)))

    def rest(self) -> None:
        """Wait until the servers have done what they do after a visit, such as making the next kernel ready."""
        time.sleep(self._refill)
        end = time.monotonic() + PATIENCE
        calm, spent = 0, self._spent()
        while calm < 3 and time.monotonic() < end:
            time.sleep(0.25)
            before, spent = spent, self._spent()
            calm = calm + 1 if abs(spent - before) < 0.02 else 0

    def _spent(self) -> float:
        """Seconds of processor time of all their processes."""
        total = 0.0
        for process in self._processes:
            for each in (process, *process.children(recursive=True)):
                try:
                    times = each.cpu_times()
                except psutil.NoSuchProcess:
                    continue
                total += times.user + times.system
        return total


@contextmanager
def _running(app: App, port: int, line: int) -> Iterator[psutil.Popen]:
    with tempfile.TemporaryFile() as log:
        process = psutil.Popen(app.command(port, line), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            if not _answers(f"http://127.0.0.1:{port}{app.path}", process):
                log.seek(0)
                raise SystemExit(f"The server of {app.name} did not start. It said:\n{log.read().decode()}")
            yield process
        finally:
            family = [process, *(process.children(recursive=True) if process.is_running() else [])]
            with suppress(psutil.NoSuchProcess):
                process.terminate()
            _, left = psutil.wait_procs(family, timeout=20)
            for each in left:
                each.kill()
            psutil.wait_procs(left, timeout=10)


def _answers(url: str, process: psutil.Popen) -> bool:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=30) as reply:
                reply.read()
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
