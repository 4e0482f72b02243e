"""Who writes a column: by attribute, or by an UPDATE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lockcheck.linking.events import Execute, Write
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step
from lockcheck.plans import Target


@dataclass(frozen=True, slots=True)
class Writer:
    function: str
    site: Target


class Writers:
    """All places of the program that set a column, by table and attribute."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._found: dict[tuple[str, str], list[Writer]] = {}
        for trace in project.traces():
            if not project.contention.runs_alone(trace.function):
                for step in trace.steps:
                    if step.is_local:
                        self._add(step)

    def _add(self, step: Step) -> None:
        for column, site in self._written(step):
            self._found.setdefault(column, []).append(Writer(step.function, site))

    def _written(self, step: Step) -> Iterator[tuple[tuple[str, str], Target]]:
        detail = step.detail
        if isinstance(detail, Write) and not step.function.endswith("__init__"):
            mapped = self._project.locks.mapped(detail.instance.model)
            column = mapped.column(detail.attribute) if mapped else None
            if mapped is not None and column is not None:
                yield (mapped.table, column.attribute), detail.site
        elif isinstance(detail, Execute) and detail.statement.kind == "update":
            mapped = self._project.locks.mapped(detail.statement.model)
            for name, _ in detail.statement.assigned.items if mapped else ():
                column = mapped.column(name) if mapped else None
                if mapped is not None and column is not None:
                    yield (mapped.table, column.attribute), detail.site

    def other(self, table: str, attribute: str, function: str) -> Writer | None:
        """One in another function."""
        found = self._found.get((table, attribute), ())
        return next((writer for writer in found if writer.function != function), None)
