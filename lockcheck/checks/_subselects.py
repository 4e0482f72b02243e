"""Conditions on the state that stand in a subselect of an UPDATE.

PostgreSQL evaluates a subselect once, without a lock: an UPDATE that has waited for a row looks at its own conditions
again, not at those (measured: tests/test_database_guards.py). InnoDB locks the rows that the subselect reads, and
SQLite has one writer at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lockcheck.declarations.model import Column, MappedClass
from lockcheck.linking import clauses
from lockcheck.linking.constants import members
from lockcheck.linking.project import Project
from lockcheck.linking.states import Allowed
from lockcheck.linking.values import Abstract, ColumnRef, Condition, ModelRef, Statement, SubqueryColumn, each

EQUAL = frozenset({"==", "in"})


def asked_inside(project: Project, statement: Statement, mapped: MappedClass, column: Column) -> list[Condition]:
    """The conditions on the state of the rows that are written, in the subselects that give their keys. Where the keys
    of a table are not known, those count that give the columns they are compared with."""
    found: list[Condition] = []
    for condition in clauses.conditions(statement.where):
        key = tuple(c.attribute for c in condition.columns)
        if condition.operator in EQUAL and (key in project.locks.keys(mapped) or not mapped.primary_key):
            for model, select in _giving(condition.operand, key, set()):
                if project.locks.table(model) == mapped.table:
                    found += _about(select, model, column)
    return found


def _about(select: Statement, model: ModelRef, column: Column) -> Iterator[Condition]:
    for condition in clauses.conditions(select.where):
        if any(c.model == model and c.attribute == column.attribute for c in condition.columns):
            yield condition


def asked_states(conditions: Iterable[Condition]) -> Allowed | None:
    """The states that the one condition lets through, where they are known."""
    found = set(conditions)
    if len(found) != 1:
        return None
    (condition,) = found
    states = members(condition.operand) if condition.operator in EQUAL else None
    if not states or not all(isinstance(state, str) for state in states):
        return None
    return Allowed(tuple(sorted(map(str, states))), forbidden=False)


def _giving(value: Abstract, key: tuple[str, ...], seen: set[Statement]) -> Iterator[tuple[ModelRef, Statement]]:
    """The SELECTs that a key comes from, at any depth, each with the class whose key it is."""
    for select in each(value):
        if isinstance(select, Statement) and select not in seen:
            seen.add(select)
            entities = [part for entity in select.entities for part in each(entity)]
            yield from ((model, select) for model in _models(entities, key))
            for part in entities:
                if isinstance(part, SubqueryColumn) and part.name in key:
                    yield from _giving(part.statement, key, seen)


def _models(entities: Sequence[Abstract], key: tuple[str, ...]) -> Iterator[ModelRef]:
    """The classes whose keys are among what is selected."""
    yield from (part for part in entities if isinstance(part, ModelRef))
    columns = [part for part in entities if isinstance(part, ColumnRef)]
    for model in dict.fromkeys(column.model for column in columns):
        if set(key) <= {column.attribute for column in columns if column.model == model}:
            yield model
