# ruff: noqa: N802  libcst calls visitor methods by the names of its node classes
"""The visitor of statements.

Every `visit_` method lowers its statement by hand and returns False, so that libcst never descends: descending
everywhere costs as much as parsing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from lockcheck.facts import (
    Assert,
    Attr,
    Binary,
    Break,
    Const,
    Continue,
    Evaluate,
    Function,
    Raise,
    Return,
    SetAttribute,
    Subscript,
    Unknown,
)
from lockcheck.reading import branches, loops, tries
from lockcheck.reading.body import Body
from lockcheck.reading.expressions import AUGMENTED
from lockcheck.reading.names import default_values, imported_names
from lockcheck.reading.targets import assign, grow, set_item

if TYPE_CHECKING:
    from collections.abc import Callable

    from lockcheck.facts import Id
    from lockcheck.reading.loops import Loop
    from lockcheck.reading.table import Env


class Statements(Body):
    """Lowers statements to steps."""

    # --- simple statements

    def visit_Expr(self, node: cst.Expr) -> bool:
        if isinstance(node.value, (cst.SimpleString, cst.ConcatenatedString, cst.Ellipsis)):
            return False
        value = self.value(node.value)
        if not isinstance(self.table.values[value], Const):
            self.steps.append(Evaluate(value, dropped=isinstance(node.value, cst.Call)))
            grow(self, node.value, value)
        return False

    def visit_Assign(self, node: cst.Assign) -> bool:
        value = self.evaluated(node.value)
        for item in node.targets:
            assign(self, item.target, value)
        return False

    def visit_AnnAssign(self, node: cst.AnnAssign) -> bool:
        if node.value is not None:
            assign(self, node.target, self.evaluated(node.value))
        return False

    def visit_AugAssign(self, node: cst.AugAssign) -> bool:
        operator = AUGMENTED[node.operator.__class__]
        target = node.target
        if isinstance(target, cst.Attribute):
            base = self.value(target.value)
            old = self.table.add(Attr(base, target.attr.value))
            value = self._operated(operator, old, node.value)
            self.steps.append(SetAttribute(self.site(target), base, target.attr.value, value))
        elif isinstance(target, cst.Subscript):
            old = self.table.add(Subscript(self.value(target.value), self.index(target)))
            set_item(self, target, self._operated(operator, old, node.value))
        else:
            assign(self, target, self._operated(operator, self.value(target), node.value))
        return False

    def _operated(self, operator: str, left: Id, node: cst.BaseExpression) -> Id:
        return self.with_calls(lambda: self.table.add(Binary(operator, left, self.value(node))))

    def visit_Del(self, node: cst.Del) -> bool:
        self._delete(node.target)
        return False

    def _delete(self, target: cst.CSTNode) -> None:
        if isinstance(target, cst.Name):
            self.env.pop(target.value, None)
        elif isinstance(target, (cst.Tuple, cst.List)):
            for element in target.elements:
                self._delete(element.value)
        else:
            self.evaluated(target)

    def visit_Return(self, node: cst.Return) -> bool:
        self.steps.append(Return(None if node.value is None else self.value(node.value)))
        self.left = True
        return False

    def visit_Raise(self, node: cst.Raise) -> bool:
        value = None if node.exc is None else self.value(node.exc)
        if node.cause is not None and value is not None:
            self.evaluated(node.cause.item)
        self.steps.append(Raise(value))
        self.left = True
        return False

    def visit_Assert(self, node: cst.Assert) -> bool:
        self.steps.append(Assert(self.value(node.test)))
        return False

    def visit_Break(self, _node: cst.Break) -> bool:
        self.steps.append(Break())
        self._leave_round(lambda loop: loop.breaks)
        return False

    def visit_Continue(self, _node: cst.Continue) -> bool:
        self.steps.append(Continue())
        self._leave_round(lambda loop: loop.continues)
        return False

    def _leave_round(self, ends: Callable[[Loop], list[Env]]) -> None:
        if self.loops and not self.left:
            ends(self.loops[-1]).append(dict(self.env))
        self.left = True

    def visit_Global(self, node: cst.Global) -> bool:
        return self._declare_outer(node)

    def visit_Nonlocal(self, node: cst.Nonlocal) -> bool:
        return self._declare_outer(node)

    def _declare_outer(self, node: cst.Global | cst.Nonlocal) -> bool:
        for item in node.names:
            self.outer_names.add(item.name.value)
            self.env.pop(item.name.value, None)
        return False

    def visit_Import(self, node: cst.Import) -> bool:
        return self._import(node)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        return self._import(node)

    def _import(self, node: cst.Import | cst.ImportFrom) -> bool:
        for name in imported_names(node):
            self.bind(name, self.table.name(name))
        return False

    def visit_Pass(self, _node: cst.Pass) -> bool:
        return False

    def visit_TypeAlias(self, node: cst.TypeAlias) -> bool:
        self.bind(node.name.value, self.table.add(Unknown()))
        return False

    # --- definitions

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        for decorator in node.decorators:
            self.evaluated(decorator.decorator)
        for default in default_values(node.params):
            self.evaluated(default)
        name = node.name.value
        if self.has_locals:
            qualname = self.context.read_nested(node, self, self.name_nested(node))
            self.bind(name, self.table.add(Function(qualname)))
        else:
            self.bind(name, self.table.name(name))
        return False

    def visit_ClassDef(self, node: cst.ClassDef) -> bool:
        name = node.name.value
        self.bind(name, self.table.add(Unknown()) if self.has_locals else self.table.name(name))
        return False

    # --- compound statements

    def visit_If(self, node: cst.If) -> bool:
        branches.lower_if(self, node)
        return False

    def visit_Match(self, node: cst.Match) -> bool:
        branches.lower_match(self, node)
        return False

    def visit_For(self, node: cst.For) -> bool:
        loops.lower_for(self, node)
        return False

    def visit_While(self, node: cst.While) -> bool:
        loops.lower_while(self, node)
        return False

    def visit_With(self, node: cst.With) -> bool:
        tries.lower_with(self, node, followed=self.followed)
        return False

    def visit_Try(self, node: cst.Try) -> bool:
        tries.lower_try(self, node)
        return False

    def visit_TryStar(self, node: cst.TryStar) -> bool:
        tries.lower_try(self, node)
        return False
