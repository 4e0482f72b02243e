"""A Fixit rule that reports four calls."""

from __future__ import annotations

import libcst as cst
from fixit import LintRule

NAMES = {"with_for_update", "update", "delete", "merge"}


class Calls(LintRule):
    MESSAGE = "a call"

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802 - libcst's name
        name = node.func.attr.value if isinstance(node.func, cst.Attribute) else getattr(node.func, "value", "")
        if name in NAMES:
            self.report(node)
