"""Binding arguments to parameters, and what a parameter is when only its type is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lockcheck import facts
from lockcheck.linking import clauses
from lockcheck.linking.arguments import Arguments
from lockcheck.linking.names import SESSION_NAMES
from lockcheck.linking.substitution import is_empty, quote
from lockcheck.linking.values import (
    Abstract,
    Alternatives,
    ClassRef,
    CollectionOf,
    ColumnRef,
    ConstantSet,
    Expression,
    External,
    FunctionRef,
    Given,
    Instance,
    Known,
    LoaderOption,
    ModelRef,
    ObjectRef,
    Opaque,
    RelationRef,
    Result,
    SessionFactory,
    SessionRef,
    Somewhere,
    Statement,
    TupleOf,
)

if TYPE_CHECKING:
    from lockcheck.linking.frame import Frame
    from lockcheck.linking.linker import Linker

PASSED_AS_IS = (
    Known,
    ConstantSet,
    External,
    ModelRef,
    ColumnRef,
    RelationRef,
    ClassRef,
    FunctionRef,
    SessionFactory,
    Statement,
    LoaderOption,
    Expression,
    Result,
    *clauses.CLAUSES,
)


def canonical(value: Abstract, name: str) -> Abstract | None:
    """What a callee knows of an argument: what shapes its behaviour, without what only tells its callers apart. None
    where the parameter's own annotation says as much."""
    if isinstance(value, SessionRef):
        return SessionRef(Given(name), "given", value.is_async, value.joined)
    if isinstance(value, Instance):
        return Instance(value.model, Given(name))
    if isinstance(value, ObjectRef):
        return ObjectRef(value.qualname, Given(name))
    if isinstance(value, CollectionOf):
        return _canonical_collection(value, name)
    if isinstance(value, TupleOf):
        return _canonical_tuple(value, name)
    if isinstance(value, Alternatives):
        return _canonical_alternatives(value, name)
    return quote(value) if isinstance(value, PASSED_AS_IS) else None


def _canonical_collection(value: CollectionOf, name: str) -> Abstract | None:
    element = value.element
    if isinstance(element, Instance):
        return CollectionOf(Instance(element.model, Given(name, each=True)), value.ordered_by, walk=value.walk)
    if isinstance(element, PASSED_AS_IS):
        return CollectionOf(quote(element), value.ordered_by, walk=value.walk)
    return CollectionOf(Opaque(Given(name, each=True)), value.ordered_by, walk=value.walk)


def _canonical_tuple(value: TupleOf, name: str) -> Abstract | None:
    if all(isinstance(item, PASSED_AS_IS) for item in (*value.items, *value.keys)):
        return quote(value)
    if len(value.items) <= MAX_ITEMS and all(isinstance(key, Known) for key in value.keys):
        names = (item_name(name, number) for number in range(len(value.items)))
        items = (canonical(item, own) or Opaque(Given(own)) for item, own in zip(value.items, names, strict=True))
        return TupleOf(tuple(items), value.kind, value.keys)
    instances = [item for item in value.items if isinstance(item, Instance)]
    if instances and len(instances) == len(value.items):
        return CollectionOf(Instance(instances[0].model, Given(name, each=True)))
    return None


MAX_ITEMS = 8
"""Displays up to this length are followed item by item into a call."""


def item_name(name: str, number: int) -> str:
    """How an item of a display is called, where a parameter is handed the display."""
    return f"{name}[{number}]"


def with_items(actual: Mapping[str, Abstract]) -> dict[str, Abstract]:
    """The arguments with the items of displays among them, by the names that the callee has for them."""
    found = dict(actual)
    for name, value in actual.items():
        if isinstance(value, TupleOf) and len(value.items) <= MAX_ITEMS:
            found |= with_items({item_name(name, number): item for number, item in enumerate(value.items)})
    return found


def _canonical_alternatives(value: Alternatives, name: str) -> Abstract | None:
    parts = [v for v in value.values if not is_empty(v) and not (isinstance(v, Known) and v.value is None)]
    told = [v for v in parts if not isinstance(v, Opaque)]
    shapes = {canonical(part, name) for part in told or parts}
    if len(shapes) == 1:
        return next(iter(shapes))
    return quote(value) if all(isinstance(part, PASSED_AS_IS) for part in value.values) else None


