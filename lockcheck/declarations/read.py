"""Reads what one file declares, in one walk over its tree."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lockcheck.declarations.choosing import Chooser, hints
from lockcheck.declarations.expressions import OTHER, dotted, expression
from lockcheck.declarations.imports import Imports, imports_inside
from lockcheck.declarations.model import (
    Assignment,
    CallOf,
    ClassDeclaration,
    Expression,
    FunctionDeclaration,
    Indexed,
    ModuleDeclarations,
    Name,
    Operation,
)

AST_ONLY = 0x400
"""`ast.PyCF_ONLY_AST`."""

MAPPERS = ("map_imperatively", "mapper")

RUNTIME, FALLBACK, TYPING = 0, 1, 2
"""Ranks of code: a name bound in an exception handler or under TYPE_CHECKING never replaces one bound elsewhere."""


def read_module(text: str, module: str, path: str, is_package: bool) -> ModuleDeclarations:
    """What a file declares. Raises what the parser raises: SyntaxError, ValueError, RecursionError or MemoryError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of invalid escapes in the file that is read
        tree: ast.Module = compile(text, path, "exec", AST_ONLY, dont_inherit=True)
    reader = _Reader(module, is_package=is_package)
    reader.walk(tree.body)
    return reader.declarations(text, path)


@dataclass(slots=True)
class _Scope:
    """A module (`node` is None) or a class while it is read."""

    qualname: str
    node: ast.ClassDef | None
    key: str = ""
    bound: dict[str, tuple[Assignment, int]] = field(default_factory=dict)
    functions: list[tuple[_Function, int]] = field(default_factory=list)

    def bind(self, assignment: Assignment, rank: int) -> None:
        old = self.bound.get(assignment.name)
        if old is None or rank <= old[1]:
            self.bound[assignment.name] = (assignment, rank)

    def attributes(self) -> tuple[Assignment, ...]:
        return tuple(assignment for assignment, _ in self.bound.values())


_Function = ast.FunctionDef | ast.AsyncFunctionDef


