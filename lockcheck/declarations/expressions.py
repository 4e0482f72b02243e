"""From `ast` nodes to the expressions of declarations."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Literal

from lockcheck.declarations.model import (
    CallOf,
    Compared,
    Deferred,
    Expression,
    Generated,
    Indexed,
    Items,
    Literal_,
    Member,
    Name,
    Operation,
    Other,
    Pairs,
)

MAX_ITEMS = 1000
"""A display with more items is data, not a declaration."""

OTHER = Other()

_BINARY = {ast.BitOr: "|", ast.BitAnd: "&", ast.BitXor: "^", ast.Sub: "-", ast.Add: "+", ast.Mult: "*", ast.Mod: "%"}
_UNARY = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~", ast.Not: "not"}
_COMPARED = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}


def expression(node: ast.expr) -> Expression:
    """The expression that a node stands for; one that is nested too deeply is none that a declaration needs."""
    try:
        return _expression(node)
    except RecursionError:
        return OTHER


def _expression(node: ast.expr) -> Expression:
    convert = _CONVERT.get(node.__class__)
    return OTHER if convert is None else convert(node)


def expression_of_text(text: str) -> Expression:
    """An expression given as a string, as in quoted annotations."""
    try:
        return expression(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return OTHER


def inside(expression: Expression) -> Iterator[Expression]:
    """An expression and all expressions in it."""
    stack: list[object] = [expression]
    while stack:
        part = stack.pop()
        if isinstance(part, tuple):
            stack += part
        elif is_dataclass(part):
            yield part  # type: ignore[misc]  # the only dataclasses in an expression are expressions
            stack += [getattr(part, item.name) for item in fields(part)]


def dotted(node: ast.expr) -> str | None:
    """`a.b.c` as written; None for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    names.append(node.id)
    return ".".join(reversed(names))


def _name(node: ast.Name) -> Expression:
    return Name(node.id)


def _attribute(node: ast.Attribute) -> Expression:
    name = dotted(node)
    return Name(name) if name is not None else Member(_expression(node.value), node.attr)


def _constant(node: ast.Constant) -> Expression:
    value = node.value
    if value is None or isinstance(value, (str, int, float, bool)):
        return Literal_(value)
    return OTHER


def _call(node: ast.Call) -> Expression:
    if len(node.args) > MAX_ITEMS:
        return OTHER
    keywords = tuple((keyword.arg, _expression(keyword.value)) for keyword in node.keywords)
    return CallOf(_expression(node.func), tuple(map(_expression, node.args)), keywords)


def _starred(node: ast.Starred) -> Expression:
    return Operation("*", (_expression(node.value),))


def _items(node: ast.List | ast.Tuple | ast.Set) -> Expression:
    elements = node.elts
    if len(elements) > MAX_ITEMS:
        return OTHER
    inner = tuple(_expression(item.value if isinstance(item, ast.Starred) else item) for item in elements)
    return Items(_DISPLAYS[node.__class__], inner, tuple(isinstance(item, ast.Starred) for item in elements))


def _pairs(node: ast.Dict) -> Expression:
    if len(node.keys) > MAX_ITEMS:
        return OTHER
    keys = tuple(None if key is None else _expression(key) for key in node.keys)
    return Pairs(keys, tuple(map(_expression, node.values)))


def _binary(node: ast.BinOp) -> Expression:
    operator = _BINARY.get(node.op.__class__)
    return OTHER if operator is None else Operation(operator, (_expression(node.left), _expression(node.right)))


def _boolean(node: ast.BoolOp) -> Expression:
    return Operation("and" if isinstance(node.op, ast.And) else "or", tuple(map(_expression, node.values)))


def _unary(node: ast.UnaryOp) -> Expression:
    operand = _expression(node.operand)
    if isinstance(node.op, ast.USub) and isinstance(operand, Literal_) and isinstance(operand.value, (int, float)):
        return Literal_(-operand.value)
    return Operation(_UNARY[node.op.__class__], (operand,))


def _subscript(node: ast.Subscript) -> Expression:
    return Indexed(_expression(node.value), _expression(node.slice))


def _compare(node: ast.Compare) -> Expression:
    if len(node.ops) != 1:
        return OTHER
    operator = _COMPARED[node.ops[0].__class__]
    return Compared(operator, _expression(node.left), _expression(node.comparators[0]))


def _comprehension(node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Expression:
    if len(node.generators) != 1:
        return OTHER
    part = node.generators[0]
    return Generated(
        _COMPREHENSIONS[node.__class__],
        _expression(node.key if isinstance(node, ast.DictComp) else node.elt),
        part.target.id if isinstance(part.target, ast.Name) else None,
        _expression(part.iter),
        tuple(map(_expression, part.ifs)),
    )


def _lambda(node: ast.Lambda) -> Expression:
    return Deferred(_expression(node.body))


def _text(node: ast.JoinedStr) -> Expression:
    plain = (part.value if isinstance(part, ast.FormattedValue) else part for part in node.values)
    return Operation("f", tuple(map(_expression, plain)))


_DISPLAYS: dict[type, Literal["list", "tuple", "set"]] = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}
_COMPREHENSIONS: dict[type, Literal["list", "set", "generator", "dict"]] = {
    ast.ListComp: "list",
    ast.SetComp: "set",
    ast.GeneratorExp: "generator",
    ast.DictComp: "dict",
}

_CONVERT: dict[type, Callable[..., Expression]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Constant: _constant,
    ast.Call: _call,
    ast.Starred: _starred,
    ast.List: _items,
    ast.Tuple: _items,
    ast.Set: _items,
    ast.Dict: _pairs,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.Subscript: _subscript,
    ast.Compare: _compare,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _comprehension,
    ast.Lambda: _lambda,
    ast.JoinedStr: _text,
}
