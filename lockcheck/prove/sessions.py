"""Sessions of an experiment: each sends one statement at a time, and can be asked whether it waits for another."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

PATIENCE = 20.0
"""Seconds until a session that neither ends its statement nor waits for a lock counts as stuck."""
GLANCE = 0.002
DEADLOCK_TIMEOUT, UNHURRIED = "5ms", "300ms"

Rows = list[tuple[Any, ...]]
_BLOCKING = sa.text("SELECT pg_blocking_pids(:pid)")


@dataclass(frozen=True, slots=True)
class Failure:
    """The database's own error."""

    sqlstate: str
    message: str
    detail: str
    context: str


class StuckError(Exception):
    """A session that does not come back."""


@dataclass(slots=True)
class Session:
    """One connection with a thread that waits for its statements."""

    name: str
    connection: sa.Connection
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    sent: Future[Rows] | None = None
    pid: int = field(init=False)

    def __post_init__(self) -> None:
        self.pid = self.connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]  # psycopg's

    @property
    def has_failed(self) -> bool:
        """Whether its statement has ended with an error."""
        return self.sent is not None and self.sent.done() and self.sent.exception() is not None

    def send(self, statement: sa.Executable) -> None:
        """Send a statement and do not wait for it."""
        self.sent = self.pool.submit(_rows, self.connection, statement)

    def result(self) -> Rows | Failure:
        """What the statement that has ended gave."""
        sent, self.sent = self.sent, None
        if sent is None:
            return []
        try:
            return sent.result(PATIENCE)
        except sa.exc.DBAPIError as error:
            return _failure(error)

    def end(self, *, commit: bool) -> Failure | None:
        """End the transaction."""
        try:
            self.connection.commit() if commit else self.connection.rollback()
        except sa.exc.DBAPIError as error:
            self.connection.rollback()
            return _failure(error)
        return None

    def set(self, values: Mapping[str, str], *, optional: bool = False) -> None:
        """Change settings of the session; those that it may not change stay where they are `optional`."""
        try:
            for name, value in values.items():
                self.connection.execute(sa.text(f"SET {name} = '{value}'"))
            self.connection.commit()
        except sa.exc.DBAPIError:
            self.connection.rollback()
            if not optional:
                raise

    def explained(self, statement: str) -> list[str]:
        """The plan of a statement, line by line."""
        found = self.connection.exec_driver_sql(f"EXPLAIN (COSTS OFF) {statement.replace('%', '%%')}")
        lines = [str(row[0]) for row in found]
        self.connection.rollback()
        return lines

    def close(self) -> None:
        if self.sent is not None and not self.sent.done():
            self.connection.connection.driver_connection.cancel_safe(timeout=PATIENCE)  # type: ignore[union-attr]  # psycopg's
        self.pool.shutdown(wait=True)
        self.connection.close()


def _rows(connection: sa.Connection, statement: sa.Executable) -> Rows:
    found = connection.execute(statement)
    return [tuple(row) for row in found] if found.returns_rows else []


def _failure(error: sa.exc.DBAPIError) -> Failure:
    original = error.orig
    told = getattr(original, "diag", None)
    texts = [getattr(told, name, None) or "" for name in ("message_primary", "message_detail", "context")]
    return Failure(getattr(original, "sqlstate", None) or "", texts[0] or str(original), texts[1], texts[2])


class Watch:
    """Looks at sessions from outside."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def waits_for(self, session: Session) -> list[int]:
        """The processes that a session waits for."""
        return list(self._connection.scalar(_BLOCKING, {"pid": session.pid}) or ())

    def settle(self, session: Session) -> list[int]:
        """Wait until a session has ended its statement ([]) or waits for others. Raises `StuckError`."""
        for _ in range(int(PATIENCE / GLANCE)):
            if session.sent is None or session.sent.done():
                return []
            wait([session.sent], GLANCE)
            if session.sent.done():
                return []
            blocking = self.waits_for(session)
            if blocking:
                return blocking
        raise StuckError(f"session {session.name} does not come back")
