"""Which of SQLAlchemy's constructs a call makes, through wrappers of the project."""

from __future__ import annotations

from typing import NamedTuple

from lockcheck.declarations.constants import Constants, Scope
from lockcheck.declarations.model import (
    CallOf,
    EnumMember,
    Expression,
    Items,
    Member,
    Name,
    Operation,
)
from lockcheck.declarations.resolve import STANDARD, Names
from lockcheck.declarations.substitution import arguments, substituted

DATABASE = frozenset(
    {"sqlalchemy", "sqlmodel", "flask_sqlalchemy", "flask_sqlalchemy_lite", "sqlalchemy_utils", "alembic"}
)

CONSTRUCTS = frozenset(
    {
        "CheckConstraint", "Column", "Computed", "DefaultClause", "ExcludeConstraint", "FetchedValue", "Field",
        "ForeignKey", "ForeignKeyConstraint", "Identity", "Index", "PrimaryKeyConstraint", "Relationship",
        "SQLAlchemy", "Sequence", "Table", "UniqueConstraint", "association_proxy", "automap_base", "backref",
        "column_property", "composite", "declarative_base", "deferred", "dynamic_loader", "generate_base",
        "hybrid_property", "mapped_column", "partial", "query_expression", "relation", "relationship", "synonym",
    }
)  # fmt: skip

MAX_EXPANSIONS = 6


class Construct(NamedTuple):
    """A call of a construct with the scope its arguments stand in; `kind` is "" for a call of anything else.

    `understood` is false for a call of something that may make a construct, which cannot be told.
    """

    kind: str
    call: CallOf
    scope: Scope
    understood: bool = True

    def keyword(self, *names: str) -> Expression | None:
        return next((value for name, value in self.call.keywords if name in names), None)

    def argument(self, position: int, name: str) -> Expression | None:
        """An argument that is given by position or by name."""
        return self.call.args[position] if position < len(self.call.args) else self.keyword(name)


