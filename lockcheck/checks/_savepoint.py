"""Whether the savepoint form helps a look-up with an insert."""

from __future__ import annotations

from lockcheck.checks._common import dialects
from lockcheck.checks._inserts import Insert, attribute
from lockcheck.checks._lookup_keys import Key
from lockcheck.hazards import Remedy
from lockcheck.linking import clauses
from lockcheck.linking.events import Execute
from lockcheck.linking.missing import Missing
from lockcheck.linking.project import Project
from lockcheck.plans import InsertInSavepoint


def savepoint(project: Project, insert: Insert, missing: Missing, key: Key) -> tuple[Remedy | None, str | None]:
    """The fix, or why there is none."""
    reason = _obstacle(project, insert, missing, key)
    lookup = missing.check.detail
    if reason is not None or not isinstance(lookup, Execute):
        return None, reason
    awaited = insert.session is not None and insert.session.is_async
    names = project.policy.databases
    locks = set(names) != {"sqlite"}
    text = (
        f"flush the new row in a savepoint, and read the other transaction's one{' under a share lock' * locks} "
        f"(judged for {dialects(names)})"
    )
    return Remedy(InsertInSavepoint(insert.site, lookup.site, awaited, locks), "unsafe", text), None


def _obstacle(project: Project, insert: Insert, missing: Missing, key: Key) -> str | None:
    statement = missing.statement
    if not key.unique:
        return "without a unique constraint only a lock on a row that both runs share helps"
    if insert.built is None:
        return "the row is inserted by a statement, which ON CONFLICT can be given"
    steps = (insert.step, insert.built, missing.check, missing.decided)
    if len({step.calls for step in steps}) > 1 or len({step.function for step in steps}) > 1:
        return "the SELECT and the insert stand in different functions"
    pins = (
        {attribute(insert.mapped, n) for n in clauses.pinned(statement.where, statement.model)}
        if statement.model
        else set()
    )
    exact = pins == set(key.unique) and sum(1 for _ in clauses.conjuncts(statement.where)) == len(pins)
    if missing.columns or missing.choice or not exact or not statement.readable:
        return f"the SELECT does not look for the row by ({', '.join(key.unique)}) alone"
    if statement.lock is not None or statement.joins or statement.distinct or project.locks.eager(statement):
        return "the SELECT cannot be repeated with a share lock on its own table alone"
    return None
