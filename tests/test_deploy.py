"""The files in deploy/: nginx itself before two dashboards, and a browser before nginx."""

import configparser
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path

import pytest
from playwright.sync_api import expect

from scarlib.server import KERNEL_BYTES

DASHBOARD = [sys.executable, "-m", "scarlib", "dashboard"]
READY = re.compile(r"is ready: http://localhost:(\d+)/")
MOST = 2
MARK = "blue-elephant-7391"
KERNEL = re.compile(r'"kernelId": "([\w-]+)"')


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def process(command: list[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("w") as out:
        started = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(30)


def wait_for(done, process: subprocess.Popen[bytes], log: Path):
    """What `done` returns as soon as it is true of what the process has printed."""
    end = time.monotonic() + 180
    while not (result := done(log.read_text())):
        if process.poll() is not None or time.monotonic() > end:
            pytest.fail(f"{process.args[0]} did not start:\n{log.read_text()}", pytrace=False)
        time.sleep(0.1)
    return result


@dataclass
class Site:
    """nginx on its two ports, and the dashboards behind it by their ports."""

    port: int
    plain: int
    folder: Path
    dashboards: dict[int, subprocess.Popen[bytes]]

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, client: str = "", **headers
    ) -> HTTPResponse:
        trusting = ssl.create_default_context(cafile=self.folder / "cert.pem")
        connection = HTTPSConnection(
            "127.0.0.1", self.port, timeout=60, context=trusting, source_address=(client, 0) if client else None
        )
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        reply = connection.getresponse()
        reply.content = reply.read()
        connection.close()
        return reply

    def visit(self) -> str:
        """The id of the kernel of a new page."""
        reply = self.ask("/")
        assert reply.status == 200
        return KERNEL.search(reply.content.decode())[1]

    def leave(self, kernel_id: str) -> None:
        assert self.ask(f"/voila/api/shutdown/{kernel_id}", "POST").status == 204


def configuration(root: Path, site: Site) -> str:
    """The file as it is delivered, with this computer's ports and folders."""
    text = (root / "deploy/nginx.conf").read_text("utf-8")
    first, second = site.dashboards
    for old, new in (
        ("127.0.0.1:8871", f"127.0.0.1:{first}"),
        ("127.0.0.1:8872", f"127.0.0.1:{second}"),
        ("/08871", f"/{first:05d}"),
        ("/08872", f"/{second:05d}"),
        ("listen 80;", f"listen 127.0.0.1:{site.plain};"),
        ("listen 443 ", f"listen 127.0.0.1:{site.port} "),
        ("scars.example.org", "127.0.0.1"),
        ("/etc/ssl/scarlib/fullchain.pem", f"{site.folder}/cert.pem"),
        ("/etc/ssl/scarlib/privkey.pem", f"{site.folder}/key.pem"),
        ("/var/log/nginx/", f"{site.folder}/"),
        ("/var/cache/nginx/", f"{site.folder}/cache-"),
    ):
        assert old in text
        text = text.replace(old, new)
    kept = "\n".join(
        f"{kind}_temp_path {site.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
    )
    user = "user root;" if os.getuid() == 0 else ""
    return f"{user} pid {site.folder}/pid; events {{}} http {{ {kept}\n{text} }}"


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        pytest.fail("No nginx to test with. Install it: `apt install nginx-light`.", pytrace=False)
    certificate = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-nodes"]
    keys = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", *certificate, *keys], check=True, capture_output=True
    )
    dashboard = [
        sys.executable,
        "-m",
        "scarlib",
        "dashboard",
        "--port",
        "0",
        "--no-browser",
        "--most-viewers",
        str(MOST),
    ]
    with ExitStack() as running:
        logs = [folder / "a.txt", folder / "b.txt"]
        started = [running.enter_context(process(dashboard, log)) for log in logs]
        ports = [int(wait_for(READY.search, *one)[1]) for one in zip(started, logs, strict=True)]
        here = Site(free_port(), free_port(), folder, dict(zip(ports, started, strict=True)))
        (folder / "nginx.conf").write_text(configuration(root, here), "utf-8")
        log = folder / "nginx.txt"
        command = [nginx, "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr", "-g", "daemon off;"]
        front = running.enter_context(process(command, log))
        wait_for(lambda _: (folder / "pid").exists(), front, log)
        yield here


