"""Blocks of `with session.begin()` and `with session.begin_nested()`. Once the session's transaction has been committed
or rolled back inside such a block, SQLAlchemy refuses every later statement in it ("Can't operate on closed
transaction inside context manager"; so with `begin` and `begin_nested`, SQLAlchemy 2.0 and 2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lockcheck.linking.events import Opened, Savepoints
from lockcheck.linking.trace import Step, Trace, innermost, same_session, shared


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


def _blocks(trace: Trace, end: Step) -> Iterator[Block]:
    """The blocks of a session that a step which ends its transaction stands in."""
    session = getattr(end.detail, "session", None)
    opened: list[Step] = []
    for step in trace.steps:
        detail = step.detail
        explicit = isinstance(detail, Savepoints) or (isinstance(detail, Opened) and detail.commits)
        if session is None or not explicit or not same_session(detail.session, session):
            continue
        if detail.entered:
            opened.append(step)
        elif opened:
            block = Block(opened.pop(), step)
            if block.holds(end):
                yield block
