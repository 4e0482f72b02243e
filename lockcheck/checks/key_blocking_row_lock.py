"""LCK206: FOR UPDATE on rows that others insert children of, where FOR NO KEY UPDATE would do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lockcheck.checks._common import dialects, file_line, short
from lockcheck.checks._keys import has_children, needs_key, takes_key_share
from lockcheck.checks._upgrades import upgraded_locks
from lockcheck.hazards import Hazard, Remedy, Where
from lockcheck.linking.adoptions import Adoption, adoptions
from lockcheck.linking.entries import starts
from lockcheck.linking.events import Execute
from lockcheck.linking.kinds import after
from lockcheck.linking.origins import operations
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import Opaque, RowLock, Somewhere
from lockcheck.plans import ChangeLock, Target

CODE = "LCK206"

SHOWN = 5
"""So many calls of a helper are named."""


@dataclass(frozen=True, slots=True)
class Use:
    """A run in which a lock is taken. `needed` tells that the transaction writes the key, deletes the row or may do so
    elsewhere."""

    trace: Trace
    step: Step
    lock: RowLock
    table: str
    needed: bool


def check(project: Project) -> Iterator[Hazard]:
    if "postgresql" not in project.policy.databases:
        return
    uses, switches = _uses(project)
    if not uses:
        return
    upgraded = upgraded_locks(project)
    wanted = {site: runs for site, runs in uses.items() if site not in upgraded and not any(use.needed for use in runs)}
    blocked = _blocked(adoptions(project), wanted)
    helpers = {helper for helper in _helpers(uses) if helper not in switches}
    for helper in sorted(helpers, key=_place):
        sites = [site for site, runs in uses.items() if runs[0].lock.asked_at == helper]
        if all(site in wanted for site in sites) and (hit := [site for site in sites if site in blocked]):
            yield _hazard(project, helper, uses[hit[0]][0], blocked[hit[0]], hit)
            for site in hit:
                del blocked[site]
    for site in sorted(blocked, key=_place):
        yield _hazard(project, site, uses[site][0], blocked[site], [])


def _place(site: Target) -> tuple[str, str, int]:
    return site.path, site.slice, site.index


def _uses(project: Project) -> tuple[dict[Target, list[Use]], set[Target]]:
    """The FOR UPDATE locks by the place that asks for them, and the helpers that some caller has take a weaker one."""
    found: dict[Target, list[Use]] = {}
    weaker: set[Target] = set()
    for lock, uses in project.in_runs(_locks, starts, (RowLock,)):
        if lock.asked_at is not None and (lock.key_share or lock.read):
            weaker.add(lock.asked_at)
        if lock.site is not None and uses:
            found.setdefault(lock.site, []).extend(uses)
    return found, weaker


def _locks(project: Project, trace: Trace) -> Iterator[tuple[RowLock, tuple[Use, ...]]]:
    """The row locks of a run, with their uses as FOR UPDATE."""
    for step, execute in trace.locking:
        lock = execute.statement.lock
        if lock is not None and lock.site is not None and not project.contention.runs_alone(step.function):
            yield lock, tuple(_use(project, trace, step, lock))


def _use(project: Project, trace: Trace, step: Step, lock: RowLock) -> Iterator[Use]:
    execute = step.detail
    if not isinstance(execute, Execute) or execute.statement.kind != "select" or lock.key_share or lock.read:
        return
    if any(isinstance(part, Opaque) for part in lock.of or ()):
        return  # options that could not be read may hold a key_share
    models = project.locks.locked_models(execute.statement) if lock.of else (execute.statement.model,)
    for table in dict.fromkeys(project.locks.table(model) for model in models):
        if table is not None and has_children(project, table):
            needed = (
                not _followed(trace, execute)
                or needs_key(project, trace, step, table)
                or _handed_out(project, trace, step, execute)
            )
            yield Use(trace, step, lock, table, needed)


def _followed(trace: Trace, execute: Execute) -> bool:
    """Whether what else happens in the session is known: a name that a function inside another sees there is taken for
    a session only where it executes a statement."""
    if execute.session is None or "<locals>" in trace.function:
        return False
    origin = execute.session.origin
    label = origin.label if isinstance(origin, Somewhere) else None
    return not (execute.session.owner == "unknown" and isinstance(label, str) and label.isidentifier())


def _handed_out(project: Project, trace: Trace, step: Step, execute: Execute) -> bool:
    """Whether the locked rows are returned, within the transaction, to callers that are not known."""
    returned = operations(project.linker.root(trace.function).returns)
    if execute.site not in returned:
        return False
    return not trace.ended_between(step, trace.steps[-1], execute.session)


def _blocked(known: Mapping[str, list[Adoption]], uses: Mapping[Target, list[Use]]) -> dict[Target, Adoption]:
    """For each lock a place that it blocks: if possible an insert, and in another function."""
    found: dict[Target, Adoption] = {}
    for site, runs in uses.items():
        others = [adoption for use in runs for adoption in known.get(use.table, ())]
        if others:
            found[site] = min(others, key=lambda item: (item.moves, item.site.slice == site.slice))
    return found


def _helpers(uses: Mapping[Target, list[Use]]) -> set[Target]:
    return {use.lock.asked_at for runs in uses.values() for use in runs if use.lock.asked_at is not None}


def _hazard(project: Project, site: Target, use: Use, other: Adoption, calls: list[Target]) -> Hazard:
    verb = f"points {other.child} rows at" if other.moves else f"inserts {other.child} rows and so locks"
    does = f"{verb} {other.parent} rows (KEY SHARE)"
    text = (
        f"FOR UPDATE on {other.parent} blocks {short(other.function)} at {file_line(project, other.site)}, "
        f"which {does}; the key is not changed"
    )
    related: list[tuple[Where, str]] = [(other.site, f"{short(other.function)} {does}")]
    related += [(call, "the lock is taken for this statement") for call in calls[:SHOWN]]
    remedy, reason = _remedy(project, site, use, other, own=bool(calls))
    return Hazard(
        site=site,
        function=site.slice if calls else use.step.function,
        message=f"{text}; no fix: {reason}" if reason else text,
        related=tuple(related),
        remedy=remedy,
        no_fix=reason,
    )


def _remedy(
    project: Project, site: Target, use: Use, other: Adoption, *, own: bool
) -> tuple[Remedy | None, str | None]:
    if use.lock.style == "helper" and not own and not takes_key_share(project, site):
        return None, "the helper that takes the lock accepts no key_share="
    names = project.policy.databases
    text = f"lock the rows but not their key (judged for {dialects(names)})"
    safe = set(names) <= {"postgresql", "sqlite"} and not own
    if set(names) & {"mysql", "mariadb"}:
        text += "; holds on PostgreSQL, MySQL and MariaDB ignore key_share="
    if _reads(project, use, other.child):
        safe = False
        text += f"; {other.child} rows can then be added between what is read here and the commit"
    plan = ChangeLock(site, use.lock.style, key_share=True)
    return Remedy(plan, "safe" if safe else "unsafe", text), None


def _reads(project: Project, use: Use, child: str) -> bool:
    """Whether the transaction reads the children afterwards, so that the lock perhaps keeps new ones out."""
    for other, detail in after(use.trace.of(Execute), use.step):
        if detail.statement.kind == "select":
            tables = {project.locks.table(model) for model in project.locks.from_models(detail.statement)}
            if child in tables and use.trace.reaches(use.step, other):
                return True
    return False
