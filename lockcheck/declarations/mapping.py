"""Which classes are mapped, and to which table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from lockcheck.declarations.annotations import MAPPED
from lockcheck.declarations.constants import Scope
from lockcheck.declarations.constructs import DATABASE, Constructs, substituted
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
from lockcheck.declarations.resolve import STANDARD

DECLARED = ("declared_attr", "declared_attr.directive", "declared_attr.cascading", "declared_attr_directive")
BASE_MAKERS = frozenset({"declarative_base", "generate_base", "automap_base", "as_declarative", "create_base"})
BASE_CLASSES = frozenset({"DeclarativeBase", "DeclarativeBaseNoMeta", "AutomapBase", "AbstractConcreteBase"})
MAPPING_DECORATORS = frozenset({"mapped", "mapped_as_dataclass", "as_declarative"})
COLUMN_CALLS = ("Column", "mapped_column", "Field", "deferred", "column_property")


class Declared(NamedTuple):
    """One attribute of a class as it is declared: by assignment or as the result of a `declared_attr`."""

    name: str
    annotation: Expression | None
    value: Expression | None
    scope: Scope
    location: Location
    computed: bool
    outside: bool = False


class Ancestry(NamedTuple):
    """What a class's bases show: `known` is false where one of them could not be read."""

    declarative: bool
    known: bool
    flask: bool
    sqlmodel: bool


