"""Sessions that objects of the project's own classes make for themselves: `self.handle = Session()` in `__init__`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck import facts
from lockcheck.linking.frame import Frame
from lockcheck.linking.tables import assignments
from lockcheck.linking.values import ObjectRef, Reached, SessionRef, each

if TYPE_CHECKING:
    from lockcheck.linking.functions import Located
    from lockcheck.linking.linker import Linker


class Holders:
    """Which attributes hold one, each looked at once."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._known: dict[tuple[str, str], SessionRef | None] = {}

    def session(self, holder: ObjectRef, name: str) -> SessionRef | None:
        """What an object holds under a name, where that is a session of its own."""
        key = (holder.qualname, name)
        if key not in self._known:
            self._known[key] = None  # an `__init__` that reads what it sets holds nothing yet
            with self._linker.evaluations.for_all():
                self._known[key] = self._made(*key)
        made = self._known[key]
        return None if made is None else SessionRef(Reached(holder.origin, name, many=False), "unknown", made.is_async)

    def _made(self, qualname: str, name: str) -> SessionRef | None:
        init = self._linker.declarations.method(qualname, "__init__")
        located: Located | None = self._linker.functions.get(init) if init else None
        if located is None:
            return None
        function = located.facts
        frame = Frame(self._linker, function, {}, {})
        frame.parameters = self._linker.binder.parameters(frame, {}, set(), root=True)
        own = (step for step in assignments(function.body) if isinstance(function.values[step.base], facts.Param))
        found = (part for step in own if step.name == name for part in each(frame.value(step.value)))
        return next((part for part in found if isinstance(part, SessionRef) and part.owner == "own"), None)
