"""WHERE clauses: which of their conditions an experiment keeps, what its rows must be like for them, and their SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import sqlalchemy as sa

from lockcheck.linking.clauses import conjuncts, single
from lockcheck.linking.constants import members
from lockcheck.linking.locks import Locks
from lockcheck.linking.values import (
    Both,
    Clause,
    Condition,
    ConstantSet,
    Either,
    Exists,
    Known,
    Negated,
    OneOf,
    Statement,
)
from lockcheck.prove.demands import Demand, Demands, Rows, UnfitError, constant, fitting
from lockcheck.prove.tables import Spot, Tables

NEVER_EQUAL = 90
"""The place of a value that no row has."""


class Where(NamedTuple):
    """What is kept of a WHERE, and words for what the rows of the experiment stand for."""

    kept: tuple[Clause, ...]
    replaced: tuple[str, ...]
    unknown: tuple[str, ...]
    """The columns that are compared with values that are not known."""


class Conditions:
    """Decides about conditions. `kept` are the tables that are in FROM."""

    def __init__(self, locks: Locks, tables: Tables) -> None:
        self._locks = locks
        self._tables = tables

    # --- what is kept ------------------------------------------------------------------------------------------------

    def chosen(
        self, where: Iterable[Clause], demands: Demands, kept: frozenset[str], *, many: bool
    ) -> tuple[Where, Demands]:
        """The conditions to keep, and what they ask of the rows besides: values that many rows share, where one
        statement is to reach many."""
        found: list[Clause] = []
        replaced: list[str] = []
        for clause in conjuncts(where):
            met = self._met(clause, demands, kept, many=many)
            if met is None:
                replaced.append(self._words(clause, kept))
            else:
                found.append(met[0])
                demands = met[1]
        unknown = dict.fromkeys(name for clause in found for name in _unknown(clause))
        return Where(tuple(found), tuple(dict.fromkeys(replaced)), tuple(unknown)), demands

    def _met(
        self, clause: Clause, demands: Demands, kept: frozenset[str], *, many: bool
    ) -> tuple[Clause, Demands] | None:
        """A clause as it is kept, and the demands with its own; None where it cannot be kept."""
        if isinstance(clause, Condition):
            demanded = self._demanded(clause, demands, kept, many=many)
            return None if demanded is None else (clause, demanded)
        if isinstance(clause, OneOf):
            choices = (self._met(part, demands, kept, many=many) for part in clause.clauses)
            return next((found for found in choices if found is not None), None)
        if isinstance(clause, Both):
            for part in conjuncts((clause,)):
                met = self._met(part, demands, kept, many=many)
                if met is None:
                    return None
                demands = met[1]
            return clause, demands
        if isinstance(clause, Either) and not clause.many:
            readable = all(self._met(part, Demands(self._tables), kept, many=many) for part in clause.clauses)
            found = (self._met(part, demands, kept, many=many) for part in reversed(clause.clauses))
            first = next((met for met in found if met is not None), None)
            return (clause, first[1]) if readable and first is not None else None
        return None

    def _demanded(self, clause: Condition, demands: Demands, kept: frozenset[str], *, many: bool) -> Demands | None:
        spots = [self.spot(clause, number, kept) for number in range(len(clause.columns))]
        if not spots or None in spots or isinstance(clause.operand, Statement):
            return None
        if len(spots) > 1:
            return demands if clause.operator == "in" and members(clause.operand) is None else None
        spot = spots[0]
        demand = self._demand(clause, spot) if spot is not None else None
        if spot is None or demand is None:
            return None
        return demands.met(spot, demand if many else replace(demand, shared=False))

    def spot(self, clause: Condition, number: int, kept: frozenset[str]) -> Spot | None:
        """The table and column that a condition compares."""
        reference = clause.columns[number]
        table = self._locks.table(reference.model)
        if table is None or table not in kept or reference.model.alias is not None:
            return None
        column = self._tables.column(table, reference.attribute)
        return None if column is None else (table, column.name)

    def _demand(self, clause: Condition, spot: Spot) -> Demand | None:
        """What a condition asks of the rows that it is to hold for; None for one that is not kept."""
        column = self._tables.by_name[spot[0]].c[spot[1]]
        if clause.operator == "is null":
            return Demand(frozenset({None}))
        if clause.operator == "is not null":
            return Demand(filled=True)
        if not isinstance(clause.operand, ConstantSet) and not single(clause.operand):
            return None
        try:
            known = self.constants(clause, column)
        except UnfitError:
            return None
        return _asked(clause.operator, known)

    def constants(self, clause: Condition, column: sa.Column[Any]) -> frozenset[Any] | None:
        """The constants that a column is compared with; None where they are not known. Raises `UnfitError`."""
        found = members(clause.operand)
        return None if found is None else frozenset(fitting(column, value) for value in found)

    # --- words -------------------------------------------------------------------------------------------------------

    def _words(self, clause: Clause, kept: frozenset[str]) -> str:
        if isinstance(clause, Condition):
            tables = {self._locks.table(column.model) for column in clause.columns}
            names = ", ".join(column.attribute for column in clause.columns)
            foreign = sorted(table for table in tables if table is not None and table not in kept)
            where = f" of {foreign[0]}, which is not locked" if foreign else ""
            return f"the condition on {names}{where}"
        if isinstance(clause, Exists) or (isinstance(clause, Negated) and isinstance(clause.clause, Exists)):
            return "EXISTS (...)"
        return "a condition that cannot be read" if not isinstance(clause, (Either, OneOf)) else "an OR of conditions"

    # --- SQL ---------------------------------------------------------------------------------------------------------

    def sql(self, clause: Clause, rows: Rows, numbers: Sequence[int], kept: frozenset[str]) -> sa.ColumnElement[bool]:
        """A kept clause, with values that hold for the rows of these numbers."""
        if isinstance(clause, Both):
            return sa.and_(*(self.sql(part, rows, numbers, kept) for part in conjuncts((clause,))))
        if isinstance(clause, Either):
            return sa.or_(*(self.sql(part, rows, numbers, kept) for part in clause.clauses))
        if not isinstance(clause, Condition):
            raise TypeError(clause)
        spots = [spot for n in range(len(clause.columns)) if (spot := self.spot(clause, n, kept)) is not None]
        columns = [self._tables.by_name[table].c[name] for table, name in spots]
        values = [tuple(rows.value(spot, rows.related(spot[0], n)) for spot in spots) for n in numbers]
        if len(columns) > 1:
            return sa.tuple_(*columns).in_(list(dict.fromkeys(values)))
        return self._compared(clause, columns[0], [value for (value,) in values])

    def _compared(self, clause: Condition, column: sa.Column[Any], values: list[Any]) -> sa.ColumnElement[bool]:
        if clause.operator in ("is null", "is not null"):
            return column.is_(None) if clause.operator == "is null" else column.is_not(None)
        known = self.constants(clause, column)
        found = (
            sorted(known - {None}, key=repr) if known is not None else _standing_for(clause.operator, column, values)
        )
        made: sa.ColumnElement[bool] = _OPERATORS[clause.operator](column, found)
        return made


def _asked(operator: str, known: frozenset[Any] | None) -> Demand | None:
    """What comparing with constants, or with what is not known, asks of a column."""
    if operator not in _OPERATORS:
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


def _standing_for(operator: str, column: sa.Column[Any], values: list[Any]) -> list[Any]:
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


def _unknown(clause: Clause) -> Iterator[str]:
    if isinstance(clause, (Both, Either)):
        for part in clause.clauses:
            yield from _unknown(part)
    elif isinstance(clause, Condition) and clause.operator not in ("is null", "is not null"):
        known = isinstance(clause.operand, Known) or members(clause.operand) is not None
        if not known:
            yield ", ".join(column.attribute for column in clause.columns)


_Operator = Callable[[Any, list[Any]], Any]
_OPERATORS: dict[str, _Operator] = {
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
