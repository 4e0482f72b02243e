"""Fixtures that several test modules share."""

from __future__ import annotations

from tests.databases import database, mariadb, mariadb_server, postgresql, postgresql_server, sqlite

__all__ = ["database", "mariadb", "mariadb_server", "postgresql", "postgresql_server", "sqlite"]
