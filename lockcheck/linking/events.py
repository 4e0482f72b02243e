"""Events: what a function does to sessions and rows, in order, with the branches, loops and handlers it happens in."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from lockcheck.immutable import dataclass
from lockcheck.linking.values import Abstract, Instance, Known, ModelRef, SessionRef, Statement

if TYPE_CHECKING:
    from lockcheck.plans import Target


ArmKind: TypeAlias = Literal["if", "try", "loop", "with", "call"]


class Arm(NamedTuple):
    """One side of a fork on the way to an event. Two events whose paths hold the same fork with different arms never
    happen in one run of it (except a `try` body, which may happen before its handlers)."""

    kind: ArmKind
    fork: int
    arm: str


Path: TypeAlias = tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class Execute:
    """A statement is executed; `how` names the session method (`get` and `refresh` carry the SELECT they stand for)."""

    site: Target
    session: SessionRef | None
    statement: Statement
    how: str


@dataclass(frozen=True, slots=True)
class Merge:
    """`session.merge(value)`. `uses` are the attributes read from its result, None when the result is used in another
    way."""

    site: Target
    session: SessionRef
    value: Abstract
    spelling: str | None
    uses: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Add:
    site: Target
    session: SessionRef
    value: Abstract


@dataclass(frozen=True, slots=True)
class Delete:
    site: Target
    session: SessionRef
    value: Abstract


@dataclass(frozen=True, slots=True)
class SessionCall:
    """`flush`, `commit`, `rollback`, `close`, `expire`, .. of a session. `text` is the SQL of an `execute` that
    is written out."""

    site: Target
    session: SessionRef
    method: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Savepoints:
    """A `begin_nested` block is entered, or left."""

    session: SessionRef
    entered: bool


@dataclass(frozen=True, slots=True)
class Unflushed:
    """A `with session.no_autoflush` block begins; its events carry an arm with this fork."""

    fork: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A session's `with` block begins, or ends (`commits` when its end commits)."""

    session: SessionRef
    entered: bool
    commits: bool


@dataclass(frozen=True, slots=True)
class Write:
    """An attribute of a mapped object is assigned; it reaches the database at the next flush."""

    site: Target
    instance: Instance
    attribute: str
    value: Abstract


@dataclass(frozen=True, slots=True)
class Test:
    """A value is compared or tested in Python; `site` is the comparison, where it is one."""

    subject: Abstract
    operator: str
    operand: Abstract
    site: Target | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Branch:
    """An `if` on a single comparison: `test` holds in the arm `body` of its fork and does not in `else`."""

    fork: int
    test: Test


@dataclass(frozen=True, slots=True)
class Decision:
    """An `if`: which arm of its fork is taken rests on these tests and on what the calls at these sites return."""

    fork: int
    tests: tuple[Test, ...]
    calls: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Absence:
    """What it means to be in `arm`: what was looked up in `value` is not there, or the calls at `calls` gave a value
    that counts as `outcome`. With `member`, it was looked for in a collection; `alone` tells that this was all that was
    asked, `counted` that the rows were counted against a limit."""

    arm: Arm
    value: Abstract | None
    calls: tuple[Target, ...]
    outcome: bool
    member: Abstract | None
    alone: bool = True
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Presumed:
    """The arm of an `if` that is taken once the `try` with this fork has failed."""

    failed: int
    arm: Arm


@dataclass(frozen=True, slots=True)
class Answer:
    """The function returns whether something is there: where what it returns counts as `holds`, what was looked up in
    `value` is not."""

    holds: bool
    value: Abstract
    member: Abstract | None


@dataclass(frozen=True, slots=True)
class Construct:
    """An object of a mapped class is built."""

    site: Target
    model: ModelRef


@dataclass(frozen=True, slots=True)
class Read:
    """A column of a mapped object is read (recorded in handlers, where the object may be expired)."""

    site: Target | None
    instance: Instance
    attribute: str


@dataclass(frozen=True, slots=True)
class Inner:
    """A call of a project function whose own events are known."""

    site: Target
    behaviour: Behaviour
    actual: tuple[tuple[str, Abstract], ...]


@dataclass(frozen=True, slots=True)
class Outer:
    """A call that is not resolved but is handed these sessions, by the keywords in `names` (None for a position)."""

    site: Target
    sessions: tuple[SessionRef, ...]
    name: str
    names: tuple[str | None, ...] = ()

    @property
    def is_builtin(self) -> bool:
        """Whether it is one of Python's own functions, which do nothing to a session."""
        return self.name.startswith("builtins.")


@dataclass(frozen=True, slots=True)
class EnterLoop:
    """A loop begins; its body's events carry an arm with this fork."""

    site: Target
    fork: int
    iterable: Abstract | None


@dataclass(frozen=True, slots=True)
class EnterTry:
    fork: int
    handlers: int


@dataclass(frozen=True, slots=True)
class EnterHandler:
    """`except types`; unknown types are Opaque, none for a bare `except:`."""

    site: Target
    fork: int
    types: tuple[Abstract, ...]


@dataclass(frozen=True, slots=True)
class Suspend:
    """A generator yields; what follows happens when it is resumed."""


@dataclass(frozen=True, slots=True)
class Leave:
    """`value` is what is returned, where that is a constant."""

    how: Literal["return", "raise", "break", "continue"]
    value: Known | None = None


Detail: TypeAlias = (
    Execute
    | Merge
    | Add
    | Delete
    | SessionCall
    | Savepoints
    | Unflushed
    | Opened
    | Write
    | Test
    | Branch
    | Decision
    | Absence
    | Presumed
    | Answer
    | Construct
    | Read
    | Inner
    | Outer
    | EnterLoop
    | EnterTry
    | EnterHandler
    | Suspend
    | Leave
)


class Event(NamedTuple):
    path: Path
    detail: Detail


@dataclass(frozen=True, slots=True, eq=False)
class Behaviour:
    """What a function does and returns when called with a given kind of arguments.

    `function` is its qualified name. `complete` is false where recursion or depth cut it short.
    """

    function: str
    events: tuple[Event, ...]
    returns: Abstract
    yields: Abstract | None
    complete: bool
