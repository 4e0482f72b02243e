"""What the rows of an experiment must be like, so that the statements of both sides reach them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from lockcheck.prove.tables import Spot, Tables

MANY = 4
"""How many rows the two sides fight over."""

LOW, HIGH = 0, 1_000_000


@dataclass(frozen=True, slots=True)
class Demand:
    """On one column: the constants that it may have (None for any), those that it may not have, whether all rows share
    one value, whether NULL is out of the question, and bounds."""

    allowed: frozenset[Any] | None = None
    forbidden: frozenset[Any] = frozenset()
    shared: bool = False
    filled: bool = False
    low: float = LOW
    high: float = HIGH

    def joined(self, other: Demand) -> Demand | None:
        """Both; None where no value meets both."""
        allowed = self.allowed
        if other.allowed is not None:
            allowed = other.allowed if allowed is None else allowed & other.allowed
        found = Demand(
            allowed,
            self.forbidden | other.forbidden,
            self.shared or other.shared,
            self.filled or other.filled,
            max(self.low, other.low),
            min(self.high, other.high),
        )
        return found if found.is_met() else None

    def is_met(self) -> bool:
        """Whether a value is left."""
        return self.high - self.low > 1 and (self.allowed is None or bool(self.choices()))

    def choices(self) -> list[Any]:
        """The constants that are left, in a fixed order."""
        left = (self.allowed or frozenset()) - self.forbidden - ({None} if self.filled else set())
        return sorted(left, key=repr)


@dataclass(frozen=True, slots=True)
class Demands:
    """On all columns; those on a foreign key are on what it points at. `apart` are those of every second row, where no
    row meets all: then the sides reach different rows. `rest` are those of all rows but the first."""

    tables: Tables
    found: Mapping[Spot, Demand] = field(default_factory=dict)
    apart: Mapping[Spot, Demand] = field(default_factory=dict)
    rest: Mapping[Spot, Demand] = field(default_factory=dict)

    def on(self, spot: Spot, number: int = 0) -> Demand:
        """What is asked of a column in the row of a number."""
        root = self.root(spot)
        if number % 2 and root in self.apart:
            return self.apart[root]
        if number and root in self.rest:
            return self.rest[root]
        return self.found.get(root, Demand())

    def root(self, spot: Spot) -> Spot:
        while spot in self.tables.links:
            spot = self.tables.links[spot]
        return spot

    def met(self, spot: Spot, demand: Demand) -> Demands | None:
        """With one more; None where it goes against what was there."""
        root = self.root(spot)
        joined = self.on(root).joined(demand)
        if joined is None:
            return None
        other = self.apart[root].joined(demand) if root in self.apart else None
        apart = self.apart if other is None else {**self.apart, root: other}
        return replace(self, found={**self.found, root: joined}, apart=apart)

    def parted(self, spot: Spot, demand: Demand) -> Demands | None:
        """With one more that no row meets besides the others: every second row meets it."""
        root = self.root(spot)
        joined = self.apart.get(root, Demand()).joined(demand)
        return None if joined is None else replace(self, apart={**self.apart, root: joined})

    def limited(self, spot: Spot, demand: Demand, before: Demands) -> Demands | None:
        """With one that all rows but the first meet, besides those that were there before; None where they cannot."""
        root = self.root(spot)
        joined = before.on(root, 1).joined(demand)
        if joined is None or root != spot or root in self.apart:
            return None
        return replace(self, rest={**self.rest, root: joined})


class Rows:
    """The rows, by table: as many as the sides fight over, but one of each table that those belong to, where they share
    it. `turn` makes another order of what is free; with `single` there is one row of each."""

    def __init__(self, tables: Tables, demands: Demands, focus: str, turn: int = 0, *, single: bool = False) -> None:
        self._tables = tables
        self._demands = demands
        self.counts = dict.fromkeys(tables.by_name, 1 if single else MANY)
        if not single:
            shared = tables.ancestors(focus) - tables.partners(focus)
            self.counts.update(dict.fromkeys(shared, 1))
            self.counts.update({name: 1 for name in tables.by_name if tables.partners(name) & shared})
        self._turn = turn

    def row(self, table: str, number: int) -> dict[str, Any]:
        """One row, by column."""
        return {column.name: self.value((table, column.name), number) for column in self._tables.by_name[table].c}

    def value(self, spot: Spot, number: int) -> Any:
        """What a column holds in a row; in a foreign key, what it points at."""
        if spot in self._tables.links:
            target = self._tables.links[spot]
            return self.value(target, self.related(target[0], number))
        table, name = spot
        demand = self._demands.on(spot, number)
        column = self._tables.by_name[table].c[name]
        own = column.primary_key or number >= MANY
        place = 0 if demand.shared else number if own else self._mixed(number, name)
        if demand.allowed is not None:
            choices = demand.choices()
            return fitting(column, choices[place % len(choices)])
        return _made(column, place, demand)

    def keys(self) -> dict[str, dict[tuple[Any, ...], int]]:
        """The numbers of the rows by their primary keys, by table."""
        return {
            name: {
                tuple(self.value((name, column.name), number) for column in table.primary_key): number
                for number in range(self.counts[name])
            }
            for name, table in self._tables.by_name.items()
        }

    def related(self, table: str, number: int) -> int:
        """The row of another table that belongs with the row of a number."""
        return number if number < self.counts[table] else 0

    def _mixed(self, number: int, name: str) -> int:
        """Another order than that of the key, a different one for each column and turn."""
        step = (1, 3)[(len(name) + self._turn) % 2]
        return (number * step + self._turn + len(name)) % MANY


def _made(column: sa.Column[Any], place: int, demand: Demand) -> Any:
    """The value of a rank: ranks are in the order in which values compare."""
    kind = column.type
    if isinstance(kind, (sa.BigInteger, sa.Double)):
        low = int(demand.low) + 1
        made: Any = low + place if demand.high == HIGH else max(low, int(demand.high) - 1 - place)
        while made in demand.forbidden:
            made += MANY
        return made
    if isinstance(kind, sa.Text):
        made = f"{column.name[:12]}-{place + 1}"
        return f"{made}x" if made in demand.forbidden else made
    return constant(kind, place + 1, forbidden=demand.forbidden)


def constant(kind: sa.types.TypeEngine[Any], place: int, forbidden: frozenset[Any] = frozenset()) -> Any:
    """A value of a type, greater for a greater place."""
    import datetime as dt  # noqa: PLC0415 - needed here alone
    import uuid  # noqa: PLC0415 - needed here alone

    if isinstance(kind, sa.Boolean):
        return not any(value is True for value in forbidden)
    if isinstance(kind, sa.Uuid):
        return uuid.UUID(int=place)
    if isinstance(kind, sa.DateTime):
        return dt.datetime(2026, 1, 1) + dt.timedelta(days=place)  # noqa: DTZ001 - columns are without a zone
    if isinstance(kind, sa.Date):
        return dt.date(2026, 1, 1) + dt.timedelta(days=place)
    return place if isinstance(kind, (sa.BigInteger, sa.Double)) else f"value-{place}"


class UnfitError(ValueError):
    """A constant that a column cannot hold."""


def fitting(column: sa.Column[Any], value: Any) -> Any:
    """A constant of the program as a value of a column. Raises `UnfitError`."""
    kind = column.type
    if value is None:
        return None
    if isinstance(kind, sa.Boolean):
        return bool(value)
    if isinstance(kind, sa.Text):
        return str(value)
    if isinstance(kind, (sa.BigInteger, sa.Double)) and isinstance(value, (int, float)):
        return value
    raise UnfitError(f"{column.name} cannot be {value!r}")
