"""Fix plans: what a rule wants changed, in the databases' words; `lockcheck.fixes` turns them into edits.

A plan names constructs by `Target`: the function's slice and a site number. Python names in a plan (`model`, `key`)
are spelled as they read in that function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from lockcheck.facts import SiteKind


class Target(NamedTuple):
    """The `index`-th construct of a kind in a slice of a file; `slice` is the slice's qualified name."""

    path: str
    slice: str
    kind: SiteKind
    index: int  # type: ignore[assignment]  # tuple.index is not called on targets


@dataclass(frozen=True, slots=True)
class LockOnly:
    """Limit a row lock to one model: `of=model` on `.with_for_update(..)` or a helper's call that passes keywords to
    it, or `with_for_update={"of": model}` on `get`/`refresh`. `lock` is that call."""

    lock: Target
    model: str
    style: Literal["keyword", "mapping"]


@dataclass(frozen=True, slots=True)
class ChangeLock:
    """Ask for another lock: with `key_share=True`, or no longer with `read=True`, or both. `lock` is the call that
    locks; with the style "mapping" it passes `with_for_update=..`."""

    lock: Target
    style: Literal["method", "mapping", "helper"]
    key_share: bool = False
    drop_read: bool = False


@dataclass(frozen=True, slots=True)
class DropLock:
    """Take `.with_for_update(..)` out of a chain."""

    lock: Target


@dataclass(frozen=True, slots=True)
class ReadFirstRow:
    """Test the first row of a result instead of the result: `execution` is the call that returns it, the test stands
    round it or is the only use of the variable that holds it."""

    execution: Target


@dataclass(frozen=True, slots=True)
class LoadSeparately:
    """MariaDB drops `of`: load eager relationships by a second SELECT instead of a join."""

    lock: Target
    model: str
    relationships: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderLock:
    """Insert `.order_by(model.key, ..)` ahead of the `.with_for_update(..)` call. `is_table` marks a Core `Table`,
    whose columns read `model.c.key`."""

    lock: Target
    model: str
    key: tuple[str, ...]
    is_table: bool = False


@dataclass(frozen=True, slots=True)
class LockRead:
    """Let a plain read of `model` take the row locks and load the rows anew. `read` is the `session.get(..)` call, or
    the call that begins the statement, `select(..)` or `session.query(..)`. `order` are the key attributes to sort by
    where many rows are locked, () for none."""

    read: Target
    model: str
    form: Literal["get", "select", "query"]
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderWrite:
    """Give a bulk `update(model)`/`delete(model)` its primary-key order.

    `write` is the `update(..)`/`delete(..)` (or legacy `query(..).update/delete`) call that begins the statement.
    `execution` is the `session.execute(..)` call when it stands in the same function. `key_share` is true when no key
    column is set. `joins` is true when the WHERE reaches other tables, so that the subselect needs `of=model`.
    `helper` is `package.module:function`, called with (session, statement); it returns the number of rows. `is_table`
    marks a Core `Table`, whose columns read `model.c.key`.
    """

    write: Target
    execution: Target | None
    model: str
    key: tuple[str, ...]
    form: Literal["subselect", "portable", "skip-locked", "helper"]
    key_share: bool
    joins: bool
    helper: str | None = None
    is_table: bool = False


@dataclass(frozen=True, slots=True)
class GuardState:
    """Add a `.where(..)` on the state column. Exactly one of `allowed` and `forbidden` is given; values are Python
    expressions as they read in that function. `null_allowed` adds `column.is_(None)` as an alternative. `is_table`
    marks a Core `Table`, whose columns read `model.c.column`."""

    write: Target
    model: str
    column: str
    allowed: tuple[str, ...]
    forbidden: tuple[str, ...]
    null_allowed: bool
    is_table: bool = False


