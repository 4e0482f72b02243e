"""What acts do, in words."""

from __future__ import annotations

from lockcheck.linking.modes import asked
from lockcheck.prove.acts import Act

VERBS = {"update": "updates", "delete": "deletes", "insert": "inserts"}


def does(act: Act, table: str) -> str:
    """An act as a predicate: `updates many rows of job`."""
    rows = {"one": f"a row of {table}", "many": f"many rows of {table}", "each": f"rows of {table}, one by one"}
    what = rows[act.reach]
    if act.looks:
        return f"looks for {what}"
    lock = act.statement.lock
    if act.statement.kind == "select" and lock is not None:
        order = ", in the order of their key" if act.ordered and act.reach == "many" else ""
        return f"locks {what} (FOR {asked(lock).upper()}){order}"
    verb = "inserts or updates" if act.upsert or act.statement.on_conflict else VERBS.get(act.statement.kind, "reads")
    return f"{verb} {what}{', locked in the order of their key first' if act.ordered else ''}"
