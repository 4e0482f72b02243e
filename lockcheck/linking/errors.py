"""Which exceptions are, or may be, a database's."""

from __future__ import annotations

from collections.abc import Iterable

from lockcheck.linking.names import is_sqlalchemy, last
from lockcheck.linking.values import Abstract, External

BROAD = frozenset({"Exception", "BaseException"})
DATABASE = frozenset(
    {
        "SQLAlchemyError", "StatementError", "DBAPIError", "InterfaceError", "DatabaseError", "DataError",
        "OperationalError",
        "IntegrityError", "InternalError", "ProgrammingError", "NotSupportedError", "PendingRollbackError",
    }
)  # fmt: skip
EVERY_DATABASE_ERROR = BROAD | {"SQLAlchemyError", "StatementError", "DBAPIError"}
RETRYABLE = EVERY_DATABASE_ERROR | {"DatabaseError", "OperationalError"}
"""What catches deadlocks, serialization failures and lock timeouts."""
INTEGRITY = frozenset({"IntegrityError", "DatabaseError", "DBAPIError", "StatementError", "SQLAlchemyError"})
DRIVERS = frozenset({"psycopg", "psycopg2", "asyncpg", "pymysql", "MySQLdb", "sqlite3"})


def database_errors(kinds: Iterable[Abstract]) -> tuple[str, ...]:
    """The names of the exceptions among `kinds` that can stand for a database error."""
    found: list[str] = []
    for kind in kinds:
        if not isinstance(kind, External):
            continue
        name = last(kind.qualname)
        builtin = kind.qualname in (name, f"builtins.{name}")
        if (name in BROAD and builtin) or (name in DATABASE and _from_database(kind.qualname)):
            found.append(name)
    return tuple(found)


def _from_database(qualname: str) -> bool:
    return is_sqlalchemy(qualname) or qualname.partition(".")[0] in DRIVERS
