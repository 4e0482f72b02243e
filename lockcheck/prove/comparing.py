"""Comparisons: what each operator asks of a column, and values in place of what is not known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from lockcheck.prove.demands import Demand, constant

NEVER_EQUAL = 90
"""The place of a value that no row has."""

_Operator = Callable[[Any, list[Any]], Any]
OPERATORS: dict[str, _Operator] = {
    "==": lambda column, values: column == values[0] if len(values) == 1 else column.in_(values),
    "is not distinct": lambda column, values: column.is_not_distinct_from(values[0] if values else None),
    "in": lambda column, values: column.in_(values),
    "!=": lambda column, values: column != values[0],
    "is distinct": lambda column, values: column.is_distinct_from(values[0] if values else None),
    "not in": lambda column, values: column.not_in(values),
    "<": lambda column, values: column < values[0],
    "<=": lambda column, values: column <= values[0],
    ">": lambda column, values: column > values[0],
    ">=": lambda column, values: column >= values[0],
}


def asked(operator: str, known: frozenset[Any] | None) -> Demand | None:
    """What comparing with constants, or with what is not known, asks of a column."""
    if operator not in OPERATORS:
        return None
    if known is None:
        return Demand(shared=operator in ("==", "is not distinct"), filled=operator != "is distinct")
    if operator in ("==", "in", "is not distinct"):
        return Demand(known - {None}) if operator != "is not distinct" else Demand(known)
    if operator in ("!=", "not in", "is distinct"):
        return Demand(forbidden=known, filled=operator != "is distinct")
    numbers = [value for value in known if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) != 1 or len(known) != 1:
        return None
    return Demand(filled=True, low=numbers[0]) if operator in (">", ">=") else Demand(filled=True, high=numbers[0])


def left_out(operator: str, known: frozenset[Any]) -> Demand | None:
    """What rows are like that a comparison with constants does not hold for."""
    if operator in ("==", "in"):
        return Demand(forbidden=known)
    return Demand(known - {None}) if operator in ("!=", "not in") and known - {None} else None


def standing_for(operator: str, column: sa.Column[Any], values: list[Any]) -> list[Any]:
    """Values in place of what is not known, so that the condition holds for rows with these values."""
    if operator in ("==", "in", "is not distinct"):
        return list(dict.fromkeys(values))
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return [not any(values)]
    other = "zzz" if isinstance(kind, sa.Text) else constant(kind, NEVER_EQUAL)
    if operator in (">", ">="):
        other = "" if isinstance(kind, sa.Text) else constant(kind, 0)
    return [other]
