"""What the values of one function say by themselves, whatever it is called with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lockcheck import facts
from lockcheck.linking.spelling import called, named, spelled

if TYPE_CHECKING:
    from lockcheck.linking.values import Abstract


class Table:
    """The values of one function; what is asked of them is found once for all its evaluations."""

    def __init__(self, function: facts.FunctionFacts) -> None:
        self._function = function
        self._values = function.values
        self.typed: dict[int, Abstract] = {}
        """What its parameters are, by their numbers, where nothing is known but their types."""
        self._operands: dict[facts.Id, tuple[facts.Id, ...]] = {}
        self._walks: dict[facts.Id, tuple[facts.Id, ...]] = {}

    def operands(self, number: facts.Id) -> tuple[facts.Id, ...]:
        """The numbers that a value refers to directly."""
        found = self._operands.get(number)
        if found is None:
            found = self._operands[number] = operands(self._values[number])
        return found

    def named(self, number: facts.Id) -> str | None:
        """The name that a value has in the function: as written, or of the local variable that holds it to the end."""
        return named(self._values, number) or self._variables.get(number)

    @cached_property
    def _variables(self) -> Mapping[facts.Id, str]:
        """The first local variable that holds a value at the end."""
        return {number: name for name, number in reversed(self._function.bindings)}

    @cached_property
    def decorators(self) -> tuple[str, ...]:
        """The names of the decorators, without what they are called with; "" for what is no name."""
        values = self._values
        return tuple(spelled(values, called(values, number)) or "" for number in self._function.decorators)

    @cached_property
    def outer_names(self) -> tuple[str, ...]:
        """The names that are not bound in the function."""
        return tuple(sorted({value.name for value in self._values if isinstance(value, facts.Name)}))

    @cached_property
    def entered(self) -> Mapping[facts.Id, tuple[facts.Id, ...]]:
        """What the `with` statements bind, by their contexts."""
        found: dict[facts.Id, tuple[facts.Id, ...]] = {}
        for number, value in enumerate(self._values):
            if isinstance(value, facts.Entered):
                found[value.context] = (*found.get(value.context, ()), number)
        return found

    @cached_property
    def kept(self) -> tuple[tuple[str, str], ...]:
        """The parameters that `__init__` keeps, behind the names of the attributes that hold them."""
        found = []
        for step in assignments(self._function.body):
            source = self._values[step.value]
            if isinstance(self._values[step.base], facts.Param) and isinstance(source, facts.Param):
                found.append((step.name, source.name))
        return tuple(found)

    def walks(self, number: facts.Id) -> tuple[facts.Id, ...]:
        """What is walked over by the loops and comprehensions whose elements a value is made of."""
        found = self._walks.get(number)
        if found is None:
            walked: dict[facts.Id, None] = {}
            self._walk(number, set(), walked)
            found = self._walks[number] = tuple(walked)
        return found

    def _walk(self, number: facts.Id, seen: set[facts.Id], walked: dict[facts.Id, None]) -> None:
        seen.add(number)
        value = self._values[number]
        if isinstance(value, facts.Each):
            walked[value.iterable] = None
            return
        for part in self.operands(number):
            if part not in seen:
                self._walk(part, seen, walked)


def assignments(block: facts.Block) -> tuple[facts.SetAttribute, ...]:
    """The attribute assignments of a body, those in its branches included."""
    found: list[facts.SetAttribute] = []
    for step in block:
        if isinstance(step, facts.SetAttribute):
            found.append(step)
        elif isinstance(step, facts.If):
            found.extend(assignments(step.body) + assignments(step.orelse))
        elif isinstance(step, (facts.With, facts.Loop)):
            found.extend(assignments(step.body))
    return tuple(found)


def last_value(block: facts.Block) -> facts.Id:
    """The highest number that the steps of a block name; numbers are given in the order of the source."""
    found = [-1]
    for step in block:
        for part in step:
            if isinstance(part, int) and not isinstance(part, bool):
                found.append(part)
            elif isinstance(part, tuple) and part and isinstance(part[0], tuple):
                found.append(last_value(part))
            elif isinstance(part, tuple):
                found.extend(number for number in part if isinstance(number, int))
    return max(found)


def operands(fact: facts.Value) -> tuple[facts.Id, ...]:
    """The numbers that a value refers to directly."""
    return OPERANDS[type(fact)](fact) if type(fact) in OPERANDS else ()


OPERANDS: dict[type, Callable[[Any], tuple[facts.Id, ...]]] = {
    facts.Attr: lambda f: (f.base,),
    facts.Call: lambda f: (f.func, *(a.value for a in f.args), *(k.value for k in f.keywords)),
    facts.Item: lambda f: (f.base,),
    facts.Subscript: lambda f: (f.base, f.index),
    facts.Each: lambda f: (f.iterable,),
    facts.Sequence: lambda f: tuple(a.value for a in f.items),
    facts.Dict: lambda f: tuple(n for k, v in f.items for n in (k, v) if n is not None),
    facts.Comprehension: lambda f: (
        *f.iterables,
        *f.conditions,
        *(() if f.key is None else (f.key,)),
        f.element,
    ),
    facts.Compare: lambda f: f.operands,
    facts.Boolean: lambda f: f.operands,
    facts.Binary: lambda f: (f.left, f.right),
    facts.Unary: lambda f: (f.operand,),
    facts.Choice: lambda f: (f.test, f.body, f.orelse),
    facts.Join: lambda f: f.values,
    facts.Grown: lambda f: (f.base, f.element),
    facts.Entered: lambda f: (f.context,),
    facts.Caught: lambda f: f.types,
    facts.Text: lambda f: f.parts,
    facts.Yielded: lambda f: () if f.value is None else (f.value,),
    facts.Unknown: lambda f: f.operands,
}
