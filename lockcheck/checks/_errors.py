"""Which handlers catch which database errors."""

from __future__ import annotations

from lockcheck.linking.errors import BROAD, DATABASE, EVERY_DATABASE_ERROR, INTEGRITY, RETRYABLE, database_errors
from lockcheck.linking.events import EnterHandler

__all__ = ["BROAD", "DATABASE", "EVERY_DATABASE_ERROR", "INTEGRITY", "RETRYABLE", "caught_names"]


def caught_names(handler: EnterHandler) -> tuple[str, ...]:
    """The names of the exceptions a handler catches, as far as they can stand for a database error; a bare `except:`
    counts as BaseException."""
    return database_errors(handler.types) if handler.types else ("BaseException",)
