"""Constant collections as sets whose members may be unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lockcheck.declarations.model import Collection, Constant


@dataclass(frozen=True, slots=True)
class Missing:
    """No constant, or one that is not known; the constant None is None."""


MISSING = Missing()
UNKNOWN = Collection(None, None)
EMPTY = Collection(frozenset(), has_none=False)


def single(value: Constant | Missing) -> Collection:
    """The collection with one member; a collection inside another is a member that is not None."""
    if isinstance(value, Missing):
        return UNKNOWN
    if isinstance(value, Collection):
        return Collection(None, has_none=False)
    return Collection(frozenset({value}), has_none=value is None)


def collected(value: Constant | Missing) -> Collection:
    return value if isinstance(value, Collection) else UNKNOWN


def perhaps(element: Collection) -> Collection:
    """A collection that holds an element or does not."""
    return Collection(None, None if element.has_none is not False else False)


def union(left: Collection, right: Collection) -> Collection:
    has_none = any_of([left.has_none, right.has_none])
    if left.items is None or right.items is None:
        return Collection(None, has_none)
    return Collection(left.items | right.items, has_none)


def difference(left: Collection, right: Collection) -> Collection:
    has_none = all_of([left.has_none, not_(right.has_none)])
    if left.items is None or right.items is None:
        return Collection(None, has_none)
    return Collection(left.items - right.items, has_none)


def intersection(left: Collection, right: Collection) -> Collection:
    has_none = all_of([left.has_none, right.has_none])
    if left.items is None or right.items is None:
        return Collection(None, has_none)
    return Collection(left.items & right.items, has_none)


Combine = Callable[[Collection, Collection], Collection]
OPERATORS: Mapping[str, Combine] = {"|": union, "+": union, "-": difference, "&": intersection}
METHODS: Mapping[str, Combine] = {"union": union, "difference": difference, "intersection": intersection}


# --- logic with unknowns ----------------------------------------------------------------------------------------


def all_of(answers: list[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def any_of(answers: list[bool | None]) -> bool | None:
    return True if True in answers else None if None in answers else False


def not_(answer: bool | None) -> bool | None:
    return None if answer is None else not answer
