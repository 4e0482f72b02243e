"""The evaluated arguments of a call."""

from __future__ import annotations

from lockcheck.immutable import dataclass
from lockcheck.linking.values import Abstract, Known, TupleOf, each


@dataclass(frozen=True, slots=True)
class Arguments:
    """`starred` and `double_starred` tell that more arguments came from an unpacked value that could not be read,
    `spread` that one was unpacked whose length is not known."""

    positional: tuple[Abstract, ...] = ()
    keywords: tuple[tuple[str, Abstract], ...] = ()
    starred: bool = False
    double_starred: bool = False
    spread: bool = False

    def keyword(self, name: str) -> Abstract | None:
        return next((value for key, value in self.keywords if key == name), None)

    def get(self, position: int, name: str) -> Abstract | None:
        """The argument at a position or by keyword."""
        if position < len(self.positional):
            return self.positional[position]
        return self.keyword(name)

    def flag(self, name: str) -> bool:
        """Whether a boolean keyword is, or may be, true."""
        value = self.keyword(name)
        return value is not None and not is_false(value)

    @property
    def complete(self) -> bool:
        return not (self.starred or self.double_starred)


def is_false(value: Abstract) -> bool:
    return isinstance(value, Known) and value.value in (False, None)


def truth(value: Abstract) -> bool | None:
    """The truth value of what is known for certain, None otherwise."""
    if isinstance(value, Known) and (value.value is None or isinstance(value.value, (bool, int, str))):
        return bool(value.value)
    return None


def pairs(value: Abstract) -> tuple[tuple[tuple[Abstract, Abstract], ...], bool]:
    """The key and value pairs of a mapping display, and whether they are all of it."""
    found: list[tuple[Abstract, Abstract]] = []
    complete = True
    for part in each(value):
        if isinstance(part, TupleOf) and part.kind == "dict":
            found.extend(zip(part.keys, part.items, strict=True))
        else:
            complete = False
    return tuple(found), complete
