"""What was tested before a column is set: in the WHERE that chose the row, or in Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lockcheck.checks._rows import ReadRow
from lockcheck.declarations.model import Column, MappedClass
from lockcheck.linking import clauses
from lockcheck.linking.constants import members
from lockcheck.linking.derived import looks_at
from lockcheck.linking.events import Decision, Test, Write
from lockcheck.linking.kinds import after, before
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import Abstract, AttributeOf, Clause, Condition, Instance, Known, Opaque, each
from lockcheck.plans import Target

TIMES = ("date", "time")

Kind = Literal["state", "time", "flag", "reference"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """`at` is the step of the test or SELECT, `site` the comparison where there is one, `selects` whether the WHERE
    tested it."""

    at: Step
    site: Target | None
    selects: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """A column of a row that is set by attribute, in a run."""

    trace: Trace
    step: Step
    write: Write
    mapped: MappedClass
    column: Column
    read: ReadRow


def evidence(project: Project, setting: Setting) -> Evidence | None:
    """The test that the write rests on."""
    kind = _kind(project, setting)
    return (_selected(setting, kind) or _decided(project, setting, kind)) if kind is not None else None


def _kind(project: Project, setting: Setting) -> Kind | None:
    """Whether a column tells the row's state, or marks it as taken or done: by a time, a reference or a flag where
    nothing was."""
    column, value = setting.column, setting.write.value
    if _copies(setting):
        return None
    if project.states.is_state(setting.mapped, column):
        return "state"
    kind = (column.type or column.python_type).lower()
    if kind.startswith("bool"):
        return "flag" if isinstance(value, Known) and value.value is True else None
    if column.nullable is False or isinstance(value, Known):
        return None
    if any(part in kind for part in TIMES):
        return "time"
    return "reference" if any(column.attribute in key.columns for key in setting.mapped.foreign_keys) else None


def _copies(setting: Setting) -> bool:
    """Whether the value is that column of another row: the object is brought up to date."""
    value = setting.write.value
    return isinstance(value, AttributeOf) and setting.mapped.column(value.name) == setting.column


# --- in SQL -------------------------------------------------------------------------------------------------


def _selected(setting: Setting, kind: Kind) -> Evidence | None:
    statement, model = setting.read.execute.statement, setting.write.instance.model
    if setting.read.through:
        return None
    if kind != "state" and clauses.pinned(statement.where, model).keys() - {setting.column.attribute}:
        return None  # the rows of somebody, not whatever is waiting
    for clause in clauses.conjuncts(statement.where):
        tested = _tested(clause, setting)
        if tested and all(_says_more(one, setting) if kind == "state" else _is_unset(one) for one in tested):
            return Evidence(setting.read.step, tested[0].site, selects=True)
    return None


def _tested(clause: Clause, setting: Setting) -> list[Condition]:
    """The conditions of a conjunct that is about the column alone."""
    found = list(clauses.conditions((clause,)))
    names = {(column.model, column.attribute) for condition in found for column in condition.columns}
    return found if names == {(setting.write.instance.model, setting.column.attribute)} else []


def _says_more(condition: Condition, setting: Setting) -> bool:
    """Whether a condition says more than that the row has, or has not, the state that is written."""
    return not _is_value(condition.operand, setting.write.value)


def _is_unset(condition: Condition) -> bool:
    """Whether a condition holds for rows that are not marked yet: NULL or false."""
    value = condition.operand.value if isinstance(condition.operand, Known) else None
    if condition.operator == "is null":
        return True
    return (condition.operator == "==" and value is False) or (condition.operator == "!=" and value is True)


# --- in Python ----------------------------------------------------------------------------------------------


def _decided(project: Project, setting: Setting, kind: Kind) -> Evidence | None:
    trace, step = setting.trace, setting.step
    for at, decision in reversed(before(after(trace.of(Decision), setting.read.step), step)):
        how = trace.decided_by(at, step)
        if how is None or not _decides(how, kind):
            continue
        for test in tests_of(trace, at, decision):
            if not _looks_at(project, setting, test) or _own_state(setting, at):
                continue
            if how == "raised" or not _spares_write(setting, at, test, left=how == "left"):
                return Evidence(at, test.site, selects=False)
    return None


def _decides(how: str, kind: Kind) -> bool:
    """Whether a test that leads to a write is a refusal, or a choice of the next state. A time, flag or reference that
    is only set where there is none is filled in."""
    if kind == "state":
        return True
    return how == "raised" or (how == "left" and kind == "time")


def tests_of(trace: Trace, at: Step, decision: Decision) -> Iterator[Test]:
    """What a decision looks at, in the functions too that it calls."""
    yield from decision.tests
    inner = {(*at.calls, site) for site in decision.calls}
    for other, test in before(trace.of(Test), at) if inner else ():
        if other.calls[: len(at.calls) + 1] in inner:
            yield test


def _looks_at(project: Project, setting: Setting, test: Test) -> bool:
    """Whether a test looks at the column."""
    if not isinstance(test.subject, AttributeOf):
        return False
    for base in each(test.subject.base):
        if isinstance(base, Instance) and base.origin == setting.write.instance.origin:
            return setting.column.attribute in looks_at(project.linker, setting.mapped, test.subject.name)
    return False


def _spares_write(setting: Setting, at: Step, test: Test, *, left: bool) -> bool:
    """Whether a test only leaves out a write that would change nothing: `if row.state == state: return`."""
    return any(
        _is_value(test.operand, write.value)
        for other, write in after(setting.trace.of(Write), at)
        if write.instance.origin == setting.write.instance.origin
        and write.attribute == setting.write.attribute
        and (other is setting.step or (left and other.calls == at.calls))
    )


def _is_value(operand: Abstract, value: Abstract) -> bool:
    """Whether what a column is compared with is the value that is written, as far as can be told."""
    if isinstance(operand, (Opaque, AttributeOf)):
        return operand == value
    written = members(value)
    return written is not None and members(operand) == written


def _own_state(setting: Setting, at: Step) -> bool:
    """Whether what is tested was written by this transaction."""
    trace, write = setting.trace, setting.write
    return any(
        earlier.instance.origin == write.instance.origin
        and earlier.attribute == write.attribute
        and trace.reaches(other, at)
        and not trace.ended_between(other, at, None)
        for other, earlier in before(after(trace.of(Write), setting.read.step), at)
    )
