"""Locks that nobody checks, that the database never sees, or that it refuses."""

from __future__ import annotations

import re
from typing import Any

from tests.errors import REFUSED
from tests.interleaving import Until
from tests.proofs.scenario import EVERYWHERE, NOWHERE, Act, Evidence, Hazard, Scenario, on

LOCK = re.compile("FOR (NO KEY )?UPDATE")


def rows(module: Any) -> list[Any]:
    return [module.Job(id=1, queue="slow", state="running")]


def call(name: str, *arguments: object) -> Act:
    return lambda module, session: getattr(module, name)(session, *arguments)


def unsent(name: str) -> Hazard:
    """The text of a function asks for a lock, and no statement has one."""

    def shown(seen: Evidence) -> bool:
        text = seen.source.partition(f"def {name}(")[2].partition("\n\n\n")[0]
        sent = seen.outcome.sent[name]
        assert sent
        return "with_for_update" in text and not any(LOCK.search(statement) for statement in sent)

    return Hazard("the lock is never sent", shown)


def refused(seen: Evidence) -> bool:
    return REFUSED in seen.outcome.failed.values()


SCENARIOS = (
    Scenario(
        code="LCK208",
        function="claim",
        hazard=Hazard("one job is claimed twice", lambda seen: list(seen.outcome.values.values()) == [True, True]),
        rows=lambda module: [module.Job(id=1, queue="slow", state="queued")],
        acts={"one": call("claim", 1), "other": call("claim", 1)},
        script=(Until("one", "COMMIT"), Until("other")),
        after=on("sqlite"),
        notes={"sqlite": "no row locks: both get the row"},
    ),
    Scenario(
        code="LCK208",
        function="finish",
        example=2,
        hazard=unsent("finish"),
        rows=rows,
        acts={"finish": call("finish", 1)},
        notes={},
    ),
    Scenario(
        code="LCK208",
        function="count",
        example=3,
        cure="good",
        hazard=Hazard("the statement is refused", refused),
        rows=rows,
        acts={"count": call("count", "slow")},
        before=on("postgresql"),
        after=NOWHERE,
        alone_on=on("mariadb", "sqlite"),
        notes={"mariadb": "accepted", "sqlite": "no row locks"},
    ),
    Scenario(
        code="LCK208",
        function="restart",
        example=3,
        cure="good",
        hazard=unsent("restart"),
        rows=rows,
        acts={"restart": call("restart", 1)},
        before=EVERYWHERE,
        after=on("sqlite"),
        notes={"sqlite": "no row locks"},
    ),
)
