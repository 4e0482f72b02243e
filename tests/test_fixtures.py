"""Every fixture is reported exactly at its markers, and fixing it gives its `.fixed` sibling."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lockcheck import pages
from tests import expectations, projects
from tests.projects import Fixture, Project

ALL = projects.fixtures()
FIXED = [fixture for fixture in ALL if fixture.fixed is not None]
UNFIXED = [fixture for fixture in ALL if fixture.fix == "none"]


def by_name(fixture: Fixture) -> str:
    return fixture.name


def is_preview(fixture: Fixture) -> bool:
    return fixture.code in pages.heads() and pages.heads()[fixture.code].status == "preview"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def check(project: Project, root: Path, code: str, *, preview: bool) -> None:
    project.write(root)
    found = projects.findings(root, preview=preview)
    codes = projects.compared(project, code)
    difference = expectations.difference(project.marked(), found, preview=preview, codes=codes)
    assert not difference, f"\n{difference}"


@pytest.mark.parametrize("fixture", ALL, ids=by_name)
def test_is_reported_at_its_markers(fixture: Fixture, root: Path) -> None:
    check(fixture.project, root, fixture.code, preview=False)


@pytest.mark.parametrize("fixture", ALL, ids=by_name)
def test_is_reported_at_its_markers_with_preview(fixture: Fixture, root: Path) -> None:
    check(fixture.project, root, fixture.code, preview=True)


@pytest.mark.parametrize("fixture", FIXED, ids=by_name)
def test_fixed_file_keeps_only_what_has_no_fix(fixture: Fixture, root: Path) -> None:
    assert fixture.fixed is not None
    check(fixture.fixed, root, fixture.code, preview=False)


@pytest.mark.parametrize("fixture", FIXED, ids=by_name)
def test_fixed_file_has_no_new_finding(fixture: Fixture, root: Path) -> None:
    assert fixture.fixed is not None
    counts = []
    for project in (fixture.project, fixture.fixed):
        project.write(root)
        counts.append(Counter(finding.code for finding in projects.findings(root, preview=True)))
    assert not counts[1] - counts[0]


@pytest.mark.parametrize("fixture", FIXED, ids=by_name)
def test_fix(fixture: Fixture, root: Path) -> None:
    assert fixture.fixed is not None
    clean = fixture.project.clean()
    fixture.project.write(root)
    got = {**clean, **projects.fixed_files(root, unsafe=fixture.fix != "safe", preview=is_preview(fixture))}
    difference = projects.text_difference(fixture.fixed.clean(), got)
    assert not difference, f"\n{difference}"


@pytest.mark.parametrize("fixture", FIXED, ids=by_name)
def test_fixing_again_changes_nothing(fixture: Fixture, root: Path) -> None:
    assert fixture.fixed is not None
    fixture.fixed.write(root)
    assert projects.fixed_files(root, unsafe=True, preview=is_preview(fixture)) == {}


@pytest.mark.parametrize("fixture", UNFIXED, ids=by_name)
def test_without_fix_nothing_is_changed(fixture: Fixture, root: Path) -> None:
    fixture.project.write(root)
    assert projects.fixed_files(root, unsafe=True, preview=is_preview(fixture)) == {}


@pytest.mark.parametrize("fixture", ALL, ids=by_name)
def test_is_a_program(fixture: Fixture, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fixtures import under the installed SQLAlchemy: their models can be mapped and their statements built."""
    monkeypatch.syspath_prepend(str(root))
    for project in (fixture.project, fixture.fixed):
        if project is None:
            continue
        project.write(root)
        names = [path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in project.files]
        projects.import_all(names)


@pytest.mark.parametrize("code", sorted(pages.heads()))
def test_every_rule_has_a_fixture(code: str) -> None:
    if code.startswith("LCK9"):
        return
    marked = (text for fixture in ALL if fixture.code == code for text in fixture.project.marked())
    assert any(spot.code == code for text in marked for kind, spot in text.spots if kind != "todo")
