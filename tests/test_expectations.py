"""The markers that the other tests rely on."""

from __future__ import annotations

from collections import Counter

import pytest

from lockcheck.findings import Finding, Place
from tests import expectations
from tests.expectations import Spot


def finding(line: int, code: str) -> Finding:
    return Finding(code, "a-rule", "a message", Place("a.py", line, 1, line, 2), "a.f", "error", "0")


@pytest.mark.parametrize(
    "line",
    [
        "x = 1",
        "x = 1  # LCK201 is about order",
        "x = 1  # noqa: LCK201",
        "x = 1  # lockcheck: ignore[LCK201]",
        "x = '# LCK20'",
        "x = 1  # LCK2011",
    ],
)
def test_other_comments_are_no_markers(line: str) -> None:
    marked = expectations.read("a.py", line + "\n")
    assert marked.text == line + "\n"
    assert marked.spots == ()


@pytest.mark.parametrize(
    ("line", "rest", "kinds"),
    [
        ("x = 1  # LCK201", "x = 1", [("always", "LCK201")]),
        ("x = 1  #LCK201", "x = 1", [("always", "LCK201")]),
        ("x = 1  # LCK101, LCK201", "x = 1", [("always", "LCK101"), ("always", "LCK201")]),
        ("x = 1  # preview: LCK201", "x = 1", [("preview", "LCK201")]),
        ("x = 1  # LCK101  # todo: LCK201", "x = 1", [("todo", "LCK201"), ("always", "LCK101")]),
        ("x = 1  # noqa: E711  # LCK101", "x = 1  # noqa: E711", [("always", "LCK101")]),
        (
            "x = 1  # lockcheck: ignore[LCK201] why  # LCK901",
            "x = 1  # lockcheck: ignore[LCK201] why",
            [("always", "LCK901")],
        ),
    ],
)
def test_markers(line: str, rest: str, kinds: list[tuple[str, str]]) -> None:
    marked = expectations.read("a.py", f"\n{line}\n")
    assert marked.text == f"\n{rest}\n"
    assert [(kind, spot.code) for kind, spot in marked.spots] == kinds
    assert {spot.line for _, spot in marked.spots} == {2}


def test_preview_is_wanted_only_in_preview() -> None:
    marked = expectations.read("a.py", "x  # LCK101\ny  # preview: LCK201\nz  # todo: LCK202\n")
    assert marked.wanted(preview=False) == Counter([Spot("a.py", 1, "LCK101")])
    assert marked.wanted(preview=True) == Counter([Spot("a.py", 1, "LCK101"), Spot("a.py", 2, "LCK201")])
    assert marked.todo() == {Spot("a.py", 3, "LCK202")}


def compare(text: str, *found: Finding) -> str:
    codes = frozenset({"LCK101", "LCK201"})
    return expectations.difference([expectations.read("a.py", text)], found, preview=False, codes=codes)


def test_no_difference() -> None:
    assert compare("x  # LCK101\ny  # todo: LCK201\n", finding(1, "LCK101"), finding(1, "LCK999")) == ""


def test_differences() -> None:
    shown = compare("x  # LCK101\ny  # todo: LCK201\nz\n", finding(2, "LCK201"), finding(3, "LCK101"))
    assert "missing     a.py:1 LCK101  x" in shown
    assert "todo found  a.py:2 LCK201  y" in shown
    assert "unexpected  a.py:3 LCK101  z" in shown
    assert "a message" in shown


def test_reported_twice_is_a_difference() -> None:
    assert "unexpected" in compare("x  # LCK101\n", finding(1, "LCK101"), finding(1, "LCK101"))


def test_headers() -> None:
    text = '# What it shows.\n# lockcheck-settings: dialects = ["sqlite"]\n# lockcheck-fix: none\nx = 1\n'
    assert expectations.settings(text) == 'dialects = ["sqlite"]\n'
    assert expectations.fix_header(text) == "none"
    assert expectations.fix_header("x = 1\n") is None
