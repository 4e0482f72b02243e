"""Which of the arms that tell what is missing, or there, a step of a run surely comes by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lockcheck.linking.events import Absence, Arm, Path
from lockcheck.linking.trace import Exit, Step


class Side(NamedTuple):
    """An arm whose path is `inside`, and what it means to be there; `other` is the path of the other arm of an `if`,
    which the `leaves` surely leave."""

    decided: Step
    absence: Absence
    inside: Path
    other: Path | None
    leaves: list[Exit]

    def is_left(self, step: Step) -> bool:
        """Whether a step happens after the other arm was left, in neither of the two."""
        if self.other is None or _leads(self.other, step) or _leads(self.inside, step):
            return False
        return any(over(leave, step) for leave in self.leaves)


class Sides:
    """Some of the sides of a run, in order."""

    def __init__(self, sides: Iterable[Side]) -> None:
        self._inside: dict[Path, list[Side]] = {}
        self._guards: list[Side] = []
        self._known: dict[int, list[Side]] = {}
        for side in sides:
            self._inside.setdefault(side.inside, []).append(side)
            if side.leaves:
                self._guards.append(side)

    def holding(self, step: Step) -> list[Side]:
        """Those that hold wherever a step happens: it stands in the arm, or comes after all others were left."""
        known = self._known.get(step.number)
        if known is None:
            known = self._known[step.number] = sorted(self._holding(step), key=_number)
        return known

    def _holding(self, step: Step) -> list[Side]:
        arms = (self._inside.get(step.path[:depth], ()) for depth in range(1, len(step.path) + 1))
        found = [side for arm in arms for side in arm if side.decided.number < step.number]
        for side in self._guards:
            if side.decided.number >= step.number:
                break
            if side.is_left(step):
                found.append(side)
        return found


def side(decided: Step, absence: Absence, arm: Arm, left: Mapping[Path, list[Exit]]) -> Side:
    """The side of an arm; `left` are the steps that surely leave an arm, by its path."""
    other = other_arm(decided.path, arm)
    return Side(decided, absence, (*decided.path, arm), other, left.get(other, []) if other is not None else [])


def other_arm(path: Path, arm: Arm) -> Path | None:
    """The path of the other arm of an `if`."""
    if arm.kind != "if":
        return None
    return (*path, Arm(arm.kind, arm.fork, "else" if arm.arm == "body" else "body"))


def over(leave: Exit, step: Step) -> bool:
    """Whether a step is not reached when the run has left at an earlier one."""
    return leave.step.number <= step.number and leave.leaves_out(step.path)


def _leads(path: Path, step: Step) -> bool:
    return step.path[: len(path)] == path


def _number(side: Side) -> int:
    return side.decided.number
