"""Two processes report what one does, whatever becomes of the second one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lockcheck import api, linked, settings, sharing
from lockcheck.api import Means, Report
from lockcheck.checks import all_checks
from lockcheck.hazards import Hazard
from lockcheck.linking.project import Project
from lockcheck.records import Wanted, read_record
from tests.projects import FIXTURES

if TYPE_CHECKING:
    from lockcheck.checks import Check

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")


def project() -> Project:
    files = enumerate(sorted((FIXTURES / "LCK202").glob("*.py")))
    texts = ((f"m{number}", file.read_text(encoding="utf-8")) for number, file in files)
    wanted = (Wanted(f"{name}.py", name, is_package=False, text=text, declare=True) for name, text in texts)
    return linked.link([read_record(item) for item in wanted], settings.load(FIXTURES))


def alone(rules: list[Check]) -> list[tuple[Hazard, ...]]:
    given = project()
    return [tuple(rule(given)) for rule in rules]


def together(rules: list[Check]) -> list[tuple[Hazard, ...]]:
    return list(sharing.shared(project(), rules, lambda _: None))


def test_small_projects_and_single_processes_are_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    given = project()
    assert not sharing.shareable(given, 2)
    monkeypatch.setattr(sharing, "MANY", 1)
    assert not sharing.shareable(given, 1)


def test_the_same_in_the_same_order() -> None:
    rules = list(all_checks().values())
    found = alone(rules)
    assert sum(map(len, found)) > 5
    assert together(rules) == found


def test_a_second_process_that_dies() -> None:
    first = os.getpid()

    def dies(given: Project) -> Iterator[Hazard]:
        if os.getpid() != first:
            os._exit(9)
        return all_checks()["LCK202"](given)

    rules: list[Check] = [dies] * 8
    found = together(rules)
    assert all(found)
    assert found == alone(rules)


def test_no_second_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise OSError(11, "no processes")

    monkeypatch.setattr(os, "fork", refuse)
    rules = list(all_checks().values())
    assert together(rules) == alone(rules)


def test_what_is_left_in_the_linker_is_joined() -> None:
    """One process asks where a construct stands, the other one what stands beside it."""
    given = project()
    first = os.getpid()

    def asks(asked: Project) -> Iterator[Hazard]:
        (where, *_), number = sorted(asked.linker.slices), int(os.getpid() != first)
        asked.linker.consulted.add(f"{where}{number}")
        return iter(())

    given.linker.consulted.clear()
    for _ in range(50):
        list(sharing.shared(given, [asks] * 40, lambda _: None))
        if len({name[-1] for name in given.linker.consulted}) > 1:
            return
    pytest.fail("the second process was never heard of")


def checked(jobs: int, root: Path) -> Report:
    found = settings.load(root, overrides=settings.Overrides(preview=True))
    return api.analyse([root], found, means=Means(None, jobs))


def test_a_whole_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number, file in enumerate(sorted((FIXTURES / "LCK204").glob("*.py"))):
        (tmp_path / f"m{number}.py").write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(sharing, "MANY", 1)
    monkeypatch.chdir(tmp_path)
    forks: list[int] = []
    fork = os.fork
    monkeypatch.setattr(os, "fork", lambda: forks.append(1) or fork())  # type: ignore[func-returns-value]  # counts
    found = checked(2, tmp_path)
    assert found.findings
    assert forks
    assert found == checked(1, tmp_path)
