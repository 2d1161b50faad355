"""The page to take home as it is printed and read: sheets, words on paper, sizes, and nothing asked of anyone."""

import io
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import pypdf
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

import scarlib
from scarlib import Client
from scarlib.evidence import weigh

pytestmark = pytest.mark.browser

TABLES = scarlib.load_tables()
EVIDENCE = weigh(TABLES)
POINT = 96 / 72  # CSS pixels
PAPERS = {"A4": (595, 842), "Letter": (612, 792)}  # points
PLAIN = Client(scars={"rolling": 2, "boxcar": 1}, fitzpatrick=4)
# Much to tell: limits that are broken, health that needs care, scars of a named character, a day to be ready by.
BUSY = PLAIN.replace(
    traits={"tethered"}, severity=3, max_downtime_days=7, budget_usd=6000, conditions={"herpes_history"}
)
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip


@dataclass(frozen=True)
class Case:
    client: Client
    treatments: tuple[str, ...]
    ready_by: date | None = None
    decision: str = ""
    considered: tuple[str, ...] = ()
    tables: scarlib.Tables = TABLES

    @property
    def plan(self):
        return self.treatments and scarlib.plan(
            self.client, self.treatments, date(2027, 3, 3), self.ready_by, self.tables
        )


CASES = {
    "one": Case(PLAIN, ("microneedling",), decision="chosen"),
    "one, much to tell": Case(BUSY, ("laser_nonablative_fractional",), date(2027, 9, 1)),
    "at home": Case(PLAIN, ("topical_retinoid",)),
    "two": Case(PLAIN, ("subcision", "laser_co2_fractional"), decision="chosen"),
    "two, much to tell": Case(BUSY, ("microneedling", "peel_superficial"), date(2027, 9, 1)),
    "ruled out": Case(PLAIN.replace(fitzpatrick=5), ("laser_ablative_full",)),
    "undecided": Case(BUSY, ()),
    "no treatment": Case(PLAIN, (), decision="no_treatment"),
    "two, three side by side, a menu, an event": Case(
        Client(
            scars={"icepick": 3, "boxcar": 2},
            fitzpatrick=4,
            conditions={"herpes_history"},
            max_downtime_days=5,
            budget_usd=3000,
        ),
        ("tca_cross", "microneedling"),
        date(2027, 7, 1),
        "chosen",
        ("tca_cross", "filler_caha"),
        scarlib.load_tables(menu=Path(scarlib.__file__).parents[1] / "docs" / "menu-example.csv"),
    ),
}


@lru_cache
def report(name: str) -> str:
    case = CASES[name]
    return scarlib.report(
        case.client,
        case.plan or None,
        case.tables,
        considered=case.considered,
        decision=case.decision,
        on=date(2026, 11, 27),
    )


@pytest.fixture(scope="module")
def printed(browser: Browser):
    """{(case, paper): the PDF}"""
    page = browser.new_page()
    found = {}
    for name in CASES:
        page.set_content(report(name))
        for paper in PAPERS:
            found[name, paper] = pypdf.PdfReader(io.BytesIO(page.pdf(format=paper)))
    page.close()
    return found


def squeezed(text: str) -> str:
    """A text without its spaces, as lines break where the sheet ends."""
    return re.sub(r"\s+", "", text)


def sideways(page: Page) -> int:
    """CSS pixels by which the page is wider than the window."""
    return page.evaluate(
        "(([html, body]) => Math.max(html.scrollWidth, body.scrollWidth) - html.clientWidth)"
        "([document.documentElement, document.body])"
    )


