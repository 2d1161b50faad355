"""The dashboard's server over HTTP and its socket: what a visitor gets, and what comes back for each attack."""

import asyncio
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import SimpleNamespace

import brotli
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from scarlib import server as server_module
from scarlib.channels import BURST, LARGEST, MESSAGE, PROTOCOL, allowed, parts
from scarlib.server import AWAY, UNOPENED, Kernels, Server, most_viewers

MOST = 4
MARK = "blue-elephant-7391"


@dataclass
class Running:
    """A server, what it has printed, and its process."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def ask(self, path: str, method: str = "GET", body: bytes | str | None = None, **headers: str) -> HTTPResponse:
        """The reply to a request whose path is sent as it stands; its text is in `.text`."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        reply = connection.getresponse()
        content = reply.read()
        unpack = {"gzip": gzip.decompress, "br": brotli.decompress}.get(reply.headers["Content-Encoding"], bytes)
        reply.text = unpack(content).decode()
        connection.close()
        return reply

    @property
    def viewers(self) -> int:
        return json.loads(self.ask("/healthz").text)["viewers"]

    def kernels(self) -> dict[str, psutil.Process]:
        """The kernels' processes by kernel id."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            if match := re.search(r"kernel-([\w-]+)\.json", " ".join(child.cmdline())):
                found[match[1]] = child
        return found


@contextmanager
def running(folder: Path, *options: str, **environment: str) -> Iterator[Running]:
    log = folder / "log.txt"
    with log.open("w") as out:
        command = [sys.executable, "-m", "scarlib", "dashboard", "--port", "0", "--no-browser", *options]
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **environment})
    try:
        end = time.monotonic() + 180
        while not (ready := re.search(r"is ready: http://localhost:(\d+)/", log.read_text())):
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"the dashboard did not start:\n{log.read_text()}", pytrace=False)
            time.sleep(0.1)
        yield Running(int(ready[1]), log, process)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server"), "--most-viewers", str(MOST)) as process:
        yield process


@pytest.fixture(scope="module")
def kernel(server: Running) -> str:
    """The id of the kernel of one page, which stays open through all attacks."""
    return kernel_of(server.ask("/"))


@pytest.fixture(autouse=True)
def _other_visitors_are_unharmed(request: pytest.FixtureRequest) -> Iterator[None]:
    if "server" not in request.fixturenames:
        yield
        return
    server, kernel = request.getfixturevalue("server"), request.getfixturevalue("kernel")
    before = server.kernels()[kernel]
    yield
    assert server.viewers == 1
    assert server.kernels()[kernel] == before


def kernel_of(page: HTTPResponse) -> str:
    assert page.status == 200
    return re.search(r'"kernelId": "([\w-]+)"', page.text)[1]


def left(server: Running, page: HTTPResponse) -> HTTPResponse:
    """The page, which gives its kernel back."""
    assert server.ask(f"/voila/api/shutdown/{kernel_of(page)}", "POST").status == 204
    return page


def frame(kind: str, content: object = None, channel: str = "shell", buffers: tuple[bytes, ...] = ()) -> bytes:
    """A message as a browser packs it."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": MARK, "username": "", "version": "5.3"}
    pieces = [
        channel.encode(),
        *(json.dumps(part or {}).encode() for part in (header, {}, {"version": "1.0.0"}, content)),
        *buffers,
    ]
    ends = [8 * (len(pieces) + 2)]
    for piece in pieces:
        ends.append(ends[-1] + len(piece))
    return b"".join([*(number.to_bytes(8, "little") for number in (len(ends), *ends)), *pieces])


def kind_of(message: bytes) -> str:
    return json.loads(bytes(parts(message)[1][0]))["msg_type"]


def socket(server: Running, kernel_id: str, protocol: str | None = PROTOCOL, **options: object) -> ClientConnection:
    address = f"ws://127.0.0.1:{server.port}/api/kernels/{kernel_id}/channels?session_id={uuid.uuid4().hex}"
    options = {"max_size": None, "open_timeout": 60, **options}
    return connect(address, subprotocols=[protocol] if protocol else None, **options)


def listen(page: ClientConnection, until: str) -> list[str]:
    """The kinds of messages that come in, up to the first of the kind `until`."""
    heard = []
    while until not in heard:
        heard.append(kind_of(page.recv(timeout=30)))
    return heard


def answers(server: Running, kernel_id: str) -> bool:
    """Whether a page of this kernel can still talk to it."""
    with socket(server, kernel_id) as page:
        page.send(frame("kernel_info_request"))
        return "kernel_info_reply" in listen(page, "kernel_info_reply")


