"""A handler hides a database error, and the same function goes on with the session."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from tests.interleaving import Until
from tests.proofs import victims
from tests.proofs.scenario import SERVERS, Evidence, Hazard, Scenario


def assign(module: Any, session: Session) -> None:
    module.reassign(session, 1, 2, "mine")


def other(module: Any, session: Session) -> None:
    victims.crosses(session, module.Job, {"worker": "other"})


def ensure(module: Any, session: Session) -> str:
    return str(module.ensure(session, "x").name)


def unusable(seen: Evidence) -> bool:
    return "PendingRollbackError" in seen.outcome.failed.values()


SCENARIOS = (
    Scenario(
        code="LCK401",
        function="assign",
        hazard=victims.untold("assign", "job", "worker", None),
        rows=lambda module: [module.Job(id=1, worker="mine"), module.Job(id=2)],
        acts={"assign": assign, "other": other},
        script=victims.script("assign", "job"),
        before=SERVERS,
        alone=(assign,),
        notes=victims.NOTES,
    ),
    Scenario(
        code="LCK401",
        function="ensure",
        example=2,
        hazard=Hazard("the session cannot be used (PendingRollbackError)", unusable),
        rows=lambda _: [],
        acts={"one": ensure, "other": ensure},
        script=(Until("one", "COMMIT"), Until("other")),
        alone=(ensure,),
    ),
)
