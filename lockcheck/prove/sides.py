"""From the witness of a finding to two transactions: the locks along the way from the begin of each to its site."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from lockcheck.linking.cycles import Inversion
from lockcheck.linking.events import Execute, Merge
from lockcheck.linking.footprints import Lock
from lockcheck.linking.lockorder import CriticalPair, is_held
from lockcheck.linking.paths import surely_follows
from lockcheck.linking.siblings import Sibling
from lockcheck.linking.trace import Step, same_session
from lockcheck.linking.values import Instance, each
from lockcheck.linking.witnesses import WITNESSES, Contest, Insertion, Walk, Widened
from lockcheck.prove.acts import Act, Duel, Side, UnderivableError
from lockcheck.prove.lockers import Found, counterpart
from lockcheck.prove.making import Maker
from lockcheck.prove.reaching import elsewhere, inversion, reached

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

DEADLOCK = frozenset({"40P01"})
DUPLICATE = frozenset({"23505"})


def duel(project: Project, witness: object) -> Duel:
    """The two transactions of a finding. Raises `UnderivableError`."""
    if not isinstance(witness, WITNESSES):
        raise UnderivableError("what the finding was seen at")
    if isinstance(witness, Inversion):
        return _two_tables(project, witness)
    if isinstance(witness, Sibling):
        return _siblings(project, witness)
    if isinstance(witness, Widened):
        found = inversion(project, witness)
        return _two_tables(project, found) if found is not None else _kept_waiting(project, witness)
    if isinstance(witness, Insertion):
        return _race(project, witness)
    return _one_table(project, witness)


# --- one table ---------------------------------------------------------------------------------------------------


def _one_table(project: Project, witness: Contest | Walk) -> Duel:
    maker = Maker(project)
    target = maker.walked(witness.turn) if isinstance(witness, Walk) else maker.executed(witness.step)
    at = witness.turn.enters if isinstance(witness, Walk) else witness.step
    mine = Found(witness.trace, at, target)
    theirs = counterpart(project, witness.other) if witness.other is not None else mine
    table = project.locks.table(target.statement.model)
    if table is None:
        raise UnderivableError("the table is not known")
    ours, others = _on_the_way(project, mine), _on_the_way(project, theirs)
    shared = _tables(ours, table) & _tables(others, table)
    return Duel(table, _side(maker, mine, ours, shared), _side(maker, theirs, others, shared), DEADLOCK)


def _tables(locks: Iterable[Lock], table: str) -> set[str]:
    return {lock.table for lock in locks} | {table}


def _side(maker: Maker, found: Found, locks: Iterable[Lock], shared: set[str]) -> Side:
    acts = maker.of_locks(found.trace, [lock for lock in locks if lock.table in shared])
    own = found.act.statement.model
    return Side(
        found.trace.function, (*(_one_of(act) if act.statement.model == own else act for act in acts), found.act)
    )


def _one_of(act: Act) -> Act:
    """An earlier lock of many rows of the same table: those that are reached later are not all among them."""
    if act.reach == "one":
        return act
    if act.reach == "many" and act.statement.kind != "insert":
        return replace(act, part=True)
    return replace(act, reach="one", why="; ".join(filter(None, (act.why, "one row of those that it may reach"))))


def _on_the_way(project: Project, found: Found) -> list[Lock]:
    """The locks that the transaction surely holds when it comes to a step, of its callers too."""
    at = found.at
    session = getattr(at.detail, "session", None)
    return [
        lock
        for lock in project.footprints.of(found.trace)
        if lock.taken.at.number < at.number
        and lock.taken.step is not at
        and (session is None or lock.taken.session is None or same_session(session, lock.taken.session))
        and _is_sure(lock, at)
        and found.trace.reaches(lock.taken.at, at)
        and not found.trace.ended_between(lock.taken.at, at, lock.taken.session or session)
    ]


def _is_sure(lock: Lock, at: Step) -> bool:
    return surely_follows(lock.taken.at.path, at.path) and surely_follows(lock.taken.step.path, at.path)


# --- two tables --------------------------------------------------------------------------------------------------


def _two_tables(project: Project, found: Inversion) -> Duel:
    one, other = found
    maker = Maker(project)
    ours, theirs = _of_pair(project, one), _of_pair(project, other)
    shared = {lock.table for lock in ours} & {lock.table for lock in theirs}
    ours, theirs = ([lock for lock in locks if lock.table in shared] for locks in (ours, theirs))
    first = Side(one.entry, maker.of_locks(project.trace(one.entry), ours))
    second = Side(other.entry, maker.of_locks(project.trace(other.entry), theirs))
    child = one.taken.table if one.held.table in project.parents(one.taken.table) else one.held.table
    return Duel(child, first, second, DEADLOCK)


def _of_pair(project: Project, pair: CriticalPair) -> list[Lock]:
    """The locks of a pair, with those that are surely taken between the two; before them, those on other tables, and
    statements that lock rows of the table whose rows are held."""
    trace, last = project.trace(pair.entry), pair.taken
    tables = {pair.held.table, last.table}
    found = [
        lock
        for lock in project.footprints.of(trace)
        if is_held(trace, lock, last)
        and _is_sure(lock, last.taken.at)
        and (lock.table not in tables or _is_later(lock, pair.held) or _locks_held(lock, pair))
    ]
    return [*(lock for lock in found if lock not in (pair.held, last)), pair.held, last]


def _locks_held(lock: Lock, pair: CriticalPair) -> bool:
    return lock.table == pair.held.table and lock.how == "row lock"


def _is_later(lock: Lock, held: Lock) -> bool:
    return (lock.taken.at.number, lock.rank) > (held.taken.at.number, held.rank)


def _kept_waiting(project: Project, widened: Widened) -> Duel:
    """A widened row lock, and one who wants the row of the other table that it reaches: nobody is seen to lock the two
    the other way round."""
    maker, detail = Maker(project), widened.step.detail
    table = reached(project, widened)
    act = maker.executed(widened.step)
    own = project.locks.table(act.statement.model)
    if own is None or not isinstance(detail, Execute):
        raise UnderivableError("the table that is locked is not known")
    act = replace(act, reach="one") if detail.how in ("get", "refresh") else act
    entry = widened.trace.function
    if act.reach == "one" and table in project.parents(own) and _excludes(act):
        other = Side(entry, (replace(act, row=1),))
    else:
        trace, lock = elsewhere(project, table)
        other = Side(trace.function, maker.of_locks(trace, [lock]))
    return Duel(own, Side(entry, (act,)), other, frozenset(), waits=True)


def _excludes(act: Act) -> bool:
    """Whether two runs cannot hold its row at once, and the second one waits."""
    lock = act.statement.lock
    return lock is not None and lock.blocking and not lock.read


def _siblings(project: Project, sibling: Sibling) -> Duel:
    """Two runs of one function, each with a row of its own."""
    maker, trace = Maker(project), project.trace(sibling.entry)
    acts = maker.of_locks(trace, [sibling.held, sibling.taken])
    other = tuple(replace(act, row=1) if act.reach == "one" else act for act in acts)
    return Duel(sibling.held.table, Side(sibling.entry, acts), Side(sibling.entry, other), DEADLOCK)


# --- new rows ----------------------------------------------------------------------------------------------------


def _race(project: Project, witness: Insertion) -> Duel:
    """Two runs that look a row up and insert it where it is missing."""
    detail = witness.step.detail
    new = None
    if isinstance(detail, Merge):
        new = next((part for part in each(detail.value) if isinstance(part, Instance)), None)
    table = project.locks.table(new.model) if new is not None else None
    if new is None or table is None:
        raise UnderivableError("the new row is not known")
    acts = Maker(project).merged(witness.step, new)
    side = Side(witness.trace.function, acts)
    return Duel(table, side, side, DUPLICATE, race=True)
