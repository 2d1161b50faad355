"""The `scarlib` command: start the dashboard or JupyterLab, check a folder of tables.

Jupyter and Voilà are imported only by the command that needs them. Voilà's settings live in voila.json alone.
"""

import argparse
import errno
import importlib.util
import json
import os
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
from typing import NoReturn

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
        if name == "dashboard":
            command.add_argument(
                "--most-viewers",
                type=_count,
                metavar="N",
                help="how many may use it at once; default: as many as the memory is enough for",
            )
            command.add_argument(
                "--token",
                help="a word without which nobody gets in; better given as SCARLIB_TOKEN, which other users of this "
                "computer cannot see",
            )
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
    # Taken out, so that the kernels do not have it in theirs.
    named = os.environ.pop("SCARLIB_TOKEN", None)
    token = named if args.token is None else args.token
    if token is not None and len(token) < 12:
        raise SystemExit(
            "The token is too short: it needs 12 characters or more. "
            f"Take this one, which nobody can guess: {secrets.token_urlsafe(16)}"
        )
    port = _claim_port(args)
    # jsonschema imports this for one optional check, which builds a grammar for two seconds; nothing here needs it.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from scarlib import server

    server.serve(
        _HOME,
        args.ip,
        port,
        address=_reach(args.ip, port),
        most_viewers=args.most_viewers or server.most_viewers(),
        token=token or "",
        ready=lambda: _say_ready("dashboard", args, f"http://{_host(args.ip)}:{port}/"),
    )
    print("Stopped.")
    return 0


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
        # Nothing of a client is saved with a notebook, and nobody is asked whether they want news.
        "ServerApp.jpserver_extensions": "scarlib.lab=True",
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


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of viewers; allowed: 1 or more")
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
