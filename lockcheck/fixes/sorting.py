"""Sorted iterables: of a loop that locks row after row, of the rows of a multi-row INSERT."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.chains import callee, chain_at
from lockcheck.fixes.names import bound, inside, tree_of
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.plans import SortIterable, SortRows

_COPIES = frozenset({"list", "tuple", "iter"})
_FINITE = _COPIES | frozenset(
    {"set", "frozenset", "dict", "items", "keys", "values", "all", "fetchall", "scalars", "copy", "union", "execute"}
)
"""Calls whose result can be sorted: it is no generator with effects of its own."""

_PLAIN = (cst.Name, cst.Attribute, cst.Subscript, cst.List, cst.Set, cst.ListComp, cst.SetComp, cst.Await)


def sort_iterable(part: Slice, plan: SortIterable) -> list[Change]:
    node = part.node(plan.loop)
    if not isinstance(node, cst.For):
        raise Refused("the construct is no for loop")
    if node.asynchronous is not None:
        raise Refused("an asynchronous iterator cannot be sorted")
    if isinstance(node.iter, cst.Call):
        _require_finite(part, node.iter)
    name = node.target.value if isinstance(node.target, cst.Name) else "row"
    read = {"objects": f"{name}.{{}}", "entries": f'{name}["{{}}"]'}.get(plan.form)
    return _sorted(part, node.iter, _by(name, [read.format(key) for key in plan.key]) if read else "")


def _require_finite(part: Slice, call: cst.Call) -> None:
    if callee(call) not in _FINITE or "yield_per" in part.code(call):
        raise Refused("what the loop walks may be an iterator that should not be read to its end first")


def sort_rows(part: Slice, plan: SortRows) -> list[Change]:
    chain = chain_at(part, part.call(plan.insert))
    given = [link.call.args for link in chain.links if link.name == "values"]
    args = [arg for call_args in given for arg in call_args] or list(part.call(plan.execution).args[1:])
    rows = [arg for arg in args if not arg.star and (arg.keyword is None or arg.keyword.value == "params")]
    if len(rows) != 1 or len(args) != 1:
        raise Refused("the rows are handed over in a form that has no place for sorted()")
    return _sorted(part, rows[0].value, _by("row", [f'row["{name}"]' for name in plan.key]))


def _by(name: str, parts: list[str]) -> str:
    whole = parts[0] if len(parts) == 1 else f"({', '.join(parts)})"
    return f"lambda {name}: {whole}"


def _sorted(part: Slice, value: cst.BaseExpression, key: str) -> list[Change]:
    """`sorted(value)`; what copies a value anyway is replaced."""
    names = (name for node in inside(tree_of(part.text)) for name in bound(node))
    if "sorted" in names:
        raise Refused("sorted is another function here")
    ending = f", key={key})" if key else ")"
    start, end = part.span(value)
    if isinstance(value, cst.Call) and _copies(value):
        return [Change(*part.span(value.func), "sorted"), Change(end - 1, end, ending)]
    if not isinstance(value, (*_PLAIN, cst.Call)) and not value.lpar:
        raise Refused("what the loop walks is no single value")
    return [Change(start, start, "sorted("), Change(end, end, ending)]


def _copies(call: cst.Call) -> bool:
    """Whether a call is `list(value)` or `tuple(value)`, without a comma or line break behind the value."""
    plain = isinstance(call.func, cst.Name) and call.func.value in _COPIES and not call.lpar
    return plain and len(call.args) == 1 and not call.args[0].star and call.args[0].comma is cst.MaybeSentinel.DEFAULT
