"""The conditions of a chain: its `.where(..)` links, moved into a subselect or taken out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from lockcheck.fixes.chains import WHERE, Chain, Link, comment_after
from lockcheck.fixes.layout import link_moved, moved
from lockcheck.fixes.slices import Change, Refused, Slice

_BINDS_LESS = (
    cst.Comparison,
    cst.BooleanOperation,
    cst.IfExp,
    cst.Lambda,
    cst.NamedExpr,
    cst.Yield,
    cst.GeneratorExp,
    cst.StarredElement,
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A `.where(..)` link as it is written elsewhere. `comments` stand on lines above it, `tail` on its last line."""

    comments: tuple[str, ...]
    code: str
    tail: str

    @property
    def is_plain(self) -> bool:
        return not self.comments and not self.tail and "\n" not in self.code and "\r" not in self.code


def conditions(part: Slice, chain: Chain, model: str, indent: str) -> list[Condition]:
    """The conditions of a chain as `.where(..)` links of a select, on lines indented by `indent`."""
    return [
        Condition(
            tuple(own_comments(part, link)),
            link_moved(part, link, indent, as_where(part, link, model)),
            f"  {comment}" if (comment := tail_comment(part, chain, link)) else "",
        )
        for link in chain.wheres()
    ]


def arguments(part: Slice, chain: Chain, link: Link, model: str, indent: str) -> Iterator[Condition]:
    """The arguments of a `.where(..)` link, with the comments around them, for lines indented by `indent`."""
    renames = as_where(part, link, model)
    comments, at = own_comments(part, link), part.text.index("(", part.span(link.call.func)[1]) + 1
    for number, arg in enumerate(link.call.args):
        start, end = part.span(arg)[0], part.span(arg.value)[1]
        following = link.call.args[number + 1 : number + 2]
        stop = part.span(following[0])[0] if following else link.end - 1
        comments += _comment_lines(part.text[at:start])
        tail = _tail(part.text[end:stop]) or ("" if following else tail_comment(part, chain, link))
        yield Condition(tuple(comments), moved(part, (start, end), indent, renames), f"  {tail}" if tail else "")
        comments, at = [], end


def _comment_lines(gap: str) -> list[str]:
    return [line.strip() for line in gap.splitlines()[1:] if line.strip().startswith("#")]


def _tail(gap: str) -> str:
    """The comment behind a comma on the same line."""
    first = gap.splitlines()[0] if gap else ""
    return f"#{first.partition('#')[2]}".rstrip() if "#" in first else ""


def own_comments(part: Slice, link: Link) -> list[str]:
    """The comments on lines of their own ahead of a link."""
    lines = part.text[link.begin : link.dot].splitlines()[1:]
    return [line.strip() for line in lines if line.strip().startswith("#")]


def tail_comment(part: Slice, chain: Chain, link: Link) -> str:
    """The comment at the end of a link's last line; behind the last link of a chain it belongs to what is around it."""
    return comment_after(part, link.end) if link.end != chain.end else ""


def as_where(part: Slice, link: Link, model: str) -> list[Change]:
    """What turns `.filter(..)` and `.filter_by(..)` into `.where(..)`."""
    if link.name == "where" or not isinstance(link.call.func, cst.Attribute):
        return []
    rename = Change(*part.span(link.call.func.attr), "where")
    return [rename, *(_compared(part, link.call.args, model) if link.name == "filter_by" else ())]


def _compared(part: Slice, args: Sequence[cst.Arg], model: str) -> list[Change]:
    """`name=value` as `model.name == value`."""
    changes = []
    for arg in args:
        if arg.keyword is None:
            raise Refused("the keywords of filter_by() are not written out")
        start, end = part.span(arg.value)
        changes.append(Change(part.span(arg)[0], start, f"{model}.{arg.keyword.value} == "))
        negated = isinstance(arg.value, cst.UnaryOperation) and isinstance(arg.value.operator, cst.Not)
        if (negated or isinstance(arg.value, _BINDS_LESS)) and not arg.value.lpar:
            changes += [Change(start, start, "("), Change(end, end, ")")]
    return changes


def require_complete(part: Slice, chain: Chain) -> None:
    """Refused where the statement gets further conditions later: `q = update(..)`, `q = q.where(..)`."""
    name = assigned_name(part, chain.value)
    if name is None:
        return
    for node in _nodes(part.root):
        if not isinstance(node, cst.Call):
            continue
        on = node.func.value if isinstance(node.func, cst.Attribute) else None
        if isinstance(on, cst.Name) and on.value == name and _leads_to_where(part, node):
            raise Refused(f"`{name}` gets further conditions in another statement")
        if _is_rebound(part, node, name) and not (isinstance(on, cst.Name) and on.value == name):
            raise Refused(f"`{name}` is built further in another statement")


def assigned_name(part: Slice, value: cst.BaseExpression) -> str | None:
    """The variable that an expression is assigned to."""
    parent = part.parent(value)
    if isinstance(parent, cst.Assign) and len(parent.targets) == 1:
        target: cst.BaseExpression = parent.targets[0].target
    elif isinstance(parent, (cst.AnnAssign, cst.NamedExpr)):
        target = parent.target
    else:
        return None
    return target.value if isinstance(target, cst.Name) else None


def _leads_to_where(part: Slice, call: cst.Call) -> bool:
    at: cst.CSTNode | None = call
    while isinstance(at, (cst.Call, cst.Attribute)):
        if isinstance(at, cst.Attribute) and at.attr.value in WHERE:
            return True
        if isinstance(at, cst.Call) and isinstance(at.func, cst.Attribute) and at.func.attr.value in WHERE:
            return True
        at = part.parent(at)
    return False


def _is_rebound(part: Slice, call: cst.Call, name: str) -> bool:
    """Whether a call takes the variable and its result is bound to it again: `q = extend(q)`."""
    takes = any(isinstance(arg.value, cst.Name) and arg.value.value == name for arg in call.args)
    statement = part.enclosing(call, cst.Assign)
    targets = statement.targets if takes and statement is not None else ()
    return any(isinstance(item.target, cst.Name) and item.target.value == name for item in targets)


def _nodes(root: cst.CSTNode) -> list[cst.CSTNode]:
    found = [root]
    for node in found:
        found.extend(node.children)
    return found
