"""What an annotation says of a mapped attribute."""

from __future__ import annotations

from typing import NamedTuple

from lockcheck.declarations.constants import Scope
from lockcheck.declarations.constructs import Constructs
from lockcheck.declarations.expressions import expression_of_text
from lockcheck.declarations.model import CallOf, Expression, Indexed, Items, Literal_, Name, Operation

MAPPED = frozenset({"Mapped", "WriteOnlyMapped", "DynamicMapped", "MappedColumn", "MappedSQLExpression"})
COLLECTIONS = frozenset(
    {
        "AbstractSet", "Collection", "Dict", "InstrumentedList", "Iterable", "KeyFuncDict", "List",
        "MappedCollection", "Mapping", "MutableMapping", "MutableSequence", "MutableSet", "Sequence", "Set",
        "Tuple", "deque", "dict", "frozenset", "list", "set", "tuple",
    }
)  # fmt: skip
_DICTS = frozenset({"dict", "Dict", "Mapping", "MutableMapping", "KeyFuncDict", "MappedCollection"})
_UNIONS = frozenset({"Union", "Optional"})
_TRANSPARENT = frozenset({"Final", "Required", "NotRequired", "ReadOnly"})
MAX_ALIASES = 10


class Annotated(NamedTuple):
    """An annotation taken apart: `wrapper` is `Mapped` or one of its kind, "" for none; `nullable` is None where there
    is no annotation; `target` names the type inside, `collection` whether it stands for many; `columns` are
    `mapped_column(...)` or `Field(...)` calls inside an `Annotated`, with the scope they stand in."""

    wrapper: str = ""
    nullable: bool | None = None
    target: Expression | None = None
    scope: Scope | None = None
    collection: bool | None = None
    columns: tuple[tuple[CallOf, Scope], ...] = ()
    python_type: str = ""


class Annotations:
    """Reads annotations, through quoted text and aliases."""

    def __init__(self, constructs: Constructs) -> None:
        self._constructs = constructs

    def read(self, annotation: Expression | None, scope: Scope) -> Annotated:
        if annotation is None:
            return Annotated()
        annotation, scope = self._unquoted(annotation, scope)
        if isinstance(annotation, Indexed):
            wrapper = self._last(annotation.base, scope)
            if wrapper in MAPPED:
                inner = self._inner(annotation.index, scope, 0)
                many = wrapper in ("WriteOnlyMapped", "DynamicMapped")
                return inner._replace(wrapper=wrapper, collection=True if many else inner.collection)
        return self._inner(annotation, scope, 0)

    def is_class_variable(self, annotation: Expression | None, scope: Scope) -> bool:
        if annotation is None:
            return False
        annotation, scope = self._unquoted(annotation, scope)
        base = annotation.base if isinstance(annotation, Indexed) else annotation
        return self._last(base, scope) == "ClassVar"

    def _unquoted(self, annotation: Expression, scope: Scope) -> tuple[Expression, Scope]:
        if isinstance(annotation, Literal_) and isinstance(annotation.value, str):
            return expression_of_text(annotation.value), scope
        return annotation, scope

    def _last(self, expression: Expression, scope: Scope) -> str:
        if not isinstance(expression, Name):
            return ""
        return self._resolved(expression, scope).rpartition(".")[2]

    def _resolved(self, name: Name, scope: Scope) -> str:
        """A class attribute often has the name of its type, so the module's names go first."""
        found = self._constructs.resolved(name, Scope(scope.module))
        return self._constructs.resolved(name, scope) if found == name.dotted else found

    def _inner(self, annotation: Expression, scope: Scope, depth: int) -> Annotated:
        annotation, scope = self._unquoted(annotation, scope)
        if isinstance(annotation, Literal_) and annotation.value is None:
            return Annotated(nullable=True)
        if isinstance(annotation, Operation) and annotation.operator == "|":
            return self._union(annotation.operands, scope, depth)
        if isinstance(annotation, Indexed):
            return self._subscript(annotation, scope, depth)
        if isinstance(annotation, Name):
            return self._name(annotation, scope, depth)
        return Annotated(scope=scope)

    def _name(self, name: Name, scope: Scope, depth: int) -> Annotated:
        names = self._constructs.names
        qualname = self._resolved(name, scope)
        assignment = names.assignment(qualname)
        if assignment is not None and assignment.value is not None and depth < MAX_ALIASES:
            return self._alias(assignment.value, Scope(names.module_of(qualname)), depth)
        last = qualname.rpartition(".")[2]
        return Annotated("", False, name, scope, last in COLLECTIONS, (), last)

    def _alias(self, value: Expression, scope: Scope, depth: int) -> Annotated:
        """`X = Annotated[..]`, `X = Optional[..]`, `X = NewType("X", int)`, `X = TypeAliasType("X", ..)`."""
        if isinstance(value, CallOf):
            if self._last(value.function, scope) in ("NewType", "TypeAliasType") and len(value.args) > 1:
                return self._inner(value.args[1], scope, depth + 1)
            return Annotated(scope=scope)
        return self._inner(value, scope, depth + 1)

    def _subscript(self, annotation: Indexed, scope: Scope, depth: int) -> Annotated:
        base = self._last(annotation.base, scope)
        parts = annotation.index.items if isinstance(annotation.index, Items) else (annotation.index,)
        if base in _UNIONS:
            found = self._union(parts, scope, depth)
            return found._replace(nullable=True) if base == "Optional" else found
        if base == "Annotated":
            return self._annotated(parts, scope, depth)
        if base in _TRANSPARENT or base in MAPPED:
            return self._inner(parts[0], scope, depth)
        if base == "Literal":
            null = any(isinstance(part, Literal_) and part.value is None for part in parts)
            return Annotated("", null, annotation, scope, False, (), "Literal")
        if base in COLLECTIONS and parts:
            item = self._inner(parts[-1] if base in _DICTS else parts[0], scope, depth)
            return Annotated("", False, item.target, item.scope, True, (), base)
        return Annotated("", False, annotation.base, scope, False, (), base)

    def _annotated(self, parts: tuple[Expression, ...], scope: Scope, depth: int) -> Annotated:
        found = self._inner(parts[0], scope, depth)
        calls = tuple((part, scope) for part in parts[1:] if isinstance(part, CallOf))
        return found._replace(columns=(*found.columns, *calls))

    def _union(self, parts: tuple[Expression, ...], scope: Scope, depth: int) -> Annotated:
        found = [self._inner(part, scope, depth) for part in parts]
        null = any(part.nullable for part in found)
        named = [part for part in found if part.target is not None]
        best = named[0] if named else Annotated(scope=scope)
        columns = tuple(call for part in found for call in part.columns)
        return best._replace(nullable=null or (None if not named else False), columns=columns)