# In the order of a day: one browser, two visitors, a crowd, a flood, a process that dies


@pytest.mark.browser
def test_a_page_through_nginx_works_to_the_end(site, browser):
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    faults, asked = [], []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("response", lambda reply: asked.append(reply) if reply.url.startswith("http") else None)
    page.goto(site.address)
    select = page.locator(".control-fitzpatrick select")
    expect(page.locator(".first-view")).to_have_count(0, timeout=60_000)
    summary = page.locator("[data-hook=summary]:visible")
    before = summary.text_content()
    select.select_option(index=5)
    expect(summary).not_to_have_text(before)
    assert faults == []
    assert context.cookies() == []
    # A list of chunks that is out of date would make it a hundred.
    assert len(asked) < 20
    assert {reply.status for reply in asked} == {200}
    assert {reply.url.split("/")[2] for reply in asked} == {f"127.0.0.1:{site.port}"}
    protocols = page.evaluate("performance.getEntriesByType('resource').map(e => e.nextHopProtocol)")
    assert set(protocols) - {""} == {"h2"}
    page.close(run_before_unload=True)
    context.close()
    for _ in range(100):
        if not any(viewers(port) for port in site.dashboards):
            return
        time.sleep(0.1)
    pytest.fail("the page that was left kept its kernel", pytrace=False)


