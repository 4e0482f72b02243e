"""A lock that is given up, or that another session of the same code waits for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.errors import TIMEOUT
from tests.interleaving import Until
from tests.proofs.scenario import SERVERS, Evidence, Hazard, Scenario, on


def bind(module: Any, engine: sa.Engine) -> None:
    module.Sessions.configure(bind=engine)


def settle(module: Any, session: Session) -> None:
    module.settle(session, 7)


def finish(module: Any, session: Session) -> None:
    module.finish(session, 1)


def cancel(module: Any, session: Session) -> bool:
    """Cancel the job, unless it is done; whether it was."""
    job = session.get_one(module.Job, 1, with_for_update=True)
    if job.state == "done":
        return False
    job.state = "cancelled"
    return True


def lost(seen: Evidence) -> bool:
    return seen.outcome.values["cancel"] is True and seen.column("job", "state") == ["done"]


SCENARIOS = (
    Scenario(
        code="LCK404",
        function="settle",
        hazard=Hazard(
            "the second session waits for the first until the lock times out",
            lambda seen: TIMEOUT in seen.outcome.failed.values(),
        ),
        rows=lambda module: [module.Job(id=1, run_id=7, state="running")],
        acts={"settle": settle},
        before=SERVERS,
        prepare=bind,
        impatient=True,
        alone_on=on("sqlite"),
        notes={"sqlite": "no row locks: two transactions all the same"},
    ),
    Scenario(
        code="LCK404",
        function="finish",
        example=2,
        cure="good",
        hazard=Hazard("the other session's state is overwritten", lost),
        rows=lambda module: [module.Job(id=1, run_id=7, state="running")],
        acts={"finish": finish, "cancel": cancel},
        script=(Until("finish", "^UPDATE"), Until("cancel")),
        after=on("sqlite"),
        alone=(finish,),
        notes={"sqlite": "no row locks"},
    ),
)
