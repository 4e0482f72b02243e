"""Two tables in opposite orders."""

from __future__ import annotations

from typing import Any

from tests.interleaving import Until
from tests.proofs.scenario import DEADLOCKS, NOWHERE, SERVERS, Scenario, on


def rows(module: Any) -> list[Any]:
    return [module.Run(id=7), module.Job(id=1, run_id=7)]


SCENARIOS = (
    Scenario(
        code="LCK205",
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
        notes={"mariadb": "`of=` is left out without a word", "sqlite": "no row locks"},
    ),
    Scenario(
        code="LCK205",
        function="close",
        example=2,
        cure="good",
        hazard=DEADLOCKS,
        rows=rows,
        acts={
            "close": lambda module, session: module.close(session, 7, 1),
            "upgrade": lambda module, session: module.upgrade(session, 7, 2),
        },
        script=(Until("close", "UPDATE run"), Until("upgrade", "UPDATE job")),
        before=on("postgresql"),
        after=NOWHERE,
        notes={
            "mariadb": "`of=` is left out: the run is locked along with the job, in one statement",
            "sqlite": "no row locks",
        },
    ),
)
