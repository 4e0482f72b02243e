"""Reads the attributes of mapped classes: columns, relationships, synonyms."""

from __future__ import annotations

from lockcheck.declarations.annotations import Annotated, Annotations
from lockcheck.declarations.columns import COLUMN_KINDS, Columns
from lockcheck.declarations.constructs import Construct, Constructs
from lockcheck.declarations.layout import Layout, Relation
from lockcheck.declarations.mapping import Declared
from lockcheck.declarations.model import CallOf, Expression, Location, Member, Name

RELATIONSHIP_KINDS = ("relationship", "relation", "Relationship", "dynamic_loader")
WRAPPED_KINDS = ("column_property", "deferred")
_COLUMN_WORDS = ("column", "col", "key", "field", "id", "fk", "pk")


class Attributes:
    """Adds what an attribute declares to a layout."""

    def __init__(self, constructs: Constructs) -> None:
        self._constructs = constructs
        self._annotations = Annotations(constructs)
        self._columns = Columns(constructs)

    def read(self, declared: Declared, layout: Layout, *, sqlmodel: bool) -> None:
        """One attribute of a class or mixin; in SQLModel's classes plain annotations are columns."""
        name = declared.name
        if name.startswith("__") and name.endswith("__"):
            return
        if self._annotations.is_class_variable(declared.annotation, declared.scope):
            return
        annotated = self._annotations.read(declared.annotation, declared.scope)
        if not annotated.wrapper and (declared.computed or not sqlmodel):
            annotated = Annotated()
        value = self._value(declared)
        if isinstance(value, CallOf):
            made = self._constructs.construct(value, declared.scope)
            self._read_made(declared, made, annotated, layout, sqlmodel=sqlmodel)
        elif annotated.wrapper == "Mapped" or (sqlmodel and declared.annotation is not None):
            self._add(layout, name, None, annotated, declared.location)
        elif declared.computed and declared.value is None:
            layout.complete = False

    def add_named(self, layout: Layout, made: Construct, location: Location) -> None:
        """A column of a Core table or a composite: its attribute is its key or name."""
        name = self._constructs.text(made.argument(0, "name"), made.scope)
        key = self._constructs.text(made.keyword("key"), made.scope) or name
        if key is None:
            layout.complete = False
        else:
            self._add(layout, key, made, Annotated(), location)

    def _value(self, declared: Declared) -> Expression | None:
        """The value, through the name of a module variable that holds a column."""
        if isinstance(declared.value, Name) and not declared.computed:
            assignment = self._constructs.names.assignment(self._constructs.resolved(declared.value, declared.scope))
            if assignment is not None and isinstance(assignment.value, CallOf):
                return assignment.value
        return declared.value

    def _read_made(
        self, declared: Declared, made: Construct, annotated: Annotated, layout: Layout, *, sqlmodel: bool
    ) -> None:
        name, kind = declared.name, made.kind
        if kind in COLUMN_KINDS and (kind != "Field" or sqlmodel):
            self._add(layout, name, made, annotated, declared.location)
        elif kind in RELATIONSHIP_KINDS:
            layout.relations[name] = Relation(made, annotated, declared.location, declared.outside)
        elif kind == "synonym":
            text = self._constructs.text(made.argument(0, "name"), made.scope)
            layout.synonyms.update({name: text} if text is not None else {})
        elif kind == "composite" or kind in WRAPPED_KINDS:
            self._read_wrapped(declared, made, annotated, layout)
        elif annotated.wrapper == "Mapped" and not kind:
            self._add(layout, name, None, annotated, declared.location)
            layout.complete = False
        else:
            layout.require(known=made.understood or not _may_be_column(made))

    def _read_wrapped(self, declared: Declared, made: Construct, annotated: Annotated, layout: Layout) -> None:
        """`column_property(Column(..))`, `deferred(Column(..))`, `composite(Point, mapped_column("x"), ..)`."""
        calls = (argument for argument in made.call.args if isinstance(argument, CallOf))
        inner = [self._constructs.construct(call, made.scope) for call in calls]
        columns = [part for part in inner if part.kind in COLUMN_KINDS]
        if made.kind == "composite":
            for part in columns:
                self.add_named(layout, part, declared.location)
        elif columns:
            self._add(layout, declared.name, columns[0], annotated, declared.location)

    def _add(self, layout: Layout, name: str, made: Construct | None, annotated: Annotated, location: Location) -> None:
        draft = self._columns.draft(name, made, annotated, location)
        layout.drafts[name] = draft
        layout.require(known=draft.understood)


def _may_be_column(made: Construct) -> bool:
    """Whether a call that is not understood looks as if it made a column."""
    function = made.call.function
    name = function.dotted if isinstance(function, Name) else function.name if isinstance(function, Member) else ""
    last = name.rpartition(".")[2].lower()
    return any(word in last for word in _COLUMN_WORDS)
