"""A plugin of pytest, loaded into a project's own run: where its tests would start PostgreSQL in a container, by
testcontainers, they get the server that is named. It runs on the project's Python and imports nothing of lockcheck."""

from __future__ import annotations

import importlib
import os
from contextlib import AbstractContextManager
from typing import Any

VARIABLE = "LOCKCHECK_TEST_POSTGRESQL"
_MODULES = ("testcontainers.community.postgres", "testcontainers.postgres")


class Server(AbstractContextManager[Any]):
    """In the place of PostgresContainer; `driver` is the one that the tests ask for."""

    def __init__(self, *_: Any, driver: str | None = "psycopg2", **__: Any) -> None:
        self._driver = driver

    def start(self) -> Server:
        return self

    def stop(self, *_: Any) -> None:
        """The server runs on."""

    def __exit__(self, *_: object) -> None:
        self.stop()

    def get_connection_url(self, *_: Any, **__: Any) -> str:
        """The URL with the driver."""
        scheme, rest = os.environ[VARIABLE].split("://", 1)
        return f"{scheme}+{self._driver}://{rest}" if self._driver else f"{scheme}://{rest}"


def _replace() -> None:
    for name in _MODULES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        module.PostgresContainer = Server  # type: ignore[attr-defined]


_replace()  # here, since hooks are called when the first conftest.py has been imported
