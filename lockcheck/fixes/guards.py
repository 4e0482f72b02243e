"""Conditions added: guards of a state column, and conditions that mind NULL."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.chains import Chain, callee, chain_at, comment_after, indentation, insert_after
from lockcheck.fixes.import_statements import WIDTH
from lockcheck.fixes.imports import Imports
from lockcheck.fixes.layout import fits, link_moved, moved, spread
from lockcheck.fixes.locks import columns
from lockcheck.fixes.ordered import is_query, require_whole
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.plans import AcceptNull, ExcludeNull, GuardState

_ROOTS = frozenset({"update", "delete", "select", "query"})


def guard_state(part: Slice, plan: GuardState, imports: Imports) -> list[Change]:
    """`.where(..)` on the state column, behind the other conditions."""
    chain = chain_at(part, part.call(plan.write))
    require_whole(part, chain, plan.model)
    column = columns(plan.model, (plan.column,), is_table=plan.is_table)[0]
    compared = _compared(column, plan)
    if plan.null_allowed and compared:
        terms = [f"{column}.is_(None)", compared]
        return _add(part, chain, f"{imports.name('sqlalchemy', 'or_')}(", terms)
    condition = f"{column}.is_(None)" if plan.null_allowed else compared
    if not condition:
        raise Refused("no state is known that may come before")
    return _add(part, chain, "", [condition])


def _compared(column: str, plan: GuardState) -> str:
    if len(plan.allowed) == 1:
        return f"{column} == {plan.allowed[0]}"
    if len(plan.forbidden) == 1:
        return f"{column} != {plan.forbidden[0]}"
    if plan.allowed:
        return f"{column}.in_([{', '.join(plan.allowed)}])"
    return f"{column}.not_in([{', '.join(plan.forbidden)}])" if plan.forbidden else ""


def exclude_null(part: Slice, plan: ExcludeNull) -> list[Change]:
    """`.where(column.is_not(None))` on a subquery."""
    return _add(part, chain_at(part, part.call(plan.select)), "", [f"{plan.column}.is_not(None)"])


def _add(part: Slice, chain: Chain, opened: str, terms: list[str]) -> list[Change]:
    """A further `.where(..)` behind the last one; `opened` is the call that joins the terms, if any."""
    if chain.head not in _ROOTS:
        raise Refused("the statement does not begin here")
    method = "filter" if is_query(chain) else "where"
    line = f".{method}({opened}{', '.join(terms)}{')' if opened else ''})"
    link = chain.wheres()[-1] if chain.wheres() else None
    indent = indentation(part, chain)
    if indent is not None:
        offset, code = insert_after(part, chain, link, _link(part, line, indent, opened, terms))
        return [Change(offset, offset, code)]
    at = link.end if link else chain.root_end
    change = Change(at, at, line)
    if fits(part, change) or not _is_statement(chain):
        return [change]

    def joined(indent: str, between: str) -> str:
        pieces = [moved(part, (chain.start, chain.root_end), indent)]
        if link is None:
            pieces.append(_link(part, line, indent, opened, terms))
        for item in chain.links:
            pieces.append(link_moved(part, item, indent))
            if item is link:
                pieces.append(_link(part, line, indent, opened, terms))
        return between.join(pieces)

    return spread(part, chain, lambda indent: joined(indent, f"\n{indent}"), lambda indent: joined(indent, ""), ())


def _is_statement(chain: Chain) -> bool:
    """Whether a chain is a write, which is laid out anew where it gets too long; a subquery is left on its line."""
    return chain.head in {"update", "delete", "query"}


def _link(part: Slice, line: str, indent: str, opened: str, terms: list[str]) -> str:
    """The new link, over several lines where it does not fit on one."""
    if len(indent) + len(line) <= WIDTH:
        return line
    unit = part.unit
    if not opened:
        return f"{line[: line.index('(')]}(\n{indent}{unit}{_broken(terms[0], indent + unit, unit)}\n{indent})"
    inner = f"{indent}{unit}{opened}{', '.join(terms)})"
    if len(inner) > WIDTH:
        inside = indent + unit + unit
        items = "".join(f"{inside}{_broken(term, inside, unit)},\n" for term in terms)
        inner = f"{indent}{unit}{opened}\n{items}{indent}{unit})"
    return f"{line[: line.index('(')]}(\n{inner}\n{indent})"


def _broken(term: str, indent: str, unit: str) -> str:
    """A comparison with a list, an item a line where it does not fit on one."""
    head, bracket, rest = term.partition("([")
    if len(indent) + len(term) < WIDTH or not bracket or not rest.endswith("])"):
        return term
    items = "".join(f"{indent}{unit}{unit}{item},\n" for item in rest.removesuffix("])").split(", "))
    return f"{head}(\n{indent}{unit}[\n{items}{indent}{unit}]\n{indent})"


# --- NULL in a comparison -------------------------------------------------------------------------------------


def accept_null(part: Slice, plan: AcceptNull, imports: Imports) -> list[Change]:
    """`or_(column.is_(None), comparison)`."""
    comparison = part.node(plan.comparison)
    if not isinstance(comparison, (cst.Comparison, cst.Call)):
        raise Refused("the construct is no comparison")
    column = plan.column or _column(part, comparison)
    node = _negated(part, comparison)
    terms = [f"{column}.is_(None)", part.inner_code(node)]
    start, end = part.span(node)
    change = Change(start, end, f"{imports.name('sqlalchemy', 'or_')}({', '.join(terms)})")
    alone = not part.lines.before(start).strip() and "\n" not in terms[1]
    if fits(part, change) or not alone or comment_after(part, end):
        return [change]
    indent = part.indent_at(start)
    items = "".join(f"{indent}{part.unit}{term},\n" for term in terms)
    return [Change(start, end, f"{imports.name('sqlalchemy', 'or_')}(\n{items}{indent})")]


def _column(part: Slice, comparison: cst.Comparison | cst.Call) -> str:
    """The column that is compared: `column != value`, `value != column`, `column.not_in(values)`."""
    found: cst.BaseExpression | None = None
    if isinstance(comparison, cst.Call):
        found = comparison.func.value if isinstance(comparison.func, cst.Attribute) else None
    elif len(comparison.comparisons) == 1:
        sides = [comparison.left, comparison.comparisons[0].comparator]
        found = next((side for side in sides if isinstance(side, cst.Attribute)), None)
    if not isinstance(found, (cst.Attribute, cst.Name)):
        raise Refused("the column of the comparison has no name there")
    return part.inner_code(found)


def _negated(part: Slice, node: cst.BaseExpression) -> cst.BaseExpression:
    """The expression with the `~` or `not_(..)` around it, which must not negate what is added."""
    at = node
    while True:
        parent = part.parent(at)
        outer = part.parent(parent) if isinstance(parent, cst.Arg) else parent
        inverted = isinstance(outer, cst.UnaryOperation) and isinstance(outer.operator, cst.BitInvert)
        called = isinstance(outer, cst.Call) and callee(outer) == "not_" and isinstance(parent, cst.Arg)
        if not isinstance(outer, (cst.UnaryOperation, cst.Call)) or not (inverted or called):
            return at
        at = outer
