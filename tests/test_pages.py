"""Rule pages: what they must hold, and their examples run through lockcheck and through SQLAlchemy."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from lockcheck import pages
from tests import expectations, projects
from tests.expectations import Group
from tests.projects import Project

SECTIONS = (
    "What it reports",
    "Why it happens",
    "Examples",
    "The fix and its safety",
    "When to ignore",
    "Not detected",
    "Real incidents",
)
HOUSEKEEPING = "LCK9"  # about lockcheck itself: no transactions, no incidents
OPTION = re.compile(r"unsafe|preview|dialects=(postgresql|mysql|mariadb|sqlite)(,(postgresql|mysql|mariadb|sqlite))*")

PAGES = [pytest.param(page, id=page.code) for page in pages.all_pages()]
RULES = [pytest.param(page, id=page.code) for page in pages.all_pages() if not page.code.startswith(HOUSEKEEPING)]
GROUPS = [
    pytest.param(page, group, id=f"{page.code}-line-{group.bad.line}")
    for page in pages.all_pages()
    for group in expectations.groups(page)
]
FIXED = [
    pytest.param(page, group, fixed, id=f"{page.code}-line-{fixed.line}")
    for page in pages.all_pages()
    for group in expectations.groups(page)
    for fixed in group.fixed
]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def project(group: Group, example: pages.Example) -> Project:
    return Project({"example.py": example.source}, group.settings_of(example))


def is_preview(page: pages.Page, group: Group) -> bool:
    return page.status == "preview" or "preview" in group.bad.options


# --- the text -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_front_matter(page: pages.Page) -> None:
    assert re.fullmatch(r"LCK\d{3}", page.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", page.name)
    assert 0 < len(page.summary) <= 90
    assert not page.summary.endswith(".")
    assert re.fullmatch(r"\d+\.\d+\.\d+", page.since)
    for reference in page.references:
        assert re.fullmatch(r"https://\S+|[\w.-]+/[\w.-]+#\d+", reference)


@pytest.mark.parametrize("page", RULES)
def test_sections(page: pages.Page) -> None:
    assert tuple(page.sections) == SECTIONS
    assert all(page.sections.values())


@pytest.mark.parametrize("page", RULES)
def test_timeline_has_two_columns(page: pages.Page) -> None:
    rows = [line for line in page.sections["Why it happens"].splitlines() if line.startswith("|")]
    assert len(rows) > 3
    assert {row.count("|") for row in rows} == {3}
    assert "transaction A" in rows[0]
    assert "transaction B" in rows[0]


@pytest.mark.parametrize("page", RULES)
def test_fix_names_the_dialects(page: pages.Page) -> None:
    text = page.sections["The fix and its safety"]
    if page.fix != "none":
        assert all(name in text for name in ("PostgreSQL", "SQLite", "MySQL", "MariaDB"))


@pytest.mark.parametrize("page", PAGES)
def test_examples_are_of_known_kinds(page: pages.Page) -> None:
    kinds = [example.kind for example in page.examples]
    assert "bad" in kinds
    assert set(kinds) <= {"bad", "good", "fixed"}
    assert kinds[0] != "fixed"
    for example in page.examples:
        assert all(OPTION.fullmatch(option) for option in example.options), example.options


@pytest.mark.parametrize("page", PAGES)
def test_markers_stand_in_bad_examples_only(page: pages.Page) -> None:
    for example in page.examples:
        codes = {spot.code for _, spot in expectations.read("example.py", example.source).spots}
        assert codes >= {page.code} if example.kind == "bad" else not codes


# --- the examples ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "group"), GROUPS)
def test_example_is_reported_at_its_markers(page: pages.Page, group: Group, root: Path) -> None:
    example, preview = project(group, group.bad), is_preview(page, group)
    example.write(root)
    found = projects.findings(root, preview=preview)
    codes = projects.compared(example, page.code)
    difference = expectations.difference(example.marked(), found, preview=preview, codes=codes)
    assert not difference, f"\n{difference}"


@pytest.mark.parametrize(("page", "group", "fixed"), FIXED)
def test_fixed_example_has_no_new_finding(page: pages.Page, group: Group, fixed: pages.Example, root: Path) -> None:
    counts = []
    for example in (group.bad, fixed):
        project(group, example).write(root)
        counts.append(Counter(finding.code for finding in projects.findings(root, preview=True)))
    assert page.code not in counts[1]
    assert not counts[1] - counts[0]


@pytest.mark.parametrize(("page", "group", "fixed"), FIXED)
def test_fix_gives_the_fixed_example(page: pages.Page, group: Group, fixed: pages.Example, root: Path) -> None:
    settings = group.settings_of(fixed)
    bad = Project({"example.py": group.bad.source}, settings)
    bad.write(root)
    unsafe, preview = "unsafe" in fixed.options, is_preview(page, group)
    if unsafe:
        assert projects.fixed_files(root, unsafe=False, preview=preview) == {}
    got = {**bad.clean(), **projects.fixed_files(root, unsafe=unsafe, preview=preview)}
    difference = projects.text_difference({"example.py": fixed.source}, got)
    assert not difference, f"\n{difference}"
    Project({"example.py": fixed.source}, settings).write(root)
    assert projects.fixed_files(root, unsafe=True, preview=preview) == {}


@pytest.mark.parametrize(("page", "group"), GROUPS)
def test_example_is_a_program(page: pages.Page, group: Group, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(root))
    for example in (group.bad, *group.fixed):
        source = project(group, example)
        source.write(root)
        assert source.clean()["example.py"].startswith("from __future__ import annotations\n"), page.code
        projects.import_all(["example"])
