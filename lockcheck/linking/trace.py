"""A function's events with those of its callees spliced in, in order, in its own terms."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Literal

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
    Presumed,
    Read,
    SessionCall,
    Unflushed,
    Write,
)
from lockcheck.linking.kinds import Kinds
from lockcheck.linking.paths import (
    beside,
    caught_outside,
    exclusive,
    innermost,
    is_fork,
    same_finally,
    shared,
    surely_follows,
)
from lockcheck.linking.substitution import CALL, substitute, within
from lockcheck.linking.values import Abstract, Instance, SessionRef, Somewhere, Statement, each
from lockcheck.plans import Target

MAX_STEPS = 4000
MAX_DEPTH = 14

UNKNOWN = Somewhere()
NOTES = (Absence, Answer, Construct, Presumed)
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
        self._sure_at: dict[Path, list[Exit]] = {}
        self._ending_in: dict[object, tuple[list[int], list[Path]]] = {}
        self._inside: dict[Path, list[Step]] = {}
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

    # --- what is there ---------------------------------------------------------------------------------------------

    @cached_property
    def of(self) -> Kinds:
        """The steps by the class of their detail: `trace.of(Write)`."""
        return Kinds(self.steps)

    @cached_property
    def calls(self) -> Mapping[Target, list[Step]]:
        """The calls of functions whose events are known, by where they stand."""
        found: dict[Target, list[Step]] = {}
        for step, inner in self.of(Inner):
            found.setdefault(inner.site, []).append(step)
        return found

    @cached_property
    def statements(self) -> Mapping[Target, Statement]:
        """The statements of the run, by where they are executed."""
        return {execute.site: execute.statement for _, execute in self.of(Execute)}

    @cached_property
    def executions(self) -> Mapping[Target, list[tuple[Step, Execute]]]:
        """The steps that execute a statement, by where."""
        found: dict[Target, list[tuple[Step, Execute]]] = {}
        for step, execute in self.of(Execute):
            found.setdefault(execute.site, []).append((step, execute))
        return found

    @cached_property
    def locking(self) -> list[tuple[Step, Execute]]:
        """The statements of the run that ask for row locks."""
        return [(step, execute) for step, execute in self.of(Execute) if execute.statement.lock is not None]

    # --- order -----------------------------------------------------------------------------------------------------

    @cached_property
    def end(self) -> Step:
        """The end of the run, where whoever owns the session commits."""
        return Step(len(self.steps), (), Leave("return"), (), self.function)

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
        return not any(
            self._stops(leave, first, second) and not self._avoided(leave, first, second)
            for leave in _between(self._sure(first), first, second)
        )

    def _avoided(self, leave: Exit, first: Step, second: Step) -> bool:
        """Whether an earlier `return`, say, leads past a step that would stop the run."""
        return any(
            other.skips(leave.step) and not other.skips(second) and not exclusive(first.path, other.path)
            for other in _between(self.exits, first, leave.step)
        )

    @cached_property
    def exits(self) -> list[Exit]:
        """The steps that leave a loop or a function."""
        return [Exit.of(step, leave) for step, leave in self.of(Leave)]

    @cached_property
    def _leaving(self) -> Mapping[tuple[Path, int], list[Exit]]:
        """Those that stand in an arm of an `if`, by its path and its fork."""
        found: dict[tuple[Path, int], list[Exit]] = {}
        for leave in self.exits:
            for depth, arm in enumerate(leave.path):
                if arm.kind == "if":
                    found.setdefault((leave.path[:depth], arm.fork), []).append(leave)
        return found

    def _sure(self, first: Step) -> list[Exit]:
        """The leaves that happen whenever the run passes where a step stands: all their forks are taken there."""
        found = self._sure_at.get(first.path)
        if found is None:
            taken = self._numbers(first.path)
            found = self._sure_at[first.path] = [leave for leave, needed in self._needed if needed <= taken]
        return found

    @cached_property
    def _needed(self) -> list[tuple[Exit, set[int]]]:
        """The leaves with the forks that must be taken for each of them to happen."""
        return [(leave, self._numbers(leave.path, is_fork)) for leave in self.exits]

    def _numbers(self, path: Path, counts: Callable[[Arm], bool] = lambda _: True) -> set[int]:
        """A number for each arm of a path, or for those that count, where it stands: forks are numbered in each
        function anew."""
        found, at = set(), 0
        for arm in path:
            at = self._arm_numbers.setdefault((at, arm), len(self._arm_numbers) + 1)
            if counts(arm):
                found.add(at)
        return found

    def _comes_round(self, first: Step, second: Step) -> bool:
        """Whether a loop around both leads from the first to the second in a later turn."""
        loops = [n for n, arm in enumerate(shared(first.path, second.path)) if arm.kind == "loop" and arm.arm == "body"]
        if not loops:
            return False
        body = first.path[: loops[-1] + 1]
        return not any(
            leave.how != "continue" and leave.path[: len(body)] == body
            for leave in _between(self._sure(first), first, self.end)
        )

    def _stops(self, leave: Exit, first: Step, second: Step) -> bool:
        """Whether a leave that surely follows the first step keeps the second from happening."""
        if leave.how in ("break", "continue"):
            return leave.leaves_out(second.path) and not self.common_loop(first, second)
        return leave.skips(second)

    def decided_by(self, at: Step, step: Step) -> Literal["inside", "left", "raised"] | None:
        """How a step rests on the decision at another: it stands in an arm of that fork, or an arm has left it out,
        all of those by `raise` or some by `return`, `continue` or `break`. None where it does not."""
        if not isinstance(at.detail, Decision) or at.number > step.number:
            return None
        depth, fork = len(at.path), at.detail.fork
        if len(step.path) > depth and step.path[depth][:2] == ("if", fork) and step.path[:depth] == at.path:
            return "inside"
        left = [leave for leave in _between(self._leaving.get((at.path, fork), []), at, step) if leave.skips(step)]
        if not left:
            return None
        return "raised" if all(leave.how == "raise" for leave in left) else "left"

    def common_loop(self, first: Step, second: Step) -> bool:
        """Whether both stand in the body of one loop, so that either may come first."""
        return any(arm.kind == "loop" and arm.arm == "body" for arm in shared(first.path, second.path))

    # --- transactions ----------------------------------------------------------------------------------------------

    def ended_between(self, first: Step, second: Step, session: SessionRef | None) -> bool:
        """Whether the session's transaction surely ends between two steps."""
        numbers, ends = self._ending(session)
        low = bisect_right(numbers, first.number)
        paths = ends[low : bisect_left(numbers, second.number, low)]
        if any(surely_follows(path, first.path) or surely_follows(path, second.path) for path in paths):
            return True
        whole = {path[:-1] for path in paths if path and path[-1].kind == "if" and beside(path) in paths}
        return any(surely_follows(path, first.path) or surely_follows(path, second.path) for path in whole)

    @cached_property
    def endings(self) -> list[tuple[Step, SessionRef]]:
        """The steps that end a transaction, with its session."""
        return [(step, detail.session) for step, detail in self.of(SessionCall, Opened) if _is_end(detail)]

    def _ending(self, session: SessionRef | None) -> tuple[list[int], list[Path]]:
        """The numbers and paths of those that end the transaction of a session (of any, for None)."""
        origin = session.origin if session is not None else None
        found = self._ending_in.get(origin)
        if found is None:
            steps = [step for step, ended in self.endings if session is None or same_session(ended, session)]
            found = self._ending_in[origin] = [step.number for step in steps], [step.path for step in steps]
        return found

    @cached_property
    def _ended(self) -> Mapping[int, SessionRef]:
        return {step.number: session for step, session in self.endings}

    def ends(self, step: Step, session: SessionRef | None) -> bool:
        """Whether a step ends the transaction of a session (of any, for None)."""
        ended = self._ended.get(step.number)
        return ended is not None and (session is None or same_session(ended, session))

    def unflushed(self, step: Step) -> bool:
        """Whether a step stands in a `no_autoflush` block."""
        return any(step.path[: len(block)] == block for block in self._unflushed)

    @cached_property
    def _unflushed(self) -> list[Path]:
        return [(*step.path, Arm("with", begun.fork, "body")) for step, begun in self.of(Unflushed)]

    # --- loops -----------------------------------------------------------------------------------------------------

    def loops(self) -> Iterator[tuple[Step, EnterLoop, list[Step]]]:
        """The function's own loops with the steps of their bodies, callees' included."""
        return ((step, loop, self.body(step, loop)) for step, loop in self.of(EnterLoop) if step.is_local)

    def body(self, enters: Step, loop: EnterLoop) -> list[Step]:
        """The steps of the body of a loop."""
        return self.inside((*enters.path, Arm("loop", loop.fork, "body")), enters.number)

    def inside(self, path: Path, start: int = 0) -> list[Step]:
        """The steps that a path leads to, which stand together; none of them has a number below `start`."""
        found = self._inside.get(path)
        if found is None:
            found = self._inside[path] = self._together(path, start)
        return found

    def _together(self, path: Path, start: int) -> list[Step]:
        found: list[Step] = []
        for step in islice(self.steps, start, None):
            if step.path[: len(path)] == path:
                found.append(step)
            elif found:
                break
        return found


