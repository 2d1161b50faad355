"""The public names, and what importing them costs."""

import inspect
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

import scarlib

ROOT = Path(scarlib.__file__).parent.parent


def python(code):
    """Run code in a fresh interpreter that sees this checkout."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_the_public_names_are_there_with_words():
    for name in ("load_tables", "Tables", "Client", "recommend", "what_would_change", "Reason", "Change",
                 "ClientError", "DataError"):  # fmt: skip
        assert name in scarlib.__all__
        assert inspect.getdoc(getattr(scarlib, name))
    assert all(hasattr(scarlib, name) for name in scarlib.__all__)
    assert issubclass(scarlib.ClientError, Exception)
    assert issubclass(scarlib.DataError, Exception)
    assert isinstance(scarlib.__version__, str)


def test_the_tables_have_the_names_they_are_known_by():
    tables = scarlib.load_tables()
    for name in ("treatments", "evidence", "sources", "conditions"):
        assert isinstance(getattr(tables, name), pd.DataFrame)


@pytest.fixture(scope="module")
def client():
    return scarlib.Client(
        scars={"icepick": 3, "rolling": 1},
        fitzpatrick=4,
        traits={"deep", "tethered"},
        severity=3,
        conditions={"isotretinoin_recent"},
        max_downtime_days=3,
        max_sessions=None,
        max_pain=None,
        budget_usd=3000,
        setting="med_spa",
        priorities={
            "improvement": 3, "downtime": 2, "comfort": 1, "cost": 2, "skin_safety": 3, "few_visits": 1, "lasting": 2,
        },
    )  # fmt: skip


def test_the_documented_example_runs_as_documented(client):
    options = scarlib.recommend(client)
    assert options.index.name == "treatment_id"
    assert set(options.index) == set(scarlib.load_tables().treatments.index)
    for column in ("verdict", "reasons", "rank", "score", "score_low", "score_high", "top3"):
        assert column in options
    assert set(options["verdict"]) <= {"suitable", "caution", "defer", "not_indicated", "outside_limits", "avoid"}
    for reasons in options["reasons"]:
        assert isinstance(reasons, tuple)
        assert all(isinstance(reason, scarlib.Reason) for reason in reasons)
        assert all(isinstance(reason.text, str) and isinstance(reason.source_ids, tuple) for reason in reasons)
    assert str(options["rank"].dtype) == "Int64"
    assert options["score"].dropna().between(0, 100).all()


def test_what_would_change_is_a_change_or_none(client):
    found = {name: scarlib.what_would_change(client, name) for name in scarlib.load_tables().treatments.index}
    assert found["no_treatment"] is None
    changes = [change for change in found.values() if change is not None]
    assert changes
    assert all(isinstance(change, scarlib.Change) and change.text for change in changes)


def test_the_library_works_without_jupyter():
    run = python("""
        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {"ipywidgets", "IPython", "voila", "bqplot", "ipykernel", "traitlets"}:
                    raise ImportError(f"{name} is blocked")
        sys.meta_path.insert(0, Blocker())
        import scarlib
        options = scarlib.recommend(scarlib.Client(scars={"rolling": 1}))
        assert scarlib.what_would_change(scarlib.Client(scars={"rolling": 1}), options.index[0]) is None
        print(len(options))
    """)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "32"


def test_importing_and_asking_loads_nothing_heavy():
    run = python("""
        import scarlib
        scarlib.recommend(scarlib.Client(scars={"rolling": 1}))
        heavy = {"matplotlib", "pandera", "ipywidgets", "IPython", "bqplot", "voila", "scipy", "pymcdm", "jinja2"}
        print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
    """)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"


def test_importing_reads_no_table_and_says_nothing():
    run = python("""
        import builtins, io, pathlib
        def refuse(self, *args, **kwargs):
            raise AssertionError(f"read {self}")
        import pandas
        pathlib.Path.read_bytes = refuse
        import scarlib
    """)
    assert run.returncode == 0, run.stderr
    assert run.stdout == run.stderr == ""


def test_it_runs_from_any_folder_with_no_network(tmp_path):
    code = textwrap.dedent(f"""
        import os, socket, sys
        sys.path.insert(0, {str(ROOT)!r})
        os.chdir({str(tmp_path)!r})
        def refuse(*args, **kwargs):
            raise AssertionError("network")
        socket.socket.connect = refuse
        import scarlib
        print(len(scarlib.load_tables().evidence) > 2000)
    """)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout.strip() == "True", run.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("client", [None, {}, 5, "rolling"])
def test_what_is_no_client_is_named(client):
    for ask in (
        scarlib.recommend,
        lambda c: scarlib.what_would_change(c, "subcision"),
        lambda c: scarlib.compare(c, []),
    ):
        with pytest.raises(scarlib.ClientError, match=r"client: .* is not a Client"):
            ask(client)


@pytest.mark.parametrize("tables", [5, {}, pd.DataFrame()])
def test_what_is_no_tables_is_named(tables):
    client = scarlib.Client(scars={"rolling": 1})
    with pytest.raises(scarlib.ClientError, match=r"tables: .* is not Tables"):
        scarlib.recommend(client, tables)


@pytest.mark.parametrize("wrong", [{"menu": 5}, {"menu": pd.DataFrame()}, {"menu": bytearray(b"x")}, {"folder": 5}])
def test_what_is_no_file_is_named(wrong):
    (name,) = wrong
    with pytest.raises(scarlib.DataError, match=f"{name}: .* is not a"):
        scarlib.load_tables(**wrong)


def test_an_id_that_is_a_list_is_named():
    with pytest.raises(scarlib.ClientError, match="treatment_id: "):
        scarlib.what_would_change(scarlib.Client(scars={"rolling": 1}), ["subcision"])
