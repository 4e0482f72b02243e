"""Two transactions on PostgreSQL that meet at chosen points: no test waits for time to pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

Act = Callable[[Session], object]

PATIENCE = 15
"""Seconds until a test that hangs fails."""

DEADLOCK = "40P01"


def together(engine: sa.Engine, one: Act, other: Act, between: Callable[[], None] = lambda: None) -> list[str]:
    """Run two transactions in two threads, and `between` beside them; the SQLSTATE of every statement that failed."""
    failed: list[str] = []

    def note(context: sa.ExceptionContext) -> None:
        failed.append(
            getattr(context.original_exception, "sqlstate", None) or type(context.original_exception).__name__
        )

    sa.event.listen(engine, "handle_error", note)
    try:
        with ThreadPoolExecutor(2) as pool:
            threads = [pool.submit(_transaction, engine, act) for act in (one, other)]
            between()
            for thread in threads:
                thread.result(timeout=PATIENCE)
    finally:
        sa.event.remove(engine, "handle_error", note)
    return failed


def _transaction(engine: sa.Engine, act: Act) -> None:
    """One transaction, which the database may abort."""
    with Session(engine) as session:
        try:
            act(session)
            session.commit()
        except sa.exc.DBAPIError:
            session.rollback()


class Meeting:
    """A point that two sessions reach, each ahead of a statement of its own, before either goes on."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)

    def before(self, session: Session, words: str, times: int = 1) -> None:
        """Let the session wait ahead of its `times`-th statement that holds these words."""
        connection, seen = session.connection(), 0

        def wait(*arguments: Any) -> None:
            nonlocal seen
            statement: str = arguments[2]
            seen += words in statement
            if words in statement and seen == times:
                self._barrier.wait(PATIENCE)

        sa.event.listen(connection, "before_cursor_execute", wait)


@contextmanager
def held(engine: sa.Engine, statement: sa.Select[Any]) -> Iterator[sa.Connection]:
    """A third transaction that holds rows locked."""
    with engine.connect() as connection:
        connection.execute(statement.with_for_update())
        yield connection
        connection.rollback()


def wait_until_blocked(connection: sa.Connection, count: int) -> None:
    """Return when as many sessions of this server wait for a lock."""
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    clear = sa.text("SELECT pg_stat_clear_snapshot()")
    give_up = threading.Event()
    timer = threading.Timer(PATIENCE, give_up.set)
    timer.start()
    try:
        while connection.scalar(waiting) != count:
            connection.execute(clear)
            assert not give_up.is_set(), f"{count} sessions were to wait for a lock"
    finally:
        timer.cancel()
