"""When what waits in a session is sent: at an explicit flush or commit, at the next query where sessions autoflush,
else at the end of the run, where whoever owns the session commits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.linking.belonging import Belonging
from lockcheck.linking.events import Add, Delete, Execute, Merge, Opened, SessionCall, Write
from lockcheck.linking.kinds import after
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import Abstract, Given, Instance, SessionRef
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

FLUSHES = frozenset({"flush", "commit"})
DISCARDS = frozenset({"rollback", "close", "reset", "remove", "invalidate", "expunge_all"})


class Pending(NamedTuple):
    """What `step` leaves in a session, and the step that sends it."""

    step: Step
    flush: Step
    site: Target
    session: SessionRef | None
    value: Abstract


class UnitOfWork:
    """The unit of work of one run."""

    def __init__(self, project: Project, trace: Trace) -> None:
        self._project = project
        self._trace = trace

    @cached_property
    def _belonging(self) -> Belonging:
        return Belonging(self._trace)

    @cached_property
    def _flushes(self) -> list[tuple[Step, SessionCall | Opened | Execute]]:
        return [found for found in self._trace.of(SessionCall, Opened, Execute) if self._may_flush(found[1])]

    def pending(self) -> Iterator[Pending]:
        """Everything that waits for a flush and gets one."""
        for step, detail in self._trace.of(Write, Add, Merge, Delete):
            for site, session, value in self._left(step, detail):
                flush = self._sent_by(step, session)
                if flush is not None:
                    yield Pending(step, flush, site, session, value)

    def _left(
        self, step: Step, detail: Write | Add | Merge | Delete
    ) -> Iterator[tuple[Target, SessionRef | None, Abstract]]:
        if isinstance(detail, Write):
            is_column = self._project.linker.names.column(detail.instance.model, detail.attribute) is not None
            if is_column and not _is_made_by(self._trace.function, detail.instance):
                yield detail.site, self._belonging.session(step), detail.instance
        else:
            yield detail.site, detail.session, detail.value

    def _sent_by(self, step: Step, session: SessionRef | None) -> Step | None:
        """The first step that sends what waits in a session; None where it is thrown away."""
        for other, detail in after(self._flushes, step):
            if _concerns(detail, session) and self._trace.reaches(step, other):
                return other if _sends(detail) else None
        return self._trace.end if session is None or session.owner != "own" else None

    def _may_flush(self, detail: SessionCall | Opened | Execute) -> bool:
        if isinstance(detail, SessionCall):
            return detail.method in FLUSHES | DISCARDS or (detail.method == "execute" and self._project.autoflush)
        if isinstance(detail, Opened):
            return not detail.entered
        at_hand = detail.how == "get" and detail.statement.lock is None  # a plain get may find the object at hand
        return not at_hand and self._project.autoflush


def _sends(detail: SessionCall | Opened | Execute) -> bool:
    if isinstance(detail, SessionCall):
        return detail.method not in DISCARDS
    return detail.commits if isinstance(detail, Opened) else True


def _is_made_by(function: str, instance: Instance) -> bool:
    """Whether a run is that of the `__init__` of an object."""
    return function.endswith(".__init__") and instance.origin == Given("self")


def _concerns(detail: SessionCall | Opened | Execute, session: SessionRef | None) -> bool:
    """Whether a step is about the same session. What waits in an unknown session is taken to be sent by any flush, and
    to be thrown away by none."""
    own = detail.session
    if session is not None and own is not None:
        return same_session(own, session)
    return isinstance(detail, Execute) or (isinstance(detail, SessionCall) and detail.method not in DISCARDS)
