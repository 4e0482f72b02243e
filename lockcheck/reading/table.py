"""The value table of one function, and the environments that say which value a local name holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lockcheck.facts import (
    Attr,
    Binary,
    Call,
    Comprehension,
    Const,
    Dict,
    Grown,
    Id,
    Join,
    Name,
    Param,
    Sequence,
    Value,
    Yielded,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

Env: TypeAlias = dict[str, Id]
"""The values that local names hold at a point; a name without an entry is not bound there."""


class Arm(NamedTuple):
    """The end of one branch: its environment, and whether it left by return, raise, break or continue."""

    env: Env
    left: bool


_CONTAINERS = frozenset({"list", "set", "dict", "defaultdict", "deque", "OrderedDict"})


class Table:
    """Values in the order in which they are met. Equal names, literals and joins share one entry."""

    __slots__ = ("_consts", "_joins", "_names", "calls", "values")

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.calls = 0
        self._names: dict[str, Id] = {}
        self._consts: dict[tuple[type, object], Id] = {}
        self._joins: dict[tuple[Id, ...], Id] = {}

    def add(self, value: Value) -> Id:
        self.values.append(value)
        return len(self.values) - 1

    def add_call(self, value: Call | Yielded) -> Id:
        """A value that does something when it is evaluated; `calls` counts them."""
        self.calls += 1
        return self.add(value)

    def name(self, name: str) -> Id:
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = self.add(Name(name))
        return known

    def const(self, value: str | float | bool | None) -> Id:
        key = (value.__class__, value)
        known = self._consts.get(key)
        if known is None:
            known = self._consts[key] = self.add(Const(value))
        return known

    def join(self, ids: Iterable[Id]) -> Id:
        """One of several values; the value itself where there is only one."""
        key = tuple(dict.fromkeys(ids))
        if len(key) == 1:
            return key[0]
        known = self._joins.get(key)
        if known is None:
            known = self._joins[key] = self.add(Join(key))
        return known

    def open_join(self, *ids: Id) -> Id:
        """A join at the head of a loop, whose other values are not known yet."""
        return self.add(Join(ids))

    def close_join(self, head: Id, ids: Iterable[Id], name: str) -> Id:
        """Complete a loop's join for `name`; the result is what the name holds when the loop ends."""
        members = tuple(dict.fromkeys(value for value in ids if value != head))
        self.values[head] = Join(members) if members else Name(name)
        if len(members) != 1:
            return head
        only = self.values[members[0]]
        if isinstance(only, (Const, Name, Param)):
            self.values[head] = only
        return members[0]

    def is_container(self, value: Id) -> bool:
        """Whether a value is a list, set, dict or deque made in this function, so that `append` and `add` grow it."""
        return self._is_container(value, set())

    def _is_container(self, index: Id, seen: set[Id]) -> bool:
        seen.add(index)
        value = self.values[index]
        if isinstance(value, Join):
            return all(self._is_container(member, seen) for member in value.values if member not in seen)
        if isinstance(value, Grown):
            return value.base in seen or self._is_container(value.base, seen)
        if isinstance(value, Binary):
            return value.left in seen or self._is_container(value.left, seen)
        if isinstance(value, Call):
            func = self.values[value.func]
            return isinstance(func, (Name, Attr)) and func.name in _CONTAINERS
        if isinstance(value, Sequence):
            return value.kind != "tuple"
        return isinstance(value, Dict) or (isinstance(value, Comprehension) and value.kind != "generator")


def join_envs(table: Table, envs: list[Env]) -> Env:
    """The environment where several meet. A name that some do not bind holds what the others say."""
    result = dict(envs[0])
    several: dict[str, list[Id]] = {}
    for env in envs[1:]:
        for name, value in env.items():
            known = result.setdefault(name, value)
            if known != value:
                several.setdefault(name, [known]).append(value)
    for name, values in several.items():
        result[name] = table.join(values)
    return result
