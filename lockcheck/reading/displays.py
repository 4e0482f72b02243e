"""Lowers displays and comprehensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import libcst as cst

from lockcheck.facts import Arg, Comprehension, Dict, Each, Id, Sequence
from lockcheck.reading.names import target_names
from lockcheck.reading.targets import assign

if TYPE_CHECKING:
    from lockcheck.reading.body import Body


def _items(body: Body, elements: Any) -> tuple[Arg, ...]:
    return tuple(Arg(body.value(item.value), isinstance(item, cst.StarredElement)) for item in elements)


def list_(body: Body, node: cst.List) -> Id:
    return body.table.add(Sequence("list", _items(body, node.elements)))


def tuple_(body: Body, node: cst.Tuple) -> Id:
    return body.table.add(Sequence("tuple", _items(body, node.elements)))


def set_(body: Body, node: cst.Set) -> Id:
    return body.table.add(Sequence("set", _items(body, node.elements)))


def dict_(body: Body, node: cst.Dict) -> Id:
    pairs: list[tuple[Id | None, Id]] = []
    for item in node.elements:
        key = body.value(item.key) if isinstance(item, cst.DictElement) else None
        pairs.append((key, body.value(item.value)))
    return body.table.add(Dict(tuple(pairs)))


def comprehension(body: Body, node: Any) -> Id:
    iterables: list[Id] = []
    conditions: list[Id] = []
    hidden: dict[str, Id | None] = {}
    clause = node.for_in
    while clause is not None:
        iterables.append(body.value(clause.iter))
        for name in target_names(clause.target):
            hidden.setdefault(name, body.env.get(name))
        assign(body, clause.target, body.table.add(Each(iterables[-1])), logged=False)
        conditions += [body.value(item.test) for item in clause.ifs]
        clause = clause.inner_for_in
    kind = _COMPREHENSIONS[node.__class__]
    key = body.value(node.key) if isinstance(node, cst.DictComp) else None
    element = body.value(node.value if kind == "dict" else node.elt)
    for name, value in hidden.items():
        if value is None:
            body.env.pop(name, None)
        else:
            body.env[name] = value
    return body.table.add(Comprehension(kind, key, element, tuple(iterables), tuple(conditions)))


_COMPREHENSIONS: dict[type[cst.CSTNode], Literal["list", "set", "generator", "dict"]] = {
    cst.ListComp: "list",
    cst.SetComp: "set",
    cst.GeneratorExp: "generator",
    cst.DictComp: "dict",
}
