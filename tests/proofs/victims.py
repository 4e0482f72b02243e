"""Two sessions that cross, of which a certain one is ended by the database: it holds row 1 and wants row 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.errors import DEADLOCK
from tests.interleaving import Until
from tests.proofs.scenario import Evidence, Hazard, Notes, survives

NOTES: Notes = {
    "postgresql": "every statement after the deadlock is refused, with another error",
    "mariadb": "what was written before the deadlock is gone, what comes after it is committed",
    "sqlite": "no row locks: the second writer waits for the end of the first",
}


def crosses(session: Session, model: Any, values: Mapping[str, object]) -> None:
    """The other session, which the database lets live."""
    survives(session)
    for key in (2, 1):
        session.execute(sa.update(model).where(model.id == key).values(**values))
    session.rollback()


def script(victim: str, table: str) -> tuple[Until, ...]:
    """The victim writes row 1, the other one row 2, and waits for row 1; then the victim wants row 2."""
    wants = rf"^UPDATE {table}\b"
    return (Until(victim, wants, 2), Until("other"))


def untold(victim: str, table: str, column: str, value: object) -> Hazard:
    """The victim's first write is gone, and its caller did not get the deadlock that is the reason."""

    def shown(seen: Evidence) -> bool:
        lost = seen.column(table, column)[0] != value
        return lost and seen.outcome.failed.get(victim) != DEADLOCK

    return Hazard("work is lost, and the caller is not told of the deadlock", shown)
