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
        """The state column of a mapped class: rather one that is named so than one of another Enum."""
        if mapped.table in self._project.policy.states:
            return next((column for column in mapped.columns.values() if self._is_declared(mapped, column)), None)
        found = (column for column in mapped.columns.values() if self._is_state(mapped, column))
        return min(found, key=lambda column: not _is_named(column), default=None)

    def is_state(self, mapped: MappedClass, column: Column) -> bool:
        """Whether a column is one of the state columns of a mapped class, which may have several."""
        return self._is_declared(mapped, column) or self._is_state(mapped, column)

    def is_named(self, mapped: MappedClass, column: Column) -> bool:
        """Whether settings or its name say that a column holds a state: an Enum alone may be a role or a type."""
        return _is_named(column) or self._is_declared(mapped, column)

    def _is_declared(self, mapped: MappedClass, column: Column) -> bool:
        declared = self._project.policy.states.get(mapped.table)
        return declared is not None and declared.column in (column.name, column.attribute)

    def _is_state(self, mapped: MappedClass, column: Column) -> bool:
        if any(part in (column.type + column.python_type).lower() for part in DOCUMENTS):
            return False
        if not (_is_named(column) or column.is_enum):
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


def _is_named(column: Column) -> bool:
    """Whether a column is named after a state, its code or its key; a status code that is a number is HTTP's."""
    name = column.name.lower()
    coded = name.endswith("status_code") and "int" not in column.type.lower()
    return coded or name.endswith(("state", "status", "status_id"))
