"""From a qualified name to what it stands for in a session's life."""

from __future__ import annotations

import ast
from functools import cache

from lockcheck.declarations import model as declared
from lockcheck.declarations.project import Declarations, Missing
from lockcheck.linking.values import (
    Abstract,
    ClassRef,
    CollectionOf,
    ColumnRef,
    ConstantSet,
    External,
    FunctionRef,
    Given,
    Instance,
    Known,
    ModelRef,
    ObjectRef,
    Opaque,
    Origin,
    RelationRef,
    SessionFactory,
    SessionRef,
    Somewhere,
)

SQLALCHEMY = frozenset({"sqlalchemy", "sqlmodel", "flask_sqlalchemy", "flask_sqlalchemy_lite", "sqlalchemy_utils"})
SESSIONS = {
    "Session": False,
    "AsyncSession": True,
    "scoped_session": False,
    "async_scoped_session": True,
    "Connection": False,
    "AsyncConnection": True,
    "SignallingSession": False,
}
FACTORIES = {
    "sessionmaker": False,
    "async_sessionmaker": False,
    "scoped_session": True,
    "async_scoped_session": True,
    "create_session": False,
}
COLLECTIONS = frozenset(
    {
        "list", "List", "Sequence", "Iterable", "Iterator", "Collection", "set", "Set", "frozenset", "AbstractSet",
        "tuple", "Tuple", "Generator", "AsyncIterator", "AsyncGenerator", "ScalarResult", "KeysView", "ValuesView",
        "Mapped",
    }
)  # fmt: skip
WRAPPERS = frozenset({"Optional", "Annotated", "Union", "ClassVar", "Final", "Required", "NotRequired", "Awaitable"})
EXTENSION = "flask_sqlalchemy.SQLAlchemy"
SESSION_NAMES = frozenset({"session", "db_session", "sess", "async_session", "orm_session", "sql_session"})


def is_sqlalchemy(qualname: str) -> bool:
    return qualname.partition(".")[0] in SQLALCHEMY


def last(qualname: str) -> str:
    return qualname.rpartition(".")[2]


