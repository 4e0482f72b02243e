"""Many rows in two orders, both by SELECT FOR UPDATE."""

from __future__ import annotations

from tests.interleaving import Until
from tests.proofs.scenario import DEADLOCKS, GATE, SERVERS, Scenario, gate, on

SCENARIOS = (
    Scenario(
        code="LCK202",
        function="lower",
        hazard=DEADLOCKS,
        rows=lambda module: (
            [module.Job(id=key, run_id=7, queue="slow", priority=9 - key) for key in (3, 2, 1)]
            + [module.Job(id=key, run_id=8, queue="other") for key in range(11, 31)]
        ),
        acts={
            GATE: gate("Job", 2),
            "lower": lambda module, session: module.lower(session, "slow"),
            "move": lambda module, session: module.move(session, 7, "fast"),
        },
        script=(Until(GATE, "COMMIT"), Until("lower"), Until("move")),
        before=SERVERS,
        after=on("mariadb"),
        tables={"mariadb": ("CREATE OR REPLACE INDEX ix_job_queue ON job (queue, priority)",)},
        notes={
            "mariadb": "InnoDB locks in the order of the index, (queue, priority), and sorts afterwards",
            "sqlite": "no row locks",
        },
    ),
)
