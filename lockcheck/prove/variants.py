"""The forms in which an experiment is run: as the code is, and with what fixes do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lockcheck.hazards import Hazard
from lockcheck.linking.cycles import Inversion
from lockcheck.linking.values import RowLock, Statement
from lockcheck.linking.witnesses import Contest, Insertion, Walk, Widened
from lockcheck.plans import LoadSeparately, LockOnly
from lockcheck.prove.acts import Act, Duel, Side
from lockcheck.prove.making import Maker

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

Sides = tuple[Side, Side]


@dataclass(frozen=True, slots=True)
class Variant:
    """`fix` tells whether it is what the finding's own fix does."""

    title: str
    sides: Sides
    fix: bool = False


def variants(project: Project, hazard: Hazard, duel: Duel, *, fixable: bool) -> Iterator[Variant]:
    """As it is first, then with fixes; `fixable` tells whether the finding has one."""
    yield Variant("as it is", (duel.one, duel.other))
    witness = hazard.witness
    if isinstance(witness, Insertion):
        yield Variant("with INSERT ... ON CONFLICT DO UPDATE", _upserted(duel), fix=fixable)
    elif isinstance(witness, (Contest, Walk)):
        yield from _one_table(hazard, duel, own=fixable)
    elif isinstance(witness, (Inversion, Widened)):
        yield from _two_tables(project, hazard, duel, own=fixable)
    else:
        yield Variant("with all rows locked in the order of their key first", _first(duel))


# --- one table ---------------------------------------------------------------------------------------------------


def _one_table(hazard: Hazard, duel: Duel, *, own: bool) -> Iterator[Variant]:
    skips = hazard.remedy is not None and getattr(hazard.remedy.plan, "form", "") == "skip-locked"
    mine = _mended(duel.one, lambda act: _in_order(act, skips=skips))
    fix = "with the fix of this finding" if own else "with A in the order of the key"
    if _same(duel):
        yield Variant(f"{fix} in both runs", _both(duel, lambda act: _in_order(act, skips=skips)), fix=own)
        return
    yield Variant(fix, (mine, duel.other), fix=own)
    if any(act.has_own_order for act in duel.other.acts):
        yield Variant("with both sides in the order of the key", (mine, _mended(duel.other, _in_order)))


def _same(duel: Duel) -> bool:
    return duel.one == duel.other


def _in_order(act: Act, *, skips: bool = False) -> Act:
    if not act.has_own_order:
        return act
    if act.reach == "each" or act.statement.kind == "insert":
        return replace(act, order="sorted")
    return replace(act, ordered=True, skips=skips)


# --- two tables --------------------------------------------------------------------------------------------------


def _two_tables(project: Project, hazard: Hazard, duel: Duel, *, own: bool) -> Iterator[Variant]:
    if any(act.has_own_order for side in (duel.one, duel.other) for act in side.acts):
        yield Variant("with statements on many rows in the order of the key alone", _both(duel, _in_order))
    plan = hazard.remedy.plan if hazard.remedy is not None else None
    if isinstance(plan, (LockOnly, LoadSeparately)):
        sides = _both(duel, lambda act: _only(act, hazard))
        title = f"with the fix of this finding ({_of(plan)})" if own else f"with {_of(plan)}"
        yield Variant(title, sides, fix=own)
    elif not duel.waits:
        parent = _first_table(project, duel)
        if parent is not None:
            yield Variant(f"with {parent.why} first", (Side(duel.one.entry, (parent, *duel.one.acts)), duel.other))


def _of(plan: LockOnly | LoadSeparately) -> str:
    return f"of={plan.model}" if isinstance(plan, LockOnly) else "the other table loaded by a second SELECT"


def _only(act: Act, hazard: Hazard) -> Act:
    lock = act.statement.lock
    return replace(act, only=True) if lock is not None and lock.site == hazard.site else act


def _first_table(project: Project, duel: Duel) -> Act | None:
    """A lock of the row that the other side takes first, ahead of everything."""
    model = duel.other.acts[0].statement.model
    if model is None:
        return None
    table = project.locks.table(model)
    return Maker(project).locking(model, duel.one.acts[-1].site, f"the row of {table} locked")


# --- others ------------------------------------------------------------------------------------------------------


def _upserted(duel: Duel) -> Sides:
    """Both sides with one INSERT ... ON CONFLICT in place of looking and inserting."""

    def changed(side: Side) -> Side:
        return replace(side, acts=tuple(replace(act, upsert=True) for act in side.acts if not act.looks))

    return changed(duel.one), changed(duel.other)


def _first(duel: Duel) -> Sides:
    """Both sides with all rows locked in the order of their key ahead of everything."""

    def changed(side: Side) -> Side:
        last = side.acts[-1]
        lock = RowLock(None, nowait=False, skip_locked=False, read=False, key_share=False)
        model = last.statement.model
        statement = Statement("select", last.site, model, (model,) if model else (), lock=lock)
        first = Act(statement, last.site, last.function, reach="many", ordered=True, only=True, made_up=True)
        return replace(side, acts=(first, *side.acts))

    return changed(duel.one), changed(duel.other)


# --- all ---------------------------------------------------------------------------------------------------------


def _both(duel: Duel, change: Callable[[Act], Act]) -> Sides:
    return _mended(duel.one, change), _mended(duel.other, change)


def _mended(side: Side, change: Callable[[Act], Act]) -> Side:
    return replace(side, acts=tuple(map(change, side.acts)))
