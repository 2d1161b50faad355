"""The dashboard's server: Voilà, with only the routes the page needs and a bound on what a visit costs.

Voilà's own settings live in voila.json; here is what it has no setting for.
"""

# mypy: allow-untyped-calls
import base64
import hashlib
import logging
import math
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from jupyter_server._tz import utcnow
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.ioloop import IOLoop
from tornado.web import HTTPError, RequestHandler
from voila.app import Voila
from voila.paths import collect_static_paths
from voila.utils import get_voila_labextensions_path

from scarlib.assets import Assets
from scarlib.channels import CUT, Channels
from scarlib.pages import File, Goodbye, Health, Kernel, Missing, Page, Visitors

log = logging.getLogger(__name__)

# What a kernel takes, and the share of the memory that all kernels may take together (bench/viewers.py).
KERNEL_BYTES = 130_000_000
SHARE = 0.6
# Seconds that a kernel waits for its page to connect: a slow line needs them for the scripts. A program never connects.
UNOPENED = 120
# Seconds without a change after which an open page gives its place to somebody who waits for one.
AWAY = 1800
# Kernels that a visit takes up at most, in case those kept ready have died.
_TRIES = 3

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_KERNEL = r"(?P<kernel_id>[\w-]+)"
# The chunks of scripts that a visit asks for. bench/visit.py writes this list.
_CHUNKS = Path(__file__).with_name("chunks.txt")


def most_viewers() -> int:
    """How many viewers the memory of this computer, or of the container, is enough for."""
    sizes = []
    try:
        sizes.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        sizes.append(int(Path("/sys/fs/cgroup/memory.max").read_text("ascii")))
    except (AttributeError, OSError, ValueError):
        pass  # not every system tells, and "max" is no bound
    return max(2, int(SHARE * min(sizes, default=4_000_000_000) / KERNEL_BYTES))


class Kernels(AsyncMappingKernelManager):
    """The kernels, and which of them belong to a page that was sent."""

    most = 1
    # Voilà makes a class of this one that keeps kernels ready, and adds these.
    notebook_path: str
    get_pool_size: Callable[[str], int]
    fill_if_needed: Callable[[float, str], None]
    get_rendered_notebook: Callable[[str], Awaitable[tuple[Any, list[str], str]]]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # The kernel of each page, and since when it has waited for the page to connect; None once the page has.
        self._pages: dict[str, float | None] = {}
        self._coming = 0

    @property
    def viewers(self) -> set[str]:
        """The ids of the kernels that belong to a page."""
        return {kernel_id for kernel_id in self._pages if kernel_id in self}

    def connections(self, kernel_id: str) -> int:
        """How many sockets are open to a kernel."""
        return int(self._kernel_connections.get(kernel_id, 0))

    def new_kernel_id(self, **_: Any) -> str:
        """An id that nobody can guess. It begins with the port, so that a proxy knows which process has the kernel."""
        server: Any = self.parent
        return f"{server.port:05d}{str(uuid4())[5:]}"

    async def page(self) -> AsyncIterator[str]:
        """The next page, in pieces as its notebook runs. Raises HTTPError (503) when there is no place for it."""
        self._coming += 1
        try:
            if len(self.viewers) + self._coming > self.most and not await self._take_place():
                raise HTTPError(503)
            task, begun, kernel_id = await self._next_kernel()
            # As long as the page is being sent, nobody can connect.
            self._pages[kernel_id] = math.inf
        finally:
            self._coming -= 1
        try:
            yield "".join(begun)
            sent = len(begun)
            rendered, rendering = await task
            yield "".join(rendered[sent:])
            async for html, _ in rendering:
                yield html
        finally:
            if self._pages.get(kernel_id) is not None:
                self._pages[kernel_id] = monotonic()

    async def _next_kernel(self) -> tuple[Any, list[str], str]:
        for _ in range(_TRIES):
            if not self.get_pool_size(self.notebook_path):
                self.fill_if_needed(0, self.notebook_path)
            try:
                task, begun, kernel_id = await self.get_rendered_notebook(self.notebook_path)
            except Exception:
                log.exception("A kernel did not start")
                continue
            if kernel_id in self and await self.is_alive(kernel_id):
                return task, list(begun), kernel_id
        raise RuntimeError(f"{_TRIES} kernels in a row did not start, or died before their page was sent")

    async def end_page(self, kernel_id: str) -> None:
        """End the kernel of a page. Its place is free at once: a page that is loaded again asks for it right away."""
        self._pages.pop(kernel_id, None)
        await self.shutdown_kernel(kernel_id)

    async def _take_place(self) -> bool:
        """End the page that has been left alone longest, if that is long enough. Returns whether there was one."""
        alone = {kernel_id: self._alone(kernel_id) for kernel_id in self.viewers}
        longest = max(alone, key=lambda kernel_id: alone[kernel_id], default=None)
        if longest is None or alone[longest] < AWAY:
            return False
        await self.end_page(longest)
        return True

    def _alone(self, kernel_id: str) -> float:
        kernel: Any = self.get_kernel(kernel_id)
        return float((utcnow() - kernel.last_activity).total_seconds())

    def notify_connect(self, kernel_id: str) -> None:
        """Note that a page has connected."""
        super().notify_connect(kernel_id)
        if kernel_id in self._pages:
            self._pages[kernel_id] = None

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel whose page never connected; leave the others to Jupyter."""
        since = self._pages.get(kernel_id)
        if since is not None and monotonic() - since > UNOPENED:
            await self.end_page(kernel_id)
        else:
            await super().cull_kernel_if_idle(kernel_id)

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget a kernel that has ended."""
        self._pages.pop(kernel_id, None)
        return super().remove_kernel(kernel_id)


