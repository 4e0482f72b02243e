"""LCK401: a handler catches a database error and the function goes on using the session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from lockcheck.checks._common import dialects
from lockcheck.checks._errors import EVERY_DATABASE_ERROR, caught_names
from lockcheck.hazards import Hazard, Remedy
from lockcheck.linking.events import (
    Add,
    Delete,
    EnterHandler,
    Execute,
    Leave,
    Merge,
    Opened,
    Outer,
    Path,
    Read,
    Savepoints,
    SessionCall,
    Test,
    Write,
)
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace, innermost, same_session
from lockcheck.linking.values import AttributeOf, Built, FromOperation, Given, Instance, Reached, SessionRef, Somewhere
from lockcheck.plans import Plan, ReraiseFirst, RollbackFirst, Target, UseSavepoint

CODE = "LCK401"

READ = "read the attribute into a variable ahead of the try"

RECOVERS = frozenset({"rollback", "close", "invalidate", "reset", "remove", "savepoint.rollback"})
FLUSHES = frozenset({"flush", "commit", "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"})


@dataclass(frozen=True, slots=True)
class Guarded:
    """A `try` with one of its handlers, as steps."""

    handler: Step
    caught: EnterHandler
    body: tuple[Step, ...]
    inside: tuple[Step, ...]
    after: tuple[Step, ...]
    earlier: tuple[EnterHandler, ...]


def check(project: Project) -> Iterator[Hazard]:
    for trace in project.traces():
        for step in trace.steps:
            if step.is_local and isinstance(step.detail, EnterHandler):
                hazard = _hazard(project, trace, _guarded(trace, step, step.detail))
                if hazard is not None:
                    yield hazard


def _guarded(trace: Trace, step: Step, caught: EnterHandler) -> Guarded:
    depth = len(step.path)
    outer, arm = step.path[:-1], step.path[-1]

    def at(other: Step, name: str) -> bool:
        return other.path[:depth] == (*outer, arm._replace(arm=name))

    earlier = tuple(
        s.detail
        for s in trace.steps[: step.number]
        if isinstance(s.detail, EnterHandler) and s.path[:-1] == outer and s.detail.fork == caught.fork
    )
    within = (s.number for s in trace.steps if s.path[: depth - 1] == outer and _same_try(s, depth, arm.fork))
    last = max(within, default=0)
    return Guarded(
        step,
        caught,
        tuple(s for s in trace.steps if at(s, "body")),
        tuple(s for s in trace.steps if at(s, arm.arm) and s is not step),
        (*(s for s in trace.steps if at(s, "finally")), *trace.steps[last + 1 :]),
        earlier,
    )


def _same_try(step: Step, depth: int, fork: int) -> bool:
    return len(step.path) >= depth and step.path[depth - 1].kind == "try" and step.path[depth - 1].fork == fork


def _hazard(project: Project, trace: Trace, guarded: Guarded) -> Hazard | None:
    names = caught_names(guarded.caught)
    if not names or any(EVERY_DATABASE_ERROR & set(caught_names(other)) for other in guarded.earlier):
        return None
    for failing, session in _failing(project, guarded):
        use = _use(trace, guarded, session, failing)
        if use is not None:
            return _report(project, trace, guarded, names, failing, session, use)
    return None


# --- the operation that fails ----------------------------------------------------------------------------


def _failing(project: Project, guarded: Guarded) -> Iterator[tuple[Step, SessionRef]]:
    """Session operations of the `try` body whose database error reaches the handler."""
    nested: list[SessionRef] = []
    opened: list[SessionRef] = []
    postgresql = "postgresql" in project.policy.databases
    depth = len(guarded.handler.path)
    for step in guarded.body:
        detail = step.detail
        if isinstance(detail, Savepoints):
            if detail.entered:
                nested.append(detail.session)
            elif nested:
                nested.pop()
        elif isinstance(detail, Opened) and detail.entered:
            opened.append(detail.session)
        session = _operates(detail, any_statement=postgresql)
        if session is None or any(same_session(session, other) for other in (*nested, *opened)):
            continue
        if session.owner in ("own", "unknown") and _opened_inside(step, session, guarded):
            continue
        if not _handled_inside(step, depth):
            yield step, session


def _operates(detail: object, *, any_statement: bool) -> SessionRef | None:
    if isinstance(detail, SessionCall):
        fails = detail.method in FLUSHES or (detail.method == "execute" and any_statement)
        return detail.session if fails else None
    if isinstance(detail, (Execute, Merge)) and any_statement:
        return detail.session
    if isinstance(detail, Outer) and any_statement:
        return detail.sessions[0]
    return None


def _opened_inside(step: Step, session: SessionRef, guarded: Guarded) -> bool:
    """Whether a callee opened the session for itself, and so ends it, too."""
    return len(step.calls) > len(guarded.handler.calls) and isinstance(session.origin, Somewhere)


def _handled_inside(step: Step, depth: int) -> bool:
    """Whether an inner `try` may catch the error first."""
    return any(arm.kind == "try" and arm.arm == "body" for arm in step.path[depth:])


# --- what happens afterwards -----------------------------------------------------------------------------


def _use(trace: Trace, guarded: Guarded, session: SessionRef, failing: Step) -> Step | None:
    """The first use of the session in or after the handler, None when the transaction is ended first or the function
    is left."""
    for step in guarded.inside:
        if _recovers(step.detail, session):
            return None
        if _uses(step, session, failing) and not _reconnected(step, guarded):
            return step
        if isinstance(step.detail, Leave) and step.path == guarded.handler.path:
            following = [_next_turn(trace, guarded, session)] if step.detail.how == "continue" else []
            return _first_use(following, session, failing)
    loop = _loop(guarded)
    after = [step for step in guarded.after if trace.reaches(guarded.handler, step)]
    turn = [step for step in after if loop and step.path[: len(loop)] == loop]
    rest = [step for step in after if step not in turn]
    runs = [_until_left(turn, guarded), _next_turn(trace, guarded, session), _until_left(rest, guarded)]
    return _first_use(runs, session, failing)


def _first_use(runs: list[list[Step]], session: SessionRef, failing: Step) -> Step | None:
    """The first step that uses the session, unless its transaction is ended before."""
    for step in chain(*runs):
        opened = isinstance(step.detail, Opened) and step.detail.entered and same_session(step.detail.session, session)
        if opened or _recovers(step.detail, session):
            return None
        if _uses(step, session, failing):
            return step
    return None


def _until_left(steps: list[Step], guarded: Guarded) -> list[Step]:
    """The steps up to one that surely leaves the function."""
    for number, step in enumerate(steps):
        left = isinstance(step.detail, Leave) and step.detail.how in ("return", "raise")
        if left and step.path == guarded.handler.path[: len(step.path)]:
            return steps[:number]
    return steps


def _loop(guarded: Guarded) -> Path:
    """The path of the body of the loop that the handler stands in, empty without one."""
    path = guarded.handler.path
    loops = [number for number, arm in enumerate(path) if arm.kind == "loop" and arm.arm == "body"]
    return path[: loops[-1] + 1] if loops else ()


def _next_turn(trace: Trace, guarded: Guarded, session: SessionRef) -> list[Step]:
    """In a loop the same body runs again, on the same session unless a `with` of the body may have opened it."""
    loop = _loop(guarded)
    steps = [step for step in trace.steps if loop and step.path[: len(loop)] == loop]
    if isinstance(session.origin, Somewhere):
        return [step for step in steps if len(_scope(step)) <= len(loop)]
    return steps


def _scope(step: Step) -> Path:
    """The way to the innermost `with` block that a step stands in."""
    return step.path[: innermost(step.path, "with")]


def _reconnected(step: Step, guarded: Guarded) -> bool:
    """Whether a step is taken only when the error was a lost connection, which the next statement opens anew."""
    tested = any(
        isinstance(other.detail, Test)
        and isinstance(other.detail.subject, AttributeOf)
        and other.detail.subject.name == "connection_invalidated"
        for other in guarded.inside
        if other.number < step.number
    )
    return tested and any(arm.kind == "if" for arm in step.path[len(guarded.handler.path) :])


def _recovers(detail: object, session: SessionRef) -> bool:
    if isinstance(detail, SessionCall) and detail.method in RECOVERS:
        return same_session(detail.session, session)
    return isinstance(detail, Opened) and not detail.entered and same_session(detail.session, session)


def _uses(step: Step, session: SessionRef, failing: Step) -> bool:
    detail = step.detail
    if isinstance(session.origin, Somewhere) and _scope(step) != _scope(failing):
        return False
    if isinstance(detail, Read):
        return _expired(detail.instance) and isinstance(failing.detail, SessionCall)
    if isinstance(detail, SessionCall):
        return same_session(detail.session, session) and not detail.method.startswith(("expunge", "savepoint"))
    if isinstance(detail, (Execute, Merge, Delete, Add)):
        return detail.session is not None and same_session(detail.session, session)
    if isinstance(detail, Outer):
        return any(same_session(other, session) for other in detail.sessions)
    return False


def _expired(instance: Instance) -> bool:
    """A failed flush expires the objects of the session: reading one then needs the database (page of LCK401)."""
    return isinstance(instance.origin, (FromOperation, Given, Reached)) and not isinstance(instance.origin, Built)


# --- the finding -----------------------------------------------------------------------------------------


def _report(
    project: Project,
    trace: Trace,
    guarded: Guarded,
    names: tuple[str, ...],
    failing: Step,
    session: SessionRef,
    use: Step,
) -> Hazard:
    used, failed = _local_site(use), _local_site(failing)
    where = f" at line {project.linker.position(used).line}" if used is not None else ""
    flushed = isinstance(failing.detail, SessionCall) and failing.detail.method in FLUSHES
    aborted = "the transaction is aborted" if flushed else "on PostgreSQL the transaction is aborted"
    text = (
        f"the handler catches {_caught(names)} from the session's work in the try and the function goes on using "
        f"the session{where}: {aborted}, so that later work fails or is lost"
    )
    reason = READ if isinstance(use.detail, Read) else None
    text = f"{text}; no fix: {reason}" if reason else text
    related = [(failed, f"may fail here: {_does(failing)}")] if failed is not None else []
    if used is not None:
        related.append((used, f"the session is used again here: {_does(use)}"))
    return Hazard(
        site=guarded.caught.site,
        function=trace.function,
        message=text,
        related=tuple(related),
        remedy=None if reason else _remedy(project, trace, guarded, names, session),
        no_fix=reason,
    )


def _local_site(step: Step) -> Target | None:
    """Where a step stands in the function that holds the handler: its own site or the call that leads to it."""
    if step.calls:
        return step.calls[0]
    return getattr(step.detail, "site", None)


def _caught(names: tuple[str, ...]) -> str:
    return "every error" if "BaseException" in names else " or ".join(names)


def _does(step: Step) -> str:
    detail = step.detail
    if isinstance(detail, SessionCall):
        return f"session.{detail.method}()"
    if isinstance(detail, Execute):
        return f"session.{detail.how}()"
    if isinstance(detail, Read):
        return f"reading {detail.attribute} of an object that the failed flush expired"
    return f"session.{type(detail).__name__.lower()}()" if not isinstance(detail, Outer) else f"{detail.name}()"


def _remedy(project: Project, trace: Trace, guarded: Guarded, names: tuple[str, ...], session: SessionRef) -> Remedy:
    judged = f"(judged for {dialects(project.policy.databases)})"
    handler = guarded.caught.site
    plan: Plan
    if names == ("IntegrityError",):
        plan = UseSavepoint(handler, _spelled(session), session.is_async)
        return Remedy(plan, "unsafe", f"run the expected failure in a savepoint {judged}")
    if session.owner == "own" and not _needed(trace, guarded, session):
        plan = RollbackFirst(handler, _spelled(session), session.is_async)
        return Remedy(plan, "safe", f"roll back the session, which is this function's own {judged}")
    plan = ReraiseFirst(handler)
    return Remedy(plan, "unsafe", f"let database errors through to the owner of the session, who rolls back {judged}")


def _spelled(session: SessionRef) -> str:
    return getattr(session.origin, "name", "")


def _needed(trace: Trace, guarded: Guarded, session: SessionRef) -> bool:
    """Whether a rollback would lose something: earlier writes, locks, or objects of the session."""
    for step in trace.steps[: guarded.handler.number]:
        detail = step.detail
        if step in guarded.body or trace.ended_between(step, guarded.handler, session):
            continue
        if isinstance(detail, (Write, Add, Delete, Merge)):
            return True
        own = isinstance(detail, Execute) and (detail.session is None or same_session(detail.session, session))
        if isinstance(detail, Execute) and own and _locks_or_writes(detail):
            return True
    return False


def _locks_or_writes(execute: Execute) -> bool:
    return execute.statement.kind != "select" or execute.statement.lock is not None
