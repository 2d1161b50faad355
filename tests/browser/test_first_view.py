"""The page before its widgets are there: it can be used, and they take its place without a jump."""

import re
from pathlib import Path

import pytest
from expected import TABLES, told
from playwright.sync_api import Page, expect

import scarlib
from scarlib import Client
from scarlib.ui import dashboard

pytestmark = pytest.mark.browser

SUMMARY = "[data-hook=summary]"
SKIN = ".control-fitzpatrick select"
START = {"rolling": 2}
# Where each element of the questions and of the first results is, scrolled to the top.
PLACES = """root => [...document.querySelectorAll(`${root} :is(.rail, .results > *:nth-child(-n + 4)) *`)]
  .filter(e => !e.closest("svg") && e.checkVisibility())
  .map(e => { const r = e.getBoundingClientRect();
    return [e.tagName, [...e.classList].sort().join(" "), ...[r.x, r.y, r.width, r.height].map(Math.round)]; })"""


class Held:
    """A page whose scripts do not come until they are let go."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.faults = page, []
        self._held, self._free = [], False
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.route(
            re.compile(r"/voila\.js"), lambda route: route.continue_() if self._free else self._held.append(route)
        )
        page.goto(address, wait_until="commit")
        expect(page.locator(f".first-view {SKIN}")).to_be_attached(timeout=60_000)

    def start(self) -> None:
        """Let the scripts go."""
        self._free = True
        for route in self._held:
            route.continue_()

    def let_go(self) -> None:
        """Let the scripts go, and wait until the widgets are there."""
        self.start()
        expect(self.page.locator(".first-view")).to_have_count(0, timeout=60_000)


@pytest.fixture
def held(page, voila_server):
    visit = Held(page, f"{voila_server}/")
    yield visit
    assert visit.faults == []


def test_an_answer_counts_before_the_widgets_are_there_and_stays(held):
    page = held.page
    page.locator(SKIN).select_option(label=TABLES.label("skin_type", "6"))
    page.locator(".scar-icepick select").select_option(label="A lot")
    wanted = Client(scars={"rolling": 2, "icepick": 3}, fitzpatrick=6)
    expect(page.locator(SUMMARY)).to_have_text(told(wanted))
    ranked = scarlib.recommend(wanted, TABLES)
    best = list(ranked.index[ranked["rank"].notna()])
    shown = "all => all.map(one => one.dataset.id)"
    assert page.locator(".first-view [data-hook=option]").evaluate_all(shown) == best
    held.let_go()
    expect(page.locator(SUMMARY)).to_have_text(told(wanted))
    expect(page.locator(SKIN)).to_have_value(TABLES.label("skin_type", "6"))
    assert page.locator("[data-hook=option]").evaluate_all(shown) == best
    page.locator(SKIN).select_option(label=TABLES.label("skin_type", "1"))
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars={"rolling": 2, "icepick": 3}, fitzpatrick=1)))


def test_every_question_of_the_first_view_moves_the_kernel(held):
    """What is asked there is asked for good: the widgets show what was answered."""
    page = held.page
    lists = page.locator(".first-view .rail select")
    for nth in range(lists.count()):
        lists.nth(nth).select_option(index=1)
    ticks = page.locator(".first-view .rail input[type=checkbox]")
    for nth in range(ticks.count()):
        ticks.nth(nth).check()
    held.let_go()
    page.wait_for_timeout(1_500)
    assert set(page.locator(".rail select").evaluate_all("all => all.map(one => one.selectedIndex)")) == {1}
    opened = page.locator(".rail .condition-group > .tick input")
    assert set(opened.evaluate_all("all => all.map(one => one.checked)")) == {True}
    assert page.locator(".rail .condition-ticks").count() == opened.count(), "what a tick opens has to be there"


def test_undo_and_start_again_work_at_once(held):
    page = held.page
    page.locator(SKIN).select_option(label=TABLES.label("skin_type", "6"))
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars=START, fitzpatrick=6)))
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars=START)))
    expect(page.locator(SKIN)).to_have_value("I do not know")
    # The kernel has changed the control, so that the same answer is news again.
    page.locator(SKIN).select_option(label=TABLES.label("skin_type", "6"))
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars=START, fitzpatrick=6)))
    page.get_by_role("button", name="Start again").click()
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars=START)))
    held.let_go()


def test_an_answer_of_the_very_first_moment_is_not_lost(page, voila_server):
    """Given as soon as the control is parsed, before there is a connection, and while scripts start."""
    page.add_init_script(
        """new MutationObserver((_, watch) => {
          const skin = document.querySelector(".first-view .control-fitzpatrick select");
          if (!skin || skin.options.length < 7) return;
          watch.disconnect();
          setTimeout(() => { skin.selectedIndex = 6; skin.dispatchEvent(new Event("change", { bubbles: true })); });
        }).observe(document, { childList: true, subtree: true })"""
    )
    page.goto(f"{voila_server}/")
    expect(page.locator(".first-view")).to_have_count(0, timeout=60_000)
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars=START, fitzpatrick=6)))
    expect(page.locator(SKIN)).to_have_value(TABLES.label("skin_type", "6"))


@pytest.mark.parametrize("pause", [0, 100, 250, 500, 900])
def test_an_answer_while_the_widgets_are_built_is_in_them(held, pause):
    page = held.page
    page.evaluate(
        """pause => setTimeout(() => {
          const skin = document.querySelector(".control-fitzpatrick select");
          skin.selectedIndex = 6;
          skin.dispatchEvent(new Event("change", { bubbles: true }));
        }, pause)""",
        pause,
    )
    held.let_go()
    expect(page.locator(SKIN)).to_have_value(TABLES.label("skin_type", "6"))
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars=START, fitzpatrick=6)))


@pytest.mark.parametrize("width", [1280, 390])
def test_the_widgets_stand_where_the_first_view_stood(held, width):
    """The first view is drawn by us, what takes its place by ipywidgets."""
    page = held.page
    page.set_viewport_size({"width": width, "height": 900})
    page.add_style_tag(content=".scarlib * { content-visibility: visible !important }")  # no height is a guess
    before = page.evaluate(PLACES, ".scarlib.first")
    assert len(before) > 100
    held.let_go()
    assert page.evaluate(PLACES, ".scarlib:not(.first)") == before


def test_the_focus_and_what_was_opened_stay(held):
    page = held.page
    page.locator("summary", has_text="Your answers").click()
    page.locator(SKIN).focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars=START, fitzpatrick=1)))
    held.let_go()
    assert page.evaluate("document.activeElement.matches('.control-fitzpatrick select')")
    expect(page.locator(".answers")).to_have_attribute("open", "")
    page.keyboard.press("ArrowDown")
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars=START, fitzpatrick=2)))


def test_a_list_in_use_is_not_taken_away(held):
    page = held.page
    page.locator(SKIN).focus()
    page.keyboard.press("Shift")  # somebody is at it
    live = page.locator(".scarlib.jupyter-widgets")
    held.start()
    touched = """() => { document.dispatchEvent(new KeyboardEvent("keydown", { key: "Shift" }));
      return document.querySelectorAll(".scarlib.jupyter-widgets .the-rest").length; }"""
    page.wait_for_function(touched, polling=200, timeout=60_000)
    for _ in range(5):
        page.evaluate(touched)
        page.wait_for_timeout(200)
        assert page.locator(".first-view").count() == 1
        assert not live.is_visible()
    expect(page.locator(".first-view")).to_have_count(0, timeout=10_000)


def test_a_sheet_that_is_open_stays_open(phone_page, voila_server):
    visit = Held(phone_page, f"{voila_server}/")
    phone_page.locator(".to-questions").tap()
    expect(phone_page.locator(SKIN)).to_be_visible()
    phone_page.locator(SKIN).select_option(label=TABLES.label("skin_type", "6"))
    phone_page.locator(".rail").evaluate("rail => rail.scrollTo(0, 700)")
    phone_page.wait_for_timeout(500)  # what comes into sight gets its true height
    scrolled = phone_page.locator(".rail").evaluate("rail => rail.scrollTop")
    visit.let_go()
    expect(phone_page.locator(SKIN)).to_be_visible()
    assert phone_page.locator(".rail").evaluate("rail => rail.scrollTop") == pytest.approx(scrolled, abs=200)
    assert phone_page.locator(".results").evaluate("results => results.inert")
    expect(phone_page.locator(SUMMARY)).to_have_text(told(Client(scars=START, fitzpatrick=6)))
    assert visit.faults == []


def test_the_rest_of_the_page_comes_after_the_questions(held):
    """Until then the page is smaller, and sooner there."""
    page = held.page
    page.evaluate(
        """document.addEventListener("widgets-there", () => {
          window.parts = document.querySelectorAll(".section").length;
        })"""
    )
    held.let_go()
    assert page.evaluate("window.parts") == 2
    expect(page.locator("#about")).to_be_attached(timeout=30_000)
    assert page.locator(".section").count() > 10
    expect(page.locator(".the-rest")).to_have_count(0)


def answered(page: Page) -> None:
    """Answers of the first view, with their result."""
    page.locator(SKIN).select_option(label=TABLES.label("skin_type", "6"))
    page.locator(".scar-icepick select").select_option(label="A lot")
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars={"rolling": 2, "icepick": 3}, fitzpatrick=6)))


def still_answered(page: Page) -> None:
    expect(page.locator(SUMMARY)).to_have_text(
        told(Client(scars={"rolling": 2, "icepick": 3}, fitzpatrick=6)), timeout=60_000
    )
    expect(page.locator(SKIN)).to_have_value(TABLES.label("skin_type", "6"))


def test_answers_of_the_first_view_stay_when_it_is_loaded_again(held):
    answered(held.page)
    held.page.reload(wait_until="commit")
    still_answered(held.page)


def test_answers_stay_on_the_way_back(held, voila_server):
    answered(held.page)
    held.page.goto(f"{voila_server}/healthz")
    held.page.go_back(wait_until="commit")
    still_answered(held.page)


def test_a_visit_anew_starts_anew(held, voila_server):
    answered(held.page)
    held.page.goto(f"{voila_server}/", wait_until="commit")
    expect(held.page.locator(SUMMARY)).to_have_text(told(Client(scars=START)))
    expect(held.page.locator(SKIN)).to_have_value("I do not know")


def test_a_connection_lost_in_the_first_view_is_told_and_its_answers_open_again(browser, voila_server):
    context = browser.new_context()
    lines = []
    context.route_web_socket(re.compile("/channels"), lambda line: lines.append((line, line.connect_to_server())))
    visit = Held(context.new_page(), f"{voila_server}/")
    answered(visit.page)
    lines[0][0].close(code=1011)
    again = visit.page.get_by_role("button", name="Load the page again with my answers")
    expect(again).to_be_visible()
    assert visit.page.locator(".rail").evaluate("rail => rail.inert")
    again.click()
    still_answered(visit.page)
    context.close()


@pytest.mark.parametrize("pause", [50, 150, 300, 600, 900])
def test_a_connection_that_breaks_while_the_widgets_come_is_made_again(browser, voila_server, pause):
    context = browser.new_context()
    lines = []
    context.route_web_socket(re.compile("/channels"), lambda line: lines.append((line, line.connect_to_server())))
    visit = Held(context.new_page(), f"{voila_server}/")
    answered(visit.page)
    visit.start()
    visit.page.wait_for_timeout(pause)
    visit.page.locator(".scar-boxcar select:visible").evaluate(
        "box => { box.selectedIndex = 1; box.dispatchEvent(new Event('change', { bubbles: true })); }"
    )
    lines[0][0].close(code=1011)
    expect(visit.page.locator(".first-view")).to_have_count(0, timeout=60_000)
    # An answer that was on its way as the line broke may be lost: then the page says so, and comes again.
    again = visit.page.get_by_role("button", name="Load the page again with my answers")
    visit.page.wait_for_timeout(21_000)  # a little more than an answer is waited for
    if again.is_visible():
        again.click()
        expect(visit.page.locator(".first-view")).to_have_count(0, timeout=60_000)
    expect(visit.page.locator("#page-state")).to_be_hidden(timeout=30_000)
    visit.page.locator(SKIN).select_option(label=TABLES.label("skin_type", "1"))
    scars = {"icepick": 3, "boxcar": visit.page.locator(".scar-boxcar select").evaluate("box => box.selectedIndex")}
    wanted = Client(scars={"rolling": 2} | {scar: amount for scar, amount in scars.items() if amount}, fitzpatrick=1)
    expect(visit.page.locator(SUMMARY)).to_have_text(told(wanted))
    context.close()


def test_a_script_that_does_not_come_is_told_and_questions_go_on(page, voila_server):
    page.route(re.compile(r"/voila\.js"), lambda route: route.abort())
    page.goto(f"{voila_server}/")
    expect(page.get_by_text("Part of this page did not load.")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("button", name="Load the page again with my answers")).to_be_visible()
    answered(page)


def test_a_link_says_that_its_answers_are_to_come(page, voila_server):
    visit = Held(page, f"{voila_server}/#answers=x")
    expect(page.get_by_text("Your answers come in a moment. Until then, this is an example.")).to_be_visible()
    assert page.locator(".first-view .rail").evaluate("rail => rail.inert")
    visit.let_go()
    expect(page.locator("#page-state")).to_be_hidden(timeout=30_000)
    assert not page.locator(".rail").evaluate("rail => rail.inert")


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_the_first_view_fits_before_any_other_style_has_come(page, voila_server, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.route(re.compile(r"voila\.js|index\.css|theme-"), lambda route: None)
    page.goto(f"{voila_server}/", wait_until="commit")
    expect(page.locator(f".first-view {SKIN}")).to_be_attached(timeout=60_000)
    right = "all => Math.max(...all.map(one => one.getBoundingClientRect().right))"
    assert page.locator(".first-view article.card").evaluate_all(right) <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_style_is_sent_as_it_is_written_but_for_its_white_space(page):
    written = Path(dashboard.__file__).with_name("dashboard.css").read_text("utf-8")
    sent = dashboard.STYLE.removeprefix("<style>").removesuffix("</style>")
    read = """text => {
        const style = new CSSStyleSheet();
        style.replaceSync(text);
        return [...style.cssRules].map(rule => rule.cssText.replace(/\\s+/g, ""));
    }"""
    assert len(sent) < len(written)
    assert page.evaluate(read, sent) == page.evaluate(read, written)


def test_paper_is_light_whatever_the_screen_is(browser, voila_server):
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(f"{voila_server}/")
    expect(page.locator("#about")).to_be_attached(timeout=60_000)
    page.emulate_media(media="print", color_scheme="dark")
    colours = page.locator("h1, #fits, article.card h3, .disclaimer, .harms li, .summary").evaluate_all(
        "all => all.filter(one => one.checkVisibility()).map(one => getComputedStyle(one).color)"
    )
    assert colours
    for colour in set(colours):
        assert max(map(float, re.findall(r"[\d.]+", colour)[:3])) < 90, f"{colour} is too pale for paper"
    context.close()


def test_paper_has_what_can_go_wrong_and_what_was_opened(page, voila_server):
    page.goto(f"{voila_server}/")
    expect(page.locator("#about")).to_be_attached(timeout=60_000)
    cards = page.locator(".cards article.card")
    page.emulate_media(media="print")
    harms, care = cards.locator(".folds .harms"), cards.locator(".folds details", has_text="Aftercare").locator("li")
    assert harms.count() == cards.count() > 3
    assert all(each.is_visible() for each in harms.all())
    assert not any(each.is_visible() for each in care.all())
    page.emulate_media(media="screen")
    cards.first.get_by_text("Aftercare", exact=True).click()
    page.emulate_media(media="print")
    expect(care.first).to_be_visible()
    expect(care.last).to_be_hidden()
    page.emulate_media(media="screen")
    opened = page.locator("details[open]").count()
    page.pdf()
    assert page.locator("details[open]").count() == opened  # as it was before printing


def test_an_answer_that_never_comes_is_told(browser, voila_server):
    context = browser.new_context()
    context.route_web_socket(re.compile("/channels"), lambda line: line.on_message(lambda message: None))
    visit = Held(context.new_page(), f"{voila_server}/")
    visit.page.locator(SKIN).select_option(label=TABLES.label("skin_type", "6"))
    expect(visit.page.get_by_text("No answer has come.")).to_be_visible(timeout=40_000)
    expect(visit.page.get_by_role("button", name="Load the page again with my answers")).to_be_visible()
    context.close()