def refusal(page: ClientConnection) -> tuple[int, str]:
    """Code and reason with which the server ends the connection."""
    with pytest.raises(ConnectionClosed) as end:
        deque(iter(lambda: page.recv(timeout=30), None), maxlen=0)
    return end.value.rcvd.code, end.value.rcvd.reason


# What a visitor gets


def test_health_counts_viewers_and_starts_no_kernel(server, kernel):
    before, since = server.kernels().keys(), time.monotonic()
    while time.monotonic() - since < 3:  # one may be on its way for the next visitor
        time.sleep(0.2)
        if server.kernels().keys() != before:
            before, since = server.kernels().keys(), time.monotonic()
    reply = server.ask("/healthz")
    assert (reply.status, json.loads(reply.text)) == (200, {"status": "ok", "viewers": 1, "most_viewers": MOST})
    assert server.kernels().keys() == before
    assert kernel not in reply.text


def test_a_page_can_do_what_it_needs(server, kernel):
    assert json.loads(server.ask(f"/api/kernels/{kernel}").text)["id"] == kernel
    with socket(server, kernel) as page:
        page.send(frame("kernel_info_request"))
        assert "kernel_info_reply" in listen(page, "kernel_info_reply")
        page.send(frame("comm_info_request", {"target_name": "jupyter.widget"}))
        listen(page, "comm_info_reply")
        page.send(frame("comm_open", {"comm_id": "c", "target_name": "jupyter.widget.control", "data": {}}))
        page.send(frame("comm_msg", {"comm_id": "c", "data": {"method": "request_states"}}))
        listen(page, "comm_msg")
        page.send(frame("comm_close", {"comm_id": "c", "data": {}}))
        listen(page, "status")
    assert page.close_code == 1000


def test_what_a_kernel_prints_does_not_reach_a_page(server, kernel):
    with socket(server, kernel) as page:
        # The kernel has no such channel and says so, with paths of this computer.
        page.send(frame("comm_msg", {"comm_id": MARK, "data": {}}))
        page.send(frame("kernel_info_request"))
        assert set(listen(page, "kernel_info_reply")) <= {"status", "kernel_info_reply"}


def test_the_socket_is_compressed(server, kernel):
    with socket(server, kernel, compression="deflate") as page:
        assert "permessage-deflate" in page.response.headers["Sec-WebSocket-Extensions"]
    with socket(server, kernel, compression=None) as page:
        assert "Sec-WebSocket-Extensions" not in page.response.headers


def test_a_page_that_is_left_ends_its_kernel(server):
    kernel_id = kernel_of(server.ask("/"))
    process = server.kernels()[kernel_id]
    assert server.ask(f"/voila/api/shutdown/{kernel_id}", "POST").status == 204
    process.wait(10)
    assert server.ask(f"/voila/api/shutdown/{kernel_id}", "POST").status == 404


def test_a_kernel_that_dies_is_told_to_its_page_and_not_replaced(server):
    kernel_id = kernel_of(server.ask("/"))
    with socket(server, kernel_id) as page:
        page.send(frame("kernel_info_request"))
        listen(page, "kernel_info_reply")
        server.kernels()[kernel_id].send_signal(signal.SIGKILL)
        states = []
        while "dead" not in states:
            states.append(json.loads(bytes(parts(page.recv(timeout=30))[1][3])).get("execution_state"))
        assert "restarting" not in states


def test_a_kernel_kept_ready_that_has_died_is_not_given_to_a_page(server, kernel):
    for kernel_id, process in server.kernels().items():
        if kernel_id != kernel:
            process.kill()
            process.wait(10)
    page = server.ask("/")
    assert answers(server, kernel_of(page))
    left(server, page)


# Files


@pytest.fixture(scope="module")
def page(server: Running) -> HTTPResponse:
    """A page as a browser gets it, left at once."""
    return left(server, server.ask("/", Accept_Encoding="gzip"))


@pytest.fixture(scope="module")
def files(page: HTTPResponse) -> list[str]:
    """The addresses that the page asks for first."""
    assets = re.findall(r'(?:src|href)="(/voila/[^"]+)"', page.text)
    return [*assets, *re.findall(r"<([^>]+)>; rel=preload", str(page.headers.get_all("Link")))]


