"""Who holds which rows: a row lock is a transaction number in the row itself (xmax), not an entry of pg_locks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from lockcheck.prove.run import Held
from lockcheck.prove.tables import Tables

_TRANSACTIONS = sa.text("SELECT pid, CAST(backend_xid AS text) FROM pg_stat_activity WHERE backend_xid IS NOT NULL")
_MEMBERS = sa.text("SELECT CAST(xid AS text) FROM pg_get_multixact_members(CAST(:xmax AS xid))")


def held(outside: sa.Connection, tables: Tables, processes: Sequence[int]) -> Iterator[Held]:
    """The rows that each of the sessions with these processes has locked, updated or deleted, seen from a connection
    that is in no transaction."""
    numbers = {pid: number for number, pid in enumerate(processes)}
    owners = {xid: numbers[pid] for pid, xid in outside.execute(_TRANSACTIONS) if pid in numbers}
    for name, table in tables.by_name.items():
        found: dict[int, list[tuple[Any, ...]]] = {}
        key = list(table.primary_key)
        xmax: sa.ColumnElement[str] = sa.cast(sa.literal_column("xmax"), sa.Text)
        for row in outside.execute(sa.select(*key, xmax).order_by(*key)):
            for owner in _owners(outside, row[-1], owners):
                found.setdefault(owner, []).append(tuple(row[:-1]))
        yield from (Held(owner, name, tuple(keys)) for owner, keys in sorted(found.items()))


def _owners(outside: sa.Connection, xmax: str, owners: Mapping[str, int]) -> list[int]:
    """The sessions behind an xmax, which stands for several where they share the row, and may be long over."""
    if xmax == "0" or xmax in owners:
        return [owners[xmax]] if xmax in owners else []
    try:
        members = outside.scalars(_MEMBERS, {"xmax": xmax}).all()
    except sa.exc.DBAPIError:  # no number of several transactions, but that of one which is over
        return []
    return sorted({owners[member] for member in members if member in owners})
