"""Reads what one file declares, in one walk over its tree."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockcheck.declarations.choosing import Chooser, hints
from lockcheck.declarations.expressions import OTHER, dotted, expression
from lockcheck.declarations.imports import Imports, imports_inside
from lockcheck.declarations.making import Function, Maker, Scope, keyed
from lockcheck.declarations.model import Assignment, CallOf, Expression, ModuleDeclarations, Operation
from lockcheck.sources import parsed

MAPPERS = ("map_imperatively", "mapper")

RUNTIME, FALLBACK, TYPING = 0, 1, 2
"""Ranks of code: a name bound in an exception handler or under TYPE_CHECKING never replaces one bound elsewhere."""

_AUGMENTED = {ast.Add: "+", ast.BitOr: "|", ast.Sub: "-", ast.BitAnd: "&"}

Placed = tuple[ast.stmt, Scope, int]
"""A statement with the scope it stands in and its rank."""


def read_module(
    text: str, module: str, path: str, is_package: bool, tree: ast.Module | None = None
) -> ModuleDeclarations:
    """What a file declares; `tree` is the file where it has been parsed. Raises what the parser raises: SyntaxError,
    ValueError, RecursionError or MemoryError."""
    tree = parsed(text, path) if tree is None else tree
    reader = _Reader(module, is_package=is_package)
    reader.walk(tree.body)
    return reader.declarations(text, path)


class _Reader:
    """Gathers the declarations of one file; functions are looked into when all of its imports are known."""

    def __init__(self, module: str, *, is_package: bool) -> None:
        self._module = module
        self._is_package = is_package
        self._imports = Imports(module, is_package=is_package)
        self._top = Scope(module)
        self._classes: list[tuple[ast.ClassDef, Scope, int]] = []
        self._bodies: list[ast.AST] = []

    # --- the walk over module and class bodies ----------------------------------------------------------------

    def walk(self, body: Sequence[ast.stmt]) -> None:
        """Read the statements of the module, and of its classes and compound statements."""
        stack: list[Placed] = [(node, self._top, RUNTIME) for node in reversed(body)]
        while stack:
            node, scope, rank = stack.pop()
            handler = _HANDLERS.get(node.__class__)
            if handler is not None:
                handler(self, node, scope, rank)
                continue
            inner = (
                self._class(node, scope, rank) if isinstance(node, ast.ClassDef) else self._blocks(node, scope, rank)
            )
            stack.extend(reversed(list(inner)))

    def _class(self, node: ast.ClassDef, scope: Scope, rank: int) -> Iterator[Placed]:
        key = f"{scope.key}.{node.name}" if scope.key else node.name
        inner = Scope(f"{scope.qualname}.{node.name}", key)
        self._classes.append((node, inner, rank))
        for part in node.body:
            yield part, inner, RUNTIME

    def _blocks(self, node: ast.stmt, scope: Scope, rank: int) -> Iterator[Placed]:
        """The statements inside a compound statement; what stands in its head belongs to the body around it."""
        for name in ("test", "iter", "subject"):
            if (head := getattr(node, name, None)) is not None:
                self._bodies.append(head)
        self._bodies.extend(getattr(node, "items", ()))
        for block, ranked in _suites(node, rank):
            for part in block:
                yield part, scope, ranked

    # --- statements -------------------------------------------------------------------------------------------

    def import_(self, node: ast.Import | ast.ImportFrom, _: Scope, rank: int) -> None:
        self._imports.add(node, rank)

    def function(self, node: Function, scope: Scope, rank: int) -> None:
        scope.functions.append((node, rank))

    def assign(self, node: ast.Assign, scope: Scope, rank: int) -> None:
        self._bodies.append(node.value)
        value = expression(node.value)
        for target in node.targets:
            self._bind(Assignment(dotted(target) or "", None, value, target.lineno), scope, rank)
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for name, part in zip(target.elts, node.value.elts, strict=False):
                    self._bind(Assignment(dotted(name) or "", None, expression(part), name.lineno), scope, rank)

    def annotated(self, node: ast.AnnAssign, scope: Scope, rank: int) -> None:
        value: Expression | None = None
        if node.value is not None:
            self._bodies.append(node.value)
            value = expression(node.value)
        self._bind(Assignment(dotted(node.target) or "", expression(node.annotation), value, node.lineno), scope, rank)

    def augmented(self, node: ast.AugAssign, scope: Scope, rank: int) -> None:
        self._bodies.append(node.value)
        old = scope.bound.get(dotted(node.target) or "")
        if old is None or old[0].value is None:
            return
        operator = _AUGMENTED.get(node.op.__class__)
        value = Operation(operator, (old[0].value, expression(node.value))) if operator else OTHER
        scope.bind(replace(old[0], value=value), rank)

    def _bind(self, assignment: Assignment, scope: Scope, rank: int) -> None:
        """Of attributes only `Class.attribute = call(..)` at module level counts."""
        inside = "." in assignment.name
        if assignment.name and (not inside or (scope is self._top and isinstance(assignment.value, CallOf))):
            scope.bind(assignment, rank)

    def bare(self, node: ast.Expr, _: Scope, __: int) -> None:
        if not isinstance(node.value, ast.Constant):
            self._bodies.append(node.value)

    # --- what came of it --------------------------------------------------------------------------------------

    def declarations(self, text: str, path: str) -> ModuleDeclarations:
        """All that was read; functions are looked into now."""
        inner = self._function_imports() if text.count("import") > self._imports.statements else {}
        imports = self._imports.by_name()
        found = hints(text, imports)
        maker = Maker(Chooser(found, mapped=False), Chooser(found, mapped=True)) if found else Maker(None, None)
        functions = ((maker.function(node, self._module, None), node.name, rank) for node, rank in self._top.functions)
        classes = ((maker.class_(node, scope), scope.key, rank) for node, scope, rank in self._classes)
        return ModuleDeclarations(
            module=self._module,
            path=path,
            is_package=self._is_package,
            imports=imports,
            function_imports=inner,
            star_imports=tuple(self._imports.stars),
            assignments={assignment.name: assignment for assignment in self._top.attributes()},
            classes=keyed(classes),
            functions=keyed(functions),
            body_touches_database=maker.body_touches(self._bodies),
            mapping_calls=self._mapping_calls() if _may_map(text) else (),
            other_imports=self._imports.besides(
                (*imports.values(), *(t for names in inner.values() for t in names.values()))
            ),
        )

    def _functions(self) -> Iterator[tuple[str, Function]]:
        """All functions and methods with the qualified name of their module or class."""
        for scope in (self._top, *(scope for _, scope, _ in self._classes)):
            for function, _ in scope.functions:
                yield scope.qualname, function

    def _function_imports(self) -> dict[str, Mapping[str, str]]:
        found: dict[str, Mapping[str, str]] = {}
        for prefix, function in self._functions():
            if inside := imports_inside(function):
                found[f"{prefix}.{function.name}"] = self._imports.of_function(inside)
        return found

    def _mapping_calls(self) -> tuple[tuple[CallOf, int], ...]:
        places = (*self._bodies, *(function for _, function in self._functions()))
        calls = (node for place in places for node in ast.walk(place) if isinstance(node, ast.Call))
        mapping = (node for node in calls if (dotted(node.func) or "").rpartition(".")[2] in MAPPERS)
        found = ((expression(node), node.lineno) for node in mapping)
        return tuple((call, line) for call, line in found if isinstance(call, CallOf) and len(call.args) > 1)


def _may_map(text: str) -> bool:
    return "map_imperatively" in text or ("mapper(" in text and "sqlalchemy" in text)


def _suites(node: ast.stmt, rank: int) -> Iterator[tuple[Sequence[ast.stmt], int]]:
    """The blocks of a compound statement with their ranks."""
    if isinstance(node, ast.If):
        negated = isinstance(node.test, ast.UnaryOp)
        name = dotted(node.test.operand if isinstance(node.test, ast.UnaryOp) else node.test)
        typing = (name or "").rpartition(".")[2] == "TYPE_CHECKING"
        yield node.body, TYPING if typing and not negated else rank
        yield node.orelse, TYPING if typing and negated else rank
        return
    yield getattr(node, "body", ()), rank
    for handler in getattr(node, "handlers", ()):
        yield handler.body, max(rank, FALLBACK)
    for case in getattr(node, "cases", ()):
        yield case.body, rank
    yield getattr(node, "orelse", ()), rank
    yield getattr(node, "finalbody", ()), rank


# A table of the reader's own bound methods would make it refer to itself, and keep every tree: the collector is off.
_HANDLERS: Mapping[type, Callable[[_Reader, Any, Scope, int], None]] = {
    ast.Import: _Reader.import_,
    ast.ImportFrom: _Reader.import_,
    ast.FunctionDef: _Reader.function,
    ast.AsyncFunctionDef: _Reader.function,
    ast.Assign: _Reader.assign,
    ast.AnnAssign: _Reader.annotated,
    ast.AugAssign: _Reader.augmented,
    ast.Expr: _Reader.bare,
}