class Binder:
    def __init__(self, linker: Linker) -> None:
        self._linker = linker

    def bind(
        self, function: facts.FunctionFacts, ref: FunctionRef, arguments: Arguments, decorators: tuple[str, ...]
    ) -> dict[str, Abstract]:
        """Each parameter's argument, in the caller's terms. Parameters that get none are left out."""
        positional = list(arguments.positional)
        receiver = self._receiver(function, ref, decorators)
        if receiver is not None:
            positional.insert(0, receiver)
        bound: dict[str, Abstract] = {}
        extra: list[tuple[str, Abstract]] = []
        names = {parameter.name for parameter in function.parameters if parameter.kind in ("positional", "keyword")}
        for parameter in function.parameters:
            if parameter.kind == "positional" and positional:
                bound[parameter.name] = positional.pop(0)
            elif parameter.kind == "varargs":
                rest = TupleOf(tuple(positional), "tuple")
                bound[parameter.name] = rest if not arguments.starred else CollectionOf(Opaque())
                positional = []
        for name, value in arguments.keywords:
            if name in names:
                bound[name] = value
            else:
                extra.append((name, value))
        self._var_keywords(function, bound, extra, arguments)
        if not arguments.complete:
            for name in names - bound.keys():
                bound[name] = Opaque()
        return bound

    def _var_keywords(
        self,
        function: facts.FunctionFacts,
        bound: dict[str, Abstract],
        extra: list[tuple[str, Abstract]],
        arguments: Arguments,
    ) -> None:
        for parameter in function.parameters:
            if parameter.kind == "varkeywords" and not arguments.double_starred:
                keys = tuple(Known(name) for name, _ in extra)
                bound[parameter.name] = TupleOf(tuple(value for _, value in extra), "dict", keys)

    def _receiver(
        self, function: facts.FunctionFacts, ref: FunctionRef, decorators: tuple[str, ...]
    ) -> Abstract | None:
        if function.owner is None or "staticmethod" in decorators or ref.receiver is None:
            return None
        receiver = ref.receiver
        if "classmethod" in decorators:
            return self._class_of(receiver)
        return None if isinstance(receiver, (ModelRef, ClassRef)) else receiver

    def _class_of(self, value: Abstract) -> Abstract:
        if isinstance(value, Instance):
            return value.model
        return ClassRef(value.qualname) if isinstance(value, ObjectRef) else value

    # --- inside -----------------------------------------------------------------------------------------------------

    def parameters(
        self, frame: Frame, known: Mapping[str, Abstract], given: set[str], *, root: bool
    ) -> dict[str, Abstract]:
        """What each parameter holds inside the function. A root is called with anything; otherwise one that is not
        given has its default."""
        found: dict[str, Abstract] = {}
        for number, parameter in enumerate(frame.function.parameters):
            if parameter.name in known:
                found[parameter.name] = known[parameter.name]
            elif root or parameter.name in given:
                found[parameter.name] = self._typed(frame, parameter, number)
            else:
                found[parameter.name] = self._default(frame, parameter, number)
        return found

    def _typed(self, frame: Frame, parameter: facts.Parameter, number: int) -> Abstract:
        """What a parameter is known to be whatever it is called with."""
        typed = frame.table.typed
        found = typed.get(number)
        if found is None:
            found = typed[number] = self._of_type(frame, parameter, number)
        return found

    def _of_type(self, frame: Frame, parameter: facts.Parameter, number: int) -> Abstract:
        origin = Given(parameter.name)
        if parameter.kind == "varargs":
            return CollectionOf(Opaque(Given(parameter.name, each=True)))
        if number == 0 and frame.function.owner is not None:
            own = self._own(frame, origin)
            if own is not None:
                return own
        if parameter.annotation is not None:
            text = frame.spelled(parameter.annotation)
            found = self._linker.names.annotated_text(text, frame.module, origin)
            if found is not None:
                return found
        annotated = parameter.annotation is not None
        if parameter.name in SESSION_NAMES and not annotated and self._deals_with_database(frame):
            return SessionRef(origin, "given")
        return Opaque(origin)

    def _deals_with_database(self, frame: Frame) -> bool:
        return self._linker.names.deals_with_database(frame.module)

    def _own(self, frame: Frame, origin: Given) -> Abstract | None:
        decorators = self._linker.decorators(frame.function.qualname)
        owner = frame.function.owner
        if owner is None or "staticmethod" in decorators:
            return None
        cls = self._linker.names.classify(owner)
        is_class = "classmethod" in decorators or origin.name in ("cls", "klass", "mcs")
        if is_class:
            return cls
        if isinstance(cls, ModelRef):
            return Instance(cls, origin)
        return ObjectRef(owner, origin)

    def _default(self, frame: Frame, parameter: facts.Parameter, number: int) -> Abstract:
        if parameter.kind == "varkeywords":
            return TupleOf((), "dict")
        if parameter.kind == "varargs":
            return TupleOf((), "tuple")
        typed = self._typed(frame, parameter, number)
        if isinstance(typed, SessionRef):
            return SessionRef(Somewhere(f"own session of {frame.function.qualname}"), "own", typed.is_async)
        if parameter.default is not None:
            value = frame.value(parameter.default)
            if isinstance(value, PASSED_AS_IS):
                return value
        return typed
