"""Carrying values over a call: what a callee says of its parameters, said of the caller's arguments.

Inside a function `Given(name)` stands for a parameter. A value that is handed into a call as it is may hold `Given`s
of the caller: they are quoted (`^name`) on the way in and unquoted on the way out, so that the two never mix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter, is_
from typing import Any, TypeAlias

from lockcheck.immutable import replace
from lockcheck.linking.values import (
    Abstract,
    Alternatives,
    AttributeOf,
    Callers,
    CollectionOf,
    FromOperation,
    Given,
    Instance,
    ObjectRef,
    Opaque,
    Origin,
    Reached,
    Result,
    Row,
    SessionFactory,
    SessionRef,
    Somewhere,
    TupleOf,
    each,
    join,
)
from lockcheck.plans import Target

EACH = Somewhere("each")
"""An element of something unknown: another one at each turn of a loop."""

CALLED = Opaque(Somewhere("called"))
"""What a call gave that was handed nothing, such as `datetime.now()`: it is made of nothing that the caller holds."""

CALL = "@"
"""The key under which the arguments of a call hold where it stands: a session that a callee opens for itself is
another one at each call."""

PLAIN = frozenset({str, int, float, bool, type(None), Target})
"""What has no parts, and is most of what values consist of."""

Mapped: TypeAlias = Mapping[str, Abstract]


def parts_in(value: Any) -> tuple[Any, ...]:
    """What a value consists of."""
    kind: Any = type(value)
    apart = parts_of(kind)
    return () if apart is None else apart(value)


@cache
def parts_of(kind: type) -> Callable[[Any], tuple[Any, ...]] | None:
    """How values of a kind are taken apart; None for those that have no parts."""
    if kind is not Target and issubclass(kind, tuple):
        return tuple
    if not is_dataclass(kind):
        return None
    names = [item.name for item in fields(kind)]
    if not names:
        return None
    return attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)


def _rebuilt(value: Any, parts: tuple[Any, ...], changed: Iterable[Any]) -> Any:
    """`value` with its `parts` changed; the same object when nothing changed."""
    new = tuple(changed)
    if all(map(is_, new, parts)):
        return value
    kind: Any = type(value)
    return new if kind is tuple else kind(*new)


def identical(one: Any, other: Any) -> bool:
    """Whether two values are the same in all their parts, those included that do not count when they are compared."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    parts = parts_in(one)
    if not parts:
        return bool(one == other)
    others = parts_in(other)
    return len(parts) == len(others) and all(map(identical, parts, others))


MAX_KNOWN = 400_000

_known: dict[int, tuple[Any, bool]] = {}
"""What is known of values, by their identity: they are immutable, large, and share their parts. The value itself is
held, so that its identity is nobody else's."""


def holds_given(value: Any) -> bool:
    """Whether a value depends on a parameter, or on the call by which its function was reached."""
    kind: Any = type(value)
    apart = parts_of(kind)
    if apart is None:
        return False
    if kind is Given or (kind is SessionRef and value.owner == "own") or (kind is SessionFactory and value.is_local):
        return True
    known = _known.get(id(value))
    if known is not None:
        return known[1]
    found = any(type(part) not in PLAIN and holds_given(part) for part in apart(value))
    if len(_known) > MAX_KNOWN:
        _known.clear()
    _known[id(value)] = (value, found)
    return found


def forget() -> None:
    """Let go of the values of a project that was linked before."""
    _known.clear()


def quote(value: Abstract) -> Abstract:
    """A value on its way into a callee."""
    quoted: Abstract = _quoted(value)
    return quoted


def _quoted(value: Any) -> Any:
    if not holds_given(value):
        return value
    if isinstance(value, Given):
        return Given(f"^{value.name}", value.each)
    parts = parts_in(value)
    return _rebuilt(value, parts, map(_quoted, parts))


def substitute(value: Any, actual: Mapped) -> Any:
    """A callee's value in the caller's terms. `actual` maps the callee's parameters to the caller's values."""
    return _substituted(value, actual) if holds_given(value) else value


def _substituted(value: Any, actual: Mapped) -> Any:
    """As `substitute`, where it is known that the value changes."""
    special = _SUBSTITUTED.get(type(value))
    if special is not None:
        return special(value, actual)
    parts = parts_in(value)
    return _rebuilt(
        value,
        parts,
        [_substituted(p, actual) if type(p) not in PLAIN and holds_given(p) else p for p in parts],
    )


def _opaque(value: Opaque, actual: Mapped) -> Abstract:
    if isinstance(value.origin, Given):
        return _given(value.origin, actual)
    return Opaque(origin_in(value.origin, actual))


