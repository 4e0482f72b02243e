"""A function's events with those of its callees spliced in, in order, in its own terms."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Literal

from lockcheck.immutable import dataclass, replace
from lockcheck.linking.events import (
    Absence,
    Answer,
    Arm,
    Behaviour,
    Construct,
    Decision,
    Detail,
    EnterLoop,
    Execute,
    Inner,
    Leave,
    Opened,
    Path,
    Read,
    SessionCall,
    Test,
    Unflushed,
    Write,
)
from lockcheck.linking.substitution import CALL, substitute, within
from lockcheck.linking.values import Abstract, Instance, SessionRef, Somewhere, Statement, each
from lockcheck.plans import Target
from lockcheck.sequences import common

MAX_STEPS = 4000
MAX_DEPTH = 14

NOTES = (Absence, Answer, Construct)
ENDS = frozenset({"commit", "rollback", "close", "reset", "invalidate", "remove"})


@dataclass(frozen=True, slots=True)
class Step:
    """One event. `calls` are the call sites on the way to it; `function` is where it stands."""

    number: int
    path: Path
    detail: Detail
    calls: tuple[Target, ...]
    function: str

    @property
    def is_local(self) -> bool:
        return not self.calls


class Trace:
    """All that may happen when `function` runs. Questions about order are asked of one run, loops included."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.function = behaviour.function
        self.complete = behaviour.complete
        self.steps: list[Step] = []
        self._reached: dict[tuple[int, int], bool] = {}
        self._arm_numbers: dict[tuple[int, Arm], int] = {}
        self._arms_of: dict[Path, frozenset[int]] = {}
        self._notes = 0
        """How many steps only tell what is known, and happen to nothing."""
        self._splice(behaviour, {}, (), (), root=True)

    def _splice(
        self,
        behaviour: Behaviour,
        actual: Mapping[str, Abstract],
        prefix: Path,
        calls: tuple[Target, ...],
        *,
        root: bool = False,
    ) -> None:
        for number, event in enumerate(behaviour.events):
            if len(self.steps) - self._notes >= MAX_STEPS:
                self.complete = False
                return
            path = prefix + event.path
            detail = event.detail
            if isinstance(detail, Inner):
                detail = detail if root else Inner(detail.site, detail.behaviour, _passed(detail, actual))
            elif not root:
                detail = substitute(detail, actual)
            self._notes += isinstance(detail, NOTES)
            for one in _single(detail) if isinstance(detail, (Write, Read)) else (detail,):
                self.steps.append(Step(len(self.steps), path, one, calls, behaviour.function))
            if isinstance(detail, Inner) and len(calls) < MAX_DEPTH:
                arm = Arm("call", number, detail.behaviour.function)
                self._splice(detail.behaviour, dict(detail.actual), (*path, arm), (*calls, detail.site))

    @cached_property
    def calls(self) -> Mapping[Target, list[Step]]:
        """The calls of functions whose events are known, by where they stand."""
        found: dict[Target, list[Step]] = {}
        for step in self.steps:
            if isinstance(step.detail, Inner):
                found.setdefault(step.detail.site, []).append(step)
        return found

    # --- order -----------------------------------------------------------------------------------------------------

    @cached_property
    def _leaves(self) -> list[Step]:
        return [step for step in self.steps if isinstance(step.detail, Leave)]

    @cached_property
    def end(self) -> Step:
        """The end of the run, where whoever owns the session commits."""
        return Step(len(self.steps), (), Leave("return"), (), self.function)

    @cached_property
    def statements(self) -> Mapping[Target, Statement]:
        """The statements of the run, by where they are executed."""
        return {step.detail.site: step.detail.statement for step in self.steps if isinstance(step.detail, Execute)}

    @cached_property
    def executions(self) -> Mapping[Target, list[Step]]:
        """The steps that execute a statement, by where."""
        found: dict[Target, list[Step]] = {}
        for step in self.steps:
            if isinstance(step.detail, Execute):
                found.setdefault(step.detail.site, []).append(step)
        return found

    @cached_property
    def locking(self) -> list[tuple[Step, Execute]]:
        """The statements of the run that ask for row locks."""
        found = ((step, step.detail) for step in self.steps)
        return [(step, d) for step, d in found if isinstance(d, Execute) and d.statement.lock is not None]

    @cached_property
    def tests(self) -> list[tuple[Step, Test]]:
        """What the run compares and tests."""
        return [(step, step.detail) for step in self.steps if isinstance(step.detail, Test)]

    @cached_property
    def writes(self) -> list[tuple[Step, Write]]:
        """The attributes of mapped objects that the run assigns."""
        return [(step, step.detail) for step in self.steps if isinstance(step.detail, Write)]

    def executed(self, site: Target) -> Iterator[Execute]:
        """What the run executes at a site."""
        return (step.detail for step in self.executions.get(site, ()) if isinstance(step.detail, Execute))

    def reaches(self, first: Step, second: Step) -> bool:
        """Whether `second` may happen after `first` in one run."""
        if second.number == len(self.steps):
            return True
        key = (first.number, second.number)
        found = self._reached.get(key)
        if found is None:
            found = self._reached[key] = self._leads(first, second)
        return found

    def _leads(self, first: Step, second: Step) -> bool:
        if first.number >= second.number or exclusive(first.path, second.path):
            return first.number != second.number and self._comes_round(first, second)
        taken = self._taken(first)
        low = bisect_right(self._leave_numbers, first.number)
        high = bisect_left(self._leave_numbers, second.number, low)
        return not any(
            self._needed[at] <= taken
            and self._stops(self._leaves[at], first, second)
            and not self._avoided(self._leaves[at], first, second)
            for at in range(low, high)
        )

    def _avoided(self, leave: Step, first: Step, second: Step) -> bool:
        """Whether an earlier `return`, say, leads past a step that would stop the run."""
        low = bisect_right(self._leave_numbers, first.number)
        high = bisect_left(self._leave_numbers, leave.number, low)
        return any(
            self.skips(other, leave) and not self.skips(other, second) and not exclusive(first.path, other.path)
            for other in self._leaves[low:high]
        )

    @cached_property
    def _leave_numbers(self) -> list[int]:
        return [leave.number for leave in self._leaves]

    @cached_property
    def _needed(self) -> list[frozenset[int]]:
        """The forks that must be taken for each of the leaves to happen."""
        numbered = ((leave.path, self._numbers(leave.path)) for leave in self._leaves)
        return [
            frozenset(n for arm, n in zip(path, numbers, strict=True) if is_fork(arm)) for path, numbers in numbered
        ]

    def _taken(self, step: Step) -> frozenset[int]:
        found = self._arms_of.get(step.path)
        if found is None:
            found = self._arms_of[step.path] = frozenset(self._numbers(step.path))
        return found

    def _numbers(self, path: Path) -> list[int]:
        """A number for each arm of a path where it stands: forks are numbered in each function anew."""
        found = [0]
        for arm in path:
            found.append(self._arm_numbers.setdefault((found[-1], arm), len(self._arm_numbers) + 1))
        return found[1:]

    def _comes_round(self, first: Step, second: Step) -> bool:
        """Whether a loop around both leads from the first to the second in a later turn."""
        loops = [n for n, arm in enumerate(shared(first.path, second.path)) if arm.kind == "loop" and arm.arm == "body"]
        if not loops:
            return False
        body = first.path[: loops[-1] + 1]
        return not any(
            self._needed[at] <= self._taken(first)
            and leave.path[: len(body)] == body
            and isinstance(leave.detail, Leave)
            and leave.detail.how != "continue"
            for at, leave in self._leaves_after(first)
        )

    def _leaves_after(self, step: Step) -> Iterator[tuple[int, Step]]:
        low = bisect_right(self._leave_numbers, step.number)
        return ((at, self._leaves[at]) for at in range(low, len(self._leaves)))

    def _stops(self, leave: Step, first: Step, second: Step) -> bool:
        """Whether a leave that surely follows the first step keeps the second from happening."""
        how = leave.detail.how if isinstance(leave.detail, Leave) else "return"
        if how in ("break", "continue"):
            loop = innermost(leave.path, "loop")
            return second.path[:loop] == leave.path[:loop] and not self.common_loop(first, second)
        if how == "raise" and caught_outside(leave.path, second.path):
            return False
        scope = innermost(leave.path, "call") if how == "return" else 0
        return second.path[:scope] == leave.path[:scope] and not same_finally(leave.path, second.path)

    def decided_by(self, at: Step, step: Step) -> Literal["inside", "left", "raised"] | None:
        """How a step rests on the decision at another: it stands in an arm of that fork, or an arm has left it out,
        all of those by `raise` or some by `return`, `continue` or `break`. None where it does not."""
        if not isinstance(at.detail, Decision) or at.number > step.number:
            return None
        fork = (*at.path, ("if", at.detail.fork))
        if _in_fork(step.path, fork):
            return "inside"
        between = (leave for leave in self._leaves if at.number < leave.number < step.number)
        left = [leave for leave in between if _in_fork(leave.path, fork) and self.skips(leave, step)]
        if not left:
            return None
        raised = all(isinstance(leave.detail, Leave) and leave.detail.how == "raise" for leave in left)
        return "raised" if raised else "left"

    def skips(self, leave: Step, step: Step) -> bool:
        """Whether a step does not happen, at this turn of the loop, in a run that leaves by an earlier one."""
        how = leave.detail.how if isinstance(leave.detail, Leave) else "return"
        if how == "raise":
            return not caught_outside(leave.path, step.path) and not same_finally(leave.path, step.path)
        scope = innermost(leave.path, "call" if how == "return" else "loop")
        return step.path[:scope] == leave.path[:scope] and not same_finally(leave.path, step.path)

    def common_loop(self, first: Step, second: Step) -> bool:
        """Whether both stand in the body of one loop, so that either may come first."""
        return any(arm.kind == "loop" and arm.arm == "body" for arm in shared(first.path, second.path))

    # --- transactions ----------------------------------------------------------------------------------------------

    def ended_between(self, first: Step, second: Step, session: SessionRef | None) -> bool:
        """Whether the session's transaction surely ends between two steps."""
        ends = [s for s in self._ends if first.number < s.number < second.number and self.ends(s, session)]
        paths = {step.path for step in ends}
        paths |= {path[:-1] for path in paths if path and path[-1].kind == "if" and _other_arm(path) in paths}
        return any(surely_follows(path, first.path) or surely_follows(path, second.path) for path in paths)

    @cached_property
    def _ends(self) -> list[Step]:
        return [step for step in self.steps if self.ends(step, None)]

    def ends(self, step: Step, session: SessionRef | None) -> bool:
        """Whether a step ends the transaction of a session (of any, for None)."""
        detail = step.detail
        if isinstance(detail, SessionCall) and detail.method in ENDS:
            return session is None or same_session(detail.session, session)
        if isinstance(detail, Opened) and not detail.entered:
            return session is None or same_session(detail.session, session)
        return False

    def unflushed(self, step: Step) -> bool:
        """Whether a step stands in a `no_autoflush` block."""
        return any(step.path[: len(block)] == block for block in self._unflushed)

    @cached_property
    def _unflushed(self) -> list[Path]:
        begun = ((step.path, step.detail) for step in self.steps)
        return [(*path, Arm("with", d.fork, "body")) for path, d in begun if isinstance(d, Unflushed)]

    # --- loops -----------------------------------------------------------------------------------------------------

    def loops(self) -> Iterator[tuple[Step, EnterLoop, list[Step]]]:
        """The function's own loops with the steps of their bodies, callees' included."""
        for step in self.steps:
            if isinstance(step.detail, EnterLoop) and step.is_local:
                arm = Arm("loop", step.detail.fork, "body")
                depth = len(step.path)
                prefix = (*step.path, arm)
                body = [other for other in self.steps[step.number :] if other.path[: depth + 1] == prefix]
                yield step, step.detail, body


