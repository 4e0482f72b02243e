"""LCK303: rows upserted one by one, or by a multi-row INSERT, in an order that is not that of their key."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._common import dialects
from lockcheck.checks._loops import ORDERS, Unsorted, meeting, other_text, related, walkings
from lockcheck.checks._sorting import doubtful
from lockcheck.checks.unsorted_lock_loop import one_by_one, upserts
from lockcheck.hazards import Hazard, Remedy
from lockcheck.linking.dialects import serves
from lockcheck.linking.entries import entries
from lockcheck.linking.events import Execute, Merge, Write
from lockcheck.linking.lockers import Locker
from lockcheck.linking.lockloops import LockLoops, Upserting, Walking
from lockcheck.linking.origins import varies
from lockcheck.linking.project import Project
from lockcheck.linking.results import walked
from lockcheck.linking.trace import Trace
from lockcheck.linking.turns import GENERATED, Turn
from lockcheck.linking.values import Abstract, Built, CollectionOf, Instance, Known, TupleOf, each
from lockcheck.linking.walks import ARBITRARY, order
from lockcheck.linking.witnesses import Contest
from lockcheck.plans import SortRows, Target

CODE = "LCK303"

INSERTS = frozenset({"merges them", "upserts them"})


def check(project: Project) -> Iterator[Hazard]:
    for walking, found in walkings(project, LockLoops.walkings):
        if upserts(walking.turn.step) and not _attached(walking.turn):
            if not serves(project.policy, walking.trace, walking.turn.step):
                continue
            others = _inserting(found.others) if _key_alone(project, walking) else found.others
            if others:
                yield _in_loop(project, walking, found._replace(others=others))
    yield from _multi_row(project)


# --- loops -------------------------------------------------------------------------------------------------------


def _attached(turn: Turn) -> bool:
    """Whether what is merged was read before: its row is there, and mostly in the same session."""
    origin = turn.touched.origin
    return isinstance(origin, Instance) and not isinstance(origin.origin, Built)


def _key_alone(project: Project, walking: Walking) -> bool:
    """Whether what is merged has a key and nothing else: where the row is there already, it is read and left alone."""
    touched = walking.turn.touched
    origin, mapped = touched.origin, project.locks.mapped(touched.model)
    if not isinstance(origin, Instance) or not origin.all_given or mapped is None:
        return False
    if any(write.instance.origin == origin.origin for _, write in walking.trace.of(Write)):
        return False
    return {name for name, _ in origin.given} <= set(mapped.primary_key)


def _inserting(others: tuple[Locker, ...]) -> tuple[Locker, ...]:
    """Those that insert rows as well: others do not see a row that is new."""
    return tuple(other for other in others if other.what in INSERTS)


def _in_loop(project: Project, walking: Walking, found: Unsorted) -> Hazard:
    done = "merged" if isinstance(walking.turn.step.detail, Merge) else "upserted"
    return one_by_one(project, walking, found, f"{found.locker.table} rows are {done} one by one {ORDERS[found.order]}")


# --- statements ----------------------------------------------------------------------------------------------------


def _multi_row(project: Project) -> Iterator[Hazard]:
    runs = project.in_runs(_upserts, entries, (Execute,))
    seen: set[Target] = set()
    for upserting in runs:
        site = upserting.locker.site
        found = _unsorted(project, upserting, runs) if site not in seen else None
        if found is not None:
            seen.add(site)
            yield _hazard(project, upserting, found)


def _upserts(project: Project, trace: Trace) -> Iterator[Upserting]:
    if not project.contention.runs_alone(trace.function):
        yield from LockLoops(project).upserts(trace.function)


def _unsorted(project: Project, upserting: Upserting, runs: tuple[Upserting, ...]) -> Unsorted | None:
    trace, step, execute, locker = upserting
    statement = execute.statement
    how = order(statement.rows)
    if how not in ARBITRARY or statement.model is None or _fresh_keys(project, upserting):
        return None
    if _one_row(statement.rows):
        return None
    if not serves(project.policy, trace, step) or _for_another(project, upserting):
        return None
    others = meeting(project, trace, step, locker, statement.model)
    alike = (u.locker for u in runs if u.locker.table == locker.table and u.locker.site != locker.site)
    found = tuple(
        dict.fromkeys((*(o for o in others if o != locker), *(u for u in alike if not u.gates & locker.gates)))
    )
    mine = tuple(other for other in others if other == locker)
    surely = _innodb(project) or statement.on_conflict != "on_duplicate_key_update"
    return Unsorted(how, locker, (*found, *mine), surely) if others else None


def _one_row(rows: Abstract | None) -> bool:
    """Whether a list holds one row, or the same one wherever one looks: nothing shows that there are others in it."""
    return rows is not None and all(_at_most_one(part) for part in each(rows))


def _at_most_one(part: Abstract) -> bool:
    if isinstance(part, TupleOf) and part.kind != "dict":
        return len(part.items) <= 1
    return isinstance(part, CollectionOf) and not varies(part.element)


def _innodb(project: Project) -> bool:
    return bool({"mysql", "mariadb"} & set(project.policy.dialects))


def _for_another(project: Project, upserting: Upserting) -> bool:
    """Whether a statement is MySQL's among those of several databases, one of which is executed."""
    if _innodb(project) or upserting.execute.statement.on_conflict != "on_duplicate_key_update":
        return False
    forms = (execute.statement for _, execute in upserting.trace.executions.get(upserting.execute.site, ()))
    return any(form.on_conflict not in (None, "on_duplicate_key_update") for form in forms)


