"""Places and names as a transcript shows them."""

from __future__ import annotations

from lockcheck.linking.linker import Linker
from lockcheck.plans import Target


class Places:
    """`path:line` of constructs, and functions within their modules."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker

    def of(self, target: Target) -> str:
        return f"{target.path}:{self._linker.position(target).line}"

    def short(self, function: str) -> str:
        """A function's name within its module."""
        located = self._linker.functions.get(function)
        module = located.facts.module if located is not None else ""
        return function.removeprefix(f"{module}.").replace(".<locals>", "").replace("<body>", "<module>")
