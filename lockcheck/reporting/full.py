"""Findings as a person reads them: message, source, the places it rests on, the fix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockcheck.reporting import diffs, frames
from lockcheck.reporting.style import cells, printable, wrapped

if TYPE_CHECKING:
    from lockcheck.api import Report
    from lockcheck.findings import Finding, Fix, Place
    from lockcheck.reporting.view import View


def lines(report: Report, view: View) -> Iterator[str]:
    for finding in report.findings:
        yield from _finding(finding, view)
        yield ""


def _finding(finding: Finding, view: View) -> Iterator[str]:
    margin = _margin(finding, view)
    code = view.style.paint(finding.code, "red" if finding.severity == "error" else "yellow", "bold")
    label = f"{code} {view.marker(finding)}{view.style.paint(finding.name, 'bold')}: "
    plain = f"{finding.code} {'[*] ' if view.mends(finding) else ''}{finding.name}: "
    yield from _prose(label, plain, finding.message, view.width)
    yield from _place(finding.place, finding.symbol, view, margin, frames.BEFORE)
    for related in finding.related:
        label = f"{view.style.paint('note', 'cyan', 'bold')}: "
        yield from _prose(label, "note: ", related.message, view.width)
        yield from _place(related.place, "", view, margin, 0)
    if finding.fix is not None:
        yield from _fix(finding.fix, view, margin)


def _margin(finding: Finding, view: View) -> int:
    """One gutter for all frames of a finding."""
    numbers = [frames.last_line(place) for place in (finding.place, *(item.place for item in finding.related))]
    edits = finding.fix.edits if finding.fix is not None else ()
    numbers += [min(edit.place.end_line, len(view.sources.lines(edit.place.path))) for edit in edits]
    return frames.gutter(max(numbers))


def _prose(label: str, plain: str, message: str, width: int | None) -> Iterator[str]:
    first, *rest = wrapped(printable(message), width, first=cells(plain))
    yield f"{label}{first}".rstrip()
    yield from rest


def _place(place: Place, symbol: str, view: View, margin: int, before: int) -> Iterator[str]:
    where = f"{printable(place.path)}:{place.line}:{place.column}{f' in {symbol}' if symbol else ''}"
    yield f"{' ' * margin}{view.style.paint('-->', 'blue')} {where}"
    yield from frames.frame(place, view, margin=margin, before=before)


def _fix(fix: Fix, view: View, margin: int) -> Iterator[str]:
    colour = "green" if fix.applicability == "safe" else "yellow"
    label = f"{view.style.paint(f'{fix.applicability} fix', colour, 'bold')}: "
    yield from _prose(label, f"{fix.applicability} fix: ", fix.message, view.width)
    yield from diffs.of_edits(fix.edits, view.sources, view.style, margin=margin, width=view.width)
