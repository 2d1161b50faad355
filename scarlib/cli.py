"""The `scarlib` command: start the dashboard or JupyterLab, check a folder of tables.

Jupyter and Voilà are imported only by the command that needs them. Voilà's settings live in voila.json alone.
"""

import argparse
import errno
import importlib.util
import json
import logging
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import scarlib

_PACKAGE = Path(__file__).resolve().parent
# A wheel carries these files inside the package; a checkout has them beside it.
_HOME = _PACKAGE if (_PACKAGE / "voila.json").exists() else _PACKAGE.parent


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command (`argv` defaults to the command line) and return its exit code.

    Raises SystemExit, with cause and cure as its text, when a command cannot start.
    """
    parser = argparse.ArgumentParser(prog="scarlib", description=scarlib.__doc__)
    parser.add_argument("--version", action="version", version=f"scarlib {scarlib.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, port, start, purpose in (
        ("dashboard", 8866, _dashboard, "show the dashboard in a browser"),
        ("lab", 8888, _lab, "open the notebooks in JupyterLab"),
    ):
        command = commands.add_parser(name, help=purpose, description=purpose)
        command.add_argument("--port", type=_port, default=port, help="default %(default)s; 0 picks a free one")
        command.add_argument("--ip", default="127.0.0.1", help="default %(default)s, this computer only")
        command.add_argument("--no-browser", action="store_true", help="do not open a browser")
        command.set_defaults(run=start, command=name)
    check = commands.add_parser("check", help="check the tables", description="check a folder of tables")
    check.add_argument("folder", nargs="?", metavar="FOLDER", help="default: the tables that come with scarlib")
    check.set_defaults(run=_check)
    args = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except KeyboardInterrupt:
        print("Stopped.")
        return 0


def _check(args: argparse.Namespace) -> int:
    try:
        tables = scarlib.load_tables(args.folder)
    except scarlib.DataError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"every table is sound: {len(tables.treatments)} treatments, "
        f"{len(tables.evidence)} facts from {len(tables.sources)} sources"
    )
    return 0


def _dashboard(args: argparse.Namespace) -> int:
    notebook = _HOME / "notebooks" / "dashboard.ipynb"
    if not notebook.exists():
        raise SystemExit(f"The dashboard's notebook is missing: {notebook}. Install scarlib again.")
    port = _claim_port(args)
    templates = _HOME / "share" / "jupyter"
    if templates.exists():
        # In a checkout, an edit of the page shows without a new install, and kernels find the package without one.
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_HOME), os.getenv("PYTHONPATH")]))
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(templates), os.getenv("JUPYTER_PATH")]))

    # jsonschema imports this for one optional check, which builds a grammar for two seconds; nothing here needs it.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from tornado.ioloop import IOLoop
    from voila.app import Voila
    from voila.tornado.handler import TornadoVoilaHandler

    _hand_out_token(TornadoVoilaHandler)
    # A failed cell's cause goes here, to the console, and only here.
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    app = Voila(config_file_paths=[str(_HOME)])
    # Options beat the settings file.
    app.initialize(
        [
            f"--Voila.notebook_path={notebook}",
            f"--Voila.ip={args.ip}",
            f"--Voila.port={port}",
            "--Voila.port_retries=0",
            "--Voila.open_browser=False",
        ]
    )
    # Voilà reads its own tornado_settings too late for this one; it makes a first visit four times smaller.
    settings, handlers = app.init_settings, app.init_handlers
    app.init_settings = lambda: {**settings(), "compress_response": True}
    app.init_handlers = lambda: [_not_found(app), *handlers()]
    failed: list[str] = []

    async def announce() -> None:
        problem = await _first_visit(app, _reach(args.ip, port))
        if problem:
            failed.append(problem)
            IOLoop.current().stop()
        else:
            _say_ready("dashboard", args, f"http://{_host(args.ip)}:{port}/")

    IOLoop.current().add_callback(announce)
    app.start()
    if failed:
        raise SystemExit(failed[0])
    print("Stopped.")
    return 0


def _not_found(app: Any) -> tuple[str, type, dict[str, Any]]:
    """The route that answers a mistyped address with the template's 404 page; Voilà would say 403 and no more."""
    from tornado.web import HTTPError
    from voila.handler import BaseVoilaHandler

    class NotFound(BaseVoilaHandler):  # type: ignore[misc]
        async def get(self) -> None:
            raise HTTPError(404)

    return r"/(?!voila/|api/|static/).+", NotFound, {"voila_configuration": app.voila_configuration}


