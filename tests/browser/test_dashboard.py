"""The dashboard in a real browser, on a wide screen: it loads by itself, answers, and can be used without a mouse."""

import re
import urllib.request
from html.parser import HTMLParser
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from expected import TABLES, told
from playwright.sync_api import Page, expect
from pypdf import PdfReader

import scarlib
from scarlib import Client
from scarlib.screening import NO_TREATMENT, RANKED
from scarlib.ui.model import START

pytestmark = pytest.mark.browser

OPTION = "[data-hook=option]:visible"
SUMMARY = "[data-hook=summary]:visible"
LEAKS = ("Traceback", "import scarlib", "load_tables", "Dashboard(", "site-packages", "KeyError", "ipykernel_")


def order(client):
    options = scarlib.recommend(client, TABLES)
    return [treatment for treatment in options.index if options.at[treatment, "verdict"] in RANKED]


def shows(page: Page, client: Client) -> None:
    """Wait until the page shows what the library says of this client."""
    expect(page.locator(SUMMARY)).to_have_text(told(client))
    page.wait_for_function(
        "wanted => JSON.stringify([...document.querySelectorAll('[data-hook=option]')]"
        ".filter(e => e.checkVisibility()).map(e => e.dataset.id)) === wanted",
        arg=str(order(client)).replace("'", '"').replace(", ", ","),
        timeout=5000,
    )


def select(page: Page, css_class: str):
    return page.locator(f".{css_class} select")


def choose(page: Page, css_class: str, label: str) -> None:
    select(page, css_class).select_option(label=label)


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return page.evaluate(
        "(([html, body]) => Math.max(html.scrollWidth, body.scrollWidth) - html.clientWidth)"
        "([document.documentElement, document.body])"
    )


@pytest.fixture(scope="module")
def visit(browser, voila_server):
    """One visit, with what it said and asked for on the way."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.faults, page.asked = [], []
    page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(f"{voila_server}/")
    expect(page.locator(".first-view")).to_have_count(0, timeout=60_000)
    page.set_default_timeout(10_000)
    yield page
    context.close()


@pytest.fixture
def dashboard(visit):
    """The page with its first answers."""
    visit.get_by_role("button", name="Start again").click()
    shows(visit, START)
    return visit


# What the server sends before anything runs


class Reply(HTMLParser):
    """Tags and texts that are there before any script runs."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.said, self.within = [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.within = tag

    def handle_data(self, data):
        if self.within not in ("script", "style"):
            self.said += data


@pytest.fixture(scope="module")
def reply(voila_server):
    with urllib.request.urlopen(f"{voila_server}/", timeout=60) as answer:
        return answer.read().decode()


def test_the_first_reply_holds_the_ranked_options_as_plain_html(reply):
    plain = Reply(reply)
    assert [tag["data-id"] for _, tag in plain.tags if tag.get("data-hook") == "option"] == order(START)
    assert told(START) in plain.said
    for treatment in order(START):
        assert TABLES.treatments.at[treatment, "name"] in plain.said


def test_the_first_reply_asks_no_other_host_for_anything(reply):
    loaded = [tag.get("src") or tag.get("href") or "" for name, tag in Reply(reply).tags if name not in ("a",)]
    assert [address for address in loaded if urlsplit(address).netloc] == []
    assert not re.search(r"@import|url\(\s*['\"]?https?:", reply)


def test_the_first_reply_shows_no_code_and_no_path(reply, root):
    for leak in (*LEAKS, str(root)):
        assert leak not in reply
    assert not re.search(r"(?<![\w.])(/home/|/usr/|/opt/|/root/|/tmp/)\w", reply)


# The page


def test_title_language_and_one_heading(dashboard):
    assert "Acne scar treatments" in dashboard.title()
    assert dashboard.locator("html").get_attribute("lang") == "en"
    expect(dashboard.get_by_role("heading", level=1)).to_have_count(1)
    expect(dashboard.get_by_text("does not diagnose").first).to_be_visible()


def test_every_hook_stands_once_in_the_document(dashboard):
    assert dashboard.locator("[data-hook=summary]").count() == 1
    ids = dashboard.locator("[data-hook=option], [data-hook=ruled-out]").evaluate_all(
        "all => all.map(e => e.dataset.id)"
    )
    assert sorted(ids) == sorted(TABLES.treatments.index)


