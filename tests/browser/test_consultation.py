"""The consultation notebook done by hand in a real JupyterLab: from the profile to the files that are taken home."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

import scarlib
from scarlib import Client

pytestmark = pytest.mark.browser
TABLES = scarlib.load_tables()
SOON = date.today() + timedelta(days=14)


@pytest.fixture(scope="module")
def lab(root, tmp_path_factory):
    """The address of a JupyterLab that shows a copy of the notebook, so that the checkout stays as it is."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(root / "notebooks" / "consultation.ipynb", folder)
    home, token = tmp_path_factory.mktemp("home"), secrets.token_urlsafe(16)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder,
        "ServerApp.allow_root": True,
        "ServerApp.open_browser": False,
        "ServerApp.jpserver_extensions": "scarlib.lab=True",  # as `scarlib lab` has it
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    log = (home / "log.txt").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())],
        env={
            **os.environ,
            "JUPYTER_TOKEN": token,
            "JUPYTER_CONFIG_DIR": str(home),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(root), os.getenv("PYTHONPATH")])),
        },
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        end = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if server.poll() is not None or time.monotonic() > end:
                    pytest.fail(f"JupyterLab did not start:\n{(home / 'log.txt').read_text()}", pytrace=False)
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab/tree/consultation.ipynb?token={token}"
    finally:
        server.terminate()
        server.wait(30)
        log.close()


def part(page: Page, text: str):
    """One part of the notebook, by something that stands in it."""
    found = page.locator(".scarlib.part").filter(has=page.locator(text)).first
    found.scroll_into_view_if_needed()
    return found


def choose(scope, css_class: str, label: str, nth: int = 0) -> None:
    scope.locator(f".{css_class} select").nth(nth).select_option(label=label)


def upload(page: Page, button, file) -> None:
    with page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files(file)


def saved(page: Page, link) -> str:
    with page.expect_download() as download:
        link.click()
    return download.value.path().read_text(encoding="utf-8")