def test_every_file_of_the_page_is_compressed_once_and_kept_for_good(server, files):
    assert len(files) >= 8
    for address in files:
        small = server.ask(address, Accept_Encoding="gzip, deflate, br, zstd")
        assert small.headers["Content-Encoding"] == "br", address
        assert small.text == server.ask(address).text
        reply = server.ask(address, Accept_Encoding="gzip")
        assert reply.status == 200, address
        assert reply.headers["Content-Encoding"] == "gzip", address
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable", address
        assert re.match(r"text/(javascript|css)|application/javascript", reply.headers["Content-Type"])
        assert server.ask(address, Accept_Encoding="br;q=0, gzip;q=0.5").headers["Content-Encoding"] == "gzip", address
        assert server.ask(address, Accept_Encoding="br; q=0.0").headers["Content-Encoding"] is None, address
        plain = server.ask(address)
        assert plain.headers["Content-Encoding"] is None
        assert plain.text == reply.text
        again = server.ask(address, If_None_Match=reply.headers["ETag"])
        assert (again.status, again.text) == (304, ""), address


def test_a_file_without_its_hash_is_asked_for_anew_each_time(server, files):
    (whole,) = [address for address in files if "/index.css?" in address]
    style, _, version = whole.partition("?v=")
    assert "immutable" in server.ask(whole).headers["Cache-Control"]
    for address in (style, f"{style}?v=1", f"{style}?v={version[:31]}", f"{style}?v={'0' * 32}"):
        reply = server.ask(address)
        assert (reply.status, reply.headers["Cache-Control"]) == (200, "no-cache")
        assert server.ask(address, If_None_Match=reply.headers["ETag"]).status == 304


def test_the_first_script_brings_the_chunks_that_every_visit_needs(server, files, root):
    (main,) = [address for address in files if address.endswith("/voila.js")]
    content = server.ask(main).text
    listed = (root / "scarlib/chunks.txt").read_text("utf-8").splitlines()
    assert '"@jupyterlab/mathjax-extension",!1' not in content, "Voilà's script names MathJax in another way now"
    brought = len(re.findall(r"^\(\(\)=>\{", content, re.MULTILINE))
    # Fewer: Voilà or a widget library is another version. bench/visit.py writes the list anew.
    assert brought == len(listed)


def test_page_and_answers_are_compressed_and_never_kept(server, page, kernel):
    assert page.headers["Content-Encoding"] == "gzip"
    assert page.headers["Cache-Control"] == "no-store"
    for path in (f"/api/kernels/{kernel}", "/healthz", "/nothing"):
        assert server.ask(path).headers["Cache-Control"] == "no-store"


# Attacks over the socket


@pytest.mark.parametrize("channel", ["shell", "control", "stdin", "iopub"])
@pytest.mark.parametrize(
    "kind",
    [
        "execute_request",
        "complete_request",
        "inspect_request",
        "history_request",
        "is_complete_request",
        "input_reply",
        "debug_request",
        "create_subshell_request",
        "interrupt_request",
        "shutdown_request",
    ],
)
def test_a_page_cannot_make_its_kernel_do_anything_else(kind, channel):
    assert not allowed(frame(kind, {"code": "1", "silent": False}, channel))


@pytest.mark.parametrize("kind", ["comm_open", "comm_msg", "kernel_info_request"])
@pytest.mark.parametrize("channel", ["control", "stdin", "iopub", "", "shell "])
def test_a_page_speaks_on_one_channel_only(kind, channel):
    content = {"comm_id": "c", "target_name": "jupyter.widget.control"}
    assert allowed(frame(kind, content))
    assert not allowed(frame(kind, content, channel))


@pytest.mark.parametrize("target", ["jupyter.widget", "jupyter.widget.version", "", None, ["jupyter.widget.control"]])
def test_a_page_makes_no_widget_of_its_own(target):
    assert not allowed(frame("comm_open", {"comm_id": "c", "target_name": target, "data": {"state": {}}}))


@given(st.binary(max_size=200))
def test_noise_is_never_allowed(noise):
    assert not allowed(noise)


@given(st.data())
def test_a_frame_with_a_byte_changed_is_read_or_refused_but_never_raises(data):
    sound = bytearray(frame("comm_msg", {"comm_id": "c", "data": {}}, buffers=(b"abc",)))
    place = data.draw(st.integers(0, len(sound) - 1))
    sound[place] = data.draw(st.integers(0, 255))
    allowed(bytes(sound))
    assert not allowed(bytes(sound)[:place])


