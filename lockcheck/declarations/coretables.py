"""Core `Table` objects, and classes that are mapped to them imperatively."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from lockcheck.declarations.constants import Scope
from lockcheck.declarations.constructs import Constructs
from lockcheck.declarations.model import CallOf, Expression, Location, ModuleDeclarations, Name, Pairs


class CoreTable(NamedTuple):
    """A `Table(...)` call; `properties` are those of an imperative mapping, made in `mapped_in`."""

    name: str
    call: CallOf
    scope: Scope
    location: Location
    properties: Pairs | None = None
    mapped_in: Scope | None = None


class CoreTables:
    """Finds the tables of all modules."""

    def __init__(self, modules: Mapping[str, ModuleDeclarations], constructs: Constructs) -> None:
        self._modules = modules
        self._constructs = constructs

    def table(self, value: Expression | None, scope: Scope, location: Location) -> CoreTable | None:
        """The table that a `Table(...)` call or a name of one stands for."""
        if isinstance(value, Name):
            return self.tables.get(self._constructs.resolved(value, scope))
        if not isinstance(value, CallOf):
            return None
        made = self._constructs.construct(value, scope)
        name = self._constructs.text(made.argument(0, "name"), made.scope) if made.kind == "Table" else None
        if name is None:
            return None
        schema = self._constructs.text(made.keyword("schema"), made.scope)
        return CoreTable(f"{schema}.{name}" if schema else name, made.call, made.scope, location)

    @cached_property
    def tables(self) -> Mapping[str, CoreTable]:
        """The `Table` objects of modules, by qualified name."""
        found: dict[str, CoreTable] = {}
        for module in self._modules.values():
            for name, assignment in module.assignments.items():
                if not isinstance(assignment.value, CallOf) or not assignment.value.args or "." in name:
                    continue
                place = Location(module.path, assignment.line)
                table = self.table(assignment.value, Scope(module.module), place)
                if table is not None:
                    found[f"{module.module}.{name}"] = table
        return found

    @cached_property
    def imperative(self) -> Mapping[str, CoreTable]:
        """Tables by the classes that `map_imperatively` or `mapper` maps to them."""
        found: dict[str, CoreTable] = {}
        for module in self._modules.values():
            scope = Scope(module.module)
            for call, line in module.mapping_calls:
                qualname = self._constructs.resolved(call.args[0], scope)
                table = self.table(call.args[1], scope, Location(module.path, line))
                properties = dict(call.keywords).get("properties")
                if table is not None and qualname in self._constructs.names.classes:
                    given = properties if isinstance(properties, Pairs) else None
                    found[qualname] = table._replace(properties=given, mapped_in=scope)
        return found
