"""A helper commits one half of its caller's work."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.interleaving import Until
from tests.proofs.scenario import Hazard, Scenario


def move(module: Any, session: Session) -> None:
    module.move(session, 1, 2)


def total(module: Any, session: Session) -> int:
    return int(session.scalar(sa.select(sa.func.sum(module.Job.slots))) or 0)


SCENARIOS = (
    Scenario(
        code="LCK406",
        function="record",
        hazard=Hazard("another session sees one half of the work", lambda seen: seen.outcome.values["total"] == 9),
        rows=lambda module: [module.Job(id=key, slots=5) for key in (1, 2)],
        acts={"move": move, "total": total},
        script=(Until("move", "^SELECT", 2), Until("total")),
    ),
)
