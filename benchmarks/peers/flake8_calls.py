"""A flake8 plugin that reports four calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator

NAMES = {"with_for_update", "update", "delete", "merge"}


class Checker:
    name = "calls"
    version = "1"

    def __init__(self, tree: ast.AST) -> None:
        self.tree = tree

    def run(self) -> Iterator[tuple[int, int, str, type]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in NAMES:
                yield node.lineno, node.col_offset, "BEN001 a call", Checker