@dataclass(frozen=True, slots=True)
class Exit:
    """A step that leaves what `within` leads to, a function or the body of a loop; all, where it raises."""

    step: Step
    how: str
    within: Path

    @classmethod
    def of(cls, step: Step, leave: Leave) -> Exit:
        kind = "call" if leave.how == "return" else "loop"
        scope = 0 if leave.how == "raise" else innermost(step.path, kind)
        return cls(step, leave.how, step.path[:scope])

    @property
    def path(self) -> Path:
        return self.step.path

    def leaves_out(self, path: Path) -> bool:
        """Whether what stands at a path does not happen behind it, at this turn of the loop."""
        if self.how == "raise":
            return not caught_outside(self.step.path, path)
        return path[: len(self.within)] == self.within

    def skips(self, step: Step) -> bool:
        """As `leaves_out`, of a step that is no `finally` block's."""
        return self.leaves_out(step.path) and not same_finally(self.step.path, step.path)


def _between(exits: list[Exit], first: Step, second: Step) -> Sequence[Exit]:
    """Those that stand between two steps."""
    low = bisect_right(exits, first.number, key=_number)
    return exits[low : bisect_left(exits, second.number, low, key=_number)]


def _number(leave: Exit) -> int:
    return leave.step.number


def _is_end(detail: SessionCall | Opened) -> bool:
    return detail.method in ENDS if isinstance(detail, SessionCall) else not detail.entered


def _passed(inner: Inner, actual: Mapping[str, Abstract]) -> tuple[tuple[str, Abstract], ...]:
    """The arguments of a call inside a callee, in the caller's terms."""
    return tuple(
        (name, within(value, actual) if name == CALL else substitute(value, actual)) for name, value in inner.actual
    )


def _single(detail: Write | Read) -> tuple[Detail, ...]:
    """An event about one of several objects, as one event for each."""
    instances = [part for part in each(detail.instance) if isinstance(part, Instance)]
    if len(instances) == 1 and instances[0] is detail.instance:
        return (detail,)
    return tuple(replace(detail, instance=part) for part in instances)


def same_session(one: SessionRef, other: SessionRef) -> bool:
    """Whether two sessions are one; two of which nothing is known are not."""
    return one.origin == other.origin and one.origin != UNKNOWN
