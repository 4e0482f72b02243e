"""Findings as SARIF results: the place, both transactions as code flows, and the fix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

from lockcheck.findings import Edit, Finding, Fix, Place, Related
from lockcheck.reporting import uris
from lockcheck.reporting.sarif_text import label, message
from lockcheck.reporting.sides import sides

MOST_RELATED = 999
"""GitHub refuses a result with more than 1,000 locations."""


class Artifacts:
    """The files that a run speaks of, each once, numbered in the order in which they come up."""

    def __init__(self, folder: PurePath) -> None:
        self.folder = folder
        self._numbers: dict[str, int] = {}

    def location(self, path: str) -> dict[str, Any]:
        number = self._numbers.setdefault(path, len(self._numbers))
        return {**self._where(path), "index": number}

    def listed(self) -> list[dict[str, Any]]:
        return [{"location": self._where(path), "sourceLanguage": "python"} for path in self._numbers]

    def _where(self, path: str) -> dict[str, Any]:
        below = uris.relative(path)
        if below is None:
            return {"uri": uris.absolute(path, self.folder)}
        return {"uri": below, "uriBaseId": "%SRCROOT%"}


def result(finding: Finding, rule: int, silence: list[dict[str, Any]], artifacts: Artifacts) -> dict[str, Any]:
    """`rule` is the rule's number in the list of rules, `silence` what suppresses the finding."""
    related = finding.related[:MOST_RELATED]
    place = _location(finding.place, artifacts)
    if finding.symbol:
        place["logicalLocations"] = [{"fullyQualifiedName": finding.symbol, "kind": "function"}]
    made: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": _text(finding, related)},
        "locations": [place],
        "relatedLocations": [
            {"id": number, **_location(item.place, artifacts, item.message)} for number, item in enumerate(related, 1)
        ],
        "partialFingerprints": {"lockcheck/v1": finding.fingerprint},
        "properties": {"preview": finding.preview},
    }
    if flow := _flow(finding, artifacts):
        made["codeFlows"] = [flow]
    if finding.fix is not None:
        made["fixes"] = [_fix(finding.fix, artifacts)]
    if silence:
        made["suppressions"] = silence
    return made


def _text(finding: Finding, related: Iterable[Related]) -> str:
    """The message; viewers such as GitHub's show a related place only where the message links to it."""
    links = [
        f"[{label(f'{item.place.path}:{item.place.line}')}]({number}): {message(item.message)}"
        for number, item in enumerate(related, 1)
    ]
    return "\n".join([message(finding.message), *links])


def _flow(finding: Finding, artifacts: Artifacts) -> dict[str, Any] | None:
    """Both transactions, statement by statement; None where the finding is about one."""
    found = sides(finding)
    if not found.other:
        return None
    return {
        "message": {"text": "the two transactions, each in the order of its statements"},
        "threadFlows": [_thread("A", found.own, artifacts), _thread("B", found.other, artifacts)],
    }


def _thread(name: str, steps: Sequence[Related], artifacts: Artifacts) -> dict[str, Any]:
    return {
        "id": name,
        "message": {"text": f"transaction {name}"},
        "locations": [{"location": _location(step.place, artifacts, step.message)} for step in steps],
    }


def _location(place: Place, artifacts: Artifacts, text: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": artifacts.location(place.path), "region": _region(place)}
    }
    return found if text is None else {**found, "message": {"text": message(text)}}


def _region(place: Place) -> dict[str, int]:
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }


def _fix(fix: Fix, artifacts: Artifacts) -> dict[str, Any]:
    paths = dict.fromkeys(edit.place.path for edit in fix.edits)
    return {
        "description": {"text": f"{fix.message} ({fix.applicability})"},
        "artifactChanges": [
            {
                "artifactLocation": artifacts.location(path),
                "replacements": [_replacement(edit) for edit in fix.edits if edit.place.path == path],
            }
            for path in paths
        ],
        "properties": {"applicability": fix.applicability},
    }


def _replacement(edit: Edit) -> dict[str, Any]:
    return {"deletedRegion": _region(edit.place), "insertedContent": {"text": edit.text}}