def _other_arm(path: Path) -> Path:
    last = path[-1]
    return (*path[:-1], last._replace(arm="else" if last.arm == "body" else "body"))


def _passed(inner: Inner, actual: Mapping[str, Abstract]) -> tuple[tuple[str, Abstract], ...]:
    """The arguments of a call inside a callee, in the caller's terms."""
    return tuple(
        (name, within(value, actual) if name == CALL else substitute(value, actual)) for name, value in inner.actual
    )


def _in_fork(path: Path, fork: tuple[Any, ...]) -> bool:
    """Whether a path goes through an arm of a fork."""
    depth = len(fork) - 1
    return len(path) > depth and path[:depth] == fork[:depth] and path[depth][:2] == fork[depth]


def _single(detail: Write | Read) -> tuple[Detail, ...]:
    """An event about one of several objects, as one event for each."""
    instances = [part for part in each(detail.instance) if isinstance(part, Instance)]
    if len(instances) == 1 and instances[0] is detail.instance:
        return (detail,)
    return tuple(replace(detail, instance=part) for part in instances)


def same_session(one: SessionRef, other: SessionRef) -> bool:
    """Whether two sessions are one; two of which nothing is known are not."""
    return one.origin == other.origin and one.origin != Somewhere()


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
    return not any(is_fork(arm) for arm in path[len(shared(path, other)) :])


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
