"""What a session of an experiment sends: SQL with the place that it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from lockcheck.plans import Target


@dataclass(frozen=True, slots=True)
class Operation:
    """One statement. `number` is that of the act it belongs to. `instead` is sent where the operation before has found
    a row. `bulk` tells that it may stop half-way between rows, `skips` that the transaction has nothing to do where it
    gets no row, since others hold them, `pauses` that it stands for what the transaction does besides."""

    number: int
    sql: sa.Executable
    bulk: bool = False
    instead: sa.Executable | None = None
    skips: bool = False
    pauses: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One act as the transcript shows it: `does` in words, `notes` what stands for what, `order` that of its rows where
    each has a statement of its own. `looks` tells that it only asks for its row, `made_up` that the code has it not."""

    site: Target
    function: str
    calls: tuple[Target, ...]
    table: str
    does: str
    order: tuple[int, ...]
    notes: tuple[str, ...]
    looks: bool = False
    made_up: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """One transaction."""

    entry: str
    lines: tuple[Line, ...]
    operations: tuple[Operation, ...]

    def of(self, number: int) -> tuple[Operation, ...]:
        """The operations of an act."""
        return tuple(operation for operation in self.operations if operation.number == number)


def text_of(statement: Any) -> str:
    """A statement as one line of SQL, values included."""
    compiled = statement.compile(
        dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its dialects untyped
        compile_kwargs={"literal_binds": True},
    )
    return " ".join(str(compiled).replace("%%", "%").split())
