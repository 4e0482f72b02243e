"""What is kept while one function is lowered: its values, its environment, the steps so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from lockcheck.facts import Evaluate
from lockcheck.naming import unique_names
from lockcheck.reading.expressions import LOWER, index_value, unknown
from lockcheck.reading.names import definitions
from lockcheck.reading.table import Arm, Table, join_envs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Sequence as Many

    from lockcheck.facts import Block, Id, Step
    from lockcheck.reading.functions import SliceReader
    from lockcheck.reading.loops import Loop
    from lockcheck.reading.table import Env


class Body(cst.CSTVisitor):
    """One function, lambda, class or module body while it is lowered; `Statements` adds what visits its nodes."""

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
        self.outer_names: set[str] = set()
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
        return self.with_calls(lambda: self.value(node))

    def evaluate_index(self, node: cst.Subscript) -> None:
        self.with_calls(lambda: self.index(node))

    def with_calls(self, lower: Callable[[], Id]) -> Id:
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
            if name in loop.late and name not in self.outer_names:
                known = self.env[name] = loop.head_of(self.table, name)
                return known
        return self.table.name(name)

    def bind(self, name: str, value: Id) -> None:
        if name not in self.outer_names:
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

    def name_nested(self, node: cst.FunctionDef) -> str:
        """A name that no other function of this body has; the last of several definitions keeps the plain one."""
        if not self._nested:
            found = list(definitions(self._statements))
            names = unique_names(item.name.value for item in found)
            self._nested = {id(item): name for item, name in zip(found, names, strict=True)}
        return self._nested[id(node)]

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
