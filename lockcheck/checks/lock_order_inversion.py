"""LCK205: two transactions take rows of two tables in opposite orders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockcheck.checks._common import file_line, short
from lockcheck.checks._one_table import one_table
from lockcheck.checks._widened import widened_remedy
from lockcheck.hazards import Hazard, Remedy, Where
from lockcheck.linking.cycles import Inversion
from lockcheck.linking.footprints import Lock
from lockcheck.linking.lockorder import CriticalPair
from lockcheck.linking.project import Project
from lockcheck.plans import Target
from lockcheck.sequences import common

CODE = "LCK205"

JOINED = ("eager join", "join")
CLEAR = {"row lock": 0, "update": 1, "flush": 2, "merge": 2, "upsert": 2, "delete": 3, "foreign key": 3}
MAX_CALLS = 3


def check(project: Project) -> Iterator[Hazard]:
    found = [inversion for inversion in project.inversions if _is_the_wrong_way(project, inversion)]
    seen: set[object] = set()
    for inversion in sorted(found, key=lambda inversion: _order(project, inversion)):
        one = inversion.one
        keys = {_change(one), (_site(one), one.taken.table)}
        if not keys & seen:
            yield _report(project, inversion)
        seen |= keys
    yield from one_table(project)


def _change(pair: CriticalPair) -> object:
    """What has to change: a lock that is wider than meant, or the function in which the ways to the two locks part,
    which would have to lock the row of that table first."""
    if pair.taken.how in JOINED:
        return _site(pair)
    step, calls = pair.held.taken.step, pair.held.taken.step.calls
    depth = common(calls, pair.taken.taken.step.calls)
    return (calls[depth].slice if depth < len(calls) else step.function, pair.taken.table)


def _is_the_wrong_way(project: Project, inversion: Inversion) -> bool:
    """Whether the first of the two should change: it locks a row before the one that it belongs to, where a flush and
    an ON DELETE CASCADE lock parents first. Between tables of which neither is the other's parent, names decide."""
    held, taken = inversion.one.held.table, inversion.one.taken.table
    if "cascade" in {lock.how for pair in inversion for lock in (pair.held, pair.taken)}:
        return False
    if taken in project.parents(held):
        return True
    return held not in project.parents(taken) and held > taken


def _site(pair: CriticalPair) -> Target:
    """What must change: the lock that should not be there, else the one that should come second."""
    return pair.taken.taken.site if pair.taken.how in JOINED else pair.held.taken.site


def _order(project: Project, inversion: Inversion) -> tuple[object, ...]:
    """By the place of the finding, the clearest counterpart first."""
    one, other = inversion
    site = _site(one)
    at = project.linker.position(site)
    place = (site.path, at.line, at.column, one.taken.table)
    vague = [_vague(other.held), _vague(other.taken), _vague(one.held), _vague(one.taken)]
    line = project.linker.position(other.taken.taken.site).line
    return (*place, one.entry == other.entry, *vague, other.taken.taken.site.path, line, one.entry, other.entry)


def _vague(lock: Lock) -> int:
    return CLEAR.get(lock.how, 1)


def _report(project: Project, inversion: Inversion) -> Hazard:
    one, other = inversion
    remedy, reason = _remedy(project, one)
    text = (
        f"{short(one.entry)} holds {_rows(one.held)} ({_place(project, one.held)}) when it locks "
        f"{_rows(one.taken)} ({_place(project, one.taken)}); {short(other.entry)} holds {_rows(other.held)} "
        f"({_place(project, other.held)}) when it locks {_rows(other.taken)} ({_place(project, other.taken)}): "
        f"each can wait for the other"
    )
    return Hazard(
        site=_site(one),
        function=(one.taken if one.taken.how in JOINED else one.held).taken.step.function,
        message=f"{text}; no fix: {reason}" if reason else text,
        related=(*_path("A", one), *_path("B", other)),
        remedy=remedy,
        no_fix=reason,
        witness=inversion,
    )


def _rows(lock: Lock) -> str:
    return f"{'many rows' if lock.many else 'a row'} of {lock.table}"


def _place(project: Project, lock: Lock) -> str:
    return file_line(project, lock.taken.site)


def _path(name: str, pair: CriticalPair) -> Iterator[tuple[Where, str]]:
    """The way of one transaction, statement by statement."""
    calls = pair.held.taken.step.calls
    yield from _calls(name, pair.entry, calls)
    yield pair.held.taken.site, f"transaction {name}, {short(pair.entry)}: first {_does(pair.held)}"
    later = pair.taken.taken.step.calls
    yield from _calls(name, pair.entry, (call for call in later if call not in calls))
    yield pair.taken.taken.site, f"transaction {name}, {short(pair.entry)}: then {_does(pair.taken)}"


def _calls(name: str, entry: str, calls: Iterable[Target]) -> Iterator[tuple[Where, str]]:
    for call in list(calls)[-MAX_CALLS:]:
        yield call, f"transaction {name}, {short(entry)}: through this call"


def _does(lock: Lock) -> str:
    """What takes a lock, as a predicate."""
    rows = _rows(lock)
    texts = {
        "row lock": f"locks {rows} by SELECT ... FOR UPDATE",
        "eager join": f"locks {rows} as well, by the eager join of its FOR UPDATE",
        "join": f"locks {rows} as well, by the join of its FOR UPDATE",
        "update": f"updates {rows}",
        "delete": f"deletes {rows}",
        "upsert": f"inserts or updates {rows}",
        "merge": f"merges {rows}, written at the next flush",
        "flush": f"changes {rows}, written at the next flush",
        "foreign key": f"locks {rows} that a new foreign key points at",
    }
    return texts[lock.how]


def _remedy(project: Project, pair: CriticalPair) -> tuple[Remedy | None, str | None]:
    execute = pair.taken.taken.step.detail
    statement = getattr(execute, "statement", None)
    if pair.taken.how in JOINED and statement is not None:
        return widened_remedy(project, statement, list(project.locks.widenings(statement)))
    return None, f"the row of {pair.taken.table} must be locked first, which moves statements"
