"""Walks over the steps and values of one function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockcheck import facts
from lockcheck.linking.sessions import blocks
from lockcheck.linking.tables import operands

NESTING = (facts.If, facts.Loop, facts.Try, facts.With)
"""Steps with blocks inside."""


def steps_of(block: facts.Block) -> Iterator[facts.Step]:
    """The steps of a block, those in blocks inside it included."""
    rest = [*reversed(block)]
    while rest:
        step = rest.pop()
        yield step
        if isinstance(step, NESTING):
            for inner in reversed(blocks(step)):
                rest.extend(reversed(inner))


def values_of(function: facts.FunctionFacts, numbers: Iterable[facts.Id]) -> set[facts.Id]:
    """The numbers of values and of all that they are made from."""
    found: set[facts.Id] = set()
    rest = list(numbers)
    while rest:
        number = rest.pop()
        if number not in found:
            found.add(number)
            rest.extend(operands(function.values[number]))
    return found


def attributes_in(function: facts.FunctionFacts) -> frozenset[str]:
    """The attributes that a function reads or sets, of whatever object."""
    read = {value.name for value in function.values if isinstance(value, facts.Attr)}
    return frozenset(read | {step.name for step in steps_of(function.body) if isinstance(step, facts.SetAttribute)})


def leaves(block: facts.Block) -> bool:
    """Whether a block surely leaves the loop around it, or the function."""
    return any(_leaves(step) for step in block)


def _leaves(step: facts.Step) -> bool:
    if isinstance(step, (facts.Return, facts.Raise, facts.Break)):
        return True
    if isinstance(step, facts.If):
        return leaves(step.body) and leaves(step.orelse)
    if isinstance(step, facts.With):
        return leaves(step.body)
    if isinstance(step, facts.Try):
        whole = leaves((*step.body, *step.orelse)) and all(leaves(handler.body) for handler in step.handlers)
        return whole or leaves(step.final)
    return False


def calls_in(function: facts.FunctionFacts, block: facts.Block) -> Iterator[facts.Call]:
    """The calls that a block makes, or whose values it uses."""
    yield from _calls(function, values_of(function, evaluated(block)))


def calls_of_turn(function: facts.FunctionFacts, site: int) -> Iterator[facts.Call]:
    """The calls that each turn of the loop with this number makes."""
    before: list[facts.Step] = []
    for step in steps_of(function.body):
        if isinstance(step, facts.Loop) and step.site == site:
            made = values_of(function, evaluated(step.body)) - values_of(function, _values(before))
            yield from _calls(function, made)
            return
        before.append(step)


def _calls(function: facts.FunctionFacts, numbers: Iterable[facts.Id]) -> Iterator[facts.Call]:
    for number in numbers:
        fact = function.values[number]
        if isinstance(fact, facts.Call):
            yield fact


def evaluated(block: facts.Block) -> Iterator[facts.Id]:
    """The values that the steps of a block evaluate."""
    yield from _values(steps_of(block))


def _values(steps: Iterable[facts.Step]) -> Iterator[facts.Id]:
    for step in steps:
        if isinstance(step, (facts.Evaluate, facts.Return, facts.Raise, facts.SetAttribute, facts.SetItem)):
            if step.value is not None:
                yield step.value
        elif isinstance(step, (facts.If, facts.Assert)):
            yield step.test
        elif isinstance(step, facts.Loop):
            yield from (number for number in (step.iterable, step.test) if number is not None)
        elif isinstance(step, facts.With):
            yield from step.contexts
