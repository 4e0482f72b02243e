"""What is known of the rows that a statement reaches, and whether two transactions can fight over such rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockcheck.linking import clauses
from lockcheck.linking.constants import members
from lockcheck.linking.values import Condition, Exists, Statement, each

if TYPE_CHECKING:
    from lockcheck.linking.locks import Locks
    from lockcheck.linking.values import Clause, ModelRef

NEVER_NULL = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in", "is not null", "like", "not like"})

SEARCHES = frozenset({"==", "<", "<=", ">", ">=", "in", "is null"})


@dataclass(frozen=True, slots=True)
class RowSet:
    """`constants` are what columns are limited to, `without` what they are not, `filled` the columns that are not NULL,
    `pinned` those held to one value, `searched` those by which an index may find the rows, and then gives the order:
    none are found by a scan of the table."""

    constants: tuple[tuple[str, frozenset[object]], ...] = ()
    without: tuple[tuple[str, frozenset[object]], ...] = ()
    filled: frozenset[str] = frozenset()
    pinned: frozenset[str] = frozenset()
    searched: frozenset[str] = frozenset()


def rows_of(locks: Locks, statement: Statement) -> RowSet:
    """The rows that the WHERE of a statement reaches."""
    if statement.model is None:
        return RowSet()
    model = statement.model
    return RowSet(
        tuple(locks.constants(statement).items()),
        tuple(_excluded(statement.where, model)),
        frozenset(_columns(statement.where, model, NEVER_NULL)),
        frozenset(clauses.pinned(statement.where, model)),
        frozenset(_columns(statement.where, model, SEARCHES)) & _leading(locks, model),
    )


def _leading(locks: Locks, model: ModelRef) -> frozenset[str]:
    """The first columns of the table's indexes."""
    mapped = locks.mapped(model)
    if mapped is None:
        return frozenset()
    names = {column.attribute for column in mapped.columns.values() if column.index or column.unique}
    names |= {key[0] for key in (mapped.primary_key, *mapped.unique_keys) if key}
    return frozenset(names | {index.columns[0] for index in mapped.indexes if index.columns})


def _columns(where: Iterable[Clause], model: ModelRef, operators: frozenset[str]) -> Iterable[str]:
    for clause in clauses.conjuncts(where):
        if isinstance(clause, Condition) and clause.operator in operators:
            yield from (column.attribute for column in clause.columns if column.model == model)


def _excluded(where: Iterable[Clause], model: ModelRef) -> Iterator[tuple[str, frozenset[object]]]:
    """What a conjunct rules out for a column, where that is known."""
    for name, condition in clauses.of_columns(where, model):
        values = members(condition.operand) if condition.operator in ("!=", "not in") else None
        if values is not None:
            yield name, values


def chosen_elsewhere(statement: Statement) -> bool:
    """Whether a subselect over other rows, such as keys in a temporary table, tells which rows are meant."""
    for clause in clauses.conjuncts(statement.where):
        operands = each(clause.operand) if isinstance(clause, Condition) else ()
        if isinstance(clause, Exists) or any(isinstance(o, Statement) and o.model != statement.model for o in operands):
            return True
    return False


def can_deadlock(one: RowSet, other: RowSet, keys: Iterable[tuple[str, ...]]) -> bool:
    """Whether two row sets may have two rows in common, as a cycle on one table needs. They have at most one where
    the columns that either side holds to one value make up a unique key."""
    pinned = one.pinned | other.pinned
    return meet(one, other) and not any(set(key) <= pinned for key in keys)


def meet(one: RowSet, other: RowSet) -> bool:
    """Whether two row sets may have rows in common: no column is limited to different constants, to what the other side
    rules out, or to NULL on one side and to values on the other."""
    limits = dict(other.constants)
    for name, values in one.constants:
        theirs = limits.get(name, values)
        if values and theirs and not values & theirs:
            return False
    if _ruled_out(one, other) or _ruled_out(other, one):
        return False
    return not (_null(one) & other.filled or _null(other) & one.filled)


def _ruled_out(one: RowSet, other: RowSet) -> bool:
    limits = dict(one.constants)
    return any(limits.get(name) and limits[name] <= values for name, values in other.without)


def _null(rows: RowSet) -> frozenset[str]:
    return frozenset(name for name, values in rows.constants if values == frozenset({None}))