def test_code_sent_over_the_socket_does_not_run(server, kernel, tmp_path):
    proof = tmp_path / "proof"
    code = {"code": f"open({str(proof)!r}, 'w').close()", "silent": False, "store_history": False}
    with socket(server, kernel) as page:
        page.send(frame("execute_request", code))
        assert refusal(page) == (1008, "Not for this page.")
    # What was sent after it waits in the same queue, so an answer means that the code would have run by now.
    assert answers(server, kernel)
    assert not proof.exists()


def test_a_stop_sent_over_the_socket_does_not_stop_the_kernel(server, kernel):
    for channel in ("shell", "control"):
        with socket(server, kernel) as page:
            page.send(frame("shutdown_request", {"restart": False}, channel))
            assert refusal(page)[0] == 1008
    assert answers(server, kernel)


OLD_BINARY = (2**31 - 1).to_bytes(4, "big") + b"{}"


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff" * 8,
        (2**40).to_bytes(8, "little"),
        OLD_BINARY,
        json.dumps({"channel": "shell", "header": {"msg_type": "execute_request"}, "content": {"code": "1"}}),
        json.dumps({"channel": "shell", "header": {"msg_type": "kernel_info_request"}, "content": {}}),
        frame("kernel_info_request")[:-1],
        frame("kernel_info_request") + b"x",
        frame("comm_msg", "x" * 10, buffers=(b"",) * 100),
        frame("k" * 5000),
        frame("comm_msg").replace(b'"comm_msg"', b'["a", "b"]'),
        frame("comm_msg").replace(b'{"msg_id', b'["msg_id'),
    ],
    ids=range(12),
)
def test_a_frame_that_is_not_sound_ends_the_connection_and_nothing_else(server, kernel, message):
    with socket(server, kernel) as page:
        page.send(message)
        assert refusal(page) == (1008, "Not for this page.")


@pytest.mark.parametrize("protocol", [None, "x" + PROTOCOL, "v1.kernel.websocket"])
def test_the_older_protocols_are_refused(server, kernel, protocol):
    with pytest.raises(InvalidStatus) as refused:
        socket(server, kernel, protocol)
    assert refused.value.response.status_code == 400


def test_another_site_cannot_open_the_socket(server, kernel):
    with pytest.raises(InvalidStatus) as refused:
        socket(server, kernel, origin="https://evil.example")
    assert refused.value.response.status_code == 403
    with socket(server, kernel, origin=f"http://127.0.0.1:{server.port}"):
        pass


def test_a_menu_of_20_mb_passes_and_one_of_50_mb_is_refused_in_words(server, kernel):
    with socket(server, kernel, compression=None) as page:
        page.send(frame("comm_msg", {"comm_id": "none", "data": {}}, buffers=(os.urandom(20_000_000),)))
        page.send(frame("kernel_info_request"))
        listen(page, "kernel_info_reply")
    with socket(server, kernel, compression=None) as page:
        page.send(frame("comm_msg", {"comm_id": "none", "data": {}}, buffers=(bytes(50_000_000),)))
        assert refusal(page) == (1009, "A file may have 20 MB at most.")
    assert answers(server, kernel)


def test_a_small_message_that_unpacks_to_a_huge_one_is_cut(server, kernel):
    with socket(server, kernel, compression="deflate") as page:
        page.send(frame("comm_msg", {"comm_id": "none", "data": {}}, buffers=(bytes(100_000_000),)))
        with pytest.raises(ConnectionClosed):
            deque(iter(lambda: page.recv(timeout=30), None), maxlen=0)
    assert answers(server, kernel)


