"""The states that a program has tested for before it writes one."""

from __future__ import annotations

from typing import NamedTuple

from lockcheck.checks._common import Occurrence
from lockcheck.declarations.model import Column
from lockcheck.linking.constants import members
from lockcheck.linking.events import Arm, Branch, Execute, Test
from lockcheck.linking.kinds import before
from lockcheck.linking.origins import operations
from lockcheck.linking.project import Project
from lockcheck.linking.rowsets import RowSet
from lockcheck.linking.states import Allowed
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import AttributeOf, Instance, Statement

NEGATED = {"==": "!=", "!=": "==", "in": "not in", "not in": "in"}


def tested_before(project: Project, occurrence: Occurrence, column: Column) -> Allowed | None:
    """The states of the row that lead to a write, by the last test of the row that was read before it."""
    trace, step = occurrence.trace, occurrence.step
    if not isinstance(step.detail, Execute):
        return None
    for other, branch in reversed(before(trace.of(Branch), step)):
        if _is_about(project, trace, branch.test, step.detail.statement, column):
            allowed = _allowed(trace, other, branch, step)
            if allowed is not None:
                return allowed
    return None


def _is_about(project: Project, trace: Trace, test: Test, statement: Statement, column: Column) -> bool:
    """Whether a test looks at the state of the row that the statement writes."""
    subject = test.subject
    if not isinstance(subject, AttributeOf) or subject.name != column.attribute:
        return False
    if not isinstance(subject.base, Instance) or test.operator not in NEGATED:
        return False
    sources = operations(subject.base.origin)
    if sources & operations(statement.where):
        return True
    reads = (execute for site in sources for _, execute in trace.executions.get(site, ()))
    return any(project.locks.same_rows(read.statement, statement) for read in reads)


def _allowed(trace: Trace, at: Step, branch: Branch, step: Step) -> Allowed | None:
    left = _left(trace, at, branch, step)
    if left is None or not all(isinstance(value, str) for value in left.values):
        return None
    return Allowed(tuple(sorted(str(value) for value in left.values)), left.forbidden)


class Left(NamedTuple):
    """The constants that a test has left for a column, or those that it has ruled out."""

    values: frozenset[object]
    forbidden: bool


def _left(trace: Trace, at: Step, branch: Branch, step: Step) -> Left | None:
    constants = members(branch.test.operand)
    arm = _arm(trace, at, branch, step)
    if arm is None or not constants:
        return None
    operator = branch.test.operator if arm == "body" else NEGATED[branch.test.operator]
    return Left(constants, forbidden=operator in ("!=", "not in"))


def tested(trace: Trace, step: Step, instance: Instance, column: Column) -> RowSet:
    """The rows that a write reaches, by the tests of its row that lead to it."""
    found: list[tuple[str, Left]] = []
    for at, branch in before(trace.of(Branch), step):
        subject = branch.test.subject
        if branch.test.operator not in NEGATED or not isinstance(subject, AttributeOf):
            continue
        if subject.name == column.attribute and isinstance(subject.base, Instance):
            left = _left(trace, at, branch, step) if subject.base.origin == instance.origin else None
            if left is not None:
                found.append((column.attribute, left))
    return RowSet(
        tuple((name, left.values) for name, left in found if not left.forbidden),
        tuple((name, left.values) for name, left in found if left.forbidden),
    )


def _arm(trace: Trace, at: Step, branch: Branch, step: Step) -> str | None:
    """The arm of the fork that a step stands in, or comes after because the other one has left."""
    depth = len(at.path)
    if len(step.path) > depth and step.path[:depth] == at.path and step.path[depth][:2] == ("if", branch.fork):
        return step.path[depth].arm
    for arm, other in (("body", "else"), ("else", "body")):
        left = (*at.path, Arm("if", branch.fork, arm))
        if any(leave.path == left for leave in trace.exits):
            return other
    return None
