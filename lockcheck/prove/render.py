"""Acts as SQL, for given rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from lockcheck.linking.locks import Locks
from lockcheck.linking.modes import sets_key
from lockcheck.linking.values import ColumnRef, Statement
from lockcheck.prove.acts import Act, UnderivableError
from lockcheck.prove.conditions import Conditions, Where
from lockcheck.prove.demands import Demands, Rows
from lockcheck.prove.joined import Source, Sources
from lockcheck.prove.setting import Setting
from lockcheck.prove.tables import Tables


@dataclass(frozen=True, slots=True)
class Settled:
    """An act with what is kept of its conditions, and the words that say so. `limited` tells that its conditions hold
    for the first row alone."""

    act: Act
    where: Where
    source: Source
    notes: tuple[str, ...]
    limited: bool = False


class Renderer:
    """Makes SQL of acts."""

    def __init__(self, locks: Locks, tables: Tables) -> None:
        self._locks = locks
        self._tables = tables
        self._conditions = Conditions(locks, tables)
        self._sources = Sources(locks, tables)
        self._setting = Setting(locks, tables)

    # --- settling ----------------------------------------------------------------------------------------------------

    def settle(self, sides: Sequence[Sequence[Act]], demands: Demands) -> tuple[list[list[Settled]], Demands]:
        """Decide what each act of the sides keeps; all of them ask their part of the rows, those that reach some rows
        after those that reach all."""
        found: dict[tuple[int, int], Settled] = {}
        places = [(side, number) for side, acts in enumerate(sides) for number in range(len(acts))]
        for place in sorted(places, key=lambda place: sides[place[0]][place[1]].part):
            act = sides[place[0]][place[1]]
            found[place], demands = self._settled(act, demands)
        return [[found[side, number] for number in range(len(acts))] for side, acts in enumerate(sides)], demands

    def _settled(self, act: Act, before: Demands) -> tuple[Settled, Demands]:
        source = self._sources.of(act)
        where, demands = self._conditions.chosen(act.statement.where, before, source.tables, many=act.reach == "many")
        limited = None
        if act.part and not where.replaced:
            limited = self._conditions.limited(where, demands, before, source.tables)
        made = Settled(act, where, source, (), limited is not None)
        return replace(made, notes=tuple(self._notes(made))), limited or demands

    def changed(self, settled: Settled, act: Act) -> Settled:
        """The same with an act that a fix has changed; its conditions stay."""
        source = self._sources.of(act)
        made = replace(settled, act=act, source=source)
        return replace(made, notes=tuple(self._notes(made)))

    def _notes(self, settled: Settled) -> list[str]:
        act, where, source = settled.act, settled.where, settled.source
        statement = act.statement
        notes = [act.why] if act.why else []
        rows = "the rows of the experiment" if act.reach == "many" and not act.part else "a row of the experiment"
        notes += [f"{words} is replaced by {rows}" for words in where.replaced]
        if not where.replaced and self._is_vague(act):
            notes.append("it may reach others; here it reaches one row of the experiment")
        if where.unknown:
            notes.append(f"values that are not known, chosen so that the rows meet: {', '.join(where.unknown)}")
        notes += (*where.chosen, *source.notes)
        if settled.limited:
            notes.append("row 1 alone meets these conditions: the rows that are reached later are not all among them")
        if statement.limited:
            notes.append("LIMIT is left out")
        notes += self._setting.notes(statement)
        return notes

    # --- SQL ---------------------------------------------------------------------------------------------------------

    def statement(self, settled: Settled, rows: Rows, numbers: Sequence[int]) -> sa.Executable:
        """The SQL of an act for the rows of these numbers."""
        act = settled.act
        kind = act.statement.kind
        if kind == "insert":
            return self._insert(act, rows, numbers)
        if kind == "select":
            return self._select(settled, rows, numbers)
        where = self._where(settled, rows, numbers)
        if act.ordered:
            where = [self._in_order(settled, where)]
        table = settled.source.table
        key = list(table.primary_key)
        if kind == "delete":
            return sa.delete(table).where(*where).returning(*key)
        values = self._setting.values(act.statement, table, rows, numbers)
        return sa.update(table).where(*where).values(values).returning(*key)

    def update(self, settled: Settled, rows: Rows, number: int) -> sa.Executable:
        """The UPDATE of a row in place of an INSERT."""
        table = settled.source.table
        values = self._setting.values(settled.act.statement, table, rows, [number])
        return sa.update(table).where(self._those(table, rows, [number])).values(values)

    def _where(self, settled: Settled, rows: Rows, numbers: Sequence[int]) -> list[sa.ColumnElement[bool]]:
        where, source = settled.where, settled.source
        found = [self._conditions.sql(clause, rows, numbers, source.tables) for clause in where.kept]
        some = len({rows.related(source.table.name, n) for n in numbers}) < rows.counts[source.table.name]
        if (where.replaced and some) or self._is_vague(settled.act):
            found.append(self._those(source.table, rows, numbers))
        return found

    def _is_vague(self, act: Act) -> bool:
        """Whether an act that is meant to reach one row might reach others."""
        return act.reach != "many" and act.statement.kind != "insert" and not self._locks.one_row(act.statement)

    def _those(self, table: sa.Table, rows: Rows, numbers: Sequence[int]) -> sa.ColumnElement[bool]:
        """The rows of these numbers, by key."""
        key = list(table.primary_key)
        values = [tuple(rows.value((table.name, c.name), rows.related(table.name, n)) for c in key) for n in numbers]
        values = list(dict.fromkeys(values))
        if len(key) > 1:
            return sa.tuple_(*key).in_(values)
        return key[0].in_([value for (value,) in values]) if len(values) > 1 else key[0] == values[0][0]

    def _select(self, settled: Settled, rows: Rows, numbers: Sequence[int]) -> sa.Executable:
        act, source = settled.act, settled.source
        table = source.table
        query = sa.select(*table.primary_key).select_from(source.joined).where(*self._where(settled, rows, numbers))
        order = list(table.primary_key) if act.ordered else self._order(act.statement)
        if order:
            query = query.order_by(*order)
        lock = act.statement.lock
        if lock is None:
            return query
        return query.with_for_update(
            nowait=lock.nowait,
            skip_locked=lock.skip_locked or act.skips,
            read=lock.read,
            key_share=lock.key_share,
            of=list(source.of) or None,
        )

    def _order(self, statement: Statement) -> list[sa.Column[Any]]:
        """The columns of ORDER BY that are known."""
        found = []
        for part in statement.order_by:
            if isinstance(part, ColumnRef) and part.model == statement.model:
                column = self._tables.column(self._locks.table(part.model) or "", part.attribute)
                if column is not None:
                    found.append(column)
        return found

    def _in_order(self, settled: Settled, where: list[sa.ColumnElement[bool]]) -> sa.ColumnElement[bool]:
        """The rows, locked in the order of their key by a subselect, as the fix of LCK201 does."""
        act, table = settled.act, settled.source.table
        key = list(table.primary_key)
        mapped = self._locks.mapped(act.statement.model)
        weak = act.statement.kind == "update" and mapped is not None and not sets_key(act.statement, mapped)
        inner = sa.select(*key).where(*where).order_by(*key)
        inner = inner.with_for_update(key_share=weak, skip_locked=act.skips)
        return key[0].in_(inner) if len(key) == 1 else sa.tuple_(*key).in_(inner)

    def _insert(self, act: Act, rows: Rows, numbers: Sequence[int]) -> sa.Executable:
        table = self._tables.by_name.get(self._locks.table(act.statement.model) or "")
        if table is None:
            raise UnderivableError("the table of an INSERT is not known")
        query = postgresql.insert(table).values([rows.row(table.name, number) for number in numbers])
        key = list(table.primary_key)
        if act.upsert or act.statement.on_conflict is not None:
            others = [column for column in table.c if not column.primary_key]
            changed = next(iter(others), key[0])
            if act.statement.on_conflict == "on_conflict_do_nothing":
                query = query.on_conflict_do_nothing()
            else:
                changes = {changed.name: query.excluded[changed.name]}
                query = query.on_conflict_do_update(index_elements=key, set_=changes)
        return query.returning(*key)
