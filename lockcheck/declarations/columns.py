"""Reads the declaration of one column."""

from __future__ import annotations

from lockcheck.declarations.annotations import Annotated
from lockcheck.declarations.constants import Scope
from lockcheck.declarations.constructs import Construct, Constructs
from lockcheck.declarations.defaults import GENERATORS, Defaults
from lockcheck.declarations.drafts import Draft, Reference
from lockcheck.declarations.model import (
    CallOf,
    Expression,
    Indexed,
    Items,
    Literal_,
    Location,
    Member,
    Name,
)

COLUMN_KINDS = ("Column", "mapped_column", "Field")
WRAPPED_KINDS = ("column_property", "deferred")
OF_PYTHON = {
    "int": "Integer",
    "str": "String",
    "bool": "Boolean",
    "float": "Float",
    "Decimal": "Numeric",
    "bytes": "LargeBinary",
    "datetime": "DateTime",
    "date": "Date",
    "time": "Time",
    "timedelta": "Interval",
    "UUID": "Uuid",
}
"""SQLAlchemy's types for plain annotations."""

ENUM_TYPES = frozenset({"Enum", "SQLEnum", "SAEnum", "ENUM"})
NOT_TYPES = frozenset(
    {"ForeignKey", "Sequence", "Identity", "Computed", "CheckConstraint", "FetchedValue", "DefaultClause", "text"}
)


