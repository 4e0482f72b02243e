"""State columns: which ones a project guards its transitions by, and which transitions are allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lockcheck.declarations.model import Column, MappedClass
from lockcheck.linking import clauses
from lockcheck.linking.events import Execute, Test
from lockcheck.linking.trace import Trace
from lockcheck.linking.values import AttributeOf, ColumnRef, Instance

if TYPE_CHECKING:
    from lockcheck.linking.project import Project


DOCUMENTS = ("json", "dict")
"""Types of columns that hold a whole document; what is named state there is not one of a few."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The states that may, or may not, come before a state. None stands for NULL."""

    states: tuple[str | None, ...]
    forbidden: bool


@dataclass(frozen=True, slots=True)
class Transitions:
    """What settings or a profile say of one table's state column."""

    column: str
    into: dict[str, Allowed] = field(default_factory=dict)


class States:
    """Answers which columns are state columns. Without a profile: named state or status (or ending so), by code or key,
    or an Enum, and compared somewhere in the WHERE of a write or tested in Python before one."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def column(self, mapped: MappedClass) -> Column | None:
        """The state column of a mapped class."""
        declared = self._project.policy.states.get(mapped.table)
        if declared is not None:
            found = (c for c in mapped.columns.values() if declared.column in (c.name, c.attribute))
            return next(found, None)
        return next((column for column in mapped.columns.values() if self._is_state(mapped, column)), None)

    def is_state(self, mapped: MappedClass, column: Column) -> bool:
        """Whether a column is one of the state columns of a mapped class, which may have several."""
        declared = self._project.policy.states.get(mapped.table)
        if declared is not None and declared.column in (column.name, column.attribute):
            return True
        return self._is_state(mapped, column)

    def _is_state(self, mapped: MappedClass, column: Column) -> bool:
        name = column.name.lower()
        if any(part in (column.type + column.python_type).lower() for part in DOCUMENTS):
            return False
        named = name.endswith(("state", "status")) or _is_coded(name, column)
        if not (named or column.is_enum):
            return False
        related = (mapped.qualname, mapped.root)
        return any((qualname, column.attribute) in self._project.ask(_compared) for qualname in related)

    def is_free(self, mapped: MappedClass, state: str) -> bool:
        """Whether settings list the transitions of a table and leave out a state: any may come before it."""
        declared = self._project.policy.states.get(mapped.table)
        return declared is not None and bool(declared.into) and state not in declared.into

    def into(self, mapped: MappedClass, state: str) -> Allowed | None:
        """The transitions that settings allow into a state."""
        declared = self._project.policy.states.get(mapped.table)
        return declared.into.get(state) if declared else None


def _compared(project: Project) -> frozenset[tuple[str, str]]:
    """The columns, by class and attribute, that a guard compares."""
    return frozenset(project.in_runs(_guards, holding=(Execute, Test)))


def _guards(_: Project, trace: Trace) -> Iterator[tuple[str, str]]:
    for step, detail in trace.of(Execute, Test):
        if step.is_local:
            yield from ((column.model.qualname, column.attribute) for column in _compares(detail))


def _compares(detail: Execute | Test) -> Iterator[ColumnRef]:
    if isinstance(detail, Execute):
        written = detail.statement.kind in ("update", "delete")
        for condition in clauses.conditions(detail.statement.where) if written else ():
            yield from condition.columns
    elif isinstance(detail.subject, AttributeOf):
        base = detail.subject.base
        if isinstance(base, Instance):
            yield ColumnRef(base.model, detail.subject.name)


def _is_coded(name: str, column: Column) -> bool:
    """Whether a column refers to a state by its code or key; a status code that is a number is HTTP's."""
    return name.endswith("status_id") or (name.endswith("status_code") and "int" not in column.type.lower())
