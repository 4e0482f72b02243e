"""The four row locks of PostgreSQL, and which of them wait for each other (PostgreSQL manual, explicit locking)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from lockcheck.declarations.model import MappedClass
    from lockcheck.linking.values import RowLock, Statement

Mode: TypeAlias = Literal["key share", "share", "no key update", "update"]

PASSES: frozenset[frozenset[Mode]] = frozenset(
    {
        frozenset({"key share"}),
        frozenset({"share"}),
        frozenset({"key share", "share"}),
        frozenset({"key share", "no key update"}),
    }
)
"""Pairs that do not wait for each other."""


def conflict(one: Mode, other: Mode) -> bool:
    return frozenset({one, other}) not in PASSES


def mode(statement: Statement, mapped: MappedClass | None) -> Mode:
    """The lock that a statement takes, at the most, on the rows of its model."""
    if statement.lock is not None and statement.kind == "select":
        return asked(statement.lock)
    if statement.kind == "update" and mapped is not None and not sets_key(statement, mapped):
        return "no key update"
    return "update"


def shown_mode(statement: Statement, mapped: MappedClass | None) -> Mode:
    """The lock that it is seen to take: values which cannot be read are not taken to hold a key."""
    read = replace(statement, assigned=replace(statement.assigned, complete=True))
    return mode(read, mapped)


def asked(lock: RowLock) -> Mode:
    """The lock that `with_for_update` asks for."""
    if lock.read:
        return "key share" if lock.key_share else "share"
    return "no key update" if lock.key_share else "update"


def key_columns(mapped: MappedClass) -> frozenset[str]:
    """The attributes of the columns of its primary and unique keys."""
    keys = {name for key in (mapped.primary_key, *mapped.unique_keys) for name in key}
    return frozenset(keys | {column.attribute for column in mapped.columns.values() if column.unique})


def sets_key(statement: Statement, mapped: MappedClass) -> bool:
    """Whether a primary or unique key column is assigned, or might be."""
    if not statement.assigned.complete:
        return True
    keys = key_columns(mapped)
    names = {column.attribute: column.name for column in mapped.columns.values()}
    assigned = {name for name, _ in statement.assigned.items}
    return bool(assigned & (keys | {names[key] for key in keys if key in names}))
