"""A helper hides a database error from its caller, who goes on."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from tests.proofs import victims
from tests.proofs.scenario import SERVERS, Scenario


def relieve(module: Any, session: Session) -> int:
    return len(module.relieve(session, 1, 2, 9))


def other(module: Any, session: Session) -> None:
    victims.crosses(session, module.Worker, {"seen": 3})


SCENARIOS = (
    Scenario(
        code="LCK402",
        function="heartbeat",
        hazard=victims.untold("relieve", "worker", "seen", 0),
        rows=lambda module: [module.Worker(id=key, seen=1) for key in (1, 2)],
        acts={"relieve": relieve, "other": other},
        script=victims.script("relieve", "worker"),
        before=SERVERS,
        alone=(relieve,),
        notes=victims.NOTES,
    ),
)
