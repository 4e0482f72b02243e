"""What a hazard was seen at: the runs and steps behind it, from which `lockcheck prove` makes its experiment."""

from __future__ import annotations

from typing import NamedTuple

from lockcheck.linking.cycles import Inversion
from lockcheck.linking.lockers import Locker
from lockcheck.linking.siblings import Sibling
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.turns import Turn


class Contest(NamedTuple):
    """A run locks many rows of a table by the statement at `step`, which `other` locks in an order of its own; None for
    another run of the same code."""

    trace: Trace
    step: Step
    other: Locker | None


class Walk(NamedTuple):
    """A run locks rows of a table turn by turn, which `other` locks as well; None for another run of the same code."""

    trace: Trace
    turn: Turn
    other: Locker | None


class Widened(NamedTuple):
    """A row lock at `step` reaches joined tables."""

    trace: Trace
    step: Step


class Insertion(NamedTuple):
    """A row is looked up, and inserted where it is missing, at `step`."""

    trace: Trace
    step: Step


WITNESSES = (Contest, Walk, Widened, Insertion, Inversion, Sibling)
