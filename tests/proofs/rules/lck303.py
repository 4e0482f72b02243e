"""Upserts of several rows in two orders."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.interleaving import Until
from tests.proofs.scenario import DEADLOCKS, GATE, NOWHERE, SERVERS, Act, Notes, Scenario

MARIADB = (
    ("sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.mysql"),
    (
        '.on_conflict_do_update(index_elements=[Stock.product_id], set_={"amount": amount})',
        ".on_duplicate_key_update(amount=amount)",
    ),
    (
        """on_conflict_do_update(
            index_elements=[Stock.product_id], set_={"amount": statement.excluded.amount}
        )""",
        "on_duplicate_key_update(amount=statement.inserted.amount)",
    ),
)
NOTES: Notes = {"mariadb": "with ON DUPLICATE KEY UPDATE", "sqlite": "no row locks"}


def call(name: str, *keys: int) -> Act:
    return lambda module, session: getattr(module, name)(session, dict.fromkeys(keys, 4))


def hold(module: Any, session: Session) -> None:
    """Hold product 2, so that the others have one row each by the time they come to it."""
    session.execute(sa.select(module.Stock).where(module.Stock.product_id == 2).with_for_update())


SCENARIOS = (
    Scenario(
        code="LCK303",
        function="count",
        hazard=DEADLOCKS,
        rows=lambda _: [],
        acts={"down": call("count", 2, 1), "up": call("count", 1, 2)},
        script=(Until("down", "^INSERT", 2), Until("up", "^INSERT", 2)),
        before=SERVERS,
        after=NOWHERE,
        adapted={"mariadb": MARIADB},
        notes=NOTES,
    ),
    Scenario(
        code="LCK303",
        function="replace",
        hazard=DEADLOCKS,
        rows=lambda module: [module.Stock(product_id=key, amount=1) for key in (1, 2, 3)],
        acts={GATE: hold, "down": call("replace", 3, 2, 1), "up": call("replace", 1, 2, 3)},
        script=(Until(GATE, "COMMIT"), Until("down"), Until("up")),
        before=SERVERS,
        after=NOWHERE,
        adapted={"mariadb": MARIADB},
        notes=NOTES,
    ),
)
