"""The private servers of the tests: which programs are taken, and that they run as whoever runs the tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from lockcheck.prove import programs
from tests import mariadb_server, postgresql_server
from tests.server_processes import give, run, unprivileged


def test_programs_on_path_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "bin"
    own.mkdir()
    (own / "initdb").write_text("#!/bin/sh\n")
    (own / "initdb").chmod(0o755)
    monkeypatch.setenv("PATH", str(own))
    assert postgresql_server.programs() == own.resolve()


def test_without_programs_the_wheel_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "installed", lambda: None)
    assert postgresql_server.programs() == programs.of_wheel()


def test_without_any_the_test_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "installed", lambda: None)
    monkeypatch.setattr(programs, "WHEEL", "no_such_wheel")
    with pytest.raises(pytest.skip.Exception, match="pip install --group test"):
        postgresql_server.programs()


def test_without_mariadb_the_test_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(mariadb_server, "PLACES", ())
    with pytest.raises(pytest.skip.Exception, match="apt-get install mariadb-server"):
        mariadb_server.program("mariadbd")


def wheel() -> Path:
    found = programs.of_wheel()
    if found is None:
        pytest.skip(
            "no wheel brings PostgreSQL here: `pip install --group test` installs it where there is one for the machine"
        )
    return found


@pytest.mark.server
def test_server_of_the_wheel_runs() -> None:
    with postgresql_server.postgresql(wheel()) as server:
        engine = server.engine()
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT 1")) == 1
        engine.dispose()
    assert not server.folder.exists()


@pytest.mark.server
@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs a server as somebody else")
def test_programs_that_the_server_s_user_cannot_enter_are_copied(tmp_path: Path) -> None:
    package = wheel().parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, tmp_path / part.name)
    tmp_path.chmod(0o700)
    hidden = tmp_path / package.name / "pginstall" / "bin"
    with tempfile.TemporaryDirectory() as name:
        folder, owner = Path(name), unprivileged("postgres")
        give(folder, owner)
        assert programs.within_reach(hidden, folder, {}) == hidden
        copied = programs.within_reach(hidden, folder, owner)
        assert copied == folder / package.name / "pginstall" / "bin"
        run(folder, (copied / "initdb", "--version"), owner)


@pytest.mark.server
def test_mariadb_is_gone_afterwards() -> None:
    with mariadb_server.mariadb() as server:
        assert server.socket.exists()
    assert not server.socket.parent.exists()
