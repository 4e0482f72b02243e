"""What a scenario is: rows, what each session does with them, where they meet, and what must not come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.errors import DEADLOCK
from tests.interleaving import Outcome, Until

Database = Literal["postgresql", "mariadb", "sqlite"]
TITLES: Mapping[Database, str] = {"postgresql": "PostgreSQL", "mariadb": "MariaDB", "sqlite": "SQLite"}

Notes = Mapping[Database, str]
"""Why, by database."""

Row = Mapping[str, Any]
Act = Callable[[Any, Session], object]
"""What one session does: the module of an example, and the session."""


class Evidence(NamedTuple):
    """A play that is over: what became of it, the rows by table in the order of their keys, the text of the example."""

    outcome: Outcome
    rows: Mapping[str, Sequence[Row]]
    source: str

    def column(self, table: str, name: str) -> list[Any]:
        """The values of a column, by primary key."""
        return [row[name] for row in self.rows[table]]


class Hazard(NamedTuple):
    """What goes wrong, in a few words, and whether it did."""

    label: str
    shown: Callable[[Evidence], bool]


DEADLOCKS = Hazard("deadlock", lambda seen: DEADLOCK in (name for _, name in seen.outcome.errors))

SERVERS: frozenset[Database] = frozenset(("postgresql", "mariadb"))
EVERYWHERE: frozenset[Database] = frozenset(TITLES)
NOWHERE: frozenset[Database] = frozenset()


def on(*names: Database) -> frozenset[Database]:
    """These databases."""
    return frozenset(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """How one function of a `bad` example shows its hazard, and how the example after it does not.

    code, function, example: the rule, the function that is reported, and which of the page's `bad` examples has it.
    rows: what is stored before, in this order. acts: the sessions, by name. script: who moves, and how far.
    before: where the bad example shows the hazard. after: where the `cure` beside it does so still. own: where the
    fix does so that lockcheck writes for this database alone. notes: why, by database.
    alone: acts that run one after another and leave the same rows in both examples; unless given, all but the gate.
    alone_rows: the rows that they find. alone_on: where they can run.
    cure: the kind of example that has no hazard. shown_on: where it runs as it stands. adapted: words that are put in
    the place of others for a database.
    prepare: what is to be done with an example's module. tables: statements for a database after its tables were made.
    impatient: locks are waited for shortly. setting: what sets it apart from another scenario of the function.
    """

    code: str
    function: str
    hazard: Hazard
    rows: Callable[[Any], Sequence[Any]]
    acts: Mapping[str, Act]
    script: tuple[Until, ...] = ()
    example: int = 1
    before: frozenset[Database] = EVERYWHERE
    after: frozenset[Database] = NOWHERE
    own: frozenset[Database] = NOWHERE
    notes: Notes = field(default_factory=dict)
    alone: tuple[Act, ...] | None = None
    alone_rows: Callable[[Any], Sequence[Any]] | None = None
    alone_on: frozenset[Database] = EVERYWHERE
    cure: Literal["fixed", "good"] = "fixed"
    shown_on: frozenset[Database] = EVERYWHERE
    adapted: Mapping[Database, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    prepare: Callable[[Any, sa.Engine], None] | None = None
    tables: Mapping[Database, tuple[str, ...]] = field(default_factory=dict)
    impatient: bool = False
    setting: str = ""

    @property
    def name(self) -> str:
        """`LCK201-1-upgrade`, unique."""
        return f"{self.reported}-{self.setting}".rstrip("-").replace(" ", "-")

    @property
    def reported(self) -> str:
        """What is reported: rule, example and function."""
        return f"{self.code}-{self.example}-{self.function}"


GATE = "gate"


def gate(model: str, key: int) -> Act:
    """A session that holds one row locked while others come up to it; it stops ahead of its COMMIT."""

    def hold(module: Any, session: Session) -> None:
        chosen = getattr(module, model)
        session.execute(sa.select(chosen.id).where(chosen.id == key).with_for_update())

    return hold


def survives(session: Session) -> None:
    """Let another transaction be the one that a deadlock ends. PostgreSQL ends the first that looks for it, MariaDB the
    one that has written less."""
    dialect = session.get_bind().dialect.name
    if dialect == "postgresql":
        session.execute(sa.text("SET LOCAL deadlock_timeout = '20s'"))
    elif dialect in ("mysql", "mariadb"):
        session.execute(sa.text("INSERT INTO ballast (weight) VALUES (1), (2), (3), (4), (5), (6), (7), (8)"))
