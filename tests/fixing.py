"""For tests of fixes: facts of a text as far as rewriting needs them, targets by their source, fixed texts."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator

import libcst as cst

from lockcheck.facts import ModuleFacts, SiteKind
from lockcheck.findings import Edit
from lockcheck.fixes.apply import apply
from lockcheck.fixes.realise import Refusal, realise
from lockcheck.fixes.slices import Slice
from lockcheck.plans import Plan, Target
from lockcheck.reading.positions import place_module, place_slice
from lockcheck.reading.sites import number as sites_of
from lockcheck.reading.slicing import source_lines

PATH = "app.py"


def dedent(text: str) -> str:
    """A text written inside a test, without its indentation and the first line end."""
    return textwrap.dedent(text).lstrip("\n")


def facts_of(text: str) -> ModuleFacts:
    """The slices of a text: its functions and methods, and the module's body."""
    lines = source_lines(text)
    slices = [place_slice(lines, name, first, last)[1] for name, first, last in _functions(ast.parse(text))]
    return ModuleFacts("app", PATH, (*slices, place_module(text, "app.<body>")), ())


def _functions(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    for node in tree.body:
        for item in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
                owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
                first = min([item.lineno, *(d.lineno for d in item.decorator_list)])
                yield f"app.{owner}{item.name}", first, item.end_lineno or item.lineno


def target(text: str, ending: str, kind: SiteKind = "call", number: int = 0) -> Target:
    """The `number`-th construct whose source ends with `ending`, in functions ahead of the module's body."""
    facts = facts_of(text)
    found = [
        Target(PATH, sites.qualname, kind, index)
        for sites in facts.slices
        for part in [Slice(text, facts, sites.qualname)]
        for index, node in enumerate(sites_of(part.root)[kind])
        if _source(part, node).endswith(ending)
    ]
    return found[number]


def _source(part: Slice, node: cst.CSTNode) -> str:
    """The source of a construct, of a handler without its body."""
    if isinstance(node, (cst.ExceptHandler, cst.ExceptStarHandler)):
        return f"except {part.code(node.type)}" if node.type else "except"
    return part.inner_code(node) if isinstance(node, cst.BaseExpression) else part.code(node)


def edits(plan: Plan, text: str) -> tuple[Edit, ...]:
    """The edits of a plan that is not refused."""
    made = realise(plan, text, facts_of(text))
    assert not isinstance(made, Refusal), made.reason
    return made


def fixed(plan: Plan, text: str) -> str:
    """The text after a plan; it parses."""
    after = apply(text, edits(plan, text))
    ast.parse(after)
    return after


def refusal(plan: Plan, text: str) -> str:
    """Why a plan is refused."""
    made = realise(plan, text, facts_of(text))
    assert isinstance(made, Refusal), made
    return made.reason
