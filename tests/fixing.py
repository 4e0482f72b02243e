"""For tests of fixes: facts of a text as far as rewriting needs them, targets by their source, fixed texts."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator

from lockcheck.facts import ModuleFacts, Position, SiteKind, SliceSites
from lockcheck.findings import Edit
from lockcheck.fixes.apply import apply
from lockcheck.fixes.lines import Lines
from lockcheck.fixes.realise import Refusal, realise
from lockcheck.plans import Plan, Target
from lockcheck.reading.positions import place_module, place_slice
from lockcheck.reading.sites import source_lines

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
    lines = Lines(text)
    found = [
        Target(PATH, sites.qualname, kind, index)
        for sites in facts_of(text).slices
        for index, position in enumerate(_positions(sites, kind))
        if _source(lines, position).endswith(ending)
    ]
    return found[number]


def _positions(sites: SliceSites, kind: SiteKind) -> tuple[Position, ...]:
    positions: tuple[Position, ...] = getattr(sites, "with_" if kind == "with" else kind)
    return positions


def _source(lines: Lines, position: Position) -> str:
    start = lines.offset(position.line, position.column)
    return lines.text[start : lines.offset(position.end_line, position.end_column)]


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
