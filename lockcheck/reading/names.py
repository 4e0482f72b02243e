"""Names that statements bind, found without evaluating anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from lockcheck.reading.sites import children, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ADDING: dict[str, int] = {"append": 0, "add": 0, "appendleft": 0, "insert": 1}
"""Methods that put one element into a container, and the index of the argument that is the element."""

EXTENDING = frozenset({"extend", "update", "extendleft"})
"""Methods that put all elements of an iterable into a container."""

_SCOPES = (cst.FunctionDef, cst.ClassDef, cst.Lambda)


def target_names(target: cst.CSTNode) -> Iterator[str]:
    """The names that an assignment to `target` binds."""
    if isinstance(target, cst.Name):
        yield target.value
    elif isinstance(target, (cst.Tuple, cst.List)):
        for element in target.elements:
            yield from target_names(element.value)
    elif isinstance(target, cst.StarredElement):
        yield from target_names(target.value)


def imported_names(node: cst.Import | cst.ImportFrom) -> Iterator[str]:
    """The local names that an import binds."""
    if isinstance(node.names, cst.ImportStar):
        return
    for alias in node.names:
        if alias.asname is not None:
            yield from target_names(alias.asname.name)
            continue
        name: cst.CSTNode = alias.name
        while isinstance(name, cst.Attribute):
            name = name.value
        yield from target_names(name)


def statements_in(block: Iterable[cst.CSTNode]) -> Iterator[cst.CSTNode]:
    """The statements of a block in source order, those of its compound statements included, of definitions not."""
    for statement in block:
        if isinstance(statement, cst.SimpleStatementLine):
            yield from statement.body
            continue
        yield statement
        if isinstance(statement, cst.BaseCompoundStatement) and not isinstance(statement, _SCOPES):
            for suite in _suites(statement):
                yield from statements_in(suite.body.body)


def _suites(node: Any) -> Iterator[Any]:
    """The parts of a compound statement that hold a suite."""
    while isinstance(node, cst.If):
        yield node
        node = node.orelse
    if node is None:
        return
    if isinstance(node, cst.Match):
        yield from node.cases
        return
    yield node
    for name in ("handlers", "orelse", "finalbody"):
        part = getattr(node, name, None)
        if isinstance(part, (list, tuple)):
            yield from part
        elif part is not None:
            yield part


def definitions(block: Iterable[cst.CSTNode]) -> Iterator[cst.FunctionDef]:
    """The functions that a block defines in its own scope, in source order."""
    return (statement for statement in statements_in(block) if isinstance(statement, cst.FunctionDef))


def bound_names(block: Iterable[cst.CSTNode]) -> tuple[set[str], set[str]]:
    """The names that a block's statements bind, and those of containers they may add to; `walrus_names` finds `:=`."""
    bound: set[str] = set()
    grown: set[str] = set()
    for statement in statements_in(block):
        binds = _BINDERS.get(statement.__class__)
        if binds is not None:
            bound.update(binds(statement))
        grows = _GROWERS.get(statement.__class__)
        if grows is not None:
            grown.update(grows(statement))
    return bound, grown


def _assign(node: cst.Assign) -> Iterator[str]:
    for item in node.targets:
        yield from target_names(item.target)


def _single_target(node: cst.AnnAssign | cst.AugAssign | cst.For) -> Iterator[str]:
    return target_names(node.target)


def _assigned_items(node: cst.Assign) -> Iterator[str]:
    for item in node.targets:
        yield from _item_bases(item.target)


def _single_item(node: cst.AnnAssign | cst.AugAssign | cst.For) -> Iterator[str]:
    return _item_bases(node.target)


def _item_bases(target: cst.CSTNode) -> Iterator[str]:
    if isinstance(target, cst.Subscript):
        yield from target_names(target.value)
    elif isinstance(target, (cst.Tuple, cst.List)):
        for element in target.elements:
            yield from _item_bases(element.value)


def _with(node: cst.With) -> Iterator[str]:
    for item in node.items:
        if item.asname is not None:
            yield from target_names(item.asname.name)


