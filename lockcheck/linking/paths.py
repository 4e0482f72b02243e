"""The ways to the steps of a run: what two of them share, and what one of them tells of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.sequences import common

if TYPE_CHECKING:
    from lockcheck.linking.events import Arm, Path


def shared(one: Path, other: Path) -> Path:
    """The common beginning of two paths."""
    return one[: common(one, other)]


def exclusive(first: Path, second: Path) -> bool:
    """Whether the paths take different arms of a fork, so that the first does not lead to the second."""
    depth = len(shared(first, second))
    if depth >= len(first) or depth >= len(second):
        return False
    one, other = first[depth], second[depth]
    if (one.kind, one.fork) != (other.kind, other.fork) or one.kind == "call":
        return False
    if one.kind == "try":
        return not (one.arm == "body" or other.arm == "finally")
    return one.kind == "if"


def surely_follows(path: Path, other: Path) -> bool:
    """Whether what has `path` happens whenever the run passes where `other` is: its forks are all taken there too
    (with blocks and calls are no forks). Forks are numbered in each function anew: only what the two paths share is
    known to be the same."""
    last = next((depth for depth in range(len(path), 0, -1) if is_fork(path[depth - 1])), 0)
    return path[:last] == other[:last]


def is_fork(arm: Arm) -> bool:
    """Whether another run may leave an arm out."""
    return arm.kind not in ("with", "call") and (arm.kind != "try" or arm.arm not in ("body", "finally"))


def innermost(path: Path, kind: str) -> int:
    """The length of the path up to and with its last arm of a kind; 0 where there is none."""
    return next((number + 1 for number in range(len(path) - 1, -1, -1) if path[number].kind == kind), 0)


def caught_outside(leave: Path, other: Path) -> bool:
    """Whether a raise inside a `try` body may lead to a step in its handlers or after it."""
    for depth, arm in enumerate(leave):
        if arm.kind == "try" and arm.arm == "body" and (len(other) <= depth or other[depth] != arm):
            return True
    return False


def same_finally(leave: Path, other: Path) -> bool:
    for depth, arm in enumerate(leave):
        if arm.kind == "try" and len(other) > depth and other[depth][:2] == arm[:2] and other[depth].arm == "finally":
            return True
    return False


def beside(path: Path) -> Path:
    """The path of the other arm of the `if` that a path ends in."""
    last = path[-1]
    return (*path[:-1], last._replace(arm="else" if last.arm == "body" else "body"))
