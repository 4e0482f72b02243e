"""Statements that wait for locks, and what InnoDB does at a deadlock: it rolls back the whole transaction, after which
the session goes on in a new one. A lock wait timeout undoes the statement alone (page of LCK405)."""

from __future__ import annotations

import re
from typing import NamedTuple

from lockcheck.checks._common import file_line
from lockcheck.linking.events import Execute, SessionCall
from lockcheck.linking.project import Project
from lockcheck.linking.values import SessionRef
from lockcheck.plans import Target

INNODB = frozenset({"mysql", "mariadb"})
DML = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE|WITH)\b|.*\bFOR\s+(UPDATE|SHARE)\b", re.IGNORECASE | re.DOTALL)
WITHOUT_WAITING = re.compile(r"\b(SKIP\s+LOCKED|NOWAIT)\b", re.IGNORECASE)


class Lost(NamedTuple):
    """What a transaction has locked or written at `site`, and loses."""

    site: Target
    is_lock: bool

    @property
    def what(self) -> str:
        return "the row lock taken" if self.is_lock else "what was written"

    @property
    def becomes(self) -> str:
        return "is released" if self.is_lock else "is lost"


def on_innodb_alone(project: Project) -> bool:
    """Whether InnoDB decides what a failed statement does: PostgreSQL, where every error is worse, is not in use."""
    databases = set(project.policy.databases)
    return "postgresql" not in databases and bool(INNODB & databases)


def may_deadlock(detail: object) -> SessionRef | None:
    """The session of a statement that waits for locks."""
    if isinstance(detail, Execute):
        lock = detail.statement.lock
        waits = lock.blocking if lock is not None else locks_or_writes(detail)
        return detail.session if waits else None
    if isinstance(detail, SessionCall) and DML.match(detail.text) and not WITHOUT_WAITING.search(detail.text):
        return detail.session
    return None


def locks_or_writes(execute: Execute) -> bool:
    """Whether a statement leaves a lock or a write in its transaction."""
    return execute.statement.kind != "select" or execute.statement.lock is not None


def undone(project: Project, lost: Lost) -> str:
    """What a deadlock does to the transaction, as part of a message."""
    where = file_line(project, lost.site)
    return f"a deadlock makes InnoDB roll back the whole transaction, so that {lost.what} at {where} {lost.becomes}"


def related(lost: Lost | None) -> tuple[tuple[Target, str], ...]:
    """Where that stands, for a finding."""
    if lost is None:
        return ()
    return ((lost.site, "the rows are locked here" if lost.is_lock else "this is written before"),)
