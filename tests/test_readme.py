"""The README: its example runs as it stands, and whatever it points to is there."""

import contextlib
import io
import re

import pytest

import scarlib


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def examples(readme):
    return re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def example(examples):
    return "\n".join(examples)


def test_the_examples_are_short(examples):
    assert len(examples) == 2
    for code in examples:
        lines = [line for line in code.splitlines() if line.strip()]
        assert len(lines) <= 11
        assert all(len(line) <= 100 for line in lines)


def test_the_example_runs_and_prints_the_ranked_options(example):
    said, names = io.StringIO(), {}
    with contextlib.redirect_stdout(said):
        exec(compile(example, "README.md", "exec"), names)
    options = names["options"]
    assert set(options.index) == set(scarlib.load_tables().treatments.index)
    assert list(options["rank"].dropna()) == list(range(1, options["rank"].notna().sum() + 1))
    printed = said.getvalue()
    for treatment in options.index[:3]:
        assert treatment in printed
        assert options.at[treatment, "verdict"] in printed
    assert f"{names['plan'].visits['date_planned'].iloc[-1]:%Y-%m-%d}" in printed
    assert names["page"].lower().startswith("<!doctype html>")
    assert "Traceback" not in printed
    assert "Warning" not in printed


def links(readme):
    return re.findall(r"\]\(([^)\s]+)\)", readme)


def test_every_file_it_links_to_is_there(readme, root):
    files = [link.split("#")[0] for link in links(readme) if not re.match(r"[a-z]+:", link)]
    assert "docs/dashboard.png" in files
    missing = [name for name in files if name and not (root / name).is_file()]
    assert missing == []


def test_every_make_target_and_command_it_names_is_there(readme, root):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`?make ([a-z]+)", readme)) - {"sure"}
    assert {"dashboard", "test", "lab"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    from scarlib.cli import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit):
        main(["--help"])
    for command in set(re.findall(r"`scarlib ([a-z]+)", readme)):
        assert command in said.getvalue(), command


def test_the_number_of_treatments_it_names_is_true(readme):
    (number,) = re.findall(r"all (\d+) treatments", readme)
    assert int(number) == len(scarlib.load_tables().treatments) - 1
