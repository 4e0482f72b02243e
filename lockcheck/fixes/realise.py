"""From a fix plan to edits of a file's text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import libcst as cst

from lockcheck.facts import ModuleFacts
from lockcheck.findings import Edit
from lockcheck.fixes import (
    first_row,
    guards,
    handlers,
    helpers,
    lock_modes,
    locking_reads,
    locks,
    ordered,
    paged,
    savepoints,
    sessions,
    sorting,
    upserts,
)
from lockcheck.fixes.imports import Imports
from lockcheck.fixes.slices import Change, Refusal, Refused, Slice
from lockcheck.plans import (
    AcceptNull,
    ChangeLock,
    DropLock,
    ExcludeNull,
    FlushInstead,
    GuardState,
    InsertInSavepoint,
    LoadSeparately,
    LockOnly,
    LockRead,
    OrderLock,
    OrderWrite,
    PassSession,
    Plan,
    ReadFirstRow,
    ReraiseFirst,
    RollbackFirst,
    SortIterable,
    SortRows,
    Target,
    Upsert,
    UseSavepoint,
)

__all__ = ["Refusal", "realise"]

Rewrite: TypeAlias = Callable[[Slice, Any, Imports], list[Change]]

_ORDERED: dict[str, Rewrite] = {
    "subselect": ordered.order_write,
    "skip-locked": ordered.order_write,
    "portable": paged.page_write,
    "helper": helpers.call_helper,
}

_REWRITES: dict[type, Rewrite] = {
    AcceptNull: guards.accept_null,
    ChangeLock: lambda part, plan, _: lock_modes.change_lock(part, plan),
    DropLock: lambda part, plan, _: lock_modes.drop_lock(part, plan),
    ExcludeNull: lambda part, plan, _: guards.exclude_null(part, plan),
    FlushInstead: lambda part, plan, _: handlers.flush_instead(part, plan),
    GuardState: guards.guard_state,
    InsertInSavepoint: savepoints.insert_in_savepoint,
    LoadSeparately: locks.load_separately,
    LockOnly: lambda part, plan, _: locks.lock_only(part, plan),
    LockRead: lambda part, plan, _: locking_reads.lock_read(part, plan),
    OrderLock: lambda part, plan, _: locks.order_lock(part, plan),
    OrderWrite: lambda part, plan, imports: _ORDERED[plan.form](part, plan, imports),
    PassSession: lambda part, plan, _: sessions.pass_session(part, plan),
    ReadFirstRow: lambda part, plan, _: first_row.read_first_row(part, plan),
    ReraiseFirst: handlers.reraise_first,
    RollbackFirst: lambda part, plan, _: handlers.rollback_first(part, plan),
    SortIterable: lambda part, plan, _: sorting.sort_iterable(part, plan),
    SortRows: lambda part, plan, _: sorting.sort_rows(part, plan),
    Upsert: upserts.upsert,
    UseSavepoint: lambda part, plan, _: handlers.use_savepoint(part, plan),
}
"""What carries out each kind of plan."""


def realise(plan: Plan, text: str, facts: ModuleFacts) -> tuple[Edit, ...] | Refusal:
    """The edits that carry out a plan in its file, or why none do. Only the statement concerned and imports change."""
    try:
        target = target_of(plan)
        part = Slice(text, facts, target.slice)
        imports = Imports(part, part.lines.position(part.span(part.node(target))[0])[0])
        changes = _REWRITES[type(plan)](part, plan, imports)
        return part.edits([*imports.changes(), *changes])
    except Refused as refused:
        return Refusal(str(refused))
    except (cst.ParserSyntaxError, SyntaxError, RecursionError, ValueError) as error:
        return Refusal(f"the function cannot be parsed: {error}")


def target_of(plan: Plan) -> Target:
    """The construct that a plan begins at."""
    names = type(plan).__dataclass_fields__
    return next(value for value in (getattr(plan, name) for name in names) if isinstance(value, Target))
