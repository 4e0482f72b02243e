"""Runs that hold one row of a table while they lock others of it: two of them, each with a row of its own among those
that the other one locks, wait for each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.linking.entries import starts
from lockcheck.linking.events import Execute, Path
from lockcheck.linking.footprints import Lock
from lockcheck.linking.lockorder import is_held
from lockcheck.linking.modes import conflict
from lockcheck.linking.origins import operations
from lockcheck.linking.paths import shared
from lockcheck.linking.rowsets import meet
from lockcheck.linking.trace import Trace
from lockcheck.plans import Target

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

MANY = frozenset({"flush", "merge", "update", "delete", "row lock"})


class Sibling(NamedTuple):
    """A run of `entry` holds `held`, one row, when it takes `taken`, many of the same table; `site` is the construct
    that goes through them."""

    entry: str
    held: Lock
    taken: Lock
    site: Target


def siblings(project: Project) -> Iterator[Sibling]:
    """One for each loop or statement that goes through the rows, with the lock that was taken first."""
    seen: set[object] = set()
    for sibling in project.in_runs(_of_run, starts, (Execute,)):
        places = {(sibling.held.table, _loop(sibling.held, sibling.taken) or sibling.site), sibling.site}
        if not seen & places:
            yield sibling
        seen |= places


def _of_run(project: Project, trace: Trace) -> Iterator[Sibling]:
    locks = project.footprints.of(trace)
    one = [lock for lock in locks if _is_one_row(project, lock)]
    for taken in locks:
        if not (taken.many and taken.blocking and taken.how in MANY) or _is_by_key(project, trace, taken):
            continue
        for held in one:
            if held.table == taken.table and _meets(held, taken) and is_held(trace, held, taken):
                before = [lock for lock in locks if is_held(trace, lock, held)]
                if not _is_gated(project, held, before) and not _covered(trace, taken, locks):
                    yield Sibling(trace.function, held, taken, _place(held, taken))
                    break


def _is_one_row(project: Project, lock: Lock) -> bool:
    """Whether a lock is on one row that the caller names, and waits for it."""
    detail = lock.taken.step.detail
    if not isinstance(detail, Execute) or lock.how not in ("row lock", "update") or not lock.blocking:
        return False
    varies = any(arm.kind == "loop" for arm in lock.taken.step.path)
    return project.locks.one_row(detail.statement) and not varies


def _is_by_key(project: Project, trace: Trace, lock: Lock) -> bool:
    """Whether the rows are those of a list of keys, which may hold no row but the run's own."""
    detail = lock.taken.step.detail
    if isinstance(detail, Execute):
        return project.locks.access(detail.statement) != "many"
    sources = operations(getattr(detail, "instance", None) or getattr(detail, "value", None))
    read = (trace.statements.get(site) for site in sources)
    return any(statement is not None and project.locks.access(statement) in ("keys", "one") for statement in read)


def _meets(held: Lock, taken: Lock) -> bool:
    return conflict(held.mode, taken.mode) and meet(held.rows, taken.rows)


def _is_gated(project: Project, held: Lock, before: list[Lock]) -> bool:
    """Whether a row that the locked one belongs to was locked first, so that only one such run goes on."""
    parents = project.parents(held.table)
    return any(lock.table in parents and conflict(lock.mode, lock.mode) for lock in before)


def _covered(trace: Trace, taken: Lock, locks: tuple[Lock, ...]) -> bool:
    """Whether the rows come from a statement that locked all of them."""
    detail = taken.taken.step.detail
    sources = operations(getattr(detail, "instance", None) or getattr(detail, "value", None))
    locked = {
        lock.taken.step.detail.site
        for lock in locks
        if isinstance(lock.taken.step.detail, Execute) and lock.how == "row lock" and is_held(trace, lock, taken)
    }
    return bool(sources & locked)


def _place(held: Lock, taken: Lock) -> Target:
    """The statement, or what stands in the loop that goes through the rows."""
    step = taken.taken.step
    loop = _loop(held, taken)
    depth = sum(arm.kind == "call" for arm in loop) if loop else len(step.calls)
    return step.calls[depth] if depth < len(step.calls) else taken.taken.site


def _loop(held: Lock, taken: Lock) -> Path:
    """The way to the outermost loop that the first lock does not stand in, empty without one."""
    path = taken.taken.step.path
    inside = len(shared(held.taken.step.path, path))
    loops = (number for number in range(inside, len(path)) if path[number].kind == "loop")
    return path[: next(loops, -1) + 1]
