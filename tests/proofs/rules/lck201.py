"""A bulk write in the order of the plan, against the order of the key."""

from __future__ import annotations

from typing import Any

from tests.interleaving import Until
from tests.proofs.scenario import DEADLOCKS, GATE, NOWHERE, SERVERS, TITLES, Database, Notes, Scenario, gate, on

UNLOCKED = "no row locks"
INDEX = "CREATE INDEX ix_job_run_state ON job (run_id, state)"
WIDE = "CREATE INDEX ix_job_run_state_revision ON job (run_id, state, revision)"


def rows(module: Any) -> list[Any]:
    """Three jobs, stored backwards, of which the first comes last by its state; and others, so that an index pays."""
    live = [module.Job(id=key, run_id=7, state="running" if key == 1 else "queued") for key in (3, 2, 1)]
    return live + [module.Job(id=key, run_id=7, state="done") for key in range(11, 31)]


def leases(module: Any) -> list[Any]:
    """Three leases, stored backwards; and others, so that an index pays."""
    wanted = [module.Lease(id=key, worker="w", pool="p") for key in (3, 2, 1)]
    return wanted + [module.Lease(id=key, worker="v", pool="o") for key in range(11, 31)]


def upgrade(
    setting: str,
    tables: dict[Database, tuple[str, ...]],
    why: str,
    before: frozenset[Database] = SERVERS,
    after: frozenset[Database] = on("mariadb"),
    own: frozenset[Database] = NOWHERE,
) -> Scenario:
    notes: Notes = {"mariadb": why, "sqlite": UNLOCKED}
    return Scenario(
        code="LCK201",
        function="upgrade",
        setting=setting,
        hazard=DEADLOCKS,
        rows=rows,
        acts={
            GATE: gate("Job", 2),
            "upgrade": lambda module, session: module.upgrade(session, 7, 2),
            "finish": lambda module, session: module.finish(session, 7),
        },
        script=(Until(GATE, "COMMIT"), Until("upgrade"), Until("finish")),
        before=before,
        after=after,
        own=own,
        tables=tables,
        notes=notes,
    )


SCENARIOS = (
    upgrade(
        "",
        {"mariadb": ("CREATE OR REPLACE INDEX ix_job_run_id ON job (state)",)},
        "an index on `state` in the place of the other: InnoDB locks in its order, and sorts afterwards",
    ),
    upgrade(
        "with an index on run_id and state",
        dict.fromkeys(TITLES, (INDEX,)),
        "InnoDB locks in the order of the index, and sorts afterwards; rows that are asked for by `id IN (..)` alone, "
        "in the order of `id`, it finds by the primary key",
    ),
    upgrade(
        "with an index on run_id, state and revision",
        dict.fromkeys(TITLES, (WIDE,)),
        "the UPDATE moves entries of the index, and the other session locks the entry of a row ahead of the row; no "
        "order of the rows helps",
        before=on("postgresql"),
        after=NOWHERE,
        own=on("mariadb"),
    ),
    Scenario(
        code="LCK201",
        function="drain",
        example=2,
        hazard=DEADLOCKS,
        rows=leases,
        acts={
            GATE: gate("Lease", 2),
            "drain": lambda module, session: module.drain(session, "p"),
            "renew": lambda module, session: module.renew(session, "w"),
        },
        script=(Until(GATE, "COMMIT"), Until("drain"), Until("renew")),
        before=on("postgresql"),
        after=on("mariadb"),
        notes={
            "mariadb": "the bare DELETE takes row and index entries one after the other; the subselect locks all rows "
            "first, the DELETE then the entries of the index on `worker`, which the other session locks ahead of its "
            "rows",
            "sqlite": UNLOCKED,
        },
    ),
)
