"""What PostgreSQL does not lock rows of (0A000), where other databases do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck.linking.values import Expression

if TYPE_CHECKING:
    from lockcheck.linking.events import Execute
    from lockcheck.linking.project import Project

AGGREGATES = frozenset(
    {
        "count", "sum", "max", "min", "avg", "array_agg", "string_agg", "json_agg", "jsonb_agg", "bool_and", "bool_or",
        "every", "row_number", "rank", "dense_rank", "ntile", "lag", "lead", "first_value", "last_value",
    }
)  # fmt: skip
"""Aggregate and window functions."""


def refused(project: Project, execute: Execute) -> str | None:
    """What in a locking SELECT makes PostgreSQL refuse it, where that is among the databases."""
    statement = execute.statement
    if statement.lock is None or statement.kind != "select" or "postgresql" not in project.policy.databases:
        return None
    if statement.compound:
        return "UNION, INTERSECT or EXCEPT" if statement.query is not None else None
    if statement.grouped:
        return "GROUP BY"
    if statement.distinct:
        return "DISTINCT"
    calls = [entity.call for entity in statement.entities if isinstance(entity, Expression)]
    called = next((call for call in calls if call in AGGREGATES), None)
    return f"{called}()" if called else ("count()" if execute.how == "query.count" else None)
