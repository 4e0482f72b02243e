"""What a whole project declares: one place to ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lockcheck.declarations.constants import Constants, Missing
from lockcheck.declarations.constructs import Constructs
from lockcheck.declarations.mapped import Mapper
from lockcheck.declarations.model import (
    Assignment,
    ClassDeclaration,
    Constant,
    EnumMember,
    FunctionDeclaration,
    MappedClass,
    ModuleDeclarations,
)
from lockcheck.declarations.resolve import Names

__all__ = ["Declarations", "Missing"]


class Declarations:
    """All modules of a project. Every answer is found when it is first asked for, and kept.

    Where a qualified name is asked for, one that leads through aliases or re-exports to the definition does as well.
    """

    def __init__(self, modules: Mapping[str, ModuleDeclarations]) -> None:
        self.modules = modules
        self.names = Names(modules)
        self._constants = Constants(self.names)
        self._mapped: dict[str, MappedClass | None] = {}
        self._constructs = Constructs(self.names, self._constants)
        self._mapper = Mapper(modules, self._constructs)

    @classmethod
    def build(cls, modules: Iterable[ModuleDeclarations]) -> Declarations:
        return cls({module.module: module for module in modules})

    # --- names ------------------------------------------------------------------------------------------------

    def resolve(self, module: str, dotted: str, function: str | None = None) -> str:
        """What a dotted name stands for in a module, or in the function of that qualified name: see `Names`."""
        return self.names.resolve(module, dotted, function)

    def module_of(self, qualname: str) -> str:
        """The module that a qualified name lies in, "" for none of the project."""
        return self.names.module_of(qualname)

    def _definition(self, qualname: str) -> str:
        module = self.names.module_of(qualname)
        return self.names.descend(module, qualname[len(module) + 1 :]) if module else qualname

    def take(self, functions: Iterable[FunctionDeclaration]) -> bool:
        """Take functions of which nothing but the body is another one; those of `declared_attr` are not asked for.
        Whether nothing depends on these bodies that was found before."""
        for function in functions:
            if function.qualname in self._constructs.expanded:
                return False
            self.names.take(function)
        return True

    # --- functions and classes ----------------------------------------------------------------------------------

    def function(self, qualname: str) -> FunctionDeclaration | None:
        """A function or method."""
        functions = self.names.functions
        return functions.get(qualname) or functions.get(self._definition(qualname))

    def class_(self, qualname: str) -> ClassDeclaration | None:
        classes = self.names.classes
        found = classes.get(qualname) or classes.get(self._definition(qualname))
        return found[0] if found is not None else None

    def mro(self, qualname: str) -> tuple[str, ...]:
        """A class and its ancestors, nearest first; () for what is no class of the project."""
        return self.names.mro(qualname) or self.names.mro(self._definition(qualname))

    def attribute(self, qualname: str, name: str) -> tuple[str, Assignment | FunctionDeclaration] | None:
        """An attribute or method of a class, through its bases, with the class that defines it."""
        return self.names.attribute(qualname, name)

    def method(self, qualname: str, name: str) -> str | None:
        """The qualified name of the function that a method name of a class leads to, through its bases."""
        found = self.names.attribute(qualname, name)
        return f"{found[0]}.{name}" if found is not None and isinstance(found[1], FunctionDeclaration) else None

    # --- mapped classes -----------------------------------------------------------------------------------------

    def mapped(self, qualname: str) -> MappedClass | None:
        """The mapped class or Core `Table` that a name stands for."""
        if qualname not in self._mapped:
            found = self._mapper.mapped(qualname) or self._mapper.mapped(self._definition(qualname))
            self._mapped[qualname] = found
        return self._mapped[qualname]

    @property
    def tables(self) -> Mapping[str, tuple[MappedClass, ...]]:
        """The classes and Core tables of each table."""
        return self._mapper.tables

    # --- constants ----------------------------------------------------------------------------------------------

    def constant(self, qualname: str) -> Constant | Missing:
        """The value of a module variable, enum member or class attribute; `Missing` where it is none or unknown."""
        found = self._constants.constant(qualname)
        if not isinstance(found, Missing):
            return found
        definition = self._definition(qualname)
        return found if definition == qualname else self._constants.constant(definition)

    def enum(self, qualname: str) -> tuple[EnumMember, ...] | None:
        """The members of an enum class; None for what is no enum."""
        return self._constants.enum(qualname if qualname in self.names.classes else self._definition(qualname))
