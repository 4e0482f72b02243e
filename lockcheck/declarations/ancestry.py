"""What the bases of a class show."""

from __future__ import annotations

from typing import NamedTuple

from lockcheck.declarations.constants import Scope
from lockcheck.declarations.constructs import DATABASE, Constructs
from lockcheck.declarations.model import CallOf, Member, Name
from lockcheck.declarations.resolve import STANDARD

BASE_MAKERS = frozenset({"declarative_base", "generate_base", "automap_base", "as_declarative", "create_base"})
BASE_CLASSES = frozenset({"DeclarativeBase", "DeclarativeBaseNoMeta", "AutomapBase", "AbstractConcreteBase"})
MAPPING_DECORATORS = frozenset({"mapped", "mapped_as_dataclass", "as_declarative"})


class Ancestry(NamedTuple):
    """What a class's bases show: `known` is false where one of them could not be read."""

    declarative: bool
    known: bool
    flask: bool
    sqlmodel: bool


class Ancestries:
    """Reads ancestries, each once."""

    def __init__(self, constructs: Constructs) -> None:
        self._constructs = constructs
        self._names = constructs.names
        self._found: dict[str, Ancestry] = {}

    def of_class(self, qualname: str) -> Ancestry:
        """What the bases of a class show."""
        found = self._found.get(qualname)
        if found is None:
            found = self._found[qualname] = self._read(qualname)
        return found

    def _read(self, qualname: str) -> Ancestry:
        shown = [self._shown_by(base) for base in self._names.mro(qualname)]
        return Ancestry(*(any(column) for column in zip(*shown, strict=True)))._replace(
            known=all(part.known for part in shown)
        )

    def _shown_by(self, base: str) -> Ancestry:
        if base in self._names.classes:
            made = self._made_declarative(base) or self._holds_base(base)
            return Ancestry(made, known=True, flask=False, sqlmodel=False)
        head, _, last = base.removesuffix("()").rpartition(".")
        if last == "Model" and self._constructs.is_extension(head):
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
        declared, module = self._names.classes[qualname]
        for name, value in declared.keywords:
            if name == "metaclass" and isinstance(value, Name) and value.dotted.endswith("DeclarativeMeta"):
                return True
        for decorator in declared.decorators:
            called = decorator.function if isinstance(decorator, CallOf) else decorator
            if isinstance(called, Name) and called.dotted.rpartition(".")[2] in MAPPING_DECORATORS:
                target = self._names.resolve(module, called.dotted)
                if target not in self._names.functions and target not in self._names.classes:
                    return True
        return False

    def _holds_base(self, qualname: str) -> bool:
        """Whether a module variable holds a declarative base; a class for type checkers may have the same name."""
        assignment = self._names.assignment(qualname)
        value = assignment.value if assignment is not None else None
        if isinstance(value, CallOf) and isinstance(value.function, CallOf):  # `as_declarative(..)(Base)`
            value = value.function
        if not isinstance(value, CallOf):
            return False
        made = self._constructs.construct(value, Scope(self._names.module_of(qualname)))
        function = made.call.function
        name = function.dotted if isinstance(function, Name) else function.name if isinstance(function, Member) else ""
        return name.rpartition(".")[2] in BASE_MAKERS

    def base(self, qualname: str) -> str | None:
        """The declarative base of a class: its last ancestor in the project that is declarative."""
        ancestors = [base for base in self._names.mro(qualname)[1:] if not base.startswith("builtins.")]
        declarative = (base for base in ancestors if self._shown_by(base).declarative or self._is_known_base(base))
        return next(declarative, None)

    def _is_known_base(self, qualname: str) -> bool:
        return qualname in self._names.classes and self.is_base(qualname)

    def is_base(self, qualname: str) -> bool:
        """Whether a class is a declarative base itself, which is never mapped."""
        direct = (base.rpartition(".")[2] for base in self._names.bases(qualname) if base.startswith("sqlalchemy."))
        if any(name in BASE_CLASSES for name in direct):
            return True
        decorators = self._names.classes[qualname][0].decorators
        calls = (item.function if isinstance(item, CallOf) else item for item in decorators)
        return any(isinstance(item, Name) and item.dotted.endswith("as_declarative") for item in calls)
