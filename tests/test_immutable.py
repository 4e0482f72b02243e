"""Values that nothing changes: made, compared and copied."""

from __future__ import annotations

from dataclasses import field

import pytest

from lockcheck.immutable import dataclass, replace


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0
    name: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    x: int
    y: int


def test_values_are_equal_and_hashed_by_what_counts() -> None:
    assert Point(1, 2, "a") == Point(1, 2, "b") != Point(1, 3, "a")
    assert len({Point(1, 2, "a"), Point(1, 2, "b"), Point(2, 1)}) == 2


def test_values_without_equality_are_themselves() -> None:
    assert Place(1, 2) != Place(1, 2)
    assert len({Place(1, 2), Place(1, 2)}) == 2


def test_values_have_no_other_attributes() -> None:
    assert not hasattr(Point(1), "__dict__")


def test_copy_without_changes_is_equal() -> None:
    point = Point(1, 2, "a")
    copy = replace(point)
    assert copy == point
    assert copy is not point
    assert copy.name == "a"


def test_copy_with_changes_leaves_the_value_as_it_is() -> None:
    point = Point(1, 2, "a")
    copy = replace(point, y=5, name="b")
    assert (copy.x, copy.y, copy.name) == (1, 5, "b")
    assert (point.x, point.y, point.name) == (1, 2, "a")


def test_copy_with_an_unknown_field() -> None:
    with pytest.raises(KeyError):
        replace(Point(1), z=3)  # type: ignore[call-arg]  # the type checker sees it too
