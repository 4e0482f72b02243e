"""Import statements as text: where a new one goes, and how a name is put into one that is there."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import libcst as cst

from lockcheck.fixes.lines import Lines
from lockcheck.fixes.slices import Change, Slice
from lockcheck.fixes.spans import Span, measure
from lockcheck.reading.sites import parse_slice

WIDTH = 88
"""Columns that a line may have before it is broken."""


class Wanted(NamedTuple):
    """A name to import, and what it is called here."""

    module: str
    name: str
    local: str

    @property
    def code(self) -> str:
        return self.name if self.local == self.name else f"{self.name} as {self.local}"


def leading(tree: ast.Module) -> list[ast.Import | ast.ImportFrom]:
    """The imports at the head of a module, ahead of its first function or class."""
    found: list[ast.Import | ast.ImportFrom] = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            break
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.append(node)
    return found


# --- a new statement ----------------------------------------------------------------------------------------


def _code(names: Sequence[Wanted]) -> str:
    codes = [item.code for item in sorted(names, key=lambda item: _typed(item.name))]
    return f"from {names[0].module} import {', '.join(codes)}\n"


def new_line(part: Slice, tree: ast.Module, names: Sequence[Wanted]) -> Change:
    """A statement of its own at the head of the module, among the imports of the same package."""
    code, lines = _code(names), part.lines
    imports = [node for node in leading(tree) if getattr(node, "module", "") != "__future__"]
    root = names[0].module.partition(".")[0]
    related = [node for node in imports if _root(node) == root]
    if related:
        earlier = [node for node in related if isinstance(node, ast.Import) or (node.module or "") <= names[0].module]
        return _after(lines, earlier[-1], code) if earlier else _before(lines, related[0], code)
    if imports:
        absolute = [node for node in imports if isinstance(node, ast.Import) or node.level == 0]
        return _after(lines, (absolute or imports)[-1], code)
    return _first(lines, tree, code)


def _root(node: ast.Import | ast.ImportFrom) -> str:
    name = node.names[0].name if isinstance(node, ast.Import) else "" if node.level else node.module or ""
    return name.partition(".")[0]


def _after(lines: Lines, node: ast.stmt, code: str) -> Change:
    end = lines.starts[(node.end_lineno or node.lineno) - 1]
    at = lines.next_line(end)
    broken = at < len(lines.text) or lines.text.endswith(("\n", "\r"))
    return Change(at, at, code if broken else f"\n{code.rstrip()}")


def _before(lines: Lines, node: ast.stmt, code: str) -> Change:
    at = lines.starts[node.lineno - 1]
    return Change(at, at, code)


def _first(lines: Lines, tree: ast.Module, code: str) -> Change:
    """For a module that imports nothing: behind its docstring and `__future__` imports."""
    head = [node for node in tree.body if _is_docstring(node) or _is_future(node)]
    if head:
        change = _after(lines, head[-1], code)
        return change._replace(text=f"\n{change.text}")
    change = _before(lines, tree.body[0], code)
    return change._replace(text=f"{change.text}\n")


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def below(part: Slice, node: ast.stmt, names: Sequence[Wanted]) -> Change:
    """A statement on the line below another one, inside a function."""
    start = part.lines.starts[node.lineno - 1]
    change = _after(part.lines, node, _code(names))
    return change._replace(text=f"{part.lines.indent(start)}{change.text}")


# --- a statement that is there --------------------------------------------------------------------------------


class _Statement:
    """A `from .. import ..` statement with the places of its names."""

    def __init__(self, part: Slice, node: ast.ImportFrom) -> None:
        self.lines = part.lines
        module = parse_slice(part.text, node.lineno, node.end_lineno or node.lineno)
        code, self._spans, _ = measure(module)
        wrapped = code.startswith("if 1:\n") and part.text[part.lines.starts[node.lineno - 1]] in " \t\f"
        self._shift = part.lines.starts[node.lineno - 1] - (len("if 1:\n") if wrapped else 0)
        self.node, self.aliases = _find(module, node)
        self.spans = [self._place(alias) for alias in self.aliases]

    def _place(self, alias: cst.ImportAlias) -> Span:
        """The place of a name with its `as`, without the comma."""
        start, _ = self._spans[id(alias)]
        _, end = self._spans[id(alias.asname or alias.name)]
        return start + self._shift, end + self._shift

    @property
    def end(self) -> int:
        return self._spans[id(self.node)][1] + self._shift

    @property
    def start(self) -> int:
        return self._spans[id(self.node)][0] + self._shift

    def is_block(self) -> bool:
        """Whether each name stands on a line of its own."""
        return all(not self.lines.before(start).strip() for start, _ in self.spans)

    def has_last_comma(self) -> bool:
        return isinstance(self.aliases[-1].comma, cst.Comma)


def _find(module: cst.Module, wanted: ast.ImportFrom) -> tuple[cst.ImportFrom, Sequence[cst.ImportAlias]]:
    rest: list[cst.CSTNode] = [module]
    names = [alias.name for alias in wanted.names]
    while rest:
        node = rest.pop()
        aliases = node.names if isinstance(node, cst.ImportFrom) else cst.ImportStar()
        if isinstance(node, cst.ImportFrom) and not isinstance(aliases, cst.ImportStar):
            if [alias.evaluated_name for alias in aliases] == names:
                return node, aliases
        else:
            rest.extend(node.children)
    raise AssertionError("ast and libcst see the same statements")


def merged(part: Slice, node: ast.ImportFrom, names: Sequence[Wanted]) -> list[Change]:
    """Put names into a statement: in their place where its names are sorted, else behind the others."""
    statement = _Statement(part, node)
    key = _order([alias.evaluated_name for alias in statement.aliases])
    present = [alias.evaluated_name for alias in statement.aliases]
    gaps: dict[int, list[Wanted]] = {}
    for item in sorted(names, key=lambda item: (key or _typed)(item.name)):
        at = bisect_right([key(name) for name in present], key(item.name)) if key else len(present)
        gaps.setdefault(at, []).append(item)
    if statement.is_block() and statement.node.lpar:
        return [change for at, items in gaps.items() for change in _block_lines(statement, at, items)]
    changes = [_inline(statement, at, [item.code for item in items]) for at, items in gaps.items()]
    return _broken(statement, part, gaps) if _too_wide(statement, part, changes) else changes


def _block_lines(statement: _Statement, at: int, items: list[Wanted]) -> list[Change]:
    lines, last = statement.lines, statement.spans[-1]
    indent = lines.indent(last[0])
    code = "".join(f"{indent}{item.code},\n" for item in items)
    if at < len(statement.spans):
        place = lines.line_start(statement.spans[at][0])
        return [Change(place, place, code)]
    place = lines.next_line(last[1])
    if statement.has_last_comma():
        return [Change(place, place, code)]
    return [Change(last[1], last[1], ","), Change(place, place, f"{code[:-2]}\n")]


def _inline(statement: _Statement, at: int, codes: list[str]) -> Change:
    if at < len(statement.spans):
        place = statement.spans[at][0]
        return Change(place, place, "".join(f"{code}, " for code in codes))
    place = statement.spans[-1][1]
    return Change(place, place, "".join(f", {code}" for code in codes))


def _too_wide(statement: _Statement, part: Slice, changes: list[Change]) -> bool:
    """Whether a statement of one line that fits would not fit any more."""
    if part.lines.line_start(statement.start) != part.lines.line_start(statement.end):
        return False
    width = statement.end - part.lines.line_start(statement.start)
    return width <= WIDTH < width + sum(len(change.text) for change in changes)


def _broken(statement: _Statement, part: Slice, gaps: dict[int, list[Wanted]]) -> list[Change]:
    """The statement with its names in parentheses, one a line."""
    codes: list[str] = []
    for at in range(len(statement.spans) + 1):
        codes += [item.code for item in gaps.get(at, ())]
        codes += [part.text[slice(*span)] for span in statement.spans[at : at + 1]]
    base = part.lines.indent(statement.start)
    body = "".join(f"{base}{part.unit}{code},\n" for code in codes)
    first = part.text.rindex("import", statement.start, statement.spans[0][0])
    return [Change(first, statement.end, f"import (\n{body}{base})")]


def _typed(name: str) -> tuple[int, str, str]:
    """Constants, classes, the rest: the order of isort and ruff."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name.lower(), name


def _order(names: list[str]) -> Callable[[str], Any] | None:
    """The order that names are sorted in, None where they are not."""
    orders: tuple[Callable[[str], Any], ...] = (_typed, str.lower, str)
    return next((key for key in orders if names == sorted(names, key=key)), None)
