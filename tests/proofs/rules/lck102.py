"""Rows whose column is NULL are left out, and the next session works on them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.proofs.scenario import Hazard, Scenario


def start(module: Any, session: Session) -> int:
    """The scheduler: starts each job that has no state; how many."""
    jobs = session.scalars(sa.select(module.Job).where(module.Job.state.is_(None))).all()
    for job in jobs:
        job.state = "running"
    return len(jobs)


def run(module: Any, session: Session) -> int:
    """The triggerer: how many triggers it has to run."""
    return len(session.scalars(sa.select(module.Trigger)).all())


def job(state: str | None) -> Any:
    return lambda module: [module.Job(id=1, state=state)]


def unused_trigger(*used: int | None) -> Any:
    """Trigger 1 is not used, 2 is; jobs with these triggers."""
    return lambda module: [
        *(module.Trigger(id=key) for key in (1, 2)),
        *(module.Job(id=key, trigger_id=trigger) for key, trigger in enumerate(used, 1)),
    ]


STARTED = Hazard("the job without a state is left out, and is started", lambda seen: seen.outcome.values["next"] == 1)
KEPT = Hazard("nothing is deleted, and the unused trigger runs", lambda seen: seen.outcome.values["next"] == 2)

SCENARIOS = (
    Scenario(
        code="LCK102",
        function="skip",
        hazard=STARTED,
        rows=job(None),
        acts={"skip": lambda module, session: module.skip(session, 1), "next": start},
        alone_rows=job("queued"),
    ),
    Scenario(
        code="LCK102",
        function="stop",
        hazard=STARTED,
        rows=job(None),
        acts={"stop": lambda module, session: module.stop(session, 1), "next": start},
        alone_rows=job("queued"),
    ),
    Scenario(
        code="LCK102",
        function="clean",
        hazard=KEPT,
        rows=unused_trigger(2, None),
        acts={"clean": lambda module, session: module.clean(session), "next": run},
        alone_rows=unused_trigger(2),
    ),
)
