"""Values of enums, constants and constant collections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

from lockcheck.declarations.model import (
    Assignment,
    CallOf,
    Collection,
    Compared,
    Constant,
    EnumMember,
    Expression,
    Generated,
    Indexed,
    Items,
    Literal_,
    Member,
    Name,
    Operation,
    Pairs,
    Scalar,
)
from lockcheck.declarations.resolve import Names


@dataclass(frozen=True, slots=True)
class Missing:
    """No constant, or one that is not known; the constant None is None."""


MISSING = Missing()
UNKNOWN = Collection(None, None)
EMPTY = Collection(frozenset(), has_none=False)

_COLLECTORS = frozenset({"frozenset", "set", "tuple", "list", "sorted", "fromkeys", "dict", "reversed"})
_UNCHANGED = frozenset({"copy", "keys"})
_ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum"})
_CASTS = frozenset({"cast", "MappingProxyType", "Final"})


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression stands: a module, a class body in it, names bound by comprehensions around it."""

    module: str
    owner: str | None = None
    bound: Mapping[str, Scalar] | None = None


class Constants:
    """Evaluates constant expressions of the whole project."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._values: dict[str, Constant | Missing] = {}
        self._enums: dict[str, tuple[EnumMember, ...] | None] = {}
        self._open: set[str] = set()

    # --- what others ask --------------------------------------------------------------------------------------

    def constant(self, qualname: str) -> Constant | Missing:
        """The value of a module variable, enum member or class attribute, by its qualified name."""
        if qualname in self._values:
            return self._values[qualname]
        if qualname in self._open:
            return MISSING
        self._open.add(qualname)
        try:
            found = self._constant(qualname)
        finally:
            self._open.discard(qualname)
        self._values[qualname] = found
        return found

    def enum(self, qualname: str) -> tuple[EnumMember, ...] | None:
        """The members of an enum class; None for any other name."""
        if qualname not in self._enums:
            self._enums[qualname] = None  # while its members are evaluated
            self._enums[qualname] = self._enum(qualname)
        return self._enums[qualname]

    def evaluate(self, expression: Expression, scope: Scope) -> Constant | Missing:
        """The value of an expression."""
        if isinstance(expression, Literal_):
            return expression.value
        evaluator = _EVALUATORS.get(expression.__class__)
        return MISSING if evaluator is None else evaluator(self, expression, scope)

    # --- names ------------------------------------------------------------------------------------------------

    def _constant(self, qualname: str) -> Constant | Missing:
        owner, _, name = qualname.rpartition(".")
        if owner in self._names.classes:
            return self._class_constant(owner, name)
        assignment = self._names.assignment(qualname)
        if assignment is not None:
            return self._assigned(assignment, Scope(owner))
        return self._of_member(owner, name)

    def _assigned(self, assignment: Assignment, scope: Scope) -> Constant | Missing:
        return MISSING if assignment.value is None else self.evaluate(assignment.value, scope)

    def _class_constant(self, owner: str, name: str) -> Constant | Missing:
        members = self.enum(owner)
        if members is not None:
            found = next((member for member in members if member.name == name), None)
            if found is not None:
                return found
        attribute = self._names.attribute(owner, name)
        if attribute is None or not isinstance(attribute[1], Assignment):
            return MISSING
        base = attribute[0]
        if base != owner:
            return self.constant(f"{base}.{name}")
        return self._assigned(attribute[1], Scope(self._names.classes[base][1], base))

    def _of_member(self, owner: str, name: str) -> Constant | Missing:
        """`Enum.MEMBER.value`."""
        if name not in ("value", "name") or owner.rpartition(".")[0] not in self._names.classes:
            return MISSING
        member = self.constant(owner)
        if not isinstance(member, EnumMember):
            return MISSING
        return member.value if name == "value" else member.name

    def _name(self, expression: Name, scope: Scope) -> Constant | Missing:
        first, _, rest = expression.dotted.partition(".")
        if scope.bound is not None and first in scope.bound:
            value = scope.bound[first]
            if rest in ("value", "name") and isinstance(value, EnumMember):
                return value.value if rest == "value" else value.name
            return MISSING if rest else value
        return self.constant(self.resolved(expression, scope))

    def resolved(self, name: Name, scope: Scope) -> str:
        """The qualified name that a name stands for."""
        if scope.owner is not None:
            return self._names.in_class(scope.owner, name.dotted)
        return self._names.resolve(scope.module, name.dotted)

    # --- enums ------------------------------------------------------------------------------------------------

    def _enum(self, qualname: str) -> tuple[EnumMember, ...] | None:
        mro = self._names.mro(qualname)
        kinds = {base.rpartition(".")[2] for base in mro if base.startswith("enum.")}
        if not kinds & _ENUMS:
            return None
        scope = Scope(self._names.classes[qualname][1], qualname)
        members: list[EnumMember] = []
        for attribute in self._names.classes[qualname][0].attributes:
            if _may_be_member(attribute) and attribute.value is not None:
                value = self._member_value(attribute.name, attribute.value, scope, lower="StrEnum" in kinds)
                members.append(EnumMember(qualname, attribute.name, value))
                self._enums[qualname] = tuple(members)
        return tuple(members)

    def _member_value(
        self, name: str, value: Expression, scope: Scope, *, lower: bool
    ) -> str | int | float | bool | None:
        if isinstance(value, Items) and value.items:
            value = value.items[0]
        if isinstance(value, CallOf):
            return name.lower() if lower else name
        found = self.evaluate(value, scope)
        if isinstance(found, EnumMember):
            return found.value
        return name if isinstance(found, (Missing, Collection)) else found

    # --- collections ------------------------------------------------------------------------------------------

    def collection(self, expression: Expression, scope: Scope) -> Collection:
        """The members of an iterable."""
        found = self.evaluate(expression, scope)
        if isinstance(found, Collection):
            return found
        if isinstance(found, Missing) and isinstance(expression, Name):
            members = self.enum(self.resolved(expression, scope))
            if members is not None:
                return Collection(frozenset(members), has_none=False)
        return UNKNOWN

    def _items(self, expression: Items, scope: Scope) -> Constant | Missing:
        parts = [
            self.collection(item, scope) if starred else _single(self.evaluate(item, scope))
            for item, starred in zip(expression.items, expression.starred, strict=True)
        ]
        return reduce(_union, parts, EMPTY)

    def _pairs(self, expression: Pairs, scope: Scope) -> Constant | Missing:
        parts = [
            self.collection(value, scope) if key is None else _single(self.evaluate(key, scope))
            for key, value in zip(expression.keys, expression.values, strict=True)
        ]
        return reduce(_union, parts, EMPTY)

    def _operation(self, expression: Operation, scope: Scope) -> Constant | Missing:
        combine = _SETS.get(expression.operator)
        if combine is None or len(expression.operands) == 1:
            return MISSING
        left, right = (self.evaluate(operand, scope) for operand in expression.operands)
        if isinstance(left, str) and isinstance(right, str) and expression.operator == "+":
            return left + right
        if not isinstance(left, Collection) and not isinstance(right, Collection):
            return MISSING
        return combine(_collected(left), _collected(right))

    def _call(self, expression: CallOf, scope: Scope) -> Constant | Missing:
        function = expression.function
        if isinstance(function, Member):
            return self._method(self.collection(function.base, scope), function.name, expression.args, scope)
        if not isinstance(function, Name):
            return MISSING
        base, _, last = function.dotted.rpartition(".")
        if last in _CASTS and expression.args:
            return self.evaluate(expression.args[-1], scope)
        if last in _COLLECTORS and (not base or base in ("dict", "builtins")):
            return self.collection(expression.args[0], scope) if expression.args else EMPTY
        if last == "get_args" and expression.args:
            return self._literal_args(expression.args[0], scope)
        if base and (last in _METHODS or last in _UNCHANGED):
            receiver = self.collection(Name(base), scope)
            return MISSING if receiver is UNKNOWN else self._method(receiver, last, expression.args, scope)
        return self._looked_up(function, expression.args, scope)

    def _method(self, receiver: Collection, name: str, args: Iterable[Expression], scope: Scope) -> Constant | Missing:
        if name in _UNCHANGED:
            return receiver
        combine = _METHODS.get(name)
        if combine is None:
            return MISSING
        return reduce(combine, (self.collection(argument, scope) for argument in args), receiver)

    def _looked_up(self, function: Name, args: tuple[Expression, ...], scope: Scope) -> Constant | Missing:
        """`Enum("value")`, and `str(Enum.MEMBER)`."""
        if len(args) != 1:
            return MISSING
        value = self.evaluate(args[0], scope)
        if function.dotted == "str":
            return value.value if isinstance(value, EnumMember) else value if isinstance(value, str) else MISSING
        members = self.enum(self.resolved(function, scope)) or ()
        return next((member for member in members if member.value == value and value is not None), MISSING)

    def _literal_args(self, expression: Expression, scope: Scope) -> Constant | Missing:
        if isinstance(expression, Name):
            assignment = self._names.assignment(self.resolved(expression, scope))
            expression = assignment.value if assignment is not None and assignment.value is not None else expression
        if not isinstance(expression, Indexed) or not isinstance(expression.base, Name):
            return MISSING
        if expression.base.dotted.rpartition(".")[2] != "Literal":
            return MISSING
        index = expression.index
        return self.evaluate(index if isinstance(index, Items) else Items("tuple", (index,), (False,)), scope)

    def _indexed(self, expression: Indexed, scope: Scope) -> Constant | Missing:
        """`Enum["MEMBER"]`."""
        if not isinstance(expression.base, Name):
            return MISSING
        name = self.evaluate(expression.index, scope)
        members = self.enum(self.resolved(expression.base, scope)) or ()
        return next((member for member in members if member.name == name), MISSING)

    # --- comprehensions -----------------------------------------------------------------------------------------

    def _generated(self, expression: Generated, scope: Scope) -> Constant | Missing:
        source = self.collection(expression.iterable, scope)
        target = expression.target
        if target is None:
            return UNKNOWN
        if source.items is None:
            return Collection(None, _none_after_filter(expression, source))
        found: Collection = EMPTY
        for item in source.items:
            inner = Scope(scope.module, scope.owner, {**(scope.bound or {}), target: item})
            kept = [self._holds(condition, inner) for condition in expression.conditions]
            if False in kept:
                continue
            element = _single(self.evaluate(expression.element, inner))
            found = _union(found, element if None not in kept else _perhaps(element))
        return found

    def _holds(self, condition: Expression, scope: Scope) -> bool | None:
        """Whether a condition is true; None where that is unknown."""
        if isinstance(condition, Compared):
            return self._compared(condition, scope)
        if isinstance(condition, Operation):
            answers = [self._holds(operand, scope) for operand in condition.operands]
            return _BOOLEAN[condition.operator](answers) if condition.operator in _BOOLEAN else None
        value = self.evaluate(condition, scope)
        if isinstance(value, EnumMember):
            return True
        return None if isinstance(value, (Missing, Collection)) else bool(value)

    def _compared(self, condition: Compared, scope: Scope) -> bool | None:
        left, right = self.evaluate(condition.left, scope), self.evaluate(condition.right, scope)
        if condition.operator in ("in", "not in"):
            members = right if isinstance(right, Collection) else self.collection(condition.right, scope)
            if isinstance(left, (Missing, Collection)) or members.items is None:
                return None
            return (left in members.items) == (condition.operator == "in")
        if isinstance(left, (Missing, Collection)) or isinstance(right, (Missing, Collection)):
            return None
        if condition.operator in ("is", "==", "is not", "!="):
            return _same(left, right) == (condition.operator in ("is", "=="))
        return None


def _may_be_member(attribute: Assignment) -> bool:
    name = attribute.name
    return not name.startswith("_") and "." not in name and not _is_lambda(attribute.value)


def _is_lambda(value: Expression | None) -> bool:
    if not isinstance(value, CallOf) or not isinstance(value.function, Name):
        return False
    return value.function.dotted.rpartition(".")[2] in ("nonmember", "property")


def _same(left: Scalar, right: Scalar) -> bool:
    if isinstance(left, EnumMember) and isinstance(right, EnumMember):
        return left == right
    plain = (value.value if isinstance(value, EnumMember) else value for value in (left, right))
    first, second = plain
    return first == second


# --- collections as sets --------------------------------------------------------------------------------------


def _single(value: Constant | Missing) -> Collection:
    if isinstance(value, (Missing, Collection)):
        return UNKNOWN if isinstance(value, Missing) else Collection(None, has_none=False)
    return Collection(frozenset({value}), has_none=value is None)


def _collected(value: Constant | Missing) -> Collection:
    return value if isinstance(value, Collection) else UNKNOWN


def _perhaps(element: Collection) -> Collection:
    return Collection(None, None if element.has_none is not False else False)


def _either(left: bool | None, right: bool | None) -> bool | None:
    if left or right:
        return True
    return None if left is None or right is None else False


def _union(left: Collection, right: Collection) -> Collection:
    known = left.items is not None and right.items is not None
    items = left.items | right.items if left.items is not None and right.items is not None and known else None
    return Collection(items, _either(left.has_none, right.has_none))


def _difference(left: Collection, right: Collection) -> Collection:
    has_none = left.has_none
    if right.has_none:
        has_none = False
    elif right.has_none is None and has_none:
        has_none = None
    if left.items is None or right.items is None:
        return Collection(None, has_none)
    return Collection(left.items - right.items, has_none)


def _intersection(left: Collection, right: Collection) -> Collection:
    if left.items is not None and right.items is not None:
        items = left.items & right.items
        return Collection(items, None in items)
    answers = (left.has_none, right.has_none)
    return Collection(None, False if False in answers else True if answers == (True, True) else None)


def _none_after_filter(expression: Generated, source: Collection) -> bool | None:
    """Whether a filtered collection whose members are unknown holds None."""
    target = Name(expression.target or "")
    if expression.element != target:
        return None
    for condition in expression.conditions:
        if condition == target or condition == Compared("is not", target, Literal_(None)):
            return False
    return source.has_none if not expression.conditions else (False if source.has_none is False else None)


def _all(answers: list[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def _any(answers: list[bool | None]) -> bool | None:
    return True if True in answers else None if None in answers else False


def _not(answers: list[bool | None]) -> bool | None:
    return None if answers[0] is None else not answers[0]


_BOOLEAN: Mapping[str, Callable[[list[bool | None]], bool | None]] = {"and": _all, "or": _any, "not": _not}
_Combine = Callable[[Collection, Collection], Collection]
_SETS: Mapping[str, _Combine] = {"|": _union, "+": _union, "-": _difference, "&": _intersection}
_METHODS: Mapping[str, _Combine] = {"union": _union, "difference": _difference, "intersection": _intersection}

_EVALUATORS: Mapping[type, Callable[..., Constant | Missing]] = {
    Name: Constants._name,
    Items: Constants._items,
    Pairs: Constants._pairs,
    Operation: Constants._operation,
    CallOf: Constants._call,
    Indexed: Constants._indexed,
    Generated: Constants._generated,
}
