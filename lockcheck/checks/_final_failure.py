"""Handlers that write a failed state where another try would do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from lockcheck import facts
from lockcheck.checks._handlers import Guarded, failing
from lockcheck.declarations.model import EnumMember
from lockcheck.linking.events import Execute, Write
from lockcheck.linking.project import Project
from lockcheck.linking.spelling import named
from lockcheck.linking.steps import calls_in, steps_of
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
    """The failed state that the handler, whatever the error, gives to the row at work in the `try`."""
    failed = next((step for step, _ in failing(project, guarded)), None)
    if failed is None:
        return None
    for step, model, column, value in (*_written(project, guarded), *_built(project, trace, guarded)):
        state = _failed_state(value)
        if state is not None and any(_works_on(project, other, model) for other in guarded.body):
            return Final(step, failed, f"{model.qualname.rpartition('.')[2]}.{column}", state)
    return None


State: TypeAlias = tuple[Step, ModelRef, str, Abstract]


def _written(project: Project, guarded: Guarded) -> Iterator[State]:
    """The states that the handler surely writes."""
    depth = len(guarded.handler.path)
    for step in guarded.inside:
        if not any(arm.kind in ("if", "loop", "try") for arm in step.path[depth:]):
            yield from ((step, *state) for state in _states(project, step))


def _built(project: Project, trace: Trace, guarded: Guarded) -> Iterator[State]:
    """The states in statements that the handler surely completes and that are executed behind it."""
    function = project.linker.functions[trace.function].facts
    tries = (step for step in steps_of(function.body) if isinstance(step, facts.Try))
    handlers = (handler for tried in tries for handler in tried.handlers)
    handler = next((handler for handler in handlers if handler.site == guarded.caught.site.index), None)
    plain = tuple(step for step in handler.body if isinstance(step, facts.Evaluate)) if handler is not None else ()
    given = {
        (keyword.name, name)
        for call in calls_in(function, plain)
        for keyword in call.keywords
        if (name := named(function.values, keyword.value)) is not None
    }
    values = {column: project.linker.names.lookup(function.module, name, function.qualname) for column, name in given}
    for step in guarded.after:
        if step.is_local and trace.reaches(guarded.handler, step):
            for model, column, value in _states(project, step):
                if column in values and values[column] in each(value):
                    yield step, model, column, values[column]


def _works_on(project: Project, step: Step, model: ModelRef) -> bool:
    """Whether a step of the `try` gives a row of the model another state, or locks it."""
    detail = step.detail
    if isinstance(detail, Execute) and detail.statement.lock is not None and detail.statement.model == model:
        return True
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
