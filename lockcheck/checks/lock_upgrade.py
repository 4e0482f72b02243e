"""LCK207: a shared lock on a row that the same transaction makes stronger afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.checks._common import dialects, file_line
from lockcheck.checks._keys import has_children, needs_key, takes_key_share
from lockcheck.checks._upgrades import Upgrade, upgrades
from lockcheck.hazards import Hazard, Remedy
from lockcheck.linking.events import Add, Delete, Execute, Merge, Write
from lockcheck.linking.modes import asked
from lockcheck.linking.project import Project
from lockcheck.linking.trace import Step
from lockcheck.linking.values import RowLock
from lockcheck.plans import ChangeLock, Target

CODE = "LCK207"

PARENT_FIRST = "lock the parent before its child is inserted"


def check(project: Project) -> Iterator[Hazard]:
    seen: set[Target] = set()
    for upgrade in upgrades(project):
        hazard = _shared(project, upgrade) if upgrade.child is None else _parent(project, upgrade)
        if hazard is not None and hazard.site not in seen:
            seen.add(hazard.site)
            yield hazard


def _shared(project: Project, upgrade: Upgrade) -> Hazard | None:
    lock, site = _lock_of(upgrade.first), _site(upgrade.second)
    if lock is None or lock.site is None or site is None:
        return None
    mode = asked(lock).upper()
    text = (
        f"FOR {mode} on {upgrade.table}, whose rows are {_does(upgrade.second)} later in the transaction, at "
        f"{file_line(project, site)}: two runs that share the lock wait for each other"
    )
    remedy, reason = _unshared(project, upgrade, lock)
    return Hazard(
        site=lock.site,
        function=upgrade.first.function,
        message=f"{text}; no fix: {reason}" if reason else text,
        related=((site, f"{upgrade.table} rows are {_does(upgrade.second)} here, which waits for the other run"),),
        remedy=remedy,
        no_fix=reason,
    )


def _unshared(project: Project, upgrade: Upgrade, lock: RowLock) -> tuple[Remedy | None, str | None]:
    if lock.site is None or lock.style == "helper":
        return None, "a helper takes the lock"
    weak = not needs_key(project, upgrade.trace, upgrade.first, upgrade.table) and not lock.key_share
    plan = ChangeLock(lock.site, lock.style, key_share=weak and has_children(project, upgrade.table), drop_read=True)
    names = dialects(project.policy.databases)
    return Remedy(plan, "safe", f"take the lock that the write needs at once (judged for {names})"), None


def _parent(project: Project, upgrade: Upgrade) -> Hazard | None:
    first, second = _site(upgrade.first), _site(upgrade.second)
    if first is None or second is None:
        return None
    lock = _lock_of(upgrade.second)
    does = "locked FOR UPDATE" if lock is not None else _does(upgrade.second)
    text = (
        f"{upgrade.table} row {does} after a {upgrade.child} row of it was inserted at {file_line(project, first)}, "
        "which shares a lock on it (KEY SHARE): two such runs wait for each other"
    )
    remedy, reason = _weakened(project, upgrade, lock)
    return Hazard(
        site=second,
        function=upgrade.second.function,
        message=f"{text}; no fix: {reason}" if reason else text,
        related=((first, f"inserts a {upgrade.child} row and takes KEY SHARE on its {upgrade.table} row"),),
        remedy=remedy,
        no_fix=reason,
    )


def _weakened(project: Project, upgrade: Upgrade, lock: RowLock | None) -> tuple[Remedy | None, str | None]:
    names = project.policy.databases
    if lock is None or lock.site is None or "postgresql" not in names:
        return None, PARENT_FIRST
    if lock.key_share or needs_key(project, upgrade.trace, upgrade.second, upgrade.table):
        return None, PARENT_FIRST
    if lock.style == "helper" and not takes_key_share(project, lock.site):
        return None, f"the helper that takes the lock accepts no key_share=; {PARENT_FIRST}"
    safe = set(names) <= {"postgresql", "sqlite"}
    text = f"lock the row but not its key (judged for {dialects(names)})"
    if not safe:
        text += "; holds on PostgreSQL, MySQL and MariaDB ignore key_share="
    return Remedy(ChangeLock(lock.site, lock.style, key_share=True), "safe" if safe else "unsafe", text), None


def _lock_of(step: Step) -> RowLock | None:
    detail = step.detail
    return detail.statement.lock if isinstance(detail, Execute) and detail.statement.kind == "select" else None


def _site(step: Step) -> Target | None:
    """The construct that takes a lock."""
    detail = step.detail
    if isinstance(detail, Execute):
        lock = detail.statement.lock
        return lock.site if lock is not None and lock.site is not None else detail.statement.site
    return detail.site if isinstance(detail, (Add, Merge, Delete, Write)) else None


def _does(step: Step) -> str:
    detail = step.detail
    if isinstance(detail, Execute):
        return {"select": "locked FOR UPDATE", "delete": "deleted"}.get(detail.statement.kind, "updated")
    return "deleted" if isinstance(detail, Delete) else "updated"
