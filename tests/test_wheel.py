"""A wheel built from the checkout works from any folder, with nothing of the checkout in reach."""

import re
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.wheel


def install(venv: Path, *what: str | Path) -> None:
    # make leaves uv beside this Python: seconds instead of a minute. Where it fails, pip decides.
    fast = [Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--python", venv / "bin/python", *what]
    if not fast[0].exists() or subprocess.run(fast, check=False).returncode:
        subprocess.run([venv / "bin/pip", "install", "--quiet", *what], check=True)


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, root]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_tables_notebook_and_page(wheel, root):
    names = set(zipfile.ZipFile(wheel).namelist())
    shared = "share/jupyter/voila/templates/scarlib"
    wanted = {f"scarlib/data/{path.name}" for path in (root / "data").glob("*.*")}
    wanted |= {"scarlib/notebooks/dashboard.ipynb", "scarlib/voila.json", "scarlib/templates/report.html.j2"}
    wanted |= {"scarlib/chunks.txt", "scarlib/ui/dashboard.css"}
    prefix = "-".join(wheel.name.split("-")[:2]) + ".data/data"
    wanted |= {f"{prefix}/{path.relative_to(root)}" for path in (root / shared).rglob("*") if path.is_file()}
    assert wanted <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/"))]


def test_dashboard_runs_from_an_empty_folder(wheel, root, tmp_path):
    started = time.perf_counter()
    # Hashes in a constraints file would be asked of the wheel itself, which has none.
    pins = re.sub(r" \\\n +--hash=\S+", "", (root / "requirements.lock").read_text("utf-8"))
    (tmp_path / "pins.txt").write_text(pins, "utf-8")
    venv, empty = tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    install(venv, "--constraint", tmp_path / "pins.txt", wheel)
    installed = time.perf_counter()

    log = tmp_path / "log.txt"
    with log.open("w") as out:
        dashboard = subprocess.Popen(
            [venv / "bin/scarlib", "dashboard", "--port", "0", "--no-browser"], cwd=empty, stdout=out, stderr=out
        )
    try:
        while not (ready := re.search(r"is ready: (http://localhost:\d+/)", log.read_text())):
            assert dashboard.poll() is None, log.read_text()
            assert time.perf_counter() - installed < 180, log.read_text()
            time.sleep(0.2)
        with urllib.request.urlopen(ready[1], timeout=60) as reply:
            status, page = reply.status, reply.read().decode()
    finally:
        dashboard.terminate()
        dashboard.wait(30)
    answered = time.perf_counter()
    print(
        f"\nwheel {wheel.stat().st_size / 1e3:.0f} kB; install {installed - started:.0f} s; "
        f"start and answer {answered - installed:.0f} s"
    )
    assert status == 200
    assert "<title>Acne scar treatments: what fits you</title>" in page
    assert "Traceback" not in page
    assert "page-problem" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert list(empty.iterdir()) == []
