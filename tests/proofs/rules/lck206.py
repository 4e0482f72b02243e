"""A lock on a parent, and children that others insert."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from tests.interleaving import Until
from tests.proofs.scenario import DEADLOCKS, SERVERS, Evidence, Hazard, Notes, Scenario, on


def rows(module: Any) -> list[Any]:
    return [module.Job(id=key, name=str(key)) for key in (1, 2)]


def retry_both(module: Any, session: Session) -> None:
    for key in (1, 2):
        module.retry(session, key)
        session.flush()


def record_both(module: Any, session: Session) -> None:
    for key in (2, 1):
        module.record(session, key, 100)
        session.flush()


def overlooked(seen: Evidence) -> bool:
    """No job was claimed."""
    return seen.outcome.values["claim"] is False


NOTES: Notes = {"mariadb": "`key_share=True` is rendered as FOR UPDATE", "sqlite": "no row locks"}

SCENARIOS = (
    Scenario(
        code="LCK206",
        function="retry",
        hazard=DEADLOCKS,
        rows=rows,
        acts={"retry": retry_both, "record": record_both},
        script=(Until("retry", "^SELECT", 2), Until("record", "^INSERT", 2)),
        before=SERVERS,
        after=on("mariadb"),
        notes=NOTES,
    ),
    Scenario(
        code="LCK206",
        function="claim",
        hazard=Hazard("a free job is overlooked", overlooked),
        rows=lambda module: rows(module)[:1],
        acts={
            "record": lambda module, session: module.record(session, 1, 100),
            "claim": lambda module, session: module.claim(session) is not None,
        },
        script=(Until("record", "COMMIT"), Until("claim")),
        before=SERVERS,
        after=on("mariadb"),
        notes=NOTES,
    ),
)
