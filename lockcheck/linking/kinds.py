"""The steps of a run by what they are, so that whoever looks for a few of them need not walk all."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from lockcheck.linking.trace import Step

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


class Kinds:
    """The steps of one run by the class of their detail. It is called with one class or several."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._found: dict[tuple[type, ...], list[tuple[Step, Any]]] = {}
        for step in steps:
            self._found.setdefault((type(step.detail),), []).append((step, step.detail))
        self.known = frozenset(kind for (kind,) in self._found)
        """The classes of which there are any."""

    @overload
    def __call__(self, kind: type[A], /) -> Sequence[tuple[Step, A]]: ...
    @overload
    def __call__(self, kind: type[A], b: type[B], /) -> Sequence[tuple[Step, A | B]]: ...
    @overload
    def __call__(self, kind: type[A], b: type[B], c: type[C], /) -> Sequence[tuple[Step, A | B | C]]: ...
    @overload
    def __call__(
        self, kind: type[A], b: type[B], c: type[C], d: type[D], /
    ) -> Sequence[tuple[Step, A | B | C | D]]: ...
    @overload
    def __call__(self, *kinds: type) -> Sequence[tuple[Step, Any]]: ...

    def __call__(self, *kinds: type) -> Sequence[tuple[Step, Any]]:
        """The steps of these kinds, each with its detail, in order."""
        found = self._found.get(kinds)
        if found is None:
            found = self._found[kinds] = self._joined(kinds)
        return found

    def _joined(self, kinds: tuple[type, ...]) -> list[tuple[Step, Any]]:
        apart = [found for kind in kinds if (found := self._found.get((kind,)))]
        if len(apart) == 1:
            return apart[0]
        numbers = sorted(step.number for step, _ in chain.from_iterable(apart))
        return [(step, step.detail) for step in map(self._steps.__getitem__, numbers)]


def before(found: Sequence[tuple[Step, A]], step: Step) -> Sequence[tuple[Step, A]]:
    """Those that stand ahead of a step."""
    return found[: bisect_left(found, step.number, key=_number)]


def after(found: Sequence[tuple[Step, A]], step: Step) -> Sequence[tuple[Step, A]]:
    """Those that stand behind a step."""
    return found[bisect_right(found, step.number, key=_number) :]


def _number(pair: tuple[Step, object]) -> int:
    return pair[0].number
