"""One dashboard for all browser tests; a fresh profile for each page."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def voila_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running dashboard."""
    log: Path = tmp_path_factory.mktemp("dashboard") / "log.txt"
    with log.open("w") as out:
        command = [sys.executable, "-m", "scarlib", "dashboard", "--port", "0", "--no-browser"]
        server = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        end = time.monotonic() + 180
        while not (ready := re.search(r"is ready: (http://localhost:\d+)/", log.read_text())):
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(f"the dashboard did not start:\n{log.read_text()}", pytrace=False)
            time.sleep(0.1)
        yield ready[1].replace("localhost", "127.0.0.1")
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of 1280 x 900, not yet on any address."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def phone_page(browser: Browser) -> Iterator[Page]:
    """A page of 390 x 844 with touch, not yet on any address."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    yield context.new_page()
    context.close()
