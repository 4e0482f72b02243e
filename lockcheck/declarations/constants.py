"""Values of constants and constant collections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce

from lockcheck.declarations.conditions import Conditions, none_after_filter
from lockcheck.declarations.enums import Enums
from lockcheck.declarations.model import (
    Assignment,
    CallOf,
    Collection,
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
from lockcheck.declarations.sets import (
    EMPTY,
    METHODS,
    MISSING,
    OPERATORS,
    UNKNOWN,
    Missing,
    collected,
    perhaps,
    single,
    union,
)

__all__ = ["Constants", "Missing", "Scope"]

_COLLECTORS = frozenset({"frozenset", "set", "tuple", "list", "sorted", "fromkeys", "dict", "reversed"})
_UNCHANGED = frozenset({"copy", "keys"})
_CASTS = frozenset({"cast", "MappingProxyType", "Final"})
_OF_MEMBER = ("value", "name")


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
        self._open: set[str] = set()
        self._enums = Enums(names, self._in_class)
        self._evaluators: Mapping[type, Callable[..., Constant | Missing]] = {
            Name: self._name,
            Items: self._items,
            Pairs: self._pairs,
            Operation: self._operation,
            CallOf: self._call,
            Indexed: self._indexed,
            Generated: self._generated,
        }

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
        except RecursionError:  # an expression that is nested too deeply
            found = MISSING
        finally:
            self._open.discard(qualname)
        self._values[qualname] = found
        return found

    def enum(self, qualname: str) -> tuple[EnumMember, ...] | None:
        """The members of an enum class; None for any other name."""
        return self._enums.distinct(qualname)

    def evaluate(self, expression: Expression, scope: Scope) -> Constant | Missing:
        """The value of an expression."""
        if isinstance(expression, Literal_):
            return expression.value
        evaluator = self._evaluators.get(expression.__class__)
        return MISSING if evaluator is None else evaluator(expression, scope)

    def resolved(self, name: Name, scope: Scope) -> str:
        """The qualified name that a name stands for."""
        if scope.owner is not None:
            return self._names.in_class(scope.owner, name.dotted)
        return self._names.resolve(scope.module, name.dotted)

    # --- names ------------------------------------------------------------------------------------------------

    def _constant(self, qualname: str) -> Constant | Missing:
        owner, _, name = qualname.rpartition(".")
        if owner in self._names.classes:
            return self._class_constant(owner, name)
        assignment = self._names.assignment(qualname)
        if assignment is not None:
            return self._assigned(assignment, Scope(owner))
        if name not in _OF_MEMBER or owner.rpartition(".")[0] not in self._names.classes:
            return MISSING
        return _of_member(self.constant(owner), name)

    def _assigned(self, assignment: Assignment, scope: Scope) -> Constant | Missing:
        return MISSING if assignment.value is None else self.evaluate(assignment.value, scope)

    def _class_constant(self, owner: str, name: str) -> Constant | Missing:
        members = self._enums.members(owner)
        if members is not None and name in members:
            return members[name]
        attribute = self._names.attribute(owner, name)
        if attribute is None or not isinstance(attribute[1], Assignment):
            return MISSING
        base = attribute[0]
        if base != owner:
            return self.constant(f"{base}.{name}")
        return self._assigned(attribute[1], Scope(self._names.classes[base][1], base))

    def _in_class(self, expression: Expression, qualname: str) -> Constant | Missing:
        return self.evaluate(expression, Scope(self._names.classes[qualname][1], qualname))

    def _name(self, expression: Name, scope: Scope) -> Constant | Missing:
        first, _, rest = expression.dotted.partition(".")
        if scope.bound is None or first not in scope.bound:
            return self.constant(self.resolved(expression, scope))
        value = scope.bound[first]
        return _of_member(value, rest) if rest else value

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
            self.collection(item, scope) if starred else single(self.evaluate(item, scope))
            for item, starred in zip(expression.items, expression.starred, strict=True)
        ]
        return reduce(union, parts, EMPTY)

    def _pairs(self, expression: Pairs, scope: Scope) -> Constant | Missing:
        parts = [
            self.collection(value, scope) if key is None else single(self.evaluate(key, scope))
            for key, value in zip(expression.keys, expression.values, strict=True)
        ]
        return reduce(union, parts, EMPTY)

    def _operation(self, expression: Operation, scope: Scope) -> Constant | Missing:
        combine = OPERATORS.get(expression.operator)
        if combine is None or len(expression.operands) == 1:
            return MISSING
        left, right = (self.evaluate(operand, scope) for operand in expression.operands)
        if isinstance(left, str) and isinstance(right, str) and expression.operator == "+":
            return left + right
        if not isinstance(left, Collection) and not isinstance(right, Collection):
            return MISSING
        return combine(collected(left), collected(right))

    # --- calls ------------------------------------------------------------------------------------------------

    def _call(self, expression: CallOf, scope: Scope) -> Constant | Missing:
        function, args = expression.function, expression.args
        if isinstance(function, Member):
            return self._method(self.collection(function.base, scope), function.name, args, scope)
        if not isinstance(function, Name):
            return MISSING
        base, _, last = function.dotted.rpartition(".")
        if last in _COLLECTORS and (not base or base in ("dict", "builtins")):
            return self.collection(args[0], scope) if args else EMPTY
        if last in _CASTS and args:
            return self.evaluate(args[-1], scope)
        if last == "get_args" and args:
            return self._literal_args(args[0], scope)
        if base and (last in METHODS or last in _UNCHANGED):
            receiver = self.collection(Name(base), scope)
            return MISSING if receiver is UNKNOWN else self._method(receiver, last, args, scope)
        return self._looked_up(function, args[0], scope) if len(args) == 1 else MISSING

    def _method(self, receiver: Collection, name: str, args: Iterable[Expression], scope: Scope) -> Constant | Missing:
        if name in _UNCHANGED:
            return receiver
        combine = METHODS.get(name)
        if combine is None:
            return MISSING
        return reduce(combine, (self.collection(argument, scope) for argument in args), receiver)

    def _looked_up(self, function: Name, argument: Expression, scope: Scope) -> Constant | Missing:
        """`Enum("value")`, and `str(Enum.MEMBER)`."""
        value = self.evaluate(argument, scope)
        if function.dotted == "str":
            return value.value if isinstance(value, EnumMember) else value if isinstance(value, str) else MISSING
        members = self.enum(self.resolved(function, scope)) or ()
        return next((member for member in members if member.value == value and value is not None), MISSING)

    def _indexed(self, expression: Indexed, scope: Scope) -> Constant | Missing:
        """`Enum["MEMBER"]`."""
        name = self.evaluate(expression.index, scope)
        if not isinstance(expression.base, Name) or not isinstance(name, str):
            return MISSING
        members = self._enums.members(self.resolved(expression.base, scope)) or {}
        return members.get(name, MISSING)

    def _literal_args(self, expression: Expression, scope: Scope) -> Constant | Missing:
        """`get_args(Literal["a", "b"])`."""
        if isinstance(expression, Name):
            assignment = self._names.assignment(self.resolved(expression, scope))
            expression = assignment.value if assignment is not None and assignment.value is not None else expression
        if not isinstance(expression, Indexed) or not isinstance(expression.base, Name):
            return MISSING
        if expression.base.dotted.rpartition(".")[2] != "Literal":
            return MISSING
        index = expression.index
        return self.evaluate(index if isinstance(index, Items) else Items("tuple", (index,), (False,)), scope)

    # --- comprehensions -----------------------------------------------------------------------------------------

    def _generated(self, expression: Generated, scope: Scope) -> Constant | Missing:
        source = self.collection(expression.iterable, scope)
        target = expression.target
        if target is None:
            return UNKNOWN
        if source.items is None:
            return Collection(None, none_after_filter(expression, source))
        inner = (replace(scope, bound={**(scope.bound or {}), target: item}) for item in source.items)
        return reduce(union, (self._kept(expression, place) for place in inner), EMPTY)

    def _kept(self, expression: Generated, scope: Scope) -> Collection:
        """What a comprehension makes of one element."""
        conditions = Conditions(partial(self.evaluate, scope=scope), partial(self.collection, scope=scope))
        answers = [conditions.holds(condition) for condition in expression.conditions]
        if False in answers:
            return EMPTY
        element = single(self.evaluate(expression.element, scope))
        return perhaps(element) if None in answers else element


def _of_member(value: Constant | Missing, name: str) -> Constant | Missing:
    """`.value` or `.name` of an enum member."""
    if not isinstance(value, EnumMember) or name not in _OF_MEMBER:
        return MISSING
    return value.value if name == "value" else value.name
