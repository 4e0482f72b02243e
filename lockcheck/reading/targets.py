"""Assignments: names are bound, attributes and items of other objects are set, local containers grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from lockcheck.facts import Attr, Call, Each, Grown, Id, Item, Sequence, SetAttribute, SetItem
from lockcheck.reading.names import ADDING, EXTENDING, grouped_name

if TYPE_CHECKING:
    from lockcheck.reading.body import Body


def assign(body: Body, target: cst.CSTNode, value: Id, *, logged: bool = True) -> None:
    """`target = value`; `logged` is false for the targets of comprehensions, whose names end with them."""
    if isinstance(target, cst.Name):
        if logged:
            body.bind(target.value, value)
        else:
            body.env[target.value] = value
    elif isinstance(target, (cst.Tuple, cst.List)):
        _unpack(body, target, value, logged=logged)
    elif isinstance(target, cst.Attribute):
        base = body.value(target.value)
        body.steps.append(SetAttribute(body.site(target), base, target.attr.value, value))
    elif isinstance(target, cst.Subscript):
        set_item(body, target, value)


def _unpack(body: Body, target: cst.Tuple | cst.List, value: Id, *, logged: bool) -> None:
    parts = _displayed(body, target, value)
    starred = False
    for index, element in enumerate(target.elements):
        if isinstance(element, cst.StarredElement):
            starred = True
            part = body.table.add(Item(value, -1))
        elif parts is not None:
            part = parts[index]
        else:
            part = body.table.add(Each(value) if starred else Item(value, index))
        assign(body, element.value, part, logged=logged)


def _displayed(body: Body, target: cst.Tuple | cst.List, value: Id) -> list[Id] | None:
    """The values that go to each target of `a, b = x, y`."""
    display = body.table.values[value]
    if not isinstance(display, Sequence) or display.kind == "set" or len(display.items) != len(target.elements):
        return None
    if any(item.starred for item in display.items):
        return None
    if any(isinstance(element, cst.StarredElement) for element in target.elements):
        return None
    return [item.value for item in display.items]


def set_item(body: Body, target: cst.Subscript, value: Id) -> None:
    """`base[index] = value`."""
    name = target.value
    known = body.env.get(name.value) if isinstance(name, cst.Name) else None
    if isinstance(name, cst.Name) and known is not None and body.table.is_container(known):
        body.evaluate_index(target)
        body.bind(name.value, body.table.add(Grown(known, value)))
        return
    base = body.value(name)
    body.steps.append(SetItem(base, body.index(target), value))


def grow(body: Body, node: cst.BaseExpression, value: Id) -> None:
    """Rebind a local container on which `node`, an expression statement, calls `append`, `add`, `update`, .."""
    call = body.table.values[value]
    if not isinstance(call, Call) or not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute):
        return
    method = node.func.attr.value
    if method not in ADDING and method not in EXTENDING:
        return
    name = grouped_name(node.func.value)
    known = body.env.get(name.value) if name is not None else None
    if name is None or known is None or not body.table.is_container(known):
        return
    elements = _elements(body, call, method)
    if name is node.func.value:
        for element in elements:
            known = body.table.add(Grown(known, element))
    else:
        known = _grown_group(body, call, known, elements)
    body.bind(name.value, known)


def _grown_group(body: Body, call: Call, groups: Id, elements: list[Id]) -> Id:
    """A mapping one of whose containers has more elements: `groups[key].append(element)`."""
    function = body.table.values[call.func]
    if not elements or not isinstance(function, Attr):
        return groups
    inner = function.base
    for element in elements:
        inner = body.table.add(Grown(inner, element))
    return body.table.add(Grown(groups, inner))


def _elements(body: Body, call: Call, method: str) -> list[Id]:
    if method in EXTENDING:
        return [body.table.add(Each(item.value)) for item in call.args if not item.starred]
    index = ADDING[method]
    return [call.args[index].value] if index < len(call.args) and not call.args[index].starred else []
