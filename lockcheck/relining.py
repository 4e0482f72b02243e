"""Hazards whose lines are elsewhere now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from lockcheck.declarations.model import Location
from lockcheck.hazards import Hazard, Where
from lockcheck.snapshot import Entry

if TYPE_CHECKING:
    from lockcheck.mends import Moves
    from lockcheck.renewal import Lines


def relined(entry: Entry, moved: Mapping[str, Lines], moves: Moves) -> Entry | None:
    """A hazard with its lines where they are now, and without the finding, which is to be made anew; None where a line
    is none of a declaration."""
    hazard = _relined(entry.hazard, moved)
    if hazard is None:
        return None
    return Entry(entry.code, hazard, None, moves.mend(hazard, entry.draft) if entry.draft is not None else None)


def _relined(hazard: Hazard, moved: Mapping[str, Lines]) -> Hazard | None:
    try:
        related = tuple((there(where, moved), message) for where, message in hazard.related)
        place = None if hazard.place is None else _location(hazard.place, moved)
    except KeyError:
        return None
    return replace(hazard, related=related, place=place)


def there(where: Where, moved: Mapping[str, Lines]) -> Where:
    """Where a declaration that a hazard names is now. Raises KeyError for a line that is none of a declaration."""
    return _location(where, moved) if isinstance(where, Location) else where


def _location(where: Location, moved: Mapping[str, Lines]) -> Location:
    """Raises KeyError for a line that is none of a declaration."""
    return Location(where.path, moved[where.path][where.line]) if where.path in moved else where
