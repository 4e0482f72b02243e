"""Diffs: of a fix's edits, for reading, and of whole files, for `patch`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from lockcheck.findings import Edit
from lockcheck.reporting.sources import Sources
from lockcheck.reporting.style import Style, expanded, folded, printable

NEAR = 3
"""Edits that are at most this many lines apart are shown together."""


def of_edits(edits: Sequence[Edit], sources: Sources, style: Style, *, margin: int, width: int | None) -> Iterator[str]:
    """What a fix changes: old and new lines with their numbers."""
    paths = sorted({edit.place.path for edit in edits})
    for path in paths:
        lines = sources.lines(path)
        if len(paths) > 1:
            yield f"{' ' * margin} {style.paint(printable(path), 'bold')}"
        groups = list(_groups(sorted((edit for edit in edits if edit.place.path == path), key=lambda edit: edit.place)))
        for number, group in enumerate(groups):
            if number:
                yield style.paint("." * margin, "blue")
            yield from _hunk(group, lines, style, margin, width)


def _groups(edits: Sequence[Edit]) -> Iterator[list[Edit]]:
    group: list[Edit] = []
    for edit in edits:
        if group and edit.place.line - max(item.place.end_line for item in group) > NEAR:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def _hunk(edits: list[Edit], lines: list[str], style: Style, margin: int, width: int | None) -> Iterator[str]:
    first = edits[0].place.line
    last = min(max(edit.place.end_line for edit in edits), len(lines))
    old = lines[first - 1 : last]
    new = _applied(edits, old, first)
    room = None if width is None else max(width - margin - 3, 20)
    number = first
    for line in difflib.ndiff(old, new):
        mark, text = line[0], expanded(line[2:].rstrip())
        if mark == "?":
            continue
        label = " " * margin if mark == "+" else str(number).rjust(margin)
        for piece in [text] if room is None else folded(text, room):
            yield f"{style.paint(label, 'blue')} {_painted(f'{mark} {piece}'.rstrip(), style)}".rstrip()
            label = " " * margin
        number += mark != "+"


def _applied(edits: list[Edit], old: list[str], first: int) -> list[str]:
    text = "\n".join(old)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line) + 1)
    for edit in reversed(edits):
        begin = starts[edit.place.line - first] + edit.place.column - 1
        end = min(starts[min(edit.place.end_line - first, len(old))] + edit.place.end_column - 1, len(text))
        text = text[:begin] + edit.text + text[end:]
    return text.split("\n")


def of_file(path: str, before: str, after: str, style: Style) -> Iterator[str]:
    """A unified diff, as `patch -p0` reads it."""
    for line in difflib.unified_diff(_with_ends(before), _with_ends(after), path, path):
        text = line.removesuffix("\n")
        yield style.paint(text, "bold") if text.startswith(("--- ", "+++ ")) else _painted(text, style)
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"


def _painted(text: str, style: Style) -> str:
    colour = {"-": "red", "+": "green", "@": "cyan"}.get(text[:1])
    return style.paint(text, colour) if colour else text


def _with_ends(text: str) -> list[str]:
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
