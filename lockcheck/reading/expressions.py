"""Lowers expressions: one small function for each class of node."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import libcst as cst

from lockcheck.facts import (
    Arg,
    Attr,
    Binary,
    Boolean,
    Call,
    Choice,
    Compare,
    Const,
    Function,
    Id,
    Keyword,
    Sequence,
    Slice,
    Subscript,
    Unary,
    Unknown,
    Yielded,
)
from lockcheck.reading import displays, literals
from lockcheck.reading.names import target_names
from lockcheck.reading.table import join_envs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from lockcheck.reading.body import Body

    Lower: TypeAlias = Callable[[Body, Any], Id]

_COMPARE: Mapping[type[cst.BaseCompOp], str] = {
    cst.Equal: "==",
    cst.NotEqual: "!=",
    cst.LessThan: "<",
    cst.LessThanEqual: "<=",
    cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=",
    cst.In: "in",
    cst.NotIn: "not in",
    cst.Is: "is",
    cst.IsNot: "is not",
}
_UNARY: Mapping[type[cst.BaseUnaryOp], str] = {cst.Not: "not", cst.Minus: "-", cst.Plus: "+", cst.BitInvert: "~"}
_BINARY: Mapping[type[cst.CSTNode], str] = {
    cst.Add: "+",
    cst.Subtract: "-",
    cst.Multiply: "*",
    cst.Divide: "/",
    cst.FloorDivide: "//",
    cst.Modulo: "%",
    cst.Power: "**",
    cst.MatrixMultiply: "@",
    cst.BitOr: "|",
    cst.BitAnd: "&",
    cst.BitXor: "^",
    cst.LeftShift: "<<",
    cst.RightShift: ">>",
}
AUGMENTED: Mapping[type[cst.CSTNode], str] = {
    cst.AddAssign: "+",
    cst.SubtractAssign: "-",
    cst.MultiplyAssign: "*",
    cst.DivideAssign: "/",
    cst.FloorDivideAssign: "//",
    cst.ModuloAssign: "%",
    cst.PowerAssign: "**",
    cst.MatrixMultiplyAssign: "@",
    cst.BitOrAssign: "|",
    cst.BitAndAssign: "&",
    cst.BitXorAssign: "^",
    cst.LeftShiftAssign: "<<",
    cst.RightShiftAssign: ">>",
}
_CONSTANTS = {"None": None, "True": True, "False": False}


def _name(body: Body, node: cst.Name) -> Id:
    if node.value in _CONSTANTS:
        return body.table.const(_CONSTANTS[node.value])
    return body.lookup(node.value)


def _attribute(body: Body, node: cst.Attribute) -> Id:
    return body.table.add(Attr(body.value(node.value), node.attr.value))


def _call(body: Body, node: cst.Call) -> Id:
    func = body.value(node.func)
    args: list[Arg] = []
    keywords: list[Keyword] = []
    for item in node.args:
        value = body.value(item.value)
        if item.star == "**":
            keywords.append(Keyword(None, value))
        elif item.keyword is not None:
            keywords.append(Keyword(item.keyword.value, value))
        else:
            args.append(Arg(value, item.star == "*"))
    return body.table.add_call(Call(body.site(node), func, tuple(args), tuple(keywords)))


def _comparison(body: Body, node: cst.Comparison) -> Id:
    operators = tuple(_COMPARE[item.operator.__class__] for item in node.comparisons)
    operands = (body.value(node.left), *(body.value(item.comparator) for item in node.comparisons))
    return body.table.add(Compare(body.site(node), operators, operands))


def _boolean(body: Body, node: cst.BooleanOperation) -> Id:
    operator: Literal["and", "or"] = "and" if isinstance(node.operator, cst.And) else "or"
    rights: list[cst.BaseExpression] = []
    left: cst.BaseExpression = node
    while isinstance(left, cst.BooleanOperation) and left.operator.__class__ is node.operator.__class__:
        rights.append(left.right)
        left = left.left
    operands = [body.value(left)]
    operands += [_perhaps(body, right) for right in reversed(rights)]
    return body.table.add(Boolean(operator, tuple(operands)))


def _perhaps(body: Body, node: cst.BaseExpression) -> Id:
    """An expression that is not always evaluated: what `:=` binds in it is bound perhaps."""
    if not body.context.has_walrus:
        return body.value(node)
    before = dict(body.env)
    value = body.value(node)
    body.env = join_envs(body.table, [before, body.env])
    return value


def _choice(body: Body, node: cst.IfExp) -> Id:
    test = body.value(node.test)
    return body.table.add(Choice(test, _perhaps(body, node.body), _perhaps(body, node.orelse)))


def _binary(body: Body, node: cst.BinaryOperation) -> Id:
    spine: list[cst.BinaryOperation] = []
    left: cst.BaseExpression = node
    while isinstance(left, cst.BinaryOperation):
        spine.append(left)
        left = left.left
    value = body.value(left)
    for operation in reversed(spine):
        right = body.value(operation.right)
        value = body.table.add(Binary(_BINARY[operation.operator.__class__], value, right))
    return value


def _unary(body: Body, node: cst.UnaryOperation) -> Id:
    operator = _UNARY[node.operator.__class__]
    operand = body.value(node.expression)
    value = body.table.values[operand]
    if operator in "+-" and isinstance(value, Const) and value.value.__class__ in {int, float}:
        number: Any = value.value
        return body.table.const(-number if operator == "-" else number)
    return body.table.add(Unary(operator, operand))


def _subscript(body: Body, node: cst.Subscript) -> Id:
    base = body.value(node.value)
    return body.table.add(Subscript(base, index_value(body, node)))


def index_value(body: Body, node: cst.Subscript) -> Id:
    """What stands between the brackets; several parts are a tuple."""
    parts = tuple(_index(body, item.slice) for item in node.slice)
    if len(parts) == 1 and not parts[0].starred and not isinstance(node.slice[0].comma, cst.Comma):
        return parts[0].value
    return body.table.add(Sequence("tuple", parts))


def _index(body: Body, part: cst.BaseSlice) -> Arg:
    if isinstance(part, cst.Index):
        return Arg(body.value(part.value), part.star == "*")
    if not isinstance(part, cst.Slice):
        return Arg(body.table.add(Unknown()), starred=False)
    calls = body.table.calls
    bounds = tuple(body.value(bound) for bound in (part.lower, part.upper, part.step) if bound is not None)
    has_calls = body.table.calls != calls
    return Arg(body.table.add(Unknown(bounds) if has_calls else Slice()), starred=False)


def _walrus(body: Body, node: cst.NamedExpr) -> Id:
    value = body.value(node.value)
    for name in target_names(node.target):
        body.bind(name, value)
    return value


def _lambda(body: Body, node: cst.Lambda) -> Id:
    return body.table.add(Function(body.context.read_lambda(node, body)))


def _yield(body: Body, node: cst.Yield) -> Id:
    body.is_generator = True
    if isinstance(node.value, cst.From):
        return body.table.add_call(Yielded(body.value(node.value.item), each=True))
    return body.table.add_call(Yielded(None if node.value is None else body.value(node.value)))


def _await(body: Body, node: cst.Await) -> Id:
    return body.value(node.expression)


def _starred(body: Body, node: cst.StarredElement) -> Id:
    return body.value(node.value)


def unknown(body: Body, _node: cst.CSTNode) -> Id:
    return body.table.add(Unknown())


LOWER: Mapping[type[cst.CSTNode], Lower] = {
    cst.Name: _name,
    cst.Integer: literals.integer,
    cst.Float: literals.float_,
    cst.SimpleString: literals.string,
    cst.ConcatenatedString: literals.concatenated,
    cst.FormattedString: literals.formatted,
    cst.TemplatedString: literals.templated,
    cst.Attribute: _attribute,
    cst.Call: _call,
    cst.Comparison: _comparison,
    cst.BooleanOperation: _boolean,
    cst.BinaryOperation: _binary,
    cst.UnaryOperation: _unary,
    cst.IfExp: _choice,
    cst.Subscript: _subscript,
    cst.List: displays.list_,
    cst.Tuple: displays.tuple_,
    cst.Set: displays.set_,
    cst.Dict: displays.dict_,
    cst.ListComp: displays.comprehension,
    cst.SetComp: displays.comprehension,
    cst.GeneratorExp: displays.comprehension,
    cst.DictComp: displays.comprehension,
    cst.NamedExpr: _walrus,
    cst.Lambda: _lambda,
    cst.Yield: _yield,
    cst.Await: _await,
    cst.StarredElement: _starred,
}