def _fresh_keys(project: Project, upserting: Upserting) -> bool:
    """Whether the key of each row is new, so that none is there already."""
    mapped = project.locks.mapped(upserting.execute.statement.model)
    given = _columns(upserting.execute.statement.rows)
    return mapped is None or any(given.get(name) == GENERATED for name in mapped.primary_key)


def _columns(rows: Abstract | None) -> dict[str, Abstract]:
    """What each row gives, by column, where the rows are written as mappings."""
    row = walked(rows) if rows is not None else None
    if not isinstance(row, TupleOf) or row.kind != "dict":
        return {}
    return {str(k.value): v for k, v in zip(row.keys, row.items, strict=True) if isinstance(k, Known)}


def _hazard(project: Project, upserting: Upserting, found: Unsorted) -> Hazard:
    fix, reason = _remedy(project, upserting)
    text = (
        f"a multi-row INSERT ... ON CONFLICT locks {found.locker.table} rows {ORDERS[found.order]}; "
        f"{other_text(project, found)}"
    )
    return Hazard(
        site=found.locker.site,
        function=upserting.step.function,
        message=f"{text}; no fix: {reason}" if reason else text,
        related=related(project, found, found.locker.site),
        remedy=fix,
        no_fix=reason,
        preview=found.preview,
        witness=Contest(upserting.trace, upserting.step, None if found.alone else found.counterpart),
    )


def _remedy(project: Project, upserting: Upserting) -> tuple[Remedy | None, str | None]:
    execute = upserting.execute
    statement, mapped = execute.statement, project.locks.mapped(execute.statement.model)
    given = _columns(statement.rows)
    key = next((k for k in project.locks.keys(mapped) if set(k) <= set(given)), None) if mapped is not None else None
    if mapped is None or key is None:
        return None, "what the rows are to be sorted by cannot be told"
    if statement.site.slice != execute.site.slice or statement.site.path != execute.site.path:
        return None, "the statement is built in another function"
    if _any_table(project, upserting):
        return None, "the function's callers say which table it writes"
    names = tuple(name for name in key if varies(given[name])) or key
    columns = tuple(column for name in names if (column := mapped.column(name)) is not None)
    text = f"hand the rows over in the order of their key (judged for {dialects(project.policy.databases)})"
    doubts = doubtful(columns)
    plan = SortRows(statement.site, execute.site, names)
    return Remedy(plan, "unsafe" if doubts else "safe", "; ".join((text, *doubts))), None


def _any_table(project: Project, upserting: Upserting) -> bool:
    """Whether the function that executes the statement does so for any table, so that its rows have no key in
    common."""
    step, execute = upserting.step, upserting.execute
    own = project.trace(step.function).executions.get(execute.site, ())
    return all(other.statement.model != execute.statement.model for _, other in own)