def test_a_whole_consultation_by_hand(browser, lab, root, record_property):
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    began = time.monotonic()
    page.goto(lab)
    expect(page.get_by_text(re.compile(r"\| Idle$"))).to_be_visible(timeout=90_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.set_default_timeout(30_000)

    # Who is this?
    expect(page.locator(".scarlib.part .control-fitzpatrick select").first).to_be_visible(timeout=90_000)
    profile = part(page, ".control-fitzpatrick")
    profile.locator(".scar-rolling select").select_option(label="Not a problem")
    profile.locator(".scar-icepick select").select_option(label="A lot")
    skin = TABLES.label("skin_type", "5")
    choose(profile, "control-fitzpatrick", skin)
    client = Client(scars={"rolling": 2}).replace(scars={"icepick": 3}, fitzpatrick=5)
    options = scarlib.recommend(client, TABLES)
    best = [t for t in options.index if options.at[t, "verdict"] in ("suitable", "caution")]
    counted = options["verdict"].drop("no_treatment").value_counts()
    fits, care = (int(counts) for counts in (counted.get("suitable", 0), counted.get("caution", 0)))
    expect(profile.locator("[data-hook=summary]")).to_contain_text(f"{fits} of 31 treatments fit, {care} with care")

    # What is ruled out, and the shortlist
    out = part(page, "[data-hook=ruled-out]").locator("[data-hook=ruled-out]")
    assert out.count() == 31 - fits - care
    cards = part(page, "[data-hook=option]").locator("[data-hook=option]")
    assert [card.get_attribute("data-id") for card in cards.all()] == best

    # The table: searched
    table = page.locator(".dt-container").first
    table.scroll_into_view_if_needed()
    table.locator("input[type=search]").fill("TCA")
    expect(table.locator("tbody")).to_contain_text("CROSS")

    # Side by side, and a plan that has to be done by a day
    compare = part(page, ".control-compared")
    choose(compare, "control-compared", str(TABLES.treatments.at["tca_cross", "name"]))
    expect(compare.locator("[data-hook=comparison] thead")).to_contain_text("CROSS")
    course = part(page, ".control-planned")
    choose(course, "control-planned", str(TABLES.treatments.at["tca_cross", "name"]))
    course.locator(".control-starts_on input").fill(SOON.isoformat())
    course.locator(".control-ready_by input").fill((SOON + timedelta(days=28)).isoformat())
    course.locator(".control-ready_by input").blur()
    plan = scarlib.plan(client, ["tca_cross"], SOON, SOON + timedelta(days=28), TABLES)
    expect(course.locator("[data-hook=plan]")).to_contain_text(f"{len(plan.visits)} visits")
    assert plan.ready.typical is False
    expect(course).to_contain_text("no")
    dots = course.locator(".bqplot .scatter .object_grp, .bqplot .dot_grp, .bqplot .element")
    expect(dots.first).to_be_attached()

    # The clinic's menu: a bad one leaves everything be, a good one moves the price
    clinic = part(page, ".control-menu")
    button = clinic.locator("button.control-menu")
    upload(page, button, {"name": "bad.csv", "mimeType": "text/csv", "buffer": b"treatment_id\nmagic\n"})
    expect(clinic.locator("[role=alert]")).to_contain_text("row 2, column treatment_id")
    upload(page, button, root / "docs" / "menu-example.csv")
    expect(clinic).to_contain_text("In use: menu-example.csv")
    expect(clinic.locator("[role=alert]")).to_have_count(0)

    # Take it home
    home = part(page, ".control-report")
    home.get_by_role("button", name="Make the files").click()
    report = saved(page, home.get_by_role("link", name="The page to read or print"))
    assert "TCA CROSS" in report
    assert skin in report
    for visit in plan.visits["date_planned"]:
        assert f"{visit.day} {visit:%B %Y}" in report
    calendar = saved(page, home.get_by_role("link", name="Visits for a calendar"))
    assert calendar.count("BEGIN:VEVENT") == len(plan.visits)
    keep = part(page, ".control-file")
    kept = json.loads(saved(page, keep.get_by_role("link", name="Save these answers")))
    assert kept["client"]["fitzpatrick"] == 5
    assert kept["planned"] == ["tca_cross"]
    took = time.monotonic() - began

    # Opened again, the answers are back
    choose(profile, "control-fitzpatrick", TABLES.label("skin_type", "1"))
    file = {"name": "kept.json", "mimeType": "application/json", "buffer": json.dumps(kept).encode()}
    upload(page, keep.locator("button.control-file"), file)
    expect(profile.locator(".control-fitzpatrick select")).to_have_value(skin)
    assert re.match(r"http://localhost:8866/#answers=", keep.locator("a.share").get_attribute("href"))
    expect(page.get_by_text("official Jupyter news")).to_have_count(0)

    # Prices are no mathematics, and the next client finds nothing of this one
    expect(page.locator("mjx-container, .MathJax")).to_have_count(0)
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2_000)
    asked = "fetch('/api/contents/consultation.ipynb').then(reply => reply.json()).then(file => file.content.cells)"
    cells = [cell for cell in page.evaluate(asked) if cell["cell_type"] == "code"]
    assert len(cells) > 10
    assert [cell for cell in cells if cell["outputs"] or cell["execution_count"]] == []

    # A reload of the tab, and what the notebook says to do then
    page.reload()
    expect(page.get_by_text(re.compile(r"\| Idle$"))).to_be_visible(timeout=90_000)
    page.locator(".jp-CodeCell", has_text="session.profile").first.click()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run Selected Cell and All Below", exact=True).click()
    expect(part(page, ".control-fitzpatrick").locator(".control-fitzpatrick select")).to_have_value(skin)
    expect(part(page, ".control-planned").locator(".control-planned select").first).to_have_value(
        str(TABLES.treatments.at["tca_cross", "name"])
    )
    assert faults == []
    print(f"a consultation from profile to report took {took:.1f} s")
    context.close()
