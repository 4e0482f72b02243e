"""A PostgreSQL to try things on: one of its own for the run, thrown away at the end, or an empty scratch database."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from lockcheck.prove.programs import programs as find_programs
from lockcheck.prove.programs import within_reach

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 20
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
"""


class ServerError(Exception):
    """No database to try things on; the message says why."""


@contextmanager
def database(url: str | None) -> Iterator[sa.Engine]:
    """An engine on an empty database, which is left as it was. Raises `ServerError`."""
    with _ended_in_order(), _own() if url is None else _given(url) as engine:
        yield engine


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """What ends a program ends the run as Ctrl-C does, so that servers are stopped and tables dropped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    numbers = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# --- a database that is given ------------------------------------------------------------------------------------


@contextmanager
def _given(url: str) -> Iterator[sa.Engine]:
    engine = _scratch(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _scratch(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() not in ("postgresql", "postgres"):
            raise ServerError(f"--url: {parsed.get_backend_name()} is not PostgreSQL")
        engine = sa.create_engine(parsed.set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
        with engine.connect() as connection:
            tables = connection.scalars(sa.text(_RELATIONS)).all()
    except sa.exc.SQLAlchemyError as error:
        raise ServerError(f"--url: {str(error).splitlines()[0]}") from error
    if tables:
        engine.dispose()
        raise ServerError(f"--url: the database is not empty, it holds {tables[0]}; give one that may be written to")
    return engine


_RELATIONS = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1 LIMIT 1
"""


# --- a server of its own -----------------------------------------------------------------------------------------


@contextmanager
def _own() -> Iterator[sa.Engine]:
    programs = find_programs()
    if programs is None:
        raise ServerError("PostgreSQL is not found: install lockcheck[prove], put initdb on PATH, or give --url")
    # Not below a folder of the caller's own: another user could not enter it, and a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="lockcheck-prove-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        owner = _unprivileged()
        if owner:
            os.chown(folder, owner["user"], owner["group"])
        programs = _within_reach(programs, folder, owner)
        _run(programs, folder, "initdb", "-A", "trust", "-U", "lockcheck", "-E", "UTF8", "--locale=C", "--no-sync")
        with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(SETTINGS.format(folder=folder))
        engine = _engine(folder)
        try:
            _run(programs, folder, "pg_ctl", "-w", "-l", str(folder / "server.log"), "start")
            yield engine
        finally:
            engine.dispose()
            if (folder / "data" / "postmaster.pid").exists():
                _run(programs, folder, "pg_ctl", "-w", "-m", "immediate", "stop")


def _within_reach(programs: Path, folder: Path, owner: dict[str, Any]) -> Path:
    try:
        return within_reach(programs, folder, owner)
    except OSError as error:
        raise ServerError(f"{programs / 'initdb'} cannot be started: {error.strerror or error}") from error


def _engine(folder: Path) -> sa.Engine:
    url = sa.URL.create("postgresql+psycopg", "lockcheck", database="postgres", query={"host": str(folder)})
    return sa.create_engine(url, poolclass=sa.NullPool)


def _unprivileged() -> dict[str, Any]:
    """How to start a process as somebody else: PostgreSQL does not run as root."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return {}
    import pwd  # noqa: PLC0415 - only where there are users

    users = {user.pw_name: user for user in pwd.getpwall()}
    user = users.get("postgres") or users.get("nobody")
    if user is None:
        raise ServerError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run(programs: Path, folder: Path, name: str, *arguments: str) -> None:
    command = [str(programs / name), "-D", str(folder / "data"), *arguments]
    environment = {**os.environ, "LC_ALL": "C", "HOME": str(folder)}
    log = folder / "commands.log"
    try:
        with log.open("ab") as output:
            done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
                command, stdout=output, stderr=output, cwd=folder, env=environment, check=False, **_unprivileged()
            )
    except OSError as error:
        raise ServerError(f"{command[0]} cannot be started: {error.strerror or error}") from error
    if done.returncode:
        last = log.read_text(errors="replace").strip().splitlines()[-3:]
        raise ServerError(f"{name} failed: {' '.join(last)}")
