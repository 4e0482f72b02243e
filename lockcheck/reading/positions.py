"""Where the numbered constructs of a slice stand, from the stdlib `ast` of the slice.

The numbering is that of `sites`: a walk in source order, an outer construct before the ones inside it.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any

from lockcheck.facts import Position, SliceSites
from lockcheck.reading.sites import KINDS
from lockcheck.reading.slicing import slice_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lockcheck.facts import SiteKind

_LEAVES = frozenset(
    {
        ast.Name, ast.Constant, ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom,
    }
)  # fmt: skip
_REORDERED: dict[type[ast.AST], tuple[str, ...]] = {
    ast.IfExp: ("body", "test", "orelse"),
    ast.FunctionDef: ("decorator_list", "type_params", "args", "returns", "body"),
    ast.AsyncFunctionDef: ("decorator_list", "type_params", "args", "returns", "body"),
    ast.ClassDef: ("decorator_list", "type_params", "bases", "keywords", "body"),
    ast.match_case: ("guard", "body"),
}
_KIND_OF: dict[type[ast.AST], SiteKind] = {
    ast.Call: "call",
    ast.Compare: "compare",
    ast.ExceptHandler: "handler",
    ast.For: "loop",
    ast.AsyncFor: "loop",
    ast.While: "loop",
    ast.With: "with",
    ast.AsyncWith: "with",
}
_SUITES = ("body", "orelse", "handlers", "finalbody", "cases")
MAX_DEPTH = 450
"""How deep code may nest. libcst overflows the stack, and ends the process, some thousands deep."""

_NESTED_POSITIONS = sys.version_info >= (3, 12)
"""Positions inside an f-string are right; before, they are relative to parts of the string."""


def _fields() -> dict[type[ast.AST], tuple[str, ...]]:
    """The fields of each class that can hold a construct, in source order."""
    parents = {"mod", "stmt", "expr", "excepthandler", "type_param"}
    others = {ast.comprehension, ast.arguments, ast.arg, ast.keyword, ast.withitem, ast.match_case}
    unused = {
        "ctx", "op", "ops", "type_comment", "name", "names", "id", "attr", "conversion", "type_ignores", "arg", "str",
    }  # fmt: skip
    found: dict[type[ast.AST], tuple[str, ...]] = {}
    for parent in ast.AST.__subclasses__():
        kinds = parent.__subclasses__() if parent.__name__ in parents else [parent] if parent in others else []
        for kind in kinds:
            if kind not in _LEAVES:
                fields = _REORDERED.get(kind, kind._fields)
                found[kind] = tuple(name for name in fields if name in kind._fields and name not in unused)
    return found


_FIELDS = _fields()


def _key(node: ast.AST) -> tuple[int, int]:
    return node.lineno, node.col_offset  # type: ignore[attr-defined]  # arguments and keywords all have a place


def _call(node: ast.Call) -> Iterator[ast.AST | None]:
    yield node.func
    if node.keywords and any(isinstance(item, ast.Starred) for item in node.args):
        yield from sorted([*node.args, *node.keywords], key=_key)
    else:
        yield from node.args
        yield from node.keywords


def _dict(node: ast.Dict) -> Iterator[ast.AST | None]:
    for key, value in zip(node.keys, node.values, strict=True):
        yield key
        yield value


def _arguments(node: ast.arguments) -> Iterator[ast.AST | None]:
    positional = [*node.posonlyargs, *node.args]
    without: list[ast.expr | None] = [None] * (len(positional) - len(node.defaults))
    for argument, default in zip(positional, [*without, *node.defaults], strict=True):
        yield argument
        yield default
    yield node.vararg
    for argument, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        yield argument
        yield default
    yield node.kwarg


_CHILDREN: dict[type[ast.AST], Callable[[Any], Iterator[ast.AST | None]]] = {
    ast.Call: _call,
    ast.Dict: _dict,
    ast.arguments: _arguments,
}


class _Walk:
    """Collects the nodes of each kind; inside an f-string of an older Python the string stands for them."""

    def __init__(self) -> None:
        self.found: dict[SiteKind, list[tuple[ast.AST, ast.AST | None]]] = {kind: [] for kind in KINDS}
        self._string: ast.AST | None = None

    def walk(self, node: Any, depth: int = 0) -> None:
        kind = node.__class__
        if kind is ast.BoolOp:
            depth += len(node.values)  # libcst nests `a and b and c`
        if depth > MAX_DEPTH:
            raise RecursionError
        if kind in _KIND_OF:
            self.found[_KIND_OF[kind]].append((node, self._string))
        elif kind is ast.Attribute and node.ctx.__class__ is ast.Store:
            self.found["assign"].append((node, self._string))
        elif kind is ast.JoinedStr and not _NESTED_POSITIONS and self._string is None:
            self._string = node
            self._children(node, kind, depth + 1)
            self._string = None
            return
        self._children(node, kind, depth + 1)

    def _children(self, node: Any, kind: type[ast.AST], depth: int) -> None:
        if kind in _CHILDREN:
            for child in _CHILDREN[kind](node):
                if child.__class__ in _FIELDS:
                    self.walk(child, depth)
            return
        for name in _FIELDS[kind]:
            part = getattr(node, name)
            if part.__class__ in _FIELDS:
                self.walk(part, depth)
            elif part.__class__ is list:
                for child in part:
                    if child.__class__ in _FIELDS:
                        self.walk(child, depth)


class _Places:
    """Turns places of nodes into positions of the file. `above` is how many lines of the file stand above `source`;
    with `parsed`, the nodes are those of `source` alone."""

    def __init__(self, source: str, above: int, *, parsed: bool) -> None:
        self._source = source
        self._lines: list[str] | None = None
        self._is_ascii = source.isascii()
        self._shift = above if parsed else 0
        self._first = 1 if parsed else above + 1

    def _line(self, line: int) -> str:
        if self._lines is None:
            self._lines = ast_lines(self._source)
        return self._lines[line - self._first]

    def _column(self, line: int, offset: int) -> int:
        if self._is_ascii:
            return offset + 1
        return len(self._line(line).encode()[:offset].decode(errors="replace")) + 1

    def span(self, line: int, offset: int, end_line: int, end_offset: int) -> Position:
        shift = self._shift
        return Position(line + shift, self._column(line, offset), end_line + shift, self._column(end_line, end_offset))

    def of(self, node: Any, end: Any = None) -> Position:
        """From the start of `node` to the end of `end`, or of `node` itself."""
        last = end or node
        return self.span(node.lineno, node.col_offset, last.end_lineno, last.end_col_offset)

    def call(self, node: ast.Call) -> Position:
        """A call; in a chain over several lines from the name of its method on."""
        function = node.func
        if not isinstance(function, ast.Attribute) or function.end_lineno == node.lineno:
            return self.of(node)
        offset = (function.end_col_offset or 0) - len(function.attr.encode())
        line, end, end_offset = function.end_lineno, node.end_lineno, node.end_col_offset
        return self.span(line or node.lineno, offset, end or node.lineno, end_offset or 0)

    def handler(self, node: ast.ExceptHandler) -> Position:
        """An `except` clause up to its colon."""
        if node.type is None:
            line, offset = node.lineno, node.col_offset + len("except")
        else:
            line, offset = node.type.end_lineno or node.lineno, node.type.end_col_offset or 0
        text = self._line(line).encode()
        colon = text.find(b":", offset)
        return self.span(node.lineno, node.col_offset, line, colon if colon >= 0 else offset)


def ast_lines(source: str) -> list[str]:
    """The lines of a parsed text, as `ast` counts them."""
    return source.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _header_end(node: Any) -> Any:
    """The last expression of a loop's or `with` statement's first line."""
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return node.items[-1].optional_vars or node.items[-1].context_expr
    return node.test if isinstance(node, ast.While) else node.iter


def _position(places: _Places, kind: SiteKind, node: Any, string: ast.AST | None) -> Position:
    if string is not None:
        return places.of(string)
    if kind == "handler":
        return places.handler(node)
    if kind == "call":
        return places.call(node)
    if kind in {"loop", "with"}:
        return places.of(node, _header_end(node))
    return places.of(node)


def _definition(tree: ast.Module, *, wrapped: bool) -> ast.stmt:
    first = tree.body[0]
    return first.body[0] if wrapped and isinstance(first, ast.If) else first


def outermost(tree: ast.Module) -> dict[int, ast.stmt]:
    """The functions that stand in no other, by the lines that they begin at."""
    found: dict[int, ast.stmt] = {}
    rest: list[Any] = [*tree.body]
    while rest:
        node = rest.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found[min([node.lineno, *(item.lineno for item in node.decorator_list)])] = node
            continue
        for name in _SUITES:
            rest += getattr(node, name, ())
    return found


def place_slice(
    lines: list[str], qualname: str, first_line: int, last_line: int, node: ast.stmt | None = None
) -> tuple[str, SliceSites]:
    """The text to parse for a function's slice, and where its constructs stand. `node` is the function where the file
    has been parsed; else its text is."""
    source, offset = slice_source(lines, first_line, last_line)
    root = _definition(ast.parse(source), wrapped=offset == first_line - 2) if node is None else node
    places = _Places(source, offset, parsed=node is None)
    span = places.of(root)._replace(line=first_line)
    return source, _sites(places, root, qualname, span)


def place_module(text: str, qualname: str, tree: ast.Module | None = None) -> SliceSites:
    """Where the constructs of a whole file stand. `tree` is the file where it has been parsed."""
    lines = ast_lines(text)
    span = Position(1, 1, len(lines), len(lines[-1]) + 1)
    return _sites(_Places(text, 0, parsed=True), tree or ast.parse(text), qualname, span)


def _sites(places: _Places, root: ast.AST, qualname: str, span: Position) -> SliceSites:
    walk = _Walk()
    walk.walk(root)
    at = {
        kind: tuple(_position(places, kind, node, string) for node, string in found)
        for kind, found in walk.found.items()
    }
    return SliceSites(qualname, span, at["call"], at["compare"], at["handler"], at["assign"], at["loop"], at["with"])