def _given(given: Given, actual: Mapped) -> Abstract:
    if given.name.startswith("^"):
        return Opaque(Given(given.name[1:], given.each))
    found = actual.get(given.name)
    if found is None:
        return Opaque()
    return element_of(found) if given.each else found


def element_of(value: Abstract) -> Abstract:
    """What walking over a value yields."""
    if isinstance(value, Alternatives):
        filled = [part for part in value.values if not is_empty(part)]
        return join(*(element_of(part) for part in filled)) if filled else Opaque(EACH)
    if isinstance(value, CollectionOf):
        return value.element
    if isinstance(value, TupleOf):
        return join(*(value.keys if value.kind == "dict" else value.items)) if value.items else Opaque()
    if isinstance(value, Opaque) and isinstance(value.origin, Given):
        return Opaque(Given(value.origin.name, each=True))
    return Opaque(EACH)


def _instance(value: Instance, actual: Mapped) -> Abstract:
    if isinstance(value.origin, Given) and not value.origin.name.startswith("^"):
        found = _given(value.origin, actual)
        candidates = [part for part in each(found) if isinstance(part, Instance)]
        if candidates:
            return join(*candidates)
    given = tuple((name, substitute(part, actual)) for name, part in value.given)
    return Instance(value.model, origin_in(value.origin, actual), given, value.all_given)


def _object(value: ObjectRef, actual: Mapped) -> Abstract:
    if isinstance(value.origin, Given) and not value.origin.name.startswith("^"):
        found = _given(value.origin, actual)
        if isinstance(found, ObjectRef):
            return found
    given = tuple((name, _session(session, actual)) for name, session in value.given)
    return ObjectRef(value.qualname, origin_in(value.origin, actual), given)


def _session(value: SessionRef, actual: Mapped) -> SessionRef:
    if isinstance(value.origin, Given) and not value.origin.name.startswith("^"):
        for part in each(actual.get(value.origin.name, Opaque())):
            if isinstance(part, SessionRef):
                return part
    held = _held(value.origin, actual)
    if held is not None:
        return held
    if value.owner == "own" and isinstance(value.origin, Somewhere):
        return value.at(_called(value.origin, actual))
    return value.at(origin_in(value.origin, actual))


def _factory(value: SessionFactory, actual: Mapped) -> SessionFactory:
    return replace(value, origin=_called(value.origin, actual))


def _held(origin: Origin, actual: Mapped) -> SessionRef | None:
    """The session that an object was built with, where `origin` is an attribute of one."""
    base = origin.base if isinstance(origin, Reached) else None
    if not isinstance(origin, Reached) or not isinstance(base, Given):
        return None
    sessions = (session for part in each(_given(base, actual)) for session in of_object(part, origin.name))
    return next(sessions, None)


def of_object(value: Abstract, name: str) -> Iterator[SessionRef]:
    """The session that an object was built with under a name."""
    for key, session in value.given if isinstance(value, ObjectRef) else ():
        if key == name:
            yield session


def _called(origin: Somewhere, actual: Mapped) -> Somewhere:
    """What a callee opened, told apart by the call."""
    callers = actual.get(CALL)
    return Somewhere(origin.label, origin.calls + callers.calls) if isinstance(callers, Callers) else origin


def within(callers: Abstract, actual: Mapped) -> Abstract:
    """The calls by which a function was reached that itself was reached by others."""
    outer = actual.get(CALL)
    if isinstance(callers, Callers) and isinstance(outer, Callers):
        return Callers(callers.calls + outer.calls)
    return callers


def origin_in(origin: Origin, actual: Mapped) -> Origin:
    """An origin in the caller's terms."""
    if isinstance(origin, Given):
        return origin_of(_given(origin, actual))
    if isinstance(origin, Reached):
        return Reached(origin_in(origin.base, actual), origin.name, origin.many)
    return origin


def origin_of(value: Abstract) -> Origin:
    """Where a value comes from, as far as its kind tells."""
    if value == CALLED:
        return Somewhere()
    if isinstance(value, (Opaque, Instance, ObjectRef, SessionRef)):
        return value.origin
    if isinstance(value, (Row, Result)):
        return FromOperation(value.site, many=isinstance(value, Result) or value.many)
    if isinstance(value, AttributeOf):
        return Reached(origin_of(value.base), value.name, many=False)
    if isinstance(value, CollectionOf):
        return origin_of(value.element)
    return Somewhere()


def is_empty(value: Abstract) -> bool:
    """Whether a value is an empty display, the start of a container that grows."""
    return isinstance(value, TupleOf) and not value.items


_SUBSTITUTED: Mapping[type, Callable[[Any, Mapped], Any]] = {
    Opaque: _opaque,
    Instance: _instance,
    ObjectRef: _object,
    SessionRef: _session,
    SessionFactory: _factory,
    Given: origin_in,
    Reached: origin_in,
}
