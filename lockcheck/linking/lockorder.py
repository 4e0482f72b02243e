"""The order in which transactions take their locks: critical pairs, each a lock that is held while another is taken.

A pair is kept for every run that nobody calls, so that callers' locks count (Brotherston et al., "A Compositional
Deadlock Detector for Android Java", ASE 2021, for the notion; here transactions end at commit and rollback).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockcheck.linking.advisory import is_advisory
from lockcheck.linking.entries import starts
from lockcheck.linking.events import Add, Delete, Execute, Merge, SessionCall, Write
from lockcheck.linking.footprints import Lock
from lockcheck.linking.missing import Lookups
from lockcheck.linking.trace import Step, Trace, same_session
from lockcheck.linking.values import Built, Instance, each

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

TAKING = (Execute, Write, Add, Merge, Delete)
"""What may take locks."""


@dataclass(frozen=True, slots=True)
class CriticalPair:
    """A run of `entry` holds `held` when it takes `taken`; `gates` are what it held before `held`."""

    entry: str
    held: Lock
    taken: Lock
    gates: tuple[Lock, ...]
    serial: bool = False
    """Whether it took an advisory lock, or one of a whole table, before."""


def critical_pairs(project: Project) -> Iterator[CriticalPair]:
    """The pairs of locks on two tables that runs of the project's entry points take."""
    seen: set[object] = set()
    for pair in project.in_runs(_of_run, starts, TAKING):
        key = (_kind(pair.held), _kind(pair.taken), frozenset(gate.table for gate in pair.gates), pair.serial)
        if key not in seen:
            seen.add(key)
            yield pair


def _kind(lock: Lock) -> tuple[object, ...]:
    return (lock.table, lock.mode, lock.how, lock.many, lock.taken.site)


def _of_run(project: Project, trace: Trace) -> Iterator[CriticalPair]:
    locks = _distinct(project.footprints.of(trace))
    serial = [step for step, detail in trace.of(Execute, SessionCall) if is_advisory(detail)]
    lookups = project.lookups(trace)
    for number, taken in enumerate(locks):
        if not taken.blocking or all(lock.table == taken.table for lock in locks[:number]):
            continue
        held = [lock for lock in locks[:number] if is_held(trace, lock, taken)]
        if held:
            none = _without_rows(lookups, taken)
            held = [lock for lock in held if lock.taken.step.number not in none]
        for lock in held if not _again(taken, held) else ():
            if lock.table != taken.table and not _excused(project, lock, taken):
                before = [other for other in held if _earlier(other, lock)]
                first = any(_comes_first(trace, step, lock) for step in serial)
                yield CriticalPair(trace.function, lock, taken, tuple(before), first)


def _excused(project: Project, lock: Lock, taken: Lock) -> bool:
    """Whether a lock of another table is not surely held where one is taken, or not surely before."""
    return _either(lock, taken) or _found_or_made(lock, taken) or _any_order(project, lock, taken)


def _any_order(project: Project, lock: Lock, taken: Lock) -> bool:
    """Whether one flush sends both, of tables whose foreign keys lead from each to the other: which is sent first is
    not to be told."""
    one, other = lock.taken, taken.taken
    flushed = one.at is not one.step and other.at is not other.step and one.at.number == other.at.number
    return flushed and _leads(project, lock.table, taken.table) and _leads(project, taken.table, lock.table)


def _leads(project: Project, table: str, target: str) -> bool:
    """Whether foreign keys lead from a table to another one."""
    seen, level = {table}, {table}
    while level and target not in seen:
        level = {parent for name in level for parent in project.parents(name)} - seen
        seen |= level
    return target in seen


def _without_rows(lookups: Lookups, taken: Lock) -> frozenset[int]:
    """The statements that are known to have reached no row, and so to hold none, where a lock is taken: `UPDATE ..
    RETURNING` that gave nothing."""
    step, at = taken.taken.step, taken.taken.at
    found = (*lookups.before(step), *(lookups.before(at) if at is not step else ()))
    return frozenset(missing.check.number for missing in found if not missing.columns)


def _comes_first(trace: Trace, step: Step, lock: Lock) -> bool:
    at = lock.taken.at
    return step.number < at.number and trace.reaches(step, at) and not trace.ended_between(step, at, lock.taken.session)


def _distinct(locks: Iterable[Lock]) -> list[Lock]:
    """The locks without those that a flush takes once more: an object may be changed in many places before it."""
    found: dict[object, Lock] = {}
    for lock in locks:
        flushed = lock.taken.at is not lock.taken.step
        key = (lock.table, lock.mode, lock.how, lock.many, lock.taken.at.number) if flushed else lock
        found.setdefault(key, lock)
    return list(found.values())


def _either(lock: Lock, taken: Lock) -> bool:
    """Whether one construct takes both, each when its turn comes: the tables of a loop over models come in an order
    that the program decides."""
    return lock.taken.site == taken.taken.site and lock.taken.step is not taken.taken.step


def _found_or_made(lock: Lock, taken: Lock) -> bool:
    """Whether a new row is added, whose foreign key locks a parent, in the place of the row that is held: it is either
    this one or that one."""
    one, other = lock.taken.step.detail, taken.taken.step.detail
    if taken.how != "foreign key" or not isinstance(other, (Add, Merge)):
        return False
    added = {part.origin for part in each(other.value) if isinstance(part, Instance)}
    held = one.instance.origin in added if isinstance(one, Write) else one is other
    return held and any(isinstance(origin, Built) for origin in added)


def _earlier(one: Lock, other: Lock) -> bool:
    return (one.taken.at.number, one.rank) < (other.taken.at.number, other.rank)


def is_held(trace: Trace, lock: Lock, taken: Lock) -> bool:
    """Whether a lock may still be held when another one is taken."""
    one, other = lock.taken.session, taken.taken.session
    if one is not None and other is not None and not same_session(one, other):
        return False
    first, second = lock.taken.at, taken.taken.at
    if first.number == second.number:
        return lock.rank < taken.rank
    if trace.ends(first, one or other):  # what a commit sends is locked no longer than that
        return False
    return trace.reaches(first, second) and not trace.ended_between(first, second, one or other)


def _again(taken: Lock, held: list[Lock]) -> bool:
    """Whether the rows were locked by the transaction before, as far as can be told: a row of a table of which it holds
    one is taken to be that row."""
    same = [lock for lock in held if lock.table == taken.table and lock.how != "foreign key"]
    return any(lock.many for lock in same) if taken.many else bool(same)