def test_darker_skin_changes_the_options_and_puts_dark_marks_first(dashboard):
    select(dashboard, "control-fitzpatrick").select_option(index=5)
    shows(dashboard, START.replace(fitzpatrick=5))
    assert order(START) != order(START.replace(fitzpatrick=5))
    for card in dashboard.locator("article.card[data-hook=option]").all():
        read = card.inner_text()
        if card.get_attribute("data-id") != NO_TREATMENT:
            assert "skin type V" in read
            assert read.index("Dark marks (PIH)") < read.index("Improvement")
            tops = card.evaluate(
                "c => [c.querySelector('.marks'), c.querySelector('.why')].map(e => e.getBoundingClientRect().top)"
            )
            assert tops[0] < tops[1]


def test_selects_of_every_kind_change_what_fits(dashboard):
    client = START
    steps = [
        ("scar-icepick", "A lot", {"scars": {"rolling": 2, "icepick": 3}}),
        ("control-max_downtime_days", "3 days", {"max_downtime_days": 3}),
        ("control-max_sessions", "3 visits", {"max_sessions": 3}),
        ("control-max_pain", "up to 4 of 10", {"max_pain": 4}),
        ("control-budget_usd", "up to $2,000", {"budget_usd": 2000}),
        ("control-setting", "Clinic or med spa, no doctor", {"setting": "med_spa"}),
    ]
    for css_class, label, change in steps:
        choose(dashboard, css_class, label)
        client = client.replace(**change)
        shows(dashboard, client)
    select(dashboard, "control-severity").select_option(index=3)
    shows(dashboard, client.replace(severity=3))


def test_the_parts_of_the_page_change_together(dashboard):
    limits = {"0 days": 0, "3 days": 3, "7 days": 7, "No limit": None}
    right = []
    dashboard.evaluate("""() => {
        window.frames = [];
        const look = () => {
            const shown = (hook) =>
                [...document.querySelectorAll(`[data-hook=${hook}]`)].filter(e => e.checkVisibility());
            const frame = [shown("summary")[0].textContent, shown("option").map(e => e.dataset.id).join()];
            if (frame.join() !== frames.at(-1)?.join()) frames.push(frame);
            window.looking = requestAnimationFrame(look);
        };
        look();
    }""")
    for label, days in limits.items():
        choose(dashboard, "control-max_downtime_days", label)
        client = START.replace(max_downtime_days=days)
        shows(dashboard, client)
        right.append([told(client), ",".join(order(client))])
    frames = dashboard.evaluate("() => { cancelAnimationFrame(looking); return frames; }")
    assert frames == [right[-1], *right]


def test_what_matters_changes_the_order(dashboard):
    cost = dashboard.locator(".control-priorities", has_text=TABLES.label("priority", "cost")).locator("select")
    cost.select_option(label="Most of all")
    client = START.replace(priorities={**START.priorities, "cost": 3})
    shows(dashboard, client)
    assert order(client) != order(START)


def test_undo_takes_back_a_click(dashboard):
    choose(dashboard, "control-budget_usd", "up to $500")
    shows(dashboard, START.replace(budget_usd=500))
    dashboard.get_by_role("button", name="Undo").click()
    shows(dashboard, START)
    chosen = select(dashboard, "control-budget_usd").evaluate("e => e.selectedOptions[0]?.text")
    assert chosen.replace("\xa0", " ") == "No limit"


def test_traits_and_conditions_by_mouse(dashboard):
    dashboard.get_by_label("What are they like?").check()
    dashboard.get_by_label(TABLES.label("trait", "tethered"), exact=True).check()
    shows(dashboard, START.replace(traits={"tethered"}))
    dashboard.get_by_label(TABLES.conditions.at["pregnancy", "group_question"]).check()
    dashboard.get_by_label(TABLES.conditions.at["pregnancy", "label"], exact=True).check()
    shows(dashboard, START.replace(traits={"tethered"}, conditions={"pregnancy"}))


def test_a_group_of_conditions_by_keyboard(dashboard):
    question = dashboard.get_by_label(TABLES.conditions.at["isotretinoin_recent", "group_question"])
    question.focus()
    dashboard.keyboard.press("Space")
    tick = dashboard.get_by_label(TABLES.conditions.at["isotretinoin_recent", "label"], exact=True)
    expect(tick).to_be_visible()
    for _ in range(10):
        dashboard.keyboard.press("Tab")
        if tick.evaluate("e => e === document.activeElement"):
            break
    expect(tick).to_be_focused()
    dashboard.keyboard.press("Space")
    shows(dashboard, START.replace(conditions={"isotretinoin_recent"}))
    expect(tick).to_be_checked()
    expect(tick).to_be_focused()


