"""Code put elsewhere: indented anew, on one line where it fits, else broken as a formatter would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import libcst as cst

from lockcheck.fixes.chains import Chain, Link
from lockcheck.fixes.import_statements import WIDTH
from lockcheck.fixes.slices import Change, Slice
from lockcheck.fixes.spans import Span


def moved(part: Slice, span: Span, indent: str, changes: Sequence[Change] = ()) -> str:
    """The text of a span for a line indented by `indent`: the lines after its first are shifted as that one is."""
    return part.rendered(span, [*changes, *_shifts(part, span, indent)])


def link_moved(part: Slice, link: Link, indent: str, changes: Sequence[Change] = ()) -> str:
    """A link of a chain, as `moved` does it. A name on the line below its dot, which a backslash
    allows, comes up to it."""
    name = part.span(link.call.func.attr)[0] if isinstance(link.call.func, cst.Attribute) else link.dot + 1
    if part.text[link.dot + 1 : name].strip("\\ \t\r\n"):  # a comment
        return moved(part, (link.dot, link.end), indent, changes)
    return f".{moved(part, (name, link.end), indent, changes)}"


def _shifts(part: Slice, span: Span, indent: str) -> Iterator[Change]:
    old = part.indent_at(span[0])
    for start in part.lines.starts:
        if not span[0] < start < span[1] or part.is_in_string(start) or part.text[start : start + 1] in "\r\n":
            continue
        if part.text.startswith(old, start):
            yield Change(start, start + len(old), indent)


def has_line_end(part: Slice, span: Span) -> bool:
    text = part.text[slice(*span)]
    return "\n" in text or "\r" in text


def fits(part: Slice, change: Change) -> bool:
    """Whether the line that a change stands on stays within the width."""
    start, end = part.lines.line_start(change.start), part.lines.line_end(change.end)
    length = (change.start - start) + len(change.text) + (end - change.end)
    return "\n" not in change.text and length <= WIDTH


def outside(inner: Sequence[Change], outer: Sequence[Change]) -> list[Change]:
    """The changes that do not lie in the text that others replace."""
    return [
        change for change in inner if not any(item.start <= change.start and change.end <= item.end for item in outer)
    ]


Render = Callable[[str], str]
"""The code of an expression, given how the lines it stands on are indented."""


def spread(part: Slice, chain: Chain, dotted: Render, hugged: Render, inner: Sequence[Change]) -> list[Change]:
    """Put a chain that was written on one line over several. `dotted` has its links on lines of their own, which takes
    brackets around it; `hugged` breaks inside a link's brackets only."""
    base = part.indent_at(chain.start)
    span = (chain.start, chain.end)
    if not part.lines.before(chain.start).strip() and _bracketed(part, chain.value):
        return [Change(*span, dotted(base))]
    call = _only_broken_in(part, chain)
    if call is not None:
        return [_exploded(part, call, chain, dotted(base + part.unit), inner)]
    parent = part.parent(chain.value)
    if isinstance(parent, cst.Expr):
        return [Change(*span, hugged(base))]
    body = f"\n{base}{part.unit}{dotted(base + part.unit)}\n{base}"
    return [Change(*span, body if chain.value.lpar else f"({body})")]


def _bracketed(part: Slice, value: cst.BaseExpression) -> bool:
    return bool(value.lpar) or isinstance(part.parent(value), (cst.Arg, cst.Element, cst.DictElement))


def _only_broken_in(part: Slice, chain: Chain) -> cst.Call | None:
    """The call whose argument the chain is, when nothing else in its parentheses is broken over lines."""
    arg = part.parent(chain.value)
    call = part.parent(arg) if isinstance(arg, cst.Arg) else None
    if not isinstance(call, cst.Call) or chain.value.lpar:
        return None
    first, last = part.span(call.args[0])[0], part.inner(call)[1]
    apart = has_line_end(part, (first, chain.start)) or has_line_end(part, (chain.end, last))
    return None if apart or has_line_end(part, (part.span(call.func)[1], first)) else call


def _exploded(part: Slice, call: cst.Call, chain: Chain, code: str, inner: Sequence[Change]) -> Change:
    """The arguments of a call, each on lines of its own."""
    base = part.indent_at(chain.start)
    indent = base + part.unit
    spans = [(part.span(arg)[0], part.span(arg.value)[1]) for arg in call.args]
    codes = [
        moved(part, (start, chain.start), indent) + code
        if start <= chain.start < end
        else moved(part, (start, end), indent, inner)
        for start, end in spans
    ]
    comma = "," if len(codes) > 1 else ""
    body = ",\n".join(f"{indent}{item}" for item in codes)
    open_end = part.text.index("(", part.span(call.func)[1]) + 1
    return Change(open_end, part.inner(call)[1] - 1, f"\n{body}{comma}\n{base}")


def call_code(head: str, links: Sequence[str], indent: str, unit: str, *, prefix: str = "", suffix: str = "") -> str:
    """`prefix` head.link().link() `suffix` on one line where it fits, else the chain in parentheses, a link a line.

    `prefix` ends in an opening parenthesis or `= `; a chain behind `= ` gets parentheses of its own.
    """
    line = f"{indent}{prefix}{head}{''.join(links)}{suffix}"
    if len(line) <= WIDTH:
        return line
    deeper = indent + unit
    opened, closed = ("", "") if prefix.endswith("(") else ("(", ")")
    whole = f"{deeper}{head}{''.join(links)}"
    lines = [whole] if len(whole) <= WIDTH else [f"{deeper}{head}", *(f"{deeper}{link}" for link in links)]
    return "\n".join([f"{indent}{prefix}{opened}", *lines, f"{indent}{closed}{suffix}"])


def arguments_code(codes: Sequence[str], indent: str, unit: str, *, prefix: str, suffix: str) -> list[str]:
    """A call with its arguments on one line where they fit, else each on a line of its own."""
    line = f"{indent}{prefix}{', '.join(codes)}{suffix}"
    if len(line) <= WIDTH and "\n" not in line:
        return [line]
    comma = "," if len(codes) > 1 else ""
    body = ",\n".join(f"{indent}{unit}{code}" for code in codes)
    return [f"{indent}{prefix}", f"{body}{comma}", f"{indent}{suffix}"]