class Constructs:
    """Reads calls in declarations."""

    def __init__(self, names: Names, constants: Constants) -> None:
        self.names = names
        self.constants = constants
        self._extensions: dict[str, bool] = {}
        self.expanded: set[str] = set()
        """The functions that were looked into."""

    def resolved(self, expression: Expression, scope: Scope) -> str:
        """The qualified name of a dotted name; "" for any other expression."""
        return self.constants.resolved(expression, scope) if isinstance(expression, Name) else ""

    def construct(self, call: CallOf, scope: Scope) -> Construct:
        """What a call makes; helper functions of the project and `partial` are seen through."""
        for _ in range(MAX_EXPANSIONS):
            qualname = self.resolved(call.function, scope)
            kind = self._kind(qualname, call.function)
            if kind:
                return Construct(kind, call, scope)
            expanded = self._expanded(qualname, call)
            if expanded is None:
                return Construct("", call, scope, understood=self._harmless(qualname))
            call, scope = expanded
        return Construct("", call, scope, understood=False)

    def is_call_of(self, expression: Expression | None, scope: Scope, *kinds: str) -> bool:
        return isinstance(expression, CallOf) and self.construct(expression, scope).kind in kinds

    def _kind(self, qualname: str, function: Expression) -> str:
        head, _, last = qualname.rpartition(".")
        package = qualname.partition(".")[0]
        if package in DATABASE:
            return last
        if last == "partial" and package == "functools":
            return ""
        if qualname in self.names.classes:
            return self._subclass_kind(qualname)
        if not self.names.module_of(qualname) or self.is_extension(head):
            return last if last in CONSTRUCTS and isinstance(function, Name) else ""
        return ""

    def _subclass_kind(self, qualname: str) -> str:
        for base in self.names.mro(qualname):
            if base.partition(".")[0] in DATABASE and base.rpartition(".")[2] in CONSTRUCTS:
                return base.rpartition(".")[2]
        return ""

    def is_extension(self, qualname: str) -> bool:
        """Whether a module variable holds a Flask-SQLAlchemy extension object."""
        if qualname not in self._extensions:
            assignment = self.names.assignment(qualname)
            value = assignment.value if assignment is not None else None
            self._extensions[qualname] = isinstance(value, CallOf) and self._makes_extension(value, qualname)
        return self._extensions[qualname]

    def _makes_extension(self, value: CallOf, qualname: str) -> bool:
        made = self.resolved(value.function, Scope(self.names.module_of(qualname)))
        return any(base.rpartition(".")[2] == "SQLAlchemy" for base in self.names.mro(made) or (made,))

    def _harmless(self, qualname: str) -> bool:
        """Whether a call of something that is no construct cannot have made one."""
        if self.names.module_of(qualname):
            return qualname in self.names.classes
        return qualname.partition(".")[0] in STANDARD

    # --- wrappers -----------------------------------------------------------------------------------------------

    def _expanded(self, qualname: str, call: CallOf) -> tuple[CallOf, Scope] | None:
        """The call inside a helper function or `partial`, with the arguments of this one."""
        function = self.names.functions.get(qualname)
        if function is not None:
            self.expanded.add(qualname)
        if function is not None and isinstance(function.result, CallOf):
            given = arguments(function.parameters, call)
            inner = substituted(function.result, given)
            return (inner, Scope(self.names.module_of(qualname))) if isinstance(inner, CallOf) else None
        assignment = self.names.assignment(qualname)
        value = assignment.value if assignment is not None else None
        if isinstance(value, CallOf) and value.args and isinstance(value.function, Name):
            scope = Scope(self.names.module_of(qualname))
            if self.resolved(value.function, scope) == "functools.partial":
                merged = {**dict(value.keywords), **dict(call.keywords)}
                return CallOf(value.args[0], (*value.args[1:], *call.args), tuple(merged.items())), scope
        return None

    # --- plain values -------------------------------------------------------------------------------------------

    def truth(self, expression: Expression | None, scope: Scope) -> bool | None:
        """A flag; None where it is not given or not known."""
        if expression is None:
            return None
        value = self.constants.evaluate(expression, scope)
        return value if isinstance(value, bool) else None

    def text(self, expression: Expression | None, scope: Scope) -> str | None:
        """A string, through names, enum members and f-strings."""
        if expression is None:
            return None
        if isinstance(expression, Operation) and expression.operator in ("f", "+"):
            parts = [self.text(part, scope) for part in expression.operands]
            return None if None in parts else "".join(part for part in parts if part is not None)
        if isinstance(expression, CallOf):
            return self._made_text(expression, scope)
        value = self.constants.evaluate(expression, scope)
        if isinstance(value, EnumMember):
            value = value.value
        return value if isinstance(value, str) else None

    def _made_text(self, call: CallOf, scope: Scope) -> str | None:
        """`quoted_name("x", True)`, and `"x".lower()`."""
        function = call.function
        if isinstance(function, Member) and function.name in ("lower", "upper", "strip"):
            base = self.text(function.base, scope)
            return getattr(base, function.name)() if base is not None else None
        if isinstance(function, Name) and function.dotted.rpartition(".")[2] == "quoted_name" and call.args:
            return self.text(call.args[0], scope)
        return None

    def unpacked(self, argument: Expression, scope: Scope) -> tuple[list[Expression], bool]:
        """An argument, or the items of a starred one, and whether all of them are known."""
        if isinstance(argument, Operation) and argument.operator == "*" and len(argument.operands) == 1:
            return self.items(argument.operands[0], scope)
        return [argument], True

    def items(self, expression: Expression | None, scope: Scope) -> tuple[list[Expression], bool]:
        """The items of a display, unpacked ones included, and whether all of them are known."""
        if isinstance(expression, Name):
            return self._named_items(expression, scope)
        if isinstance(expression, Operation) and expression.operator == "+":
            parts = [self.items(operand, scope) for operand in expression.operands]
            return [item for found, _ in parts for item in found], all(known for _, known in parts)
        if isinstance(expression, CallOf) and len(expression.args) == 1 and not expression.keywords:
            return self.items(expression.args[0], scope) if _collects(expression.function) else ([], False)
        if not isinstance(expression, Items):
            return [], False
        found: list[Expression] = []
        known = True
        for item, starred in zip(expression.items, expression.starred, strict=True):
            inner, all_known = self.items(item, scope) if starred else ([item], True)
            found += inner
            known = known and all_known
        return found, known

    def _named_items(self, name: Name, scope: Scope) -> tuple[list[Expression], bool]:
        qualname = self.resolved(name, scope)
        owner, _, last = qualname.rpartition(".")
        found = self.names.attribute(owner, last) if owner in self.names.classes else None
        value = found[1] if found is not None else self.names.assignment(qualname)
        inner = getattr(value, "value", None) or getattr(value, "result", None)
        if inner is None or inner == name:
            return [], False
        place = Scope(self.names.module_of(qualname), found[0] if found is not None else None)
        return self.items(inner, place)


def _collects(function: Expression) -> bool:
    return isinstance(function, Name) and function.dotted in ("tuple", "list")
