"""What GitLab, JUnit's readers and GitHub's job summaries get."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import junitparser
import pytest

from lockcheck.findings import Place, Problem, Related
from lockcheck.reporting import gitlab, job_summary, junit
from lockcheck.reporting.graphs.focus import about
from lockcheck.reporting.graphs.model import Cycle, Edge, Graph, Lock, Step
from lockcheck.reporting.graphs.model import Path as Way
from lockcheck.reporting.graphs.model import Place as Spot
from lockcheck.reporting.view import View
from tests.rooms import Report, finding

HOSTILE = "rows\x00 <of> ]]> \x1b[31m & \"'\ud800 日本 | a"
PROBLEMS = (Problem("bad.py", 3, 5, HOSTILE), Problem("gone.py", None, None, "cannot be read"))
LISTED = Report(
    findings=(
        finding("b/日本.py", 7, "LCK401", message=HOSTILE),
        finding("a.py", related=(Related(Place("b.py", 9, 2, 9, 8), "the other side, b"),)),
    ),
    problems=PROBLEMS,
)

ENTRY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./)(?!/)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""Our own reading of docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format, stricter than that."""


# --- GitLab ---------------------------------------------------------------------------------------------------


def entries(report: Any) -> list[dict[str, Any]]:
    document: list[dict[str, Any]] = json.loads("\n".join(gitlab.lines(report, View())))
    jsonschema.Draft202012Validator(ENTRY).validate(document)
    return document


def test_gitlab_without_findings() -> None:
    assert entries(Report()) == []


def test_gitlab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI_PROJECT_DIR", raising=False)
    bad, gone, first, second = entries(LISTED)
    assert (bad["severity"], bad["location"]) == ("critical", {"path": "bad.py", "lines": {"begin": 3}})
    assert gone["location"] == {"path": "gone.py", "lines": {"begin": 1}}
    assert bad["fingerprint"] != gone["fingerprint"]
    assert first["location"] == {"path": "b/日本.py", "lines": {"begin": 7, "end": 7}}
    assert first["description"] == f"LCK401 {HOSTILE}".replace("\ud800", "\ufffd")
    assert (second["check_name"], second["fingerprint"]) == ("unordered-bulk-write", "0123456789abcdef")


def test_gitlab_paths_start_at_the_root_of_the_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    monkeypatch.chdir(tmp_path / "service")
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    [entry] = entries(Report((finding("jobs.py"),)))
    assert entry["location"]["path"] == "service/jobs.py"


# --- JUnit ----------------------------------------------------------------------------------------------------


def suites(report: Any) -> junitparser.JUnitXml:
    text = "\n".join(junit.lines(report, View()))
    return junitparser.JUnitXml.fromstring(text.encode("utf-8"))


def test_junit_without_findings() -> None:
    [suite] = suites(Report())
    [case] = suite
    assert (suite.tests, suite.failures, suite.errors, case.is_passed) == (1, 0, 0, True)


def test_junit() -> None:
    read = suites(LISTED)
    assert (read.tests, read.failures, read.errors) == (4, 2, 2)
    assert [suite.name for suite in read] == ["a.py", "b/日本.py", "bad.py", "gone.py"]
    [[first], [second], [bad], [_]] = read
    assert (first.name, first.classname) == ("LCK201 unordered-bulk-write 3:1", "a.py")
    assert first.result[0].text.splitlines()[1] == "b.py:9:2: the other side, b"
    assert isinstance(second.result[0], junitparser.Failure)
    assert second.result[0].message == HOSTILE.translate({0: "\ufffd", 0x1B: "\ufffd", 0xD800: "\ufffd"})
    assert isinstance(bad.result[0], junitparser.Error)


# --- job summary ----------------------------------------------------------------------------------------------


def test_a_summary_of_nothing() -> None:
    assert job_summary.text(Report(), None, {}) == "## lockcheck\n\nNo findings in 1 file.\n\n"  # type: ignore[arg-type]  # its shape


def summary(report: Any, graph: Graph | None = None, room: int = job_summary.MOST, **environment: str) -> str:
    return job_summary.text(report, graph, environment, room)


def test_a_summary() -> None:
    text = summary(LISTED)
    assert "| LCK201 unordered-bulk-write | 1 |" in text
    assert "| a.py:3 | LCK201 | rows are locked in no certain order |" in text
    assert r"| b/日本.py:7 | LCK401 | rows␀ &lt;of&gt; \]\]&gt; ␛\[31m &amp; " in text
    assert "- gone.py: cannot be read" in text
    assert "mermaid" not in text


def test_every_row_of_a_table_has_its_cells() -> None:
    rows = [line for line in summary(LISTED).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_places_are_links_on_github(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    monkeypatch.chdir(tmp_path / "service")
    text = summary(
        Report((finding("a b.py"),)),
        GITHUB_SERVER_URL="https://github.com",
        GITHUB_REPOSITORY="shop/queue",
        GITHUB_SHA="abc",
        GITHUB_WORKSPACE=str(tmp_path),
    )
    assert "[a b.py:3](https://github.com/shop/queue/blob/abc/service/a%20b.py#L3)" in text


@pytest.mark.parametrize("room", [1_000, 5_000, job_summary.MOST])
def test_a_summary_fits(room: int) -> None:
    report = Report(tuple(finding(f"é{number}.py", message="ü" * 400) for number in range(6_000)))
    text = summary(report, RING, room)
    assert len(text.encode()) <= room
    shown = text.count("| LCK201 | ü")
    assert f"{6_000 - shown:,} further findings left out" in text


def test_no_room_at_all() -> None:
    assert summary(LISTED, room=0) == summary(LISTED, room=-10) == ""


# --- the cycles that findings are about -----------------------------------------------------------------------


def way(held: int, taken: int) -> Way:
    lock = Lock("t", "FOR UPDATE", "row lock", many=False, blocking=True)
    steps = tuple(Step(Spot("a.py", line, 1, (), line), "f", lock=lock) for line in (held, taken))
    return Way("f", "a", steps)


AB, BA = Edge("a", "b", (way(1, 2), way(5, 6))), Edge("b", "a", (way(3, 4),))
CD, DC = Edge("c", "d", (way(11, 12),)), Edge("d", "c", (way(13, 14),))
RING = Graph(("a", "b", "c", "d"), (AB, BA, CD, DC), (Cycle(("a", "b"), (AB, BA)), Cycle(("c", "d"), (CD, DC))))


def test_cycles_that_no_finding_is_about_are_left_out() -> None:
    spots = {("a.py", line) for line in (1, 2, 3)}
    assert about(RING, spots).cycles == ()


def test_cycles_that_a_finding_is_about() -> None:
    spots = {("a.py", line) for line in (1, 2, 3, 4, 11)}
    part = about(RING, spots)
    assert (part.tables, [cycle.tables for cycle in part.cycles]) == (("a", "b"), [("a", "b")])
    assert [edge.paths for edge in part.edges] == [(way(1, 2),), (way(3, 4),)]
    text = summary(LISTED, part)
    assert "1 cycle that findings are about." in text
    assert '```mermaid\nflowchart TD\n    t0["a"]\n' in text


def test_the_environment_is_not_asked_for_more() -> None:
    assert summary(LISTED) == job_summary.text(LISTED, None, dict.fromkeys(os.environ, ""))  # type: ignore[arg-type]  # its shape
