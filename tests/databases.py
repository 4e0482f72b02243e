"""Real databases for tests: private servers of PostgreSQL and MariaDB, files of SQLite; fixtures for conftest.py."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests import mariadb_server as mariadb_programs
from tests import postgresql_server as postgresql_programs
from tests.mariadb_server import MariaDB
from tests.postgresql_server import PostgreSQL


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """A server of its own for this run, in a temporary folder, stopped at the end."""
    with postgresql_programs.postgresql(postgresql_programs.programs()) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDB]:
    """The same of MariaDB."""
    with mariadb_programs.mariadb() as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: PostgreSQL) -> Iterator[sa.Engine]:
    """An engine on a schema of its own."""
    schema = f"test_{uuid.uuid4().hex}"
    admin = postgresql_server.engine()
    engine = postgresql_server.engine(schema)
    try:
        with admin.begin() as connection:
            connection.execute(sa.schema.CreateSchema(schema))
        yield engine
    finally:
        engine.dispose()
        with admin.begin() as connection:
            connection.execute(sa.schema.DropSchema(schema, cascade=True))
        admin.dispose()


@pytest.fixture
def mariadb(mariadb_server: MariaDB) -> Iterator[sa.Engine]:
    """An engine on a database of its own."""
    name = f"test_{uuid.uuid4().hex}"
    admin = mariadb_server.engine()
    engine = mariadb_server.engine(name)
    try:
        with admin.begin() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
        yield engine
    finally:
        engine.dispose()
        with admin.begin() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name}"))
        admin.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine on a database file of its own."""
    engine = sqlite_engine(tmp_path / "test.db")
    yield engine
    engine.dispose()


def sqlite_engine(path: Path) -> sa.Engine:
    """An engine on a database file that need not outlive the machine."""
    engine = sa.create_engine(f"sqlite:///{path}")

    def relax(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    sa.event.listen(engine, "connect", relax)
    return engine


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def database(request: pytest.FixtureRequest) -> sa.Engine:
    """Each of the databases in turn."""
    engine: sa.Engine = request.getfixturevalue(request.param)
    return engine
