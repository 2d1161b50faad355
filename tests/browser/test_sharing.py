"""Links, files and menus in the dashboard: what a browser does with them that a widget tree cannot show."""

import json
import urllib.parse

import pytest
from expected import TABLES, told
from playwright.sync_api import Page, expect

from scarlib import Client
from scarlib.record import MARK, Record

pytestmark = pytest.mark.browser
RECORD = Record(Client(scars={"boxcar": 3}, fitzpatrick=5, max_downtime_days=3), planned=("subcision",))
SUMMARY = "[data-hook=summary]:visible"


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    expect(page.locator(".first-view")).to_have_count(0, timeout=60_000)
    return page


def upload(page: Page, css_class: str, name: str, text: str) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator(f"button.{css_class}").click()
    chooser.value.set_files({"name": name, "mimeType": "text/plain", "buffer": text.encode()})


def test_a_link_opens_its_answers_and_tells_no_server(page, voila_server):
    asked = []
    page.on("request", lambda request: asked.append(request.url + (request.post_data or "")))
    opened(page, f"{voila_server}/#{RECORD.to_link()}")
    expect(page.locator(SUMMARY)).to_have_text(told(RECORD.client), timeout=20_000)
    expect(page.locator(".control-fitzpatrick select")).to_have_value(TABLES.label("skin_type", "5"))
    expect(page.locator("[data-hook=plan]")).to_contain_text(str(TABLES.treatments.at["subcision", "name"]))
    assert asked
    assert not [url for url in asked if MARK in urllib.parse.unquote(url) or "boxcar" in url]


def test_a_link_opened_in_a_page_that_is_there_already(page, voila_server):
    opened(page, f"{voila_server}/")
    page.evaluate("link => { location.hash = link; }", RECORD.to_link())
    expect(page.locator(SUMMARY)).to_have_text(told(RECORD.client), timeout=20_000)


@pytest.mark.parametrize("phone", [False, True])
def test_the_way_back_does_not_bring_the_answers_of_a_link_again(page, phone_page, voila_server, phone):
    page = phone_page if phone else page
    opened(page, f"{voila_server}/#{RECORD.to_link()}")
    expect(page.locator(SUMMARY)).to_have_text(told(RECORD.client), timeout=20_000)
    page.locator(".to-questions").tap() if phone else page.get_by_role("link", name="A plan with dates").click()
    page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "6"))
    question = TABLES.conditions.at["pregnancy", "group_question"]
    page.get_by_label(question).check()
    page.get_by_label(TABLES.conditions.at["pregnancy", "label"], exact=True).check()
    after = told(RECORD.client.replace(fitzpatrick=6, conditions={"pregnancy"}))
    expect(page.locator("[data-hook=summary]")).to_have_text(after)
    page.go_back()
    page.wait_for_timeout(1000)
    expect(page.locator(SUMMARY)).to_have_text(after)
    assert MARK not in page.url


def test_an_address_that_was_shared_is_not_opened_by_the_way_back_but_by_being_given_again(page, voila_server):
    opened(page, f"{voila_server}/")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.locator("a.share").click()
    expect(page.locator("p:has(a.share)")).to_contain_text("it is now this page’s address")
    shared = page.url
    assert MARK in shared
    page.get_by_role("link", name="A plan with dates").click()
    page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "6"))
    changed = told(Client(scars={"rolling": 2}, fitzpatrick=6))
    expect(page.locator(SUMMARY)).to_have_text(changed)
    page.go_back()
    page.wait_for_timeout(1000)
    expect(page.locator(SUMMARY)).to_have_text(changed)
    page.get_by_role("link", name="A plan with dates").click()
    page.evaluate("address => location.assign(address)", shared)
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars={"rolling": 2})))


def test_a_yes_that_is_not_told_to_what_is_there_after_a_reload(page, voila_server):
    opened(page, f"{voila_server}/")
    question = TABLES.conditions.at["pregnancy", "group_question"]
    page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "4"))
    page.get_by_label(question).check()
    expect(page.locator(".problems")).to_contain_text("it does not count yet")
    expect(page.locator("a.share")).to_be_attached(timeout=60_000)
    page.reload()
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars={"rolling": 2}, fitzpatrick=4)), timeout=60_000)
    expect(page.get_by_label(question)).to_be_checked(timeout=60_000)
    expect(page.locator(".problems")).to_contain_text("it does not count yet")


@pytest.mark.parametrize("state", ["AAAA", "<script>document.title='hit'</script>", "9" * 7000, "%00%FF", "e30"])
def test_a_broken_or_hostile_link_gets_a_sentence(page, voila_server, state):
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    opened(page, f"{voila_server}/#{MARK}{state}")
    notice = page.locator(".results .problem").first
    expect(notice).to_contain_text("could not be opened, and nothing was changed", timeout=20_000)
    assert page.title() != "hit"
    page.locator(".control-fitzpatrick select").select_option(index=3)
    expect(page.get_by_text("could not be opened")).to_have_count(0)
    assert faults == []


def test_the_link_is_copied_and_its_answers_are_there_again(page, voila_server):
    opened(page, f"{voila_server}/")
    page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "6"))
    client = Client(scars={"rolling": 2}, fitzpatrick=6)
    expect(page.locator(SUMMARY)).to_have_text(told(client))
    page.locator("a.share").click()
    expect(page.locator("p:has(a.share)")).to_contain_text("Link to these answers: it is")
    address = page.locator("a.share").evaluate("link => link.href")
    assert Record.from_link(address).client == client
    page.reload()
    expect(page.locator(SUMMARY)).to_have_text(told(client), timeout=60_000)


