"""What names stand for, across files."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from lockcheck.declarations.linearise import linearise
from lockcheck.declarations.locate import Locator
from lockcheck.declarations.model import (
    Assignment,
    CallOf,
    ClassDeclaration,
    Expression,
    FunctionDeclaration,
    Indexed,
    ModuleDeclarations,
    Name,
)

BUILTINS = frozenset(dir(builtins))
STANDARD = frozenset(sys.stdlib_module_names) | {"builtins", "typing_extensions", "__future__"}

Attribute = tuple[str, Assignment | FunctionDeclaration]
"""An attribute or method with the qualified name of the class that defines it."""


class Names:
    """Follows imports, re-exports, aliases and bases.

    A resolved name is the qualified name of a definition in the project (module, class, function, module variable or
    class attribute), or of something outside as the import spelled it (`sqlalchemy.orm.Session`). A builtin is
    `builtins.sorted`. A name that nothing in its module binds comes back as given.
    """

    def __init__(self, modules: Mapping[str, ModuleDeclarations]) -> None:
        self._modules = modules
        self._locator = Locator(modules)
        self._resolved: dict[tuple[str, str, str | None], str] = {}
        self._members: dict[tuple[str, str], str | None] = {}
        self._mros: dict[str, tuple[str, ...]] = {}
        self._within: dict[str, str] = {}
        self._own: dict[str, Mapping[str, Assignment | FunctionDeclaration]] = {}
        self._open: set[object] = set()

    # --- definitions ------------------------------------------------------------------------------------------

    def take(self, function: FunctionDeclaration) -> None:
        """A function with another body; nothing that was resolved depends on it."""
        known = self.functions.get(function.qualname)
        if known is not None and known.first_line == function.first_line:
            self.functions[function.qualname] = function
        found = self.classes.get(function.owner or "")
        if found is not None:
            declared, module = found
            methods = (function if own.first_line == function.first_line else own for own in declared.methods)
            self.classes[function.owner or ""] = (replace(declared, methods=tuple(methods)), module)

    @cached_property
    def classes(self) -> dict[str, tuple[ClassDeclaration, str]]:
        """All classes by qualified name, with the module they stand in."""
        return {
            f"{module.module}.{key}": (declared, module.module)
            for module in self._modules.values()
            for key, declared in module.classes.items()
        }

    @cached_property
    def functions(self) -> dict[str, FunctionDeclaration]:
        """All functions and methods by qualified name."""
        found = {f"{m.module}.{key}": item for m in self._modules.values() for key, item in m.functions.items()}
        for qualname, (declared, _) in self.classes.items():
            found.update((f"{qualname}.{method.name}", method) for method in declared.methods)
        return found

    def module_of(self, qualname: str) -> str:
        """The module that a qualified name lies in, "" for none of the project."""
        found = self._within.get(qualname)
        if found is None:
            found = qualname
            while found and found not in self._modules:
                found = found.rpartition(".")[0]
            self._within[qualname] = found
        return found

    def assignment(self, qualname: str) -> Assignment | None:
        """The assignment to a module variable."""
        module, _, name = qualname.rpartition(".")
        declared = self._modules.get(module)
        return declared.assignments.get(name) if declared is not None else None

    # --- names ------------------------------------------------------------------------------------------------

    def resolve(self, module: str, dotted: str, function: str | None = None) -> str:
        """What a dotted name stands for in a module, or in one of its functions."""
        key = (module, dotted, function)
        found = self._resolved.get(key)
        if found is None:
            found = self._resolved[key] = self._resolve(module, dotted, function)
        return found

    def _resolve(self, module: str, dotted: str, function: str | None) -> str:
        first, _, rest = dotted.partition(".")
        start = self._in_function(module, first, function) if function else None
        if start is None:
            start = self.member(module, first)
        if start is not None:
            return self.descend(start, rest)
        return f"builtins.{dotted}" if first in BUILTINS else dotted

    def in_class(self, qualname: str, dotted: str) -> str:
        """What a name stands for in a class body."""
        declared = self.classes.get(qualname)
        if declared is None:
            return dotted
        first, _, rest = dotted.partition(".")
        found = self.own_attributes(qualname).get(first)
        if found is None and f"{qualname}.{first}" not in self.classes:
            return self.resolve(declared[1], dotted)
        return self.descend(qualname, dotted) if rest or found is None else f"{qualname}.{first}"

    def _in_function(self, module: str, name: str, function: str) -> str | None:
        declared = self._modules.get(module)
        if declared is None or not declared.function_imports:
            return None
        outermost = function.partition(".<locals>")[0].partition("#")[0]
        target = declared.function_imports.get(outermost, {}).get(name)
        return self.absolute(target, module) if target is not None else None

    def member(self, module: str, name: str) -> str | None:
        """What a name of a module's namespace stands for; None where nothing binds it."""
        key = (module, name)
        if key in self._members:
            return self._members[key]
        if key in self._open or module not in self._modules:
            return None
        self._open.add(key)
        try:
            found = self._member(self._modules[module], name)
        finally:
            self._open.discard(key)
        self._members[key] = found
        return found

    def _member(self, module: ModuleDeclarations, name: str) -> str | None:
        if name in module.classes or name in module.functions:
            return f"{module.module}.{name}"
        assignment = module.assignments.get(name)
        target = module.imports.get(name)
        if target is not None and (assignment is None or not self._only_in_functions(module, name, target)):
            return self.absolute(target, module.module)
        if assignment is not None:
            return self._alias(module.module, name, assignment.value) or f"{module.module}.{name}"
        submodule = f"{module.module}.{name}"
        return self._from_stars(module, name) or (submodule if submodule in self._modules else None)

    def _only_in_functions(self, module: ModuleDeclarations, name: str, target: str) -> bool:
        return any(inner.get(name) == target for inner in module.function_imports.values())

    def _alias(self, module: str, name: str, value: Expression | None) -> str | None:
        """What `name = other` stands for, where `other` is bound."""
        if not isinstance(value, Name) or value.dotted == name:
            return None
        first, _, rest = value.dotted.partition(".")
        start = self.member(module, first)
        return self.descend(start, rest) if start is not None else None

    def _from_stars(self, module: ModuleDeclarations, name: str) -> str | None:
        if name.startswith("_"):
            return None
        outside: list[str] = []
        for star in module.star_imports:
            found = self._locator.locate(star, module.module)
            if found is None or found[1]:
                outside.append(star)
            elif (inner := self.member(found[0], name)) is not None:
                return inner
        return f"{outside[0]}.{name}" if outside and name not in BUILTINS else None

    def absolute(self, target: str, importer: str) -> str:
        """What an absolute name, imported in `importer`, stands for."""
        found = self._locator.locate(target, importer)
        if found is None:
            return target
        module, rest = found
        if rest:
            return self.descend(module, rest)
        package, _, name = module.rpartition(".")
        return (self._exported(package, name) or module) if package in self._modules else module

    def _exported(self, package: str, name: str) -> str | None:
        """What a package binds under the name of one of its modules, where it binds something else."""
        declared = self._modules[package]
        if name in declared.imports or name in declared.classes or name in declared.functions:
            return self.member(package, name)
        return None

    def located(self, target: str, importer: str) -> str:
        """The module that an absolute name, imported in `importer`, leads into; "" for none of the project."""
        found = self._locator.locate(target, importer)
        return found[0] if found is not None else ""

    def descend(self, qualname: str, rest: str) -> str:
        """What the attributes `rest` of a resolved name stand for."""
        while rest:
            part, _, after = rest.partition(".")
            found = self._step(qualname, part)
            if found is None:
                return f"{qualname}.{rest}"
            qualname, rest = found, after
        return qualname

    def _step(self, qualname: str, part: str) -> str | None:
        if qualname in self._modules:
            return self.member(qualname, part)
        if qualname not in self.classes:
            return None
        for base in self.mro(qualname):
            if f"{base}.{part}" in self.classes:
                return f"{base}.{part}"
            attribute = self.own_attributes(base).get(part)
            if attribute is not None:
                return self._class_alias(base, part, attribute) or f"{base}.{part}"
        return None

    def _class_alias(self, owner: str, name: str, attribute: Assignment | FunctionDeclaration) -> str | None:
        """What `name = other` in a class body stands for, where `other` is defined in the project."""
        value = attribute.value if isinstance(attribute, Assignment) else None
        key = (owner, name, "alias")
        if not isinstance(value, Name) or key in self._open:
            return None
        self._open.add(key)
        try:
            found = self.in_class(owner, value.dotted)
        finally:
            self._open.discard(key)
        return found if self.module_of(found) else None

    # --- classes ----------------------------------------------------------------------------------------------

    def bases(self, qualname: str) -> tuple[str, ...]:
        """The bases of a class; one that is made by a call is the callee with `()`, one not understood `?`."""
        declared = self.classes.get(qualname)
        if declared is None:
            return ()
        return tuple(self._base(base, declared[1]) for base in declared[0].bases)

    def _base(self, base: Expression, module: str) -> str:
        if isinstance(base, Indexed):
            base = base.base
        if isinstance(base, CallOf) and isinstance(base.function, Name):
            return f"{self.resolve(module, base.function.dotted)}()"
        return self.resolve(module, base.dotted) if isinstance(base, Name) else "?"

    def mro(self, qualname: str) -> tuple[str, ...]:
        """A class and its ancestors, nearest first; those outside the project by qualified name. () for no class."""
        found = self._mros.get(qualname)
        if found is not None:
            return found
        if qualname not in self.classes:
            return ()
        key = (qualname, "mro")
        if key in self._open:  # a class that is its own ancestor
            return (qualname,)
        self._open.add(key)
        try:
            bases = tuple(base for base in dict.fromkeys(self.bases(qualname)) if base != qualname)
            found = linearise(qualname, [self.mro(base) or self._made(base) for base in bases], bases)
        finally:
            self._open.discard(key)
        self._mros[qualname] = found
        return found

    def _made(self, base: str) -> tuple[str, ...]:
        """A base that a variable holds, and what `declarative_base(cls=..)` gave it for a class."""
        assignment = self.assignment(base)
        value = assignment.value if assignment is not None else None
        given = dict(value.keywords).get("cls") if isinstance(value, CallOf) else None
        inner = self.resolve(self.module_of(base), given.dotted) if isinstance(given, Name) else None
        return (base, *self.mro(inner)) if inner is not None else (base,)

    def attribute(self, qualname: str, name: str) -> Attribute | None:
        """An attribute or method of a class, through its bases, with the class that defines it."""
        for base in self.mro(qualname):
            found = self.own_attributes(base).get(name)
            if found is not None:
                return base, found
        return None

    def own_attributes(self, qualname: str) -> Mapping[str, Assignment | FunctionDeclaration]:
        """The attributes and methods that a class body defines, by name."""
        found = self._own.get(qualname)
        if found is None:
            found = self._own[qualname] = dict(self._defined(qualname))
        return found

    def _defined(self, qualname: str) -> Iterator[tuple[str, Assignment | FunctionDeclaration]]:
        declared = self.classes.get(qualname)
        if declared is not None:
            yield from ((attribute.name, attribute) for attribute in declared[0].attributes)
            yield from ((method.name, method) for method in declared[0].methods)
