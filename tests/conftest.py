"""Where the checkout is, for tests that look at its files, and the one browser of all tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Playwright, sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as session:
        yield session


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium, or the one that Playwright has downloaded."""
    try:
        running = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
    except Error as error:
        pytest.fail(
            f"No Chromium to test with ({error.message.splitlines()[0]}). Install one: `apt install chromium`, "
            "`brew install chromium`, or `playwright install chromium`.",
            pytrace=False,
        )
    yield running
    running.close()
