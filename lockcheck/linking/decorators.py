"""Session decorators: those that open a session when the caller gives none, known by what their source does.

    def provide_session(function):
        def wrapper(*args, **kwargs):
            if "session" in kwargs:
                return function(*args, **kwargs)
            with create_session() as session:
                return function(*args, session=session, **kwargs)

Calling a function so decorated without a session runs what the wrapper does before its own call of the function, then
the function on the wrapper's session, then what the wrapper does afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockcheck import facts
from lockcheck.linking.events import Arm, Behaviour, Branch, Decision, Event, Leave, Outer, Path, Test
from lockcheck.linking.frame import Frame
from lockcheck.linking.spelling import spelled
from lockcheck.linking.values import FunctionRef, Given, Known, Opaque, SessionRef

if TYPE_CHECKING:
    from lockcheck.linking.linker import Linker

IDLE = (Leave, Test, Branch, Decision)


@dataclass(frozen=True, slots=True)
class SessionDecorator:
    """`parameter` is the one that the wrapper fills with `session`; `before` and `after` are what it does around the
    function."""

    parameter: str
    session: SessionRef
    before: Behaviour
    after: Behaviour


class Decorators:
    """What the decorators of the project's functions are, each looked at once."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._known: dict[str, SessionDecorator | None] = {}

    def opening(self, function: facts.FunctionFacts) -> SessionDecorator | None:
        """The decorator that opens a session for a function which is given none."""
        for decorator in self.of(function):
            if decorator not in self._known:
                self._known[decorator] = None  # a decorator that decorates itself opens nothing
                with self._linker.evaluations.for_all():
                    self._known[decorator] = self._looked_at(decorator)
            found = self._known[decorator]
            if found is not None and any(p.name == found.parameter for p in function.parameters):
                return found
        return None

    def of(self, function: facts.FunctionFacts) -> Iterator[str]:
        """The project's functions that decorate a function, the outermost first."""
        for number in function.decorators:
            fact = function.values[number]
            name = spelled(function.values, fact.func if isinstance(fact, facts.Call) else number)
            found = self._linker.names.lookup(function.module, name, None) if name else None
            if isinstance(found, FunctionRef):
                yield found.qualname

    def wrappers(self, decorator: str) -> Iterator[tuple[facts.FunctionFacts, frozenset[str]]]:
        """The functions nested in a decorator, with the names by which they may know the decorated one."""
        for name in self._linker.nested(decorator):
            yield self._linker.functions[name].facts, frozenset(self._outer_parameters(name))

    def _outer_parameters(self, qualname: str) -> Iterator[str]:
        parent = self._linker.functions[qualname].facts.parent
        while parent is not None and parent in self._linker.functions:
            outer = self._linker.functions[parent].facts
            yield from (parameter.name for parameter in outer.parameters)
            parent = outer.parent

    def _looked_at(self, decorator: str) -> SessionDecorator | None:
        for wrapper, names in self.wrappers(decorator):
            frame = Frame(self._linker, wrapper, {}, {name: Opaque(Given(name)) for name in names})
            frame.parameters = self._linker.binder.parameters(frame, {}, set(), root=True)
            frame.run(wrapper.body)
            found = _split(wrapper, frame.events, names)
            if found is not None:
                return found
        return None


def _split(wrapper: facts.FunctionFacts, events: list[Event], names: frozenset[str]) -> SessionDecorator | None:
    """The wrapper's events around the call that hands a session of its own to the decorated function."""
    for number, event in enumerate(events):
        call = event.detail
        if not isinstance(call, Outer) or call.name not in names:
            continue
        session = next((s for s in call.sessions if s.owner in ("own", "shared")), None)
        parameter = next((n for n, s in zip(call.names, call.sessions, strict=True) if s is session), None)
        if session is None or parameter is None:
            continue
        before = _around(events[:number], event.path)
        after = _around(events[number + 1 :], event.path)
        behaviours = (Behaviour(wrapper.qualname, part, Known(None), None, complete=True) for part in (before, after))
        return SessionDecorator(parameter, session, *behaviours)
    return None


def _around(events: list[Event], path: Path) -> tuple[Event, ...]:
    """Events of a run that comes to a call at `path`: the branches on the way are taken, those that lead elsewhere are
    left out."""
    taken = {arm for arm in path if arm.kind == "if"}
    forks = {arm.fork for arm in taken}
    kept = []
    for event in events:
        other = any(arm.kind == "if" and arm.fork in forks and arm not in taken for arm in event.path)
        if not other and not isinstance(event.detail, IDLE):
            kept.append(Event(_without(event.path, taken), event.detail))
    return tuple(kept)


def _without(path: Path, taken: set[Arm]) -> Path:
    return tuple(arm for arm in path if arm not in taken)
