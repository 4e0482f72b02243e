"""GitLab's code quality report: a JSON list, one entry per finding and per problem."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lockcheck.reporting.sarif_text import well_formed

if TYPE_CHECKING:
    from lockcheck.api import Report
    from lockcheck.findings import Finding, Problem
    from lockcheck.reporting.view import View

_SEVERITIES = {"error": "major", "warning": "minor"}
_NOT_CHECKED = "critical"


def lines(report: Report, view: View) -> Iterator[str]:  # noqa: ARG001 - all reporters have one signature
    entries = [*map(_problem, report.problems), *map(_finding, report.findings)]
    yield json.dumps(well_formed(entries), indent=2)


def _finding(finding: Finding) -> dict[str, Any]:
    place = finding.place
    return {
        "description": f"{finding.code} {finding.message}",
        "check_name": finding.name,
        "fingerprint": finding.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": _path(place.path), "lines": {"begin": place.line, "end": place.end_line}},
    }


def _problem(problem: Problem) -> dict[str, Any]:
    text = f"{problem.path}\0{problem.message}".encode("utf-8", "surrogatepass")
    return {
        "description": problem.message,
        "check_name": "lockcheck",
        "fingerprint": hashlib.blake2b(text, digest_size=8).hexdigest(),
        "severity": _NOT_CHECKED,
        "location": {"path": _path(problem.path), "lines": {"begin": max(problem.line or 1, 1)}},
    }


def _path(path: str) -> str:
    """A path from the repository's root, where GitLab says which folder that is; else from the working folder."""
    root = os.environ.get("CI_PROJECT_DIR")
    if not root:
        return path
    try:
        return os.path.relpath(path, root).replace(os.sep, "/")
    except ValueError:  # another drive, on Windows
        return path
