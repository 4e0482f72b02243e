"""Unique indexes on a part of the rows: `Index(.., unique=True, postgresql_where=..)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lockcheck.declarations.constants import Constants, Missing, Scope
from lockcheck.declarations.model import CallOf, Collection, Compared, Expression, Literal_, Name, Operation, Scalar

ColumnOf = Callable[[Expression], "str | None"]

Held = tuple[str, Scalar]
"""A column, by its attribute, and what it is held to; None stands for NULL."""

NOT_NULL = "not null"
SQL_CONDITION = re.compile(
    r"^(?P<not>not\s+)?\"?(?P<column>\w+)\"?(?:\s+is\s+(?P<is>null|not\s+null|true|false))?$", re.IGNORECASE
)


class Predicates:
    """Reads the conditions of partial indexes."""

    def __init__(self, constants: Constants) -> None:
        self._constants = constants

    def held(self, where: Expression, scope: Scope, columns: tuple[str, ...], of: ColumnOf) -> tuple[Held, ...] | None:
        """What the rows of an index over `columns` have in common, None where that cannot be read. That one of the
        columns is not NULL is left out: a value that is compared with it says as much."""
        found: list[Held] = []
        for part in _conjuncts(where):
            known = self._of_text(part, of) if _is_text(part) else self._of_part(part, scope, of)
            if known is None:
                return None
            name, value = known
            if value != NOT_NULL:
                found.append((name, value))
            elif name not in columns:
                return None
        return tuple(found)

    def _of_part(self, part: Expression, scope: Scope, of: ColumnOf) -> Held | None:
        if isinstance(part, Compared):
            return self._compared(part.left, part.operator, part.right, scope, of)
        if isinstance(part, CallOf) and isinstance(part.function, Name) and len(part.args) == 1:
            base, _, method = part.function.dotted.rpartition(".")
            return self._compared(Name(base), method, part.args[0], scope, of) if base else None
        if isinstance(part, Operation) and part.operator == "~":
            return _with(of(part.operands[0]), value=False)
        return _with(of(part), value=True) if isinstance(part, Name) else None

    def _compared(self, left: Expression, operator: str, right: Expression, scope: Scope, of: ColumnOf) -> Held | None:
        value = self._constants.evaluate(right, scope)
        if isinstance(value, (Missing, Collection)):
            return None
        if operator in ("==", "is_"):
            return _with(of(left), value=value)
        return _with(of(left), value=NOT_NULL) if operator in ("is_not", "isnot", "!=") and value is None else None

    def _of_text(self, part: Expression, of: ColumnOf) -> Held | None:
        """Of `text(..)`: a column, and whether it is NULL or true."""
        text = part.args[0] if isinstance(part, CallOf) and part.args else None
        found = SQL_CONDITION.match(str(text.value).strip()) if isinstance(text, Literal_) else None
        if found is None:
            return None
        column, asked = of(Literal_(found["column"])), " ".join((found["is"] or "true").lower().split())
        if found["not"]:
            return _with(column, value=False) if found["is"] is None else None
        return _with(column, value={"null": None, NOT_NULL: NOT_NULL, "true": True, "false": False}[asked])


def _conjuncts(where: Expression) -> Iterator[Expression]:
    if isinstance(where, Operation) and where.operator == "&":
        parts = where.operands
    elif isinstance(where, CallOf) and _named(where) == "and_":
        parts = where.args
    else:
        yield where
        return
    for part in parts:
        yield from _conjuncts(part)


def _is_text(part: Expression) -> bool:
    return isinstance(part, CallOf) and _named(part) == "text"


def _named(call: CallOf) -> str:
    return call.function.dotted.rpartition(".")[2] if isinstance(call.function, Name) else ""


def _with(column: str | None, *, value: Scalar) -> Held | None:
    return None if column is None else (column, value)
