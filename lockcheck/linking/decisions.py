"""What the outcome of an `if` rests on: attributes of objects, and calls of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck import facts
from lockcheck.linking.events import Decision, Test
from lockcheck.linking.values import (
    Abstract,
    AttributeOf,
    Instance,
    Known,
    ModelRef,
    Result,
    SessionRef,
    Statement,
    each,
)
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.frame import Frame

TRUE = Known(value=True)

WHOLE = (Statement, Result, Instance, ModelRef, SessionRef)
"""Values whose making does not decide anything."""


class Grounds:
    """Collects them for one value, from what its frame has evaluated."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._seen: set[facts.Id] = set()
        self.tests: list[Test] = []
        self.calls: list[Target] = []

    def look(self, number: facts.Id) -> None:
        """Follow a value to what it rests on."""
        value = self._frame.known(number)
        if value is None or number in self._seen:
            return
        self._seen.add(number)
        fact = self._frame.function.values[number]
        if isinstance(fact, facts.Compare):
            self._compared(fact)
        elif isinstance(fact, facts.Call):
            self._called(fact)
        parts = each(value)
        found = [part for part in parts if isinstance(part, AttributeOf)]
        if found:
            self.tests.extend(Test(part, "truth", TRUE) for part in found)
        elif not any(isinstance(part, WHOLE) for part in parts):
            for operand in self._frame.table.operands(number):
                self.look(operand)

    def _called(self, fact: facts.Call) -> None:
        self.calls.append(self._frame.target("call", fact.site))
        function = self._frame.function.values[fact.func]
        base = self._frame.known(function.base) if isinstance(function, facts.Attr) else None
        if isinstance(function, facts.Attr) and base is not None:
            asked = (AttributeOf(part, function.name) for part in each(base) if isinstance(part, Instance))
            self.tests.extend(Test(part, "truth", TRUE) for part in asked)

    def _compared(self, fact: facts.Compare) -> None:
        site = self._frame.target("compare", fact.site)
        values = [self._frame.known(operand) for operand in fact.operands]
        for left, operator, right in zip(values, fact.operators, values[1:], strict=False):
            if left is None or right is None:
                continue
            self._test(left, operator, right, site)
            if operator in ("==", "!="):
                self._test(right, operator, left, site)
        self._seen.update(n for n, v in zip(fact.operands, values, strict=True) if isinstance(v, AttributeOf))

    def _test(self, subject: Abstract, operator: str, operand: Abstract, site: Target) -> None:
        self.tests.extend(
            Test(part, operator, operand, site) for part in each(subject) if isinstance(part, AttributeOf)
        )


def decision(frame: Frame, fork: int, test: facts.Id) -> Decision | None:
    """What decides a fork; None where nothing is known of it."""
    grounds = Grounds(frame)
    grounds.look(test)
    calls = tuple(site for site in grounds.calls if frame.linker.callee_at(site) is not None)
    if not grounds.tests and not calls:
        return None
    return Decision(fork, tuple(dict.fromkeys(grounds.tests)), calls)
