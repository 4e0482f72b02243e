"""SARIF 2.1.0, the static analysis results interchange format (OASIS): one log with one run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockcheck import __version__
from lockcheck.reporting.sarif_results import Artifacts, result
from lockcheck.reporting.sarif_rules import rule
from lockcheck.reporting.sarif_text import well_formed
from lockcheck.reporting.uris import folder_uri

if TYPE_CHECKING:
    from lockcheck.api import Report
    from lockcheck.findings import Finding, Problem
    from lockcheck.reporting.view import View

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def lines(report: Report, view: View, marks: Mapping[str, Mapping[str, Any]] | None = None) -> Iterator[str]:
    """The log; `marks` are further properties of results, by the fingerprints of their findings."""
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report, view, marks or {})]}
    yield json.dumps(well_formed(document), indent=2)


def _run(report: Report, view: View, marks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    artifacts = Artifacts(Path.cwd())
    listed = list(_listed(report, view))
    codes = sorted({finding.code for finding, _ in listed})
    results = [result(finding, codes.index(finding.code), silence, artifacts) for finding, silence in listed]
    for (finding, _), made in zip(listed, results, strict=True):
        made["properties"].update(marks.get(finding.fingerprint, {}))
    invocation = _invocation(report, view, artifacts)
    return {
        "tool": {
            "driver": {
                "name": "lockcheck",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [rule(code) for code in codes],
            }
        },
        "invocations": [invocation],
        "originalUriBaseIds": {"%SRCROOT%": {"uri": folder_uri(artifacts.folder)}},
        "artifacts": artifacts.listed(),
        "columnKind": "unicodeCodePoints",
        "defaultSourceLanguage": "python",
        "results": results,
    }


def _listed(report: Report, view: View) -> Iterator[tuple[Finding, list[dict[str, Any]]]]:
    """The findings, each with what silences it: those that a comment or a baseline accepts on request only, since
    GitHub's code scanning shows a suppressed result as an open alert (github/codeql-action#1230)."""
    yield from ((finding, []) for finding in report.findings)
    if not view.suppressed:
        return
    for kind, items in (("inSource", report.silenced), ("external", report.baselined)):
        for item in items:
            reason = {"justification": item.reason} if item.reason else {}
            yield item.finding, [{"kind": kind, "status": "accepted", **reason}]


def _invocation(report: Report, view: View, artifacts: Artifacts) -> dict[str, Any]:
    return {
        "executionSuccessful": report.files > 0 or not report.problems,
        "exitCode": view.status,
        "toolExecutionNotifications": [_notification(problem, artifacts) for problem in report.problems],
        "workingDirectory": {"uri": folder_uri(artifacts.folder)},
    }


def _notification(problem: Problem, artifacts: Artifacts) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": artifacts.location(problem.path)}
    if problem.line is not None:
        physical["region"] = {"startLine": max(problem.line, 1)}
        if problem.column is not None:
            physical["region"]["startColumn"] = max(problem.column, 1)
    return {"level": "error", "message": {"text": problem.message}, "locations": [{"physicalLocation": physical}]}
