"""Mapped classes and Core tables of a project."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from lockcheck.declarations.constructs import Constructs
from lockcheck.declarations.coretables import CoreTable
from lockcheck.declarations.layout import Layout
from lockcheck.declarations.layouts import Layouts
from lockcheck.declarations.mapping import Mappings
from lockcheck.declarations.model import FunctionDeclaration, Location, MappedClass, ModuleDeclarations
from lockcheck.declarations.relationships import Relationships


class Mapper:
    """Puts mapped classes together, each when it is first asked for."""

    def __init__(self, modules: Mapping[str, ModuleDeclarations], constructs: Constructs) -> None:
        self._modules = modules
        self._names = constructs.names
        self._mappings = Mappings(modules, constructs)
        self._layouts = Layouts(self._mappings, constructs)
        self._relationships = Relationships(self._mappings, self._layouts, constructs)
        self._found: dict[str, MappedClass | None] = {}

    def mapped(self, qualname: str) -> MappedClass | None:
        """The mapped class or Core table of a qualified name."""
        if qualname not in self._found:
            self._found[qualname] = self._mapped(qualname)
        return self._found[qualname]

    def _mapped(self, qualname: str) -> MappedClass | None:
        if qualname in self._names.classes:
            table = self._mappings.table(qualname)
            return self._class(qualname, table) if table is not None else None
        core = self._mappings.cores.tables.get(qualname)
        return self._table(qualname, core) if core is not None else None

    @cached_property
    def tables(self) -> Mapping[str, tuple[MappedClass, ...]]:
        """All mapped classes and Core tables by the table they stand for: classes first, copies in migrations last."""
        found: dict[str, list[MappedClass]] = {}
        for qualname in (*self._names.classes, *self._mappings.cores.tables):
            mapped = self.mapped(qualname)
            if mapped is not None:
                found.setdefault(mapped.table, []).append(mapped)
        return {table: tuple(sorted(classes, key=_in_migration)) for table, classes in found.items()}

    def _class(self, qualname: str, table: str) -> MappedClass:
        declared, module = self._names.classes[qualname]
        layout = self._layouts.of_class(qualname)
        return self._put_together(
            layout,
            qualname=qualname,
            table=table,
            location=Location(self._modules[module].path, declared.line),
            own_init=self._own_init(qualname),
            version_column=self._layouts.version_column(qualname),
        )

    def _table(self, qualname: str, core: CoreTable) -> MappedClass:
        layout = self._layouts.of_table(qualname, core)
        return self._put_together(
            layout,
            qualname=qualname,
            table=core.name,
            location=core.location,
            own_init=None,
            version_column=None,
            is_table=True,
        )

    def _put_together(
        self,
        layout: Layout,
        *,
        qualname: str,
        table: str,
        location: Location,
        own_init: str | None,
        version_column: str | None,
        is_table: bool = False,
    ) -> MappedClass:
        return MappedClass(
            qualname=qualname,
            name=qualname.rpartition(".")[2],
            table=table,
            location=location,
            columns=layout.columns,
            primary_key=layout.primary_key,
            unique_keys=tuple(layout.unique_keys),
            indexes=tuple(layout.indexes),
            foreign_keys=tuple(layout.foreign_keys),
            relationships={} if is_table else self._relationships.of_class(qualname),
            synonyms=layout.synonyms,
            root=layout.root or qualname,
            joined_inheritance=layout.joined,
            own_init=own_init,
            version_column=version_column,
            is_table=is_table,
            complete=layout.complete,
            partial_keys=tuple(layout.partial_keys),
        )

    def _own_init(self, qualname: str) -> str | None:
        found = self._names.attribute(qualname, "__init__")
        return f"{found[0]}.__init__" if found is not None and isinstance(found[1], FunctionDeclaration) else None


def _in_migration(mapped: MappedClass) -> bool:
    return not {"migrations", "alembic", "versions"}.isdisjoint(mapped.qualname.split("."))
