"""Transactions on a real database that go on in a given order: no test waits for time to pass.

A stage plays several acts, each in a thread and a session of its own, of which one moves at a time: up to a statement,
to its end, or to where the database lets it wait for a lock of another one.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.errors import name_of
from tests.waits import Flight, Watch, watch

Act = Callable[[Session], object]

PATIENCE = 30
"""Seconds until a play that hangs fails."""

GLANCE = 0.002
"""Seconds between two looks at whether somebody waits for a lock."""


class Until(NamedTuple):
    """Who moves, and how far: ahead of the `times`-th statement that holds the pattern; without one, to the end."""

    who: str
    pattern: str | None = None
    times: int = 1


class Outcome(NamedTuple):
    """What became of a play, by the names of the acts. `errors` are all that came up, in order, also those that an act
    has caught; `failed` are those that ended an act; `values` is what the others returned; `sent` the statements."""

    errors: tuple[tuple[str, str], ...]
    failed: Mapping[str, str]
    values: Mapping[str, Any]
    sent: Mapping[str, tuple[str, ...]]


class HangingError(AssertionError):
    """Somebody neither came to where he was sent, nor to his end, nor to a lock."""


class _Stopped(BaseException):
    """Ends a thread whose play has failed."""


@dataclass(slots=True)
class _Player:
    name: str
    act: Act
    state: Literal["new", "moving", "halted", "ended"] = "new"
    goal: Until | None = None
    turn: int = 0
    passed: list[str] = field(default_factory=list)
    flight: Flight | None = None
    value: object = None
    failure: str | None = None
    crash: BaseException | None = None

    def halts(self) -> bool:
        """Whether the last of its statements is the one to stop ahead of."""
        goal = self.goal
        if goal is None or goal.pattern is None or not re.search(goal.pattern, self.passed[-1]):
            return False
        return sum(bool(re.search(goal.pattern, text)) for text in self.passed) == goal.times


class Stage:
    """Plays acts on one engine."""

    def __init__(self, engine: sa.Engine, acts: Mapping[str, Act]) -> None:
        self._engine = engine
        self._players = {name: _Player(name, act) for name, act in acts.items()}
        self._threads: dict[int, _Player] = {}
        self._turn = threading.Condition()
        self._errors: list[tuple[str, str]] = []
        self._stopped = False

    def play(self, script: Sequence[Until]) -> Outcome:
        """Follow the script, and then let each act go to its end, in turn. Raises what an act raises that is not
        SQLAlchemy's, and HangingError."""
        rest = [Until(name) for name in self._players]
        with self._listening(), watch(self._engine) as watcher:  # who halts at a COMMIT has not ended yet
            try:
                for step in (*script, *rest):
                    self._move(step, watcher)
                self._wait(lambda: all(player.state == "ended" for player in self._players.values()))
            finally:
                self._stop()
        return self._outcome(tuple(self._players.values()))

    def _outcome(self, players: tuple[_Player, ...]) -> Outcome:
        for player in players:
            if player.crash is not None:
                raise player.crash
        return Outcome(
            tuple(self._errors),
            {player.name: player.failure for player in players if player.failure is not None},
            {player.name: player.value for player in players if player.failure is None},
            {player.name: tuple(player.passed) for player in players},
        )

    # --- the conductor -------------------------------------------------------------------------------------------

    def _move(self, step: Until, watcher: Watch) -> None:
        player = self._players[step.who]
        with self._turn:
            if player.state == "ended":
                return
            player.goal, player.turn = step, player.turn + 1
            starts, player.state = player.state == "new", "moving"
            self._turn.notify_all()
        if starts:
            threading.Thread(target=self._perform, args=(player,), daemon=True).start()
        self._wait(lambda: player.state != "moving" or self._waits(player, watcher))

    def _wait(self, done: Callable[[], bool]) -> None:
        """Return when the condition holds; whoever stops or ends makes it look again at once."""
        late = monotonic() + PATIENCE
        while not done():
            with self._turn:
                self._turn.wait(GLANCE)
            if monotonic() > late:
                states = ", ".join(f"{player.name} {player.state}" for player in self._players.values())
                raise HangingError(f"nothing has moved for {PATIENCE} s: {states}")

    def _waits(self, player: _Player, watcher: Watch) -> bool:
        """Whether the player's statement waits for a lock, and nothing has moved while that was asked."""
        before = self._flights()
        own = before.get(player.name)
        return own is not None and watcher(own, list(before.values())) and self._flights() == before

    def _flights(self) -> dict[str, Flight]:
        with self._turn:
            return {player.name: player.flight for player in self._players.values() if player.flight is not None}

    def _stop(self) -> None:
        with self._turn:
            self._stopped = True
            self._turn.notify_all()

    # --- the players ---------------------------------------------------------------------------------------------

    def _perform(self, player: _Player) -> None:
        self._threads[threading.get_ident()] = player
        try:
            with Session(self._engine) as session:
                self._transaction(player, session)
        except _Stopped:
            pass
        except BaseException as crash:  # noqa: BLE001 - it is raised where the test runs
            player.crash = crash
        finally:
            del self._threads[threading.get_ident()]
            with self._turn:
                player.state = "ended"
                self._turn.notify_all()

    def _transaction(self, player: _Player, session: Session) -> None:
        """One act, committed at its end; the database or SQLAlchemy may refuse it."""
        try:
            player.value = player.act(session)
            session.commit()
        except sa.exc.SQLAlchemyError as error:
            if isinstance(error, sa.exc.DBAPIError) and error.orig is not None:
                player.failure = name_of(error.orig)  # noted when it came up
            else:
                player.failure = name_of(error)
                self._errors.append((player.name, player.failure))
            session.rollback()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        heard: dict[str, Callable[..., None]] = {
            "before_cursor_execute": self._before,
            "after_cursor_execute": self._after,
            "handle_error": self._failed,
            "commit": self._commits,
        }
        for event, listener in heard.items():
            sa.event.listen(self._engine, event, listener)
        try:
            yield
        finally:
            for event, listener in heard.items():
                sa.event.remove(self._engine, event, listener)

    def _before(self, connection: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
        player = self._threads.get(threading.get_ident())
        if player is not None:
            self._arrive(player, statement)
            with self._turn:
                player.flight = Flight(connection, cursor.connection, statement, len(player.passed))

    def _commits(self, _: sa.Connection) -> None:
        player = self._threads.get(threading.get_ident())
        if player is not None:
            self._arrive(player, "COMMIT")

    def _arrive(self, player: _Player, text: str) -> None:
        with self._turn:
            player.passed.append(text)
            turn = player.turn
            if player.halts():
                player.state = "halted"
                self._turn.notify_all()
                self._turn.wait_for(lambda: player.turn != turn or self._stopped)
            if self._stopped:
                raise _Stopped

    def _after(self, *_: Any) -> None:
        player = self._threads.get(threading.get_ident())
        if player is not None:
            with self._turn:
                player.flight = None

    def _failed(self, context: sa.ExceptionContext) -> None:
        player = self._threads.get(threading.get_ident())
        if player is None or isinstance(context.original_exception, _Stopped):
            return
        with self._turn:
            player.flight = None
            self._errors.append((player.name, name_of(context.original_exception)))
