"""JUnit XML: one test suite per file, one failed test per finding, one test in error per problem."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from lockcheck.findings import Finding, Problem

if TYPE_CHECKING:
    from lockcheck.api import Report
    from lockcheck.reporting.view import View

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document may hold, not even escaped."""


def lines(report: Report, view: View) -> Iterator[str]:  # noqa: ARG001 - all reporters have one signature
    items: list[Finding | Problem] = [*report.problems, *report.findings]
    suites = Element("testsuites", {"name": "lockcheck"} | _counts(report.findings, report.problems))
    for path, group in groupby(sorted(items, key=_path), key=_path):
        _suite(suites, path, list(group))
    if not items:
        suite = SubElement(suites, "testsuite", {"name": "lockcheck", "tests": "1", "failures": "0", "errors": "0"})
        SubElement(suite, "testcase", {"name": "No findings", "classname": "lockcheck", "time": "0"})
        suites.set("tests", "1")
    indent(suites)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield tostring(suites, encoding="unicode")


def _path(item: Finding | Problem) -> str:
    return item.place.path if isinstance(item, Finding) else item.path


def _suite(suites: Element, path: str, items: Iterable[Finding | Problem]) -> None:
    listed = list(items)
    findings = [item for item in listed if isinstance(item, Finding)]
    problems = [item for item in listed if isinstance(item, Problem)]
    suite = SubElement(suites, "testsuite", {"name": _text(path)} | _counts(findings, problems))
    for problem in problems:
        where = {"file": _text(path), "line": str(problem.line or 1)}
        case = SubElement(suite, "testcase", {"name": "lockcheck", "classname": _text(path), "time": "0", **where})
        SubElement(case, "error", {"message": _text(problem.message), "type": "problem"})
    for finding in findings:
        _case(suite, finding)


def _case(suite: Element, finding: Finding) -> None:
    place = finding.place
    where = {"file": _text(place.path), "line": str(place.line)}
    name = f"{finding.code} {finding.name} {place.line}:{place.column}"
    case = SubElement(suite, "testcase", {"name": name, "classname": _text(place.path), "time": "0", **where})
    failure = SubElement(case, "failure", {"message": _text(finding.message), "type": finding.severity})
    places = [(place, f"{finding.code} {finding.message}"), *((item.place, item.message) for item in finding.related)]
    failure.text = _text("\n".join(f"{at.path}:{at.line}:{at.column}: {message}" for at, message in places))


def _counts(findings: Sequence[Finding], problems: Sequence[Problem]) -> dict[str, str]:
    counts = {"tests": len(findings) + len(problems), "failures": len(findings), "errors": len(problems)}
    return {name: str(count) for name, count in counts.items()}


def _text(text: str) -> str:
    """Text with what XML cannot hold shown as U+FFFD."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
