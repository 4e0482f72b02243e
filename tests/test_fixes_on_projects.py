"""tools/fixes_on_projects.py: what became of a project's tests, on a scratch project with a stand-in for lockcheck."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.ecosystem_scratch import Scratch, sdist

pytestmark = pytest.mark.server

STAND_IN = '''\
"""Applies CHANGES to every file, those of PREVIEW with --preview; each place that they change is a finding."""
import json, pathlib, sys
changes = {**CHANGES, **(PREVIEW if "--preview" in sys.argv else {})}
paths = sorted(pathlib.Path(sys.argv[-1]).rglob("*.py"))
if "json" in sys.argv:
    found = [number for path in paths for number, old in enumerate(changes, 1) if old in path.read_text()]
    print(json.dumps({"findings": [{"code": f"LCK{number}"} for number in found]}))
    sys.exit(STATUS)
changed = 0
for path in paths:
    before = after = path.read_text()
    for old, new in changes.items():
        after = after.replace(old, new)
    changed += after != before
    path.write_text(after)
assert "--fix" in sys.argv and "--unsafe-fixes" in sys.argv and STATUS < 3
print(f"Applied {2 * changed} fixes in {changed} files; no finding left." if changed else "Applied no fixes")
sys.exit(STATUS)
'''
JOBS = "def speed():\n    return 'slow'\n\n\ndef name():\n    return 'old'\n"
TESTS = """\
from jobs import name, speed


def test_speed():
    assert speed() in ("slow", "slower")


def test_broken_before():
    assert name() == "new"
"""
LIST = """
[[project]]
name = "shop"
version = "1.0"
form = "sdist"
install = ["pytest"]
tests = ["tests"]
environment = {PYTHONPATH = "."}
"""


class Suite:
    """The tool in a scratch repository, and the sdist of one project."""

    def __init__(self, folder: Path) -> None:
        self._scratch = Scratch(folder)
        self._downloads = self._scratch.cache / "sources" / "downloads"
        self._downloads.mkdir(parents=True)
        self.list(LIST)
        self.project(TESTS)

    def list(self, text: str) -> None:
        (self._scratch.repository / "tools" / "fixes_on_projects.toml").write_text(text)

    def project(self, tests: str, **files: str) -> None:
        more = {f"shop-1.0/{name}.py": text for name, text in files.items()}
        sdist(self._downloads, "shop", {"shop-1.0/jobs.py": JOBS, "shop-1.0/tests/test_jobs.py": tests, **more})

    def run(
        self,
        *arguments: str,
        changes: Mapping[str, str] | None = None,
        preview: Mapping[str, str] | None = None,
        status: int = 0,
    ) -> subprocess.CompletedProcess[str]:
        self._scratch.commit()
        constants = f"CHANGES, PREVIEW, STATUS = {dict(changes or {})}, {dict(preview or {})}, {status}\n"
        (self._scratch.repository / "lockcheck" / "__main__.py").write_text(constants + STAND_IN)
        tool = str(self._scratch.repository / "tools" / "fixes_on_projects.py")
        command = [sys.executable, tool, "--work", str(self._scratch.cache), "--python", sys.executable, *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


def test_nothing_to_fix(suite: Suite) -> None:
    done = suite.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("fixes:  0 in 0 files") == 2
    assert "broken" not in done.stdout.replace("test_broken_before", "")
    assert done.stdout.count("1 passed, 1 failed") == 4


def test_fixes_that_break_nothing(suite: Suite) -> None:
    done = suite.run(changes={"slow'": "slower'"}, preview={"'old'": "'new'"})
    assert done.returncode == 0, done.stderr
    stable, preview = done.stdout.split("\n\n")[1:]
    assert "shop 1.0, stable rules\n  fixes:  2 in 1 files\n  mended: LCK1 1\n          jobs.py\n" in stable
    assert "mended: LCK1 1, LCK2 1\n" in preview
    assert ("mended: tests" in stable, "mended: tests/test_jobs.py::test_broken_before" in preview) == (False, True)


def test_a_fix_that_breaks_a_test(suite: Suite) -> None:
    done = suite.run(changes={"'slow'": "'fast'"}, preview={"'fast'": "'slow'"})
    assert done.returncode == 1, done.stderr
    stable, preview = done.stdout.split("\n\n")[1:]
    assert stable.endswith("after:  2 failed\n  broken: tests/test_jobs.py::test_speed")
    assert "broken: " not in preview  # what the first run changed is gone before the second


IMPORTED = "from testcontainers.postgres import PostgresContainer as PostgresContainer\n"
CONTAINERS = """

def test_server(request):
    with PostgresContainer("postgres:16", driver="asyncpg") as postgres:
        assert postgres.get_connection_url() == "postgresql+asyncpg://me@here/empty"
    assert request.config.getoption("verbose") == 1
"""


def test_a_server_in_the_place_of_a_container(suite: Suite) -> None:
    suite.list(LIST + 'postgresql = ["-vv"]\n')
    theirs = {"testcontainers/__init__": "", "testcontainers/postgres": "PostgresContainer = None\n"}
    suite.project("from conftest import PostgresContainer\n" + CONTAINERS, **theirs, **{"tests/conftest": IMPORTED})
    assert "before: 1 failed" in suite.run("--rules", "stable").stdout
    done = suite.run("--rules", "stable", "--postgresql", "postgresql://me@here/empty")
    assert "before: 1 passed" in done.stdout, done.stderr


def test_tests_that_vanish(suite: Suite) -> None:
    done = suite.run("--rules", "preview", preview={"def test_speed": "def speed_test"})
    assert (done.returncode, "vanished: tests/test_jobs.py::test_speed" in done.stdout) == (1, True)


def test_a_test_that_fails_now_and_then(suite: Suite, tmp_path: Path) -> None:
    once = f"import pathlib\n\n\ndef test_once():\n    path = pathlib.Path({str(tmp_path / 'count')!r})\n"
    once += (
        "    path.write_text(path.read_text() + 'x' if path.exists() else 'x')\n    assert len(path.read_text()) != 2\n"
    )
    suite.project(once)
    done = suite.run("--rules", "stable", changes={"'slow'": "'fast'"})
    assert (done.returncode, "failed once, not again: tests/test_jobs.py::test_once" in done.stdout) == (0, True)


def test_what_fails_is_told(suite: Suite) -> None:
    assert "lockcheck ended with status 2" in suite.run(status=2).stderr
    suite.project("import nothing_there\n")
    done = suite.run()
    assert (done.returncode, "pytest ended with status 2" in done.stderr) == (2, True)
    done = suite.run("--project", "shoe")
    assert (done.returncode, done.stderr) == (2, "error: unknown package `shoe`; there is shop\n")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('install = ["pytest"]\n', ""), "`install` and `tests` are needed"),
        (('["tests"]', '"tests"'), "`tests` is a list of texts"),
        (('{PYTHONPATH = "."}', "1"), "`environment` is a table of texts"),
        (('form = "sdist"', 'shape = "sdist"'), "unknown key `shape`"),
        (("[[project]]", "[[package]]"), "[[project]] tables are expected"),
    ],
)
def test_mistakes_in_the_list(suite: Suite, change: tuple[str, str], complaint: str) -> None:
    suite.list(LIST.replace(*change))
    done = suite.run()
    assert (done.returncode, complaint in done.stderr) == (2, True), done.stderr