class Names:
    """Classifies qualified names and annotations, by the declarations of the project."""

    def __init__(self, declarations: Declarations) -> None:
        self._declarations = declarations
        self._classified: dict[str, Abstract] = {}
        self._members: dict[tuple[str, str], Abstract | None] = {}
        self._databases: dict[str, bool] = {}
        self._annotated: dict[tuple[str | None, str, Origin], Abstract | None] = {}
        self._mute: set[tuple[str | None, str]] = set()
        """The annotations, by their modules, that say nothing that matters, whatever they stand at."""

    def lookup(self, module: str, dotted: str, function: str | None) -> Abstract:
        """What a name that is not local means in a function."""
        return self.classify(self._declarations.resolve(module, dotted, function))

    def classify(self, qualname: str) -> Abstract:
        found = self._classified.get(qualname)
        if found is None:
            found = self._classified[qualname] = self._classify(qualname)
        return found

    def _classify(self, qualname: str) -> Abstract:
        declarations = self._declarations
        mapped = declarations.mapped(qualname)
        if mapped is not None:
            return ModelRef(mapped.qualname)
        function = declarations.function(qualname)
        if function is not None:
            return FunctionRef(function.qualname)
        if declarations.class_(qualname) is not None:
            return ClassRef(qualname)
        constant = declarations.constant(qualname)
        if not isinstance(constant, Missing) and lasting(last(qualname), constant):
            return constant_value(constant)
        return self._assigned(qualname) or External(qualname)

    def _assigned(self, qualname: str) -> Abstract | None:
        """A module-level name that holds a session factory, a session or an extension object."""
        module, _, name = qualname.rpartition(".")
        declaration = self._declarations.modules.get(module)
        assignment = declaration.assignments.get(name) if declaration else None
        if assignment is None:
            return None
        for expression in (assignment.value, assignment.annotation):
            made = self._made_by(expression, module)
            if made is not None:
                return made(qualname) if callable(made) else made
        return Opaque()

    def _made_by(self, expression: declared.Expression | None, module: str) -> Abstract | None:
        if isinstance(expression, declared.Operation) and expression.operator == "|":
            made = (self._made_by(part, module) for part in expression.operands)
            return next((found for found in made if found is not None), None)
        if isinstance(expression, declared.Indexed):
            wrapped = isinstance(expression.base, declared.Name) and last(expression.base.dotted) in WRAPPERS
            expression = expression.index if wrapped else expression.base
        called = isinstance(expression, declared.CallOf)
        if isinstance(expression, declared.CallOf):
            expression = expression.function
        if not isinstance(expression, declared.Name):
            return None
        target = self._declarations.resolve(module, expression.dotted)
        name = last(target)
        if called and (target == EXTENSION or EXTENSION in self._declarations.mro(target)):
            return External(f"flask_sqlalchemy.db:{module}")
        if not is_sqlalchemy(target):
            own = self.classify(target) if called else None
            return ObjectRef(own.qualname, Somewhere(f"{module}:{target}")) if isinstance(own, ClassRef) else None
        if name in FACTORIES:
            return SessionFactory(Somewhere(module), FACTORIES[name], name.startswith("async_"))
        return None

    def deals_with_database(self, module: str) -> bool:
        """Whether a file imports a database package, a mapped class or a module of such classes, so that a name like
        `session` is believed."""
        if module not in self._databases:
            self._databases[module] = self._imports_database(module)
        return self._databases[module]

    def _imports_database(self, module: str) -> bool:
        declaration = self._declarations.modules.get(module)
        if declaration is None:
            return False
        inner = (target for names in declaration.function_imports.values() for target in names.values())
        targets = (*declaration.imports.values(), *inner)
        if any(is_sqlalchemy(target) for target in targets):
            return True
        meant = (self._declarations.names.absolute(target, module) for target in targets)
        return any(isinstance(self.classify(target), ModelRef) or self._maps(target) for target in meant)

    def _maps(self, target: str) -> bool:
        """Whether a module of the project has mapped classes."""
        declaration = self._declarations.modules.get(target)
        names = declaration.classes if declaration is not None else ()
        return any(self._declarations.mapped(f"{target}.{name}") is not None for name in names)

    # --- attributes ------------------------------------------------------------------------------------------

    def model_attribute(self, model: ModelRef, name: str) -> Abstract | None:
        """A column, relationship or method of a mapped class."""
        mapped = self._declarations.mapped(model.qualname)
        if mapped is None:
            return None
        column = mapped.column(name)
        if column is not None:
            return ColumnRef(model, column.attribute)
        if name in mapped.relationships:
            return RelationRef(model, name)
        if mapped.is_table:
            return ModelRef(model.qualname, model.alias) if name in ("c", "columns") else None
        if name in ("__table__", "c", "columns"):
            return ModelRef(model.qualname, model.alias, core=name == "__table__" or model.core)
        return self.class_attribute(mapped.qualname, name)

    def column(self, model: ModelRef, name: str) -> ColumnRef | None:
        found = self.model_attribute(model, name)
        return found if isinstance(found, ColumnRef) else None

    def in_one_table(self, one: ModelRef, other: ModelRef) -> bool:
        """Whether two classes share their table (single-table inheritance), and neither stands for a copy of it."""
        first, second = self._declarations.mapped(one.qualname), self._declarations.mapped(other.qualname)
        if first is None or second is None or one.alias is not None or other.alias is not None:
            return False
        return (first.table, first.root) == (second.table, second.root)

    def related(self, relation: RelationRef) -> ModelRef | None:
        mapped = self._declarations.mapped(relation.model.qualname)
        relationship = mapped.relationships.get(relation.name) if mapped else None
        target = relationship.target if relationship else None
        found = self._declarations.mapped(target) if target else None
        return ModelRef(found.qualname) if found else None

    def class_attribute(self, qualname: str, name: str) -> Abstract | None:
        """A method, constant or nested class of a class, through its bases."""
        key = (qualname, name)
        if key not in self._members:
            self._members[key] = self._class_attribute(qualname, name)
        return self._members[key]

    def _class_attribute(self, qualname: str, name: str) -> Abstract | None:
        method = self._declarations.method(qualname, name)
        if method is not None:
            return FunctionRef(method)
        held = self._held_model(qualname, name)
        if held is not None:
            return held
        for base in self._declarations.mro(qualname) or (qualname,):
            constant = self._declarations.constant(f"{base}.{name}")
            if not isinstance(constant, Missing):
                return constant_value(constant) if lasting(name, constant) else None
        nested = f"{qualname}.{name}"
        return ClassRef(nested) if self._declarations.class_(nested) is not None else None

    def _held_model(self, qualname: str, name: str) -> ModelRef | None:
        """The mapped class that `model = Job` in a class body names."""
        found = self._declarations.attribute(qualname, name)
        value = found[1].value if found is not None and isinstance(found[1], declared.Assignment) else None
        if found is None or not isinstance(value, declared.Name):
            return None
        model = self.classify(self._declarations.resolve(self._declarations.module_of(found[0]), value.dotted))
        return model if isinstance(model, ModelRef) else None

    # --- annotations -------------------------------------------------------------------------------------------

    def annotated_text(self, text: str | None, module: str, origin: Origin) -> Abstract | None:
        """A value of a type annotation, given as source; None where it says nothing that matters."""
        if (text, module) in self._mute:
            return None
        key = (text, module, origin)
        found = self._annotated.get(key)
        if found is None:
            found = self._annotated[key] = self._from_text(text, module, origin)
            if found is None:
                self._mute.add((text, module))
        return found

    def annotated(self, annotation: ast.expr | None, module: str, origin: Origin) -> Abstract | None:
        """A value of an annotated type; None where the annotation says nothing that matters."""
        if annotation is None:
            return None
        if isinstance(annotation, ast.Constant):
            return self._from_text(annotation.value, module, origin)
        if isinstance(annotation, ast.BinOp):
            left = self.annotated(annotation.left, module, origin)
            return left if left is not None else self.annotated(annotation.right, module, origin)
        if isinstance(annotation, ast.Subscript):
            return self._subscript(annotation, module, origin)
        dotted = _dotted(annotation)
        return self.instance_of(self._declarations.resolve(module, dotted), origin) if dotted else None

    def _from_text(self, text: object, module: str, origin: Origin) -> Abstract | None:
        parsed = _parsed(text) if isinstance(text, str) else None
        if isinstance(parsed, ast.Constant):
            return self._from_text(parsed.value, module, origin) if parsed.value != text else None
        return self.annotated(parsed, module, origin)

    def _subscript(self, annotation: ast.Subscript, module: str, origin: Origin) -> Abstract | None:
        base = last(_dotted(annotation.value) or "")
        parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        if base in WRAPPERS:
            wrapped = (self.annotated(part, module, origin) for part in parts)
            return next((value for value in wrapped if value is not None), None)
        if base in COLLECTIONS:
            inner = Given(origin.name, each=True) if isinstance(origin, Given) else origin
            element = self.annotated(parts[0], module, inner)
            return CollectionOf(element) if element is not None else None
        if base in ("type", "Type"):
            found = self.annotated(parts[0], module, origin)
            return found.model if isinstance(found, Instance) else None
        return self.annotated(annotation.value, module, origin)

    def instance_of(self, qualname: str, origin: Origin) -> Abstract | None:
        """An object of a class known by name."""
        if is_sqlalchemy(qualname) and last(qualname) in SESSIONS:
            return SessionRef(origin, "given", SESSIONS[last(qualname)])
        found = self.classify(qualname)
        if isinstance(found, ModelRef):
            return Instance(found, origin)
        if isinstance(found, ClassRef):
            return self._object(found, origin)
        return self._alias(qualname, origin) if isinstance(found, (External, Opaque)) else None

    def _object(self, found: ClassRef, origin: Origin) -> Abstract | None:
        for base in self._declarations.mro(found.qualname):
            if is_sqlalchemy(base) and last(base) in SESSIONS:
                return SessionRef(origin, "given", SESSIONS[last(base)])
        return None if self._declarations.enum(found.qualname) else ObjectRef(found.qualname, origin)

    def _alias(self, qualname: str, origin: Origin) -> Abstract | None:
        """A type alias: `SessionDep = Annotated[Session, Depends(..)]`, or `ReadSession = NewType("..", Session)`."""
        module, _, name = qualname.rpartition(".")
        declaration = self._declarations.modules.get(module)
        assignment = declaration.assignments.get(name) if declaration else None
        if assignment is None or assignment.value is None:
            return None
        return self._aliased(assignment.value, module, origin)

    def of_expression(self, expression: declared.Expression, module: str, origin: Origin) -> Abstract | None:
        """A value of a type annotation that stands in a declaration."""
        if isinstance(expression, declared.Literal_) and isinstance(expression.value, str):
            return self.annotated_text(expression.value, module, origin)
        return self._aliased(expression, module, origin)

    def _aliased(self, expression: declared.Expression, module: str, origin: Origin) -> Abstract | None:
        if isinstance(expression, declared.Name):
            target = self._declarations.resolve(module, expression.dotted)
            return self.instance_of(target, origin)
        if isinstance(expression, declared.CallOf):
            new_type = isinstance(expression.function, declared.Name) and last(expression.function.dotted) == "NewType"
            return self._aliased(expression.args[-1], module, origin) if new_type and expression.args else None
        if isinstance(expression, declared.Operation) and expression.operator == "|":
            return self._first_alias(expression.operands, module, origin)
        if isinstance(expression, declared.Indexed):
            index = expression.index
            parts = index.items if isinstance(index, declared.Items) else (index,)
            return self._first_alias(parts, module, origin)
        return None

    def _first_alias(self, parts: tuple[declared.Expression, ...], module: str, origin: Origin) -> Abstract | None:
        found = (self._aliased(part, module, origin) for part in parts)
        return next((value for value in found if value is not None), None)


def lasting(name: str, constant: declared.Constant) -> bool:
    """Whether a variable of a module or class keeps its first value: None, numbers and flags in small letters are but a
    start."""
    if isinstance(constant, (declared.Collection, declared.EnumMember)):
        return True
    return bool(constant) if isinstance(constant, str) else name.isupper()


def constant_value(constant: declared.Constant) -> Abstract:
    if isinstance(constant, declared.Collection):
        return ConstantSet(constant.items, constant.has_none)
    return Known(constant)


@cache
def _parsed(annotation: str) -> ast.expr | None:
    try:
        return ast.parse(annotation, mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value)
        return f"{base}.{node.attr}" if base else None
    return None
