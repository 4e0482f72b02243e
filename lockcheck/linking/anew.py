"""What a loop makes anew at each turn."""

from __future__ import annotations

from lockcheck import facts
from lockcheck.linking.steps import calls_of_turn
from lockcheck.linking.values import Built, Origin, Place, Reached, Somewhere
from lockcheck.plans import Target


def made_anew(function: facts.FunctionFacts, loop: Target | None, origin: Origin) -> bool:
    """Whether a session is made at each turn of a loop of the function, as far as can be seen: by a call in the loop,
    or by what such a call leads to; or is that of an object which a call in the loop makes."""
    maker = owner(origin)
    if loop is None or not isinstance(maker, (Somewhere, Built)):
        return False
    turn = set(calls_of_turn(function, loop.index))
    calls = (maker.site,) if isinstance(maker, Built) else maker.calls
    if any(call.slice == loop.slice and any(made.site == call.index for made in turn) for call in calls):
        return True
    place = maker.label if isinstance(maker, Somewhere) and maker is origin else None
    return isinstance(place, Place) and place.function == function.qualname and function.values[place.number] in turn


def owner(origin: Origin) -> Origin:
    """Where the object comes from that holds a session, or the session itself."""
    while isinstance(origin, Reached):
        origin = origin.base
    return origin
