"""What becomes of the result of an executed write: nothing, its rowcount, or more than a rewrite can keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from lockcheck.fixes.slices import Change, Refused, Slice


@dataclass(frozen=True, slots=True)
class Usage:
    """`call` executes the write, `value` is it with its `await`, `count` the expression that reads its rowcount.

    `line` is the statement that holds them. `variable` is the name that the result is assigned to, `reads` are the
    expressions that read the rowcount of that name.
    """

    call: cst.Call
    value: cst.BaseExpression
    line: cst.SimpleStatementLine
    count: cst.BaseExpression | None
    variable: str | None
    reads: tuple[cst.BaseExpression, ...]

    @property
    def is_awaited(self) -> bool:
        return self.value is not self.call

    @property
    def is_counted(self) -> bool:
        return self.count is not None or bool(self.reads)


def usage_of(part: Slice, call: cst.Call, *, returns_count: bool) -> Usage:
    """How the result of a call is used. A legacy `query.update(..)` returns the count itself."""
    parent = part.parent(call)
    value: cst.BaseExpression = parent if isinstance(parent, cst.Await) else call
    line = part.statement(call)
    count = value if returns_count else _rowcount_of(part, value)
    whole, small = count or value, line.body[0]
    if isinstance(small, cst.Expr) and small.value is whole:
        return Usage(call, value, line, None, None, ())
    if count is not None and getattr(small, "value", None) is whole:
        return Usage(call, value, line, count, None, ())
    name = _only_target(small, whole)
    if name is None:
        raise Refused("the statement is executed inside another expression")
    return Usage(call, value, line, None, name, tuple(_reads(part, line, name)))


def replaced_reads(part: Slice, usage: Usage, name: str) -> list[Change]:
    """The later reads of the rowcount, from a variable that holds it."""
    return [Change(*part.span(read), name) for read in usage.reads]


def _only_target(small: cst.BaseSmallStatement, value: cst.BaseExpression) -> str | None:
    """The variable that a statement assigns the value to."""
    target = None
    if isinstance(small, cst.Assign) and small.value is value and len(small.targets) == 1:
        target = small.targets[0].target
    elif isinstance(small, cst.AnnAssign) and small.value is value:
        target = small.target
    return target.value if isinstance(target, cst.Name) else None


def _rowcount_of(part: Slice, value: cst.CSTNode) -> cst.BaseExpression | None:
    """`value.rowcount` or `getattr(value, "rowcount", 0)`, where that stands around the value."""
    parent = part.parent(value)
    if isinstance(parent, cst.Attribute) and parent.value is value and parent.attr.value == "rowcount":
        return parent
    call = part.parent(parent) if isinstance(parent, cst.Arg) else None
    if not isinstance(call, cst.Call) or call.args[0] is not parent or len(call.args) < 2:  # noqa: PLR2004  object and name
        return None
    name = call.args[1].value
    named = isinstance(name, cst.SimpleString) and name.evaluated_value == "rowcount"
    return call if named and isinstance(call.func, cst.Name) and call.func.value == "getattr" else None


def _reads(part: Slice, line: cst.SimpleStatementLine, name: str) -> Iterator[cst.BaseExpression]:
    """The rowcount reads of the variable. Refused where it is used for anything else."""
    block = part.parent(line)
    if not isinstance(block, (cst.IndentedBlock, cst.Module)):
        raise Refused("the statement stands behind a colon")
    (start, end), block_end = part.span(line), part.span(block)[1]
    rebound = _rebound(part, block.body, end, name)
    stop = part.span(rebound)[1] if rebound else len(part.text) + 1
    repeats = rebound is None and _in_loop(part, line)
    for use in uses(part, line, name):
        at = part.span(use)[0]
        if start <= at < end or at >= stop or (at < start and not repeats) or _is_target(part, use, rebound):
            continue
        read = _rowcount_of(part, use)
        if read is None or at < start or at >= block_end:
            raise Refused(f"`{name}` is used for more than its rowcount")
        yield read


def _rebound(part: Slice, body: Sequence[cst.CSTNode], end: int, name: str) -> cst.SimpleStatementLine | None:
    """The statement of the same block that gives the variable another value."""
    for item in body:
        small = item.body[0] if isinstance(item, cst.SimpleStatementLine) else None
        if part.span(item)[0] >= end and isinstance(small, cst.Assign) and _only_target(small, small.value) == name:
            return item if isinstance(item, cst.SimpleStatementLine) else None
    return None


def _is_target(part: Slice, use: cst.Name, line: cst.SimpleStatementLine | None) -> bool:
    return line is not None and part.enclosing(use, cst.AssignTarget) in getattr(line.body[0], "targets", ())


def _in_loop(part: Slice, line: cst.CSTNode) -> bool:
    for item in part.ancestors(line):
        if isinstance(item, (cst.For, cst.While)):
            return True
        if isinstance(item, cst.FunctionDef):
            return False
    return False


def uses(part: Slice, node: cst.CSTNode, name: str) -> Iterator[cst.Name]:
    """Where a variable is named in the function around a node."""
    scope = part.enclosing(node, cst.FunctionDef) or part.root
    rest: list[cst.CSTNode] = [scope]
    while rest:
        item = rest.pop()
        if isinstance(item, cst.Name) and item.value == name and not _is_label(part, item):
            yield item
        rest.extend(item.children)


def _is_label(part: Slice, name: cst.Name) -> bool:
    """Whether a name is an attribute's or a keyword's."""
    parent = part.parent(name)
    return (isinstance(parent, cst.Attribute) and parent.attr is name) or (
        isinstance(parent, cst.Arg) and parent.keyword is name
    )
