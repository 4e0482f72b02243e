"""Values that a function makes and then does nothing with."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from lockcheck import facts
from lockcheck.linking.sessions import blocks
from lockcheck.linking.tables import operands

if TYPE_CHECKING:
    from lockcheck.facts import FunctionFacts, Id
    from lockcheck.linking.linker import Linker


TESTS = (facts.Unary, facts.Boolean, facts.Compare)


class Uses:
    """Who refers to the values of one function."""

    def __init__(self, linker: Linker, function: FunctionFacts) -> None:
        self._values = function.values
        self._users: dict[Id, list[Id]] = {}
        for number, value in enumerate(function.values):
            for part in operands(value):
                self._users.setdefault(part, []).append(number)
        self._taken, self._tests = set(_taken(function.body)), set(_tests(function.body))
        inner = {name for name, _ in function.bindings if _closed_over(linker, function, name)}
        exported = function.qualname.endswith("<body>")
        self._taken |= {number for name, number in function.bindings if exported or name in inner}

    def unused(self, number: Id, methods: Collection[str]) -> bool:
        """Whether nothing becomes of a value, nor of what these methods make of it."""
        return not self._used(number, methods, set())

    def only_tested(self, number: Id, methods: Collection[str]) -> bool:
        """Whether a value, or what these methods make of it, is tested, and used for nothing else."""
        return self._tested(number, methods, set())

    def _tested(self, number: Id, methods: Collection[str], seen: set[Id]) -> bool:
        if number in self._taken - self._tests:
            return False
        seen.add(number)
        users = [user for user in self._users.get(number, ()) if user not in seen]
        return all(self._tested_by(user, methods, seen) for user in users)

    def _tested_by(self, user: Id, methods: Collection[str], seen: set[Id]) -> bool:
        value = self._values[user]
        if isinstance(value, facts.Attr):
            calls = self._users.get(user, ())
            return value.name in methods and all(
                self._calls(call, user) and self._tested(call, methods, seen) for call in calls
            )
        return isinstance(value, (facts.Join, *TESTS)) and self._tested(user, methods, seen)

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


def _tests(block: facts.Block) -> Iterator[Id]:
    """The values that decide a branch."""
    for step in block:
        if isinstance(step, (facts.If, facts.Assert)):
            yield step.test
        for inner in blocks(step):
            yield from _tests(inner)


def _taken(block: facts.Block) -> Iterator[Id]:
    """The values that steps other than plain evaluation refer to."""
    for step in block:
        if not isinstance(step, facts.Evaluate):
            yield from _direct(step)
        for inner in blocks(step):
            yield from _taken(inner)


def _direct(step: facts.Step) -> Iterator[Id]:
    if isinstance(step, (facts.If, facts.Assert)):
        yield step.test
    elif isinstance(step, facts.Loop):
        yield from (number for number in (step.iterable, step.test) if number is not None)
    elif isinstance(step, facts.With):
        yield from step.contexts
    elif isinstance(step, facts.Try):
        yield from (number for handler in step.handlers for number in handler.types)
    elif isinstance(step, facts.SetAttribute):
        yield from (step.base, step.value)
    elif isinstance(step, facts.SetItem):
        yield from (step.base, step.index, step.value)
    elif isinstance(step, (facts.Return, facts.Raise)) and step.value is not None:
        yield step.value


def _closed_over(linker: Linker, function: FunctionFacts, name: str) -> bool:
    """Whether a function inside this one reads a local variable."""
    return any(facts.Name(name) in linker.functions[inner].facts.values for inner in linker.inside(function.qualname))