def test_what_was_said_beside_the_answers_is_there_after_a_reload_and_in_no_link(page, voila_server):
    opened(page, f"{voila_server}/")
    page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "4"))
    words = page.get_by_label("What is still unclear to you?")
    words.fill('Does it hurt?\nAnd "after"?')
    words.blur()
    page.locator(".control-decision select").select_option(label="Not decided yet")
    expect(page.locator(SUMMARY)).to_have_text(told(Client(scars={"rolling": 2}, fitzpatrick=4)))
    page.reload()
    expect(words).to_have_value('Does it hurt?\nAnd "after"?', timeout=60_000)
    expect(page.locator(".control-decision select")).to_have_value("Not decided yet")
    page.get_by_role("button", name="Make the files to take home").click()
    with page.expect_download(timeout=20_000) as download:
        page.get_by_role("link", name="The page to read or print").click()
    assert "Does it hurt?" in download.value.path().read_text("utf-8")
    page.goto("about:blank")
    opened(page, f"{voila_server}/")
    expect(page.locator("#about")).to_be_attached(timeout=60_000)
    expect(words).to_have_value("")  # asked for anew, not loaded again


def test_a_page_loaded_again_is_at_the_place_where_it_was_left(page, voila_server):
    opened(page, f"{voila_server}/")
    page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "4"))
    part = page.locator("#plan")
    expect(part).to_be_attached(timeout=60_000)
    part.evaluate("part => scrollTo({top: scrollY + part.getBoundingClientRect().top + 40, behavior: 'instant'})")
    left_at = part.bounding_box()["y"]
    page.reload()
    expect(part).to_be_in_viewport(timeout=60_000) if left_at > 0 else expect(part).to_be_attached(timeout=60_000)
    page.wait_for_function(
        "y => Math.abs(document.querySelector('#plan').getBoundingClientRect().top - y) < 2", arg=left_at
    )


def test_a_saved_file_opens_and_a_menu_is_laid_over(page, voila_server, root):
    opened(page, f"{voila_server}/")
    upload(page, "control-file", "kept.json", RECORD.to_json())
    expect(page.locator(SUMMARY)).to_have_text(told(RECORD.client))
    upload(page, "control-menu", "bad.csv", "treatment_id,note\nmagic,<img src=x onerror=document.title='hit'>\n")
    expect(page.locator(".section:has(#clinic) [role=alert]")).to_contain_text("row 2, column treatment_id: 'magic'")
    upload(page, "control-menu", "ours.csv", "treatment_id,price_usd_per_session,note\nsubcision,123,<img src=x>\n")
    expect(page.locator(".section:has(#clinic)")).to_contain_text("The clinic's own price: $123 a session.")
    expect(page.locator(".section:has(#clinic)")).to_contain_text("<img src=x>")
    assert page.title() != "hit"
    with page.expect_download() as download:
        page.get_by_role("link", name="Save these answers").click()
    kept = json.loads(download.value.path().read_text("utf-8"))
    assert (kept["menu"], kept["planned"]) == ("ours.csv", ["subcision"])
    page.get_by_role("button", name="Make the files to take home").click()
    with page.expect_download(timeout=20_000) as download:
        page.get_by_role("link", name="The page to read or print").click()
    text = download.value.path().read_text("utf-8")
    assert "$123" in text
    assert "<img src=x>" not in text


def test_a_page_loaded_again_before_its_answers_are_back_still_brings_them_back(page, voila_server):
    opened(page, f"{voila_server}/")
    page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "6"))
    client = Client(scars={"rolling": 2}, fitzpatrick=6)
    expect(page.locator(SUMMARY)).to_have_text(told(client))
    expect(page.locator("a.share")).to_be_attached(timeout=60_000)
    for wait in (0, 300, 900, 1500):
        page.reload(wait_until="domcontentloaded")
        page.wait_for_timeout(wait)
    expect(page.locator(SUMMARY)).to_have_text(told(client), timeout=60_000)
    page.locator(".control-fitzpatrick select").select_option(label=TABLES.label("skin_type", "2"))
    after = told(Client(scars={"rolling": 2}, fitzpatrick=2))
    expect(page.locator(SUMMARY)).to_have_text(after)
    page.reload()
    expect(page.locator(SUMMARY)).to_have_text(after, timeout=60_000)


def test_a_link_loaded_again_before_it_is_open_is_opened(page, voila_server):
    client = Client(scars={"icepick": 3}, conditions={"pregnancy"})
    page.goto(f"{voila_server}/#{Record(client).to_link()}", wait_until="domcontentloaded")
    page.wait_for_timeout(300)
    page.reload()
    expect(page.locator(SUMMARY)).to_have_text(told(client), timeout=60_000)


def test_a_link_whose_sign_a_mail_program_has_quoted_is_opened(page, voila_server):
    client = Client(scars={"icepick": 3}, fitzpatrick=5)
    page.goto(f"{voila_server}/#{Record(client).to_link().replace('=', '%3D', 1)}")
    expect(page.locator(SUMMARY)).to_have_text(told(client), timeout=60_000)


def test_a_menu_that_is_gone_after_a_reload_is_told(page, voila_server, root):
    opened(page, f"{voila_server}/")
    expect(page.locator("button.control-menu")).to_be_attached(timeout=60_000)
    with page.expect_file_chooser() as chooser:
        page.locator("button.control-menu").click()
    chooser.value.set_files(root / "docs" / "menu-example.csv")
    expect(page.locator("a.share[data-kept]")).to_be_attached(timeout=20_000)
    assert Record.from_link(page.locator("a.share").get_attribute("href")).menu == ""
    page.reload()
    told_so = page.get_by_text("It was made with the menu menu-example.csv. Costs may differ without it.")
    expect(told_so.first).to_be_visible(timeout=60_000)
