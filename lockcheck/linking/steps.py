"""Walks over the steps and values of one function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockcheck import facts
from lockcheck.linking.frame import operands
from lockcheck.linking.sessions import blocks


def steps_of(block: facts.Block) -> Iterator[facts.Step]:
    """The steps of a block, those in blocks inside it included."""
    for step in block:
        yield step
        for inner in blocks(step):
            yield from steps_of(inner)


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
