"""Edits applied to texts, and which fixes can be applied together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lockcheck.findings import Edit, Fix
from lockcheck.fixes.lines import Lines


class OverlapError(ValueError):
    """Two edits change the same text."""


class _Spot(NamedTuple):
    start: int
    end: int
    order: int
    text: str


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with the edits made. Equal edits count once; insertions at one place keep their order.

    Raises OverlapError where two edits overlap and ValueError for a place outside the text.
    """
    lines = Lines(text)
    spots = sorted(_spot(lines, edit, order) for order, edit in enumerate(dict.fromkeys(edits)))
    parts, at = [], 0
    for spot in spots:
        if spot.start < at or spot.end < spot.start:
            raise OverlapError(f"two edits change the text at offset {spot.start}")
        parts += [text[at : spot.start], spot.text]
        at = spot.end
    return "".join([*parts, text[at:]])


def _spot(lines: Lines, edit: Edit, order: int) -> _Spot:
    place = edit.place
    start, end = lines.offset(place.line, place.column), lines.offset(place.end_line, place.end_column)
    return _Spot(start, end, order, edit.text)


def apply_all(texts: Mapping[str, str], edits: Iterable[Edit]) -> dict[str, str]:
    """The texts that change, by path."""
    by_path: dict[str, list[Edit]] = {}
    for edit in edits:
        by_path.setdefault(edit.place.path, []).append(edit)
    return {path: apply(texts[path], found) for path, found in by_path.items()}


def select_compatible(fixes: Sequence[Fix]) -> list[int]:
    """The numbers of fixes that do not touch each other's text, earlier ones first served."""
    chosen: list[int] = []
    made: dict[str, list[Edit]] = {}
    for number, fix in enumerate(fixes):
        if any(_meet(edit, other) for edit in fix.edits for other in made.get(edit.place.path, ())):
            continue
        chosen.append(number)
        for edit in fix.edits:
            made.setdefault(edit.place.path, []).append(edit)
    return chosen


def _meet(edit: Edit, other: Edit) -> bool:
    """Whether two edits overlap or touch; equal insertions, such as those of an import, are one edit."""
    if edit == other and _is_insertion(edit):
        return False
    first, second = edit.place, other.place
    return (first.line, first.column) <= (second.end_line, second.end_column) and (second.line, second.column) <= (
        first.end_line,
        first.end_column,
    )


def _is_insertion(edit: Edit) -> bool:
    return (edit.place.line, edit.place.column) == (edit.place.end_line, edit.place.end_column)
