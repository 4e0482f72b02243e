"""Who writes a column: by attribute, or by an UPDATE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lockcheck.linking.events import Execute, Write
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.plans import Target


@dataclass(frozen=True, slots=True)
class Writer:
    function: str
    site: Target


def other_writer(project: Project, column: tuple[str, str], function: str) -> Writer | None:
    """One in another function of what sets a column, by table and attribute."""
    found = project.ask(_writers).get(column, ())
    return next((writer for writer in found if writer.function != function), None)


def _writers(project: Project) -> Mapping[tuple[str, str], list[Writer]]:
    found: dict[tuple[str, str], list[Writer]] = {}
    for column, writer in project.in_runs(_of_run, holding=(Write, Execute)):
        found.setdefault(column, []).append(writer)
    return found


def _of_run(project: Project, trace: Trace) -> Iterator[tuple[tuple[str, str], Writer]]:
    if project.contention.runs_alone(trace.function):
        return
    for step, detail in trace.of(Write, Execute):
        for column, site in _written(project, step, detail) if step.is_local else ():
            yield column, Writer(step.function, site)


def _written(project: Project, step: Step, detail: Write | Execute) -> Iterator[tuple[tuple[str, str], Target]]:
    if isinstance(detail, Write) and not step.function.endswith("__init__"):
        mapped = project.locks.mapped(detail.instance.model)
        column = mapped.column(detail.attribute) if mapped else None
        if mapped is not None and column is not None:
            yield (mapped.table, column.attribute), detail.site
    elif isinstance(detail, Execute) and detail.statement.kind == "update":
        mapped = project.locks.mapped(detail.statement.model)
        for name, _ in detail.statement.assigned.items if mapped else ():
            column = mapped.column(name) if mapped else None
            if mapped is not None and column is not None:
                yield (mapped.table, column.attribute), detail.site