class Server(Voila):  # type: ignore[misc]
    """Voilà with the routes, headers and bounds of this dashboard."""

    most_viewers = 1
    tornado_settings: dict[str, Any]

    def init_settings(self) -> dict[str, Any]:
        """Voilà's settings and ours."""
        page = self.voila_configuration
        self.assets = _assets(page.template, page.extension_allowlist)
        self.identity_provider_class = Visitors
        page.multi_kernel_manager_class = Kernels
        # Every page comes out of the kernels kept ready.
        page.preheat_kernel, page.default_pool_size = True, max(1, page.default_pool_size)
        page.page_config_hook = self._point_to_scripts
        settings = super().init_settings()
        self.kernel_manager.most = self.most_viewers
        templates = settings["voila_jinja2_env"]
        source = templates.loader.get_source(templates, "index.html.j2")[0]
        # A script within the page is a file of its own that the page includes.
        self.script_hashes = {_hash(templates.from_string(script).render()) for script in _INLINE.findall(source)}
        headers = self.tornado_settings["headers"]
        # The page's own scripts, and no other that may ever get into it.
        policy = headers["Content-Security-Policy"].replace(
            "script-src 'self' 'unsafe-inline'", f"script-src 'self' {' '.join(sorted(self.script_hashes))}"
        )
        self.tornado_settings = {**self.tornado_settings, "headers": {**headers, "Content-Security-Policy": policy}}
        return {
            **settings,
            "assets": self.assets,
            "compress_response": True,
            "websocket_compression_options": {"compression_level": 9},
            "websocket_max_message_size": CUT,
            "log_function": _log_failure,
        }

    def init_handlers(self) -> list[tuple[str, type[RequestHandler]]]:
        """Only what the page asks for."""
        return [
            ("/", Page),
            ("/healthz", Health),
            (f"/api/kernels/{_KERNEL}", Kernel),
            (f"/api/kernels/{_KERNEL}/channels", Channels),
            (f"/voila/api/shutdown/{_KERNEL}", Goodbye),
            ("/voila/(?:static|templates|labextensions)/.+", File),
            (".*", Missing),
        ]

    def listen(self) -> None:
        """Listen, for requests of a modest size."""
        # The largest body is a form with a token. A proxy says over which protocol the browser came.
        self.app.listen = partial(
            self.app.listen, xheaders=True, max_body_size=16_384, idle_connection_timeout=75, body_timeout=20
        )
        super().listen()

    def _point_to_scripts(self, page_config: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**page_config, "fullStaticUrl": self.assets.scripts}


