"""Columns that a condition names by a class above the one it is about, where both are in one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from lockcheck.immutable import replace
from lockcheck.linking.clauses import conditions
from lockcheck.linking.values import Both, Clause, ColumnRef, Condition, Either, ModelRef, Negated, OneOf

SameRows: TypeAlias = Callable[[ModelRef, ModelRef], bool]
"""Whether two classes are in one table, and not apart by an alias."""


def owned(where: tuple[Clause, ...], entity: ModelRef | None, same: SameRows) -> tuple[Clause, ...]:
    """The same conditions, on the columns of the entity itself."""
    if entity is None:
        return where
    named = {column.model for condition in conditions(where) for column in condition.columns}
    above = frozenset(model for model in named if model != entity and same(model, entity))
    return tuple(_owned(clause, above, entity) for clause in where) if above else where


def _owned(clause: Clause, above: frozenset[ModelRef], entity: ModelRef) -> Clause:
    if isinstance(clause, Condition):
        columns = (ColumnRef(entity, c.attribute) if c.model in above else c for c in clause.columns)
        return replace(clause, columns=tuple(columns))
    if isinstance(clause, (Both, Either, OneOf)):
        return replace(clause, clauses=tuple(_owned(part, above, entity) for part in clause.clauses))
    return replace(clause, clause=_owned(clause.clause, above, entity)) if isinstance(clause, Negated) else clause
