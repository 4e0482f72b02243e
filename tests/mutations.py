"""The fixtures' own programs, changed at random: statements dropped, moved, wrapped, taken from other programs."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Sequence
from functools import cache
from random import Random

from tests.projects import Fixture, fixtures

WRAPPERS = (
    "for item in items:\n    pass",
    "for item in session.scalars(items):\n    pass\nelse:\n    session.flush()",
    "while True:\n    pass",
    "try:\n    pass\nexcept Exception:\n    session.rollback()",
    "try:\n    pass\nfinally:\n    session.commit()",
    "try:\n    pass\nexcept (ValueError, *others) as error:\n    raise",
    "if item is None:\n    pass\nelse:\n    session.flush()",
    "with session.begin_nested():\n    pass",
    "def inner(item=1, *rest, **named):\n    pass",
    "async def inner():\n    pass",
    "class Inner(Base):\n    pass",
    "if (item := items):\n    pass",
)
PLACES = (
    "for item in {0}: pass", "item = {0}", "return {0}", "item: int = {0}", "item += {0}", "assert {0}",
    "del item[{0}]", "items = [item for item in {0} if item]", "text = f'{{{0}}}'", "item, *rest = {0}",
    "call(*{0}, **{0})", "item[{0}] = 1",
    "items = [*{0}, {{**{0}}}]", "item = {0}[0]", "item = not {0}", "item.a.b = {0}", "{0}.rowcount",
    "item = {0} if item else {0}", "item = {0} == 1 < {0}", "item = lambda row, *rows: {0}", "item = {0}, {0}",
    "match {0}:\n    case Job(id=1): pass\n    case [item, *_] | {{'k': item}} if item: pass\n    case _: pass",
)  # fmt: skip
"""Statements that an expression takes part in; those that do not parse are left out."""


@cache
def sources() -> tuple[tuple[Fixture, dict[str, ast.Module]], ...]:
    """The fixtures with their parsed files."""
    return tuple((item, {path: ast.parse(text) for path, text in item.project.clean().items()}) for item in fixtures())


@cache
def _everything() -> tuple[tuple[ast.stmt, ...], tuple[ast.expr, ...]]:
    trees = [tree for _, files in sources() for tree in files.values()]
    return tuple(s for tree in trees for s in _statements(tree)), tuple(e for tree in trees for e in _expressions(tree))


def mutated(random: Random) -> tuple[Fixture, dict[str, str]]:
    """One fixture with changed files, without its comments and layout."""
    fixture, files = random.choice(sources())
    return fixture, {path: _changed(random, tree) for path, tree in files.items()}


def _changed(random: Random, tree: ast.Module) -> str:
    """The text of a changed tree; that of the tree as it was where the change makes no sense to Python."""
    after = copy.deepcopy(tree)
    for _ in range(random.randint(1, 4)):
        bodies = list(_bodies(after))
        if bodies:
            random.choice(CHANGES)(random, after, random.choice(bodies))
    text = ast.unparse(ast.fix_missing_locations(after)) + "\n"
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return ast.unparse(tree) + "\n"
    return text


def _drop(random: Random, _: ast.Module, body: list[ast.stmt]) -> None:
    if len(body) > 1:
        body.pop(random.randrange(len(body)))


def _insert(random: Random, _: ast.Module, body: list[ast.stmt]) -> None:
    body.insert(random.randrange(len(body) + 1), copy.deepcopy(random.choice(_everything()[0])))


def _wrap(random: Random, _: ast.Module, body: list[ast.stmt]) -> None:
    start = random.randrange(len(body))
    end = random.randrange(start, len(body)) + 1
    wrapper = ast.parse(random.choice(WRAPPERS)).body[0]
    wrapper.body = body[start:end]  # type: ignore[attr-defined]  # all wrappers have a body
    body[start:end] = [wrapper]


def _shuffle(random: Random, _: ast.Module, body: list[ast.stmt]) -> None:
    random.shuffle(body)


def _exchange(random: Random, tree: ast.Module, _: list[ast.stmt]) -> None:
    """Another expression in the place of one."""
    expressions = _expressions(tree)
    if expressions:
        _Exchange(random.choice(expressions), copy.deepcopy(random.choice(_everything()[1]))).visit(tree)


def _place(random: Random, _: ast.Module, body: list[ast.stmt]) -> None:
    text = random.choice(PLACES).format(f"({ast.unparse(random.choice(_everything()[1]))})")
    try:
        body[random.randrange(len(body) + 1) : 0] = ast.parse(text).body
    except SyntaxError:
        return


CHANGES = (_drop, _insert, _wrap, _wrap, _shuffle, _exchange, _exchange, _place)


class _Exchange(ast.NodeTransformer):
    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else self.generic_visit(node)


def _functions(tree: ast.AST) -> Iterable[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def _statements(tree: ast.AST) -> list[ast.stmt]:
    return [item for function in _functions(tree) for item in ast.walk(function) if isinstance(item, ast.stmt)]


def _expressions(tree: ast.AST) -> list[ast.expr]:
    """Those of functions' bodies that may stand anywhere else."""
    parts = (node for function in _functions(tree) for item in function.body for node in ast.walk(item))
    return [node for node in parts if isinstance(node, ast.expr) and _may_move(node)]


def _may_move(node: ast.expr) -> bool:
    if isinstance(node, (ast.Starred, ast.FormattedValue, ast.JoinedStr, ast.Slice)):
        return False
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


def _bodies(tree: ast.AST) -> Iterable[list[ast.stmt]]:
    for function in _functions(tree):
        for node in ast.walk(function):
            for name in ("body", "orelse", "finalbody"):
                body: Sequence[ast.AST] | None = getattr(node, name, None)
                if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
                    yield body
