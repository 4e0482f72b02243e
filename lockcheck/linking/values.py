"""Abstract values: what an expression is known to be, once names have been resolved across files.

All of them are immutable and hashable. A value that depends on what its function is called with holds a
`Given` somewhere inside, which `lockcheck.linking.substitution` replaces at a call.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from lockcheck.declarations.model import Scalar
from lockcheck.immutable import dataclass, replace
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck import facts
    from lockcheck.linking.events import Inner

# --- where a value comes from ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Given:
    """What the parameter (or closed-over variable) `name` holds; with `each`, an element of it."""

    name: str
    each: bool = False


@dataclass(frozen=True, slots=True)
class FromOperation:
    """A row that the operation at `site` returned; one of possibly many when `many`."""

    site: Target
    many: bool


@dataclass(frozen=True, slots=True)
class Built:
    """An object constructed at `site`, not yet known to the database."""

    site: Target


@dataclass(frozen=True, slots=True)
class Reached:
    """An object reached through the relationship `name` of another one."""

    base: Origin
    name: str
    many: bool


class Place(NamedTuple):
    """A value of a function, by its number."""

    function: str
    number: facts.Id


@dataclass(frozen=True, slots=True)
class Somewhere:
    """No more is known; two of these are never taken to be equal unless `label` says so: a name, or the value that
    made it. `calls` are those that led to that value, from the inside out."""

    label: str | Place = ""
    calls: tuple[Target, ...] = ()


Origin: TypeAlias = Given | FromOperation | Built | Reached | Somewhere


# --- values --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opaque:
    origin: Origin = Somewhere()


UNKNOWN = Opaque()


@dataclass(frozen=True, slots=True)
class Known:
    """A literal or enum member."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class ConstantSet:
    """A constant collection; `items` is None where not all members are known."""

    items: frozenset[Scalar] | None
    has_none: bool | None


@dataclass(frozen=True, slots=True)
class External:
    """Something of another library or the standard library, or a module, by qualified name."""

    qualname: str


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A mapped class or Core table; `alias` tells `aliased(..)` copies apart, `core` the table of a class
    (`__table__`)."""

    qualname: str
    alias: Target | None = None
    core: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class ColumnRef:
    model: ModelRef
    attribute: str


@dataclass(frozen=True, slots=True)
class RelationRef:
    model: ModelRef
    name: str


@dataclass(frozen=True, slots=True)
class ClassRef:
    """A class of the project that is not mapped."""

    qualname: str


@dataclass(frozen=True, slots=True)
class FunctionRef:
    """A function of the project; `receiver` is what it was looked up on, `closure` what a nested one can see."""

    qualname: str
    receiver: Abstract | None = None
    closure: tuple[tuple[str, Abstract], ...] = ()

    def on(self, receiver: Abstract) -> FunctionRef:
        """The same function, looked up on something."""
        return FunctionRef(self.qualname, receiver, self.closure)


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object of a class of the project that is not mapped. `given` are the sessions that it was built with, by the
    attributes that hold them."""

    qualname: str
    origin: Origin
    given: tuple[tuple[str, SessionRef], ...] = ()


@dataclass(frozen=True, slots=True)
class SessionFactory:
    """A sessionmaker, `scoped_session` or similar; calling it gives a session. `origin` tells which one: its module,
    or the call that makes it."""

    origin: Somewhere
    shared: bool
    is_async: bool = False

    @property
    def is_local(self) -> bool:
        """Whether a function makes it, so that each call of the function makes another one."""
        label = self.origin.label
        return isinstance(label, Place) and not label.function.endswith("<body>")


