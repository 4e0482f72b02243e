"""Columns and keys of mapped classes and Core tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lockcheck.declarations.annotations import Annotated, Annotations
from lockcheck.declarations.columns import COLUMN_KINDS, WRAPPED_KINDS, Columns, Draft, Reference
from lockcheck.declarations.constants import Scope
from lockcheck.declarations.constructs import Construct, Constructs
from lockcheck.declarations.mapping import CoreTable, Declared, Mapping_
from lockcheck.declarations.model import (
    CallOf,
    Column,
    Deferred,
    Expression,
    ForeignKey,
    Index,
    Literal_,
    Location,
    Member,
    Name,
    Pairs,
)

RELATIONSHIP_KINDS = ("relationship", "relation", "Relationship", "dynamic_loader")
PARTIAL = ("postgresql_where", "sqlite_where", "mssql_where")


@dataclass(slots=True)
class Layout:
    """What a class has in its own table, and what it inherits."""

    drafts: dict[str, Draft] = field(default_factory=dict)
    primary_key: tuple[str, ...] = ()
    unique_keys: list[tuple[str, ...]] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    synonyms: dict[str, str] = field(default_factory=dict)
    relations: dict[str, tuple[Construct, Annotated, Location]] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)
    columns: dict[str, Column] = field(default_factory=dict)
    complete: bool = True
    joined: bool = False
    root: str = ""
    references: list[tuple[tuple[str, ...], Reference]] = field(default_factory=list)

    def attribute(self, name: str) -> str | None:
        """The attribute of a column, given its name in the table or its attribute."""
        found = next((key for key, draft in self.drafts.items() if draft.name == name), None)
        return found or (name if name in self.drafts else None)


class Layouts:
    """Reads layouts, each once."""

    def __init__(self, mapping: Mapping_, constructs: Constructs) -> None:
        self._mapping = mapping
        self._constructs = constructs
        self._annotations = Annotations(constructs)
        self._columns = Columns(constructs, self._annotations)
        self._found: dict[str, Layout] = {}

    def of_class(self, qualname: str) -> Layout:
        """The layout of a mapped class."""
        found = self._found.get(qualname)
        if found is None:
            found = self._found[qualname] = Layout()  # complete when a cycle of references comes back to it
            self._read_class(qualname, found)
        return found

    def of_table(self, qualname: str, table: CoreTable) -> Layout:
        found = self._found.get(qualname)
        if found is None:
            found = self._found[qualname] = Layout(root=qualname)
            self._read_table(table, found)
            self._settle(found, None)
        return found

    # --- classes ----------------------------------------------------------------------------------------------

    def _read_class(self, qualname: str, layout: Layout) -> None:
        ancestor = self._mapping.parent(qualname)
        parent = None if self._is_concrete(qualname) else ancestor
        above = self.of_class(parent) if parent is not None else None
        layout.root = above.root if above is not None else qualname
        own_table = parent is None or self._mapping.own_table(qualname) is not None
        layout.joined = parent is not None and own_table
        table = self._mapping.core_table(qualname)
        if table is not None:
            self._read_table(table, layout)
        sqlmodel = self._mapping.ancestry(qualname).sqlmodel
        layout.complete = layout.complete and self._mapping.ancestry(qualname).known
        for declared in self._declared(qualname, ancestor):
            self._read_attribute(declared, layout, sqlmodel=sqlmodel)
        if table is not None and table.properties is not None:
            self._read_properties(table, layout)
        if own_table:
            self._read_table_args(qualname, layout)
        self._settle(layout, above, shared=above is not None and not own_table)

    def _declared(self, qualname: str, parent: str | None) -> Iterator[Declared]:
        """The attributes that a class adds to its mapped parent's, its own first; the nearest of a name counts."""
        above = set(self._mapping.names.mro(parent)) if parent is not None else set()
        seen: set[str] = set()
        for base in self._mapping.names.mro(qualname):
            if base in above or base not in self._mapping.names.classes:
                continue
            own = list(self._mapping.own(base))
            yield from (declared for declared in own if declared.name not in seen)
            seen.update(self._mapping.names.own_attributes(base))
            seen.update(declared.name for declared in own)

    def _is_concrete(self, qualname: str) -> bool:
        return self._mapper_option(qualname, "concrete") == Literal_(value=True)

    def _mapper_option(self, qualname: str, name: str) -> Expression | None:
        declared = self._mapping.inherited(qualname, "__mapper_args__")
        return _option(declared.value, name) if declared is not None else None

    def version_column(self, qualname: str) -> str | None:
        """The attribute of `version_id_col`."""
        value = self._mapper_option(qualname, "version_id_col")
        layout = self.of_class(qualname)
        name = _last_name(value)
        found = layout.attribute(name) if name is not None else None
        if found is None and (parent := self._mapping.parent(qualname)) is not None:
            return self.version_column(parent)
        return found

    # --- attributes -------------------------------------------------------------------------------------------

    def _read_attribute(self, declared: Declared, layout: Layout, *, sqlmodel: bool) -> None:
        name = declared.name
        if name.startswith("__") and name.endswith("__"):
            return
        if self._annotations.is_class_variable(declared.annotation, declared.scope):
            return
        annotated = self._annotations.read(declared.annotation, declared.scope)
        if declared.computed and not annotated.wrapper:
            annotated = Annotated()
        value = self._value(declared)
        if isinstance(value, CallOf):
            made = self._constructs.construct(value, declared.scope)
            self._read_made(declared, made, annotated, layout, sqlmodel=sqlmodel)
        elif annotated.wrapper == "Mapped" or (sqlmodel and declared.annotation is not None):
            self._add(layout, name, None, annotated, declared.location)
        elif declared.computed and declared.value is None:
            layout.complete = False

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
            self._add(
                layout, name, made, annotated if annotated.wrapper or sqlmodel else Annotated(), declared.location
            )
        elif kind in RELATIONSHIP_KINDS:
            layout.relations[name] = (made, annotated, declared.location)
            if declared.outside:
                layout.outside.add(name)
        elif kind == "synonym":
            self._add_synonym(layout, name, made)
        elif kind in WRAPPED_KINDS or kind == "composite":
            self._add_wrapped(declared, made, annotated, layout)
        elif annotated.wrapper == "Mapped" and not kind:
            self._add(layout, name, None, annotated, declared.location)
            layout.complete = False
        elif not made.understood:
            layout.complete = layout.complete and not _may_be_column(made)

    def _add(self, layout: Layout, name: str, made: Construct | None, annotated: Annotated, location: Location) -> None:
        draft = self._columns.draft(name, made, annotated, Draft(name, location, None))
        layout.drafts[name] = draft
        layout.complete = layout.complete and draft.understood

    def _add_wrapped(self, declared: Declared, made: Construct, annotated: Annotated, layout: Layout) -> None:
        """`column_property(Column(..))`, `deferred(Column(..))`, `composite(Point, mapped_column("x"), ..)`."""
        for argument in made.call.args:
            if not isinstance(argument, CallOf):
                continue
            inner = self._constructs.construct(argument, made.scope)
            if inner.kind not in COLUMN_KINDS:
                continue
            if made.kind == "composite":
                first = inner.call.args[0] if inner.call.args else inner.keyword("name")
                name = self._constructs.text(first, inner.scope)
                if name is None:
                    layout.complete = False
                else:
                    self._add(layout, name, inner, Annotated(), declared.location)
            else:
                self._add(layout, declared.name, inner, annotated, declared.location)
                return

    def _add_synonym(self, layout: Layout, name: str, made: Construct) -> None:
        target = made.call.args[0] if made.call.args else made.keyword("name")
        text = self._constructs.text(target, made.scope)
        if text is not None:
            layout.synonyms[name] = text

    def _read_properties(self, table: CoreTable, layout: Layout) -> None:
        """`properties={..}` of an imperative mapping: relationships, synonyms and columns under other names."""
        if table.properties is None or table.mapped_in is None:
            return
        for key, value in zip(table.properties.keys, table.properties.values, strict=True):
            if not isinstance(key, Literal_) or not isinstance(key.value, str):
                layout.complete = False
                continue
            if isinstance(value, CallOf):
                declared = Declared(key.value, None, value, table.mapped_in, table.location, computed=False)
                self._read_made(
                    declared, self._constructs.construct(value, table.mapped_in), Annotated(), layout, sqlmodel=False
                )
            elif (old := layout.attribute(_last_name(value) or "")) is not None:
                draft = layout.drafts.pop(old)
                draft.attribute = key.value
                layout.drafts[key.value] = draft

    # --- tables -----------------------------------------------------------------------------------------------

    def _read_table(self, table: CoreTable, layout: Layout) -> None:
        for argument in table.call.args[1:]:
            items, known = [argument], True
            if isinstance(argument, Name):
                continue  # the metadata
            if getattr(argument, "operator", "") == "*":
                items, known = self._constructs.items(argument.operands[0], table.scope)  # type: ignore[union-attr]
            layout.complete = layout.complete and known
            for item in items:
                self._read_table_item(item, table, layout)
        names = {name for name, _ in table.call.keywords}
        layout.complete = layout.complete and not names & {"autoload", "autoload_with", None}

    def _read_table_item(self, item: Expression, table: CoreTable, layout: Layout) -> None:
        if not isinstance(item, CallOf):
            layout.complete = False
            return
        made = self._constructs.construct(item, table.scope)
        if made.kind not in COLUMN_KINDS:
            self._read_constraint(made, layout)
            return
        first = made.call.args[0] if made.call.args else made.keyword("name")
        name = self._constructs.text(first, made.scope)
        key = self._constructs.text(made.keyword("key"), made.scope) or name
        if key is None:
            layout.complete = False
        else:
            self._add(layout, key, made, Annotated(), table.location)

    def _read_table_args(self, qualname: str, layout: Layout) -> None:
        declared = self._mapping.inherited(qualname, "__table_args__")
        if declared is None or (isinstance(declared.value, Literal_) and declared.value.value is None):
            return
        if isinstance(declared.value, Pairs):
            return
        if declared.value is None:
            layout.complete = False
            return
        items, known = self._constructs.items(declared.value, declared.scope)
        layout.complete = layout.complete and known
        for item in items:
            if isinstance(item, CallOf) and isinstance(item.function, Member) and item.function.name == "ddl_if":
                continue  # it holds for some databases only
            if isinstance(item, CallOf):
                self._read_constraint(self._constructs.construct(item, declared.scope), layout)
            elif not isinstance(item, (Pairs, Literal_)):
                layout.complete = False

    def _read_constraint(self, made: Construct, layout: Layout) -> None:
        if made.kind == "ForeignKeyConstraint":
            self._read_foreign_key(made, layout)
            return
        if made.kind not in ("PrimaryKeyConstraint", "UniqueConstraint", "Index"):
            layout.complete = layout.complete and (bool(made.kind) or made.understood)
            return
        given = made.call.args[1:] if made.kind == "Index" else made.call.args
        columns = self._column_names(given, made.scope, layout)
        if made.kind == "Index":
            self._add_index(made, columns, layout)
        elif columns is None:
            layout.complete = False
        elif made.kind == "PrimaryKeyConstraint":
            layout.primary_key = columns or layout.primary_key
        else:
            layout.unique_keys.append(columns)

    def _add_index(self, made: Construct, columns: tuple[str, ...] | None, layout: Layout) -> None:
        """An index over expressions or part of the rows is no key."""
        if columns is None:
            return
        unique = self._constructs.truth(made.keyword("unique"), made.scope) is True
        whole = not any(made.keyword(name) is not None for name in PARTIAL)
        layout.indexes.append(Index(columns, unique and whole))
        if unique and whole:
            layout.unique_keys.append(columns)

    def _column_names(self, given: Iterable[Expression], scope: Scope, layout: Layout) -> tuple[str, ...] | None:
        """The attributes that the arguments of a constraint name; None where one names no column."""
        found: list[str] = []
        for argument in given:
            items = [argument]
            if getattr(argument, "operator", "") == "*":
                items, known = self._constructs.items(argument.operands[0], scope)  # type: ignore[union-attr]
                if not known:
                    return None
            for item in items:
                name = self._constructs.text(item, scope) if not isinstance(item, Name) else None
                attribute = layout.attribute(name) if name is not None else self._column_of(item, layout)
                if attribute is None:
                    return None
                found.append(attribute)
        return tuple(found)

    def _column_of(self, item: Expression, layout: Layout) -> str | None:
        """The attribute that `column`, `cls.column`, `table.c.column` or `column.desc()` names."""
        if isinstance(item, CallOf) and isinstance(item.function, Name):
            base, _, method = item.function.dotted.rpartition(".")
            return self._column_of(Name(base), layout) if method in ("asc", "desc") else None
        if isinstance(item, CallOf) and isinstance(item.function, Member):
            return None
        name = _last_name(item)
        if name is None:
            return None
        return name if name in layout.drafts else layout.attribute(name)

    def _read_foreign_key(self, made: Construct, layout: Layout) -> None:
        lists = [*made.call.args[:2]]
        lists += [v for n in ("columns", "refcolumns") if (v := made.keyword(n)) is not None]
        if len(lists) < 2:
            layout.complete = False
            return
        (own, own_known), (targets, known) = (self._constructs.items(part, made.scope) for part in lists[:2])
        columns = self._column_names(own, made.scope, layout)
        if columns is None or not own_known or not known or len(columns) != len(targets):
            layout.complete = False
            return
        text = self._constructs.text(made.keyword("ondelete"), made.scope)
        pairs = [self._target(Reference(target, made.scope, None)) for target in targets]
        if None in pairs:
            layout.complete = False
            return
        named = [pair for pair in pairs if pair is not None]
        layout.foreign_keys.append(
            ForeignKey(columns, named[0][0], tuple(column for _, column in named), text.upper() if text else None)
        )

    # --- what holds once all columns are known -------------------------------------------------------------------

    def _settle(self, layout: Layout, above: Layout | None, *, shared: bool = False) -> None:
        if not layout.primary_key:
            layout.primary_key = tuple(name for name, draft in layout.drafts.items() if draft.primary_key)
        for name, draft in layout.drafts.items():
            if draft.unique:
                layout.unique_keys.append((name,))
            if draft.index:
                layout.indexes.append(Index((name,), draft.unique))
            for reference in draft.references:
                self._add_reference(name, reference, layout)
        if above is not None:
            self._inherit(layout, above, shared=shared)
        keyed = {name for key in layout.foreign_keys for name in key.columns}
        for name, draft in layout.drafts.items():
            layout.columns[name] = draft.settled(layout.primary_key, inherits=layout.joined or name in keyed)
        if above is not None:
            layout.columns.update((name, column) for name, column in above.columns.items() if name not in layout.drafts)
            layout.drafts = {**above.drafts, **layout.drafts} if shared else layout.drafts
        layout.unique_keys = list(dict.fromkeys(layout.unique_keys))
        layout.indexes = list(dict.fromkeys(layout.indexes))

    def _inherit(self, layout: Layout, above: Layout, *, shared: bool) -> None:
        layout.synonyms = {**above.synonyms, **layout.synonyms}
        layout.relations = {**above.relations, **layout.relations}
        layout.complete = layout.complete and above.complete
        if shared or not layout.primary_key:
            layout.primary_key = above.primary_key
        if shared:
            layout.unique_keys = [*above.unique_keys, *layout.unique_keys]
            layout.indexes = [*above.indexes, *layout.indexes]
            layout.foreign_keys = [*above.foreign_keys, *layout.foreign_keys]

    def _add_reference(self, name: str, reference: Reference, layout: Layout) -> None:
        target = self._target(reference)
        if target is None:
            layout.complete = False
            return
        layout.foreign_keys.append(ForeignKey((name,), target[0], (target[1],), reference.on_delete))

    def _target(self, reference: Reference) -> tuple[str, str] | None:
        """The table and column that a foreign key refers to."""
        expression = reference.target
        if isinstance(expression, Deferred):
            expression = expression.body
        text = self._constructs.text(expression, reference.scope)
        if text is not None:
            table, _, column = text.rpartition(".")
            return (table, column) if table else (text, "")
        if not isinstance(expression, Name):
            return None
        return self._named_target(self._constructs.resolved(expression, reference.scope))

    def _named_target(self, qualname: str) -> tuple[str, str] | None:
        owner, _, name = qualname.rpartition(".")
        table = self._mapping.core_tables.get(owner.removesuffix(".c").removesuffix(".columns"))
        if table is not None:
            return table.name, name
        mapped = self._mapping.table(owner)
        if mapped is None:
            return None
        found = self._mapping.inherited(owner, name)
        call = found.value if found is not None else None
        first = call.args[0] if isinstance(call, CallOf) and call.args else None
        text = self._constructs.text(first, found.scope) if found is not None and first is not None else None
        return mapped, text or name


def _option(value: Expression | None, name: str) -> Expression | None:
    """An entry of a dict display or `dict(..)` call."""
    if isinstance(value, Pairs):
        found = [item for key, item in zip(value.keys, value.values, strict=True) if key == Literal_(name)]
        return found[-1] if found else None
    if isinstance(value, CallOf):
        return next((item for key, item in value.keywords if key == name), None)
    return None


def _last_name(expression: Expression | None) -> str | None:
    if isinstance(expression, Name):
        return expression.dotted.rpartition(".")[2]
    if isinstance(expression, Literal_) and isinstance(expression.value, str):
        return expression.value
    return expression.name if isinstance(expression, Member) else None


def _may_be_column(made: Construct) -> bool:
    """Whether a call that is not understood looks as if it made a column."""
    function = made.call.function
    name = function.dotted if isinstance(function, Name) else getattr(function, "name", "")
    last = name.rpartition(".")[2].lower()
    return any(word in last for word in ("column", "col", "key", "field", "id", "fk", "pk"))


__all__ = ["Layout", "Layouts", "Mapping", "Sequence"]
