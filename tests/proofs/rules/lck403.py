"""A row is committed ahead of the rows that belong to it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.interleaving import Until
from tests.proofs.scenario import Hazard, Scenario


def create(module: Any, session: Session) -> None:
    module.create(session, "nightly", ["load", "store"])


def empty(module: Any, session: Session) -> int:
    """The scheduler: how many runs have no jobs."""
    jobs = sa.select(module.Job.id).where(module.Job.run_id == module.Run.id)
    return len(session.scalars(sa.select(module.Run).where(~jobs.exists())).all())


SCENARIOS = (
    Scenario(
        code="LCK403",
        function="create",
        hazard=Hazard("the run is seen without its jobs", lambda seen: seen.outcome.values["scheduler"] == 1),
        rows=lambda _: [],
        acts={"create": create, "scheduler": empty},
        script=(Until("create", "INSERT INTO job"), Until("scheduler")),
    ),
)
