"""The imports of one file, as absolute names."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

FUNCTION_LEVEL = 9
"""The rank of an import inside a function, below all others."""


class Imports:
    """Local names and what they stand for. An import of a lower rank wins; of the same rank the last one does."""

    def __init__(self, module: str, *, is_package: bool) -> None:
        self._package = module if is_package else module.rpartition(".")[0]
        self._found: dict[str, tuple[str, int]] = {}
        self.stars: list[str] = []
        self._targets: dict[str, None] = {}
        self.statements = 0

    def add(self, node: ast.Import | ast.ImportFrom, rank: int) -> None:
        self.statements += 1
        for name, target in self._bindings(node):
            if name == "*":
                self.stars.append(target)
                continue
            old = self._found.get(name)
            if old is None or rank <= old[1]:
                self._found[name] = (target, rank)

    def of_function(self, nodes: Iterable[ast.Import | ast.ImportFrom]) -> Mapping[str, str]:
        """The imports inside one function; they also stand for the file where nothing better does."""
        found = {name: target for node in nodes for name, target in self._bindings(node) if name != "*"}
        for name, target in found.items():
            self._found.setdefault(name, (target, FUNCTION_LEVEL))
        return found

    def by_name(self) -> dict[str, str]:
        return {name: target for name, (target, _) in self._found.items()}

    def besides(self, bound: Iterable[str]) -> tuple[str, ...]:
        """What is imported besides what a name is bound to: `a.b` of `import a.b`, and what another import replaces."""
        known = set(bound)
        return tuple(target for target in self._targets if target not in known)

    def _bindings(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._targets[alias.name] = None
                yield (alias.asname, alias.name) if alias.asname else ((alias.name.partition(".")[0],) * 2)
            return
        base = self._base(node)
        for alias in node.names:
            if alias.name == "*":
                yield "*", base
            else:
                target = f"{base}.{alias.name}" if base else alias.name
                self._targets[target] = None
                yield alias.asname or alias.name, target

    def _base(self, node: ast.ImportFrom) -> str:
        """The module that names are imported from; a relative one that leaves the top package is taken as written."""
        if not node.level:
            return node.module or ""
        parts = self._package.split(".")
        kept = parts[: len(parts) - node.level + 1] if node.level <= len(parts) else []
        return ".".join([*kept, node.module] if node.module else kept)


_BLOCKS: Mapping[type, tuple[str, ...]] = {
    ast.FunctionDef: ("body",),
    ast.AsyncFunctionDef: ("body",),
    ast.ClassDef: ("body",),
    ast.With: ("body",),
    ast.AsyncWith: ("body",),
    ast.ExceptHandler: ("body",),
    ast.match_case: ("body",),
    ast.If: ("orelse", "body"),
    ast.For: ("orelse", "body"),
    ast.AsyncFor: ("orelse", "body"),
    ast.While: ("orelse", "body"),
    ast.Match: ("cases",),
    ast.Try: ("finalbody", "orelse", "handlers", "body"),
    getattr(ast, "TryStar", ast.Try): ("finalbody", "orelse", "handlers", "body"),
}
"""By class of a node, the fields that hold statements, last ones first."""


def imports_inside(function: ast.AST) -> list[ast.Import | ast.ImportFrom]:
    """The imports of a function's body, nested blocks and functions included, in source order."""
    found: list[ast.Import | ast.ImportFrom] = []
    stack: list[ast.AST] = [function]
    while stack:
        node = stack.pop()
        blocks = _BLOCKS.get(node.__class__)
        if blocks is not None:
            for name in blocks:
                stack += reversed(getattr(node, name))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.append(node)
    return found
