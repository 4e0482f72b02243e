"""Blocks of `with session.begin()` and `with session.begin_nested()`. Once the session's transaction has been committed
or rolled back inside such a block, SQLAlchemy refuses every later statement in it ("Can't operate on closed
transaction inside context manager"; so with `begin` and `begin_nested`, SQLAlchemy 2.0 and 2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lockcheck.linking.events import Opened, Savepoints
from lockcheck.linking.paths import innermost, shared
from lockcheck.linking.trace import Step, Trace, same_session


class Block(NamedTuple):
    """From the step that enters it to the one that leaves it."""

    entered: Step
    left: Step

    def holds(self, step: Step) -> bool:
        return self.entered.number < step.number < self.left.number


def refused(trace: Trace, end: Step, use: Step) -> bool:
    """Whether a step stands, in the same turn of all loops, in a block whose transaction was ended before it."""
    for block in _blocks(trace, end):
        if block.holds(use):
            loop = innermost(shared(end.path, use.path), "loop")
            return end.number < use.number or loop > len(block.entered.path)
    return False


def undone(trace: Trace, write: Step, later: Step) -> bool:
    """Whether a write in a savepoint's block is undone where a later step happens: an error in the block, or behind it,
    led to a handler round it."""
    depth = len(shared(write.path, later.path))
    if depth >= min(len(write.path), len(later.path)):
        return False
    one, other = write.path[depth], later.path[depth]
    if one.kind != "try" or one.fork != other.fork or one.arm != "body" or not other.arm.startswith("handler"):
        return False
    savepoints = (block for block in _blocks(trace, write) if isinstance(block.entered.detail, Savepoints))
    return any(not block.holds(later) for block in savepoints)


def _blocks(trace: Trace, inside: Step) -> Iterator[Block]:
    """The blocks of its session that a step stands in."""
    session = getattr(inside.detail, "session", None)
    opened: list[Step] = []
    if session is None:
        return
    for step, detail in trace.of(Savepoints, Opened):
        if not same_session(detail.session, session):
            continue
        if isinstance(detail, Opened) and not detail.commits:
            continue
        if detail.entered:
            opened.append(step)
        elif opened:
            block = Block(opened.pop(), step)
            if block.holds(inside):
                yield block
