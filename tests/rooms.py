"""Stand-ins for tests of the command line and the rooms around the analysis: rule pages, findings, an analysis."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lockcheck import pages
from lockcheck.findings import Edit, Finding, Fix, Place, Problem, Related
from lockcheck.suppressions import Silenced

PAGE = """---
code: {code}
name: {name}
summary: {summary}
status: {status}
severity: error
fix: sometimes
since: "0.1.0"
references:
  - https://example.org/{code}
---

## What it reports

{summary}.
"""
RULES = {
    "LCK101": ("unguarded-state-update", "stable"),
    "LCK103": ("unlocked-check-then-set", "preview"),
    "LCK201": ("unordered-bulk-write", "stable"),
    "LCK202": ("unordered-row-lock", "stable"),
    "LCK401": ("aborted-session-reuse", "stable"),
    "LCK901": ("unused-suppression", "stable"),
    "LCK902": ("unknown-suppression-code", "stable"),
}


def use_pages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the rules be those of `RULES`, whatever the repository's are."""
    folder.mkdir(parents=True, exist_ok=True)
    for code, (name, status) in RULES.items():
        text = PAGE.format(code=code, name=name, status=status, summary=f"Summary of {name}")
        (folder / f"{code}-{name}.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(pages, "directory", lambda: folder)
    for cached in (pages.heads, pages.all_pages):
        cached.cache_clear()
        monkeypatch.setattr(pages, cached.__name__, cached.__wrapped__)


def finding(
    path: str = "jobs.py",
    line: int = 3,
    code: str = "LCK201",
    *,
    column: int = 1,
    end: tuple[int, int] | None = None,
    message: str = "rows are locked in no certain order",
    fix: Fix | None = None,
    related: tuple[Related, ...] = (),
) -> Finding:
    end_line, end_column = end or (line, column + 6)
    return Finding(
        code=code,
        name=RULES[code][0],
        message=message,
        place=Place(path, line, column, end_line, end_column),
        symbol="Jobs.sweep",
        severity="error",
        fingerprint="0123456789abcdef",
        fix=fix,
        related=related,
    )


def fix(applicability: str = "safe", *edits: Edit) -> Fix:
    level: Any = applicability
    return Fix(level, "Lock the rows in primary-key order; judged for postgresql", edits)


@dataclass(frozen=True)
class Report:
    """The shape of `lockcheck.api.Report`."""

    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    suppressed: int = 0
    files: int = 1
    unresolved: Mapping[str, int] = field(default_factory=dict)
    silenced: tuple[Silenced, ...] = ()
    baselined: tuple[Silenced, ...] = ()
    removable: tuple[Any, ...] = ()
    since: Any = None


@dataclass(frozen=True)
class ChangedFile:
    path: str
    before: str
    after: str


@dataclass(frozen=True)
class FixReport:
    report: Report
    changed: tuple[ChangedFile, ...] = ()
    applied: int = 0
    bound_hit: bool = False
    refused: tuple[tuple[Finding, str], ...] = ()


def use_analysis(
    monkeypatch: pytest.MonkeyPatch, report: Report | Callable[..., Report], fixed: FixReport | None = None
) -> list[dict[str, Any]]:
    """Let `lockcheck.api` answer with this; the calls it got are in the list that comes back."""
    calls: list[dict[str, Any]] = []

    def analyse(paths: Any, settings: Any, **given: Any) -> Report:
        calls.append({"paths": paths, "settings": settings, **given})
        return report if isinstance(report, Report) else report(paths, settings, **given)

    def fix_all(paths: Any, settings: Any, **given: Any) -> FixReport:
        calls.append({"paths": paths, "settings": settings, **given})
        assert fixed is not None
        return fixed

    api: Any = types.ModuleType("lockcheck.api")
    api.analyse, api.fix = analyse, fix_all
    monkeypatch.setitem(sys.modules, "lockcheck.api", api)
    monkeypatch.setattr(sys.modules["lockcheck"], "api", api, raising=False)
    return calls
