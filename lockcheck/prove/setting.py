"""SET: what an UPDATE writes, with values of the experiment for those that are not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from lockcheck.linking.constants import members
from lockcheck.linking.locks import Locks
from lockcheck.linking.values import Abstract, Known, Statement
from lockcheck.prove.demands import Rows, UnfitError, constant, fitting
from lockcheck.prove.tables import Tables

WRITTEN = 50
"""The place of a value that is written in place of one that is not known."""


class Setting:
    """Makes the values of UPDATE statements."""

    def __init__(self, locks: Locks, tables: Tables) -> None:
        self._locks = locks
        self._tables = tables

    def values(self, statement: Statement, table: sa.Table, rows: Rows, numbers: Sequence[int]) -> dict[str, Any]:
        """The value of each column that is set, by name; where none is known, a column is set to itself."""
        found: dict[str, Any] = {}
        for attribute, value in statement.assigned.items:
            column = self._tables.column(table.name, attribute)
            if column is not None:
                found[column.name] = self._value(column, value, rows, numbers)
        if not found:
            free = [column for column in table.c if not column.primary_key and not self._is_unique(table, column)]
            column = next(iter(free), next(iter(table.c)))
            found[column.name] = column
        return found

    def _value(self, column: sa.Column[Any], value: Abstract, rows: Rows, numbers: Sequence[int]) -> Any:
        spot = (column.table.name, column.name)
        known = members(value)
        if known is not None and len(known) == 1:
            try:
                return fitting(column, next(iter(known)))
            except UnfitError:
                return column
        if spot in self._tables.links:
            return rows.value(spot, numbers[0])
        if column.primary_key or self._is_unique(sa.Table(column.table.name, self._tables.metadata), column):
            return _another(column)
        return True if isinstance(column.type, sa.Boolean) else _of_type(column)

    def _is_unique(self, table: sa.Table, column: sa.Column[Any]) -> bool:
        return any(column.name in key for key in self._tables.uniques(table.name))

    def notes(self, statement: Statement) -> list[str]:
        """Words for values that are not known."""
        if statement.kind != "update":
            return []
        unknown = [name for name, value in statement.assigned.items if not isinstance(value, Known)]
        notes = [f"values of the experiment are written into: {', '.join(unknown)}"] if unknown else []
        if not statement.assigned.items:
            notes.append("what is written is not known; a column is set to itself")
        return notes


def _of_type(column: sa.Column[Any]) -> Any:
    return "written" if isinstance(column.type, sa.Text) else constant(column.type, WRITTEN)


def _another(column: sa.Column[Any]) -> Any:
    """A new value for a key, another one for each row."""
    if isinstance(column.type, sa.Text):
        return column + "-new"
    return column + 1000 if isinstance(column.type, sa.BigInteger) else column
