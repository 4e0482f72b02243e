"""One line per finding: `path:line:column: CODE [*] message`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockcheck.reporting.style import printable

if TYPE_CHECKING:
    from lockcheck.api import Report
    from lockcheck.findings import Finding
    from lockcheck.reporting.view import View


def lines(report: Report, view: View) -> Iterator[str]:
    for finding in report.findings:
        yield _line(finding, view)


def _line(finding: Finding, view: View) -> str:
    place, paint = finding.place, view.style.paint
    where = f"{paint(printable(place.path), 'bold')}{paint(':', 'cyan')}{place.line}{paint(':', 'cyan')}{place.column}"
    code = paint(finding.code, "red", "bold")
    return f"{where}{paint(':', 'cyan')} {code} {view.marker(finding)}{printable(finding.message)}"
