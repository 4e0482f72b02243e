"""Two sessions delete one key and insert it again."""

from __future__ import annotations

from tests.errors import DEADLOCK, DUPLICATE
from tests.interleaving import Until
from tests.proofs.scenario import NOWHERE, SERVERS, Act, Evidence, Hazard, Scenario


def put(value: str) -> Act:
    return lambda module, session: module.put(session, "x", value)


def failed(seen: Evidence) -> bool:
    """PostgreSQL finds the key, MariaDB a deadlock of two gaps."""
    return bool({DUPLICATE, DEADLOCK} & set(seen.outcome.failed.values()))


MARIADB = (
    ("sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.mysql"),
    (
        """.on_conflict_do_update(
            index_elements=[Option.key],
            set_={"value": value},
        )""",
        ".on_duplicate_key_update(value=value)",
    ),
)

SCENARIOS = (
    Scenario(
        code="LCK304",
        function="put",
        cure="good",
        hazard=Hazard("one of the two fails", failed),
        rows=lambda _: [],
        acts={"one": put("a"), "other": put("b")},
        script=(Until("one", "^INSERT"), Until("other", "^INSERT")),
        before=SERVERS,
        after=NOWHERE,
        alone=(put("a"),),
        adapted={"mariadb": MARIADB},
        notes={
            "postgresql": "IntegrityError",
            "mariadb": "deadlock of two gap locks; the good example with ON DUPLICATE KEY UPDATE",
            "sqlite": "the second DELETE waits for the first transaction's end, and then finds its row",
        },
    ),
)
