"""Whether a statement waits for a lock of another session, asked of the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import sqlalchemy as sa


class Flight(NamedTuple):
    """A statement that a database works on; `driver` is the driver's connection, `number` counts those of a player."""

    connection: sa.Connection
    driver: Any
    statement: str
    number: int


Watch = Callable[[Flight, Sequence[Flight]], bool]
"""Whether the first statement waits for a lock, of all that the database works on."""


@contextmanager
def watch(engine: sa.Engine) -> Iterator[Watch]:
    """The watch for an engine's database."""
    makers = {"postgresql": _postgresql, "mysql": _mariadb, "mariadb": _mariadb, "sqlite": _sqlite}
    with makers[engine.dialect.name](engine) as watcher:
        yield watcher


@contextmanager
def _postgresql(engine: sa.Engine) -> Iterator[Watch]:
    blocked = sa.text("SELECT cardinality(pg_blocking_pids(:pid)) > 0")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as admin:
        yield lambda flight, _: bool(admin.scalar(blocked, {"pid": flight.driver.info.backend_pid}))


@contextmanager
def _mariadb(engine: sa.Engine) -> Iterator[Watch]:
    """InnoDB counts the waits at once; its table of transactions (INNODB_TRX) shows them up to 100 ms late.

    A wait is counted until its thread has woken up, so that one look does not tell a wait from one that has just ended.
    """
    waits = sa.text("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
    looks: list[tuple[Flight, ...]] = []
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as admin:

        def waiting(_: Flight, every: Sequence[Flight]) -> bool:
            row = admin.execute(waits).one()
            looks.append(tuple(every) if int(row[1]) >= len(every) else ())
            return looks[-1] != () and looks[-LOOKS:] == [looks[-1]] * LOOKS

        yield waiting


LOOKS = 3
_WRITE = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


@contextmanager
def _sqlite(engine: sa.Engine) -> Iterator[Watch]:
    """SQLite has one lock for writers, held from a transaction's first write to its end, and tells nobody who waits."""
    writing: set[sa.Connection] = set()

    def wrote(connection: sa.Connection, _: Any, statement: str, *__: Any) -> None:
        if _WRITE.match(statement):
            writing.add(connection)

    def ended(connection: sa.Connection) -> None:
        writing.discard(connection)

    heard: dict[str, Callable[..., None]] = {"after_cursor_execute": wrote, "commit": ended, "rollback": ended}
    for event, listener in heard.items():
        sa.event.listen(engine, event, listener)
    try:
        yield lambda flight, _: bool(_WRITE.match(flight.statement) and writing - {flight.connection})
    finally:
        for event, listener in heard.items():
            sa.event.remove(engine, event, listener)
