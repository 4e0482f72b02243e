"""Who meets a row lock that reaches a joined table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.linking.cycles import Inversion
from lockcheck.linking.footprints import Lock
from lockcheck.linking.lockorder import CriticalPair
from lockcheck.linking.trace import Trace
from lockcheck.linking.witnesses import Widened
from lockcheck.prove.acts import UnderivableError
from lockcheck.prove.making import Maker

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

PLAIN: dict[str, int] = {"row lock": 0, "update": 1}
"""What shows most clearly that a row is locked."""

OTHERS: dict[str, int] = {**PLAIN, "delete": 2, "flush": 3}


def inversion(project: Project, widened: Widened) -> Inversion | None:
    """The opposite order in which somebody locks the two tables of a widened row lock."""
    opposite = [
        found
        for found in project.inversions
        if found.one.taken.taken.step.detail == widened.step.detail and found.one.taken.how in ("eager join", "join")
    ]
    return min(opposite, key=lambda found: _clearness(found.other), default=None)


def _clearness(pair: CriticalPair) -> tuple[object, ...]:
    """Statements first, then what a flush sends."""
    path = pair.taken.taken.site.path
    return (PLAIN.get(pair.held.how, 2), PLAIN.get(pair.taken.how, 2), len(pair.gates), path, pair.entry)


def reached(project: Project, widened: Widened) -> str:
    """The table that the lock reaches besides its own. Raises `UnderivableError`."""
    statement = Maker(project).executed(widened.step).statement
    tables = (project.locks.table(wider.model) for wider in project.locks.widenings(statement))
    found = next((table for table in tables if table is not None), None)
    if found is None:
        raise UnderivableError("the table that the lock reaches besides its own is not known")
    return found


def elsewhere(project: Project, table: str) -> tuple[Trace, Lock]:
    """Somebody who locks rows of a table, none of which the run has locked before, and waits for them. Raises
    `UnderivableError`."""
    found = []
    for name in project.starts:
        locks = project.footprints.of(project.trace(name))
        number = next((number for number, lock in enumerate(locks) if lock.table == table), None)
        if number is not None and _waits(locks[number]):
            found.append((OTHERS[locks[number].how], len(locks[number].taken.step.calls), name, number))
    if not found:
        raise UnderivableError(f"another transaction that locks rows of {table} and would have to wait")
    *_, name, number = min(found)
    trace = project.trace(name)
    return trace, project.footprints.of(trace)[number]


def _waits(lock: Lock) -> bool:
    return lock.how in OTHERS and lock.blocking and lock.mode in ("update", "no key update")
