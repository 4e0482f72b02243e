"""Calls of helper functions, with the arguments put into what the function returns."""

from __future__ import annotations

from collections.abc import Mapping

from lockcheck.declarations.model import CallOf, Deferred, Expression, Indexed, Items, Literal_, Name, Operation, Pairs


def arguments(parameters: tuple[str, ...], call: CallOf) -> Mapping[str, Expression]:
    """What a function's parameters stand for in a call; those not given are left out."""
    named = [name for name in parameters if not name.startswith("*")]
    given: dict[str, Expression] = dict(zip(named, call.args, strict=False))
    extra: list[tuple[str | None, Expression]] = []
    for name, value in call.keywords:
        if name in named:
            given[name or ""] = value
        else:
            extra.append((name, value))
    for name in parameters:
        if name.startswith("**"):
            given[name[2:]] = Pairs(
                tuple(None if key is None else Literal_(key) for key, _ in extra), tuple(value for _, value in extra)
            )
        elif name.startswith("*"):
            rest = call.args[len(named) :] if len(call.args) > len(named) else ()
            given[name[1:]] = Items("tuple", rest, (False,) * len(rest))
    return given


def substituted(expression: Expression, given: Mapping[str, Expression]) -> Expression:
    """An expression with parameters replaced by what they stand for."""
    if isinstance(expression, Name):
        return given.get(expression.dotted, expression)
    if isinstance(expression, CallOf):
        return _substituted_call(expression, given)
    if isinstance(expression, Items):
        return Items(expression.kind, tuple(substituted(x, given) for x in expression.items), expression.starred)
    if isinstance(expression, Operation):
        return Operation(expression.operator, tuple(substituted(x, given) for x in expression.operands))
    if isinstance(expression, Indexed):
        return Indexed(substituted(expression.base, given), substituted(expression.index, given))
    if isinstance(expression, Deferred):
        return Deferred(substituted(expression.body, given))
    return expression


def _substituted_call(call: CallOf, given: Mapping[str, Expression]) -> CallOf:
    args: list[Expression] = []
    for argument in call.args:
        inner = substituted(argument, given)
        spread = isinstance(argument, Operation) and argument.operator == "*" and isinstance(inner, Operation)
        if spread and isinstance(inner, Operation) and isinstance(inner.operands[0], Items):
            args += inner.operands[0].items
        else:
            args.append(inner)
    keywords: list[tuple[str | None, Expression]] = []
    for name, value in call.keywords:
        inner = substituted(value, given)
        if name is None and isinstance(inner, Pairs):
            keywords += [
                (str(key.value) if isinstance(key, Literal_) else None, item)
                for key, item in zip(inner.keys, inner.values, strict=True)
            ]
        else:
            keywords.append((name, inner))
    return CallOf(substituted(call.function, given), tuple(args), tuple(keywords))
