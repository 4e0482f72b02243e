"""Writes the comments that silence findings of today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockcheck.comments import FileSuppressions, Suppression, read
from lockcheck.findings import Edit, Finding, Place

ABOUT_COMMENTS = "LCK9"
"""Findings about comments are not silenced by further comments."""


def edits(text: str, path: str, findings: Iterable[Finding], reason: str) -> Iterator[Edit]:
    """The edits of one file that silence its findings; none where it cannot be tokenized. A comment goes to the first
    line of the statement, where it can; a list of codes that is there already grows."""
    file = read(text, path)
    wanted: dict[int, set[str]] = {}
    for finding in findings:
        if file.lines and not finding.code.startswith(ABOUT_COMMENTS):
            wanted.setdefault(_line(finding.place.line, file), set()).add(finding.code)
    for line, codes in sorted(wanted.items()):
        yield _edit(line, sorted(codes), reason, file, path)


def _line(line: int, file: FileSuppressions) -> int:
    """Where to write: the statement's first line, else the construct's, else the first that can hold a comment."""
    first = file.first_line.get(line, line)
    free = (candidate for candidate in (first, line) if candidate not in file.carriers)
    return next(free, file.carriers.get(first, first))


def _edit(line: int, codes: list[str], reason: str, file: FileSuppressions, path: str) -> Edit:
    for item in file.items:
        if item.place.line == line and item.style == "ignore" and item.listed is not None:
            return _longer(item, item.listed, codes)
    text = file.lines[line - 1]
    end = len(text.rstrip(" \t\f"))
    comment = f"  # lockcheck: ignore[{', '.join(codes)}]{f' {reason}' if reason else ''}"
    return Edit(Place(path, line, end + 1, line, len(text) + 1), comment)


def _longer(item: Suppression, listed: Place, codes: list[str]) -> Edit:
    """The list of a comment with further codes."""
    at = Place(listed.path, listed.end_line, listed.end_column, listed.end_line, listed.end_column)
    return Edit(at, f"{', ' if item.codes else ''}{', '.join(codes)}")


def problem(reason: str) -> str | None:
    """Why a text cannot be the reason in a comment."""
    if len(reason.splitlines()) > 1 or not reason.isprintable():
        return "must be one line of text"
    if reason.startswith("#") or " #" in reason:
        return "must hold no `#`, which would begin another comment"
    return None
