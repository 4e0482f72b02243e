"""Whether a SELECT is there for a single row, by what is done with its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from lockcheck.linking import clauses
from lockcheck.linking.values import Condition, Known

if TYPE_CHECKING:
    from lockcheck.linking.events import Execute
    from lockcheck.linking.project import Project
    from lockcheck.linking.values import Statement

Taken: TypeAlias = Literal["one", "first"]
"""How one row is taken of a result: a second row is an error or is cut off by LIMIT, or others are left unread."""

OF_RESULT: dict[str, Taken] = {
    "one": "one",
    "one_or_none": "one",
    "scalar_one": "one",
    "scalar_one_or_none": "one",
    "first": "first",
    "fetchone": "first",
    "scalar": "first",
}

OF_QUERY: dict[str, Taken] = dict.fromkeys(
    ("first", "first_or_404", "one", "one_or_404", "one_or_none", "scalar"), "one"
)
"""`Query.first()` adds LIMIT 1, `Query.scalar()` calls `one()`."""


def single(project: Project, execute: Execute) -> bool:
    """Whether a statement that may reach many rows is there for one: by LIMIT, since a second row would be an error, or
    as it looks rows up by given values in no order and only the first is read: so a key is used that the models do not
    declare."""
    if project.linker.is_many(execute.site):
        return False
    taken = project.linker.taken(execute.site)
    return execute.statement.limited or taken == "one" or (taken == "first" and _looked_up(execute.statement))


def _looked_up(statement: Statement) -> bool:
    found = list(clauses.conjuncts(statement.where))
    equal = [part for part in found if isinstance(part, Condition) and part.operator == "=="]
    given = any(clauses.single(part.operand) and not isinstance(part.operand, Known) for part in equal)
    return given and len(equal) == len(found) and not statement.order_by
