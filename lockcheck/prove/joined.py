"""FROM: the statement's table, and those that its row lock reaches by joins."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from lockcheck.linking.locks import Locks, Widening
from lockcheck.linking.values import ModelRef
from lockcheck.prove.acts import Act, UnderivableError
from lockcheck.prove.tables import Tables


@dataclass(frozen=True, slots=True)
class Source:
    """`tables` are those in FROM, `of` those that `FOR UPDATE OF` names."""

    table: sa.Table
    joined: sa.FromClause
    tables: frozenset[str]
    of: tuple[sa.Table, ...]
    notes: tuple[str, ...]


class Sources:
    """Makes them of acts."""

    def __init__(self, locks: Locks, tables: Tables) -> None:
        self._locks = locks
        self._tables = tables

    def of(self, act: Act) -> Source:
        """Raises `UnderivableError` for a table that is not known."""
        statement = act.statement
        name = self._locks.table(statement.model)
        if name is None or name not in self._tables.by_name:
            raise UnderivableError("the table of a statement is not known")
        table = self._tables.by_name[name]
        joined: sa.FromClause = table
        names, notes = [name], []
        for widening in self._locks.widenings(statement):
            other = self._locks.table(widening.model)
            if other is None or other in names or other not in self._tables.by_name:
                continue
            names.append(other)
            joined, note = self._join(joined, names[:-1], other, widening)
            notes.append(note)
        notes += self._dropped(act, names)
        of = self._named(act) if statement.lock is not None else ()
        return Source(table, joined, frozenset(names), of, tuple(notes))

    def _join(
        self, joined: sa.FromClause, names: list[str], other: str, widening: Widening
    ) -> tuple[sa.FromClause, str]:
        target = self._tables.by_name[other]
        how = "eager join" if widening.relation is not None else "join"
        for name in names:
            pairs = self._tables.between(name, other)
            if pairs:
                source = self._tables.by_name[name]
                condition = sa.and_(*(source.c[one] == target.c[two] for one, two in pairs))
                return joined.join(target, condition, isouter=widening.outer), f"{how} of {other} by its foreign key"
        return joined.join(target, sa.true(), isouter=widening.outer), f"{how} of {other}, by what is not known"

    def _dropped(self, act: Act, names: list[str]) -> list[str]:
        """Words for the joins that lock nothing."""
        others = {self._locks.table(model) for model in self._locks.from_models(act.statement)} - set(names)
        found = sorted(name for name in others if name is not None)
        return [f"the join of {', '.join(found)} locks nothing and is left out"] if found else []

    def _named(self, act: Act) -> tuple[sa.Table, ...]:
        statement = act.statement
        lock = statement.lock
        if act.only:
            models: tuple[ModelRef | None, ...] = (statement.model,)
        elif lock is None or lock.of is None:
            return ()
        else:
            models = self._locks.locked_models(statement)
        names = (self._locks.table(model) or "" for model in models)
        return tuple(self._tables.by_name[name] for name in names if name in self._tables.by_name)
