"""Which session a step works in, where its own event does not say so."""

from __future__ import annotations

from collections import defaultdict

from lockcheck.linking.events import Execute, Write
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import FromOperation, Instance, Reached, SessionRef
from lockcheck.plans import Target


class Belonging:
    """The sessions of one run."""

    def __init__(self, trace: Trace) -> None:
        self._read: dict[Target, SessionRef | None] = {}
        self._used: dict[tuple[Target, ...], list[SessionRef]] = defaultdict(list)
        for step in trace.steps:
            session = getattr(step.detail, "session", None)
            if isinstance(step.detail, Execute):
                self._read[step.detail.site] = session
            if isinstance(session, SessionRef) and session not in self._used[step.calls]:
                self._used[step.calls].append(session)

    def session(self, step: Step) -> SessionRef | None:
        """The session of a step; for a write to an object the one that read it, or else the only one that its function,
        or the nearest caller that uses any, works with. None where that is unknown."""
        if isinstance(step.detail, Write):
            return self._reading(step.detail.instance) or self._near(step)
        found = getattr(step.detail, "session", None)
        return found if isinstance(found, SessionRef) else None

    def _reading(self, instance: Instance) -> SessionRef | None:
        origin = instance.origin
        while isinstance(origin, Reached):
            origin = origin.base
        return self._read.get(origin.site) if isinstance(origin, FromOperation) else None

    def _near(self, step: Step) -> SessionRef | None:
        for depth in range(len(step.calls), -1, -1):
            found = self._used.get(step.calls[:depth])
            if found:
                return found[0] if len(found) == 1 else None
        return None
