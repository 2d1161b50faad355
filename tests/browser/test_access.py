"""The page in every state against axe: WCAG 2.2 A and AA and best practice, with no finding; and by keyboard alone."""

import itertools
import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

import scarlib
from scarlib.record import Record

pytestmark = pytest.mark.browser
TABLES = scarlib.load_tables()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SUMMARY = "[data-hook=summary]:visible"
SOON = (date.today() + timedelta(days=30)).isoformat()


def findings(page: Page) -> str:
    """What axe says is wrong, empty where nothing is."""
    page.wait_for_timeout(400)  # until colours that fade have arrived
    results = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
    return results.generate_report() if results.violations_count else ""


@pytest.fixture(scope="module", params=[(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], ids=str)
def seen(request, browser, voila_server):
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True
    )
    page = context.new_page()
    page.goto(f"{voila_server}/")
    expect(page.locator(".first-view")).to_have_count(0, timeout=60_000)
    yield page
    context.close()


def start(page: Page) -> None:
    page.evaluate("location.hash = ''")
    if not page.get_by_role("button", name="Start again").is_visible():
        page.evaluate("location.hash = '#your-answers'")
    page.get_by_role("button", name="Start again").click()
    page.evaluate("location.hash = '#fits'")


def answer(page: Page, css_class: str, label: str) -> None:
    """An answer, given where the questions are: on a phone in their sheet."""
    if page.viewport_size["width"] < 821:
        page.evaluate("location.hash = '#your-answers'")
    page.locator(f".{css_class} select").first.select_option(label=label)
    page.evaluate("location.hash = '#fits'")


def filtered(page: Page) -> None:
    answer(page, "control-family", TABLES.label("family", "lasers"))


def darker(page: Page) -> None:
    answer(page, "control-fitzpatrick", TABLES.label("skin_type", "6"))


def nothing_fits(page: Page) -> None:
    answer(page, "control-max_downtime_days", "0 days")
    answer(page, "control-budget_usd", "up to $250")
    answer(page, "control-max_pain", "up to 1 of 10")


def wrong(page: Page) -> None:
    answer(page, "scar-rolling", "Not a problem")
    expect(page.get_by_text("Choose at least one kind of scar").first).to_be_visible()


def compared(page: Page) -> None:
    page.locator(".control-compared select").first.select_option(label=str(TABLES.treatments.at["tca_cross", "name"]))


def planned(page: Page) -> None:
    page.locator(".control-planned select").first.select_option(label=str(TABLES.treatments.at["subcision", "name"]))
    page.locator(".control-ready_by input").fill(SOON)
    page.locator(".control-ready_by input").blur()
    expect(page.locator(".ready")).to_be_visible()


def asked(page: Page) -> None:
    page.locator(".control-whatif input").check()
    expect(page.locator(".stability")).to_be_visible()


def taken_home(page: Page) -> None:
    page.get_by_role("button", name="Make the files").click()
    expect(page.get_by_role("link", name="The page to read or print")).to_be_visible(timeout=20_000)


def opened(page: Page) -> None:
    page.evaluate("document.querySelectorAll('.results details').forEach(fold => { fold.open = true; })")


def sheet(page: Page) -> None:
    page.evaluate("location.hash = '#your-answers'")


