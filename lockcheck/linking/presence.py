"""What a test in Python says about rows: that a look-up found nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockcheck import facts
from lockcheck.immutable import dataclass, replace
from lockcheck.linking.events import Absence, Arm
from lockcheck.linking.origins import origins
from lockcheck.linking.results import walked
from lockcheck.linking.values import (
    Abstract,
    CollectionOf,
    FromOperation,
    Given,
    Instance,
    Known,
    TupleOf,
    each,
    join,
)
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.frame import Frame

TESTS = (facts.Compare, facts.Unary, facts.Boolean, facts.Call)
COUNTS = frozenset({"len", "bool", "any", "list", "set", "tuple", "sum"})
LOOKUPS = frozenset({"get", "pop"})
EMPTY: dict[str, tuple[tuple[int, ...], bool]] = {
    "==": ((0,), True),
    "!=": ((0,), False),
    "<": ((1,), True),
    "<=": ((0,), True),
    ">": ((0,), False),
    ">=": ((1,), False),
}
"""Comparisons of a number of rows that tell whether there are any: with what, and whether there are none where it
holds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """See `Absence`."""

    value: Abstract | None
    calls: tuple[Target, ...] = ()
    outcome: bool = False
    member: Abstract | None = None
    alone: bool = True
    counted: bool = False

    @property
    def matters(self) -> bool:
        """Whether it may be about rows of the database."""
        return bool(self.calls) or (self.value is not None and any(_looked_up(part) for part in each(self.value)))


def absence(arm: Arm, found: Asked) -> Absence:
    return Absence(arm, found.value, found.calls, found.outcome, found.member, found.alone, found.counted)


def _looked_up(value: Abstract) -> bool:
    found = list(origins(value))
    return any(isinstance(o, FromOperation) for o in found) or (
        isinstance(value, Instance) and isinstance(value.origin, Given)
    )


def asked(frame: Frame, number: facts.Id, *, holds: bool) -> Iterator[Asked]:
    """What is not there when the test `number` holds, or does not hold."""
    fact = frame.function.values[number]
    if isinstance(fact, facts.Unary) and fact.operator == "not":
        yield from asked(frame, fact.operand, holds=not holds)
    elif isinstance(fact, facts.Boolean):
        if (fact.operator == "and") == holds:
            for operand in fact.operands:
                for part in asked(frame, operand, holds=holds):
                    yield replace(part, alone=False)
    elif isinstance(fact, facts.Compare):
        if len(fact.operators) == 1:
            yield from _compared(frame, fact, holds=holds)
    elif isinstance(fact, facts.Call) and (inner := _counted(frame, fact)) is not None:
        yield from asked(frame, inner, holds=holds)
    elif holds:
        yield Asked(None, calls_of(frame, number), outcome=True)
    else:
        yield from _nothing(frame, number)


def _compared(frame: Frame, fact: facts.Compare, *, holds: bool) -> Iterator[Asked]:
    operator, (left, right) = fact.operators[0], fact.operands
    operand = frame.value(right)
    if operator in ("in", "not in"):
        if holds == (operator == "not in"):
            yield Asked(keys_of(operand), (), member=frame.value(left))
    elif operand == Known(None) or (isinstance(operand, Known) and operand.value is False):
        truly = holds == (operator in ("is", "=="))
        if operator in ("is", "==", "is not", "!=") and truly and not is_count(frame, left):
            yield from _nothing(frame, left)
    elif isinstance(operand, Known) and operand.value is True:
        if operator in ("is", "==", "is not", "!="):
            yield from asked(frame, left, holds=holds == (operator in ("is", "==")))
    elif operator in EMPTY:
        numbers, none = EMPTY[operator]
        small = isinstance(operand, Known) and operand.value in numbers
        if holds == none and (small or (operator not in ("==", "!=") and is_count(frame, left))):
            for part in _nothing(frame, _counted_by(frame, left)):
                yield replace(part, counted=not small)


def _nothing(frame: Frame, number: facts.Id) -> Iterator[Asked]:
    """The value at hand stands for no row."""
    fact = frame.function.values[number]
    if isinstance(fact, facts.Call) and fact.args:
        function = frame.function.values[fact.func]
        if isinstance(function, facts.Attr) and function.name in LOOKUPS:
            base = frame.value(function.base)
            if all(isinstance(part, TupleOf) and part.kind == "dict" for part in each(base)):
                yield Asked(keys_of(base), (), member=frame.value(fact.args[0].value))
                return
    yield Asked(frame.value(number), calls_of(frame, number))


def keys_of(value: Abstract) -> Abstract:
    """What a membership test looks at: the keys of a mapping, the elements of another collection."""
    return CollectionOf(join(*(walked(part) for part in each(value))))


def _counted(frame: Frame, fact: facts.Call) -> facts.Id | None:
    """The argument of a builtin that is falsy for nothing: `len(rows)`."""
    function = frame.function.values[fact.func]
    plain = isinstance(function, facts.Name) and function.name in COUNTS
    return fact.args[0].value if plain and len(fact.args) == 1 else None


def _counted_by(frame: Frame, number: facts.Id) -> facts.Id:
    fact = frame.function.values[number]
    inner = _counted(frame, fact) if isinstance(fact, facts.Call) else None
    return number if inner is None else inner


def is_count(frame: Frame, number: facts.Id) -> bool:
    """Whether a value is a number of rows."""
    if _counted_by(frame, number) != number:
        return True
    return any(getattr(origin, "name", "") == "count" for origin in origins(frame.value(number)))


def calls_of(frame: Frame, number: facts.Id) -> tuple[Target, ...]:
    """The calls of project functions whose outcome a value is."""
    fact = frame.function.values[number]
    if isinstance(fact, facts.Call):
        site = frame.target("call", fact.site)
        return (site,) if frame.linker.callee_at(site) is not None else ()
    if isinstance(fact, facts.Join):
        return tuple(site for part in fact.values if part < number for site in calls_of(frame, part))
    return ()


def difference(frame: Frame, number: facts.Id) -> Iterator[Asked]:
    """What is not there at each turn of a loop over `wanted - existing`."""
    fact = frame.function.values[number]
    if isinstance(fact, facts.Call):
        function = frame.function.values[fact.func]
        if isinstance(function, facts.Attr) and function.name == "difference" and fact.args:
            left, right = frame.value(function.base), frame.value(fact.args[0].value)
        elif isinstance(function, facts.Name) and function.name in ("sorted", "list", "tuple", "set") and fact.args:
            yield from difference(frame, fact.args[0].value)
            return
        else:
            return
    elif isinstance(fact, facts.Binary) and fact.operator == "-":
        left, right = frame.value(fact.left), frame.value(fact.right)
    else:
        return
    made = Asked(keys_of(right), (), member=walked(left))
    if made.matters:
        yield made
