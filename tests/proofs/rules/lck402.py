"""A helper hides a database error from its caller, who goes on."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.proofs import victims
from tests.proofs.scenario import SERVERS, Scenario


def idle(module: Any, session: Session) -> int:
    """The caller, who has written worker 1."""
    session.execute(sa.update(module.Worker).where(module.Worker.id == 1).values(seen=5))
    return len(module.idle(session, 2, 9))


def other(module: Any, session: Session) -> None:
    victims.crosses(session, module.Worker, {"seen": 3})


SCENARIOS = (
    Scenario(
        code="LCK402",
        function="heartbeat",
        hazard=victims.untold("idle", "worker", "seen", 5),
        rows=lambda module: [module.Worker(id=key, seen=1) for key in (1, 2)],
        acts={"idle": idle, "other": other},
        script=victims.script("idle", "worker"),
        before=SERVERS,
        alone=(idle,),
        notes=victims.NOTES,
    ),
)