def _try(node: cst.Try | cst.TryStar) -> Iterator[str]:
    for handler in node.handlers:
        if handler.name is not None:
            yield from target_names(handler.name.name)


def _definition(node: cst.FunctionDef | cst.ClassDef | cst.TypeAlias) -> Iterator[str]:
    yield node.name.value


def _growth(node: cst.Expr) -> Iterator[str]:
    call = node.value
    if isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute):
        method = call.func.attr.value
        if method in ADDING or method in EXTENDING:
            name = grouped_name(call.func.value)
            yield from () if name is None else (name.value,)


def grouped_name(base: cst.BaseExpression) -> cst.Name | None:
    """The local container that a method adds to: called on itself, on `groups[key]` or `groups.setdefault(key, [])`."""
    if isinstance(base, cst.Subscript):
        base = base.value
    elif isinstance(base, cst.Call) and isinstance(base.func, cst.Attribute) and base.func.attr.value == "setdefault":
        base = base.func.value
    return base if isinstance(base, cst.Name) else None


def _match(node: cst.Match) -> Iterator[str]:
    for case in node.cases:
        yield from captured_names(case.pattern)


_BINDERS: dict[type[cst.CSTNode], Any] = {
    cst.Assign: _assign,
    cst.AnnAssign: _single_target,
    cst.AugAssign: _single_target,
    cst.For: _single_target,
    cst.With: _with,
    cst.Try: _try,
    cst.TryStar: _try,
    cst.FunctionDef: _definition,
    cst.ClassDef: _definition,
    cst.Import: imported_names,
    cst.ImportFrom: imported_names,
    cst.Match: _match,
    cst.TypeAlias: _definition,
}
_GROWERS: dict[type[cst.CSTNode], Any] = {
    cst.Expr: _growth,
    cst.Assign: _assigned_items,
    cst.AnnAssign: _single_item,
    cst.AugAssign: _single_item,
    cst.For: _single_item,
}


_PATTERN_PARTS: dict[type[cst.CSTNode], tuple[str, ...]] = {
    cst.MatchAs: ("pattern", "name"),
    cst.MatchStar: ("name",),
    cst.MatchOr: ("patterns",),
    cst.MatchOrElement: ("pattern",),
    cst.MatchList: ("patterns",),
    cst.MatchTuple: ("patterns",),
    cst.MatchSequenceElement: ("value",),
    cst.MatchMapping: ("elements", "rest"),
    cst.MatchMappingElement: ("pattern",),
    cst.MatchClass: ("patterns", "kwds"),
    cst.MatchKeywordElement: ("pattern",),
}


def captured_names(pattern: cst.CSTNode) -> Iterator[str]:
    """The names that a `case` pattern binds."""
    if isinstance(pattern, cst.Name):
        yield pattern.value
    for part in children(pattern, _PATTERN_PARTS):
        yield from captured_names(part)


def walrus_names(node: cst.CSTNode) -> Iterator[str]:
    """The names that `:=` binds in and below a node, those of nested functions left out."""
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, cst.NamedExpr):
            yield from target_names(part.target)
        if not isinstance(part, _SCOPES):
            stack.extend(parts_of(part))


def default_values(node: cst.Parameters) -> Iterator[cst.BaseExpression]:
    """The default values of parameters, in source order."""
    for item in (*node.posonly_params, *node.params, *node.kwonly_params):
        if item.default is not None:
            yield item.default


def executing_classes(block: Iterable[cst.CSTNode], outer: str = "") -> Iterator[tuple[str, cst.ClassDef]]:
    """The classes of a block whose bodies do more than define attributes, with their dotted names."""
    for statement in statements_in(block):
        if isinstance(statement, cst.ClassDef):
            name = f"{outer}{statement.name.value}"
            if any(map(_executes, statements_in(statement.body.body))):
                yield name, statement
            yield from executing_classes(statement.body.body, f"{name}.")


def _executes(statement: cst.CSTNode) -> bool:
    if isinstance(statement, cst.Expr):
        return isinstance(statement.value, (cst.Call, cst.Await))
    return isinstance(statement, (cst.With, cst.For, cst.While))
