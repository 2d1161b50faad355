"""pyproject.toml, requirements.lock, environment.yml and the wheel's contents say the same."""

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CONDA_NAMES = {
    "brotli": "brotli-python",
    "build": "python-build",
    "matplotlib": "matplotlib-base",
    "playwright": "playwright-python",
}


@pytest.fixture(scope="module")
def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def lock(root: Path) -> dict[str, str]:
    text = (root / "requirements.lock").read_text("utf-8")
    return dict(re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)", text, re.MULTILINE))


def direct(project: dict) -> set[str]:
    named = project["project"]
    wanted = sum(named["optional-dependencies"].values(), named["dependencies"])
    return {re.match(r"[\w.-]+", item)[0].lower() for item in wanted}


def test_lock_pins_every_direct_dependency(project, lock):
    assert direct(project) <= lock.keys()


def test_lock_names_no_registry(root):
    text = (root / "requirements.lock").read_text("utf-8")
    assert not re.findall(r"://|--(?:extra-)?index-url|--find-links|@ ?file|\.(?:com|org|io)\b", text)


def test_lock_carries_a_hash_for_every_pin(root):
    pins = re.split(r"^(?=\S)", (root / "requirements.lock").read_text("utf-8"), flags=re.MULTILINE)
    assert [pin.split()[0] for pin in pins if pin.strip() and "--hash=sha256:" not in pin] == []


def test_lock_pins_the_extras_that_packages_ask_each_other_for(root, lock):
    """Where uv does not work, pip installs the lock; it takes `coverage` for no pin of `coverage[toml]`."""
    text = (root / "requirements.lock").read_text("utf-8")
    pinned = {
        name: set(extras.split(",")) for name, extras in re.findall(r"^([\w.-]+)\[([^\]]*)\]==", text, re.MULTILINE)
    }
    asked = set()
    for name in lock:
        try:
            wanted = [Requirement(line) for line in metadata.requires(name) or ()]
        except metadata.PackageNotFoundError:  # of another system
            continue
        here = [item for item in wanted if item.marker is None or item.marker.evaluate({"extra": ""})]
        asked |= {(canonicalize_name(item.name), extra) for item in here for extra in item.extras}
    assert ("coverage", "toml") in asked
    assert [(name, extra) for name, extra in asked if name in lock and extra not in pinned.get(name, ())] == []


def test_environment_gives_conda_users_the_same(root, project, lock):
    environment = yaml.safe_load((root / "environment.yml").read_text("utf-8"))
    assert environment["name"] == "scarlib"
    assert environment["channels"] == ["conda-forge"]
    (from_pip,) = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    from_conda = [item for item in environment["dependencies"] if isinstance(item, str)]
    python = f"python{project['project']['requires-python']}"
    assert [item for item in from_conda if "=" not in item.replace(">=", "")] == [python, "pip"]
    assert from_pip[-1] == "-e ."

    pinned = dict(item.split("=", 1) for item in from_conda if item not in (python, "pip"))
    pinned |= dict(item.split("==") for item in from_pip[:-1])
    assert pinned == {CONDA_NAMES.get(name, name): lock[name] for name in direct(project)}


def test_a_wheel_carries_what_the_dashboard_reads(root, project):
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {
        "data": "scarlib/data",
        "notebooks/dashboard.ipynb": "scarlib/notebooks/dashboard.ipynb",
        "voila.json": "scarlib/voila.json",
    }
    for source in [*wheel["force-include"], *wheel["shared-data"]]:
        assert (root / source).exists(), source


def test_dashboard_settings_are_safe(root):
    settings = json.loads((root / "voila.json").read_text("utf-8"))
    page = settings["VoilaConfiguration"]
    assert settings["Voila"]["ip"] == "127.0.0.1"
    assert page["strip_sources"] is True
    assert page["show_tracebacks"] is False
    assert (page["allow_template_override"], page["allow_theme_override"]) == ("NO", "NO")
    assert page["file_allowlist"] == []
    assert settings["MappingKernelManager"]["cull_idle_timeout"] > 0
    assert "://" not in json.dumps(settings)


def test_page_template_names_no_other_host(root):
    folder = root / "share/jupyter/voila/templates/scarlib"
    namespace = "http://www.w3.org/2000/svg"
    for path in folder.rglob("*"):
        if path.is_file():
            assert "//" not in re.sub(r"/\*.*?\*/|^\s*//.*$", "", path.read_text("utf-8"), flags=re.S | re.M).replace(
                namespace, ""
            ), path.name


def test_version_is_the_one_in_pyproject_and_changelog(root, project):
    version = project["project"]["version"]
    assert re.search(rf"^## {re.escape(version)} - ", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
