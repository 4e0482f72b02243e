"""GitHub's workflow commands: one annotation per finding and per problem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockcheck.api import Report
    from lockcheck.findings import Finding, Problem
    from lockcheck.reporting.view import View


def lines(report: Report, view: View) -> Iterator[str]:  # noqa: ARG001 - all reporters have one signature
    for problem in report.problems:
        yield _problem(problem)
    for finding in report.findings:
        yield _annotation(finding)


def _annotation(finding: Finding) -> str:
    place = finding.place
    properties = {
        "title": f"lockcheck {finding.code} ({finding.name})",
        "file": place.path,
        "line": str(place.line),
        "endLine": str(place.end_line),
    }
    if place.line == place.end_line:  # GitHub drops columns of spans over several lines
        properties |= {"col": str(place.column), "endColumn": str(place.end_column)}
    related = [f"{item.place.path}:{item.place.line}: {item.message}" for item in finding.related]
    message = "\n".join([f"{place.path}:{place.line}:{place.column}: {finding.code} {finding.message}", *related])
    return _command(finding.severity, properties, message)


def _problem(problem: Problem) -> str:
    properties = {"title": "lockcheck", "file": problem.path}
    if problem.line is not None:
        properties["line"] = str(problem.line)
    if problem.column is not None:
        properties["col"] = str(problem.column)
    return _command("error", properties, problem.message)


def _command(name: str, properties: dict[str, str], message: str) -> str:
    listed = ",".join(f"{key}={_escaped_property(value)}" for key, value in properties.items())
    return f"::{name} {listed}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
