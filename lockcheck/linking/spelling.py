"""How a value reads in its function, where that is a plain name, a dotted name or an annotation."""

from __future__ import annotations

from collections.abc import Sequence

from lockcheck import facts


def callees(values: Sequence[facts.Value]) -> frozenset[str]:
    """The last names of what a function calls."""
    found = [values[value.func] for value in values if isinstance(value, facts.Call)]
    return frozenset([callee.name for callee in found if isinstance(callee, (facts.Name, facts.Attr, facts.Param))])


def named(values: Sequence[facts.Value], number: facts.Id) -> str | None:
    """The source of a plain or dotted name, None for anything else."""
    value = values[number]
    if isinstance(value, facts.Attr):
        base = named(values, value.base)
        return f"{base}.{value.name}" if base else None
    return value.name if isinstance(value, (facts.Name, facts.Param)) else None


def spelled(values: Sequence[facts.Value], number: facts.Id) -> str | None:
    """The source of a type annotation, with `...` for what is no name; None where it can be none."""
    value = values[number]
    if isinstance(value, (facts.Name, facts.Param)):
        return value.name
    if isinstance(value, facts.Attr):
        base = spelled(values, value.base)
        return f"{base}.{value.name}" if base else None
    if isinstance(value, facts.Const):
        return repr(value.value)
    if isinstance(value, facts.Subscript):
        base, index = spelled(values, value.base), spelled(values, value.index)
        return f"{base}[{index}]" if base and index else None
    if isinstance(value, facts.Sequence) and value.kind == "tuple":
        parts = [spelled(values, item.value) or "..." for item in value.items]
        return ", ".join(parts)
    if isinstance(value, facts.Binary) and value.operator == "|":
        left, right = spelled(values, value.left), spelled(values, value.right)
        return f"{left} | {right}" if left and right else left or right
    return "..." if isinstance(value, facts.Call) else None


def called(values: Sequence[facts.Value], number: facts.Id) -> facts.Id:
    """What is called, where a value is a call; else the value."""
    value = values[number]
    return value.func if isinstance(value, facts.Call) else number
