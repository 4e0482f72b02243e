"""Whatever Python the input is: no crash, and fixes keep their promises on programs nobody has thought of."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import sysconfig
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from lockcheck import api
from lockcheck import settings as configuration
from lockcheck.sources import Source, read_source
from tests.forced import examined
from tests.linked import MODELS
from tests.mutations import mutated
from tests.profiles import every, examples
from tests.test_properties_fixes import kinds

pytestmark = pytest.mark.server

REPOSITORY = Path(__file__).parent.parent
LIMIT = 60.0
"""Seconds for one file, on a busy machine; the slowest takes less than five."""
IMPORTS = "\nfrom models import Job, Run, Part\nfrom sqlalchemy import delete, select, update\n"
LIBCST = "libcst does not accept its syntax"
"""A few files of the standard library's own tests are beyond the parser; that is told, with the place."""


# --- arbitrary Python -----------------------------------------------------------------------------------------------


def test_any_module_is_read() -> None:
    hypothesmith = pytest.importorskip("hypothesmith")

    @settings(max_examples=examples(12))
    @given(hypothesmith.from_grammar(), st.booleans())
    def check(text: str, speaks: bool) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of doubtful literals in what was made up
            _, problems = examined({"app": text + IMPORTS, "models": MODELS} if speaks else {"app": text})
        assert all(LIBCST in problem.message or "nested" in problem.message for problem in problems)

    check()


@settings(max_examples=examples(60))
@given(st.binary(max_size=200))
def test_any_bytes_are_told_or_checked(tmp_path_factory: pytest.TempPathFactory, source: bytes) -> None:
    root = tmp_path_factory.getbasetemp() / "bytes"
    root.mkdir(exist_ok=True)
    (root / "pyproject.toml").write_text("[tool.lockcheck]\n", encoding="utf-8")
    (root / "app.py").write_bytes(b"import sqlalchemy\n" + source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        report = api.fix([root], configuration.load(root), unsafe=True, diff=False).report
    assert report.files + len(report.problems) == 1


# --- programs of the fixtures, changed ------------------------------------------------------------------------------


@settings(max_examples=examples(10))
@given(st.integers(0, 2**32))
def test_changed_fixtures(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    fixture, files = mutated(Random(seed))  # noqa: S311  # no secret: a program to try
    root = tmp_path_factory.getbasetemp() / "mutated"
    fixture.project.write(root)
    for path, text in files.items():
        note(f"# {path}\n{text}")
        (root / path).write_text(text, encoding="utf-8")
    chosen = configuration.load(root, overrides=configuration.Overrides(preview=True))
    before = api.analyse([root], chosen)
    done = api.fix([root], chosen, unsafe=True, diff=False)
    assert not done.report.problems
    assert not kinds(done.report.findings) - kinds(before.findings)
    for path in files:
        ast.parse((root / path).read_text(encoding="utf-8"))
    if not done.bound_hit:
        assert api.fix([root], chosen, unsafe=True, diff=True).applied == 0


# --- sources that are there -----------------------------------------------------------------------------------------


def installed(place: str, step: int) -> Iterator[tuple[Path, str]]:
    """Every so many of the files in a place that can be decoded and parsed."""
    folder = Path(sysconfig.get_path(place))
    for path in sorted(folder.rglob("*.py"))[::step]:
        source = read_source(path, path.name)
        if (place == "stdlib" and "site-packages" in path.parts) or not isinstance(source, Source):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in the library's own tests
            try:
                ast.parse(source.text)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
        yield path, source.text


@pytest.mark.parametrize(
    ("place", "step"),
    [
        ("stdlib", 300),
        ("purelib", 600),
        pytest.param("stdlib", 10, marks=pytest.mark.server),
        pytest.param("purelib", 20, marks=pytest.mark.server),
    ],
)
def test_installed_files_are_read_function_by_function(place: str, step: int) -> None:
    """Every file in the profile `dev`, which takes minutes; `pytest -s` shows the figures."""
    times: dict[Path, float] = {}
    for path, text in installed(place, every(step)):
        start = time.perf_counter()
        findings, problems = examined({"library": text})
        times[path] = time.perf_counter() - start
        assert not [problem for problem in problems if LIBCST not in problem.message], path
        assert place == "purelib" or not findings, path
        assert times[path] < LIMIT, path
    slowest = max(times, key=lambda path: times[path])
    figures = f"{len(times):,} files, {sum(times.values()):.0f} s, {slowest.name} {times[slowest]:.1f} s"
    print(f"{place}: {figures}")  # noqa: T201  # for -s
    assert len(times) > 500 // step


@pytest.mark.parametrize("place", ["stdlib", "purelib"])
def test_every_installed_file_is_checked(tmp_path: Path, place: str) -> None:
    """All of them in one run, with a program that speaks of a database, so that none is passed over."""
    (tmp_path / "models.py").write_text(MODELS, encoding="utf-8")
    folder = Path(sysconfig.get_path(place))
    (tmp_path / "pyproject.toml").write_text("[tool.lockcheck]\nexclude = []\nextend-exclude = ['lockcheck']\n")
    (tmp_path / "installed").symlink_to(folder, target_is_directory=True)
    command = [sys.executable, "-m", "lockcheck", "--preview", "--statistics", str(folder), "models.py"]
    variables = {**os.environ, "PYTHONPATH": str(REPOSITORY), "LOCKCHECK_TRACEBACK": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, check=False, timeout=300)
    told = done.stderr.decode(errors="replace")
    assert done.returncode in (0, 1), told[-2000:]
    assert "Traceback" not in told
