"""Which columns of a row a property or method of its class looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from lockcheck import facts
from lockcheck.declarations.model import FunctionDeclaration, MappedClass, Name
from lockcheck.naming import unique_names

if TYPE_CHECKING:
    from lockcheck.linking.linker import Linker

MAX_DEPTH = 3


def looks_at(linker: Linker, mapped: MappedClass, name: str, depth: int = MAX_DEPTH) -> frozenset[str]:
    """The columns behind an attribute of a mapped class: itself, or what a property or method reads of `self`."""
    column = mapped.column(name)
    if column is not None:
        return frozenset({column.attribute})
    function = linker.declarations.method(mapped.qualname, name) if depth else None
    if function is None:
        return frozenset()
    definitions = _definitions(linker, function)
    named = {part for key, method in definitions for part in _own_attributes(linker, key, method)}
    return frozenset().union(*(looks_at(linker, mapped, part, depth - 1) for part in named - {name}))


def _definitions(linker: Linker, function: str) -> Iterator[tuple[str, FunctionDeclaration]]:
    """A method by its name and those of that name before it, but for setters: the getter of a property, the
    expression of a hybrid. With each the name that its behaviour goes by."""
    owner, _, name = function.rpartition(".")
    declared = linker.declarations.class_(owner)
    methods = [method for method in (declared.methods if declared else ()) if method.name == name]
    for key, method in zip(unique_names(function for _ in methods), methods, strict=True):
        if not any(isinstance(d, Name) and d.dotted.endswith(".setter") for d in method.decorators):
            yield key, method


def _own_attributes(linker: Linker, key: str, method: FunctionDeclaration) -> frozenset[str]:
    """The attributes of its first parameter that a method names."""
    located = linker.functions.get(key)
    if located is not None:
        return frozenset(_read(located.facts))
    own = f"{method.parameters[0]}." if method.parameters else ""
    found = (n.removeprefix(own).partition(".")[0] for n in _names(method.result) if own and n.startswith(own))
    return frozenset(found)


def _read(function: facts.FunctionFacts) -> Iterator[str]:
    first = function.parameters[0].name if function.parameters else None
    for value in function.values:
        base = function.values[value.base] if isinstance(value, facts.Attr) else None
        if isinstance(value, facts.Attr) and isinstance(base, facts.Param) and base.name == first:
            yield value.name


def _names(expression: Any) -> Iterator[str]:
    """The dotted names anywhere in a declared expression."""
    if isinstance(expression, Name):
        yield expression.dotted
    elif isinstance(expression, tuple):
        for part in expression:
            yield from _names(part)
    elif is_dataclass(expression):
        for item in fields(expression):
            yield from _names(getattr(expression, item.name))
