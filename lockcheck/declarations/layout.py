"""What a class has in its table, while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from lockcheck.declarations.annotations import Annotated
from lockcheck.declarations.constructs import Construct
from lockcheck.declarations.drafts import Draft
from lockcheck.declarations.model import (
    Column,
    Expression,
    ForeignKey,
    Index,
    Literal_,
    Location,
    Member,
    Name,
    PartialKey,
)


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship as it is declared; `outside` where it was assigned to the class elsewhere."""

    made: Construct
    annotated: Annotated
    location: Location
    outside: bool


@dataclass(slots=True)
class Layout:
    """Drafts are the columns of the class's own table, `columns` all of them with the inherited ones."""

    drafts: dict[str, Draft] = field(default_factory=dict)
    primary_key: tuple[str, ...] = ()
    unique_keys: list[tuple[str, ...]] = field(default_factory=list)
    partial_keys: list[PartialKey] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    synonyms: dict[str, str] = field(default_factory=dict)
    relations: dict[str, Relation] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    complete: bool = True
    joined: bool = False
    root: str = ""

    def attribute(self, name: str) -> str | None:
        """The attribute of a column, given its name in the table or else its attribute."""
        found = next((key for key, draft in self.drafts.items() if draft.name == name), None)
        return found or (name if name in self.drafts else None)

    def require(self, *, known: bool) -> None:
        """Note whether a part of the declaration could be read."""
        self.complete = self.complete and known

    # --- once all columns are known -----------------------------------------------------------------------------

    def settle(self) -> None:
        """Take keys and indexes from the columns."""
        if not self.primary_key:
            self.primary_key = tuple(name for name, draft in self.drafts.items() if draft.primary_key)
        for name, draft in self.drafts.items():
            if draft.unique:
                self.unique_keys.append((name,))
            if draft.index:
                self.indexes.append(Index((name,), draft.unique))

    def inherit(self, above: Layout, *, shared: bool) -> None:
        """Take over what a mapped parent has; `shared` where both are in one table."""
        self.synonyms = {**above.synonyms, **self.synonyms}
        self.relations = {**above.relations, **self.relations}
        self.require(known=above.complete)
        if shared or not self.primary_key:
            self.primary_key = above.primary_key
        if shared:
            self.unique_keys = [*above.unique_keys, *self.unique_keys]
            self.partial_keys = [*above.partial_keys, *self.partial_keys]
            self.indexes = [*above.indexes, *self.indexes]
            self.foreign_keys = [*above.foreign_keys, *self.foreign_keys]

    def finish(self, above: Layout | None, *, shared: bool) -> None:
        """Make columns of the drafts."""
        referring = {name for key in self.foreign_keys for name in key.columns}
        for name, draft in self.drafts.items():
            self.columns[name] = draft.settled(self.primary_key, refers=self.joined or name in referring)
        if above is not None:
            inherited = {name: column for name, column in above.columns.items() if name not in self.drafts}
            self.columns.update(inherited)
            self.drafts = {**above.drafts, **self.drafts} if shared else self.drafts
        self.unique_keys = list(dict.fromkeys(self.unique_keys))
        self.indexes = list(dict.fromkeys(self.indexes))


def last_name(expression: Expression | None) -> str | None:
    """The last part of a name, or a string: how a column is named in most places."""
    if isinstance(expression, Name):
        return expression.dotted.rpartition(".")[2]
    if isinstance(expression, Literal_) and isinstance(expression.value, str):
        return expression.value
    return expression.name if isinstance(expression, Member) else None
