"""Columns while they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from lockcheck.declarations.constants import Scope
from lockcheck.declarations.model import Column, Expression, Location

INTEGERS = frozenset({"Integer", "BigInteger", "SmallInteger", "INTEGER", "BIGINT", "SMALLINT", "SERIAL", "BIGSERIAL"})
Default = Literal["none", "constant", "generated"]


@dataclass(frozen=True, slots=True)
class Reference:
    """One `ForeignKey(...)` of a column: a target column by name, or as an expression in a scope."""

    target: Expression
    scope: Scope
    on_delete: str | None


@dataclass(slots=True)
class Draft:
    """A column while it is read; what depends on the whole table is settled in `settled`."""

    attribute: str
    location: Location
    name: str = ""
    type: str = ""
    python_type: str = ""
    enum: str | None = None
    is_enum: bool = False
    declared_nullable: bool | None = None
    annotated_nullable: bool | None = None
    nullable_unless_said: bool | None = True
    primary_key: bool = False
    unique: bool = False
    index: bool = False
    default: Default = "none"
    autoincrement: bool | None = None
    has_onupdate: bool = False
    references: list[Reference] = field(default_factory=list)
    understood: bool = True

    @property
    def nullable(self) -> bool | None:
        """What holds outside the primary key: `nullable=` first, then the annotation."""
        if self.declared_nullable is not None:
            return self.declared_nullable
        return self.nullable_unless_said if self.annotated_nullable is None else self.annotated_nullable

    def settled(self, keys: Sequence[str], *, refers: bool) -> Column:
        """The column of a table with this primary key; `refers` where the column refers to another table."""
        primary = self.attribute in keys
        default = self.default
        if primary and default == "none" and self._counts_up(alone=len(keys) == 1, refers=refers):
            default = "generated"
        return Column(
            attribute=self.attribute,
            name=self.name,
            type=self.type,
            python_type=self.python_type,
            nullable=False if primary else self.nullable,
            primary_key=primary,
            unique=self.unique,
            index=self.index,
            default=default,
            has_onupdate=self.has_onupdate,
            enum=self.enum,
            is_enum=self.is_enum,
            location=self.location,
        )

    def _counts_up(self, *, alone: bool, refers: bool) -> bool:
        if self.autoincrement is not None:
            return self.autoincrement
        return alone and self.type in INTEGERS and not self.references and not refers
