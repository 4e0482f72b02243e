"""Which classes are mapped, and to which table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from lockcheck.declarations.ancestry import Ancestries, Ancestry
from lockcheck.declarations.annotations import MAPPED
from lockcheck.declarations.constants import Scope
from lockcheck.declarations.constructs import Constructs
from lockcheck.declarations.coretables import CoreTable, CoreTables
from lockcheck.declarations.expressions import expression_of_text
from lockcheck.declarations.model import (
    Assignment,
    CallOf,
    ClassDeclaration,
    Expression,
    FunctionDeclaration,
    Indexed,
    Items,
    Literal_,
    Location,
    Member,
    ModuleDeclarations,
    Name,
    Pairs,
)
from lockcheck.declarations.substitution import substituted

DECLARED = ("declared_attr", "declared_attr.directive", "declared_attr.cascading", "declared_attr_directive")
COLUMN_CALLS = ("Column", "mapped_column", "Field", "deferred", "column_property")


class Declared(NamedTuple):
    """One attribute of a class as it is declared: by assignment or as the result of a `declared_attr`."""

    name: str
    annotation: Expression | None
    value: Expression | None
    scope: Scope
    location: Location
    computed: bool = False
    outside: bool = False


class Mappings:
    """Tells mapped classes from others."""

    def __init__(self, modules: Mapping[str, ModuleDeclarations], constructs: Constructs) -> None:
        self.modules = modules
        self.constructs = constructs
        self.names = constructs.names
        self._tables: dict[str, str | None] = {}
        self._own: dict[str, Sequence[Declared]] = {}
        self.cores = CoreTables(modules, constructs)
        self._ancestries = Ancestries(constructs)

    # --- attributes -------------------------------------------------------------------------------------------

    def own(self, qualname: str) -> Sequence[Declared]:
        """What a class itself declares, in source order, with what is assigned to it from outside."""
        found = self._own.get(qualname)
        if found is None:
            found = self._own[qualname] = tuple(self._declared(qualname))
        return found

    def _declared(self, qualname: str) -> Iterator[Declared]:
        declared, module = self.names.classes[qualname]
        path = self.modules[module].path
        for attribute in declared.attributes:
            place = Location(path, attribute.line)
            yield Declared(attribute.name, attribute.annotation, attribute.value, Scope(module, qualname), place)
        for method in declared.methods:
            if is_declared_attr(method):
                place = Location(path, method.first_line)
                yield Declared(
                    method.name, method.result_annotation, method.result, Scope(module), place, computed=True
                )
        yield from self._assigned_outside.get(qualname, ())

    @cached_property
    def _assigned_outside(self) -> Mapping[str, list[Declared]]:
        """`Class.attribute = relationship(..)` at module level, by class."""
        found: dict[str, list[Declared]] = {}
        for module in self.modules.values():
            for name, assignment in module.assignments.items():
                owner, _, attribute = name.rpartition(".")
                if owner and (qualname := self.names.resolve(module.module, owner)) in self.names.classes:
                    place = Location(module.path, assignment.line)
                    found.setdefault(qualname, []).append(
                        Declared(attribute, None, assignment.value, Scope(module.module), place, outside=True)
                    )
        return found

    def inherited(self, qualname: str, name: str) -> Declared | None:
        """An attribute through the bases."""
        for base in self.names.mro(qualname):
            if base in self.names.classes and name in self.names.own_attributes(base):
                found = [declared for declared in self.own(base) if declared.name == name]
                if found:
                    return found[-1]
        return None

    def ancestry(self, qualname: str) -> Ancestry:
        return self._ancestries.of_class(qualname)

    def base(self, qualname: str) -> str | None:
        """The declarative base that a class belongs to."""
        return self._ancestries.base(qualname)

    def class_of(self, qualname: str) -> ClassDeclaration:
        return self.names.classes[qualname][0]

    # --- tables -----------------------------------------------------------------------------------------------

    def table(self, qualname: str) -> str | None:
        """The name of the table that a class is mapped to; None where it is not mapped."""
        if qualname not in self._tables:
            self._tables[qualname] = None  # while its parents are looked at
            self._tables[qualname] = self._table(qualname)
        return self._tables[qualname]

    def parent(self, qualname: str) -> str | None:
        """The nearest mapped ancestor."""
        return next((b for b in self.names.mro(qualname)[1:] if b in self.names.classes and self.table(b)), None)

    def _table(self, qualname: str) -> str | None:
        if qualname not in self.names.classes:
            return None
        if (imperative := self.cores.imperative.get(qualname)) is not None:
            return imperative.name
        if self._is_abstract(qualname) or self._ancestries.is_base(qualname):
            return None
        ancestry = self.ancestry(qualname)
        if ancestry.sqlmodel:
            return self._sqlmodel_table(qualname)
        if not ancestry.declarative and ancestry.known:
            return None
        own = self.own_table(qualname)
        if own is None:
            parent = self.parent(qualname)
            return self.table(parent) if parent is not None else None
        return own if self._has_columns(qualname) else None

    def _is_abstract(self, qualname: str) -> bool:
        found = self.names.own_attributes(qualname).get("__abstract__")
        return isinstance(found, Assignment) and found.value == Literal_(value=True)

    def own_table(self, qualname: str) -> str | None:
        """The table that a class has for itself, not by single-table inheritance."""
        table = self.core_table(qualname)
        if table is not None:
            return table.name
        named = self._named_table(qualname)
        if named is None:
            return None
        schema = self._schema(qualname)
        return f"{schema}.{named}" if schema else named

    def _named_table(self, qualname: str) -> str | None:
        for base in self.names.mro(qualname):
            found = self.names.own_attributes(base).get("__tablename__") if base in self.names.classes else None
            computed = isinstance(found, FunctionDeclaration)
            if found is None or (base != qualname and not computed and self.table(base) is not None):
                continue
            return self._table_text(qualname, base)
        ancestry = self.ancestry(qualname)
        if ancestry.sqlmodel:
            return self.class_of(qualname).name.lower()
        return self._flask_table(qualname) if ancestry.flask else None

    def _table_text(self, qualname: str, base: str) -> str | None:
        declared = next((item for item in self.own(base) if item.name == "__tablename__"), None)
        if declared is None:
            return snake_case(self.class_of(qualname).name)
        if declared.value is None:
            return snake_case(self.class_of(qualname).name) if declared.computed else None
        if declared.value == Literal_(None):
            return None
        name = self.class_of(qualname).name
        value = named_after_class(declared.value, name)
        return self.constructs.text(value, declared.scope) or snake_case(name)

    def _flask_table(self, qualname: str) -> str | None:
        """Flask-SQLAlchemy names the table of a class that has a primary key of its own."""
        parent = self.parent(qualname)
        bases = [base for base in self.names.mro(qualname) if base in self.names.classes]
        own = bases[: bases.index(parent)] if parent is not None else bases
        calls = (declared.value for base in own for declared in self.own(base))
        if any(isinstance(call, CallOf) and _is_primary(call) for call in calls):
            return snake_case(self.class_of(qualname).name)
        return None

    def _sqlmodel_table(self, qualname: str) -> str | None:
        if dict(self.class_of(qualname).keywords).get("table") != Literal_(value=True):
            return None
        return self.own_table(qualname)

    def _schema(self, qualname: str) -> str | None:
        """The schema that `__table_args__` names as a constant."""
        declared = self.inherited(qualname, "__table_args__")
        if declared is None or declared.value is None:
            return None
        value = declared.value
        options = value.items[-1] if isinstance(value, Items) and value.items else value
        if not isinstance(options, Pairs):
            return None
        found = [v for k, v in zip(options.keys, options.values, strict=True) if k == Literal_("schema")]
        return self.constructs.text(found[0], declared.scope) if found else None

    def core_table(self, qualname: str) -> CoreTable | None:
        """`__table__` of a class, or the table it is mapped to imperatively."""
        if (imperative := self.cores.imperative.get(qualname)) is not None:
            return imperative
        if "__table__" not in self.names.own_attributes(qualname):
            return None
        declared = self.inherited(qualname, "__table__")
        return self.cores.table(declared.value, declared.scope, declared.location) if declared is not None else None

    def _has_columns(self, qualname: str) -> bool:
        if self.core_table(qualname) is not None or self.parent(qualname) is not None:
            return True
        bases = (base for base in self.names.mro(qualname) if base in self.names.classes)
        return any(self._is_column(declared) for base in bases for declared in self.own(base))

    def _is_column(self, declared: Declared) -> bool:
        annotation = declared.annotation
        if isinstance(annotation, Literal_) and isinstance(annotation.value, str):
            annotation = expression_of_text(annotation.value)
        base = annotation.base if isinstance(annotation, Indexed) else None
        if isinstance(base, Name) and base.dotted.rpartition(".")[2] in MAPPED:
            return True
        return self.constructs.is_call_of(declared.value, declared.scope, *COLUMN_CALLS)


def is_declared_attr(method: FunctionDeclaration) -> bool:
    return any(isinstance(item, Name) and item.dotted.endswith(DECLARED) for item in method.decorators)


def named_after_class(value: Expression, name: str) -> Expression:
    """An expression with `cls.__name__` replaced by the name."""
    given: dict[str, Expression] = {"cls.__name__": Literal_(name)}
    given.update({f"cls.__name__.{method}": Member(Literal_(name), method) for method in ("lower", "upper")})
    return substituted(value, given)


def snake_case(name: str) -> str:
    """Flask-SQLAlchemy's name for a class's table."""
    name = re.sub(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))", r"_\1", name)
    return name.lower().lstrip("_")


def _is_primary(call: CallOf) -> bool:
    return ("primary_key", Literal_(value=True)) in call.keywords
