"""The functions of a project that were read, and where they stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from lockcheck import facts
    from lockcheck.linking.tables import Table


class Functions(dict[str, "Located"]):
    """The functions that were read, by qualified name; `asked` is told which ones are looked up."""

    def __init__(self, asked: Callable[[str], None]) -> None:
        super().__init__()
        self._asked = asked

    def __getitem__(self, name: str) -> Located:
        self._asked(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._asked(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self._asked(str(name))
        return super().__contains__(name)


class SliceName(NamedTuple):
    path: str
    slice: str


@dataclass(frozen=True, slots=True)
class Located:
    """A function with the slice that its sites count in."""

    facts: facts.FunctionFacts
    where: SliceName
    table: Table
