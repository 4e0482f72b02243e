"""Which handlers catch which database errors."""

from __future__ import annotations

from lockcheck.linking.events import EnterHandler
from lockcheck.linking.names import is_sqlalchemy, last
from lockcheck.linking.values import External

BROAD = frozenset({"Exception", "BaseException"})
DATABASE = frozenset(
    {
        "SQLAlchemyError", "StatementError", "DBAPIError", "InterfaceError", "DatabaseError", "DataError",
        "OperationalError",
        "IntegrityError", "InternalError", "ProgrammingError", "NotSupportedError", "PendingRollbackError",
    }
)  # fmt: skip
EVERY_DATABASE_ERROR = BROAD | {"SQLAlchemyError", "StatementError", "DBAPIError"}
INTEGRITY = frozenset({"IntegrityError", "DatabaseError", "DBAPIError", "StatementError", "SQLAlchemyError"})


def caught_names(handler: EnterHandler) -> tuple[str, ...]:
    """The names of the exceptions a handler catches, as far as they can stand for a database error; a bare `except:`
    counts as BaseException."""
    if not handler.types:
        return ("BaseException",)
    found: list[str] = []
    for kind in handler.types:
        if not isinstance(kind, External):
            continue
        name = last(kind.qualname)
        builtin = kind.qualname in (name, f"builtins.{name}")
        if (name in BROAD and builtin) or (name in DATABASE and _from_database(kind.qualname)):
            found.append(name)
    return tuple(found)


def _from_database(qualname: str) -> bool:
    root = qualname.partition(".")[0]
    return is_sqlalchemy(qualname) or root in ("psycopg", "psycopg2", "asyncpg", "pymysql", "MySQLdb", "sqlite3")
