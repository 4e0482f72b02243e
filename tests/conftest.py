"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from lockcheck.api import Means
from lockcheck.cache.folder import Folder
from tests import profiles
from tests.databases import database, mariadb, mariadb_server, postgresql, postgresql_server, sqlite

__all__ = ["database", "mariadb", "mariadb_server", "postgresql", "postgresql_server", "sqlite"]

profiles.load()
# A shell ignores SIGINT for what it starts in the background; the processes that tests interrupt would, too.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.pop("COLUMNS", None)  # what tests run fits itself into that many


@pytest.fixture
def means(tmp_path: Path) -> Means:
    """A run with a cache of its own."""
    return Means(Folder(str(tmp_path / "cache"), "one"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-proofs", action="store_true", help="write what tests/proofs measures into docs/proofs.md and rules/"
    )
