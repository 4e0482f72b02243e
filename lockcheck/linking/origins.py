"""Where the parts of a value come from: which operations returned them, and whether they change from turn to turn of
a loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockcheck.linking.substitution import EACH, parts_of
from lockcheck.linking.values import (
    Built,
    FromOperation,
    Given,
    Instance,
    Next,
    Opaque,
    Origin,
    Reached,
    Result,
    Row,
    Somewhere,
)
from lockcheck.plans import Target

FRESH = Opaque(Somewhere("generated"))
"""A value that nobody else has, such as `uuid4()`."""

MAX_KNOWN = 400_000

_known: dict[int, tuple[Any, tuple[Origin, ...]]] = {}
"""The origins inside values, by the identity of these, which are held: they are immutable and share their parts."""


def origins(value: Any) -> tuple[Origin, ...]:
    """Every origin inside a value; a number that was counted on is a value of its own."""
    kind: Any = type(value)
    if parts_of(kind) is None:
        return ()
    known = _known.get(id(value))
    if known is not None:
        return known[1]
    found = tuple(_origins(value, kind))
    if len(_known) > MAX_KNOWN:
        _known.clear()
    _known[id(value)] = (value, found)
    return found


def _origins(value: Any, kind: Any) -> Iterator[Origin]:
    if kind is Next:
        return
    if kind in _KINDS:
        yield value
        if kind is Reached:
            yield from origins(value.base)
    elif kind is Instance:
        yield from origins(value.origin)
    elif kind in (Row, Result):
        yield FromOperation(value.site, many=kind is Result or value.many)
    else:
        apart = parts_of(kind)
        for part in apart(value) if apart is not None else ():
            yield from origins(part)


_KINDS = frozenset({Given, FromOperation, Built, Reached, Somewhere})


def forget() -> None:
    """Let go of the values of a project that was linked before."""
    _known.clear()


def operations(value: Any) -> frozenset[Target]:
    """The operations whose rows a value was taken from."""
    return frozenset(origin.site for origin in origins(value) if isinstance(origin, FromOperation))


def varies(value: Any) -> bool:
    """Whether a value is another one at each turn of a loop, as far as can be shown."""
    return any(_varies(origin) for origin in origins(value))


def _varies(origin: Origin) -> bool:
    if isinstance(origin, Given):
        return origin.each
    if isinstance(origin, (FromOperation, Reached)):
        return origin.many
    return origin == EACH


def built(value: Any) -> bool:
    """Whether a value hangs off objects that were constructed here, and off nothing that was there before."""
    found = [origin for origin in origins(value) if not isinstance(origin, Somewhere)]
    return bool(found) and any(isinstance(o, Built) for o in found) and not any(_older(o) for o in found)


def _older(origin: Origin) -> bool:
    return isinstance(origin, (FromOperation, Given)) or (isinstance(origin, Reached) and not built(origin.base))


def steady(value: Any) -> bool:
    """Whether a value is known to be one and the same at every turn."""
    found = list(origins(value))
    return bool(found) and not any(_varies(origin) or isinstance(origin, Somewhere) for origin in found)


def is_fresh(value: Any) -> bool:
    """Whether a value is fresh, or made of a fresh one."""
    return any(origin == FRESH.origin for origin in origins(value))