class Mapping_:
    """Tells mapped classes from others."""

    def __init__(self, modules: Mapping[str, ModuleDeclarations], constructs: Constructs) -> None:
        self.modules = modules
        self.constructs = constructs
        self.names = constructs.names
        self._tables: dict[str, str | None] = {}
        self._ancestries: dict[str, Ancestry] = {}

    # --- attributes -------------------------------------------------------------------------------------------

    def own(self, qualname: str) -> Iterator[Declared]:
        """What a class itself declares, in source order, with what is assigned to it from outside."""
        declared, module = self.names.classes[qualname]
        path = self.modules[module].path
        for attribute in declared.attributes:
            place = Location(path, attribute.line)
            yield Declared(
                attribute.name, attribute.annotation, attribute.value, Scope(module, qualname), place, computed=False
            )
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
                        Declared(attribute, None, assignment.value, Scope(module.module), place, False, True)
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

    def class_of(self, qualname: str) -> ClassDeclaration:
        return self.names.classes[qualname][0]

    # --- ancestry ---------------------------------------------------------------------------------------------

    def ancestry(self, qualname: str) -> Ancestry:
        found = self._ancestries.get(qualname)
        if found is None:
            found = self._ancestries[qualname] = self._ancestry(qualname)
        return found

    def _ancestry(self, qualname: str) -> Ancestry:
        shown = [self._shown_by(base) for base in self.names.mro(qualname)]
        return Ancestry(*(any(column) for column in zip(*shown, strict=True)))._replace(
            known=all(part.known for part in shown)
        )

    def _shown_by(self, base: str) -> Ancestry:
        if base in self.names.classes:
            return Ancestry(self._made_declarative(base), known=True, flask=False, sqlmodel=False)
        head, _, last = base.removesuffix("()").rpartition(".")
        if last == "Model" and self.constructs.is_extension(head):
            return Ancestry(declarative=True, known=True, flask=True, sqlmodel=False)
        package = base.partition(".")[0]
        if package in DATABASE or package in STANDARD:
            model = last == "SQLModel"
            declarative = last in BASE_CLASSES or last in BASE_MAKERS or (last == "Model" and package in DATABASE)
            return Ancestry(declarative, known=True, flask=declarative and last == "Model", sqlmodel=model)
        if last in BASE_MAKERS or self._holds_base(base):
            return Ancestry(declarative=True, known=True, flask=False, sqlmodel=False)
        return Ancestry(declarative=False, known=False, flask=False, sqlmodel=False)

    def _made_declarative(self, qualname: str) -> bool:
        """By `metaclass=DeclarativeMeta`, or a decorator of a registry."""
        declared, module = self.names.classes[qualname]
        for name, value in declared.keywords:
            if name == "metaclass" and isinstance(value, Name) and value.dotted.endswith("DeclarativeMeta"):
                return True
        for decorator in declared.decorators:
            called = decorator.function if isinstance(decorator, CallOf) else decorator
            if isinstance(called, Name) and called.dotted.rpartition(".")[2] in MAPPING_DECORATORS:
                target = self.names.resolve(module, called.dotted)
                if target not in self.names.functions and target not in self.names.classes:
                    return True
        return False

    def _holds_base(self, qualname: str) -> bool:
        """Whether a module variable holds a declarative base."""
        assignment = self.names.assignment(qualname)
        value = assignment.value if assignment is not None else None
        if not isinstance(value, CallOf):
            return False
        made = self.constructs.construct(value, Scope(self.names.module_of(qualname)))
        function = made.call.function
        name = function.dotted if isinstance(function, Name) else getattr(function, "name", "")
        return name.rpartition(".")[2] in BASE_MAKERS

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
        if (imperative := self.imperative.get(qualname)) is not None:
            return imperative.name
        if self._is_abstract(qualname) or self._is_base(qualname):
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

    def _is_base(self, qualname: str) -> bool:
        """Whether a class is a declarative base itself, which is never mapped."""
        direct = (base.rpartition(".")[2] for base in self.names.bases(qualname) if base.startswith("sqlalchemy."))
        if any(name in BASE_CLASSES for name in direct):
            return True
        calls = (item.function if isinstance(item, CallOf) else item for item in self.class_of(qualname).decorators)
        return any(isinstance(item, Name) and item.dotted.endswith("as_declarative") for item in calls)

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

    def _has_columns(self, qualname: str) -> bool:
        if self.core_table(qualname) is not None or self.parent(qualname) is not None:
            return True
        bases = (base for base in self.names.mro(qualname) if base in self.names.classes)
        return any(self._is_column(declared) for base in bases for declared in self.own(base))

    def _is_column(self, declared: Declared) -> bool:
        annotation = declared.annotation
        if isinstance(annotation, Literal_) and isinstance(annotation.value, str):
            annotation = expression_of_text(annotation.value)
        if isinstance(annotation, Indexed) and isinstance(annotation.base, Name):
            if annotation.base.dotted.rpartition(".")[2] in MAPPED:
                return True
        return self.constructs.is_call_of(declared.value, declared.scope, *COLUMN_CALLS)

    # --- Core tables ------------------------------------------------------------------------------------------

    def core_table(self, qualname: str) -> CoreTable | None:
        """`__table__` of a class, or the table it is mapped to imperatively."""
        if (imperative := self.imperative.get(qualname)) is not None:
            return imperative
        if "__table__" not in self.names.own_attributes(qualname):
            return None
        declared = self.inherited(qualname, "__table__")
        if declared is None or declared.value is None:
            return None
        return self.core_table_of(declared.value, declared.scope, declared.location)

    def core_table_of(self, value: Expression, scope: Scope, location: Location) -> CoreTable | None:
        """The table that a `Table(...)` call or a name of one stands for."""
        if isinstance(value, Name):
            return self.core_tables.get(self.constructs.resolved(value, scope))
        if not isinstance(value, CallOf):
            return None
        made = self.constructs.construct(value, scope)
        if made.kind != "Table" or not made.call.args:
            return None
        name = self.constructs.text(made.call.args[0], made.scope)
        if name is None:
            return None
        schema = self.constructs.text(made.keyword("schema"), made.scope)
        return CoreTable(f"{schema}.{name}" if schema else name, made.call, made.scope, location)

    @cached_property
    def core_tables(self) -> Mapping[str, CoreTable]:
        """The `Table` objects of modules, by qualified name."""
        found: dict[str, CoreTable] = {}
        for module in self.modules.values():
            for name, assignment in module.assignments.items():
                value = assignment.value
                if isinstance(value, CallOf) and value.args and "." not in name:
                    place = Location(module.path, assignment.line)
                    table = self.core_table_of(value, Scope(module.module), place)
                    if table is not None:
                        found[f"{module.module}.{name}"] = table
        return found

    @cached_property
    def imperative(self) -> Mapping[str, CoreTable]:
        """Tables by the classes that `map_imperatively` or `mapper` maps to them."""
        found: dict[str, CoreTable] = {}
        for module in self.modules.values():
            for call, line in module.mapping_calls:
                qualname = self.constructs.resolved(call.args[0], Scope(module.module))
                table = self.core_table_of(call.args[1], Scope(module.module), Location(module.path, line))
                if table is not None and qualname in self.names.classes:
                    properties = next((v for k, v in call.keywords if k == "properties"), None)
                    found[qualname] = table._replace(
                        properties=properties if isinstance(properties, Pairs) else None,
                        mapped_in=Scope(module.module),
                    )
        return found


class CoreTable(NamedTuple):
    """A `Table(...)` call; `properties` are those of an imperative mapping."""

    name: str
    call: CallOf
    scope: Scope
    location: Location
    properties: Pairs | None = None
    mapped_in: Scope | None = None


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