def test_no_scars_is_said_and_no_old_result_stays(dashboard):
    choose(dashboard, "scar-rolling", "Not a problem")
    expect(dashboard.get_by_role("alert")).to_contain_text("Choose at least one kind of scar")
    expect(dashboard.locator("[data-hook=option], [data-hook=summary]")).to_have_count(0)
    choose(dashboard, "scar-keloid", "A lot")
    shows(dashboard, START.replace(scars={"keloid": 3}))
    expect(dashboard.get_by_role("alert")).to_have_count(0)


def test_where_nothing_fits_the_page_says_so_and_names_the_nearest(dashboard):
    select(dashboard, "control-fitzpatrick").select_option(index=6)
    for css_class, label in {
        "control-max_downtime_days": "0 days",
        "control-max_sessions": "1 visit",
        "control-max_pain": "up to 1 of 10",
        "control-budget_usd": "up to $250",
        "control-setting": "At home",
    }.items():
        choose(dashboard, css_class, label)
    client = START.replace(
        fitzpatrick=6, max_downtime_days=0, max_sessions=1, max_pain=1, budget_usd=250, setting="home"
    )
    shows(dashboard, client)
    assert order(client) == [NO_TREATMENT]
    said = dashboard.locator(".empty").first
    expect(said).to_contain_text("Nothing fits all of what you said")
    expect(said.locator("li")).to_have_count(3)


def test_a_click_on_a_dot_shows_that_option_in_full(dashboard):
    select(dashboard, "control-fitzpatrick").select_option(index=3)
    client = START.replace(fitzpatrick=3)
    shows(dashboard, client)
    dashboard.locator(".map").scroll_into_view_if_needed()
    dots = dashboard.locator(".map .dot_grp, .map .object_grp")
    expect(dots.first).to_be_visible()
    ranks = [text.strip() for text in dots.all_text_contents()]
    for rank in (ranks[0], ranks[-1]):
        dots.nth(ranks.index(rank)).locator("path.dot").click()
        wanted = order(client)[int(rank) - 1]
        expect(dashboard.locator("[data-hook=chosen]")).to_have_attribute("data-id", wanted)
    name = TABLES.treatments.at[wanted, "name"]
    expect(dashboard.locator("[data-hook=chosen]")).to_contain_text(name)


def test_every_dot_is_large_enough_to_hit(dashboard):
    """WCAG 2.2, 2.5.8: 24 by 24 pixels, or as much room around it."""
    boxes = dashboard.locator(".map path.dot").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(b => [b.x + b.width / 2, b.y + b.height / 2, b.width])"
    )
    assert boxes
    for n, (x, y, width) in enumerate(boxes):
        others = [((x - u) ** 2 + (y - v) ** 2) ** 0.5 for m, (u, v, _) in enumerate(boxes) if m != n]
        assert width >= 24 or min(others, default=99) >= 24, f"dot {n} is {width:.0f} px wide and crowded"
        assert width >= 8, f"dot {n} is {width:.0f} px wide: too small to see"


def test_the_table_is_searched_sorted_and_narrowed(dashboard):
    rows = dashboard.locator("table.options tbody tr")
    expect(rows).to_have_count(len(TABLES.treatments))
    search = dashboard.get_by_label("Search")
    search.fill("dermabrasion")
    expect(rows).not_to_have_count(len(TABLES.treatments))
    found = rows.evaluate_all("all => all.map(e => e.dataset.id)")
    assert "dermabrasion" in found
    search.fill("no such thing")
    expect(dashboard.get_by_text("No treatment matches")).to_be_visible()
    search.fill("")
    expect(rows).to_have_count(len(TABLES.treatments))
    dashboard.get_by_label("Sort by").select_option(label="Name")
    first = min(TABLES.treatments["name"])
    expect(rows.first).to_contain_text(first)
    dashboard.get_by_label("Sort by").select_option(label="Best first")
    dashboard.get_by_label("Fit", exact=True).select_option(label=TABLES.label("verdict", "avoid"))
    verdicts = scarlib.recommend(START, TABLES)["verdict"]
    expect(rows).to_have_count(int((verdicts == "avoid").sum()))
    dashboard.get_by_label("Fit", exact=True).select_option(label="All")
    expect(rows).to_have_count(len(TABLES.treatments))


def test_one_kind_of_treatment(dashboard):
    choose(dashboard, "control-family", TABLES.label("family", "peels"))
    wanted = [t for t in order(START) if TABLES.treatments.at[t, "family"] in ("peels", "no_treatment")]
    expect(dashboard.locator(OPTION)).to_have_count(len(wanted))
    choose(dashboard, "control-family", "All kinds")
    shows(dashboard, START)