@dataclass(frozen=True, slots=True)
class Callers:
    """The calls by which a function was reached, from the inside out."""

    calls: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class SessionRef:
    """A session or connection. `owner` says who ends its transaction: the caller, this function, or nobody in
    particular. `joined` is a session that was bound to a connection of the caller's: its commit() only flushes
    (SQLAlchemy's `join_transaction_mode`)."""

    origin: Origin
    owner: Literal["given", "own", "shared", "unknown"]
    is_async: bool = False
    joined: bool = False

    def at(self, origin: Origin) -> SessionRef:
        """A session of the same kind from somewhere else."""
        return SessionRef(origin, self.owner, self.is_async, self.joined)


@dataclass(frozen=True, slots=True)
class Savepoint:
    session: SessionRef
    nested: bool


@dataclass(frozen=True, slots=True)
class Entering:
    """A context manager of the project: what `with` binds, and the events before and after its block."""

    value: Abstract
    before: Inner | None = field(default=None, compare=False)
    after: Inner | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a mapped class. `given` are the keyword arguments it was built with, where it was built here."""

    model: ModelRef
    origin: Origin
    given: tuple[tuple[str, Abstract], ...] = ()
    all_given: bool = True


@dataclass(frozen=True, slots=True)
class AttributeOf:
    """A column's value, or any attribute, of an object."""

    base: Abstract
    name: str


@dataclass(frozen=True, slots=True)
class Next:
    """A number counted on from another value, `base + 1`."""

    base: Abstract


Walk: TypeAlias = Literal["", "set", "mapping", "fixed"]
"""Whether a collection is, or was copied from, a set, or is walked as a mapping: its order tells nothing. Or whether it
is that of the fields of a class."""


@dataclass(frozen=True, slots=True)
class CollectionOf:
    """A list, set, tuple or iterator of unknown length. `ordered_by` is the attribute its elements are sorted by,
    where known ("" for `sorted(..)` of plain values, "-" for descending, "?" for another order that is the same in
    each run, as of ORDER BY)."""

    element: Abstract
    ordered_by: str | None = None
    single: bool = False
    """All members are one and the same value."""
    walk: Walk = ""


