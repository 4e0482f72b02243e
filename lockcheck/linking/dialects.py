"""Branches on the database: `if session.get_bind().dialect.name == "postgresql": ..`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lockcheck.linking.events import Arm, Branch, Path, Test
from lockcheck.linking.kinds import before
from lockcheck.linking.values import Known

if TYPE_CHECKING:
    from lockcheck.linking.project import Policy
    from lockcheck.linking.trace import Step, Trace

DIALECTS = frozenset({"postgresql", "mysql", "mariadb", "sqlite", "mssql", "oracle"})


def serves(policy: Policy, trace: Trace, step: Step) -> bool:
    """Whether a step is taken with one of the databases that findings are for: PostgreSQL where none is named."""
    left = set(policy.dialects or ("postgresql",))
    for other, branch in before(trace.of(Branch), step):
        named = frozenset(_named(branch.test))
        if named and (taken := _taken(trace, other, branch.fork, step)) is not None:
            left = left & named if taken == (branch.test.operator != "!=") else left - named
    return bool(left)


def _named(test: Test) -> Iterator[str]:
    """The dialect that a value is compared with."""
    operand = test.operand.value if isinstance(test.operand, Known) else None
    if test.operator in ("==", "!=") and isinstance(operand, str) and operand in DIALECTS:
        yield operand


def _taken(trace: Trace, branch: Step, fork: int, step: Step) -> bool | None:
    """Whether the test held, or not, where a step happens; None where it may be either way."""
    for arm in ("body", "else"):
        path = (*branch.path, Arm("if", fork, arm))
        if step.path[: len(path)] == path:
            return arm == "body"
        if _left(trace, path, step):
            return arm == "else"
    return None


def _left(trace: Trace, path: Path, step: Step) -> bool:
    """Whether an arm surely leads past a step."""
    leaves = (leave for leave in trace.exits if leave.step.number < step.number and leave.path == path)
    return any(leave.skips(step) for leave in leaves)
