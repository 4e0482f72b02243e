"""WHERE clauses: which of their conditions an experiment keeps, what its rows must be like for them, and their SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
from lockcheck.prove.acts import UnderivableError
from lockcheck.prove.comparing import OPERATORS, asked, left_out, standing_for
from lockcheck.prove.demands import Demand, Demands, Rows, UnfitError, fitting
from lockcheck.prove.tables import Spot, Tables


class Where(NamedTuple):
    """What is kept of a WHERE, and words for what the rows of the experiment stand for."""

    kept: tuple[Clause, ...]
    replaced: tuple[str, ...]
    unknown: tuple[str, ...]
    """The columns that are compared with values that are not known."""
    chosen: tuple[str, ...]
    """Words for what the program decides when it runs."""


class _ConflictError(Exception):
    """No row meets a condition besides the others."""

    def __init__(self, spot: Spot, demand: Demand) -> None:
        super().__init__(spot, demand)
        self._spot = spot
        self._demand = demand

    def parted(self, demands: Demands) -> Demands:
        """Demands by which some rows meet it and others the rest. Raises `UnderivableError`."""
        met = demands.parted(self._spot, self._demand)
        if met is None:
            raise UnderivableError(f"rows that meet all conditions on {'.'.join(self._spot)}")
        return met


class Conditions:
    """Decides about conditions; `kept` are the tables that are in FROM."""

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
        chosen: list[str] = []
        for clause in conjuncts(where):
            met = self._tried(clause, demands, kept, many=many)
            if isinstance(met, _ConflictError):
                met = clause, met.parted(demands)
            if met is None:
                replaced.append(self._words(clause, kept))
            else:
                found.append(met[0])
                demands = met[1]
                if isinstance(clause, OneOf):
                    chosen.append("the program chooses between several conditions; this is one of them")
        unknown = dict.fromkeys(name for clause in found for name in _unknown(clause))
        words = (tuple(dict.fromkeys(texts)) for texts in (replaced, unknown, chosen))
        return Where(tuple(found), *words), demands

    def _met(
        self, clause: Clause, demands: Demands, kept: frozenset[str], *, many: bool
    ) -> tuple[Clause, Demands] | None:
        """A clause as it is kept, and the demands with its own; None where it cannot be kept. Raises `_ConflictError`
        where no row meets it besides the others."""
        if isinstance(clause, Condition):
            demanded = self._demanded(clause, demands, kept, many=many)
            return None if demanded is None else (clause, demanded)
        if isinstance(clause, OneOf):
            return self._first(clause.clauses, demands, kept, many=many)
        if isinstance(clause, Both):
            for part in conjuncts((clause,)):
                met = self._met(part, demands, kept, many=many)
                if met is None:
                    return None
                demands = met[1]
            return clause, demands
        if isinstance(clause, Either) and not clause.many:
            readable = all(self._met(part, Demands(self._tables), kept, many=many) for part in clause.clauses)
            first = self._first(clause.clauses[::-1], demands, kept, many=many) if readable else None
            return None if first is None else (clause, first[1])
        return None

    def _first(
        self, clauses: Iterable[Clause], demands: Demands, kept: frozenset[str], *, many: bool
    ) -> tuple[Clause, Demands] | None:
        """The first of several that can be kept, and that rows meet besides the others."""
        tried = [self._tried(clause, demands, kept, many=many) for clause in clauses]
        met = next((found for found in tried if isinstance(found, tuple)), None)
        conflict = next((found for found in tried if isinstance(found, _ConflictError)), None)
        if met is None and conflict is not None:
            raise conflict
        return met

    def _tried(
        self, clause: Clause, demands: Demands, kept: frozenset[str], *, many: bool
    ) -> tuple[Clause, Demands] | _ConflictError | None:
        try:
            return self._met(clause, demands, kept, many=many)
        except _ConflictError as conflict:
            return conflict

    def _demanded(self, clause: Condition, demands: Demands, kept: frozenset[str], *, many: bool) -> Demands | None:
        spots = [self.spot(clause, number, kept) for number in range(len(clause.columns))]
        if not spots or None in spots or (isinstance(clause.operand, Statement) and clause.operator != "in"):
            return None
        if len(spots) > 1:
            return demands if clause.operator == "in" and members(clause.operand) is None else None
        spot = spots[0]
        demand = self._demand(clause, spot) if spot is not None else None
        if spot is None or demand is None:
            return None
        demand = demand if many else replace(demand, shared=False)
        met = demands.met(spot, demand)
        if met is None:
            raise _ConflictError(spot, demand)
        return met

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
        if isinstance(clause.operand, Statement):
            return Demand(filled=True)
        if not isinstance(clause.operand, ConstantSet) and not single(clause.operand):
            return None
        try:
            known = self.constants(clause, column)
        except UnfitError:
            return None
        return asked(clause.operator, known)

    def limited(self, where: Where, demands: Demands, before: Demands, kept: frozenset[str]) -> Demands | None:
        """Demands by which these conditions hold for the first row alone; `before` are those without these conditions.
        None where no constant of theirs tells the rows apart."""
        for clause in where.kept:
            spot = self.spot(clause, 0, kept) if isinstance(clause, Condition) and len(clause.columns) == 1 else None
            if spot is None or not isinstance(clause, Condition):
                continue
            known = self.constants(clause, self._tables.by_name[spot[0]].c[spot[1]])
            demand = left_out(clause.operator, known) if known is not None else None
            found = demands.limited(spot, demand, before) if demand is not None else None
            if found is not None:
                return found
        return None

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
        found = sorted(known - {None}, key=repr) if known is not None else standing_for(clause.operator, column, values)
        made: sa.ColumnElement[bool] = OPERATORS[clause.operator](column, found)
        return made


def _unknown(clause: Clause) -> Iterator[str]:
    if isinstance(clause, (Both, Either)):
        for part in clause.clauses:
            yield from _unknown(part)
    elif isinstance(clause, Condition) and clause.operator not in ("is null", "is not null"):
        known = isinstance(clause.operand, Known) or members(clause.operand) is not None
        if not known:
            yield ", ".join(column.attribute for column in clause.columns)
