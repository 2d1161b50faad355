"""A slow line to a server on this computer: 10 Mbit/s each way, 40 ms there and back, for everything alike.

Chromium's own slow network leaves sockets alone, and a widget page lives on its socket. This is a relay: one bucket of
tokens a direction, shared by all connections; half of the delay each way, and one turn more to open a connection. Not
in it: the slow start of TCP, lost packets, and what the packets' own headers take.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

RATE = 10_000_000 / 8  # bytes a second
DELAY = 0.020  # seconds each way
BURST = 0.005  # seconds of the rate that may go at once: timers come late, and the line must not lose by it
_PIECE = 8192  # bytes that one connection sends before the next has its turn


class Bucket:
    """One direction of the line."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self.carried = 0
        self._rate, self._burst = rate, burst
        self._free = float("-inf")

    def take(self, size: int, now: float) -> float:
        """When the last of `size` bytes, there at `now`, has left (seconds)."""
        self.carried += size
        self._free = max(self._free, now - self._burst) + size / self._rate
        return max(self._free, now)


class Line:
    """The relay. Its own `port` stands for the `target` port."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._up, self._down = Bucket(), Bucket()

    @property
    def carried(self) -> int:
        """Bytes that have gone either way."""
        return self._up.carried + self._down.carried

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection until both sides have said all."""
        await asyncio.sleep(2 * DELAY)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            await asyncio.gather(_relay(reader, far_writer, self._up), _relay(far_reader, writer, self._down))
        finally:
            far_writer.close()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bucket: Bucket) -> None:
    clock = asyncio.get_running_loop().time
    underway: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        while True:
            due, piece = await underway.get()
            await asyncio.sleep(due - clock())
            if not piece:
                with suppress(OSError):
                    writer.write_eof()
                return
            writer.write(piece)
            await writer.drain()

    async def leave() -> None:
        piece = b"-"
        while piece:
            try:
                piece = await reader.read(_PIECE)
            except OSError:
                piece = b""
            left = bucket.take(len(piece), clock())
            underway.put_nowait((left + DELAY, piece))
            await asyncio.sleep(left - clock())

    await asyncio.gather(arrive(), leave())


@contextmanager
def slow_line(target: int) -> Iterator[Line]:
    """A slow line to the `target` port of this computer, while the block runs."""
    line = Line(target)
    with _serving(line.connect) as line.port:
        yield line


def measure() -> tuple[float, float]:
    """(Mbit/s of a plain download, ms there and back) of a slow line."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await reader.readline():
            writer.write(bytes(int(asked)))

    with (
        _serving(answer) as port,
        slow_line(port) as line,
        socket.create_connection(("127.0.0.1", line.port)) as connection,
    ):

        def seconds(size: int) -> float:
            start = time.perf_counter()
            connection.sendall(b"%d\n" % size)
            while size:
                size -= len(connection.recv(65536))
            return time.perf_counter() - start

        seconds(1)  # opens the connection
        turn = min(seconds(1) for _ in range(5))
        size = 1_250_000
        return 8 * size / (seconds(size) - turn) / 1e6, 1000 * turn


@contextmanager
def _serving(
    connect: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
) -> Iterator[int]:
    """The port of a server that runs in a thread of its own while the block does."""
    started: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Either side may go at any time, and the end of the block cancels what is still open.
        with suppress(OSError, asyncio.CancelledError):
            await connect(reader, writer)
        writer.close()

    async def serve() -> None:
        ended = asyncio.Event()
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        started.append((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), ended))
        ready.set()
        await ended.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    ready.wait()
    port, loop, ended = started[0]
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