def told(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", CASES)
def test_it_prints_on_two_or_three_sheets(printed, name, paper):
    pdf = printed[name, paper]
    assert 2 <= len(pdf.pages) <= 3
    for sheet in pdf.pages:
        assert (float(sheet.mediabox.width), float(sheet.mediabox.height)) == pytest.approx(PAPERS[paper], abs=1.5)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", CASES)
def test_all_that_matters_is_on_paper(printed, name, paper):
    pdf, case = printed[name, paper], CASES[name]
    sheets = [squeezed(sheet.extract_text()) for sheet in pdf.pages]
    said = "".join(sheets)
    for number, sheet in enumerate(sheets, 1):
        assert f"Page{number}of{len(sheets)}" in sheet
    always = ("The decision", "What you told us", "The options side by side", "What can go wrong", "What stays unclear",
              "What else is not clear to you?", "Questions to ask", "Sources", "nobody paid for it",
              "Evidence read in November 2026")  # fmt: skip
    assert all(squeezed(words) in said for words in always)
    course = case.plan
    names = ", then ".join(TABLES.treatments.at[treatment, "name"] for treatment in course.order) if course else ""
    lead = {"chosen": "Chosen: ", "no_treatment": "No treatment for now."}.get(case.decision, "A plan to talk over: ")
    undecided = "Nothing that was asked for can be planned." if course else "Not decided yet."
    assert squeezed(lead + names if names or case.decision else undecided) in said
    for treatment in (*(course.order if course else ()), "no_treatment"):
        for event in EVIDENCE.harms(treatment):
            assert squeezed(TABLES.label("adverse_event", event)) in said
    if course:
        assert all(squeezed(told(day.date())) in said for day in course.visits["date_planned"])
        assert all(squeezed(label) in said for label in course.aftercare["label"])
        assert all(squeezed(conflict.text) in said for conflict in course.conflicts)
        assert (squeezed("Phone of the clinic") in said) is bool(course.order)
    if course and case.ready_by:
        assert squeezed("No result is promised by then.") in said
    numbers = [int(number) for number in re.findall(r'id="source-(\d+)"', report(name))]
    assert numbers
    assert all(squeezed(doi) in said for doi in re.findall(r"doi:[^<\s]+", report(name)))


@pytest.mark.parametrize("name", ["two", "one, much to tell", "no treatment"])
def test_no_type_on_paper_is_smaller_than_eight_points_and_harms_are_as_large_as_benefits(page, name):
    page.emulate_media(media="print")
    page.set_content(report(name))
    sizes = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
            .map(e => [parseFloat(getComputedStyle(e).fontSize), e.textContent.slice(0, 60)])"""
    )
    small = [(size, text) for size, text in sizes if size < 8 * POINT - 0.01]
    assert small == []
    rows = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.compare tbody tr')].map(row =>
            [row.cells[0].innerText.trim(), [...new Set([...row.querySelectorAll('td p, td li')]
                .map(e => getComputedStyle(e).fontSize + getComputedStyle(e).color))].join()]))"""
    )
    (harms,) = [look for question, look in rows.items() if question.startswith("What can go wrong?")]
    assert set(rows.values()) == {harms}
    assert (
        page.evaluate("parseFloat(getComputedStyle(document.querySelector('.part, .open li')).fontSize)") >= 9 * POINT
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 760, 1280])
@pytest.mark.parametrize("name", ["two", "undecided"])
def test_it_reads_on_every_screen_without_script_and_asks_for_nothing(browser, tmp_path: Path, name, width, scheme):
    file = tmp_path / "page.html"
    file.write_text(report(name), "utf-8")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    assert sideways(page) <= 0
    ground, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        ".map(c => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0))"
    )
    assert (ground < ink) is (scheme == "dark")
    assert asked == [file.as_uri()]
    context.close()
    unscripted = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=False)
    page = unscripted.new_page()
    asked.clear()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.screenshot(full_page=True)
    assert page.get_by_role("heading", name="What can go wrong, and when to call").is_visible()
    assert asked == [file.as_uri()]
    unscripted.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_screen_reader_finds_its_way(browser, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.set_content(report("two"))
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    assert found.violations_count == 0, found.generate_report()
    assert page.get_by_role("table").count() == 3
    assert page.get_by_role("img", name="visits from 3 March").count() == 1
    context.close()


def test_hostile_words_are_read_and_never_run(page, tmp_path: Path):
    words = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    page.set_content(scarlib.report(PLAIN, None, TABLES, unclear=words, on=date(2026, 11, 27)))
    assert page.title() == "Acne scars: your page to take home"
    assert words in page.locator(".own").inner_text()
