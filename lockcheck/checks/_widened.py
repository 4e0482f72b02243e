"""The fix of a row lock that reaches more tables than it is meant for, which several rules need."""

from __future__ import annotations

from typing import Literal

from lockcheck.checks._common import dialects, file_line, listed
from lockcheck.hazards import Remedy
from lockcheck.linking.locks import Widening
from lockcheck.linking.project import Project
from lockcheck.linking.values import Statement
from lockcheck.plans import LoadSeparately, LockOnly, Plan


def widened_remedy(project: Project, statement: Statement, wider: list[Widening]) -> tuple[Remedy | None, str | None]:
    """Limits a row lock that reaches joined tables to its own; without a remedy, why there is none."""
    lock = statement.lock
    if lock is None or lock.site is None or statement.spelling is None:
        return None, "the model has no name at the place of the lock"
    if (statement.site.path, statement.site.slice) != (lock.site.path, lock.site.slice):
        return None, f"the statement is built elsewhere, at {file_line(project, statement.site)}"
    if lock.style == "helper" and not _takes_of(project, statement):
        return None, "the helper that takes the lock accepts no of="
    names = project.policy.databases
    relations = tuple(w.relation.name for w in wider if w.relation is not None)
    plan: Plan
    if "mariadb" in project.policy.dialects and len(relations) == len(wider) and lock.style != "helper":
        plan = LoadSeparately(lock.site, statement.spelling, relations)
        text = f"load {listed(relations)} by a second SELECT (judged for {dialects(names)}: MariaDB ignores of=)"
        return Remedy(plan, "unsafe", text), None
    style: Literal["keyword", "mapping"] = "mapping" if lock.style == "mapping" else "keyword"
    plan = LockOnly(lock.site, statement.spelling, style)
    safe = set(names) <= {"postgresql", "sqlite"}
    text = f"lock {statement.spelling} only (judged for {dialects(names)})"
    if not safe:
        text += "; holds on PostgreSQL, MariaDB ignores of="
    return Remedy(plan, "safe" if safe else "unsafe", text), None


def _takes_of(project: Project, statement: Statement) -> bool:
    """Whether the helper whose call locks the statement hands an `of` on."""
    site = statement.lock.site if statement.lock else None
    helper = project.linker.callee_at(site) if site else None
    return helper is not None and any(p.name == "of" or p.kind == "varkeywords" for p in helper.parameters)
