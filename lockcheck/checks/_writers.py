"""Who writes a column: by attribute, or by an UPDATE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lockcheck.checks._rows import read_of
from lockcheck.checks._transitions import tested
from lockcheck.linking.constants import members
from lockcheck.linking.events import Execute, Write
from lockcheck.linking.project import Project
from lockcheck.linking.rowsets import RowSet, meet, rows_of
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import Built
from lockcheck.plans import Target

ANY = ""
"""The column of a write that does not say which ones it sets."""


@dataclass(frozen=True, slots=True)
class Writer:
    """`values` are the constants that are written, None where they are not known; `chosen` and `tested` say which rows
    are written, `made` that it is one which the same run has inserted."""

    function: str
    site: Target
    values: frozenset[object] | None
    chosen: RowSet = field(default_factory=RowSet)
    tested: RowSet = field(default_factory=RowSet)
    made: bool = False


def other_writer(
    project: Project, column: tuple[str, str], function: str, rows: tuple[RowSet, RowSet]
) -> Writer | None:
    """One in another function of what sets a column, by table and attribute, of rows that this one may have read: the
    first that has read them, too, else one that has inserted them."""
    found = [writer for writer in project.ask(_writers).get(column, ()) if writer.function != function]
    meeting = (w for w in found if all(meet(one, other) for one in rows for other in (w.chosen, w.tested)))
    return min(meeting, key=lambda writer: writer.made, default=None)


def reached(project: Project, trace: Trace, step: Step, write: Write) -> tuple[RowSet, RowSet]:
    """Which rows a write reaches: those of the SELECT that read them, and those that tests have left."""
    mapped = project.locks.mapped(write.instance.model)
    column = mapped.column(write.attribute) if mapped else None
    read = read_of(project, trace, step, write.instance)
    direct = read is not None and not read.through
    chosen = rows_of(project.locks, read.execute.statement) if read is not None and direct else RowSet()
    return chosen, tested(trace, step, write.instance, column) if column is not None else RowSet()


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
        if not step.is_local:
            continue
        made = isinstance(detail, Write) and isinstance(detail.instance.origin, Built)
        rows = reached(project, trace, step, detail) if isinstance(detail, Write) else _stated(project, detail)
        for column, site, values in _written(project, step, detail):
            yield column, Writer(step.function, site, values, *rows, made)


def _stated(project: Project, execute: Execute) -> tuple[RowSet, RowSet]:
    return rows_of(project.locks, execute.statement), RowSet()


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