class _Reader:
    """Gathers the declarations of one file; functions are looked into when all of its imports are known."""

    def __init__(self, module: str, *, is_package: bool) -> None:
        self._module = module
        self._is_package = is_package
        self._imports = Imports(module, is_package=is_package)
        self._top = _Scope(module, None)
        self._classes: list[tuple[_Scope, int]] = []
        self._bodies: list[ast.AST] = []
        self._mapping_calls: list[tuple[CallOf, int]] = []

    # --- the walk over module and class bodies ----------------------------------------------------------------

    def walk(self, body: Sequence[ast.stmt]) -> None:
        stack: list[tuple[ast.stmt, _Scope, int]] = [(node, self._top, RUNTIME) for node in reversed(body)]
        while stack:
            node, scope, rank = stack.pop()
            handler = _STATEMENTS.get(node.__class__)
            if handler is not None:
                handler(self, node, scope, rank)
                continue
            inner = (
                self._class(node, scope, rank) if isinstance(node, ast.ClassDef) else self._blocks(node, scope, rank)
            )
            stack.extend(reversed(list(inner)))

    def _class(self, node: ast.ClassDef, scope: _Scope, rank: int) -> Iterator[tuple[ast.stmt, _Scope, int]]:
        key = f"{scope.key}.{node.name}" if scope.key else node.name
        inner = _Scope(f"{scope.qualname}.{node.name}", node, key)
        self._classes.append((inner, rank))
        for part in node.body:
            yield part, inner, RUNTIME

    def _blocks(self, node: ast.stmt, scope: _Scope, rank: int) -> Iterator[tuple[ast.stmt, _Scope, int]]:
        """The statements inside a compound statement; what stands in its head belongs to the body around it."""
        for name in ("test", "iter", "subject"):
            if (head := getattr(node, name, None)) is not None:
                self._bodies.append(head)
        self._bodies.extend(getattr(node, "items", ()))
        for block, ranked in _suites(node, rank):
            for part in block:
                yield part, scope, ranked

    def _import(self, node: ast.Import | ast.ImportFrom, _: _Scope, rank: int) -> None:
        self._imports.add(node, rank)

    def _function(self, node: _Function, scope: _Scope, rank: int) -> None:
        scope.functions.append((node, rank))

    def _assign(self, node: ast.Assign, scope: _Scope, rank: int) -> None:
        self._bodies.append(node.value)
        value = expression(node.value)
        for target in node.targets:
            self._bind(target, None, value, scope, rank)
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for name, part in zip(target.elts, node.value.elts, strict=False):
                    self._bind(name, None, expression(part), scope, rank)

    def _annotated(self, node: ast.AnnAssign, scope: _Scope, rank: int) -> None:
        if node.value is not None:
            self._bodies.append(node.value)
        value = expression(node.value) if node.value is not None else None
        self._bind(node.target, expression(node.annotation), value, scope, rank)

    def _augmented(self, node: ast.AugAssign, scope: _Scope, rank: int) -> None:
        self._bodies.append(node.value)
        name = dotted(node.target)
        old = scope.bound.get(name or "")
        if old is None or old[0].value is None:
            return
        operator = _AUGMENTED.get(node.op.__class__)
        added = expression(node.value)
        value = Operation(operator, (old[0].value, added)) if operator else OTHER
        scope.bind(replace(old[0], value=value), rank)

    def _bind(
        self, target: ast.expr, annotation: Expression | None, value: Expression | None, scope: _Scope, rank: int
    ) -> None:
        name = dotted(target)
        if name is None or ("." in name and (scope.node is not None or not isinstance(value, CallOf))):
            return
        scope.bind(Assignment(name, annotation, value, target.lineno), rank)

    def _bare(self, node: ast.Expr, _: _Scope, __: int) -> None:
        if not isinstance(node.value, ast.Constant):
            self._bodies.append(node.value)

    # --- what came of it --------------------------------------------------------------------------------------

    def declarations(self, text: str, path: str) -> ModuleDeclarations:
        functions = [function for scope in self._scopes() for function, _ in scope.functions]
        inner: dict[str, Mapping[str, str]] = {}
        if text.count("import") > self._imports.statements:
            inner = self._function_imports()
        if any(word in text for word in MAPPERS):
            self._find_mapping_calls([*self._bodies, *functions])
        imports = self._imports.by_name()
        found = hints(text, imports)
        maker = _Maker(Chooser(found, mapped=False), Chooser(found, mapped=True)) if found else _Maker(None, None)
        classes = _keyed((maker.class_(scope), scope.key, rank) for scope, rank in self._classes)
        return ModuleDeclarations(
            module=self._module,
            path=path,
            is_package=self._is_package,
            imports=imports,
            function_imports=inner,
            star_imports=tuple(self._imports.stars),
            assignments={assignment.name: assignment for assignment in self._top.attributes()},
            classes=classes,
            functions=_keyed(
                (maker.function(node, self._module, None, mapped=False), node.name, rank)
                for node, rank in self._top.functions
            ),
            body_touches_database=maker.body_touches(self._bodies),
            mapping_calls=tuple(self._mapping_calls),
        )

    def _scopes(self) -> Iterator[_Scope]:
        yield self._top
        for scope, _ in self._classes:
            yield scope

    def _function_imports(self) -> dict[str, Mapping[str, str]]:
        found: dict[str, Mapping[str, str]] = {}
        for scope in self._scopes():
            for function, _ in scope.functions:
                if inside := imports_inside(function):
                    found[f"{scope.qualname}.{function.name}"] = self._imports.of_function(inside)
        return found

    def _find_mapping_calls(self, places: list[ast.AST]) -> None:
        for place in places:
            for node in ast.walk(place):
                if isinstance(node, ast.Call) and (dotted(node.func) or "").rpartition(".")[2] in MAPPERS:
                    call = expression(node)
                    if isinstance(call, CallOf) and len(call.args) > 1:
                        self._mapping_calls.append((call, node.lineno))


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes declarations of nodes; without choosers nothing in the file touches a database."""

    plain: Chooser | None
    mapped: Chooser | None

    def class_(self, scope: _Scope) -> ClassDeclaration:
        node = scope.node
        if node is None:
            raise TypeError("a module is no class")
        attributes = scope.attributes()
        keywords = tuple((keyword.arg, expression(keyword.value)) for keyword in node.keywords)
        mapped = any(_of_mapped_class(attribute) for attribute in attributes) or "table" in dict(keywords)
        methods = [
            self.function(function, scope.qualname, scope.qualname, mapped=mapped) for function, _ in scope.functions
        ]
        return ClassDeclaration(
            qualname=scope.qualname,
            name=node.name,
            bases=tuple(map(expression, node.bases)),
            keywords=keywords,
            decorators=tuple(map(expression, node.decorator_list)),
            attributes=attributes,
            methods=tuple(methods),
            line=node.lineno,
        )

    def function(self, node: _Function, prefix: str, owner: str | None, *, mapped: bool) -> FunctionDeclaration:
        decorators = tuple(map(expression, node.decorator_list))
        chooser = self.mapped if mapped else self.plain
        result = _result(node, decorators)
        return FunctionDeclaration(
            qualname=f"{prefix}.{node.name}",
            name=node.name,
            owner=owner,
            parameters=_parameters(node.args),
            decorators=decorators,
            first_line=min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]),
            last_line=node.end_lineno or node.lineno,
            is_async=isinstance(node, ast.AsyncFunctionDef),
            touches_database=chooser is not None and chooser.touches(node),
            result=result,
            result_annotation=expression(node.returns) if result is not None and node.returns is not None else None,
        )

    def body_touches(self, parts: Sequence[ast.AST]) -> bool:
        return self.plain is not None and any(self.plain.body_touches(part) for part in parts)


def _keyed(found: Any) -> dict[str, Any]:
    """Declarations by key; of several under one key the last runtime one keeps it."""
    keyed: dict[str, tuple[Any, int]] = {}
    others: dict[str, Any] = {}
    for item, key, rank in found:
        old = keyed.get(key)
        if old is not None:
            loser = old[0] if rank <= old[1] else item
            line = loser.line if isinstance(loser, ClassDeclaration) else loser.first_line
            others[f"{key}#{line}"] = loser
        if old is None or rank <= old[1]:
            keyed[key] = (item, rank)
    return {**others, **{key: item for key, (item, _) in keyed.items()}}


def _suites(node: ast.stmt, rank: int) -> Iterator[tuple[Sequence[ast.stmt], int]]:
    """The blocks of a compound statement with their ranks."""
    if isinstance(node, ast.If):
        name = dotted(node.test.operand if isinstance(node.test, ast.UnaryOp) else node.test)
        typing = (name or "").rpartition(".")[2] == "TYPE_CHECKING"
        negated = isinstance(node.test, ast.UnaryOp)
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


def _parameters(arguments: ast.arguments) -> tuple[str, ...]:
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    if arguments.vararg is not None:
        names.append(f"*{arguments.vararg.arg}")
    names += [argument.arg for argument in arguments.kwonlyargs]
    if arguments.kwarg is not None:
        names.append(f"**{arguments.kwarg.arg}")
    return tuple(names)


_RESULTS = (ast.Call, ast.Tuple, ast.List, ast.Constant, ast.Name, ast.Attribute, ast.Dict, ast.JoinedStr, ast.BinOp)
_DECLARED = ("declared_attr", "cascading", "directive", "declared_attr_directive")


def _result(node: _Function, decorators: Sequence[Expression]) -> Expression | None:
    """What a function returns that does nothing else; of a `declared_attr` what it returns in the end."""
    last = node.body[-1]
    if not isinstance(last, ast.Return) or not isinstance(last.value, _RESULTS):
        return None
    size = len(node.body) - isinstance(node.body[0], ast.Expr)
    declared = any(isinstance(item, Name) and item.dotted.endswith(_DECLARED) for item in decorators)
    return expression(last.value) if size == 1 or declared else None


def _of_mapped_class(attribute: Assignment) -> bool:
    """Whether an attribute shows that its class is mapped, or gives columns to classes that are."""
    if attribute.name in ("__tablename__", "__table__", "__mapper_args__", "__table_args__"):
        return True
    base = attribute.annotation.base if isinstance(attribute.annotation, Indexed) else None
    made = attribute.value.function if isinstance(attribute.value, CallOf) else None
    names = (part.dotted.rpartition(".")[2] for part in (base, made) if isinstance(part, Name))
    return any(name.lower().endswith(("mapped", "column", "relationship")) for name in names)


_AUGMENTED = {ast.Add: "+", ast.BitOr: "|", ast.Sub: "-", ast.BitAnd: "&"}

_STATEMENTS: Mapping[type, Any] = {
    ast.Import: _Reader._import,
    ast.ImportFrom: _Reader._import,
    ast.FunctionDef: _Reader._function,
    ast.AsyncFunctionDef: _Reader._function,
    ast.Assign: _Reader._assign,
    ast.AnnAssign: _Reader._annotated,
    ast.AugAssign: _Reader._augmented,
    ast.Expr: _Reader._bare,
}
