"""Handlers round the work of a session: which of its operations fail into them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from lockcheck.checks._deadlocks import may_deadlock, on_innodb_alone
from lockcheck.checks._errors import EVERY_DATABASE_ERROR, RETRYABLE, caught_names
from lockcheck.checks._flushes import FLUSHES, violates
from lockcheck.linking.events import (
    Add,
    Delete,
    EnterHandler,
    Execute,
    Leave,
    Merge,
    Opened,
    Outer,
    Presumed,
    Read,
    Savepoints,
    SessionCall,
)
from lockcheck.linking.kinds import after, before
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import SessionRef, Somewhere
from lockcheck.plans import Target

RECOVERS = frozenset({"rollback", "close", "invalidate", "reset", "remove", "savepoint.rollback"})

FOLLOWING = (SessionCall, Opened, Execute, Merge, Delete, Add, Outer, Read, Leave, Presumed)
"""What tells how the session, or the run, goes on behind a handler."""


@dataclass(frozen=True, eq=False)
class Guarded:
    """A `try` with one of its handlers, as steps of a run."""

    trace: Trace
    handler: Step
    caught: EnterHandler

    @cached_property
    def earlier(self) -> tuple[EnterHandler, ...]:
        """The handlers ahead of this one."""
        found, around = before(self.trace.of(EnterHandler), self.handler), self.handler.path[:-1]
        return tuple(other for s, other in found if s.path[:-1] == around and other.fork == self.caught.fork)

    @cached_property
    def body(self) -> list[Step]:
        return self._within("body")

    @cached_property
    def inside(self) -> list[Step]:
        return [step for step in self._within(self.handler.path[-1].arm) if step is not self.handler]

    @cached_property
    def after(self) -> tuple[Step, ...]:
        """What comes behind the handler, in the `finally` block and after the `try`."""
        depth, fork = len(self.handler.path), self.handler.path[-1].fork
        around = self.trace.inside(self.handler.path[:-1])
        last = max((step.number for step in around if _same_try(step, depth, fork)), default=0)
        return (*self._within("finally"), *self.trace.steps[last + 1 :])

    @cached_property
    def telling(self) -> list[Step]:
        """The steps behind it that tell how it goes on."""
        return [step for step in self.after if isinstance(step.detail, FOLLOWING)]

    def about(self, session: SessionRef) -> list[Step]:
        """Those of them that may use a session, or end its transaction."""
        found = self._about.get(session.origin)
        if found is None:
            found = self._about[session.origin] = [step for step in self.telling if _is_about(step, session)]
        return found

    @cached_property
    def _about(self) -> dict[object, list[Step]]:
        return {}

    @cached_property
    def reached(self) -> list[Step]:
        """The steps behind it that tell how it goes on, as far as a run reaches them from the handler."""
        return [step for step in self.telling if self.trace.reaches(self.handler, step)]

    def _within(self, arm: str) -> list[Step]:
        path = self.handler.path
        return self.trace.inside((*path[:-1], path[-1]._replace(arm=arm)))


def _is_about(step: Step, session: SessionRef) -> bool:
    own = getattr(step.detail, "session", None)
    return same_session(own, session) if own is not None else isinstance(step.detail, (Outer, Read))


def local_handlers(project: Project, trace: Trace) -> tuple[Guarded, ...]:
    """The handlers of the function itself that may be the first to see a database error."""
    return project.of_run(_handlers, trace.function)


def _handlers(_: Project, trace: Trace) -> Iterator[Guarded]:
    local = (Guarded(trace, step, caught) for step, caught in trace.of(EnterHandler) if step.is_local)
    return (guarded for guarded in local if catches_database_errors(guarded))


def _same_try(step: Step, depth: int, fork: int) -> bool:
    return len(step.path) >= depth and step.path[depth - 1].kind == "try" and step.path[depth - 1].fork == fork


def catches_database_errors(guarded: Guarded) -> bool:
    """Whether any database error comes to the handler: it catches some, and none ahead of it catches all."""
    if any(EVERY_DATABASE_ERROR & set(caught_names(other)) for other in guarded.earlier):
        return False
    return bool(caught_names(guarded.caught))


# --- the operation that fails ----------------------------------------------------------------------------


def failing(project: Project, guarded: Guarded) -> tuple[tuple[Step, SessionRef], ...]:
    """Session operations of the `try` body whose database error reaches the handler."""
    return project.ask(_failing, guarded.trace.function, guarded.handler.number)


def _failing(project: Project, function: str, number: int) -> tuple[tuple[Step, SessionRef], ...]:
    trace = project.trace(function)
    handler = trace.steps[number]
    caught = handler.detail
    return tuple(_failing_into(project, Guarded(trace, handler, caught))) if isinstance(caught, EnterHandler) else ()


def _failing_into(project: Project, guarded: Guarded) -> Iterator[tuple[Step, SessionRef]]:
    nested: list[SessionRef] = []
    opened: list[SessionRef] = []
    postgresql = "postgresql" in project.policy.databases
    names = caught_names(guarded.caught)
    expects = names == ("IntegrityError",)
    deadlocks = on_innodb_alone(project) and _catches_deadlocks(guarded)
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
        session = operates(detail, any_statement=postgresql) or (may_deadlock(detail) if deadlocks else None)
        if session is None or any(same_session(session, other) for other in (*nested, *opened)):
            continue
        if session.owner in ("own", "unknown") and _opened_inside(step, session, guarded):
            continue
        if not _handled_inside(step, depth) and (not expects or violates(project, guarded.trace, step)):
            yield step, session


def _catches_deadlocks(guarded: Guarded) -> bool:
    """Whether a deadlock comes to the handler."""
    first = next((c for c in (*guarded.earlier, guarded.caught) if RETRYABLE & set(caught_names(c))), None)
    return first is guarded.caught


def operates(detail: object, *, any_statement: bool) -> SessionRef | None:
    """The session that a step may make unusable by failing."""
    if isinstance(detail, SessionCall):
        fails = detail.method in FLUSHES or (detail.method == "execute" and any_statement)
        return detail.session if fails else None
    if isinstance(detail, (Execute, Merge)) and any_statement:
        return detail.session
    if isinstance(detail, Outer) and any_statement and not detail.is_builtin:
        return detail.sessions[0]
    return None


def raises(guarded: Guarded) -> bool:
    """Whether the handler raises, perhaps only for some errors."""
    return any(isinstance(step.detail, Leave) and step.detail.how == "raise" for step in guarded.inside)


def swallowed(trace: Trace, step: Step, depth: int) -> bool:
    """Whether a `try` round a step, one of the arms of its path from `depth` on, lets no database error through."""
    arms = enumerate(step.path[depth:], depth)
    bodies = {(*step.path[:number], arm) for number, arm in arms if (arm.kind, arm.arm) == ("try", "body")}
    return any(
        catches_database_errors(guarded) and not raises(guarded)
        for other, caught in (after(trace.of(EnterHandler), step) if bodies else ())
        if (*other.path[:-1], other.path[-1]._replace(arm="body")) in bodies
        for guarded in (Guarded(trace, other, caught),)
    )


def is_certain(steps: Iterable[Step], session: SessionRef) -> bool:
    """Whether the steps that use a session use no other in its place: a function may open one of its own only when it
    is given none."""
    sessions: dict[object, set[SessionRef]] = {}
    for step in steps:
        found = getattr(step.detail, "session", None)
        if isinstance(found, SessionRef):
            sessions.setdefault((step.calls, getattr(step.detail, "site", None)), set()).add(found)
    return not any(len(found) > 1 and session in found for found in sessions.values())


def _opened_inside(step: Step, session: SessionRef, guarded: Guarded) -> bool:
    """Whether a callee opened the session for itself, and so ends it, too."""
    return len(step.calls) > len(guarded.handler.calls) and isinstance(session.origin, Somewhere)


def _handled_inside(step: Step, depth: int) -> bool:
    """Whether an inner `try` may catch the error first."""
    return any(arm.kind == "try" and arm.arm == "body" for arm in step.path[depth:])


def flushes(step: Step) -> bool:
    """Whether a step's failure makes the session itself unusable, on every database."""
    return isinstance(step.detail, SessionCall) and step.detail.method in FLUSHES


# --- wording ---------------------------------------------------------------------------------------------


def site_in(step: Step, depth: int = 0) -> Target | None:
    """Where a step stands in the function that `depth` calls lead to: its own site or the call that leads to it."""
    if len(step.calls) > depth:
        return step.calls[depth]
    return getattr(step.detail, "site", None)


def caught_text(names: tuple[str, ...]) -> str:
    return "every error" if "BaseException" in names else " or ".join(names)


def does(step: Step) -> str:
    """What a step does to its session, as a reader of the code would see it."""
    detail = step.detail
    if isinstance(detail, SessionCall):
        return f"session.{detail.method}()"
    if isinstance(detail, Execute):
        return f"session.{detail.how}()"
    if isinstance(detail, Read):
        return f"reading {detail.attribute} of an object that the failed flush expired"
    if isinstance(detail, Outer):
        return f"{detail.name}()" if detail.name != "?" else "a call that gets the session"
    return f"session.{type(detail).__name__.lower()}()"


def aborted(step: Step) -> str:
    """What becomes of the transaction when a step fails."""
    return "the transaction is aborted" if flushes(step) else "on PostgreSQL the transaction is aborted"
