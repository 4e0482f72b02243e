"""The words that all formats use."""

from __future__ import annotations

from lockcheck.reporting.graphs.model import Cycle, Graph, Lock
from lockcheck.reporting.style import plural

_ACTIONS = {
    "row lock": "locks {rows}",
    "eager join": "locks {rows} through an eager join",
    "join": "locks {rows} through a join",
    "update": "updates {rows}",
    "delete": "deletes {rows}",
    "insert": "inserts {rows}",
    "upsert": "upserts {rows}",
    "flush": "changes {rows}, locked by the flush",
    "merge": "merges {rows}, locked by the flush",
    "foreign key": "locks {rows} through a foreign key",
    "cascade": "locks {rows} through a cascade",
}
_MODES = {
    "update": "FOR UPDATE",
    "no key update": "FOR NO KEY UPDATE",
    "share": "FOR SHARE",
    "key share": "FOR KEY SHARE",
}


def action(lock: Lock) -> str:
    """What a step that locks does: `updates rows of job (FOR NO KEY UPDATE)`."""
    rows = f"{'rows' if lock.many else 'a row'} of {lock.table}"
    waits = "" if lock.blocking else ", without waiting"
    return f"{_ACTIONS.get(lock.how, 'locks {rows}').format(rows=rows)} ({strength(lock)}{waits})"


def strength(lock: Lock) -> str:
    """The mode of a lock, as PostgreSQL's SELECT spells it."""
    return _MODES.get(lock.mode, lock.mode)


def round_trip(cycle: Cycle) -> str:
    """`job -> run -> job`."""
    return " -> ".join((*cycle.tables, cycle.tables[0]))


def counts(graph: Graph) -> str:
    """`3 tables, 4 edges, 1 cycle`."""
    sizes = ((graph.tables, "table"), (graph.edges, "edge"), (graph.cycles, "cycle"))
    return ", ".join(plural(len(items), noun) for items, noun in sizes)