def test_harms_open_and_are_no_smaller_than_benefits(dashboard):
    card = dashboard.locator(f"article.card[data-hook=option]:not([data-id={NO_TREATMENT}])").first
    card.get_by_text("What can go wrong").click()
    harm = card.locator(".harms li span").first
    expect(harm).to_be_visible()
    size = "e => parseFloat(getComputedStyle(e).fontSize)"
    assert harm.evaluate(size) >= card.locator(".ranges dd > span:not(.bar)").first.evaluate(size)
    assert harm.evaluate(size) >= card.locator(".why").evaluate(size)


def test_every_control_has_a_name_a_screen_reader_can_say(dashboard):
    nameless = dashboard.locator("select, input, button").evaluate_all(
        "all => all.filter(e => e.checkVisibility() && !(e.labels?.length && e.labels[0].innerText.trim())"
        " && !e.getAttribute('aria-label') && !e.title && !e.innerText?.trim()).map(e => e.outerHTML.slice(0, 120))"
    )
    assert nameless == []


# Without a mouse, at 200 %, in the dark


def test_tab_reaches_the_first_question_and_the_focus_can_be_seen(dashboard):
    dashboard.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges(); window.scrollTo(0, 0)")
    dashboard.locator("h1").click()
    for _ in range(6):
        dashboard.keyboard.press("Tab")
        if dashboard.evaluate("document.activeElement.tagName") == "SELECT":
            break
    assert dashboard.evaluate("document.activeElement.closest('.control-scars') !== null")
    ring = dashboard.evaluate(
        "(s => [s.outlineStyle, parseFloat(s.outlineWidth), s.outlineColor])(getComputedStyle(document.activeElement))"
    )
    assert ring[0] != "none"
    assert ring[1] >= 2
    box = dashboard.evaluate("(b => [b.top, b.bottom])(document.activeElement.getBoundingClientRect())")
    assert box[0] >= 0
    assert box[1] <= 900


@pytest.mark.parametrize("what", [".tick input", ".rail button", ".filters input", "summary", "nav a"])
def test_the_focus_can_be_seen_on_everything_else(dashboard, what):
    dashboard.keyboard.press("Tab")  # from here on the browser knows that keys are used
    one = dashboard.locator(f".scarlib {what}:visible").first
    one.focus()
    style, width = one.evaluate("e => [getComputedStyle(e).outlineStyle, parseFloat(getComputedStyle(e).outlineWidth)]")
    assert style != "none"
    assert width >= 2


def test_an_undone_question_shows_its_words_and_not_an_empty_box(dashboard):
    for css_class in ("control-fitzpatrick", "control-budget_usd", "control-severity", "control-setting"):
        select(dashboard, css_class).select_option(index=2)
    dashboard.get_by_role("button", name="Start again").click()
    shows(dashboard, START)
    empty = dashboard.locator(".rail select").evaluate_all(
        "all => all.filter(e => e.selectedIndex < 0).map(e => e.closest('.question').innerText.split('\\n')[0])"
    )
    assert empty == []


def test_the_questions_stay_beside_the_results_as_one_scrolls(dashboard):
    dashboard.evaluate("window.scrollTo({top: 2500, behavior: 'instant'})")
    box = dashboard.locator(".rail").bounding_box()
    assert -1 <= box["y"] <= 100
    dashboard.evaluate("window.scrollTo({top: 0, behavior: 'instant'})")


def test_every_question_can_be_reached_by_tab(dashboard):
    dashboard.locator("h1").click()
    reached = set()
    for _ in range(60):
        dashboard.keyboard.press("Tab")
        reached |= set(
            dashboard.evaluate("document.activeElement.closest('.question, .tick')?.className.split(' ') ?? []")
        )
    wanted = {"control-scars", "control-severity", "control-fitzpatrick", "control-conditions", "control-max_pain"}
    wanted |= {"control-max_downtime_days", "control-max_sessions", "control-budget_usd", "control-setting"}
    wanted |= {"control-priorities", "control-family"}
    assert wanted <= reached


def test_a_select_can_be_changed_by_keyboard(dashboard):
    select(dashboard, "control-fitzpatrick").focus()
    dashboard.keyboard.press("ArrowDown")
    shows(dashboard, START.replace(fitzpatrick=1))


def test_at_200_per_cent_nothing_is_cut_off(dashboard):
    dashboard.set_viewport_size({"width": 640, "height": 450})
    try:
        assert sideways(dashboard) <= 0
        expect(dashboard.locator(SUMMARY)).to_be_visible()
    finally:
        dashboard.set_viewport_size({"width": 1280, "height": 900})
    assert sideways(dashboard) <= 0


