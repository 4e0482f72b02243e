"""Work that is tried again in a transaction that has failed, or that its caller still needs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.errors import DEADLOCK
from tests.interleaving import Until
from tests.proofs import victims
from tests.proofs.scenario import SERVERS, Evidence, Hazard, Notes, Scenario, survives


def prepare(module: Any, engine: sa.Engine) -> None:
    """The good example opens sessions of its own. No pause is needed ahead of the next try: nobody is in the way."""
    if hasattr(module, "Factory"):
        module.Factory.configure(bind=engine)
    if hasattr(module, "time"):
        module.time = SimpleNamespace(sleep=lambda _: None)


def replace(module: Any, session: Session) -> None:
    """Put version 2 in the place of version 1, by the page's functions."""
    if hasattr(module, "replace_safely"):
        module.replace_safely(1, "new")
    elif hasattr(module, "replace"):
        module.replace(session, 1, "new")
    else:
        session.add(module.Version(id=2, text="new"))
        session.flush()
        module.drop(session, 1)


def other(module: Any, session: Session) -> None:
    """Hold version 1, come upon version 2, and think better of it."""
    survives(session)
    session.execute(sa.select(module.Version.id).where(module.Version.id == 1).with_for_update())
    session.execute(sa.insert(module.Version).values(id=2, text="other"))
    session.rollback()


def lost(seen: Evidence) -> bool:
    """The new version is not there, and the caller did not get the deadlock that is the reason."""
    return "new" not in seen.column("version", "text") and seen.outcome.failed.get("replace") != DEADLOCK


LOST = Hazard("work is lost, and the caller is not told of the deadlock", lost)

AGAIN = "the retry rolls back the caller's row, and succeeds"
FIRST: Notes = {"postgresql": AGAIN, "mariadb": AGAIN, "sqlite": victims.NOTES["sqlite"]}
SECOND: Notes = {**victims.NOTES, "mariadb": "the deadlock has rolled back the caller's row, and the retry succeeds"}


def scenario(example: int, notes: Notes) -> Scenario:
    return Scenario(
        code="LCK405",
        function="drop",
        example=example,
        cure="good",
        hazard=LOST,
        rows=lambda module: [module.Version(id=1, text="old")],
        acts={"replace": replace, "other": other},
        script=(Until("replace", "^DELETE"), Until("other")),
        before=SERVERS,
        alone=(replace,),
        prepare=prepare,
        notes=notes,
    )


SCENARIOS = (scenario(1, FIRST), scenario(2, SECOND))
