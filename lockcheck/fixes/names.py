"""Names of a module and of a function in it, from the stdlib `ast`: what is bound, what a new name must not hide."""

from __future__ import annotations

import ast
import keyword
import warnings
from collections.abc import Collection, Iterator
from functools import lru_cache

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@lru_cache(maxsize=8)
def tree_of(text: str) -> ast.Module:
    """The `ast` of a file; several fixes of one file share it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubtful escapes are the checked project's affair
        return ast.parse(text)


def functions_around(tree: ast.Module, line: int) -> list[Function]:
    """The functions that a line stands in, the outermost first."""
    found: list[Function] = []
    rest: list[ast.AST] = [tree]
    while rest:
        node = rest.pop()
        if isinstance(node, ast.stmt) and not _first_line(node) <= line <= (node.end_lineno or node.lineno):
            continue
        if isinstance(node, Function):
            found.append(node)
        rest.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr))
    return sorted(found, key=lambda node: (_first_line(node), -(node.end_lineno or 0)))


def _first_line(node: ast.stmt) -> int:
    """A statement's first line, that of its first decorator where it has one."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(item.lineno for item in decorators)])


def bound(node: ast.AST) -> Iterator[str]:
    """The names that a node itself binds."""
    match node:
        case ast.Name(ctx=ast.Store() | ast.Del()):
            yield node.id
        case ast.arg():
            yield node.arg
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Import() | ast.ImportFrom():
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it."""
    return ast.walk(node)


def own(module: ast.Module) -> Iterator[ast.AST]:
    """The nodes of a module's body, without those inside functions and classes."""
    rest: list[ast.AST] = [*module.body]
    while rest:
        node = rest.pop()
        yield node
        if not isinstance(node, _SCOPES):
            rest.extend(ast.iter_child_nodes(node))


def known(module: ast.Module, function: Function | None) -> set[str]:
    """All names that a new name in the function (or module) could hide or be hidden by."""
    found = {name for node in own(module) for name in bound(node)}
    for node in inside(function or module):
        found.update(bound(node))
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            found.update(node.names)
    return found


def unused(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, with a number behind it where it is taken."""
    name, number = wanted, 1
    while name in taken or keyword.iskeyword(name):
        number += 1
        name = f"{wanted}_{number}"
    return name
