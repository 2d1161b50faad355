"""The dashboard on a phone: results first, the questions as a sheet, and no scrolling sideways."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from expected import TABLES, told
from playwright.sync_api import Page, expect

from scarlib.ui.model import START

pytestmark = pytest.mark.browser

SUMMARY = "[data-hook=summary]:visible"
OUTSIDE = """
() => [...document.querySelectorAll('.scarlib *')].filter(e => {
  if (!e.checkVisibility() || e.closest('.scroll, svg, .map')) return false;
  const b = e.getBoundingClientRect();
  return b.width > 0 && (b.right > document.documentElement.clientWidth + 1 || b.left < -1);
}).map(e => e.tagName + '.' + e.className + ': ' + e.textContent.trim().slice(0, 60)).slice(0, 10)
"""


@pytest.fixture(scope="module")
def visit(browser, voila_server):
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    page = context.new_page()
    page.faults = []
    page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.goto(f"{voila_server}/")
    expect(page.locator(".first-view")).to_have_count(0, timeout=60_000)
    page.set_default_timeout(10_000)
    yield page
    context.close()


@pytest.fixture
def phone(visit):
    """The page with its first answers, the sheet shut, at the top."""
    open_sheet(visit)
    visit.get_by_role("button", name="Start again").tap()
    shut_sheet(visit)
    expect(visit.locator(SUMMARY)).to_have_text(told(START))
    visit.evaluate("window.scrollTo({top: 0, behavior: 'instant'})")
    return visit


def open_sheet(page: Page) -> None:
    if page.locator(".to-questions").is_visible():
        page.locator(".to-questions").tap()
    expect(page.locator(".control-fitzpatrick select")).to_be_visible()


def shut_sheet(page: Page) -> None:
    page.locator(".to-results").tap()
    expect(page.locator(".control-fitzpatrick select")).to_be_hidden()


@contextmanager
def sized(page: Page, width: int, height: int = 844) -> Iterator[None]:
    """The page in a window of another size, for a while."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    try:
        yield
    finally:
        page.set_viewport_size(before)


def sideways(page: Page) -> int:
    return page.evaluate(
        "(([html, body]) => Math.max(html.scrollWidth, body.scrollWidth) - html.clientWidth)"
        "([document.documentElement, document.body])"
    )


def test_results_come_first_and_the_bar_stands_at_the_foot(phone):
    expect(phone.locator(".control-fitzpatrick select")).to_be_hidden()
    summary = phone.locator(SUMMARY).bounding_box()
    assert summary["y"] + summary["height"] < 844, "what fits has to be seen without scrolling"
    bar = phone.locator(".to-questions").bounding_box()
    assert bar["y"] + bar["height"] == pytest.approx(844, abs=1)
    assert bar["width"] == pytest.approx(390, abs=1)
    assert bar["height"] >= 44


@pytest.mark.parametrize("width", [320, 390, 600, 641, 820, 960, 961])
def test_the_page_never_scrolls_sideways(phone, width):
    with sized(phone, width):
        assert sideways(phone) <= 0
        assert phone.evaluate(OUTSIDE) == []
        for fold in phone.locator("article.card[data-hook=option]").first.locator("summary").all():
            fold.click()
        assert sideways(phone) <= 0
        assert phone.evaluate(OUTSIDE) == []


@pytest.mark.parametrize("width", [320, 390])
def test_the_sheet_of_questions_opens_fits_and_shuts(phone, width):
    with sized(phone, width):
        open_sheet(phone)
        assert sideways(phone) <= 0
        assert phone.evaluate(OUTSIDE) == []
        covered = phone.evaluate(
            "(b => [b.left, b.top, b.right, b.bottom])(document.querySelector('.rail').getBoundingClientRect())"
        )
        assert covered == pytest.approx([0, 0, width, 844], abs=1)
        for select in phone.locator(".rail select").all():
            box = select.bounding_box()
            assert box["height"] >= 40
            assert box["width"] >= 200
        shut_sheet(phone)
        expect(phone.locator(SUMMARY)).to_be_visible()


def test_an_answer_in_the_sheet_changes_the_results(phone):
    open_sheet(phone)
    phone.locator(".control-fitzpatrick select").select_option(index=5)
    question = TABLES.conditions.at["pregnancy", "group_question"]
    phone.get_by_label(question).check()
    phone.get_by_label(TABLES.conditions.at["pregnancy", "label"], exact=True).check()
    shut_sheet(phone)
    expect(phone.locator(SUMMARY)).to_have_text(told(START.replace(fitzpatrick=5, conditions={"pregnancy"})))
    first = phone.locator("article.card[data-hook=option]").first
    expect(first).to_contain_text("ark marks")


def test_the_last_question_is_not_hidden_behind_the_bar(phone):
    open_sheet(phone)
    last = phone.get_by_role("button", name="Start again")
    last.scroll_into_view_if_needed()
    phone.evaluate("document.querySelector('.rail').scrollTo(0, 1e6)")
    bar = phone.locator(".to-results").bounding_box()
    box = last.bounding_box()
    assert box["y"] + box["height"] <= bar["y"]
    shut_sheet(phone)


