"""Input that cannot be checked: a message with its place, the right status, nothing written, no traceback."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_cli_process import ENVIRONMENT, run

CLEAN = "def add(a, b):\n    return a + b\n"
MODELS = """\
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Queue(Base):
    __tablename__ = "queue"
    id: Mapped[int] = mapped_column(primary_key=True)


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    queue: Mapped[Queue] = relationship(lazy="joined", innerjoin=True)
"""
HAZARD = f"""{MODELS}

def claim(session: Session, key: int) -> Job | None:
    return session.get(Job, key, with_for_update=True)
"""


def snapshot(root: Path) -> dict[str, tuple[bytes, int]]:
    files = [path for path in root.rglob("*") if path.is_file() and os.access(path, os.R_OK)]
    return {
        str(path): (path.read_bytes(), path.stat().st_mode) for path in files if ".lockcheck_cache" not in path.parts
    }


@pytest.mark.parametrize("arguments", [(), ("--fix", "--unsafe-fixes"), ("--diff",)], ids=" ".join)
@pytest.mark.parametrize(
    ("content", "place"),
    [
        pytest.param(b"def f(:\n    pass\n", "bad.py:1:7: ", id="syntax-error"),
        pytest.param(b"x = (\n", "bad.py:1:5: ", id="unclosed"),
        pytest.param(b"print 'hello'\n", "bad.py:1:1: ", id="python-2"),
        pytest.param(b"x = 1\nname = '\xff\xfe'\n", "bad.py:2:9: ", id="undecodable"),
        pytest.param(b"# coding: nonsense\nx = 1\n", "bad.py:1:1: ", id="unknown-encoding"),
        pytest.param(b"x = 1\0\n", "bad.py", id="null-byte"),
        pytest.param(b"x = " + b"(" * 3000 + b")" * 3000 + b"\n", "bad.py", id="deep-parentheses"),
    ],
)
class TestOneBadFile:
    def test_alone(self, tmp_path: Path, content: bytes, place: str, arguments: tuple[str, ...]) -> None:
        (tmp_path / "bad.py").write_bytes(content)
        before = snapshot(tmp_path)
        done = run(*arguments, "bad.py", cwd=tmp_path)
        err = done.stderr.decode()
        assert done.returncode == 2, err
        assert f"error: {place}" in err
        assert "Traceback" not in err
        assert snapshot(tmp_path) == before

    def test_beside_a_good_one(self, tmp_path: Path, content: bytes, place: str, arguments: tuple[str, ...]) -> None:
        (tmp_path / "bad.py").write_bytes(content)
        (tmp_path / "good.py").write_text(CLEAN, encoding="utf-8")
        before = snapshot(tmp_path)
        done = run(*arguments, cwd=tmp_path)
        err = done.stderr.decode()
        assert done.returncode == 1, err
        assert f"error: {place}" in err
        assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\n\n", id="blank"),
        pytest.param(b"\xef\xbb\xbfx = 1\n", id="byte-order-mark"),
        pytest.param(b"# coding: latin-1\n# \xe9\n", id="latin-1"),
        pytest.param(b"x = 1\r\ny = 2\r\n", id="crlf"),
        pytest.param(b"x = 1", id="no-newline-at-end"),
        pytest.param(b"x = 1\n" * 50_000, id="50,000-lines"),
        pytest.param(b"x = " + b" + ".join([b"1"] * 500) + b"\n", id="long-sum"),
        pytest.param(b"x = " + b"[" * 80 + b"]" * 80 + b"\n", id="deep-list"),
        pytest.param(b"x = '\\d'\n", id="doubtful-escape"),
    ],
)
def test_odd_files_that_are_fine(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.py").write_bytes(content)
    before = snapshot(tmp_path)
    done = run("--fix", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr.decode()
    assert b"Warning" not in done.stderr
    assert snapshot(tmp_path) == before


@pytest.mark.server
def test_a_large_file_of_statements(tmp_path: Path) -> None:
    """Fifty thousand lines that concern the database, in functions."""
    body = "".join(
        f"def f{n}(session):\n    session.execute(select(Job.id))\n    session.flush()\n\n\n" for n in range(10_000)
    )
    (tmp_path / "large.py").write_text(f"{MODELS}\n\n{body}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "lockcheck"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("depth", [60, 400, 900])
def test_deep_expressions_in_functions_that_are_read(tmp_path: Path, depth: int) -> None:
    """Within what Python parses, deeper than what recursion in Python bears."""
    chain = "".join(f".where(Job.id != {n})" for n in range(depth))
    source = (
        f"from sqlalchemy import select\n{MODELS}\n\ndef f(session):\n    return session.execute(select(Job){chain})\n"
    )
    (tmp_path / "deep.py").write_text(source, encoding="utf-8")
    done = run(cwd=tmp_path)
    err = done.stderr.decode()
    assert "Traceback" not in err
    assert "lockcheck failed" not in err
    assert done.returncode == 0 or "deep.py" in err


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = run("missing", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"error: missing: no such file or folder\n"


def test_one_of_two_paths_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(CLEAN, encoding="utf-8")
    done = run("good.py", "missing.py", cwd=tmp_path)
    assert done.returncode == 2
    assert b"error: missing.py: no such file or folder\n" in done.stderr


def test_an_empty_folder(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert done.returncode == 0
    assert b"warning: no Python files found" in done.stderr


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[tool.lockcheck]\npreview = yes\n", "error: pyproject.toml:2:11: is not valid TOML: Invalid value"),
        (
            "[tool.lockcheck]\ndialect = []\n",
            "error: pyproject.toml:2: unknown setting `dialect`; did you mean `dialects`?",
        ),
        (
            '[tool.lockcheck]\nrequired-version = ">=99"\n',
            "error: pyproject.toml:2: this project requires lockcheck >=99",
        ),
    ],
)
def test_broken_settings(tmp_path: Path, toml: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(toml, encoding="utf-8")
    (tmp_path / "hazard.py").write_text(HAZARD, encoding="utf-8")
    before = snapshot(tmp_path)
    done = run("--fix", "--unsafe-fixes", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()
    assert snapshot(tmp_path) == before


def unprivileged() -> list[str] | None:
    """How to run a command as somebody whom file modes bind; None where that is not possible."""
    if os.geteuid() != 0:
        return []
    found = subprocess.run(["sh", "-c", "command -v setpriv"], capture_output=True, check=False)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if found.returncode == 0 else None


def run_bound(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """As `run`, but bound by file modes; skips where this user can read the interpreter or the folder only as root."""
    prefix = unprivileged()
    if prefix is None:
        pytest.skip("file modes do not bind root, and setpriv, which runs a command as another user, is missing")
    probe = subprocess.run(
        [*prefix, sys.executable, "-c", "import lockcheck"], cwd=cwd, env=ENVIRONMENT, capture_output=True, check=False
    )
    if probe.returncode != 0:
        pytest.skip("file modes do not bind root, and another user cannot enter the folder of this Python")
    return subprocess.run(
        [*prefix, sys.executable, "-m", "lockcheck", *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder that every user can reach and write."""
    for place in (tmp_path, *list(tmp_path.parents)[:3]):  # one more where tests run in parallel
        if place.stat().st_uid == os.geteuid() and not place.stat().st_mode & stat.S_IXOTH:
            place.chmod(place.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    project = tmp_path / "project"
    project.mkdir()
    project.chmod(0o777)
    return project


def test_a_file_that_cannot_be_read(open_folder: Path) -> None:
    (open_folder / "secret.py").write_text(CLEAN, encoding="utf-8")
    (open_folder / "secret.py").chmod(0)
    done = run_bound("secret.py", cwd=open_folder)
    assert done.returncode == 2
    assert "error: secret.py: cannot be read: Permission denied" in done.stderr.decode()


def test_a_folder_that_cannot_be_entered(open_folder: Path) -> None:
    (open_folder / "closed" / "deep").mkdir(parents=True)
    (open_folder / "closed" / "deep" / "job.py").write_text(CLEAN, encoding="utf-8")
    (open_folder / "closed").chmod(0)
    done = run_bound("closed/deep/job.py", cwd=open_folder)
    (open_folder / "closed").chmod(0o777)
    assert done.returncode == 2
    assert "closed/deep/job.py: Permission denied" in done.stderr.decode()
    assert "lockcheck failed" not in done.stderr.decode()


def test_a_read_only_file_is_reported_on(open_folder: Path) -> None:
    (open_folder / "hazard.py").write_text(HAZARD, encoding="utf-8")
    (open_folder / "hazard.py").chmod(0o444)
    assert run_bound("--output-format", "concise", cwd=open_folder).stdout.count(b"LCK203") == 1


def test_a_folder_that_cannot_be_written(open_folder: Path) -> None:
    (open_folder / "hazard.py").write_text(HAZARD, encoding="utf-8")
    (open_folder / "hazard.py").chmod(0o444)
    open_folder.chmod(0o555)
    before = snapshot(open_folder)
    done = run_bound("--fix", "--unsafe-fixes", cwd=open_folder)
    err = done.stderr.decode()
    assert done.returncode in {1, 2}, err
    assert "hazard.py" in err
    assert "not written" in err
    assert "Traceback" not in err
    assert "lockcheck failed" not in err
    assert snapshot(open_folder) == before
    open_folder.chmod(0o777)
