"""The formats for machines, the summary and the diffs."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import pytest

from lockcheck import __version__
from lockcheck.findings import Edit, Place, Problem, Related
from lockcheck.reporting import concise, diffs, github, json_document, summary
from lockcheck.reporting.style import Style, cells, clip, columns, folded, terminal_width, wants_colour, wrapped
from lockcheck.reporting.view import View
from tests.rooms import FixReport, Report, finding, fix

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
UNREAD = Problem("bad.py", 3, 5, "does not parse: invalid syntax")
EDIT = Edit(Place("jobs.py", 3, 1, 4, 7), "text\n")
FULL = Report(
    findings=(
        finding(fix=fix("safe", EDIT), related=(Related(Place("mark.py", 9, 2, 9, 8), "mark locks them, too"),)),
        finding(line=7, code="LCK401", end=(9, 2), message="the session, 100 % used:\nagain"),
    ),
    problems=(
        UNREAD,
        Problem("gone.py", None, None, "cannot be read"),
    ),
    suppressed=2,
    files=1_234,
    unresolved={"calls": 1_500, "statements": 4},
)


def lines(reporter: Any, report: Any, view: View | None = None) -> list[str]:
    return list(reporter(report, view or View()))


# --- concise ------------------------------------------------------------------------------------------------


def test_concise() -> None:
    assert lines(concise.lines, FULL) == [
        "jobs.py:3:1: LCK201 [*] rows are locked in no certain order",
        "jobs.py:7:1: LCK401 the session, 100 % used:␊again",
    ]


def test_concise_without_findings() -> None:
    assert lines(concise.lines, Report()) == []


# --- json ---------------------------------------------------------------------------------------------------


def test_json() -> None:
    document = json.loads("\n".join(lines(json_document.lines, FULL)))
    assert list(document) == ["version", "findings", "errors"]
    assert document["version"] == __version__
    assert document["findings"][0] == {
        "code": "LCK201",
        "name": "unordered-bulk-write",
        "message": "rows are locked in no certain order",
        "path": "jobs.py",
        "line": 3,
        "column": 1,
        "end_line": 3,
        "end_column": 7,
        "symbol": "Jobs.sweep",
        "severity": "error",
        "fingerprint": "0123456789abcdef",
        "preview": False,
        "fix": {
            "applicability": "safe",
            "message": "Lock the rows in primary-key order; judged for postgresql",
            "edits": [{"path": "jobs.py", "line": 3, "column": 1, "end_line": 4, "end_column": 7, "text": "text\n"}],
        },
        "related": [{"path": "mark.py", "line": 9, "message": "mark locks them, too"}],
    }
    assert document["findings"][1]["fix"] is None
    assert document["errors"] == [
        {"path": "bad.py", "line": 3, "column": 5, "message": "does not parse: invalid syntax"},
        {"path": "gone.py", "line": None, "column": None, "message": "cannot be read"},
    ]


def test_json_without_findings() -> None:
    document = json.loads("\n".join(lines(json_document.lines, Report())))
    assert document == {"version": __version__, "findings": [], "errors": []}


def test_json_is_ascii_whatever_the_names_are() -> None:
    report = Report((finding("日本\udcff.py"),))
    text = "\n".join(lines(json_document.lines, report))
    assert text.isascii()
    assert json.loads(text)["findings"][0]["path"] == "日本\udcff.py"


# --- github -------------------------------------------------------------------------------------------------


def test_github() -> None:
    assert lines(github.lines, FULL) == [
        "::error title=lockcheck,file=bad.py,line=3,col=5::does not parse: invalid syntax",
        "::error title=lockcheck,file=gone.py::cannot be read",
        (
            "::error title=lockcheck LCK201 (unordered-bulk-write),file=jobs.py,line=3,endLine=3,col=1,endColumn=7"
            "::jobs.py:3:1: LCK201 rows are locked in no certain order%0Amark.py:9: mark locks them, too"
        ),
        (
            "::error title=lockcheck LCK401 (aborted-session-reuse),file=jobs.py,line=7,endLine=9"
            "::jobs.py:7:1: LCK401 the session, 100 %25 used:%0Aagain"
        ),
    ]


def test_github_escapes_properties() -> None:
    [line] = lines(github.lines, Report((finding("a,b:c%.py"),)))
    assert ",file=a%2Cb%3Ac%25.py," in line


# --- summary ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (Report(files=1), ["No findings in 1 file."]),
        (Report(files=714, suppressed=2), ["No findings in 714 files (2 suppressed)."]),
        (Report((finding(),)), ["Found 1 finding in 1 file."]),
        (
            Report(problems=(UNREAD, Problem("gone.py", None, None, "cannot be read")), files=3),
            ["No findings in 3 files.", f"1 file does not parse with Python {PYTHON}, which runs lockcheck."],
        ),
        (
            Report((finding(),), problems=(UNREAD, replace(UNREAD, path="worse.py")), files=3),
            ["Found 1 finding in 3 files.", f"2 files do not parse with Python {PYTHON}, which runs lockcheck."],
        ),
        (Report((finding(fix=fix()),) * 2), ["Found 2 findings in 1 file.", "--fix would mend 2 of them."]),
        (
            Report((finding(fix=fix()), finding(fix=fix("unsafe"))), files=2),
            ["Found 2 findings in 2 files.", "--fix would mend 1 of them, --fix --unsafe-fixes 1 more."],
        ),
        (
            Report((finding(fix=fix("unsafe")), finding())),
            ["Found 2 findings in 1 file.", "--fix --unsafe-fixes would mend 1 of them."],
        ),
    ],
)
def test_summary(report: Any, expected: list[str]) -> None:
    assert list(summary.summary(report)) == expected


@pytest.mark.parametrize(
    ("fixed", "would", "expected"),
    [
        (FixReport(Report()), False, ["Applied no fixes; no finding left."]),
        (FixReport(Report((finding(),))), False, ["Applied no fixes; 1 finding left."]),
        (
            FixReport(Report((finding(),)), changed=(Any, Any), applied=1, bound_hit=True),  # type: ignore[arg-type]  # counted only
            True,
            [
                "Would apply 1 fix in 2 files; 1 finding left.",
                "Stopped early: the fixes kept calling for further fixes.",
            ],
        ),
        (
            FixReport(Report((finding(),)), refused=((finding(), "the fix would bring LCK204 in work"),) * 6),
            False,
            [
                "Applied no fixes; 1 finding left.",
                *["LCK201 in Jobs.sweep (jobs.py) stays: the fix would bring LCK204 in work."] * 5,
                "And 1 more of that kind.",
            ],
        ),
    ],
)
def test_after_fixing(fixed: Any, *, would: bool, expected: list[str]) -> None:
    assert list(summary.after_fixing(fixed, would=would)) == expected


def test_problems() -> None:
    report: Any = FULL
    assert list(summary.problems(report, Style())) == [
        "error: bad.py:3:5: does not parse: invalid syntax",
        "error: gone.py: cannot be read",
    ]


def test_statistics() -> None:
    report = Report(
        (finding(fix=fix()), *(finding(line=n, code="LCK401") for n in range(12))), files=3, unresolved=FULL.unresolved
    )
    assert lines(summary.statistics, report) == [
        "12  LCK401  [ ]  aborted-session-reuse",
        " 1  LCK201  [*]  unordered-bulk-write",
        "Files: 3. Suppressed: 0. Unresolved: 1,500 calls, 4 statements.",
    ]


def test_statistics_of_nothing() -> None:
    assert lines(summary.statistics, Report()) == ["Files: 1. Suppressed: 0. Unresolved: nothing."]


def test_statistics_as_json() -> None:
    document = json.loads("\n".join(lines(summary.statistics_json, FULL)))
    assert document["statistics"] == [
        {"code": "LCK201", "name": "unordered-bulk-write", "count": 1, "fixable": 1},
        {"code": "LCK401", "name": "aborted-session-reuse", "count": 1, "fixable": 0},
    ]
    assert (document["files"], document["suppressed"], document["unresolved"]["calls"]) == (1234, 2, 1500)


# --- diffs --------------------------------------------------------------------------------------------------


def test_a_diff_for_patch() -> None:
    text = "\n".join(diffs.of_file("jobs.py", "a\nb\nc\n", "a\nB\nc\n", Style()))
    assert text == "--- jobs.py\n+++ jobs.py\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c"


def test_no_newline_at_the_end() -> None:
    text = "\n".join(diffs.of_file("jobs.py", "a", "b\n", Style()))
    assert text == "--- jobs.py\n+++ jobs.py\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b"


def test_carriage_returns_are_kept() -> None:
    assert "-b\r" in list(diffs.of_file("jobs.py", "a\r\nb\r\n", "a\r\nc\r\n", Style()))


# --- terminals ----------------------------------------------------------------------------------------------


class Stream:
    def __init__(self, *, terminal: bool) -> None:
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "environment", "coloured"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
def test_when_to_paint(environment: dict[str, str], *, terminal: bool, coloured: bool) -> None:
    stream: Any = Stream(terminal=terminal)
    assert wants_colour(stream, environment) is coloured


def test_width() -> None:
    stream: Any = Stream(terminal=False)
    assert terminal_width(stream, {}) is None
    assert terminal_width(stream, {"COLUMNS": "72"}) == 72
    assert terminal_width(stream, {"COLUMNS": "wide"}) is None


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("a\u200db", 2), ("", 0)])
def test_cells(text: str, width: int) -> None:
    assert cells(text) == width


@pytest.mark.parametrize(
    ("text", "start", "width", "expected"),
    [
        ("abcdef", 0, 6, "abcdef"),
        ("abcdef", 0, 4, "abc…"),
        ("abcdef", 2, 4, "…def"),
        ("日本語", 0, 5, "日本…"),
        ("abcdefgh", 2, 4, "…de…"),
    ],
)
def test_clip(text: str, start: int, width: int, expected: str) -> None:
    assert clip(text, start, width) == expected
    assert cells(expected) <= width


def test_folding_loses_nothing() -> None:
    assert folded("日本語abc", 4) == ["日本", "語ab", "c"]


def test_wrapping() -> None:
    assert wrapped("one two three four five", 20, first=10) == ["one two", "three four five"]
    assert wrapped("one", None) == ["one"]
    assert wrapped("", 80, first=5) == [""]


def test_columns() -> None:
    assert columns([("a", "日本", "x"), ("bb", "c", "")]) == ["a   日本  x", "bb  c"]