def _assets(template: str, extensions: list[str]) -> Assets:
    folders = [Path(folder) for folder in get_voila_labextensions_path()]
    return Assets(
        template,
        [Path(folder) for folder in collect_static_paths(["voila", "nbconvert"], template)],
        {name: next(folder / name for folder in folders if (folder / name).is_dir()) for name in extensions},
        [(name, chunk) for name, chunk in map(str.split, _CHUNKS.read_text("utf-8").splitlines())],
    )


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _log_failure(handler: RequestHandler) -> None:
    if handler.get_status() >= 500 and handler.get_status() != 503:
        log.error("%s: %d", handler._request_summary(), handler.get_status())


def serve(
    home: Path, ip: str, port: int, *, address: str, most_viewers: int, token: str, ready: Callable[[], None]
) -> None:
    """Serve the dashboard of the checkout or package at `home` until a signal ends it.

    `address` is where this computer reaches the server. `ready` is called when the page has been loaded once and is
    sound. Raises SystemExit, with the cause as its text, when it is not.
    """
    notebook = home / "notebooks" / "dashboard.ipynb"
    if not notebook.exists():
        raise SystemExit(f"The dashboard's notebook is missing: {notebook}. Install scarlib again.")
    templates = home / "share" / "jupyter"
    if templates.exists():
        # In a checkout, an edit of the page shows without a new install, and kernels find the package without one.
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(home), os.getenv("PYTHONPATH")]))
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(templates), os.getenv("JUPYTER_PATH")]))
    # A failed cell's cause goes here, to the console, and only here.
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    # What is wrong with a request is told in its own words.
    logging.getLogger("tornado").setLevel(logging.ERROR)
    app = Server(config_file_paths=[str(home)])
    # Options beat the settings file.
    app.initialize(
        [
            f"--Voila.notebook_path={notebook}",
            f"--Voila.ip={ip}",
            f"--Voila.port={port}",
            "--Voila.port_retries=0",
            "--Voila.open_browser=False",
        ]
    )
    app.most_viewers = most_viewers
    app.token = token
    failed: list[str] = []

    async def first() -> None:
        problem = await _first_visit(app, address)
        if problem:
            failed.append(problem)
            IOLoop.current().stop()
        else:
            ready()

    IOLoop.current().add_callback(first)
    app.start()
    if failed:
        raise SystemExit(failed[0])


async def _first_visit(app: Server, address: str) -> str | None:
    """Load the page once, as a browser would, and give its kernel back. Returns what is wrong with it, or None."""
    # Meanwhile the kernel starts.
    await IOLoop.current().run_in_executor(None, app.assets.pack)
    response: HTTPResponse = await AsyncHTTPClient().fetch(
        address, headers={"Cookie": app.identity_provider.cookie}, request_timeout=180, raise_error=False
    )
    page = response.body.decode() if response.body else ""
    if kernel := re.search(r'"kernelId": "([\w-]+)"', page):
        await app.kernel_manager.shutdown_kernel(kernel[1])
    if {_hash(script) for script in _INLINE.findall(page)} - app.script_hashes:
        return (
            "The page has a script of its own that its template does not have word for word; browsers would refuse it."
        )
    if response.code == 200 and 'class="page-problem"' not in page:
        return None
    return (
        f"The dashboard's page failed (status {response.code}); the log above has the cause. "
        "Run `scarlib check` to see whether a table is at fault."
    )
