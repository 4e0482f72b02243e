# ruff: noqa: N802  libcst calls visitor methods by the names of its node classes
"""The visitor that lowers one function's statements, and the state it keeps: values, environment, steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from lockcheck.facts import (
    Assert,
    Attr,
    Binary,
    Block,
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
from lockcheck.reading.expressions import AUGMENTED, LOWER, index_value, unknown
from lockcheck.reading.names import default_values, definitions, imported_names, unique_names
from lockcheck.reading.table import Arm, Table, join_envs
from lockcheck.reading.targets import assign, grow, set_item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Sequence as Many

    from lockcheck.facts import Id, Step
    from lockcheck.reading.functions import SliceReader
    from lockcheck.reading.loops import Loop
    from lockcheck.reading.table import Env


class Body(cst.CSTVisitor):
    """Lowers the body of one function, lambda, class or module.

    Every `visit_` method lowers its statement by hand and returns False, so that libcst never descends: descending
    everywhere costs as much as parsing.
    """

    def __init__(
        self, context: SliceReader, qualname: str, statements: Many[cst.CSTNode], *, has_locals: bool = True
    ) -> None:
        super().__init__()
        self.context = context
        self.qualname = qualname
        self.has_locals = has_locals
        self.table = Table()
        self.env: Env = {}
        self.log: list[tuple[str, Id]] = []
        self.steps: list[Step] = []
        self.left = False
        self.loops: list[Loop] = []
        self.is_generator = False
        self._outer_names: set[str] = set()
        self.followed = False
        self._statements = statements
        self._nested: dict[int, str] = {}

    # --- expressions

    def value(self, node: cst.CSTNode) -> Id:
        return LOWER.get(node.__class__, unknown)(self, node)

    def site(self, node: cst.CSTNode) -> int:
        return self.context.numbers[id(node)]

    def index(self, node: cst.Subscript) -> Id:
        return index_value(self, node)

    def evaluated(self, node: cst.CSTNode) -> Id:
        """The value of an expression, with a step where it calls something."""
        return self._with_calls(lambda: self.value(node))

    def evaluate_index(self, node: cst.Subscript) -> None:
        self._with_calls(lambda: self.index(node))

    def _with_calls(self, lower: Callable[[], Id]) -> Id:
        calls = self.table.calls
        value = lower()
        if self.table.calls != calls:
            self.steps.append(Evaluate(value))
        return value

    # --- names

    def lookup(self, name: str) -> Id:
        """The value of a name: what it is bound to here, what the last round of a loop left, or the name itself."""
        known = self.env.get(name)
        if known is not None:
            return known
        for loop in reversed(self.loops):
            if name in loop.late and name not in self._outer_names:
                known = self.env[name] = loop.head_of(self.table, name)
                return known
        return self.table.name(name)

    def bind(self, name: str, value: Id) -> None:
        if name not in self._outer_names:
            self.env[name] = value
            self.log.append((name, value))

    def widened(self, before: Env, mark: int) -> Env:
        """The environment after any part of what ran since `mark`: what a handler or `finally` sees."""
        changed: dict[str, list[Id]] = {}
        for name, value in self.log[mark:]:
            if name not in changed:
                changed[name] = [before[name]] if name in before else []
            changed[name].append(value)
        return {**before, **{name: self.table.join(values) for name, values in changed.items()}}

    # --- blocks

    def whole(self) -> Block:
        """The steps of the body itself."""
        return self.block(self._statements)

    def block(self, statements: Iterable[cst.CSTNode], *, followed: bool = False) -> Block:
        """The steps of a suite. What follows a return or raise is lowered, for its nested functions, and dropped.

        `followed` tells that what comes after the suite's last statement runs only when that does not leave.
        """
        outer, self.steps = self.steps, []
        kept = 0 if self.left else None
        todo: list[cst.CSTNode] = []
        for statement in statements:
            todo.extend(statement.body if isinstance(statement, cst.SimpleStatementLine) else (statement,))
        for index, statement in enumerate(todo):
            self.followed = followed or index + 1 < len(todo)
            statement.visit(self)
            if self.left and kept is None:
                kept = len(self.steps)
        steps = tuple(self.steps[:kept])
        self.steps = outer
        return steps

    def arm(
        self, env: Env, statements: Iterable[cst.CSTNode], *, left: bool, followed: bool = False
    ) -> tuple[Block, Arm]:
        """Lower a branch that starts with `env`."""
        self.env, self.left = dict(env), left
        steps = self.block(statements, followed=followed)
        return steps, Arm(self.env, self.left)

    def merge(self, arms: Many[Arm], *, left: bool) -> None:
        """Go on after branches; `left` tells that the code before them had left already."""
        live = [arm.env for arm in arms if not arm.left]
        self.left = left or not live
        self.env = join_envs(self.table, live or [arm.env for arm in arms])

    def captured(self, lower: Callable[[], object]) -> Block:
        """The steps that `lower` produces, taken out of the current block."""
        outer, self.steps = self.steps, []
        lower()
        steps = tuple(self.steps)
        self.steps = outer
        return steps

    # --- simple statements

    def visit_Expr(self, node: cst.Expr) -> bool:
        if isinstance(node.value, (cst.SimpleString, cst.ConcatenatedString, cst.Ellipsis)):
            return False
        value = self.value(node.value)
        if not isinstance(self.table.values[value], Const):
            self.steps.append(Evaluate(value))
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
        return self._with_calls(lambda: self.table.add(Binary(operator, left, self.value(node))))

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
            self._outer_names.add(item.name.value)
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
            qualname = self.context.read_nested(node, self, self._name_nested(node))
            self.bind(name, self.table.add(Function(qualname)))
        else:
            self.bind(name, self.table.name(name))
        return False

    def _name_nested(self, node: cst.FunctionDef) -> str:
        """A name that no other function of this body has; the last of several definitions keeps the plain one."""
        if not self._nested:
            found = list(definitions(self._statements))
            names = unique_names(item.name.value for item in found)
            self._nested = {id(item): name for item, name in zip(found, names, strict=True)}
        return self._nested[id(node)]

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
