"""Which findings of two states are the same ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lockcheck.findings import Finding, Related
from lockcheck.matching import state, unmatched
from tests.rooms import finding, use_pages

SOURCE = "class Jobs:\n    def sweep(self):\n        update(Job)\n        update(Job)\n"


@pytest.fixture(autouse=True)
def _pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_pages(tmp_path / "pages", monkeypatch)


def cycle(other: str, line: int = 3) -> Finding:
    """A finding in one statement; the other side lies in another file."""
    place = replace(finding(other, 7).place)
    made = finding(line=line, column=9, end=(line, 20), message=f"rows are locked in two orders; {other}:{line} does")
    return replace(made, related=(Related(place, "the other side"),))


def new(
    today: list[Finding], then: list[Finding], texts: dict[str, str] | None = None
) -> tuple[list[Finding], list[Finding]]:
    before = {"jobs.py": SOURCE} if texts is None else texts
    ours, theirs = unmatched(state(today, {"jobs.py": SOURCE}), state(then, before))
    return [item.finding for item in ours], [item.finding for item in theirs]


def test_nothing_on_either_side() -> None:
    assert new([], []) == ([], [])


def test_the_same_on_both_sides() -> None:
    assert new([cycle("a.py"), cycle("b.py")], [cycle("b.py"), cycle("a.py")]) == ([], [])


def test_another_line_and_another_side() -> None:
    assert new([cycle("a.py", 4)], [cycle("b.py", 3)]) == ([], [])


def test_of_two_cycles_of_one_statement_that_which_says_something_else_is_new() -> None:
    assert new([cycle("a.py"), cycle("b.py")], [cycle("b.py")]) == ([cycle("a.py")], [])
    assert new([cycle("a.py"), cycle("b.py")], [cycle("a.py")]) == ([cycle("b.py")], [])


def test_one_that_is_gone() -> None:
    assert new([cycle("a.py")], [cycle("b.py"), cycle("a.py")]) == ([], [cycle("b.py")])


def test_each_counts_once() -> None:
    assert new([cycle("a.py", 3), cycle("a.py", 4)], [cycle("a.py", 3)]) == ([cycle("a.py", 4)], [])


def test_a_statement_that_says_something_else_of_the_rows() -> None:
    other = SOURCE.replace("update(Job)", "update(Task)")
    said = replace(cycle("a.py"), message="rows of task are locked in two orders")
    assert new([cycle("a.py")], [cycle("b.py")], {"jobs.py": other}) == ([], [])
    assert new([cycle("a.py")], [said], {"jobs.py": other}) == ([cycle("a.py")], [said])


@pytest.mark.parametrize("path", ["jobs.py", "old.py"])
def test_a_function_of_another_name(path: str) -> None:
    old = replace(cycle("b.py"), symbol="Jobs.clean", place=replace(cycle("b.py").place, path=path))
    text = {path: SOURCE.replace("sweep", "clean")}
    assert new([cycle("a.py")], [old], text) == ([], [])
    still_there = {**text, "jobs.py": text[path] + SOURCE} if path == "jobs.py" else {**text, "jobs.py": SOURCE}
    assert new([cycle("a.py")], [old], still_there) == ([cycle("a.py")], [old])


def test_a_name_with_its_line() -> None:
    """Of two functions of one name, the second goes by its line as well."""
    first, second = (replace(cycle("a.py"), symbol=f"Jobs.sweep#{line}") for line in (3, 8))
    assert new([second], [first]) == ([], [])


def test_findings_about_comments_go_by_their_text() -> None:
    texts = [f"x = 1  # lockcheck: ignore[{code}]\n" for code in ("LCK201", "LCK202")]
    about = replace(finding(line=1, column=8, end=(1, 35), code="LCK901"), symbol="")
    same = unmatched(state([about], {"jobs.py": texts[0]}), state([about], {"jobs.py": texts[0]}))
    assert [len(side) for side in same] == [0, 0]
    other = unmatched(state([about], {"jobs.py": texts[0]}), state([about], {"jobs.py": texts[1]}))
    assert [len(side) for side in other] == [1, 1]
