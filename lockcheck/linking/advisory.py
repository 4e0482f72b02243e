"""Locks that are not on rows of a mapped table: advisory locks, and statements of plain SQL that lock."""

from __future__ import annotations

from lockcheck.linking.events import Detail, Execute, SessionCall
from lockcheck.linking.values import Expression

ADVISORY = ("advisory", "get_lock")
GATE = "advisory lock"
"""How such a lock stands among the tables whose rows two transactions lock first."""
WHOLE = ("begin immediate", "begin exclusive", "lock table", "for update")


def is_advisory(detail: Detail) -> bool:
    """Whether a statement takes a lock of its own kind, or one of the whole database or table."""
    if isinstance(detail, SessionCall):
        return any(word in detail.text.lower() for word in (*ADVISORY, *WHOLE))
    entities = detail.statement.entities if isinstance(detail, Execute) else ()
    return any(isinstance(e, Expression) and any(word in e.call for word in ADVISORY) for e in entities)