def test_the_end_of_the_page_is_not_hidden_behind_the_bar(phone):
    phone.evaluate("window.scrollTo({top: 1e6, behavior: 'instant'})")
    bar = phone.locator(".to-questions").bounding_box()
    last = phone.get_by_text("It is not stored anywhere else.").last.bounding_box()
    assert last["y"] + last["height"] <= bar["y"]


def test_the_sheet_opens_with_its_first_question_in_view_each_time(phone):
    phone.evaluate("window.scrollTo({top: 3000, behavior: 'instant'})")
    open_sheet(phone)
    box = phone.locator(".scar-icepick select").bounding_box()
    assert 0 <= box["y"] <= 800
    shut_sheet(phone)
    phone.wait_for_function("document.querySelector('#fits').getBoundingClientRect().top < 844")


def test_the_phone_keeps_the_questions_out_of_reach_while_the_sheet_is_shut(phone):
    hidden = phone.locator(".rail select").evaluate_all("all => all.filter(e => e.checkVisibility()).length")
    assert hidden == 0


def test_buttons_and_folds_are_large_enough_to_touch(phone):
    small = phone.locator(".results summary, .results nav a, .results select, .results input").evaluate_all(
        "all => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 24)"
        ".map(e => e.outerHTML.slice(0, 100))"
    )
    assert small == []


def test_text_is_no_smaller_than_a_phone_can_show(phone):
    small = phone.evaluate(
        "[...document.querySelectorAll('.scarlib *')].filter(e => e.checkVisibility()"
        " && !e.closest('svg, .widget-upload') && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())"
        " && parseFloat(getComputedStyle(e).fontSize) < 13).map(e => e.outerHTML.slice(0, 100)).slice(0, 5)"
    )
    assert small == []


def test_the_wide_table_scrolls_by_itself(phone):
    box = phone.locator(".scroll").last
    assert box.evaluate("e => e.scrollWidth > e.clientWidth")
    assert box.get_attribute("tabindex") == "0"
    assert sideways(phone) <= 0


def test_a_phone_held_sideways_has_the_sheet_too_and_keeps_it_open_as_it_turns(phone):
    open_sheet(phone)
    phone.locator(".control-budget_usd select").focus()
    with sized(phone, 844, 390):
        expect(phone.locator(".to-results")).to_be_visible()
        expect(phone.locator(".control-budget_usd select")).to_be_in_viewport()
        shut_sheet(phone)
        expect(phone.locator(".to-questions")).to_be_visible()
        assert sideways(phone) <= 0


def test_options_stand_side_by_side_as_soon_as_there_is_room(phone):
    top = "all => all.map(e => Math.round(e.getBoundingClientRect().top))"
    cells = phone.locator("table.compare tbody tr").first.locator("td")
    assert len(set(cells.evaluate_all(top))) == 3
    with sized(phone, 768, 1024):
        assert len(set(cells.evaluate_all(top))) == 1
        assert phone.locator(".scroll:has(.compare)").evaluate("e => e.scrollWidth <= e.clientWidth")


@pytest.mark.parametrize("width", [390, 768])
def test_the_title_of_a_wide_table_is_in_sight_whole(phone, width):
    with sized(phone, width):
        for title in phone.locator(".scroll caption:visible").all():
            ends = title.evaluate("e => [e, e.closest('.scroll')].map(one => one.getBoundingClientRect().right)")
            assert ends[0] <= ends[1] + 1, title.inner_text()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_fold_that_is_opened_stays_under_the_finger(phone, width):
    with sized(phone, width):
        card = phone.locator("article.card[data-hook=option]").first
        card.evaluate("card => card.querySelectorAll('details').forEach(fold => { fold.open = false; })")
        for fold in card.locator(".folds summary").all():
            fold.evaluate("fold => fold.scrollIntoView({block: 'center', behavior: 'instant'})")
            before = fold.bounding_box()
            fold.click()
            expect(fold.locator("xpath=..")).to_have_attribute("open", "")
            after = fold.bounding_box()
            assert (after["x"], after["y"]) == pytest.approx((before["x"], before["y"]), abs=1), fold.inner_text()
            fold.click()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_grows_with_the_text_size_a_reader_has_set(launch, voila_server, width):
    sizes = {}
    for size in (16, 32):
        reader = launch(f"--blink-settings=defaultFontSize={size}")
        page = reader.new_page(viewport={"width": width, "height": 844})
        page.goto(f"{voila_server}/")
        expect(page.locator(".first-view")).to_have_count(0, timeout=60_000)
        expect(page.locator("#about")).to_be_attached(timeout=60_000)
        assert sideways(page) <= 0
        assert page.evaluate(OUTSIDE) == []
        sizes[size] = page.evaluate(
            "['h1', '.summary', '.card p', 'small', '.to-questions', '#theme', '.question > select', '.tick label']"
            ".map(e => parseFloat(getComputedStyle(document.querySelector(e)).fontSize))"
        )
        reader.close()
    # A wide window whose text is doubled is laid out as a phone, with a smaller title.
    assert sizes[32][1:] == pytest.approx([2 * size for size in sizes[16][1:]])
    assert sizes[32][0] > 1.5 * sizes[16][0]


def test_the_phone_reported_no_errors(phone):
    assert phone.faults == []
