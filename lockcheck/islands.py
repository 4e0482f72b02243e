"""Which files belong together: those that reach each other by imports, in either direction, over any number of files.

Names lead from file to file by imports alone, so what stands on one island can neither call nor name what stands on
another. A package is one island: importing any module of it runs its `__init__`, and those of the packages around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from lockcheck.declarations.locate import Locator

if TYPE_CHECKING:
    from lockcheck.held import Links
    from lockcheck.linked import Workspace
    from lockcheck.records import Wanted

Part = tuple["Wanted", ...]
"""The files of one island, in their order."""


def parted(workspace: Workspace, wanted: Sequence[Wanted]) -> list[Part]:
    """The islands of a project, in the order of their first files. Those on which nothing touches a database count as
    one, which comes last."""
    held = workspace.held(wanted)
    groups = islands(wanted, lambda number: held[number].links)
    if len(groups) > 1:
        alive = [group for group in groups if any(held[number].links.facts for number in group)]
        others = {number for group in groups for number in group}.difference(*alive)
        groups = [*alive, sorted(others)] if others else alive
    return [tuple(wanted[number] for number in group) for group in groups]


def islands(modules: Sequence[Wanted], links: Callable[[int], Links]) -> list[list[int]]:
    """The numbers of files that belong together. Their `links` are asked for only where packages do not join all."""
    joined = _Joined(len(modules))
    numbers = {module.module: number for number, module in enumerate(modules)}
    for name, number in numbers.items():
        for package in _around(name):
            if package in numbers:
                joined.join(number, numbers[package])
    if joined.count > 1:
        parsed = {name: modules[number] for name, number in numbers.items() if links(number).problem is None}
        locator = Locator(parsed)
        for name in parsed:
            for target in links(numbers[name]).imports:
                found = locator.locate(target, name)
                if found is not None:
                    joined.join(numbers[name], numbers[found[0]])
    return joined.groups()


def _around(module: str) -> Iterator[str]:
    """The packages that a module may lie in."""
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


class _Joined:
    """Numbers in groups. Each knows a lower one of its group; the lowest one knows itself."""

    def __init__(self, size: int) -> None:
        self._lower = list(range(size))
        self.count = size

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self._lowest(one), self._lowest(other)))
        self._lower[high] = low
        self.count -= low != high

    def groups(self) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for number in range(len(self._lower)):
            found.setdefault(self._lowest(number), []).append(number)
        return list(found.values())

    def _lowest(self, number: int) -> int:
        while self._lower[number] != number:
            self._lower[number] = number = self._lower[self._lower[number]]
        return number
