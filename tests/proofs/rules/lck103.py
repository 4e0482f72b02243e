"""A state is tested without a lock, and written when it is another one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from tests.interleaving import Until
from tests.proofs.scenario import Act, Evidence, Hazard, Notes, Scenario, on


def lost(seen: Evidence) -> bool:
    """The run was finished, and is cancelled nevertheless."""
    return seen.column("run", "state") == ["cancelled"]


def claim(day: int) -> Act:
    """Claim what is free; how many runs that were."""

    def act(module: Any, session: Session) -> int:
        module.claim(session, datetime(2026, 1, day))  # noqa: DTZ001  the column has no zone
        return len(session.dirty)

    return act


NOTES: Notes = {"sqlite": "no row locks"}

SCENARIOS = (
    Scenario(
        code="LCK103",
        function="cancel",
        hazard=Hazard("the other session's state is overwritten", lost),
        rows=lambda module: [module.Run(id=1, state="running")],
        acts={
            "cancel": lambda module, session: module.cancel(session, 1),
            "finish": lambda module, session: module.finish(session, 1),
        },
        script=(Until("cancel", "^UPDATE"), Until("finish")),
        after=on("sqlite"),
        notes=NOTES,
    ),
    Scenario(
        code="LCK103",
        function="claim",
        hazard=Hazard("one run is claimed twice", lambda seen: list(seen.outcome.values.values()) == [1, 1]),
        rows=lambda module: [module.Run(id=1, state="queued", claimed_at=None)],
        acts={"first": claim(1), "second": claim(2)},
        script=(Until("first", "^UPDATE"), Until("second", "^UPDATE")),
        after=on("sqlite"),
        notes=NOTES,
    ),
)
