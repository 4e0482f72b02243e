"""What one transaction of an experiment does, before it is SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from lockcheck.linking.values import Statement
from lockcheck.linking.walks import ARBITRARY, Order
from lockcheck.plans import Target

Reach: TypeAlias = Literal["one", "many", "each"]
"""One row; many rows by one statement; or many rows, a statement for each."""


class UnderivableError(Exception):
    """A side that cannot be derived: `reason` says what is missing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Act:
    """One step of a transaction. `statement` is the one that the program executes, or the one that a flush sends for
    what was done to an object; `why` says so. `order` is that of the rows where there is a statement for each, or of
    the rows of a multi-row INSERT. `looks` tells that it only asks whether the row is there. `row` is the number of the
    row that an act on one row is about; `made_up` tells that it is not in the code. `part` tells that it reaches
    some of the rows that are reached later, and not all.

    What fixes do to it: `ordered` locks the rows in the order of their key first (`skips` leaves out those that others
    hold), `only` locks the statement's own table alone, `upsert` is INSERT ... ON CONFLICT DO UPDATE."""

    statement: Statement
    site: Target
    function: str
    calls: tuple[Target, ...] = ()
    reach: Reach = "one"
    order: Order = "fixed"
    why: str = ""
    looks: bool = False
    row: int = 0
    ordered: bool = False
    skips: bool = False
    only: bool = False
    upsert: bool = False
    made_up: bool = False
    part: bool = False

    @property
    def has_own_order(self) -> bool:
        """Whether nothing puts its rows in the order of their key."""
        if self.reach == "each" or self.statement.kind == "insert":
            return self.reach != "one" and (self.order in ("rows", "unknown") or self.order in ARBITRARY)
        return self.reach == "many" and not self.ordered and not self.part

    @property
    def is_planned(self) -> bool:
        """Whether its rows come in the order in which the database finds them."""
        return self.has_own_order and self.order not in ARBITRARY


@dataclass(frozen=True, slots=True)
class Side:
    """One transaction: a run of `entry`, as far as its locks matter to the other side."""

    entry: str
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Duel:
    """Two transactions that fight over rows of `table`. `wanted` are the SQLSTATEs that show the hazard; `race` tells
    that it is about one row that is not there at first, and that the transactions commit, which an error may wait for.
    Else they roll back: once one of the two has ended, nobody is left to deadlock with. `waits` tells that all there is
    to show is that the other side has to wait for the first, which takes its time."""

    table: str
    one: Side
    other: Side
    wanted: frozenset[str]
    race: bool = False
    waits: bool = False

    @property
    def last(self) -> tuple[int, int]:
        """The numbers of the two acts that the finding is about: those that the sides come to in the end."""
        return len(self.one.acts) - 1, len(self.other.acts) - 1
