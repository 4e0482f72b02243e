"""Source frames: the lines around a place, with line numbers and carets under it."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.findings import Place
from lockcheck.reporting.style import cells, clip, expanded
from lockcheck.reporting.view import View

BEFORE = 2
LONGEST = 6
"""How many lines of a construct are shown before the rest is left out."""


def gutter(number: int) -> int:
    """The columns that line numbers up to this one take."""
    return len(str(number))


def last_line(place: Place) -> int:
    """The last line that a frame of a place shows."""
    return min(place.end_line, place.line + LONGEST - 1)


def frame(place: Place, view: View, *, margin: int, before: int) -> Iterator[str]:
    """The frame of a place; nothing where the place is not in the text."""
    style, width, lines = view.style, view.width, view.sources.lines(place.path)
    if not 1 <= place.line <= len(lines):
        return
    bar = style.paint("|", "blue")
    room = None if width is None else max(width - margin - 3, 20)
    last = min(last_line(place), len(lines))
    start, end = _span(place, lines[place.line - 1])
    shift = 0 if room is None or end + 1 <= room else max(0, min(start - 8, end + 1 - room))
    yield f"{' ' * margin} {bar}"
    for number in range(max(1, place.line - before), last + 1):
        text = expanded(lines[number - 1].rstrip())
        shown = text if room is None else clip(text, shift, room)
        yield f"{style.paint(str(number).rjust(margin), 'blue')} {bar} {shown}".rstrip()
        if number == place.line:
            carets = "^" * max(1, (end if room is None else min(end, shift + room)) - start)
            yield f"{' ' * margin} {bar} {' ' * (start - shift)}{style.paint(carets, 'red', 'bold')}"
    if last < place.end_line <= len(lines):
        yield f"{style.paint('.' * margin, 'blue')} {bar}"
    yield f"{' ' * margin} {bar}"


def _span(place: Place, line: str) -> tuple[int, int]:
    """The columns, from 0, of the part of a place that lies on its first line, as they are shown."""
    text = line.rstrip()
    stop = place.end_column - 1 if place.end_line == place.line else len(text)
    start = cells(expanded(text[: place.column - 1]))
    return start, max(start + 1, cells(expanded(text[:stop])))
