"""Members of enum classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lockcheck.declarations.model import (
    Assignment,
    CallOf,
    Collection,
    Constant,
    Deferred,
    EnumMember,
    Expression,
    Items,
    Name,
)
from lockcheck.declarations.resolve import Names
from lockcheck.declarations.sets import Missing

_ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum"})
_NO_MEMBERS = frozenset({"nonmember", "property", "staticmethod", "classmethod"})

Evaluate = Callable[[Expression, str], "Constant | Missing"]
"""The value of an expression in the body of the class of that name."""


@dataclass(slots=True)
class Members:
    """The members of an enum, and all names for them: a name with the value of an earlier one is its alias."""

    by_name: dict[str, EnumMember] = field(default_factory=dict)

    @property
    def distinct(self) -> tuple[EnumMember, ...]:
        return tuple(dict.fromkeys(self.by_name.values()))


class Enums:
    """Reads enums, each once."""

    def __init__(self, names: Names, evaluate: Evaluate) -> None:
        self._names = names
        self._evaluate = evaluate
        self._found: dict[str, Members | None] = {}

    def members(self, qualname: str) -> Mapping[str, EnumMember] | None:
        """The members of an enum class by name, aliases included; None for any other name."""
        found = self._read(qualname)
        return found.by_name if found is not None else None

    def distinct(self, qualname: str) -> tuple[EnumMember, ...] | None:
        """The members without aliases."""
        found = self._read(qualname)
        return found.distinct if found is not None else None

    def _read(self, qualname: str) -> Members | None:
        if qualname not in self._found:
            kinds = {base.rpartition(".")[2] for base in self._names.mro(qualname) if base.startswith("enum.")}
            self._found[qualname] = found = Members() if kinds & _ENUMS else None
            if found is not None:
                self._fill(found, qualname, lower="StrEnum" in kinds)
        return self._found[qualname]

    def _fill(self, found: Members, qualname: str, *, lower: bool) -> None:
        """Members are visible to the values of later ones."""
        by_value: dict[object, EnumMember] = {}
        for attribute in self._names.classes[qualname][0].attributes:
            if attribute.value is None or not _may_be_member(attribute):
                continue
            name = attribute.name
            value = self._value(attribute.value, qualname)
            if isinstance(value, Missing):
                value = name.lower() if lower and isinstance(attribute.value, CallOf) else name
            member = EnumMember(qualname, name, value)
            found.by_name[name] = by_value.setdefault((type(value), value), member)

    def _value(self, value: Expression, qualname: str) -> str | int | float | bool | Missing | None:
        if isinstance(value, Items) and value.items:
            value = value.items[0]
        if isinstance(value, CallOf):
            return Missing()
        found = self._evaluate(value, qualname)
        if isinstance(found, EnumMember):
            return found.value
        return Missing() if isinstance(found, Collection) else found


def _may_be_member(attribute: Assignment) -> bool:
    if attribute.name.startswith("_") or "." in attribute.name or isinstance(attribute.value, Deferred):
        return False
    made = attribute.value.function if isinstance(attribute.value, CallOf) else None
    return not isinstance(made, Name) or made.dotted.rpartition(".")[2] not in _NO_MEMBERS
