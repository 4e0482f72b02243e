"""A state is written that was another one when the writer decided."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from tests.interleaving import Until
from tests.proofs.scenario import Act, Evidence, Hazard, Scenario


def decided(name: str) -> Act:
    """Look at the job, find it queued, and only then call one of the page's functions."""

    def act(module: Any, session: Session) -> bool:
        assert session.get_one(module.Job, 1).state == "queued"
        return bool(getattr(module, name)(session, 1))

    return act


def both(seen: Evidence) -> bool:
    """Both were told that the job is theirs."""
    return list(seen.outcome.values.values()) == [True, True]


def scenario(late: str, early: str) -> Scenario:
    """`late` writes what it decided on before `early` was done."""
    return Scenario(
        code="LCK101",
        function=late,
        hazard=Hazard("the other session's state is overwritten", both),
        rows=lambda module: [module.Job(id=key, state="queued") for key in (1, 2)],
        acts={"late": decided(late), "early": lambda module, session: getattr(module, early)(session, 1)},
        script=(Until("late", "^UPDATE"), Until("early")),
        alone=(
            lambda module, session: getattr(module, late)(session, 1),
            lambda module, session: getattr(module, early)(session, 2),
        ),
    )


SCENARIOS = (scenario("skip", "start"), scenario("start", "skip"))
