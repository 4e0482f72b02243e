"""One row and, through a join, the parent that the other side holds."""

from __future__ import annotations

from typing import Any

from tests.interleaving import Until
from tests.proofs.scenario import DEADLOCKS, SERVERS, Notes, Scenario, on


def rows(module: Any) -> list[Any]:
    return [module.Run(id=7), module.Job(id=1, run_id=7)]


NOTES: Notes = {"mariadb": "`of=` is left out without a word", "sqlite": "no row locks"}

SCENARIOS = (
    Scenario(
        code="LCK203",
        function="retry",
        hazard=DEADLOCKS,
        rows=rows,
        acts={
            "upgrade": lambda module, session: module.upgrade(session, 7, 2),
            "retry": lambda module, session: module.retry(session, 1),
        },
        script=(Until("upgrade", "UPDATE job"), Until("retry", "^SELECT", 2)),
        before=SERVERS,
        after=on("mariadb"),
        notes=NOTES,
    ),
    Scenario(
        code="LCK203",
        function="newest",
        hazard=DEADLOCKS,
        rows=rows,
        acts={
            "upgrade": lambda module, session: module.upgrade(session, 7, 2),
            "newest": lambda module, session: module.newest(session, 1).id,
        },
        script=(Until("upgrade", "UPDATE job"), Until("newest")),
        before=SERVERS,
        after=on("mariadb"),
        notes=NOTES,
    ),
)
