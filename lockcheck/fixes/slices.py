"""A slice of a file, ready to be rewritten: its nodes by site number, their places, and changes of the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeVar

import libcst as cst

from lockcheck.facts import ModuleFacts, SiteKind
from lockcheck.findings import Edit, Place
from lockcheck.fixes.lines import Lines
from lockcheck.fixes.spans import Layout, Span, below, measure
from lockcheck.plans import Target
from lockcheck.reading.sites import number, parse_slice, slice_node

Node = TypeVar("Node", bound=cst.CSTNode)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plan cannot be carried out where it points: one sentence."""

    reason: str


class Refused(Exception):  # noqa: N818  carries a refusal out of nested functions; it never leaves this package
    """Raised where a rewrite meets code that it has no form for."""


class Change(NamedTuple):
    """Replace `text[start:end]`; offsets in the whole file."""

    start: int
    end: int
    text: str


@lru_cache(maxsize=16)
def _parsed(text: str, lines: tuple[int, int] | None) -> tuple[cst.Module, Layout]:
    """These lines of a text, or all of it; fixes in one function share them."""
    module = cst.parse_module(text) if lines is None else parse_slice(text, *lines)
    return module, measure(module)


class Slice:
    """One parsed slice. All offsets are those of the file's text."""

    def __init__(self, text: str, facts: ModuleFacts, name: str) -> None:
        found = next((sites for sites in facts.slices if sites.qualname == name), None)
        if found is None:
            raise Refused(f"{name} is not in {facts.path}")
        self.text = text
        self.path = facts.path
        self.lines = Lines(text)
        whole = name == f"{facts.module}.<body>"
        self.first_line = 1 if whole else found.span.line
        self.module, self._layout = _parsed(text, None if whole else (found.span.line, found.span.end_line))
        self.root: cst.CSTNode = self.module if whole else slice_node(self.module)
        self._shift = self._shifted()

    def _shifted(self) -> int:
        start = self.lines.starts[self.first_line - 1]
        header = len("if 1:\n") if self.root is not self.module and self.module.body[0] is not self.root else 0
        if not self.text.startswith(self._layout.text[header:].rstrip("\r\n"), start):
            raise Refused("the parser does not reproduce the function's text")
        return start - header

    # --- finding nodes --------------------------------------------------------------------------------------

    def node(self, target: Target) -> cst.CSTNode:
        """The construct that a target names."""
        nodes = self._numbered[target.kind]
        if target.index >= len(nodes):
            raise Refused("the construct is not there any more")
        return nodes[target.index]

    def call(self, target: Target) -> cst.Call:
        node = self.node(target)
        if not isinstance(node, cst.Call):
            raise Refused("the construct is not a call")
        return node

    @cached_property
    def _numbered(self) -> dict[SiteKind, list[cst.CSTNode]]:
        return number(self.root)

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        return self._layout.parents.get(id(node))

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What stands around a node, from the inside out."""
        at = self.parent(node)
        while at is not None:
            yield at
            at = self.parent(at)

    def enclosing(self, node: cst.CSTNode, kind: type[Node]) -> Node | None:
        return next((item for item in self.ancestors(node) if isinstance(item, kind)), None)

    def statement(self, node: cst.CSTNode) -> cst.SimpleStatementLine:
        """The statement that a node is part of, where it has its lines for itself."""
        line = self.enclosing(node, cst.SimpleStatementLine)
        if line is None or len(line.body) != 1:
            raise Refused("the statement shares its line with others or stands behind a colon")
        return line

    # --- places ---------------------------------------------------------------------------------------------

    def span(self, node: cst.CSTNode) -> Span:
        """From the first to the last character of a node, its parentheses included."""
        start, end = self._layout.spans[id(node)]
        return start + self._shift, end + self._shift

    def inner(self, node: cst.BaseExpression) -> Span:
        """The span of an expression without the parentheses around it."""
        start, end = self.span(node)
        if node.lpar:
            start, end = self.span(node.lpar[-1])[1], self.span(node.rpar[0])[0]
        return start, end

    def code(self, node: cst.CSTNode) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def inner_code(self, node: cst.BaseExpression) -> str:
        start, end = self.inner(node)
        return self.text[start:end]

    def body_start(self, line: cst.SimpleStatementLine) -> int:
        """Where the first small statement of a line begins: after comments above it and its indentation."""
        return self.span(line.body[0])[0]

    def indent_at(self, offset: int) -> str:
        """The whitespace that begins the line of an offset."""
        return self.lines.indent(offset)

    @property
    def unit(self) -> str:
        """One step of indentation, as this slice steps."""
        body = self.root.body if isinstance(self.root, cst.FunctionDef) else None
        indent = body.indent if isinstance(body, cst.IndentedBlock) else None
        return indent or self.module.default_indent

    # --- rewriting ------------------------------------------------------------------------------------------

    def rendered(self, span: Span, changes: Sequence[Change]) -> str:
        """The text of a span with the changes that lie in it."""
        parts, at = [], span[0]
        for change in sorted(changes):
            if span[0] <= change.start and change.end <= span[1]:
                parts += [self.text[at : change.start], change.text]
                at = change.end
        return "".join([*parts, self.text[at : span[1]]])

    def is_in_string(self, offset: int) -> bool:
        """Whether an offset lies inside a string literal, whose text must not be indented."""
        return any(start < offset < end for start, end in self._strings)

    @cached_property
    def _strings(self) -> list[Span]:
        found, rest = [], [self.root]
        while rest:
            node = rest.pop()
            if isinstance(node, (cst.SimpleString, cst.FormattedString)):
                found.append(self.inner(node))
            else:
                rest.extend(below(node))
        return found

    def comments(self, span: Span) -> list[str]:
        """The comments in a span, in their order."""
        found, rest = [], [self.root]
        while rest:
            node = rest.pop()
            if isinstance(node, cst.Comment) and span[0] <= self.span(node)[0] < span[1]:
                found.append(node)
            rest.extend(below(node))
        return [node.value for node in sorted(found, key=self.span)]

    def edits(self, changes: Sequence[Change]) -> tuple[Edit, ...]:
        """Changes as edits, in the order of their places; new lines end as the file's lines do."""
        return tuple(
            Edit(
                Place(self.path, *self.lines.position(change.start), *self.lines.position(change.end)),
                change.text.replace("\r\n", "\n").replace("\n", self.lines.newline),
            )
            for change in sorted(changes, key=lambda change: change[:2])
        )