STATES: dict[str, Callable[[Page], object]] = {
    "start": lambda page: None,
    "filtered": filtered,
    "darker skin": darker,
    "nothing fits": nothing_fits,
    "error": wrong,
    "compare": compared,
    "plan": planned,
    "what if": asked,
    "take home": taken_home,
    "every fold open": opened,
    "sheet of questions": sheet,
}


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(seen, state):
    start(seen)
    STATES[state](seen)
    assert findings(seen) == ""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_axe_finds_nothing_before_the_widgets_are_there(browser, voila_server, width, scheme):
    """The first view, opened and answered, while scripts do not come."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.route("**/voila.js", lambda route: None)
    page.goto(f"{voila_server}/", wait_until="commit")
    expect(page.get_by_text("Getting the page ready.")).to_be_visible(timeout=60_000)
    before = page.locator(SUMMARY).inner_text()
    if width < 800:
        sheet(page)
    page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "6"))
    expect(page.locator("[data-hook=summary]")).not_to_have_text(before)
    page.locator(".rail").evaluate("rail => rail.scrollTo(0, 1e6)")  # no control is cut by its edge
    assert findings(page) == ""
    if width < 800:
        page.keyboard.press("Escape")
    opened(page)
    assert findings(page) == ""
    context.close()


def test_a_change_of_the_result_is_told_to_who_listens(seen):
    start(seen)
    before = seen.locator(SUMMARY).first.inner_text()
    answer(seen, "control-setting", "At home")
    expect(seen.locator(SUMMARY).first).not_to_have_text(before)
    after = seen.locator(SUMMARY).first.inner_text()
    said = seen.locator("#announcer")
    name = seen.locator("article[data-hook=option] :is(h3, h4)").first
    first = name.evaluate("name => name.firstChild.textContent.trim()")
    expect(said).to_contain_text(after)
    expect(said).to_have_text(re.compile(rf"^({re.escape(after)} )?First: {re.escape(first)}\.$|^{re.escape(after)}$"))
    assert said.get_attribute("role") == "status"


def test_what_else_changes_is_told_to_who_listens(seen):
    start(seen)
    seen.wait_for_timeout(700)  # what an answer has changed is told first, and alone
    said = seen.locator("#announcer")
    seen.get_by_label("Search").fill("no such thing")
    expect(said).to_contain_text("No treatment matches")
    seen.get_by_label("Search").fill("")
    expect(said).to_contain_text("32 of 32 options")
    seen.locator(".control-planned select").first.select_option(label="Light chemical peel")
    expect(said).to_contain_text("Light chemical peel 4 times.")
    seen.locator(".control-compared select").first.select_option(label="Light chemical peel")
    expect(said).to_have_text("Side by side: No treatment, Light chemical peel.")
    seen.get_by_label("Open a link that holds answers").fill(Record(scarlib.Client(scars={"boxcar": 3})).to_link())
    seen.keyboard.press("Enter")
    expect(said).to_contain_text("Opened. The whole page now follows these answers.")


def test_the_focus_is_not_lost_where_its_box_goes_away(seen):
    start(seen)
    if seen.viewport_size["width"] < 800:
        sheet(seen)
    group = seen.locator(".condition-group:has-text('allergies')")
    group.locator("> .tick input").check()
    thing = group.locator(".condition-ticks input").first
    thing.check()
    expect(seen.locator(".problems")).to_be_hidden()
    thing.focus()
    seen.keyboard.press("Space")  # a wrong tick taken back: the yes still stands, and asks to what
    expect(seen.locator(".problems")).to_contain_text("it does not count yet")
    expect(thing).to_be_focused()
    group.locator("> .tick input").evaluate("yes => yes.click()")
    expect(group.locator(".condition-ticks")).to_have_count(0)
    expect(group.locator("> .tick input")).to_be_focused()


def test_headings_are_in_order(seen):
    levels = seen.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4')].filter(e => e.checkVisibility()).map(e => +e.tagName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


def test_the_whole_way_by_keyboard_alone(browser, voila_server):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{voila_server}/")
    expect(page.locator(".first-view")).to_have_count(0, timeout=60_000)
    keys = page.keyboard

    name = str(TABLES.treatments.at["tca_cross", "name"])

    def tab_to(selector: str, most: int = 250) -> None:
        for _ in range(most):
            keys.press("Tab")
            if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", f"the focus on {selector} cannot be seen"
                return
        pytest.fail(f"Tab does not reach {selector}")

    tab_to("#page-bar a")
    tab_to("#theme")
    keys.press("Enter")
    assert page.evaluate("document.documentElement.style.colorScheme") == "dark"
    tab_to(".scar-icepick select")
    keys.press("End")
    tab_to(".control-fitzpatrick select")
    keys.press("End")
    expect(page.locator(".control-fitzpatrick select")).to_have_value(TABLES.label("skin_type", "6"))
    client = scarlib.Client(scars={"icepick": 3, "rolling": 2}, fitzpatrick=6)
    best = scarlib.recommend(client, TABLES).index[0]
    expect(page.locator("[data-hook=option]").first).to_have_attribute("data-id", best)
    tab_to("[data-hook=option] summary")
    keys.press("Enter")
    expect(page.locator("[data-hook=option] details[open]").first).to_be_visible()
    tab_to(".control-compared select")
    keys.type(name[:9])
    expect(page.locator("[data-hook=comparison] thead")).to_contain_text(name)
    tab_to(".control-planned select")
    keys.type(name[:9])
    expect(page.locator("[data-hook=plan]")).to_contain_text(name)
    tab_to(".control-report, .control-report button")
    keys.press("Enter")
    expect(page.get_by_role("link", name="The page to read or print")).to_be_visible(timeout=20_000)
    tab_to("a.download")
    with page.expect_download() as download:
        keys.press("Enter")
    assert download.value.suggested_filename == "acne-scar-plan.html"
    context.close()


def test_nothing_moves_for_who_wants_no_motion(browser, voila_server):
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{voila_server}/")
    expect(page.locator(".first-view")).to_have_count(0, timeout=60_000)
    moving = page.evaluate(
        "[...document.querySelectorAll('.scarlib *')].filter(e => e.getAnimations().length).map(e => e.className)"
    )
    assert moving == []
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    context.close()
