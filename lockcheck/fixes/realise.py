"""From a fix plan to edits of a file's text."""

from __future__ import annotations

import libcst as cst

from lockcheck.facts import ModuleFacts
from lockcheck.findings import Edit
from lockcheck.fixes import guards, handlers, helpers, locking_reads, locks, ordered, paged, upserts
from lockcheck.fixes.imports import Imports
from lockcheck.fixes.slices import Change, Refusal, Refused, Slice
from lockcheck.plans import (
    AcceptNull,
    ExcludeNull,
    FlushInstead,
    GuardState,
    LoadSeparately,
    LockOnly,
    LockRead,
    OrderLock,
    OrderWrite,
    Plan,
    ReraiseFirst,
    RollbackFirst,
    Target,
    Upsert,
    UseSavepoint,
)

__all__ = ["Refusal", "realise"]

_ORDERED = {
    "subselect": ordered.order_write,
    "skip-locked": ordered.order_write,
    "portable": paged.page_write,
    "helper": helpers.call_helper,
}


def realise(plan: Plan, text: str, facts: ModuleFacts) -> tuple[Edit, ...] | Refusal:
    """The edits that carry out a plan in its file, or why none do. Only the statement concerned and imports change."""
    try:
        target = target_of(plan)
        part = Slice(text, facts, target.slice)
        imports = Imports(part, part.lines.position(part.span(part.node(target))[0])[0])
        changes = _changes(part, plan, imports)
        return part.edits([*imports.changes(), *changes])
    except Refused as refused:
        return Refusal(str(refused))
    except (cst.ParserSyntaxError, SyntaxError, RecursionError, ValueError) as error:
        return Refusal(f"the function cannot be parsed: {error}")


def target_of(plan: Plan) -> Target:
    """The construct that a plan begins at."""
    names = type(plan).__dataclass_fields__
    return next(value for value in (getattr(plan, name) for name in names) if isinstance(value, Target))


def _changes(part: Slice, plan: Plan, imports: Imports) -> list[Change]:
    match plan:
        case LockOnly():
            return locks.lock_only(part, plan)
        case LoadSeparately():
            return locks.load_separately(part, plan, imports)
        case OrderLock():
            return locks.order_lock(part, plan)
        case LockRead():
            return locking_reads.lock_read(part, plan)
        case OrderWrite():
            return _ORDERED[plan.form](part, plan, imports)
        case GuardState():
            return guards.guard_state(part, plan, imports)
        case AcceptNull():
            return guards.accept_null(part, plan, imports)
        case ExcludeNull():
            return guards.exclude_null(part, plan)
        case Upsert():
            return upserts.upsert(part, plan, imports)
        case _:
            return _in_handler(part, plan, imports)


def _in_handler(
    part: Slice, plan: ReraiseFirst | RollbackFirst | UseSavepoint | FlushInstead, imports: Imports
) -> list[Change]:
    match plan:
        case ReraiseFirst():
            return handlers.reraise_first(part, plan, imports)
        case RollbackFirst():
            return handlers.rollback_first(part, plan)
        case UseSavepoint():
            return handlers.use_savepoint(part, plan)
        case FlushInstead():
            return handlers.flush_instead(part, plan)
