"""What databases and SQLAlchemy call their errors, in one set of words."""

from __future__ import annotations

import sqlite3

DEADLOCK = "deadlock"
DUPLICATE = "duplicate key"
TIMEOUT = "lock timeout"
ABORTED = "transaction is aborted"
REFUSED = "refused"

_NAMES: dict[str | int, str] = {
    "40P01": DEADLOCK,
    "23505": DUPLICATE,
    "55P03": TIMEOUT,
    "25P02": ABORTED,
    "0A000": REFUSED,
    1213: DEADLOCK,
    1062: DUPLICATE,
    1205: TIMEOUT,
    "SQLITE_CONSTRAINT_UNIQUE": DUPLICATE,
    "SQLITE_CONSTRAINT_PRIMARYKEY": DUPLICATE,
    "SQLITE_BUSY": TIMEOUT,
}
"""SQLSTATEs of PostgreSQL, error numbers of MariaDB, names of SQLite (from Python 3.11 on)."""

_TEXTS = {"UNIQUE constraint failed": DUPLICATE, "database is locked": TIMEOUT}
"""What SQLite says, where Python does not hand on the name of its error."""


def name_of(error: BaseException) -> str:
    """The word for an error; the name of its class where there is none."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    for key in (getattr(error, "sqlstate", None), getattr(error, "sqlite_errorname", None), number):
        if key in _NAMES:
            return _NAMES[key]
    texts = _TEXTS if isinstance(error, sqlite3.Error) else {}
    return next((word for text, word in texts.items() if text in str(error)), type(error).__name__)
