"""Values that a function makes and then does nothing with."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from lockcheck import facts
from lockcheck.linking.frame import operands
from lockcheck.linking.sessions import blocks

if TYPE_CHECKING:
    from lockcheck.facts import FunctionFacts, Id
    from lockcheck.linking.linker import Linker


class Uses:
    """Who refers to the values of one function."""

    def __init__(self, linker: Linker, function: FunctionFacts) -> None:
        self._values = function.values
        self._users: dict[Id, list[Id]] = {}
        for number, value in enumerate(function.values):
            for part in operands(value):
                self._users.setdefault(part, []).append(number)
        self._taken = set(_taken(function.body))
        inner = {name for name, _ in function.bindings if _closed_over(linker, function, name)}
        exported = function.qualname.endswith("<body>")
        self._taken |= {number for name, number in function.bindings if exported or name in inner}

    def unused(self, number: Id, methods: Collection[str]) -> bool:
        """Whether nothing becomes of a value, nor of what these methods make of it."""
        return not self._used(number, methods, set())

    def _used(self, number: Id, methods: Collection[str], seen: set[Id]) -> bool:
        if number in self._taken:
            return True
        if number in seen:
            return False
        seen.add(number)
        return any(self._used_by(user, number, methods, seen) for user in self._users.get(number, ()))

    def _used_by(self, user: Id, number: Id, methods: Collection[str], seen: set[Id]) -> bool:
        value = self._values[user]
        if isinstance(value, facts.Join):
            return self._used(user, methods, seen)
        if not isinstance(value, facts.Attr) or value.base != number or value.name not in methods:
            return True
        calls = self._users.get(user, ())
        if not calls or user in self._taken:
            return True
        return any(not self._calls(call, user) or self._used(call, methods, seen) for call in calls)

    def _calls(self, call: Id, method: Id) -> bool:
        value = self._values[call]
        return isinstance(value, facts.Call) and value.func == method


def _taken(block: facts.Block) -> Iterator[Id]:
    """The values that steps other than plain evaluation refer to."""
    for step in block:
        if not isinstance(step, facts.Evaluate):
            for part in step:
                if isinstance(part, int) and not isinstance(part, bool):
                    yield part
                elif isinstance(part, tuple):
                    yield from (item for item in part if isinstance(item, int))
        for inner in blocks(step):
            yield from _taken(inner)


def _closed_over(linker: Linker, function: FunctionFacts, name: str) -> bool:
    """Whether a function inside this one reads a local variable."""
    return any(
        facts.Name(name) in located.facts.values
        for located in linker.functions.values()
        if located.facts.qualname.startswith(f"{function.qualname}.<locals>.")
    )