@dataclass(frozen=True, slots=True)
class AcceptNull:
    """Wrap a NULL-blind comparison: `or_(column.is_(None), comparison)`; `column` as it reads there, "" for the
    column that the comparison begins with."""

    comparison: Target
    column: str


@dataclass(frozen=True, slots=True)
class ExcludeNull:
    """Add `.where(column.is_not(None))` to the subquery of a NOT IN."""

    select: Target
    column: str


@dataclass(frozen=True, slots=True)
class Upsert:
    """Replace a `session.merge(..)` statement by INSERT ... ON CONFLICT.

    `session` may be "": the call says it. `key` are the primary-key attributes. `given` are the attributes that the
    call sets on a new object: None for "those that are set on the object" (`inspect(obj).dict`). `columns` map
    attribute to column name where the two differ. `onupdate` are attributes with an onupdate value, `defaults` those
    with a default on the Python side or the server's. `helper_import` is `package.module:function`, `helper_call` a
    template for the call with `{session}`, `{model}` (the mapped class), `{values}` (a dict by attribute) and `{key}`
    (a list of the key's attributes). `flush` sends pending rows, such as parents, first, which
    a session without autoflush needs.
    """

    merge: Target
    session: str
    model: str
    key: tuple[str, ...]
    given: tuple[str, ...] | None
    columns: tuple[tuple[str, str], ...]
    onupdate: tuple[str, ...]
    dialects: tuple[str, ...]
    helper_import: str | None = None
    helper_call: str | None = None
    defaults: tuple[str, ...] = ()
    flush: bool = False


@dataclass(frozen=True, slots=True)
class SortIterable:
    """Walk `sorted(..)` of what a loop walks: of plain values, of pairs by their first part, of objects by the
    attributes in `key`, or of mappings by these entries."""

    loop: Target
    form: Literal["values", "pairs", "objects", "entries"]
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SortRows:
    """Sort the rows of a multi-row INSERT by the entries in `key`: those given to `.values(..)` of the statement that
    begins at `insert`, else those given to its `execution`."""

    insert: Target
    execution: Target
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReraiseFirst:
    """Insert `except DBAPIError: raise` ahead of a handler. `exception` is `package.module:Name`, raised in place of
    the error, with its text."""

    handler: Target
    exception: str | None = None


@dataclass(frozen=True, slots=True)
class RollbackFirst:
    """Insert `session.rollback()` as a handler's first statement. `session` may be "": the one used in the `try`."""

    handler: Target
    session: str
    awaited: bool


@dataclass(frozen=True, slots=True)
class UseSavepoint:
    """Wrap the body of the handler's `try` in `with session.begin_nested():`. `session` may be "": the session used in
    the `try`. With `flush`, what is pending is sent at its end; a Core connection, which has no `flush()`, has nothing
    pending."""

    handler: Target
    session: str
    awaited: bool
    flush: bool


@dataclass(frozen=True, slots=True)
class InsertInSavepoint:
    """Flush a new row inside `begin_nested()` and, where another transaction has inserted it, read that one, under a
    share lock where `locks`. `add` is the `session.add(..)` call, `lookup` the call that executes the SELECT."""

    add: Target
    lookup: Target
    awaited: bool
    locks: bool = True


@dataclass(frozen=True, slots=True)
class FlushInstead:
    """Turn `session.commit()` into `session.flush()`."""

    commit: Target


@dataclass(frozen=True, slots=True)
class PassSession:
    """Give a call the caller's session: `parameter=session`."""

    call: Target
    parameter: str
    session: str


Plan: TypeAlias = (
    LockOnly
    | ChangeLock
    | DropLock
    | ReadFirstRow
    | LoadSeparately
    | OrderLock
    | LockRead
    | OrderWrite
    | GuardState
    | AcceptNull
    | ExcludeNull
    | Upsert
    | SortIterable
    | SortRows
    | ReraiseFirst
    | RollbackFirst
    | UseSavepoint
    | InsertInSavepoint
    | FlushInstead
    | PassSession
)
