"""Two sessions look for a row and find none."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from tests.errors import DUPLICATE
from tests.interleaving import Until
from tests.proofs.scenario import Hazard, Scenario, on


def get_or_create(module: Any, session: Session) -> int:
    tag = module.get_or_create(session, "x")
    session.flush()
    return int(tag.id)


def start_export(module: Any, session: Session) -> bool:
    try:
        module.start_export(session, 1)
    except module.ExportRunningError:
        return False
    return True


SCENARIOS = (
    Scenario(
        code="LCK302",
        function="get_or_create",
        hazard=Hazard("IntegrityError", lambda seen: DUPLICATE in seen.outcome.failed.values()),
        rows=lambda _: [],
        acts={"one": get_or_create, "other": get_or_create},
        script=(Until("one", "^INSERT"), Until("other", "^INSERT")),
    ),
    Scenario(
        code="LCK302",
        function="start_export",
        example=2,
        cure="good",
        hazard=Hazard("two rows", lambda seen: len(seen.rows["export"]) == 2),
        rows=lambda module: [module.Project(id=1)],
        acts={"one": start_export, "other": start_export},
        script=(Until("one", "^INSERT"), Until("other", "^INSERT")),
        after=on("sqlite"),
        notes={"sqlite": "no row locks: the project's row is not locked"},
    ),
)
