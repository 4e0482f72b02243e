"""The tables and rows of an experiment in a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import sqlalchemy as sa

from lockcheck.prove.acts import UnderivableError
from lockcheck.prove.experiment import Experiment
from lockcheck.prove.schedules import Gate
from lockcheck.prove.server import ServerError
from lockcheck.prove.worlds import World

SCHEMA = "lockcheck_prove"


class Stage:
    """Made in a schema of its own, which is dropped when `stack` ends."""

    def __init__(self, engine: sa.Engine, experiment: Experiment, stack: ExitStack) -> None:
        self._experiment = experiment
        self._metadata = experiment.tables.metadata
        self._admin = stack.enter_context(engine.connect())
        try:
            self._admin.execute(sa.schema.CreateSchema(SCHEMA))
        except sa.exc.DBAPIError as error:
            raise ServerError(f"a schema cannot be made: {str(error.orig).splitlines()[0]}") from error
        stack.callback(self._clear)
        enter(self._admin)
        try:
            for table in self._metadata.sorted_tables:
                self._admin.execute(sa.schema.CreateTable(table))
            for index in self._indexes():
                index.create(self._admin)
        except sa.exc.DBAPIError as error:
            told = str(error.orig).splitlines()[0]
            raise UnderivableError(f"tables that the database accepts ({told})") from error
        self._admin.commit()
        self._indexed = True

    def _clear(self) -> None:
        self._admin.rollback()
        self._admin.execute(sa.schema.DropSchema(SCHEMA, cascade=True))
        self._admin.commit()

    @property
    def version(self) -> str:
        found = str(self._admin.scalar(sa.text("SHOW server_version"))).split(" ")[0]
        self._admin.rollback()
        return found

    # --- rows --------------------------------------------------------------------------------------------------------

    def fill(self, world: World) -> None:
        """Put the rows of a world into the tables. Raises `UnderivableError` for rows that keys forbid."""
        self._index(world)
        rows = self._experiment.rows(world.turn)
        tables = self._metadata.sorted_tables
        quote = self._admin.dialect.identifier_preparer.quote
        names = ", ".join(quote(table.name) for table in tables)
        self._admin.execute(sa.text(f"TRUNCATE {names}"))
        for table in tables:
            if not (self._experiment.duel.race and table.name == self._experiment.duel.table):
                for number in world.heap:
                    if number < rows.counts[table.name]:
                        self._insert(table, rows.row(table.name, number))
        self._admin.execute(sa.text(f"ANALYZE {names}"))  # plans rest on what is there, not on what was
        self._admin.commit()

    def _insert(self, table: sa.Table, row: dict[str, Any]) -> None:
        try:
            self._admin.execute(sa.insert(table).values(row))
        except sa.exc.IntegrityError as error:
            told = str(error.orig).splitlines()[0]
            raise UnderivableError(
                f"rows of {table.name} that meet all conditions and keep its keys ({told})"
            ) from error

    def _index(self, world: World) -> None:
        """The secondary indexes, where this world has them: a plan may use any of them, or the keys'."""
        if world.indexed == self._indexed:
            return
        self._indexed = world.indexed
        for index in self._indexes():
            index.create(self._admin) if world.indexed else index.drop(self._admin)

    def _indexes(self) -> Iterator[sa.Index]:
        """In a fixed order: which of two plans that cost the same is taken depends on it."""
        for table in self._metadata.sorted_tables:
            yield from sorted(table.indexes, key=lambda index: str(index.name))

    # --- rows that are locked ----------------------------------------------------------------------------------------

    def gate(self, world: World, gate: Gate | None) -> sa.Executable | None:
        """What locks the row that the third session holds; none where another one has it."""
        if gate is None:
            return None
        table = self._table
        rows = self._experiment.rows(world.turn)
        key: list[Any] = [c == rows.value((table.name, c.name), gate.row) for c in table.primary_key]
        return sa.select(*table.primary_key).where(*key).with_for_update(skip_locked=True)

    @property
    def _table(self) -> sa.Table:
        return self._experiment.tables.by_name[self._experiment.duel.table]

    # --- plans -------------------------------------------------------------------------------------------------------

    def readable(self, plan: str) -> str:
        """A line of a plan, indexes named by their columns."""
        words = plan.replace("->", "").strip()
        for table in self._metadata.sorted_tables:
            names = [(str(index.name), list(index.columns)) for index in table.indexes]
            names += [
                (str(key.name), list(key.columns)) for key in table.constraints if isinstance(key, _KEYS) and key.name
            ]
            names.append((f"{table.name}_pkey", list(table.primary_key)))
            for name, columns in names:
                shown = f"the index of ({', '.join(column.name for column in columns)})"
                words = words.replace(f"using {name} ", f"using {shown} ").replace(
                    f'using "{name}" ', f"using {shown} "
                )
        return words


_KEYS = (sa.UniqueConstraint,)


def enter(connection: sa.Connection) -> None:
    """Make the schema that of a connection."""
    connection.execute(sa.text(f"SET search_path = {SCHEMA}"))
    connection.commit()
