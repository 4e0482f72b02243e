"""Handlers that write a failed state where another try would do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lockcheck.checks._handlers import Guarded, failing
from lockcheck.declarations.model import EnumMember
from lockcheck.linking.events import Execute, Write
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import Abstract, Known, ModelRef, each

FAILED = re.compile(r"(?:^|[^a-z])(?:fail(?:ed|ure)?|error(?:ed)?)(?:$|[^a-z])")


class Final(NamedTuple):
    """`write` gives `column` the failed state `value` after `failed` has failed."""

    write: Step
    failed: Step
    column: str
    value: str


def final_failure(project: Project, trace: Trace, guarded: Guarded) -> Final | None:
    """The failed state that the handler, whatever the error, writes to the row whose state the `try` was to change."""
    failed = next((step for step, _ in failing(project, guarded)), None)
    if failed is None:
        return None
    depth = len(guarded.handler.path)
    for step in guarded.inside:
        if any(arm.kind in ("if", "loop", "try") for arm in step.path[depth:]):
            continue
        for model, column, value in _states(project, step):
            state = _failed_state(value)
            if state is not None and any(_changes(project, other, model) for other in guarded.body):
                return Final(step, failed, f"{model.qualname.rpartition('.')[2]}.{column}", state)
    return None


def _changes(project: Project, step: Step, model: ModelRef) -> bool:
    """Whether a step of the `try` gives a row of the model another state."""
    return any(other == model and _failed_state(value) is None for other, _, value in _states(project, step))


def _states(project: Project, step: Step) -> Iterator[tuple[ModelRef, str, Abstract]]:
    """The state columns that a step writes."""
    detail = step.detail
    if isinstance(detail, Write):
        written = [(detail.instance.model, detail.attribute, detail.value)]
    elif isinstance(detail, Execute) and detail.statement.kind == "update" and detail.statement.model is not None:
        written = [(detail.statement.model, name, value) for name, value in detail.statement.assigned.items]
    else:
        return
    for model, name, value in written:
        mapped = project.locks.mapped(model)
        column = project.states.column(mapped) if mapped is not None else None
        if column is not None and name in (column.attribute, column.name):
            yield model, name, value


def _failed_state(value: Abstract) -> str | None:
    """A state that reads as a failure."""
    for part in each(value):
        found = part.value if isinstance(part, Known) else None
        text = str(found.value if isinstance(found, EnumMember) else found)
        if found is not None and FAILED.search(text.lower()):
            return repr(text)
    return None
