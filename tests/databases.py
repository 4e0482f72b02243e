"""Real databases for tests: a private PostgreSQL server and SQLite files; conftest.py makes the fixtures known."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 40
fsync = off
synchronous_commit = off
full_page_writes = off
deadlock_timeout = 100ms
lock_timeout = 20s
"""
HOMES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


@dataclass(frozen=True, slots=True)
class Server:
    """A running PostgreSQL server, reached through the Unix socket in `folder`."""

    folder: Path

    def engine(self, schema: str = "public") -> sa.Engine:
        url = sa.URL.create("postgresql+psycopg", "lockcheck", database="postgres", query={"host": str(self.folder)})
        return sa.create_engine(url, connect_args={"options": f"-csearch_path={schema}"}, pool_size=8)


def _programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`: that on PATH, else the newest of the usual ones."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    homes = [home for pattern in HOMES for home in Path("/").glob(pattern[1:]) if (home / "initdb").is_file()]
    return max(homes, key=lambda home: (len(str(home)), str(home)), default=None)


def _unprivileged() -> dict[str, Any]:
    """How to start a process as somebody else: PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    users = {user.pw_name: user for user in pwd.getpwall()}
    user = users.get("postgres") or users.get("nobody")
    if user is None:
        pytest.skip("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run(programs: Path, folder: Path, name: str, *arguments: str) -> None:
    command = [str(programs / name), "-D", str(folder / "data"), *arguments]
    environment = {**os.environ, "LC_ALL": "C", "HOME": str(folder)}
    log = folder / "commands.log"
    with log.open("ab") as output:
        done = subprocess.run(
            command, stdout=output, stderr=output, cwd=folder, env=environment, check=False, **_unprivileged()
        )
    if done.returncode:
        pytest.fail(f"{name} failed:\n{log.read_text(errors='replace')}", pytrace=False)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """A server of its own for this run, in a temporary folder, stopped at the end."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's initdb is neither on PATH nor in a usual place")
    # Not below pytest's own folders: another user could not enter them, and a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="lockcheck-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        owner = _unprivileged()
        if owner:
            os.chown(folder, owner["user"], owner["group"])
        _run(programs, folder, "initdb", "-A", "trust", "-U", "lockcheck", "-E", "UTF8", "--locale=C", "--no-sync")
        with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(SETTINGS.format(folder=folder))
        _run(programs, folder, "pg_ctl", "-w", "-l", str(folder / "server.log"), "start")
        try:
            yield Server(folder)
        finally:
            _run(programs, folder, "pg_ctl", "-w", "-m", "immediate", "stop")


@pytest.fixture
def postgresql(postgresql_server: Server) -> Iterator[sa.Engine]:
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
def sqlite(tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine on a database file of its own."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'test.db'}")
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def database(request: pytest.FixtureRequest) -> sa.Engine:
    """Each of the databases in turn."""
    engine: sa.Engine = request.getfixturevalue(request.param)
    return engine
