"""The command as a process: start-up, streams, signals."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lockcheck import __version__, cli, pages

CODES = sorted(pages.heads())
COMMAND = [sys.executable, "-m", "lockcheck"]
REPOSITORY = Path(__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
for _name in ("NO_COLOR", "FORCE_COLOR"):
    ENVIRONMENT.pop(_name, None)


def run(
    *arguments: str, cwd: Path, stdin: bytes | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        input=stdin,
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        check=False,
    )


def imported(*arguments: str, cwd: Path) -> set[str]:
    """The modules that a run imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "lockcheck", *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    lines = done.stderr.decode().splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def test_version(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"lockcheck {__version__}\n".encode(), b"")


@pytest.mark.parametrize(
    "arguments",
    [("--version",), ("--help",), ("rules",), ("explain", "nothing"), ("--show-files",), ("graph", "--help")],
)
def test_what_needs_no_parser_imports_none(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    heavy = {"libcst", "sqlalchemy", "rich", "rich.console", "lockcheck.api"}
    assert not imported(*arguments, cwd=tmp_path) & heavy


@pytest.mark.parametrize("code", CODES)
def test_every_rule_is_explained(capsys: pytest.CaptureFixture[str], code: str) -> None:
    assert cli.run(["explain", code]) == 0
    assert code in capsys.readouterr().out


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_streams_that_are_closed(tmp_path: Path, closed: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m lockcheck rules {closed}"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (b"LCK201" in done.stdout) is (closed == "2>&-")


def test_a_working_folder_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    command = f"cd gone && rmdir ../gone && exec {sys.executable} -m lockcheck"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"error: the working folder cannot be used: No such file or directory\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_full_disk_is_no_fault_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "--show-files"], cwd=tmp_path, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2
    assert done.stderr == b"error: standard output: not written, No space left on device\n"


def test_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    (tmp_path / "größe.py").touch()
    done = run(
        "--show-files", cwd=tmp_path, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii"
    )
    assert done.stdout == "größe.py\n".encode()


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.py")).touch()
    done = run("--show-files", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"\xff.py\n", b"")


def test_a_reader_that_leaves_early(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / f"a_file_with_quite_a_long_name_{number}.py").touch()
    process = subprocess.Popen(
        [*COMMAND, "--show-files"], cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


def test_an_interrupt(tmp_path: Path) -> None:
    """While standard input is awaited, so that the test knows where the run is."""
    process = subprocess.Popen(
        [*COMMAND, "-"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, b"", b"")


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_on_a_terminal(tmp_path: Path, environment: dict[str, str], *, coloured: bool) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "rules"],
        cwd=tmp_path,
        stdout=theirs,
        env={**ENVIRONMENT, "TERM": "xterm", **environment},
        close_fds=True,
    )
    os.close(theirs)
    output = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        output += piece
    assert process.wait(timeout=60) == 0
    os.close(ours)
    assert (b"\x1b[" in output) is coloured
