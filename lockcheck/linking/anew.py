"""What a loop makes anew at each turn."""

from __future__ import annotations

from lockcheck import facts
from lockcheck.linking.steps import calls_of_turn
from lockcheck.linking.values import Origin, Place, Somewhere
from lockcheck.plans import Target


def made_anew(function: facts.FunctionFacts, loop: Target | None, origin: Origin) -> bool:
    """Whether a session is made at each turn of a loop of the function, as far as can be seen: by a call in the loop,
    or by what such a call leads to."""
    if loop is None or not isinstance(origin, Somewhere):
        return False
    turn = set(calls_of_turn(function, loop.index))
    if any(call.slice == loop.slice and any(made.site == call.index for made in turn) for call in origin.calls):
        return True
    place = origin.label
    return isinstance(place, Place) and place.function == function.qualname and function.values[place.number] in turn