CONTRAST = """
css => {
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const rgba = c => c.match(/[\\d.]+/g).map(Number);
  const ground = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  const worst = {};
  for (const e of document.querySelectorAll(css)) {
    if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const a = light(rgba(getComputedStyle(e).color).slice(0, 3)), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const key = e.tagName.toLowerCase() + '.' + e.className;
    if (ratio < 4.5) worst[key] = ratio.toFixed(2) + ' ' + e.textContent.trim().slice(0, 40);
  }
  return worst;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(dashboard, scheme):
    dashboard.emulate_media(color_scheme=scheme)
    dashboard.wait_for_timeout(500)  # for the theme's own styles
    try:
        assert dashboard.evaluate(CONTRAST, ".scarlib *") == {}
    finally:
        dashboard.emulate_media(color_scheme="light")


def test_dark_mode_is_dark(dashboard):
    colour = (
        "(s => [s.backgroundColor, s.color].map(c => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0)))"
    )
    grounds = {}
    for scheme in ("light", "dark"):
        dashboard.emulate_media(color_scheme=scheme)
        grounds[scheme] = dashboard.evaluate(f"{colour}(getComputedStyle(document.querySelector('.scarlib')))")
    dashboard.emulate_media(color_scheme="light")
    assert grounds["light"][0] > 600 > 200 > grounds["light"][1]
    assert grounds["dark"][0] < 200 < 500 < grounds["dark"][1]


def test_on_paper_the_page_begins_on_the_first_sheet(dashboard):
    sheets = PdfReader(BytesIO(dashboard.pdf(format="A4"))).pages
    assert "what fits you" in sheets[0].extract_text()
    assert len(sheets) < 40


def test_on_paper_every_option_side_by_side_is_whole(dashboard):
    boxes = dashboard.locator(".control-compared select")
    names = [
        str(TABLES.treatments.at[t, "name"]) for t in ("laser_eryag_fractional", "tca_cross", "subcision", "filler_ha")
    ]
    for place, name in enumerate(names):
        boxes.nth(place).select_option(label=name)
        expect(dashboard.locator("[data-hook=comparison] thead")).to_contain_text(name)
    wide = "document.querySelector('table.compare').getBoundingClientRect().right"
    dashboard.emulate_media(media="print")
    dashboard.set_viewport_size({"width": 680, "height": 960})  # a sheet of A4 between its margins
    try:
        assert dashboard.evaluate(wide) <= 680
        cells = dashboard.locator("table.compare :is(td, th)").evaluate_all(
            "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"
        )
        assert cells == []
    finally:
        dashboard.emulate_media(media="screen")
        dashboard.set_viewport_size({"width": 1280, "height": 900})
        boxes.first.select_option(label="The two best fits")


def test_the_links_on_the_page_lead_somewhere(dashboard):
    aims = dashboard.locator(".scarlib a[href^='#']:not(.share)").evaluate_all(
        "all => all.map(e => e.getAttribute('href'))"
    )
    for aim in set(aims):
        assert dashboard.locator(aim).count() == 1, aim


# After all of it


def test_nothing_went_wrong_on_the_way_and_nothing_left_the_page(dashboard, voila_server, root):
    assert dashboard.faults == []
    here = urlsplit(voila_server).netloc
    others = {urlsplit(url).netloc for url in dashboard.asked if urlsplit(url).scheme not in ("data", "blob")}
    assert others == {here}
    shown = dashboard.content()
    for leak in (*LEAKS, str(root)):
        assert leak not in shown
    assert not [url for url in dashboard.asked if "fitzpatrick" in url or "rolling" in url]
    assert dashboard.context.cookies() == [] or not any(
        "scars" in cookie["value"] for cookie in dashboard.context.cookies()
    )


def test_a_page_that_is_left_may_give_its_kernel_back(browser, voila_server):
    """The page holds the token that its goodbye needs; without one the server refuses it and the kernel stays."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(voila_server)
    page.wait_for_selector(SUMMARY)
    goodbye = """async () => {
      const kernel = JSON.parse(document.getElementById("jupyter-config-data").textContent).kernelId;
      const form = new FormData();
      form.append("_xsrf", (document.cookie.match(/_xsrf=([^;]*)/) ?? [])[1] ?? "");
      return (await fetch(`/voila/api/shutdown/${kernel}`, { method: "POST", body: form })).status;
    }"""
    assert page.evaluate(goodbye) == 204
    context.close()
