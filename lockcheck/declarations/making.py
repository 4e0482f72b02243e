"""Makes declarations of the classes and functions of one file."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from lockcheck.declarations.choosing import Chooser
from lockcheck.declarations.expressions import expression
from lockcheck.declarations.model import (
    Assignment,
    CallOf,
    ClassDeclaration,
    Expression,
    FunctionDeclaration,
    Indexed,
    Name,
)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Declaration = TypeVar("Declaration", ClassDeclaration, FunctionDeclaration)

_RESULTS = (
    ast.Call, ast.Tuple, ast.List, ast.Constant, ast.Name, ast.Attribute, ast.Dict, ast.JoinedStr, ast.BinOp,
    ast.Compare, ast.BoolOp, ast.UnaryOp,
)  # fmt: skip
_DECLARED = ("declared_attr", "cascading", "directive", "declared_attr_directive")
_OPTIONS = frozenset({"__tablename__", "__table__", "__mapper_args__", "__table_args__"})


@dataclass(slots=True)
class Scope:
    """A module or class body while it is read; `key` is the class's dotted name within the module."""

    qualname: str
    key: str = ""
    bound: dict[str, tuple[Assignment, int]] = field(default_factory=dict)
    functions: list[tuple[Function, int]] = field(default_factory=list)

    def bind(self, assignment: Assignment, rank: int) -> None:
        """The last assignment wins, but none of a higher rank."""
        old = self.bound.get(assignment.name)
        if old is None or rank <= old[1]:
            self.bound[assignment.name] = (assignment, rank)

    def attributes(self) -> tuple[Assignment, ...]:
        return tuple(assignment for assignment, _ in self.bound.values())


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes declarations of nodes; without choosers nothing in the file touches a database."""

    plain: Chooser | None
    mapped: Chooser | None

    def class_(self, node: ast.ClassDef, scope: Scope) -> ClassDeclaration:
        attributes = scope.attributes()
        keywords = tuple((keyword.arg, expression(keyword.value)) for keyword in node.keywords)
        mapped = any(_of_mapped_class(attribute) for attribute in attributes) or "table" in dict(keywords)
        methods = (self.function(item, scope.qualname, scope.qualname, mapped=mapped) for item, _ in scope.functions)
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

    def function(self, node: Function, prefix: str, owner: str | None, *, mapped: bool = False) -> FunctionDeclaration:
        decorators = tuple(map(expression, node.decorator_list))
        chooser = self.mapped if mapped else self.plain
        result = _result(node, decorators)
        returns = expression(node.returns) if node.returns is not None else None
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
            result_annotation=returns if result is not None else None,
            returns=returns,
        )

    def body_touches(self, parts: Iterable[ast.AST]) -> bool:
        return self.plain is not None and any(self.plain.body_touches(part) for part in parts)


def keyed(found: Iterable[tuple[Declaration, str, int]]) -> dict[str, Declaration]:
    """Declarations by key; of several under one key the last one at run time keeps it, the others add a number."""
    named: dict[str, tuple[Declaration, int]] = {}
    others: dict[str, Declaration] = {}
    numbers: Counter[str] = Counter()
    for item, key, rank in found:
        old = named.get(key)
        if old is None or rank <= old[1]:
            named[key] = (item, rank)
        if old is not None:
            numbers[key] += 1
            others[f"{key}#{numbers[key] + 1}"] = old[0] if rank <= old[1] else item
    return {**others, **{key: item for key, (item, _) in named.items()}}


def _parameters(arguments: ast.arguments) -> tuple[str, ...]:
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    if arguments.vararg is not None:
        names.append(f"*{arguments.vararg.arg}")
    names += [argument.arg for argument in arguments.kwonlyargs]
    if arguments.kwarg is not None:
        names.append(f"**{arguments.kwarg.arg}")
    return tuple(names)


def _result(node: Function, decorators: Sequence[Expression]) -> Expression | None:
    """What a function returns that does nothing else; of a `declared_attr` what it returns in the end."""
    last = node.body[-1]
    if not isinstance(last, ast.Return) or not isinstance(last.value, _RESULTS):
        return None
    size = len(node.body) - isinstance(node.body[0], ast.Expr)
    declared = any(isinstance(item, Name) and item.dotted.endswith(_DECLARED) for item in decorators)
    return expression(last.value) if size == 1 or declared else None


def _of_mapped_class(attribute: Assignment) -> bool:
    """Whether an attribute shows that its class is mapped, or gives columns to classes that are."""
    if attribute.name in _OPTIONS:
        return True
    base = attribute.annotation.base if isinstance(attribute.annotation, Indexed) else None
    made = attribute.value.function if isinstance(attribute.value, CallOf) else None
    names = (part.dotted.rpartition(".")[2] for part in (base, made) if isinstance(part, Name))
    return any(name.lower().endswith(("mapped", "column", "relationship")) for name in names)
