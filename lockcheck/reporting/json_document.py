"""One JSON document: `{"version", "findings": [..], "errors": [..]}`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lockcheck import __version__

if TYPE_CHECKING:
    from lockcheck.api import Report
    from lockcheck.findings import Finding, Fix, Place, Problem
    from lockcheck.reporting.view import View


def lines(report: Report, view: View) -> Iterator[str]:  # noqa: ARG001 - all reporters have one signature
    document = {
        "version": __version__,
        "findings": [entry(finding) for finding in report.findings],
        "errors": [problem_entry(problem) for problem in report.problems],
    }
    yield json.dumps(document, indent=2)


def entry(finding: Finding) -> dict[str, Any]:
    """A finding as it stands in the document."""
    return {
        "code": finding.code,
        "name": finding.name,
        "message": finding.message,
        **_span(finding.place),
        "symbol": finding.symbol,
        "severity": finding.severity,
        "fingerprint": finding.fingerprint,
        "preview": finding.preview,
        "fix": None if finding.fix is None else _fix(finding.fix),
        "related": [
            {"path": item.place.path, "line": item.place.line, "message": item.message} for item in finding.related
        ],
    }


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{**_span(edit.place), "text": edit.text} for edit in fix.edits]
    return {"applicability": fix.applicability, "message": fix.message, "edits": edits}


def _span(place: Place) -> dict[str, Any]:
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
    }


def problem_entry(problem: Problem) -> dict[str, Any]:
    """A problem as it stands in the document."""
    return {"path": problem.path, "line": problem.line, "column": problem.column, "message": problem.message}
