"""Where the checkout is, for tests that look at its files, and the one browser of all tests."""

import shutil
from collections.abc import Callable, Iterator
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
def launch(playwright: Playwright) -> Callable[..., Browser]:
    """Starts the system's Chromium, or the one that Playwright has downloaded, with more arguments where given."""
    return lambda *more: playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*ARGUMENTS, *more])


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    """The one browser of all tests."""
    try:
        running = launch()
    except Error as error:
        pytest.fail(
            f"No Chromium to test with ({error.message.splitlines()[0]}). Install one: `apt install chromium`, "
            "`brew install chromium`, or `playwright install chromium`.",
            pytrace=False,
        )
    yield running
    running.close()
