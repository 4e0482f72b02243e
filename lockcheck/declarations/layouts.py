"""Columns and keys of mapped classes and Core tables."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.declarations.attributes import Attributes
from lockcheck.declarations.constraints import Constraints
from lockcheck.declarations.constructs import Constructs
from lockcheck.declarations.coretables import CoreTable
from lockcheck.declarations.layout import Layout, last_name
from lockcheck.declarations.mapping import Declared, Mappings
from lockcheck.declarations.model import CallOf, Expression, Literal_, Member, Name, Pairs


class Layouts:
    """Reads layouts, each once."""

    def __init__(self, mappings: Mappings, constructs: Constructs) -> None:
        self._mappings = mappings
        self._constructs = constructs
        self._attributes = Attributes(constructs)
        self._constraints = Constraints(mappings, constructs)
        self._found: dict[str, Layout] = {}

    def of_class(self, qualname: str) -> Layout:
        """The layout of a mapped class."""
        found = self._found.get(qualname)
        if found is None:
            found = self._found[qualname] = Layout()  # complete when a cycle of references comes back to it
            self._read_class(qualname, found)
        return found

    def of_table(self, qualname: str, table: CoreTable) -> Layout:
        """The layout of a Core table."""
        found = self._found.get(qualname)
        if found is None:
            found = self._found[qualname] = Layout(root=qualname)
            self._read_table(table, found)
            self._settle(found, None, shared=False)
        return found

    def version_column(self, qualname: str) -> str | None:
        """The attribute of `version_id_col`."""
        name = last_name(self._mapper_option(qualname, "version_id_col"))
        found = self.of_class(qualname).attribute(name) if name is not None else None
        parent = self._mappings.parent(qualname)
        return self.version_column(parent) if found is None and parent is not None else found

    # --- classes ----------------------------------------------------------------------------------------------

    def _read_class(self, qualname: str, layout: Layout) -> None:
        ancestor = self._mappings.parent(qualname)
        concrete = self._mapper_option(qualname, "concrete") == Literal_(value=True)
        above = self.of_class(ancestor) if ancestor is not None and not concrete else None
        own_table = above is None or self._mappings.own_table(qualname) is not None
        layout.root = above.root if above is not None else qualname
        layout.joined = above is not None and own_table
        layout.require(known=self._mappings.ancestry(qualname).known)
        self._read_columns(qualname, ancestor, layout)
        if own_table:
            self._read_table_args(qualname, layout)
        self._settle(layout, above, shared=not own_table)

    def _read_columns(self, qualname: str, ancestor: str | None, layout: Layout) -> None:
        table = self._mappings.core_table(qualname)
        if table is not None:
            self._read_table(table, layout)
        sqlmodel = self._mappings.ancestry(qualname).sqlmodel
        for declared in self._declared(qualname, ancestor):
            self._attributes.read(declared, layout, sqlmodel=sqlmodel)
        if table is not None:
            self._read_properties(table, layout)

    def _declared(self, qualname: str, parent: str | None) -> Iterator[Declared]:
        """The attributes that a class adds to its mapped parent's, its own first; the nearest of a name counts."""
        names = self._mappings.names
        above = set(names.mro(parent)) if parent is not None else set()
        seen: set[str] = set()
        for base in names.mro(qualname):
            if base in above or base not in names.classes:
                continue
            own = self._mappings.own(base)
            yield from (declared for declared in own if declared.name not in seen)
            seen.update(names.own_attributes(base), (declared.name for declared in own))

    def _mapper_option(self, qualname: str, name: str) -> Expression | None:
        """An entry of `__mapper_args__`, a dict display or `dict(..)` call."""
        declared = self._mappings.inherited(qualname, "__mapper_args__")
        value = declared.value if declared is not None else None
        if isinstance(value, Pairs):
            found = [item for key, item in zip(value.keys, value.values, strict=True) if key == Literal_(name)]
            return found[-1] if found else None
        return dict(value.keywords).get(name) if isinstance(value, CallOf) else None

    # --- tables -----------------------------------------------------------------------------------------------

    def _read_table(self, table: CoreTable, layout: Layout) -> None:
        for argument in table.call.args[1:]:
            if isinstance(argument, Name):
                continue  # the metadata
            items, known = self._constructs.unpacked(argument, table.scope)
            layout.require(known=known)
            for item in items:
                self._read_table_item(item, table, layout)
        names = {name for name, _ in table.call.keywords}
        layout.require(known=not names & {"autoload", "autoload_with", None})

    def _read_table_item(self, item: Expression, table: CoreTable, layout: Layout) -> None:
        if not isinstance(item, CallOf):
            layout.complete = False
            return
        made = self._constructs.construct(item, table.scope)
        if made.kind == "Column":
            self._attributes.add_named(layout, made, table.location)
        elif made.kind != "MetaData":
            self._constraints.read(made, layout)

    def _read_properties(self, table: CoreTable, layout: Layout) -> None:
        """`properties={..}` of an imperative mapping: relationships, synonyms and columns under other names."""
        if table.properties is None or table.mapped_in is None:
            return
        for key, value in zip(table.properties.keys, table.properties.values, strict=True):
            if not isinstance(key, Literal_) or not isinstance(key.value, str):
                layout.complete = False
            elif isinstance(value, CallOf):
                declared = Declared(key.value, None, value, table.mapped_in, table.location)
                self._attributes.read(declared, layout, sqlmodel=False)
            elif (old := layout.attribute(last_name(value) or "")) is not None:
                draft = layout.drafts.pop(old)
                draft.attribute = key.value
                layout.drafts[key.value] = draft

    def _read_table_args(self, qualname: str, layout: Layout) -> None:
        declared = self._mappings.inherited(qualname, "__table_args__")
        if declared is None or isinstance(declared.value, (Pairs, Literal_)):
            return
        items, known = self._constructs.items(declared.value, declared.scope)
        layout.require(known=known)
        for item in items:
            if isinstance(item, CallOf):
                if not _for_some_databases(item):
                    self._constraints.read(self._constructs.construct(item, declared.scope), layout)
            elif not isinstance(item, (Pairs, Literal_)):
                layout.complete = False

    def _settle(self, layout: Layout, above: Layout | None, *, shared: bool) -> None:
        layout.settle()
        self._constraints.read_references(layout)
        if above is not None:
            layout.inherit(above, shared=shared)
        layout.finish(above, shared=shared)


def _for_some_databases(item: CallOf) -> bool:
    """Whether `.ddl_if(..)` leaves a constraint out for some databases."""
    return isinstance(item.function, Member) and item.function.name == "ddl_if"
