"""From a fix plan to edits of a file's text."""

from __future__ import annotations

import libcst as cst

from lockcheck.facts import ModuleFacts
from lockcheck.findings import Edit
from lockcheck.fixes import locks
from lockcheck.fixes.imports import Imports
from lockcheck.fixes.slices import Change, Refusal, Refused, Slice
from lockcheck.plans import (
    LoadSeparately,
    LockOnly,
    OrderLock,
    Plan,
    Target,
)

__all__ = ["Refusal", "realise"]


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
    raise Refused(f"there is no rewrite for {type(plan).__name__}")
