"""What reading an attribute of a value gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lockcheck import facts
from lockcheck.declarations.model import EnumMember, Expression
from lockcheck.immutable import replace
from lockcheck.linking.arguments import Arguments
from lockcheck.linking.holders import Holders
from lockcheck.linking.names import is_sqlalchemy
from lockcheck.linking.results import row_attribute
from lockcheck.linking.spelling import spelled
from lockcheck.linking.substitution import of_object, origin_of
from lockcheck.linking.values import (
    Abstract,
    AttributeOf,
    ClassRef,
    CollectionOf,
    ColumnRef,
    External,
    FunctionRef,
    Instance,
    Known,
    ModelRef,
    ObjectRef,
    Opaque,
    Reached,
    Result,
    Row,
    SessionFactory,
    SessionRef,
    Somewhere,
    Statement,
    SubqueryColumn,
)

if TYPE_CHECKING:
    from lockcheck.linking.functions import Located
    from lockcheck.linking.linker import Linker

FLASK = "flask_sqlalchemy.db:"


class Attributes:
    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._holders = Holders(linker)
        self._annotations: dict[tuple[str, str], tuple[Expression, str] | None] = {}
        """How attributes of classes are annotated, and in which modules, where that says something."""
        self._by_type: dict[type, Callable[[Any, str], Abstract | None]] = {
            ModelRef: self._of_model,
            Instance: self._of_instance,
            ObjectRef: self._of_object,
            ClassRef: self._of_class,
            External: self._of_external,
            Known: self._of_known,
            Row: row_attribute,
            Result: AttributeOf,
            SessionFactory: self._of_factory,
            Statement: self._of_statement,
        }

    def of(self, base: Abstract, name: str) -> Abstract:
        """`base.name`."""
        reader = self._by_type.get(type(base))
        found = reader(base, name) if reader else None
        return found if found is not None else AttributeOf(base, name)

    def _of_statement(self, statement: Statement, name: str) -> Abstract:
        return statement if name in ("c", "columns", "exported_columns") else SubqueryColumn(statement, name)

    def session(self, base: Abstract, name: str, dotted: str | None, module: str) -> SessionRef | None:
        """An attribute named as sessions are, of something that says no more, in a file that deals with a database."""
        if not self._linker.names.deals_with_database(module) or (
            isinstance(base, External) and is_sqlalchemy(base.qualname)
        ):
            return None
        origin = origin_of(base)
        here = Somewhere(dotted or name) if origin == Somewhere() else Reached(origin, name, many=False)
        return SessionRef(here, "unknown")

    def _of_model(self, model: ModelRef, name: str) -> Abstract | None:
        found = self._linker.names.model_attribute(model, name)
        if isinstance(found, FunctionRef):
            return self._property(found, model) or found.on(model)
        return found

    def _property(self, ref: FunctionRef, _: ModelRef) -> Abstract | None:
        """A hybrid property is a SQL expression on the class."""
        decorators = self._linker.decorators(ref.qualname)
        is_property = any(name.endswith(("hybrid_property", ".expression", ".comparator")) for name in decorators)
        return Opaque() if is_property or "property" in decorators else None

    def _of_instance(self, instance: Instance, name: str) -> Abstract | None:
        if name == "__class__":
            return instance.model
        found = self._linker.names.model_attribute(instance.model, name)
        if isinstance(found, ColumnRef):
            return self._given(instance, found.attribute) or AttributeOf(instance, found.attribute)
        if isinstance(found, FunctionRef):
            return self._method(found, instance, name)
        if found is not None and not isinstance(found, (ModelRef, ClassRef, Known)):
            return self._relationship(instance, name)
        if isinstance(found, ModelRef) and name == "__table__":
            return found
        return found if isinstance(found, ClassRef) or _fixed(found, name) else None

    def _given(self, instance: Instance, name: str) -> Abstract | None:
        """A constant that the object was just built with."""
        value = next((value for key, value in instance.given if key == name), None)
        return value if isinstance(value, Known) else None

    def _method(self, ref: FunctionRef, receiver: Instance | ObjectRef, name: str) -> Abstract:
        decorators = self._linker.decorators(ref.qualname)
        if any(part.endswith("property") or part.startswith(f"{name}.") for part in decorators):
            return AttributeOf(receiver, name)
        return ref.on(receiver)

    def _relationship(self, instance: Instance, name: str) -> Abstract | None:
        mapped = self._linker.declarations.mapped(instance.model.qualname)
        relationship = mapped.relationships.get(name) if mapped else None
        target = relationship.target if relationship else None
        if relationship is None or target is None:
            return AttributeOf(instance, name)
        model = self._linker.names.classify(target)
        if not isinstance(model, ModelRef):
            return AttributeOf(instance, name)
        if relationship.uselist:
            return CollectionOf(Instance(model, Reached(instance.origin, name, many=True)))
        return Instance(model, Reached(instance.origin, name, many=False))

    def _of_object(self, value: ObjectRef, name: str) -> Abstract | None:
        found = self._linker.names.class_attribute(value.qualname, name)
        if isinstance(found, FunctionRef):
            return self._method(found, value, name)
        if found is not None and (not isinstance(found, Known) or _fixed(found, name)):
            return found
        held = next(of_object(value, name), None)
        known = held or self._declared_attribute(value, name) or self._initial(value, name)
        return known or self._holders.session(value, name)

    def sessions_given(self, qualname: str, arguments: Arguments) -> tuple[tuple[str, SessionRef], ...]:
        """The sessions that building an object keeps in its attributes."""
        init = self._linker.declarations.method(qualname, "__init__")
        located: Located | None = self._linker.functions.get(init) if init else None
        if init is None or located is None:
            return ()
        bound = self._linker.binder.bind(located.facts, FunctionRef(init), _behind_self(arguments), ())
        found = ((attribute, bound.get(parameter)) for attribute, parameter in located.table.kept)
        return tuple((name, value) for name, value in found if isinstance(value, SessionRef))

    def _declared_attribute(self, value: ObjectRef, name: str) -> Abstract | None:
        key = (value.qualname, name)
        if key not in self._annotations:
            self._annotations[key] = self._annotation(*key)
        annotated = self._annotations[key]
        if annotated is None:
            return None
        found = self._linker.names.of_expression(*annotated, Reached(value.origin, name, many=False))
        if found is None:
            self._annotations[key] = None
        return found

    def _annotation(self, qualname: str, name: str) -> tuple[Expression, str] | None:
        declarations = self._linker.declarations
        for base in declarations.mro(qualname):
            cls = declarations.class_(base)
            for attribute in cls.attributes if cls else ():
                if attribute.name == name and attribute.annotation is not None:
                    return attribute.annotation, declarations.module_of(base)
        return None

    def _initial(self, value: ObjectRef, name: str) -> Abstract | None:
        """An attribute that `__init__` sets from a parameter of a known type."""
        init = self._linker.declarations.method(value.qualname, "__init__")
        located: Located | None = self._linker.functions.get(init) if init else None
        if located is None:
            return None
        source = next((parameter for attribute, parameter in located.table.kept if attribute == name), None)
        return self._parameter(located.facts, source, Reached(value.origin, name, many=False)) if source else None

    def _parameter(self, function: facts.FunctionFacts, name: str, origin: Reached) -> Abstract | None:
        parameter = next((p for p in function.parameters if p.name == name), None)
        if parameter is None or parameter.annotation is None:
            return None
        text = spelled(function.values, parameter.annotation)
        return self._linker.names.annotated_text(text, function.module, origin)

    def _of_class(self, value: ClassRef, name: str) -> Abstract | None:
        found = self._linker.names.class_attribute(value.qualname, name)
        return found.on(value) if isinstance(found, FunctionRef) else found

    def _of_external(self, value: External, name: str) -> Abstract | None:
        if value.qualname.startswith(FLASK):
            if name == "session":
                return SessionRef(Somewhere(value.qualname), "shared")
            return External(f"sqlalchemy.{name}")
        found = self._linker.names.lookup(value.qualname, name, None)
        if isinstance(found, External) and not found.qualname.startswith((value.qualname, FLASK)):
            found = External(f"{value.qualname}.{name}")
        return found

    def _of_known(self, value: Known, name: str) -> Abstract | None:
        if isinstance(value.value, EnumMember) and name in ("value", "name"):
            return value if name == "value" else Known(value.value.name)
        return None

    def _of_factory(self, value: SessionFactory, name: str) -> Abstract | None:
        return SessionRef(value.origin, "shared", value.is_async) if name in ("session", "registry") else None


def _fixed(value: Abstract | None, name: str) -> bool:
    """Whether a class attribute is the same for every object: a scalar in small letters is but a default."""
    return isinstance(value, Known) and name.isupper()


def _behind_self(arguments: Arguments) -> Arguments:
    return replace(arguments, positional=(Opaque(), *arguments.positional))
