"""Conditions of comprehensions over constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lockcheck.declarations.model import (
    Collection,
    Compared,
    Constant,
    EnumMember,
    Expression,
    Generated,
    Literal_,
    Name,
    Operation,
    Scalar,
)
from lockcheck.declarations.sets import Missing, all_of, any_of, not_

Evaluate = Callable[[Expression], "Constant | Missing"]
Members = Callable[[Expression], Collection]


@dataclass(frozen=True, slots=True)
class Conditions:
    """Tells whether conditions hold, given how to evaluate expressions and what collections hold."""

    evaluate: Evaluate
    members: Members

    def holds(self, condition: Expression) -> bool | None:
        """Whether a condition is true; None where that is unknown."""
        if isinstance(condition, Compared):
            return self._compared(condition)
        if isinstance(condition, Operation) and condition.operator in ("and", "or", "not"):
            answers = [self.holds(operand) for operand in condition.operands]
            if condition.operator == "not":
                return not_(answers[0])
            return all_of(answers) if condition.operator == "and" else any_of(answers)
        value = self.evaluate(condition)
        if isinstance(value, EnumMember):
            return True
        return None if isinstance(value, (Missing, Collection)) else bool(value)

    def _compared(self, condition: Compared) -> bool | None:
        left = self.evaluate(condition.left)
        if isinstance(left, (Missing, Collection)):
            return None
        if condition.operator in ("in", "not in"):
            items = self.members(condition.right).items
            return None if items is None else (left in items) == (condition.operator == "in")
        right = self.evaluate(condition.right)
        if isinstance(right, (Missing, Collection)):
            return None
        if condition.operator in ("is", "==", "is not", "!="):
            return _same(left, right) == (condition.operator in ("is", "=="))
        return None


def _same(left: Scalar, right: Scalar) -> bool:
    """A member equals its value: most enums that a database sees are strings or numbers as well."""
    if isinstance(left, EnumMember) and isinstance(right, EnumMember):
        return left == right
    first = left.value if isinstance(left, EnumMember) else left
    second = right.value if isinstance(right, EnumMember) else right
    return first == second


def none_after_filter(expression: Generated, source: Collection) -> bool | None:
    """Whether a filtered collection whose members are unknown holds None."""
    target = Name(expression.target or "")
    if expression.element != target:
        return None
    if any(item in (target, Compared("is not", target, Literal_(None))) for item in expression.conditions):
        return False
    if not expression.conditions:
        return source.has_none
    return False if source.has_none is False else None
