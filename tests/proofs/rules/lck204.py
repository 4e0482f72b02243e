"""Rows locked one by one, in the order of a set or a mapping."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from tests.interleaving import Until
from tests.proofs.scenario import DEADLOCKS, NOWHERE, SERVERS, Notes, Scenario

KEYS = {8, 1}
"""A set that Python walks from 8 to 1."""


def rows(module: Any) -> list[Any]:
    return [module.Job(id=key, queue="slow", priority=5) for key in (1, 8)]


def lower(module: Any, session: Session) -> None:
    assert list(KEYS) == [8, 1]
    module.lower(session, KEYS)


def upwards(module: Any, session: Session) -> None:
    module.move(session, {1: "fast", 8: "fast"})


def downwards(module: Any, session: Session) -> None:
    module.move(session, {8: "fast", 1: "fast"})


NOTES: Notes = {"sqlite": "no row locks"}

SCENARIOS = (
    Scenario(
        code="LCK204",
        function="lower",
        hazard=DEADLOCKS,
        rows=rows,
        acts={"lower": lower, "move": upwards},
        script=(Until("lower", "^UPDATE", 2), Until("move", "^SELECT", 2)),
        before=SERVERS,
        after=NOWHERE,
        notes=NOTES,
    ),
    Scenario(
        code="LCK204",
        function="move",
        hazard=DEADLOCKS,
        rows=rows,
        acts={"down": downwards, "up": upwards},
        script=(Until("down", "^SELECT", 2), Until("up", "^SELECT", 2)),
        before=SERVERS,
        after=NOWHERE,
        notes=NOTES,
    ),
)
