"""What a viewer sees when something breaks, by breaking it: a sentence, a way on, and the answers kept."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from expected import TABLES, told
from playwright.sync_api import Page, expect

from scarlib import Client

pytestmark = pytest.mark.browser
SUMMARY = "[data-hook=summary]:visible"
LEAKS = ("Traceback", "site-packages", "KeyError", "ipykernel", "kernel")


@pytest.fixture
def visit(page: Page, voila_server):
    page.goto(f"{voila_server}/")
    expect(page.locator(".first-view")).to_have_count(0, timeout=60_000)
    page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "6"))
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars={"rolling": 2}, fitzpatrick=6)))
    expect(page.locator("#about")).to_be_attached()
    page.wait_for_timeout(1_000)  # the link to the answers is drawn last
    return page


def kernel_of(page: Page) -> int:
    """The process that calculates for this page."""
    config = page.locator("#jupyter-config-data").text_content() or ""
    (kernel,) = re.findall(r'"kernelId": ?"([\w-]+)"', config)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if kernel in (folder / "cmdline").read_text():
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError("no process of this page was found")


def says_so_and_keeps(page: Page, *skins: int) -> None:
    """`skins` are the skin types that the answers may say by now."""
    expect(page.locator("#page-state")).to_be_visible(timeout=30_000)
    expect(page.locator("#page-state")).to_contain_text("The connection was lost, so answers can no longer be changed.")
    text = page.locator("body").inner_text()
    assert not [leak for leak in LEAKS if leak in text]
    assert page.locator(".rail").evaluate("rail => rail.inert"), "an answer that cannot count cannot be given"
    assert page.locator("[data-hook=option]").count() > 5, "what was shown stays"
    page.get_by_role("button", name="Load the page again with my answers").click()
    kept = [told(Client(scars={"rolling": 2}, fitzpatrick=skin)) for skin in skins or (6,)]
    expect(page.locator(SUMMARY)).to_have_text(re.compile("|".join(map(re.escape, kept))), timeout=60_000)
    expect(page.locator("#page-state")).to_be_hidden()


def test_when_its_kernel_dies_the_page_says_so_and_opens_again_with_the_answers(visit):
    os.kill(kernel_of(visit), signal.SIGKILL)
    says_so_and_keeps(visit)


@pytest.fixture
def line(browser, voila_server):
    """A page whose connection can be cut: `line.cut()`, kept from coming back while `line.dead`, and deaf while
    `line.hush`."""

    class Line:
        def __init__(self):
            self.dead, self.hush, self.open, self.unheard = False, False, [], []

        def cut(self):
            for socket in self.open:
                socket.close(code=1011)
            self.open.clear()

    line = Line()

    def connect(socket):
        if line.dead:
            socket.close(code=1011)
        else:
            server = socket.connect_to_server()
            server.on_message(lambda message: line.unheard.append(message) if line.hush else socket.send(message))
            line.open.append(socket)

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.route_web_socket(re.compile("/channels"), connect)
    line.page = context.new_page()
    line.page.goto(f"{voila_server}/")
    expect(line.page.locator(".first-view")).to_have_count(0, timeout=60_000)
    line.page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "6"))
    expect(line.page.locator(SUMMARY)).to_have_text(told(Client(scars={"rolling": 2}, fitzpatrick=6)))
    expect(line.page.locator("#about")).to_be_attached()
    line.page.wait_for_timeout(1_000)  # the link to the answers is drawn last
    yield line
    context.close()


def test_when_the_connection_stays_cut_the_page_says_so_and_opens_again_with_the_answers(line):
    line.dead = True
    line.cut()
    expect(line.page.locator("#page-state")).to_be_visible(timeout=30_000)
    line.page.wait_for_timeout(3_000)  # it tries to come back, and cannot
    line.page.once("framenavigated", lambda _: setattr(line, "dead", False))  # sooner, it may come back by itself
    says_so_and_keeps(line.page)


def test_when_the_connection_breaks_during_a_change_the_page_does_not_go_on_as_if_nothing_was(line):
    """The control that was changed would wait for ever, and every later change of it go nowhere."""
    line.page.wait_for_timeout(1_000)  # nothing is on its way
    line.hush = True
    line.page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "2"))
    while not any(b'"idle"' in message for message in line.unheard):  # the calculation is through
        line.page.wait_for_timeout(50)
    line.cut()
    line.hush = False
    line.page.wait_for_timeout(3_000)  # by now it is back
    says_so_and_keeps(line.page, 6, 2)  # the change may have reached the link, or not


def test_when_the_connection_comes_back_the_page_goes_on(line):
    line.page.wait_for_timeout(1_000)  # nothing is on its way
    line.cut()
    for _ in range(100):
        line.page.wait_for_timeout(100)
        if line.open:
            break
    expect(line.page.locator("#page-state")).to_be_hidden(timeout=30_000)
    line.page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "2"))
    expect(line.page.locator(SUMMARY)).to_have_text(told(Client(scars={"rolling": 2}, fitzpatrick=2)), timeout=20_000)


def test_a_callback_that_fails_gives_a_sentence_and_the_page_goes_on(visit):
    """A day far outside what a plan allows is the one answer a browser lets through that no plan can take."""
    visit.locator(".control-ready_by input").fill("1999-01-01")
    visit.locator(".control-ready_by input").blur()
    expect(visit.locator(".section:has(#plan) .problem")).to_contain_text("To be done by: ")
    assert not [leak for leak in LEAKS if leak in visit.locator("body").inner_text()]
    visit.locator(".control-ready_by input").fill("")
    visit.locator(".control-ready_by input").blur()
    expect(visit.locator(".section:has(#plan) .problem")).to_have_count(0)


def test_a_session_that_was_ended_for_being_idle_is_told(visit, voila_server):
    """What culling does: the server ends the kernel."""
    time.sleep(0.1)
    os.kill(kernel_of(visit), signal.SIGTERM)
    says_so_and_keeps(visit)
