"""New rows: what is inserted with which values, and whether a second transaction that does the same is expected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lockcheck.checks._errors import BROAD, INTEGRITY, caught_names
from lockcheck.declarations.model import MappedClass
from lockcheck.linking.events import Add, Construct, EnterHandler, Execute, Opened, Savepoints, SessionCall, Write
from lockcheck.linking.kinds import after, before
from lockcheck.linking.names import last
from lockcheck.linking.origins import built, is_fresh, origins
from lockcheck.linking.parents import instances
from lockcheck.linking.paths import exclusive, shared, surely_follows
from lockcheck.linking.project import Project
from lockcheck.linking.revisions import in_revision
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import (
    Abstract,
    Built,
    ClassRef,
    External,
    Instance,
    ModelRef,
    SessionRef,
)
from lockcheck.plans import Target

DUPLICATES = frozenset({"DBDuplicateEntry", "UniqueViolation", "UniqueViolationError", "DuplicateKeyError"})
SENDS = frozenset({"flush", "commit"})


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row of `mapped`, with the values that are `given` to it; `complete` tells that these are all of them.
    `built` is where the object is made, None for a statement."""

    step: Step
    site: Target
    session: SessionRef | None
    model: ModelRef
    mapped: MappedClass
    given: dict[str, Abstract]
    complete: bool
    built: Step | None = None
    found: frozenset[Target] = frozenset()
    """The operations whose rows are added in its place."""


def starts(project: Project) -> tuple[str, ...]:
    """The functions that start a run of their own beside others: nobody calls them, or only tests do."""
    return tuple(_starts(project))


def _starts(project: Project) -> Iterator[str]:
    declarations, alone = project.linker.declarations, project.contention.runs_alone
    uncalled = set(project.entries)
    for name in project.functions:
        callers = project.callers_of(name) - {name}
        tested = all(alone(caller) and not in_revision(declarations, caller) for caller in callers)
        if name.endswith(".<body>") or alone(name) or declarations.module_of(name) in project.serving_revisions:
            continue
        if name in uncalled or (callers and tested):
            yield name


def inserts(project: Project, trace: Trace) -> tuple[Insert, ...]:
    """Every new row that a run adds."""
    return project.of_run(_inserts, trace.function)


def _inserts(project: Project, trace: Trace) -> Iterator[Insert]:
    for step, detail in trace.of(Add, Execute):
        if isinstance(detail, Add):
            yield from _added(project, trace, step, detail)
        elif detail.statement.kind == "insert":
            statement = detail.statement
            mapped = project.locks.mapped(statement.model)
            if mapped is not None and statement.model is not None and statement.on_conflict is None:
                given = {attribute(mapped, name): value for name, value in statement.assigned.items}
                complete = statement.assigned.complete and detail.how != "executemany"
                yield Insert(
                    step, detail.site, detail.session, statement.model, mapped, given, complete and bool(given)
                )


def _added(project: Project, trace: Trace, step: Step, add: Add) -> Iterator[Insert]:
    added = list(instances(add.value))
    older = frozenset(o.site for i in added for o in origins(i.origin) if hasattr(o, "site") and o != i.origin)
    older |= frozenset(i.origin.site for i in added if not isinstance(i.origin, Built) and hasattr(i.origin, "site"))
    for value in added:
        mapped = project.locks.mapped(value.model)
        if not isinstance(value.origin, Built) or mapped is None or _added_before(trace, step, value):
            continue
        given = dict(value.given)
        for _, write in trace.of(Write):
            if write.instance.origin == value.origin:
                given.setdefault(write.attribute, write.value)
        named = {attribute(mapped, name): part for name, part in given.items()}
        made = _construction(trace, value.origin.site, step)
        yield Insert(step, add.site, add.session, value.model, mapped, named, value.all_given, made, older)


def _added_before(trace: Trace, step: Step, value: Instance) -> bool:
    """Whether the object is in the session already; in a loop, the object of the turn."""
    made = _construction(trace, value.origin.site, step) if isinstance(value.origin, Built) else None
    return any(
        value.origin in {instance.origin for instance in instances(add.value)}
        and trace.reaches(other, step)
        and (not trace.common_loop(other, step) or (made is not None and _in_one_turn(made, other, step)))
        for other, add in before(trace.of(Add), step)
    )


def _in_one_turn(made: Step, first: Step, second: Step) -> bool:
    """Whether each turn of the loops that two steps share builds the object anew, ahead of both."""
    loops = [arm for arm in shared(first.path, second.path) if arm.kind == "loop" and arm.arm == "body"]
    return made.number < first.number and loops[-1] in made.path


def _construction(trace: Trace, site: Target, later: Step) -> Step | None:
    made = (step for step, construct in reversed(before(trace.of(Construct), later)) if construct.site == site)
    return next(made, None)


def attribute(mapped: MappedClass, name: str) -> str:
    """The attribute that an attribute, a synonym or a column name stands for."""
    name = mapped.synonyms.get(name, name)
    if name in mapped.columns:
        return name
    return next((column.attribute for column in mapped.columns.values() if column.name == name), name)