def _hand_out_token(handler: Any) -> None:
    """Let each page carry the token without which its goodbye, which ends its kernel, is refused."""
    get = handler.get

    async def get_with_token(self: Any, path: str | None = None) -> Any:
        self.xsrf_token  # noqa: B018  reading it sets the cookie
        return await get(self, path)

    handler.get = get_with_token


async def _first_visit(app: Any, url: str) -> str | None:
    """Load the page once, as a browser would, and give its kernel back. Returns what is wrong with it, or None."""
    from tornado.httpclient import AsyncHTTPClient

    response = await AsyncHTTPClient().fetch(url, request_timeout=180, raise_error=False)
    page = response.body.decode() if response.body else ""
    if kernel := re.search(r'"kernelId": "([\w-]+)"', page):
        await app.kernel_manager.shutdown_kernel(kernel[1])
    if response.code == 200 and 'class="page-problem"' not in page:
        return None
    return (
        f"The dashboard's page failed (status {response.code}); the log above has the cause. "
        "Run `scarlib check` to see whether a table is at fault."
    )


def _lab(args: argparse.Namespace) -> int:
    if importlib.util.find_spec("jupyterlab") is None:
        raise SystemExit("JupyterLab is not installed. Install it: pip install 'scarlib[lab]'")
    port = _claim_port(args)
    folder = _HOME if _HOME != _PACKAGE else Path.cwd()
    token = secrets.token_urlsafe(24)
    options = {
        "ServerApp.ip": args.ip,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "ServerApp.allow_root": True,
        "ServerApp.open_browser": False,
        "Application.log_level": 30,
        # Nothing here asks another host for news or updates.
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    lab = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "jupyterlab",
            *(f"--{name}={value}" for name, value in options.items()),
        ],
        env={**os.environ, "JUPYTER_TOKEN": token},
        stdin=subprocess.DEVNULL,
        # Ctrl-C reaches only this process, which then ends the server without a question.
        start_new_session=True,
    )
    signal.signal(signal.SIGTERM, _interrupt)
    start = "/tree/notebooks/consultation.ipynb" if (folder / "notebooks/consultation.ipynb").exists() else ""
    try:
        if _answers(f"{_reach(args.ip, port)}api", lab):
            _say_ready("JupyterLab", args, f"http://{_host(args.ip)}:{port}/lab{start}?token={token}")
        code = lab.wait()
    finally:
        lab.terminate()
        lab.wait()
    raise SystemExit(f"JupyterLab ended by itself (exit code {code}); the log above has the cause.")


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Wait until `url` answers (True) or the process has ended (False)."""
    while process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                json.load(reply)
                return True
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    return False


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; allowed: 0 to 65535")
    return int(text)


def _claim_port(args: argparse.Namespace) -> int:
    """The port to use: the one asked for, checked to be free, or a free one for 0."""
    family = socket.AF_INET6 if ":" in args.ip else socket.AF_INET
    try:
        with socket.create_server((args.ip, args.port), family=family) as server:
            port: int = server.getsockname()[1]
            return port
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            cause = "is already in use" if error.errno == errno.EADDRINUSE else "needs more rights than you have"
            other = "9000" if args.port != 9000 else "9001"
            raise SystemExit(
                f"Port {args.port} {cause}. Choose another one: scarlib {args.command} --port {other} "
                f"(or: make {args.command} PORT={other})."
            ) from None
        raise SystemExit(
            f"This computer has no address {args.ip} ({error.strerror or error}). "
            "Choose another one: --ip 127.0.0.1 for this computer only, --ip 0.0.0.0 for its network."
        ) from None


def _host(ip: str) -> str:
    """The name under which people open a server bound to `ip`."""
    return {
        "127.0.0.1": "localhost",
        "::1": "localhost",
        "": socket.gethostname(),
        "0.0.0.0": socket.gethostname(),
    }.get(ip, f"[{ip}]" if ":" in ip else ip)


def _reach(ip: str, port: int) -> str:
    """The address under which this computer reaches a server bound to `ip`."""
    host = "127.0.0.1" if ip in ("", "0.0.0.0") else f"[{ip}]" if ":" in ip else ip
    return f"http://{host}:{port}/"


def _say_ready(what: str, args: argparse.Namespace, url: str) -> None:
    if _host(args.ip) != "localhost":
        print("Anyone on this network can open this page.")
    print(f"The {what} is ready: {url}\nPress Ctrl-C to stop it." if what == "dashboard" else f"{what} is ready: {url}")
    sys.stdout.flush()
    # Without a screen, webbrowser would start a text browser in this terminal.
    screen = sys.platform in ("darwin", "win32") or os.getenv("DISPLAY") or os.getenv("WAYLAND_DISPLAY")
    if screen and not args.no_browser:
        webbrowser.open(url)
