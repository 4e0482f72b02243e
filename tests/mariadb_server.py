"""A private MariaDB server of the machine's programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.server_processes import give, run, unprivileged

PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/mysql/bin", "/opt/homebrew/bin")
SETTINGS = (
    "--skip-networking",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=OFF",
    "--innodb-flush-method=nosync",
    "--innodb-file-per-table=OFF",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--innodb-lock-wait-timeout=20",
    "--innodb-stats-auto-recalc=OFF",
    "--max-connections=40",
)
START = 60
"""Seconds until a server that does not answer counts as failed."""


@dataclass(frozen=True, slots=True)
class MariaDB:
    """A running server, reached through a Unix socket."""

    socket: Path

    def engine(self, database: str = "") -> sa.Engine:
        url = sa.URL.create("mariadb+pymysql", "root", database=database, query={"unix_socket": str(self.socket)})
        return sa.create_engine(url, pool_size=8)


def program(name: str) -> str:
    """The path of one of MariaDB's programs; the test is skipped where there is none."""
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *PLACES)))
    if found is None:
        pytest.skip(
            "MariaDB's mariadbd and mariadb-install-db are not found; "
            "on Debian `apt-get install mariadb-server` brings them"
        )
    return found


@contextmanager
def mariadb() -> Iterator[MariaDB]:
    """A server in a temporary folder, stopped at the end."""
    pytest.importorskip("pymysql", reason="PyMySQL is not installed")
    server, install = program("mariadbd"), program("mariadb-install-db")
    with tempfile.TemporaryDirectory(prefix="lockcheck-my-", ignore_cleanup_errors=True) as name:
        folder, owner = Path(name), unprivileged("mysql")
        give(folder, owner)
        data, socket = f"--datadir={folder / 'data'}", folder / "socket"
        words = ("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
        run(folder, (install, "--no-defaults", data, *words), owner)
        command = (server, "--no-defaults", data, f"--socket={socket}", f"--pid-file={folder / 'pid'}", *SETTINGS)
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **owner)
        try:
            found = MariaDB(socket)
            _answers(found, process, folder / "server.log")
            yield found
        finally:
            process.kill()  # nothing of it is needed again
            process.wait()


def _answers(server: MariaDB, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server takes connections, which is when it has made its socket."""
    late = time.monotonic() + START
    while process.poll() is None and time.monotonic() < late:
        if server.socket.exists():
            engine = server.engine()
            engine.connect().close()
            engine.dispose()
            return
        time.sleep(0.02)
    pytest.fail(f"mariadbd does not answer:\n{log.read_text(errors='replace')}", pytrace=False)
