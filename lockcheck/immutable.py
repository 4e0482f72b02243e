"""Values that nothing changes once they are made."""

from __future__ import annotations

import dataclasses
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what the type checker sees
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  # others import it from here
    from dataclasses import replace as replace  # noqa: PLC0414  # as above
else:

    def dataclass(*, frozen: bool, slots: bool, **options: Any) -> Any:
        """`dataclasses.dataclass`, for values that are made by the hundred thousand: that nobody assigns to a frozen
        one is for the type checker alone to see. One of three fields is made in a third of the time."""
        hashed = frozen and options.get("eq", True)
        return dataclasses.dataclass(slots=slots, unsafe_hash=hashed, **options)

    def replace(value: Any, **changes: Any) -> Any:
        """`dataclasses.replace`, for values with two fields or more, all of which are given when one is made."""
        parts, places = _taken_apart(type(value))
        found = list(parts(value))
        for name, part in changes.items():
            found[places[name]] = part
        return type(value)(*found)

    @cache
    def _taken_apart(kind: type) -> tuple[Any, dict[str, int]]:
        names = [field.name for field in dataclasses.fields(kind)]
        return attrgetter(*names), {name: place for place, name in enumerate(names)}
