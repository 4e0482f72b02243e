"""Fixtures that several test modules share."""

from __future__ import annotations

import pytest

from tests import profiles
from tests.databases import database, mariadb, mariadb_server, postgresql, postgresql_server, sqlite

__all__ = ["database", "mariadb", "mariadb_server", "postgresql", "postgresql_server", "sqlite"]

profiles.load()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-proofs", action="store_true", help="write what tests/proofs measures into docs/proofs.md and rules/"
    )