class Columns:
    """Reads `Column(...)`, `mapped_column(...)`, `Field(...)` and bare annotations."""

    def __init__(self, constructs: Constructs) -> None:
        self._constructs = constructs
        self._defaults = Defaults(constructs)

    def draft(self, attribute: str, made: Construct | None, annotated: Annotated, location: Location) -> Draft:
        """A column from its call, its annotation or both."""
        draft = Draft(attribute, location)
        self._annotation(draft, annotated)
        for call, scope in annotated.columns:
            inner = self._constructs.construct(call, scope)
            if inner.kind in COLUMN_KINDS:
                self._apply(draft, inner)
        draft.name = ""  # a name inside `Annotated` counts for nothing
        if made is not None:
            self._apply(draft, made)
        draft.name = draft.name or attribute
        if not draft.type and not draft.is_enum:
            draft.type = OF_PYTHON.get(draft.python_type, "")
        return draft

    def _annotation(self, draft: Draft, annotated: Annotated) -> None:
        draft.annotated_nullable = annotated.nullable
        draft.python_type = annotated.python_type
        if annotated.target is None or annotated.scope is None or annotated.collection:
            return
        if isinstance(annotated.target, Indexed) and annotated.python_type == "Literal":
            draft.type, draft.is_enum = "Enum", True
        qualname = self._constructs.resolved(annotated.target, annotated.scope)
        if self._constructs.constants.enum(qualname) is not None:
            draft.is_enum, draft.enum, draft.type = True, qualname, "Enum"

    def _apply(self, draft: Draft, made: Construct) -> None:
        inner = made.keyword("sa_column")
        if made.kind == "Field" and isinstance(inner, CallOf):
            draft.annotated_nullable = None
            self._apply(draft, self._constructs.construct(inner, made.scope))
            return
        arguments = list(made.call.args)
        if made.kind == "Field":
            self._field_default(draft, arguments[0] if arguments else made.keyword("default"), made)
            arguments = []
        for position, argument in enumerate(arguments):
            self._argument(draft, argument, made.scope, position)
        self._keywords(draft, made)

    # --- arguments ----------------------------------------------------------------------------------------------

    def _argument(self, draft: Draft, argument: Expression, scope: Scope, position: int) -> None:
        if position == 0 and (name := self._constructs.text(argument, scope)) is not None:
            draft.name = name
            return
        if isinstance(argument, Literal_) and argument.value is None:
            return
        made = self._constructs.construct(argument, scope) if isinstance(argument, CallOf) else None
        if made is None or made.kind not in NOT_TYPES:
            if not isinstance(argument, Literal_):
                self._type(draft, argument, scope)
        elif made.kind == "ForeignKey":
            self._reference(draft, made)
        elif made.kind in GENERATORS:
            draft.default = "generated"
            draft.nullable_unless_said = draft.nullable_unless_said and made.kind != "Identity"

    def _reference(self, draft: Draft, made: Construct) -> None:
        target = made.call.args[0] if made.call.args else made.keyword("column")
        if target is None:
            draft.understood = False
            return
        on_delete = self._constructs.text(made.keyword("ondelete"), made.scope)
        draft.references.append(Reference(target, made.scope, on_delete.upper() if on_delete else None))

    def _type(self, draft: Draft, expression: Expression, scope: Scope) -> None:
        """The type, named by the last part of its class."""
        wrapped = _wrapped_type(expression)
        if wrapped is not None:
            self._type(draft, wrapped, scope)
            return
        if not isinstance(expression, CallOf):
            self._named_type(draft, expression, scope)
            return
        made = self._constructs.construct(expression, scope)
        qualname = self._constructs.resolved(made.call.function, made.scope)
        draft.type = made.kind if made.kind in ENUM_TYPES else qualname.rpartition(".")[2]
        if draft.type in ENUM_TYPES:
            self._enum_type(draft, made)

    def _named_type(self, draft: Draft, expression: Expression, scope: Scope) -> None:
        names = self._constructs.names
        qualname = self._constructs.resolved(expression, scope)
        assignment = names.assignment(qualname)
        if assignment is not None and assignment.value is not None and assignment.value != expression:
            self._type(draft, assignment.value, Scope(names.module_of(qualname)))
        elif qualname:
            draft.type = qualname.rpartition(".")[2]

    def _enum_type(self, draft: Draft, made: Construct) -> None:
        draft.type, draft.is_enum = "Enum", True
        if made.call.args:
            qualname = self._constructs.resolved(made.call.args[0], made.scope)
            if self._constructs.constants.enum(qualname) is not None:
                draft.enum = qualname

    # --- keywords -----------------------------------------------------------------------------------------------

    def _keywords(self, draft: Draft, made: Construct) -> None:
        flags = {name: self._constructs.truth(value, made.scope) for name, value in made.call.keywords if name}
        draft.primary_key = flags.get("primary_key", draft.primary_key) or False
        draft.unique = flags.get("unique", draft.unique) or False
        draft.index = flags.get("index", draft.index) or False
        if flags.get("nullable") is not None:
            draft.declared_nullable = flags["nullable"]
        elif "nullable" in flags:
            draft.annotated_nullable = draft.nullable_unless_said = None
        draft.autoincrement = flags.get("autoincrement", draft.autoincrement)
        draft.understood = draft.understood and all(name is not None for name, _ in made.call.keywords)
        self._named_parts(draft, made)
        self._read_defaults(draft, made)

    def _named_parts(self, draft: Draft, made: Construct) -> None:
        name = self._constructs.text(made.keyword("name", "__name_pos"), made.scope)
        draft.name = name or draft.name
        type_ = made.keyword("type_", "sa_type", "__type_pos")
        if type_ is not None:
            self._type(draft, type_, made.scope)
        target = made.keyword("foreign_key")
        if target is not None and not (isinstance(target, Literal_) and not isinstance(target.value, str)):
            on_delete = self._constructs.text(made.keyword("ondelete"), made.scope)
            draft.references.append(Reference(target, made.scope, on_delete.upper() if on_delete else None))
        more = made.keyword("sa_column_args")
        if isinstance(more, Items):
            for argument in more.items:
                self._argument(draft, argument, made.scope, 1)

    def _read_defaults(self, draft: Draft, made: Construct) -> None:
        draft.has_onupdate = draft.has_onupdate or any(
            name in ("onupdate", "server_onupdate") for name, _ in made.call.keywords
        )
        if made.keyword("default_factory") is not None:
            draft.default = "generated"
        for name in ("default", "insert_default", "server_default"):
            value = made.keyword(name)
            if value is not None and not (made.kind == "Field" and name == "default"):
                found = self._defaults.kind(value, made.scope)
                draft.default = found if draft.default != "generated" else draft.default

    def _field_default(self, draft: Draft, value: Expression | None, made: Construct) -> None:
        """SQLModel's `Field(default)`: None and `...` are no defaults."""
        plain = isinstance(value, Literal_) and value.value is not None
        if plain or isinstance(value, Name):
            draft.default = self._defaults.kind(value, made.scope) if value is not None else "none"


def _wrapped_type(expression: Expression) -> Expression | None:
    """The type inside `JSON().with_variant(..)` or `MutableDict.as_mutable(JSON)`."""
    if not isinstance(expression, CallOf):
        return None
    function = expression.function
    if isinstance(function, Member) and isinstance(function.base, CallOf):
        return function.base
    if isinstance(function, Name) and expression.args and function.dotted.endswith(".as_mutable"):
        return expression.args[0]
    return None
