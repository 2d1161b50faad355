import os
import socket
import subprocess
import sys

import pytest

import scarlib
from scarlib.cli import main


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"scarlib {scarlib.__version__}\n"


def test_check_counts_what_is_sound(capsys):
    assert main(["check"]) == 0
    tables = scarlib.load_tables()
    assert capsys.readouterr().out == (
        f"every table is sound: {len(tables.treatments)} treatments, "
        f"{len(tables.evidence)} facts from {len(tables.sources)} sources\n"
    )


def test_check_says_what_is_wrong(capsys, tmp_path):
    assert main(["check", str(tmp_path)]) == 1
    with pytest.raises(scarlib.DataError) as error:
        scarlib.load_tables(tmp_path)
    assert capsys.readouterr().err == f"{error.value}\n"


@pytest.mark.parametrize("command", ["dashboard", "lab"])
def test_a_taken_port_names_the_cure(command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as stop:
            main([command, "--port", str(port), "--no-browser"])
    assert str(stop.value.code) == (
        f"Port {port} is already in use. Choose another one: scarlib {command} --port 9000 "
        f"(or: make {command} PORT=9000)."
    )


def test_an_unknown_address_names_the_cure():
    with pytest.raises(SystemExit, match=r"no address 203\.0\.113\.7.*--ip 127\.0\.0\.1"):
        main(["dashboard", "--ip", "203.0.113.7", "--port", "0"])


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_wrong_port_is_refused(port, capsys):
    with pytest.raises(SystemExit):
        main(["dashboard", f"--port={port}"])
    assert "allowed: 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["0", "-3", "many", "2.5"])
def test_a_wrong_number_of_viewers_is_refused(count, capsys):
    with pytest.raises(SystemExit):
        main(["dashboard", f"--most-viewers={count}"])
    assert "allowed: 1 or more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "named"),
    [(["--token", "short"], "long-enough-word"), (["--token="], ""), ([], "eleven-char"), ([], "")],
)
def test_a_token_that_can_be_guessed_is_refused_and_never_left_to_kernels(options, named, monkeypatch):
    monkeypatch.setenv("SCARLIB_TOKEN", named)
    with pytest.raises(SystemExit, match=r"needs 12 characters or more\. Take this one.*: \S{16,}$"):
        main(["dashboard", *options])
    assert "SCARLIB_TOKEN" not in os.environ


def test_a_command_is_required(capsys):
    with pytest.raises(SystemExit):
        main([])
    assert "COMMAND" in capsys.readouterr().err


def test_python_m_does_the_same():
    run = subprocess.run([sys.executable, "-m", "scarlib", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"scarlib {scarlib.__version__}\n"


def test_jupyter_is_not_imported_until_it_is_needed():
    late = {"voila", "tornado", "ipywidgets", "jupyter_server", "jupyterlab"}
    code = f"import sys, scarlib.cli; print(sorted({late} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
