"""Method chains such as `select(..).where(..).with_for_update(..)`: their links and how they are laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import libcst as cst

from lockcheck.fixes.slices import Refused, Slice

WHERE = frozenset({"where", "filter", "filter_by"})
_ROOTS = frozenset({"select", "update", "delete", "insert", "query"})


Root: TypeAlias = cst.Call | cst.Attribute


@dataclass(frozen=True, slots=True)
class Link:
    """One call of a chain. `begin` is where the value before it ends, `dot` its dot, `end` the place behind its `)`."""

    name: str
    call: cst.Call
    begin: int
    dot: int
    end: int


@dataclass(frozen=True, slots=True)
class Chain:
    """`root` is the call that begins the statement, or the `Model.query` that does; `value` the whole expression,
    parentheses left out."""

    root: Root
    value: cst.Call
    start: int
    root_end: int
    links: tuple[Link, ...]

    @property
    def end(self) -> int:
        return self.links[-1].end if self.links else self.root_end

    @property
    def head(self) -> str | None:
        """The name of what begins the statement."""
        return callee(self.root) if isinstance(self.root, cst.Call) else self.root.attr.value

    def wheres(self) -> tuple[Link, ...]:
        return tuple(link for link in self.links if link.name in WHERE)

    def link_of(self, call: cst.Call) -> Link | None:
        return next((link for link in self.links if link.call is call), None)


def method(call: cst.Call) -> str | None:
    """The name of the method that a call calls."""
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else None


def callee(call: cst.Call) -> str | None:
    """The last part of the name of what a call calls."""
    return call.func.value if isinstance(call.func, cst.Name) else method(call)


def root_of(call: cst.Call) -> Root:
    """The call at the head of the chain that ends in `call`, or the `Model.query` there."""
    at = call
    while (inner := called_on(at)) is not None and method(at) != "query":
        if callee(at) in _ROOTS and not _has_root(inner):  # `make_table().update()`
            return at
        at = inner
    return _class_query(at) or at


def _class_query(call: cst.Call) -> cst.Attribute | None:
    """The `Model.query` whose method a call calls."""
    value = call.func.value if isinstance(call.func, cst.Attribute) else None
    return value if isinstance(value, cst.Attribute) and value.attr.value == "query" else None


def called_on(call: cst.Call) -> cst.Call | None:
    """The call whose result a method is called on."""
    value = call.func.value if isinstance(call.func, cst.Attribute) else None
    return value if isinstance(value, cst.Call) else None


def _has_root(call: cst.Call) -> bool:
    """Whether the chain that ends in this call begins a statement."""
    at: cst.Call | None = call
    while at is not None:
        if callee(at) in _ROOTS or _class_query(at) is not None:
            return True
        at = called_on(at)
    return False


def chain_at(part: Slice, call: cst.Call) -> Chain:
    """The chain that a call is a link or the head of, up to its last call."""
    root = root_of(call)
    links: list[Link] = []
    at, value = root, call
    while (link := _next(part, at)) is not None:
        links.append(link)
        at = value = link.call
    start, root_end = part.span(root) if links else part.inner(root)
    return Chain(root, value, start, root_end, tuple(links))


def _next(part: Slice, value: Root) -> Link | None:
    """The call of a method of a value."""
    attribute = part.parent(value)
    if not isinstance(attribute, cst.Attribute) or attribute.value is not value:
        return None
    outer = part.parent(attribute)
    return _link(part, outer, attribute) if isinstance(outer, cst.Call) and outer.func is attribute else None


def _link(part: Slice, call: cst.Call, attribute: cst.Attribute) -> Link:
    begin, at = part.span(attribute.value)[1], part.span(attribute.value)[1]
    while part.text[at] != ".":
        at = part.lines.line_end(at) if part.text[at] == "#" else at + 1
    return Link(attribute.attr.value, call, begin, at, part.inner(call)[1])


def is_broken(part: Slice, link: Link) -> bool:
    """Whether a link stands on a line of its own."""
    return "\n" in part.text[link.begin : link.dot] or "\r" in part.text[link.begin : link.dot]


def indentation(part: Slice, chain: Chain) -> str | None:
    """How the links of a chain are indented, None where they follow each other on a line."""
    for link in chain.links:
        if is_broken(part, link) and not part.lines.before(link.dot).strip():
            return part.lines.before(link.dot)
    return None


def comment_after(part: Slice, offset: int) -> str:
    """The comment that ends the line of an offset, "" where something else follows."""
    rest = part.text[offset : part.lines.line_end(offset)]
    return rest.strip() if rest.strip().startswith("#") else ""


def insert_before(part: Slice, link: Link, code: str) -> tuple[int, str]:
    """Where and how to put a new link ahead of one that is there."""
    if not is_broken(part, link) or part.lines.before(link.dot).strip():
        return link.dot, code
    return part.lines.next_line(link.begin), f"{part.lines.before(link.dot)}{code}{_line_end(part, link)}"


def insert_after(part: Slice, chain: Chain, link: Link | None, code: str) -> tuple[int, str]:
    """Where and how to put a new link behind `link`, or behind the head of the chain."""
    end = link.end if link else chain.root_end
    indent = indentation(part, chain)
    if indent is None:
        return end, code
    comment = part.lines.line_end(end) if comment_after(part, end) else end
    following = next((item for item in chain.links if item.begin >= end), None)
    slash = _line_end(part, following or chain.links[0]).rstrip("\r\n") if comment == end else ""
    return comment, f"{slash}\n{indent}{code}"


def _line_end(part: Slice, link: Link) -> str:
    """The line end ahead of a link: with a backslash where the chain goes on by those."""
    return " \\\n" if "\\" in part.text[link.begin : link.dot].split("#")[0] else "\n"


def require_method(part: Slice, call: cst.Call, *names: str) -> Link:
    """The link of a chain that a call is, if it calls one of these methods."""
    link = chain_at(part, call).link_of(call)
    if link is not None and link.name in names:
        return link
    if isinstance(call.func, cst.Attribute) and method(call) in names:  # of a variable: `statement.with_for_update()`
        return _link(part, call, call.func)
    raise Refused(f"the place is no call of {' or '.join(names)}()")