def viewers(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/healthz")
    counted = json.load(connection.getresponse())["viewers"]
    connection.close()
    return counted


@pytest.mark.browser
def test_two_visits_go_to_both_processes_and_stay_there(site):
    visits = [site.visit(), site.visit()]
    assert {int(kernel_id[:5]) for kernel_id in visits} == set(site.dashboards)
    for kernel_id in visits:
        reply = site.ask(f"/api/kernels/{kernel_id}")
        assert (reply.status, json.loads(reply.content)["id"]) == (200, kernel_id)
        assert viewers(int(kernel_id[:5])) == 1
        site.leave(kernel_id)


@pytest.mark.browser
def test_health_is_for_this_computer_only(site):
    assert json.loads(site.ask("/healthz").content)["status"] == "ok"
    assert site.ask("/healthz", client="127.0.0.2").status == 403


@pytest.mark.browser
def test_scripts_come_from_the_cache_packed_or_not(site):
    kernel_id = site.visit()
    page = site.ask("/").content.decode()
    site.leave(kernel_id)
    site.leave(KERNEL.search(page)[1])
    (main,) = re.findall(r'href="(/voila/static/\w+/voila\.js)"', page)
    packed, plain = site.ask(main, Accept_Encoding="gzip, br"), site.ask(main)
    assert packed.headers["Content-Encoding"] == "br"
    assert plain.headers["Content-Encoding"] is None
    assert len(plain.content) > 3 * len(packed.content)
    for reply in (packed, plain):
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    kept = [file for file in site.folder.glob("cache-scarlib/*") if file.is_file()]
    assert any(main.encode() in file.read_bytes()[:2000] for file in kept)
    assert not any(b'"kernelId": "' in file.read_bytes() for file in kept)  # the page itself


@pytest.mark.browser
def test_headers_come_through_and_tls_is_asked_for(site):
    reply = site.ask("/nothing")
    assert reply.status == 404
    reply = site.ask(f"/api/kernels/{next(iter(site.dashboards)):05d}abc-0000-4000-8000-000000000000")
    assert reply.status == 404
    assert "This page does not exist" in reply.content.decode()
    assert reply.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
    connection = HTTPConnection("127.0.0.1", site.plain)
    connection.request("GET", "/")
    reply = connection.getresponse()
    assert (reply.status, reply.headers["Location"][:8]) == (301, "https://")
    connection.close()


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/api/kernels", "/api/kernels/", "/api/kernels/00022-x", "/login", "/voila/files/x"])
def test_other_addresses_are_closed(site, path):
    assert site.ask(path).status == 404


@pytest.mark.browser
def test_when_all_are_full_a_visitor_is_told(site):
    visits = [site.visit() for _ in range(MOST * len(site.dashboards))]
    assert {viewers(port) for port in site.dashboards} == {MOST}
    reply = site.ask("/")
    assert (reply.status, reply.headers["Retry-After"]) == (503, "60")
    assert "All places are taken" in reply.content.decode()
    for kernel_id in visits:
        site.leave(kernel_id)


@pytest.mark.browser
def test_a_flood_from_one_address_is_slowed_and_others_are_not(site):
    # Without a token a POST costs no kernel, and is counted like a visit.
    statuses = [site.ask("/", "POST", client="127.0.0.3").status for _ in range(40)]
    assert statuses.count(429) >= 15
    assert statuses[0] == 303
    assert site.ask("/", "POST", client="127.0.0.4").status == 303


@pytest.mark.browser
def test_a_large_body_is_refused(site):
    assert site.ask("/", "POST", b"x" * 100_000, client="127.0.0.4").status == 413


@pytest.mark.browser
def test_one_process_dies_and_the_other_goes_on(site):
    lost = site.visit()
    dead = int(lost[:5])
    site.dashboards[dead].kill()
    site.dashboards[dead].wait(30)
    for _ in range(3):
        kernel_id = site.visit()
        assert int(kernel_id[:5]) != dead
        site.leave(kernel_id)
    reply = site.ask(f"/api/kernels/{lost}")
    assert (reply.status, reply.headers["Retry-After"]) == (503, "60")
    assert "try again" in reply.content.decode()


@pytest.mark.browser
def test_the_logs_hold_no_query_no_kernel_and_no_address(site):
    kernel_id = site.visit()
    site.ask(f"/?token={MARK}", Referer=f"https://x/{MARK}", User_Agent=MARK, client="127.0.0.4")
    site.ask(f"/healthz?{MARK}")
    site.leave(kernel_id)
    written = "".join((site.folder / name).read_text() for name in ("scarlib.log", "scarlib-error.log", "nginx.txt"))
    assert "/voila/api/shutdown/ " in written
    for secret in (MARK, kernel_id, "127.0.0."):
        assert secret not in written


# The unit


@pytest.fixture(scope="module")
def unit(root: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(root / "deploy/scarlib@.service", "utf-8")
    return parser["Service"]


def test_the_unit_starts_a_process_on_its_port_for_this_computer_only(unit):
    program, command, *options = unit["ExecStart"].split()
    assert Path(program).name == "scarlib"
    assert command == "dashboard"
    assert options[options.index("--port") + 1] == "%i"
    assert "--ip" not in options
    help_text = subprocess.run(
        [sys.executable, "-m", "scarlib", command, "--help"], capture_output=True, text=True
    ).stdout
    assert all(option in help_text for option in options if option.startswith("--"))


def test_the_memory_of_the_unit_is_enough_for_its_viewers(unit, root):
    options = unit["ExecStart"].split()
    viewers = int(options[options.index("--most-viewers") + 1])
    ready = json.loads((root / "voila.json").read_text("utf-8"))["VoilaConfiguration"]["default_pool_size"]
    assert unit["MemoryMax"].endswith("G")
    assert int(unit["MemoryMax"][:-1]) * 2**30 > (viewers + ready) * KERNEL_BYTES + 300e6


def test_the_unit_gives_no_more_rights_than_needed(unit):
    for wanted in (
        "DynamicUser=yes NoNewPrivileges=yes ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes "
        "ProtectKernelTunables=yes RestrictNamespaces=yes CapabilityBoundingSet= IPAddressDeny=any "
        "IPAddressAllow=localhost OOMPolicy=continue"
    ).split():
        name, _, value = wanted.partition("=")
        assert unit[name] == value
