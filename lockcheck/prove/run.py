"""One interleaving: two sessions, what each held, who waited for whom, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from lockcheck.prove.schedules import Schedule
from lockcheck.prove.script import Operation, Script
from lockcheck.prove.sessions import PATIENCE, Failure, Rows, Session, StuckError, Watch


class Held(NamedTuple):
    """The rows of a table that a session holds, by key."""

    session: int
    table: str
    keys: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: session 0 or 1 (2 for the one that holds a row), and the number of its operation. `rows` are those
    that a statement returned, `held` those that each session holds while one waits. `at` are the acts of the two
    sessions that an error came between."""

    kind: Literal["done", "waits", "failed", "ended", "holds", "lets go"]
    session: int
    operation: int
    rows: tuple[Any, ...] = ()
    waits_for: tuple[int, ...] = ()
    failure: Failure | None = None
    instead: bool = False
    held: tuple[Held, ...] = ()
    at: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one interleaving went."""

    events: tuple[Event, ...]

    @property
    def failures(self) -> tuple[Failure, ...]:
        return tuple(event.failure for event in self.events if event.failure is not None)

    def shows(self, wanted: frozenset[str]) -> bool:
        """Whether one of these errors came up; without any, whether session 1 had to wait for session 0."""
        if not wanted:
            return any(event.session == 1 and 0 in event.waits_for for event in self.events)
        return any(failure.sqlstate in wanted for failure in self.failures)

    def shows_at(self, wanted: frozenset[str], acts: tuple[int, int]) -> bool:
        """Whether one of these errors came up between these acts of the two sessions."""
        return any(e.failure is not None and e.failure.sqlstate in wanted and e.at == acts for e in self.events)


@dataclass(slots=True)
class _State:
    """A session on its way through its script."""

    session: Session
    operations: Sequence[Operation]
    next: int = 0
    last: Rows = field(default_factory=list)
    waits_for: tuple[int, ...] = ()
    over: bool = False
    instead: bool = False


class Run:
    """Runs one schedule on sessions that are in no transaction. `holders` tells, where it is given, which rows each
    session holds: it is asked when one has to wait."""

    def __init__(
        self,
        sessions: Sequence[Session],
        watch: Watch,
        scripts: Sequence[Script],
        *,
        commit: bool,
        holders: Callable[[], tuple[Held, ...]] | None = None,
    ) -> None:
        self._states = [_State(session, script.operations) for session, script in zip(sessions, scripts, strict=False)]
        self._gate = sessions[2]
        self._watch = watch
        self._commit = commit
        self._holders = holders
        self._events: list[Event] = []
        self._numbers = {session.pid: number for number, session in enumerate(sessions)}

    def play(self, schedule: Schedule, gate: sa.Executable | None) -> Outcome:
        """Run it; `gate` locks the row that the third session holds."""
        held = schedule.gate if gate is not None else None
        for number, turn in enumerate(schedule.turns):
            state = self._states[turn]
            if held is not None and number == held.operation and gate is not None:
                self._hold(gate)
            self._look()
            if not state.waits_for and not state.over:
                self._send(turn)
        if held is not None:
            self._let_go()
        self._finish()
        return Outcome(tuple(self._events))

    # --- the gate ----------------------------------------------------------------------------------------------------

    def _hold(self, gate: sa.Executable) -> None:
        self._gate.send(gate)
        rows = self._gate.result()
        self._events.append(Event("holds", 2, 0, tuple(rows) if isinstance(rows, list) else ()))

    def _let_go(self) -> None:
        self._gate.end(commit=False)
        self._events.append(Event("lets go", 2, 0))
        self._look()

    # --- operations --------------------------------------------------------------------------------------------------

    def _send(self, number: int) -> None:
        state = self._states[number]
        operation = state.operations[state.next]
        state.instead = operation.instead is not None and bool(state.last)
        chosen = operation.instead if state.instead else operation.sql
        state.session.send(chosen if chosen is not None else operation.sql)
        self._settle(number)

    def _settle(self, number: int) -> None:
        """Note how a session's statement ended, or whom it waits for."""
        state = self._states[number]
        blocking = tuple(self._numbers.get(pid, -1) for pid in self._watch.settle(state.session))
        if not blocking:
            self._ended(number)
        elif blocking != state.waits_for:
            state.waits_for = blocking
            held = self._holders() if self._holders is not None else ()
            self._events.append(Event("waits", number, state.next, waits_for=blocking, held=held))

    def _victim(self, number: int) -> None:
        """Take note of the other session ahead of one that has come back, where its error has let this one go on."""
        other = self._states[number]
        if other.waits_for and not self._watch.settle(other.session) and other.session.has_failed:
            self._ended(number)

    def _ended(self, number: int) -> None:
        state = self._states[number]
        if not state.session.has_failed:
            self._victim(1 - number)
        found = state.session.result()
        state.waits_for = ()
        if isinstance(found, Failure):
            at = self._meeting()
            state.over = True
            state.session.end(commit=False)
            self._events.append(Event("failed", number, state.next, failure=found, at=at))
            return
        state.last = found
        self._events.append(Event("done", number, state.next, tuple(found), instead=state.instead))
        idle = state.operations[state.next].skips and not found
        state.next += 1
        if idle or state.next == len(state.operations):
            state.over = True
            failure = state.session.end(commit=self._commit)
            self._events.append(Event("failed" if failure else "ended", number, state.next - 1, failure=failure))

    def _meeting(self) -> tuple[int, int] | None:
        """The acts at which the two sessions stand; None where one of them is over."""
        if any(state.over for state in self._states):
            return None
        one, other = (state.operations[state.next].number for state in self._states)
        return one, other

    def _look(self) -> None:
        """Take note of sessions that need not wait any more."""
        for number, state in enumerate(self._states):
            if state.waits_for:
                self._settle(number)

    def _finish(self) -> None:
        """Send what is left until both sessions are over."""
        for _ in range(2 * sum(len(state.operations) for state in self._states) + 4):
            self._look()
            ready = [number for number, state in enumerate(self._states) if not state.waits_for and not state.over]
            if ready:
                self._send(ready[0])
                continue
            waiting = [
                state.session.sent for state in self._states if state.waits_for and state.session.sent is not None
            ]
            if not waiting:
                return
            if not wait(waiting, PATIENCE, FIRST_COMPLETED).done:
                raise StuckError("both sessions wait, and the database does not end it")
        if not all(state.over for state in self._states):
            raise StuckError("the sessions do not come to an end")
