"""The socket between a page and its kernel: what a browser may say, how much of it, and what it is told.

Jupyter's socket carries anything a notebook needs, running code above all. This page needs less: it opens the widgets
that the kernel made and exchanges their values. All else a browser sends ends the connection.
"""

# mypy: allow-untyped-calls
import json
import time
from itertools import pairwise
from typing import Any

from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from tornado.web import HTTPError

from scarlib.pages import Reply

PROTOCOL = "v1.kernel.websocket.jupyter.org"
# The largest file of a clinic's menu is 20 MB; the rest is room for what goes with it.
LARGEST = 24_000_000
# Above this the connection is cut in mid-message; up to here the page is told why.
CUT = 64_000_000
# What a connection may send at once, and how much of it is forgotten in a second.
BURST, RATE = 64_000_000, 1_000_000
# What a message counts at least: its answer, and what it may write into the log, cost more than its few bytes.
MESSAGE = 20_000
# A page that lost its network comes back before the old connection is known to be dead.
CONNECTIONS = 3

_SAID = {"comm_open", "comm_msg", "comm_close", "comm_info_request", "kernel_info_request"}
_TOLD = {"comm_open", "comm_msg", "comm_close", "comm_info_reply", "kernel_info_reply", "status"}
# The one channel a page opens by itself: over it, it asks for the widgets there are.
_OPENED = "jupyter.widget.control"
_PARTS = 4  # header, parent header, metadata, content
_BUFFERS = 64
_HEADER = 4096


def parts(frame: bytes) -> tuple[str, list[memoryview]]:
    """The channel and the parts of a frame: header, parent header, metadata, content, then any buffers.

    Raises ValueError for a frame that is not sound. Jupyter's own reader believes the numbers in a frame, so that one
    of eight bytes can keep it busy for hours.
    """
    count = int.from_bytes(frame[:8], "little")
    start = 8 * (count + 1)
    if count < _PARTS + 2 or len(frame) < start:
        raise ValueError("the number of parts")
    ends = [int.from_bytes(frame[place : place + 8], "little") for place in range(8, start, 8)]
    if ends != sorted(ends) or ends[0] != start or ends[-1] != len(frame):
        raise ValueError("the place of a part")
    view = memoryview(frame)
    pieces = [view[begin:end] for begin, end in pairwise(ends)]
    return bytes(pieces[0][:16]).decode(), pieces[1:]


def allowed(frame: bytes | str) -> bool:
    """Whether a browser may send this to its kernel."""
    try:
        if isinstance(frame, str):
            return False
        channel, (header, _, _, content, *buffers) = parts(frame)
        kind = _read(header)["msg_type"]
        if channel != "shell" or kind not in _SAID or len(buffers) > _BUFFERS:
            return False
        return bool(kind != "comm_open" or _read(content)["target_name"] == _OPENED)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def told(frame: bytes) -> bool:
    """Whether a page needs this message of its kernel. What a kernel prints, a traceback say, stays on the server."""
    return _read(parts(frame)[1][0])["msg_type"] in _TOLD


def _read(part: memoryview) -> dict[str, Any]:
    if len(part) > _HEADER:
        raise ValueError("the size of a part")
    read = json.loads(bytes(part))
    if not isinstance(read, dict):
        raise ValueError("the shape of a part")
    return read


class Channels(Reply, KernelWebsocketHandler):
    """A page's socket. Its address holds the kernel's id, which only this page was given."""

    _spent = 0.0
    _since = 0.0

    async def get(self, kernel_id: str) -> None:
        """Open the socket, or say why not."""
        kernels = self.settings["kernel_manager"]
        if kernel_id not in kernels.viewers:
            raise HTTPError(404)
        if kernels.connections(kernel_id) >= CONNECTIONS:
            raise HTTPError(429)
        spoken = self.request.headers.get("Sec-WebSocket-Protocol", "")
        if PROTOCOL not in [protocol.strip() for protocol in spoken.split(",")]:
            raise HTTPError(400)
        for name in self.settings["headers"]:
            self.clear_header(name)  # they are about pages, and this is none
        await super().get(kernel_id)

    def on_message(self, frame: bytes | str) -> None:
        """Hand on what the page may say; end the connection over anything else."""
        now = time.monotonic()
        self._spent = max(0.0, self._spent - RATE * (now - self._since)) + max(len(frame), MESSAGE)
        self._since = now
        if len(frame) > LARGEST:
            self.close(1009, f"A file may have {LARGEST // 1_200_000} MB at most.")
        elif self._spent > BURST:
            self.close(1008, "Too much at once.")
        elif not allowed(frame):
            self.close(1008, "Not for this page.")
        else:
            super().on_message(frame)

    def write_message(self, message: Any, binary: bool = False) -> Any:
        """Tell the page what it needs."""
        # Text: the older protocol, into which Jupyter falls back for a socket that has just closed.
        return super().write_message(message, binary) if isinstance(message, bytes) and told(message) else None
