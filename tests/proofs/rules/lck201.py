"""A bulk write in the order of the plan, against the order of the key."""

from __future__ import annotations

from tests.interleaving import Until
from tests.proofs.scenario import DEADLOCKS, GATE, SERVERS, Scenario, gate, on

SCENARIOS = (
    Scenario(
        code="LCK201",
        function="upgrade",
        hazard=DEADLOCKS,
        rows=lambda module: [
            *(module.Job(id=key, run_id=7, state="running" if key == 1 else "queued") for key in (3, 2, 1)),
            *(module.Job(id=key, run_id=7, state="done") for key in range(11, 31)),
        ],
        acts={
            GATE: gate("Job", 2),
            "upgrade": lambda module, session: module.upgrade(session, 7, 2),
            "finish": lambda module, session: module.finish(session, 7),
        },
        script=(Until(GATE, "COMMIT"), Until("upgrade"), Until("finish")),
        before=SERVERS,
        after=on("mariadb"),
        tables={"mariadb": ("CREATE OR REPLACE INDEX ix_job_run_id ON job (state)",)},
        notes={
            "mariadb": "an index on `state`: InnoDB locks in its order, and sorts afterwards",
            "sqlite": "no row locks",
        },
    ),
    Scenario(
        code="LCK201",
        function="drain",
        example=2,
        hazard=DEADLOCKS,
        rows=lambda module: (
            [module.Lease(id=key, worker="w", pool="p", renewed=9 - key) for key in (3, 2, 1)]
            + [module.Lease(id=key, worker="v", pool="o") for key in range(11, 31)]
        ),
        acts={
            GATE: gate("Lease", 2),
            "drain": lambda module, session: module.drain(session, "p"),
            "renew": lambda module, session: module.renew(session, "w"),
        },
        script=(Until(GATE, "COMMIT"), Until("drain"), Until("renew")),
        before=SERVERS,
        after=on("mariadb"),
        own=on("mariadb"),
        tables={"mariadb": ("CREATE OR REPLACE INDEX ix_lease_pool ON lease (pool, renewed)",)},
        notes={
            "mariadb": "an index on `(pool, renewed)`: InnoDB locks in its order, also for `id IN (..)`",
            "sqlite": "no row locks",
        },
    ),
)