@dataclass(frozen=True, slots=True)
class TupleOf:
    """A sequence or mapping display of known length (a mapping's values, with `keys`)."""

    items: tuple[Abstract, ...]
    kind: Literal["list", "tuple", "set", "dict"]
    keys: tuple[Abstract, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several values; never nested, at least two."""

    values: tuple[Abstract, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What executing `statement` returned. `scalars` when each element is the first column or entity. `rows` is the
    number that a terminal method promises: many, one (or none)."""

    statement: Statement
    site: Target
    scalars: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a result with several columns."""

    statement: Statement
    site: Target
    many: bool


@dataclass(frozen=True, slots=True)
class SubqueryColumn:
    """A column of a statement that was made a subquery or common table expression."""

    statement: Statement
    name: str


@dataclass(frozen=True, slots=True)
class Expression:
    """A SQL expression that is neither a plain column nor a condition; `columns` are those it reads."""

    columns: tuple[ColumnRef, ...] = ()
    call: str = ""


# --- clauses -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Condition:
    """`columns operator operand`; more than one column for `tuple_(..)`. Operators: == != < <= > >= in, not in, is
    null, is not null, is distinct, like, other. `site` is the comparison or method call that wrote it."""

    columns: tuple[ColumnRef, ...]
    operator: str
    operand: Abstract
    site: Target | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Both:
    """AND."""

    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """OR. `many` tells that a list was unpacked into it, so that each condition stands for any number of its kind."""

    clauses: tuple[Clause, ...]
    many: bool = False


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these conditions, chosen by the program: each may be the whole of it."""

    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    clause: Clause


@dataclass(frozen=True, slots=True)
class Exists:
    """EXISTS or a relationship's `any`/`has`."""

    statement: Statement | None = None


@dataclass(frozen=True, slots=True)
class OpaqueClause:
    """A condition that could not be read: it may pin anything or nothing."""


Clause: TypeAlias = Condition | Both | Either | OneOf | Negated | Exists | OpaqueClause


# --- statements ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Join:
    """A join to `model` (None where it could not be read)."""

    model: ModelRef | None
    outer: bool
    explicit: bool = True


@dataclass(frozen=True, slots=True)
class LoaderOption:
    """`joinedload(A.b)` and its kin; `path` leads from the first entity on, `everything` stands for "*". `also` are
    options that were chained to it for what lies behind."""

    style: str
    path: tuple[RelationRef, ...]
    everything: bool = False
    inner: bool = False
    also: tuple[LoaderOption, ...] = ()


@dataclass(frozen=True, slots=True)
class RowLock:
    """FOR UPDATE and its weaker forms. `of` is None where it was not given, and holds `Opaque` parts where it could
    not be read."""

    of: tuple[Abstract, ...] | None
    nowait: bool
    skip_locked: bool
    read: bool
    key_share: bool
    site: Target | None = field(default=None, compare=False)
    style: Literal["method", "mapping", "helper"] = field(default="method", compare=False)
    depends: bool = field(default=False, compare=False)
    """Whether it is taken depends on dialect, settings or a branch."""
    asked_at: Target | None = field(default=None, compare=False)
    """The `with_for_update` inside the helper, where `site` is a helper's call."""

    @property
    def blocking(self) -> bool:
        return not (self.nowait or self.skip_locked)


@dataclass(frozen=True, slots=True)
class Assignments:
    """The SET of an UPDATE or the values of an INSERT, keyed by attribute (or column name); `complete` is false when
    part of it could not be read."""

    items: tuple[tuple[str, Abstract], ...] = ()
    complete: bool = True

    def get(self, name: str) -> Abstract | None:
        return next((value for key, value in reversed(self.items) if key == name), None)


@dataclass(frozen=True, slots=True)
class Statement:
    """A SELECT, UPDATE, DELETE or INSERT as far as it was built.

    `entities` are what a SELECT, or RETURNING, returns. `model` is the table that is written, or the first one read.
    `where` is a conjunction. `site` is the call that began it. `spelling` is how the entity reads there. `local` names
    the one function that built all of it, None when several did. `query` is the session of a legacy
    `session.query(..)`.
    `readable` is false once a step was not understood.
    """

    kind: Literal["select", "update", "delete", "insert"]
    site: Target
    model: ModelRef | None
    entities: tuple[Abstract, ...] = ()
    where: tuple[Clause, ...] = ()
    assigned: Assignments = Assignments()
    joins: tuple[Join, ...] = ()
    options: tuple[LoaderOption, ...] = ()
    order_by: tuple[Abstract, ...] = ()
    limited: bool = False
    distinct: bool = False
    grouped: bool = False
    compound: bool = False
    lock: RowLock | None = None
    on_conflict: str | None = None
    populate_existing: bool = False
    synchronize: Abstract | None = None
    spelling: str | None = field(default=None, compare=False)
    query: SessionRef | None = None
    readable: bool = True
    rows: Abstract | None = None
    """What `values(..)` or an execution was given in place of single values: the rows of a multi-row INSERT."""
    steps: frozenset[str] = field(default=frozenset(), compare=False)
    """The functions (slices) that had a hand in it."""
    on_sqlite: bool = False
    """Whether it is SQLite's own `insert(..)`: that database has no row locks."""

    def with_lock_at(self, site: Target) -> Statement:
        """The same statement, its lock taken to stand at a helper's call."""
        lock = self.lock
        if lock is None:
            return self
        return replace(self, lock=replace(lock, site=site, style="helper", asked_at=lock.asked_at or lock.site))


Abstract: TypeAlias = (
    Opaque
    | Known
    | ConstantSet
    | External
    | ModelRef
    | ColumnRef
    | RelationRef
    | ClassRef
    | FunctionRef
    | ObjectRef
    | SessionFactory
    | Callers
    | SessionRef
    | Savepoint
    | Entering
    | Instance
    | AttributeOf
    | Next
    | CollectionOf
    | TupleOf
    | Alternatives
    | Result
    | Row
    | SubqueryColumn
    | Expression
    | Condition
    | Both
    | Either
    | OneOf
    | Negated
    | Exists
    | OpaqueClause
    | LoaderOption
    | Statement
)

MAX_ALTERNATIVES = 6
"""Beyond this many alternatives a value is opaque (values are bounded, and past the bound opaque)."""


FEW = 4
"""So many values are compared one by one: that takes less than their hashes do."""


def alternatives(values: tuple[Abstract, ...]) -> tuple[Abstract, ...]:
    """The single values that a value may be."""
    flat: list[Abstract] = []
    for value in values:
        flat.extend(value.values if isinstance(value, Alternatives) else (value,))
    if len(flat) > FEW:
        return tuple(dict.fromkeys(flat))
    found: list[Abstract] = []
    for value in flat:
        if value not in found:
            found.append(value)
    return tuple(found)


def join(*values: Abstract) -> Abstract:
    """One of `values`; opaque past the bound, or when nothing is given."""
    if len(values) == 1:
        return values[0]
    flat = alternatives(values)
    if len(flat) == 1:
        return flat[0]
    if len(flat) > MAX_ALTERNATIVES:
        return _collapsed(flat)
    return Alternatives(flat) if flat else Opaque()


def _collapsed(values: tuple[Abstract, ...]) -> Abstract:
    """Many forms of a few statements, as one each; opaque where there are other values among them."""
    forms: dict[object, list[Statement]] = {}
    for value in values:
        if not isinstance(value, Statement):
            return Opaque()
        forms.setdefault((value.kind, value.site, value.model), []).append(value)
    if len(forms) > MAX_ALTERNATIVES:
        return Opaque()
    found = tuple(_common(same) if len(same) > 1 else same[0] for same in forms.values())
    return Alternatives(found) if len(found) > 1 else found[0]


def _common(forms: list[Statement]) -> Statement:
    """The forms of one statement, as one: what all of them hold stays, the rest of the WHERE is opaque."""
    first = forms[0]
    bare = replace(first, where=(), lock=None, assigned=Assignments())
    alike = all(replace(form, where=(), lock=None, assigned=Assignments()) == bare for form in forms)
    items = (item for item in first.assigned.items if all(item in form.assigned.items for form in forms))
    assigned = Assignments(tuple(items), complete=all(form.assigned == first.assigned for form in forms))
    shared = (clause for clause in first.where if all(clause in form.where for form in forms))
    kept = tuple(clause for clause in shared if not isinstance(clause, OpaqueClause))
    locks = [form.lock for form in forms if form.lock is not None]
    lock = replace(locks[0], depends=locks[0].depends or len(locks) < len(forms)) if locks else None
    steps = frozenset(step for form in forms for step in form.steps)
    readable = alike and all(form.readable for form in forms)
    where = (*kept, OpaqueClause())
    return replace(first, where=where, assigned=assigned, lock=lock, steps=steps, readable=readable)


def each(value: Abstract) -> tuple[Abstract, ...]:
    return value.values if isinstance(value, Alternatives) else (value,)


def merged_locks(value: Abstract) -> Abstract:
    """Statements that differ only in their lock become the locked one: a lock that may be taken counts as taken, and
    says that it depends."""
    if not isinstance(value, Alternatives):
        return value
    locked = [part for part in value.values if isinstance(part, Statement) and part.lock is not None]
    dropped = set()
    kept: list[Abstract] = []
    for statement in locked:
        bare = replace(statement, lock=None)
        if bare in value.values:
            dropped.add(bare)
    for part in value.values:
        if isinstance(part, Statement) and part.lock is not None and replace(part, lock=None) in dropped:
            kept.append(replace(part, lock=replace(part.lock, depends=True)))
        elif part not in dropped:
            kept.append(part)
    return join(*kept)
