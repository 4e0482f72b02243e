"""Fixtures that several test modules share."""

from __future__ import annotations

from tests.databases import database, postgresql, postgresql_server, sqlite

__all__ = ["database", "postgresql", "postgresql_server", "sqlite"]
