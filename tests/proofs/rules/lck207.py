"""A shared lock that becomes a stronger one."""

from __future__ import annotations

from typing import Any

from tests.interleaving import Until
from tests.proofs.scenario import DEADLOCKS, NOWHERE, SERVERS, Act, Scenario, on


def rows(module: Any) -> list[Any]:
    return [module.Account(id=5, balance=100)]


def call(name: str) -> Act:
    return lambda module, session: getattr(module, name)(session, 5, 1)


SCENARIOS = (
    Scenario(
        code="LCK207",
        function="book",
        hazard=DEADLOCKS,
        rows=rows,
        acts={"one": call("book"), "other": call("book")},
        script=(Until("one", "^SELECT"), Until("other", "^SELECT")),
        before=SERVERS,
        after=on("mariadb"),
        notes={"mariadb": "`key_share=True` is rendered as FOR UPDATE", "sqlite": "no row locks"},
    ),
    Scenario(
        code="LCK207",
        function="withdraw",
        hazard=DEADLOCKS,
        rows=rows,
        acts={"one": call("withdraw"), "other": call("withdraw")},
        script=(Until("one", "^UPDATE"), Until("other", "^UPDATE")),
        before=SERVERS,
        after=NOWHERE,
        notes={"sqlite": "no row locks"},
    ),
)