# --- whether a duplicate is expected ------------------------------------------------------------------------------


def retried(trace: Trace, step: Step, model: ModelRef | None = None) -> bool:
    """Whether an IntegrityError is expected at a step: a handler round it, or a savepoint."""
    depth = sum(1 if savepoint.entered else -1 for _, savepoint in before(trace.of(Savepoints), step))
    return depth > 0 or handled(trace, step, model)


def fallback(trace: Trace, step: Step) -> bool:
    """Whether a step is the other branch of an ON CONFLICT form: it serves the databases that have none."""
    return any(
        execute.statement.on_conflict is not None
        and other.calls == step.calls
        and (exclusive(other.path, step.path) or not trace.reaches(other, step))
        for other, execute in before(trace.of(Execute), step)
    )


def handled(trace: Trace, step: Step, model: ModelRef | None = None) -> bool:
    """Whether a handler round a step catches an IntegrityError: one of its own, or a broad one that looks for the row
    of the other transaction."""
    path = step.path
    bodies = {arm.fork: path[:n] for n, arm in enumerate(path) if arm.kind == "try" and arm.arm == "body"}
    for other, detail in trace.of(EnterHandler) if bodies else ():
        if bodies.get(detail.fork) != other.path[:-1]:
            continue
        if _expects(detail) or (_wraps(detail) and any(arm.kind == "loop" for arm in other.path)):
            return True
        if BROAD & set(caught_names(detail)) and _looks_again(trace, other, model):
            return True
    return False


def _looks_again(trace: Trace, handler: Step, model: ModelRef | None) -> bool:
    """Whether a handler reads rows of a mapped class."""
    inside = (step.detail for step in trace.inside(handler.path) if isinstance(step.detail, Execute))
    return model is not None and any(e.statement.kind == "select" and e.statement.model == model for e in inside)


def _expects(handler: EnterHandler) -> bool:
    if INTEGRITY & set(caught_names(handler)):
        return True
    return any(isinstance(kind, External) and last(kind.qualname) in DUPLICATES for kind in handler.types)


def _wraps(handler: EnterHandler) -> bool:
    """Whether a handler catches an exception of the project, which may stand for one of the database: in a loop, the
    work is tried again."""
    return any(isinstance(kind, ClassRef) for kind in handler.types)


def expected(project: Project, trace: Trace, insert: Insert) -> bool:
    """Whether a second row is expected where the insert is made or sent, or the whole is run again."""
    step = insert.step
    if _handed_on(project, trace.function) or _run_again(project, trace, step):
        return True
    if retried(trace, step, insert.model) or fallback(trace, step):
        return True
    return any(handled(trace, other, insert.model) for other in _sends(trace, insert))


def _sends(trace: Trace, insert: Insert) -> Iterator[Step]:
    """The steps that may be the first to send a new row."""
    for other, detail in after(trace.of(SessionCall, Opened), insert.step):
        if isinstance(detail, Opened):
            sends = not detail.entered
        else:
            own = insert.session is None or same_session(detail.session, insert.session)
            sends = detail.method in SENDS and own
        if sends and trace.reaches(insert.step, other):
            yield other
            if surely_follows(other.path, insert.step.path):
                return


def _handed_on(project: Project, function: str) -> bool:
    """Whether a private function that nobody is seen to call stands in a file that deals with IntegrityErrors: it
    may be handed to what does."""
    module = project.linker.declarations.modules.get(project.linker.declarations.module_of(function))
    private = function.rpartition(".")[2].startswith("_") and not function.endswith("__")
    return private and module is not None and any(last(t) == "IntegrityError" for t in module.imports.values())


def _run_again(project: Project, trace: Trace, step: Step) -> bool:
    """Whether a function on the way is decorated to be tried again."""
    return any(_retries(name) for _, name in _decorators(project, trace, step))


def run_again_by_others(project: Project, trace: Trace, step: Step) -> bool:
    """The same, by a decorator that is no function of the project: which errors it counts is not to be seen."""
    return any(
        _retries(name) and isinstance(_decorator(project, function, name), External)
        for function, name in _decorators(project, trace, step)
    )


def _decorator(project: Project, function: str, name: str) -> Abstract:
    module = project.linker.declarations.module_of(function)
    return project.linker.names.lookup(module, name, function)


def _retries(decorator: str) -> bool:
    return "retr" in decorator.lower() and "deadlock" not in decorator.lower()


def _decorators(project: Project, trace: Trace, step: Step) -> Iterator[tuple[str, str]]:
    """The functions on the way to a step, each with the name of one of its decorators."""
    functions = {trace.function, step.function, *(arm.arm for arm in step.path if arm.kind == "call")}
    return ((function, name) for function in sorted(functions) for name in project.linker.decorators(function))


def unknown_to_others(value: Abstract) -> bool:
    """Whether no other transaction can have the same value: a fresh one, or one of an object that is new itself."""
    return is_fresh(value) or built(value)
