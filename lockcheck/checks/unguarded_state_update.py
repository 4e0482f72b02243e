"""LCK101: an UPDATE that writes a state without looking at the state it overwrites."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._common import Occurrence, dialects, listed, one_each
from lockcheck.checks._companions import guarded_beside, seen_before
from lockcheck.checks._several_models import lack
from lockcheck.checks._subselects import asked_inside, asked_states
from lockcheck.checks._transitions import tested_before
from lockcheck.checks._writers import other_value
from lockcheck.declarations.model import Column, EnumMember, MappedClass
from lockcheck.hazards import Hazard, Remedy
from lockcheck.linking import clauses
from lockcheck.linking.constants import plain
from lockcheck.linking.events import Execute, Test
from lockcheck.linking.origins import built
from lockcheck.linking.project import Project
from lockcheck.linking.states import Allowed
from lockcheck.linking.values import (
    AttributeOf,
    Instance,
    Known,
    Opaque,
    Row,
    Statement,
)
from lockcheck.plans import GuardState, Target

CODE = "LCK101"


def check(project: Project) -> Iterator[Hazard]:
    yield from one_each(project, _hazard)


def _hazard(project: Project, site: Target, occurrence: Occurrence) -> Hazard | None:
    execute = occurrence.step.detail
    if not isinstance(execute, Execute) or execute.statement.kind != "update" or execute.how == "executemany":
        return None
    if project.contention.runs_alone(occurrence.step.function):
        return None
    statement = execute.statement
    mapped = project.locks.mapped(statement.model)
    column = project.states.column(mapped) if mapped else None
    if mapped is None or column is None or not statement.readable:
        return None
    state = _written(statement, column)
    if state is None or _guarded(statement, mapped, column) or built(statement.where):
        return None
    if guarded_beside(project, statement, mapped, column) or seen_before(project, occurrence, statement, column):
        return None
    held = project.locked_before(occurrence.trace, occurrence.step, statement)
    if held and _checked_under_lock(project, occurrence, held, mapped, column):
        return None
    asked = asked_inside(project, statement, mapped, column)
    if asked and "postgresql" not in project.policy.databases:
        return None
    name = str(plain(state.value))
    known = asked_states(asked) if mapped.primary_key else None
    allowed = project.states.into(mapped, name) or known or tested_before(project, occurrence, column)
    remedy, reason = _remedy(project, statement, column, state, allowed)
    return Hazard(
        site=site,
        function=occurrence.step.function,
        message=_message(mapped, column, state, reason, _since(column, locked=bool(held), inside=bool(asked))),
        remedy=remedy,
        no_fix=reason,
        preview=bool(held)
        or not project.states.is_named(mapped, column)
        or (allowed is None and _free(project, mapped, column, state)),
    )


def _written(statement: Statement, column: Column) -> Known | None:
    """The known state that is written."""
    value = statement.assigned.get(column.attribute) or statement.assigned.get(column.name)
    return value if isinstance(value, Known) and value.value is not None else None


def _free(project: Project, mapped: MappedClass, column: Column, state: Known) -> bool:
    """Whether settings allow any state before the written one, or rows that are there are never given another one, so
    that there is none to overwrite."""
    value = plain(state.value)
    if project.states.is_free(mapped, str(value)):
        return True
    return not other_value(project, (mapped.table, column.attribute), value)


def _guarded(statement: Statement, mapped: MappedClass, column: Column) -> bool:
    """Whether the WHERE looks at the state or at a version, or cannot be read."""
    names = {column.attribute, column.name}
    if mapped.version_column is not None:
        names.add(mapped.version_column)
    names |= {name for name in mapped.columns if name.lower() in ("version", "version_id", "lock_version")}
    if clauses.is_opaque(statement.where):
        return True
    found = list(clauses.conditions(statement.where))
    inner = (c.operand for c in found if isinstance(c.operand, Statement) and c.operand.model == statement.model)
    for select in inner:
        if select.lock is not None or clauses.is_opaque(select.where):
            found.extend(clauses.conditions(select.where))
    return any(column.attribute in names for condition in found for column in condition.columns)


def _checked_under_lock(
    project: Project, occurrence: Occurrence, held: list[Execute], mapped: MappedClass, column: Column
) -> bool:
    """Whether the state was tested, in SQL or in Python, when the row was locked earlier in the transaction."""
    if any(_selects_state(execute, column) for execute in held):
        return True
    trace, step = occurrence.trace, occurrence.step
    return any(_tests(test, mapped, column, project) and trace.reaches(at, step) for at, test in trace.of(Test))


def _selects_state(execute: Execute, column: Column) -> bool:
    found = clauses.conditions(execute.statement.where)
    return any(part.attribute == column.attribute for condition in found for part in condition.columns)


def _tests(test: Test, mapped: MappedClass, column: Column, project: Project) -> bool:
    for subject in (test.subject, test.operand):
        if isinstance(subject, AttributeOf) and subject.name in (column.attribute, column.name):
            base = subject.base
            if isinstance(base, Instance) and project.locks.table(base.model) == mapped.table:
                return True
            if isinstance(base, (Row, Opaque)):
                return True
    return False


def _message(mapped: MappedClass, column: Column, state: Known, reason: str | None, since: str) -> str:
    text = f"UPDATE writes {mapped.table}.{column.name} = {plain(state.value)!r} with {since}"
    return f"{text}; no fix: {reason}" if reason else text


def _since(column: Column, *, locked: bool, inside: bool) -> str:
    """What the UPDATE asks of the state, and from when on what others write is lost."""
    overwrites = "it overwrites whatever another transaction has written"
    if locked:
        return f"no condition on the current {column.name}: the row is locked before, but {overwrites} until then"
    if inside:
        asked = f"a condition on {column.name} in a subselect alone, at which PostgreSQL does not look again"
        return f"{asked}: {overwrites} since the subselect was evaluated"
    return f"no condition on the current {column.name}: {overwrites} meanwhile"


def _remedy(
    project: Project, statement: Statement, column: Column, state: Known, allowed: Allowed | None
) -> tuple[Remedy | None, str | None]:
    if allowed is None:
        return None, f"which {column.name} may come before is not known (set them in [tool.lockcheck.states])"
    if statement.spelling is None or len(statement.steps) != 1:
        return None, "the statement is built in several functions"
    if lack(project, statement, column.attribute):
        return None, f"the statement stands for several models, not all of which have {column.name}"
    spelled = (_spelled(project, statement.site, state.value, name) for name in allowed.states if name is not None)
    names = [name for name in spelled if name is not None]
    nullable = column.nullable is not False
    plan = GuardState(
        write=statement.site,
        model=statement.spelling,
        column=column.attribute,
        allowed=() if allowed.forbidden else tuple(names),
        forbidden=tuple(names) if allowed.forbidden else (),
        null_allowed=_null_allowed(allowed, nullable=nullable),
        is_table=project.locks.is_core(statement.model),
    )
    judged = dialects(project.policy.databases)
    text = f"write only over {_described(allowed)} (judged for {judged}); fewer rows may be written"
    return Remedy(plan, "unsafe", text), None


def _null_allowed(allowed: Allowed, *, nullable: bool) -> bool:
    if allowed.forbidden:
        return nullable and None not in allowed.states
    return None in allowed.states


def _described(allowed: Allowed) -> str:
    names = [name if name is not None else "NULL" for name in allowed.states]
    return f"states other than {listed(names)}" if allowed.forbidden else listed(names, "or")


def _spelled(project: Project, site: Target, written: object, state: str) -> str | None:
    """A state as the function would write it: by the enum it already uses, else as a string. None for a state that
    the enum does not have."""
    if not isinstance(written, EnumMember):
        return f'"{state}"'
    members = project.linker.declarations.enum(written.enum) or ()
    member = next((m.name for m in members if m.value == state), None)
    name = project.linker.local_name(site, written.enum)
    if member is None:
        return None
    return f"{name}.{member}" if name is not None else f'"{state}"'