def test_many_small_messages_are_a_flood_too(server, kernel):
    """Each has an answer, and may be worth a line in the log."""
    with socket(server, kernel) as page:
        for _ in range(BURST // MESSAGE + 200):
            page.send(frame("comm_info_request", {}))
        assert refusal(page) == (1008, "Too much at once.")
    assert answers(server, kernel)


def test_a_flood_is_ended(server, kernel):
    size = LARGEST - 10_000
    with socket(server, kernel, compression=None) as page:
        message = frame("comm_msg", {"comm_id": "none", "data": {}}, buffers=(bytes(size),))
        for _ in range(BURST // size + 1):
            page.send(message)
        assert refusal(page) == (1008, "Too much at once.")
    assert answers(server, kernel)


def test_one_page_opens_a_few_sockets_at_most(server, kernel):
    with ExitStack() as open_ones:
        for _ in range(3):
            open_ones.enter_context(socket(server, kernel))
        with pytest.raises(InvalidStatus) as refused:
            socket(server, kernel)
        assert refused.value.response.status_code == 429
    assert answers(server, kernel)


# Attacks over HTTP


def test_one_visitor_finds_no_trace_of_another(server, page, kernel):
    assert kernel_of(page) != kernel
    assert kernel not in page.text
    for path in ("/api/kernels", "/api/kernels/", "/api/sessions", "/api/status", "/healthz"):
        assert kernel not in server.ask(path).text


def test_a_guessed_or_unused_kernel_is_out_of_reach(server, kernel):
    unused = server.kernels().keys() - {kernel}
    for kernel_id in (kernel[:-1] + ("0" if kernel[-1] != "0" else "1"), str(uuid.uuid4()), "..", *unused):
        assert server.ask(f"/api/kernels/{kernel_id}").status == 404
        assert server.ask(f"/voila/api/shutdown/{kernel_id}", "POST").status == 404
        with pytest.raises(InvalidStatus) as refused:
            socket(server, kernel_id)
        assert refused.value.response.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/kernels", 404),
        ("POST", "/api/sessions", 404),
        ("POST", "/api/terminals", 404),
        ("PUT", "/api/contents/x.ipynb", 404),
        ("DELETE", "/api/kernels/{kernel}", 405),
        ("POST", "/api/kernels/{kernel}/restart", 404),
        ("POST", "/api/kernels/{kernel}/interrupt", 404),
        ("GET", "/voila/api/shutdown/{kernel}", 405),
        ("POST", "/healthz", 405),
        ("PUT", "/", 405),
        ("TRACE", "/", 405),
        ("HEAD", "/", 200),
        ("HEAD", "/healthz", 200),
    ],
)
def test_nothing_can_be_started_changed_or_ended(server, kernel, method, path, status):
    before = server.kernels().keys()
    assert server.ask(path.format(kernel=kernel), method, "{}").status == status
    assert server.kernels().keys() == before
    assert answers(server, kernel)


ELSEWHERE = [
    "/api",
    "/api/contents",
    "/api/contents/dashboard.ipynb",
    "/api/kernels",
    "/api/kernelspecs",
    "/api/me",
    "/api/sessions",
    "/api/terminals",
    "/terminals/1",
    "/terminals/websocket/1",
    "/files/voila.json",
    "/login",
    "/logout",
    "/metrics",
    "/nbconvert/html/dashboard.ipynb",
    "/tree",
    "/dashboard.ipynb",
    "/notebooks/dashboard.ipynb",
    "/notebooks/evidence.ipynb",
    "/voila",
    "/voila/api/contents/",
    "/voila/api/shutdown/",
    "/voila/api/themes/@jupyterlab/theme-light-extension/index.css",
    "/voila/execution/a-b-c-d-e",
    "/voila/files/",
    "/voila/files/dashboard.ipynb",
    "/voila/files/../voila.json",
    "/voila/query/a-b-c-d-e",
    "/voila/render/dashboard.ipynb",
    "/voila/render/evidence.ipynb",
    "/voila/tree",
    "/voila/static/voila.js",
    "/voila/static/../../../../../../etc/passwd",
    "/voila/static/%2e%2e/%2e%2e/etc/passwd",
    "/voila/static//etc/passwd",
    "/voila/templates/lab/static/voila.js",
    "/voila/templates/scarlib/index.html.j2",
    "/voila/templates/scarlib/static/../index.html.j2",
    "/voila/templates/scarlib/static/..%2findex.html.j2",
    "/voila/templates/scarlib/static/",
    "/voila/labextensions/bqplot/package.json",
    "/voila/labextensions/bqplot/../../../../etc/passwd",
    "/voila/labextensions/bqplot/..%5c..%5cetc/passwd",
    "/../../etc/passwd",
    "//etc/passwd",
]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_no_other_address_answers(server, path):
    before = server.kernels().keys()
    reply = server.ask(path)
    assert reply.status == 404
    assert "This page does not exist" in reply.text
    assert server.kernels().keys() == before


def test_only_the_lab_extensions_in_use_are_served(server, root, files):
    used = set(json.loads((root / "voila.json").read_text("utf-8"))["VoilaConfiguration"]["extension_allowlist"])
    assert {re.match(r"/voila/labextensions/(.+)/static/", file)[1] for file in files if "labext" in file} == used
    share = Path(sys.prefix, "share/jupyter")
    entries = [*share.glob("labextensions/**/remoteEntry*.js"), *share.glob("voila/labextensions/**/remoteEntry*.js")]
    status = {}
    for entry in entries:
        name = entry.parent.parent.as_posix().split("labextensions/")[1]
        status[name] = server.ask(f"/voila/labextensions/{name}/static/{entry.name}").status
    assert {name for name, code in status.items() if code == 200} == used
    assert len(status) > len(used)
    assert set(status.values()) == {200, 404}


