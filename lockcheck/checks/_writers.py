"""Who writes a column: by attribute, or by an UPDATE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lockcheck.linking.constants import members
from lockcheck.linking.events import Execute, Write
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.plans import Target

ANY = ""
"""The column of a write that does not say which ones it sets."""


@dataclass(frozen=True, slots=True)
class Writer:
    """`values` are the constants that are written, None where they are not known."""

    function: str
    site: Target
    values: frozenset[object] | None


def other_writer(project: Project, column: tuple[str, str], function: str) -> Writer | None:
    """One in another function of what sets a column, by table and attribute."""
    found = project.ask(_writers).get(column, ())
    return next((writer for writer in found if writer.function != function), None)


def other_value(project: Project, column: tuple[str, str], value: object) -> bool:
    """Whether anything that writes rows which are there may give a column another value than this one."""
    found = project.ask(_writers)
    writers = (*found.get(column, ()), *found.get((column[0], ANY), ()))
    return any(writer.values is None or writer.values - {value} for writer in writers)


def _writers(project: Project) -> Mapping[tuple[str, str], list[Writer]]:
    found: dict[tuple[str, str], list[Writer]] = {}
    for column, writer in project.in_runs(_of_run, holding=(Write, Execute)):
        found.setdefault(column, []).append(writer)
    return found


def _of_run(project: Project, trace: Trace) -> Iterator[tuple[tuple[str, str], Writer]]:
    if project.contention.runs_alone(trace.function):
        return
    for step, detail in trace.of(Write, Execute):
        for column, site, values in _written(project, step, detail) if step.is_local else ():
            yield column, Writer(step.function, site, values)


def _written(
    project: Project, step: Step, detail: Write | Execute
) -> Iterator[tuple[tuple[str, str], Target, frozenset[object] | None]]:
    if isinstance(detail, Write) and not step.function.endswith("__init__"):
        mapped = project.locks.mapped(detail.instance.model)
        column = mapped.column(detail.attribute) if mapped else None
        if mapped is not None and column is not None:
            yield (mapped.table, column.attribute), detail.site, members(detail.value)
    elif isinstance(detail, Execute) and detail.statement.kind == "update":
        mapped = project.locks.mapped(detail.statement.model)
        assigned = detail.statement.assigned
        for name, value in assigned.items if mapped else ():
            column = mapped.column(name) if mapped else None
            if mapped is not None and column is not None:
                yield (mapped.table, column.attribute), detail.site, members(value)
        if mapped is not None and (not assigned.complete or detail.how == "executemany"):
            yield (mapped.table, ANY), detail.site, None
