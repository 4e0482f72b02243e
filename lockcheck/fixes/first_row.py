"""Testing the first row of a result, where the result itself was tested."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.chains import method
from lockcheck.fixes.results import uses
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.plans import ReadFirstRow


def read_first_row(part: Slice, plan: ReadFirstRow) -> list[Change]:
    call = part.call(plan.execution)
    if method(call) not in {"execute", "scalars"}:
        raise Refused("what returns the result is no execute() or scalars()")
    parent = part.parent(call)
    value: cst.BaseExpression = parent if isinstance(parent, cst.Await) else call
    tested = value if _test_of(part, value) is not None else _variable(part, value)
    test = _test_of(part, tested)
    if test is None:
        raise Refused("the result is used for more than one test")
    opening, closing = ("(", ")") if isinstance(tested, cst.Await) and not tested.lpar else ("", "")
    held, ends = part.span(tested)
    compared = isinstance(test, cst.Comparison)
    word = "" if compared else " is None" if test is not tested else " is not None"
    start = held if compared else part.span(test)[0]
    return [Change(start, held, opening), Change(ends, ends, f"{closing}.first(){word}")]


def _variable(part: Slice, value: cst.BaseExpression) -> cst.Name:
    """The only use of the variable that the result is assigned to."""
    line = part.statement(value).body[0]
    if not isinstance(line, cst.Assign) or line.value is not value or len(line.targets) != 1:
        raise Refused("the result is used for more than one test")
    target = line.targets[0].target
    if not isinstance(target, cst.Name):
        raise Refused("the result is not held by a local variable")
    others = [use for use in uses(part, value, target.value) if use is not target]
    if len(others) != 1:
        raise Refused(f"`{target.value}` is used for more than one test")
    return others[0]


def _test_of(part: Slice, value: cst.BaseExpression) -> cst.BaseExpression | None:
    """The expression that tests a value: itself, `not value` or `value is None`."""
    parent = part.parent(value)
    if _negates(parent) or _compares(parent, value):
        return parent if isinstance(parent, cst.BaseExpression) and _decides(part, parent) else None
    return value if _decides(part, value) else None


def _negates(node: cst.CSTNode | None) -> bool:
    return isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Not) and not node.lpar


def _compares(node: cst.CSTNode | None, value: cst.BaseExpression) -> bool:
    """Whether a node is `value is None` or `value is not None`."""
    if not isinstance(node, cst.Comparison) or node.left is not value or len(node.comparisons) != 1:
        return False
    target = node.comparisons[0]
    none = isinstance(target.comparator, cst.Name) and target.comparator.value == "None"
    return none and isinstance(target.operator, (cst.Is, cst.IsNot))


def _decides(part: Slice, value: cst.BaseExpression) -> bool:
    """Whether a value is the test of an `if`, alone or beside others."""
    parent = part.parent(value)
    while isinstance(parent, cst.BooleanOperation):
        value, parent = parent, part.parent(parent)
    return isinstance(parent, (cst.If, cst.IfExp, cst.Assert)) and parent.test is value