@pytest.mark.parametrize("query", ["template=lab&theme=dark", "template=../../x", MARK])
def test_a_query_changes_nothing(server, page, query):
    def without_ids(page):
        return re.sub(r"[0-9a-f]{32}", "", page.text.replace(kernel_of(page), ""))

    assert without_ids(left(server, server.ask(f"/?{query}"))) == without_ids(page)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Dest": "image", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch;prerender"},
    ],
)
def test_a_picture_a_frame_or_a_prefetch_starts_no_kernel(server, headers):
    before = server.kernels().keys()
    assert server.ask("/", **headers).status == 404
    assert server.kernels().keys() == before


def test_a_large_body_is_not_taken(server):
    with pytest.raises((ConnectionError, AssertionError)):
        assert server.ask("/", "POST", b"x" * 1_000_000).status == 200
    assert server.ask("/healthz").status == 200


def test_nobody_gets_a_cookie(server, page, kernel):
    assert page.headers["Set-Cookie"] is None
    for path in ("/healthz", "/nothing", f"/api/kernels/{kernel}", f"/api/kernels/{uuid.uuid4()}/channels"):
        assert server.ask(path).headers["Set-Cookie"] is None, path


def test_every_reply_carries_the_headers(server, page, files, kernel):
    replies = [
        left(server, server.ask("/")),
        *map(server.ask, ("/healthz", "/nothing", f"/api/kernels/{kernel}", files[0])),
    ]
    for reply in replies:
        policy = dict(part.split(" ", 1) for part in reply.headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["connect-src"] == "'self'"
        assert re.fullmatch(r"'self'( 'sha256-[\w+/=]+')+", policy["script-src"])
        assert "unsafe-eval" not in str(policy)
        assert "://" not in str(policy)
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in reply.headers["Permissions-Policy"]
        assert reply.headers["Server"] is None
        assert reply.headers["Access-Control-Allow-Origin"] is None


# The bound


def test_beyond_the_bound_a_visitor_is_told_and_no_kernel_starts(server, kernel):
    pages = [server.ask("/") for _ in range(MOST - 1)]
    taken = {kernel, *map(kernel_of, pages)}
    for _ in range(3):
        reply = server.ask("/")
        assert (reply.status, reply.headers["Retry-After"]) == (503, "60")
        assert "All places are taken" in reply.text
        assert server.viewers == MOST
        # Besides those of the viewers, only the two that are kept ready.
        assert len(server.kernels().keys() - taken) <= 2
    left(server, pages.pop())
    pages.append(server.ask("/"))
    for page in pages:
        left(server, page)


def test_visitors_who_come_at_the_same_moment_do_not_pass_the_bound(server):
    with ThreadPoolExecutor(2 * MOST) as crowd:
        replies = list(crowd.map(lambda _: server.ask("/"), range(2 * MOST)))
    assert sorted(reply.status for reply in replies) == [200] * (MOST - 1) + [503] * (MOST + 1)
    for reply in replies:
        if reply.status == 200:
            left(server, reply)


# The log


def test_nothing_a_visitor_sends_gets_into_the_log(server, kernel):
    left(server, server.ask(f"/?{MARK}=1"))
    server.ask(f"/nothing/{MARK}?{MARK}", Referer=f"http://x/{MARK}", User_Agent=MARK)
    server.ask("/", "POST", f"token={MARK}", Content_Type="application/x-www-form-urlencoded")
    with pytest.raises(InvalidStatus):
        socket(server, kernel, origin=f"https://{MARK}")
    with socket(server, kernel) as page:
        page.send(frame("comm_msg", {"comm_id": MARK, "data": {"method": "update", "state": {"value": MARK}}}))
        page.send(frame("kernel_info_request"))
        listen(page, "kernel_info_reply")
        page.send(frame("execute_request", {"code": MARK}))
        refusal(page)
    assert MARK not in server.log.read_text()
    assert kernel not in server.log.read_text()


# The token

TOKEN = "a-word-of-the-clinic"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that wants a token."""
    with running(tmp_path_factory.mktemp("locked"), SCARLIB_TOKEN=TOKEN) as process:
        yield process


@pytest.fixture(scope="module")
def cookie(locked: Running) -> str:
    """What a browser sends once it has been let in."""
    reply = locked.ask("/", "POST", f"token={TOKEN}", Content_Type=FORM)
    assert (reply.status, reply.headers["Location"]) == (303, "/")
    value, *rules = reply.headers["Set-Cookie"].split("; ")
    # Without "expires": it ends with the browser.
    assert sorted(rules) == ["HttpOnly", "Path=/", "SameSite=Lax"]
    assert TOKEN not in value
    return value


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", f"/?token={TOKEN}x", f"/?token={TOKEN[:-1]}"])
def test_without_the_token_there_is_a_form_and_no_kernel(locked, path):
    for headers in ({}, {"Cookie": "scarlib-visit="}, {"Cookie": f"scarlib-visit={TOKEN}"}):
        reply = locked.ask(path, **headers)
        assert reply.status == 403
        assert '<form method="post"' in reply.text
        assert ("not the right password" in reply.text) == ("token=" in path and not path.endswith("="))
        assert reply.headers["Set-Cookie"] is None
    assert locked.viewers == 0


def test_a_wrong_token_in_the_form_is_told(locked):
    reply = locked.ask("/", "POST", f"token={MARK}", Content_Type=FORM)
    assert (reply.status, reply.headers["Set-Cookie"]) == (403, None)
    assert "not the right password" in reply.text
    assert MARK not in reply.text


def test_with_the_token_a_visitor_gets_the_page_and_its_socket_and_without_it_neither(locked, cookie):
    kernel_id = kernel_of(locked.ask("/", Cookie=cookie))
    assert locked.ask(f"/api/kernels/{kernel_id}", Cookie=cookie).status == 200
    with socket(locked, kernel_id, additional_headers={"Cookie": cookie}) as page:
        page.send(frame("kernel_info_request"))
        listen(page, "kernel_info_reply")
    for headers in ({}, {"Cookie": cookie[:-1]}, {"Authorization": f"token {TOKEN}"}):
        assert locked.ask(f"/api/kernels/{kernel_id}", **headers).status == 403
        assert locked.ask(f"/voila/api/shutdown/{kernel_id}", "POST", **headers).status == 403
        with pytest.raises(InvalidStatus) as refused:
            socket(locked, kernel_id, additional_headers=headers)
        assert refused.value.response.status_code == 403
    assert locked.ask(f"/voila/api/shutdown/{kernel_id}", "POST", Cookie=cookie).status == 204


def test_a_link_with_the_token_lets_in_and_takes_it_out_of_the_address(locked, cookie):
    reply = locked.ask(f"/?token={TOKEN}", X_Forwarded_Proto="https")
    assert (reply.status, reply.headers["Location"]) == (303, "/")
    assert reply.headers["Set-Cookie"].split("; ")[0] == cookie
    assert "Secure" in reply.headers["Set-Cookie"]
    again = locked.ask(f"/?token={TOKEN}", Cookie=cookie)
    assert (again.status, again.headers["Location"]) == (303, "/")


def test_health_needs_no_token(locked):
    assert locked.ask("/healthz").status == 200


def test_the_token_is_in_no_log_and_in_no_kernel(locked, cookie):
    kernel_id = kernel_of(locked.ask("/", Cookie=cookie))
    for process in locked.kernels().values():
        environment = process.environ()
        assert "PATH" in environment
        assert TOKEN not in environment.values()
    assert TOKEN not in locked.log.read_text()
    locked.ask(f"/voila/api/shutdown/{kernel_id}", "POST", Cookie=cookie)


# Kernels that nobody uses


def add_kernel(kernels: Kernels, kernel_id: str, idle: float) -> None:
    kernels._kernels[kernel_id] = SimpleNamespace(
        last_activity=datetime.now(UTC) - timedelta(seconds=idle),
        execution_state="idle",
        kernel_name="python3",
        kernel_spec=SimpleNamespace(metadata={}),
    )
    kernels._kernel_connections[kernel_id] = 0


async def whole(kernels: Kernels) -> list[str]:
    return [piece async for piece in kernels.page()]


def kernels_of(monkeypatch, **idle: float) -> tuple[Kernels, list[str]]:
    """Kernels by id, with the seconds since anything happened, all of pages sent just now; and those that end."""
    kernels, ended = Kernels(), []
    kernels.cull_idle_timeout = 600
    for kernel_id, seconds in idle.items():
        add_kernel(kernels, kernel_id, seconds)
        kernels._pages[kernel_id] = server_module.monotonic()

    async def end(kernel_id: str) -> None:
        ended.append(kernel_id)
        kernels._kernels.pop(kernel_id)

    monkeypatch.setattr(kernels, "shutdown_kernel", end)
    return kernels, ended


def test_a_kernel_whose_page_never_connects_ends_early(monkeypatch):
    kernels, ended = kernels_of(monkeypatch, program=1, browser=1)
    kernels.notify_connect("browser")
    kernels.notify_disconnect("browser")
    asyncio.run(kernels.cull_kernels())
    assert ended == []
    later = server_module.monotonic() + UNOPENED + 1
    monkeypatch.setattr(server_module, "monotonic", lambda: later)
    asyncio.run(kernels.cull_kernels())
    assert ended == ["program"]
    assert kernels.viewers == {"browser"}


def test_a_page_that_takes_long_to_send_keeps_its_kernel(monkeypatch):
    kernels, ended = kernels_of(monkeypatch)
    begun, more = asyncio.Event(), asyncio.Event()

    async def rendered() -> AsyncIterator[tuple[str, None]]:
        begun.set()
        await more.wait()
        yield "end", None

    async def render() -> tuple[list[str], AsyncIterator[tuple[str, None]]]:
        return ["head", "body"], rendered()

    async def next_kernel() -> tuple[object, list[str], str]:
        add_kernel(kernels, "slow", 0)
        return render(), ["head"], "slow"

    async def story() -> list[str]:
        kernels.most = 1
        sending = asyncio.ensure_future(whole(kernels))
        await begun.wait()
        monkeypatch.setattr(server_module, "monotonic", lambda: 1e9)
        await kernels.cull_kernels()
        assert ended == []
        more.set()
        pieces = await sending
        monkeypatch.setattr(server_module, "monotonic", lambda: 1e9 + UNOPENED + 1)
        await kernels.cull_kernels()
        assert ended == ["slow"]
        return pieces

    monkeypatch.setattr(kernels, "_next_kernel", next_kernel)
    assert asyncio.run(story()) == ["head", "body", "end"]


def test_a_page_without_a_connection_ends_after_ten_minutes_and_one_with_stays(monkeypatch, root):
    settings = json.loads((root / "voila.json").read_text("utf-8"))["MappingKernelManager"]
    kernels, ended = kernels_of(monkeypatch, fresh=590, gone=610, there=86_400)
    kernels.cull_idle_timeout, kernels.cull_connected = settings["cull_idle_timeout"], settings["cull_connected"]
    for kernel_id in ("fresh", "gone", "there"):
        kernels.notify_connect(kernel_id)
    for kernel_id in ("fresh", "gone"):
        kernels.notify_disconnect(kernel_id)
    asyncio.run(kernels.cull_kernels())
    assert ended == ["gone"]


def test_the_place_of_a_page_that_is_left_is_free_before_its_kernel_has_ended(monkeypatch):
    kernels, _ = kernels_of(monkeypatch, left=1, open=1)
    seen = []

    async def end(_: str) -> None:
        seen.append(kernels.viewers)

    monkeypatch.setattr(kernels, "shutdown_kernel", end)
    asyncio.run(kernels.end_page("left"))
    assert seen == [{"open"}]


def test_who_waits_gets_the_place_of_the_page_left_alone_longest(monkeypatch):
    kernels, ended = kernels_of(monkeypatch, used=5, reading=AWAY - 60, away=AWAY + 60, long_away=AWAY + 3600)
    assert [asyncio.run(kernels._take_place()) for _ in range(3)] == [True, True, False]
    assert ended == ["long_away", "away"]
    assert kernels.viewers == {"used", "reading"}


def test_a_kernels_id_names_the_port_and_cannot_be_guessed():
    kernels = Kernels()
    kernels.parent = Server()
    kernels.parent.port = 8871
    ids = {kernels.new_kernel_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"08871[0-9a-f]{3}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", kernel_id) for kernel_id in ids)


@pytest.mark.parametrize(
    ("memory", "container", "viewers"), [(8e9, "max", 36), (8e9, "2000000000\n", 9), (5e8, None, 2)]
)
def test_the_bound_follows_the_memory(monkeypatch, memory, container, viewers):
    def limit(*_: object) -> str:
        if container is None:
            raise FileNotFoundError
        return container

    monkeypatch.setattr(os, "sysconf", lambda name: 1 if name == "SC_PAGE_SIZE" else int(memory))
    monkeypatch.setattr(Path, "read_text", limit)
    assert most_viewers() == viewers
