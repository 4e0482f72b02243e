"""Lowers `try` and `with`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from lockcheck.facts import Block, Caught, Entered, Handler, Id, Try, With
from lockcheck.reading.table import Arm
from lockcheck.reading.targets import assign

if TYPE_CHECKING:
    from lockcheck.reading.body import Body
    from lockcheck.reading.table import Env

_SWALLOWING = frozenset({"suppress", "raises"})


def lower_try(body: Body, node: cst.Try | cst.TryStar) -> None:
    left, before, mark = body.left, dict(body.env), len(body.log)
    steps, tried = body.arm(before, node.body.body, left=left, followed=node.orelse is not None)
    raised = body.widened(before, mark) if node.handlers else before
    orelse: Block = ()
    if node.orelse is not None:
        orelse, tried = body.arm(tried.env, node.orelse.body.body, left=tried.left)
    arms = [tried]
    handlers = []
    for clause in node.handlers:
        handler, arm = _handler(body, clause, raised, left=left)
        handlers.append(handler)
        arms.append(arm)
    end = len(body.table.values)
    body.merge(arms, left=left)
    joins = () if tried.left else tuple(range(end, len(body.table.values)))
    final: Block = ()
    if node.finalbody is not None:
        final = _finally(body, node.finalbody, body.widened(before, mark), left=left)
    body.steps.append(Try(steps, tuple(handlers), orelse, final, joins))


def _handler(
    body: Body, node: cst.ExceptHandler | cst.ExceptStarHandler, raised: Env, *, left: bool
) -> tuple[Handler, Arm]:
    body.env, body.left = dict(raised), left
    types = () if node.type is None else _types(body, node.type)
    name = node.name.name if node.name is not None else None
    if name is not None:
        assign(body, name, body.table.add(Caught(types)))
    block, arm = body.arm(body.env, node.body.body, left=left)
    if isinstance(name, cst.Name):
        arm.env.pop(name.value, None)
    return Handler(body.site(node), types, block), arm


def _types(body: Body, node: cst.BaseExpression) -> tuple[Id, ...]:
    if isinstance(node, cst.Tuple) and all(isinstance(item, cst.Element) for item in node.elements):
        return tuple(body.value(item.value) for item in node.elements)
    return (body.value(node),)


def _finally(body: Body, node: cst.Finally, anywhere: Env, *, left: bool) -> Block:
    """The `finally` suite may follow any part of the `try`; what it binds holds afterwards, and nothing else of it."""
    after = Arm(body.env, body.left)
    mark = len(body.log)
    block, final = body.arm(anywhere, node.body.body, left=left)
    changed = {name for name, _value in body.log[mark:]}
    body.env = {name: value for name, value in after.env.items() if name in final.env or name not in anywhere}
    body.env.update((name, final.env[name]) for name in changed if name in final.env)
    body.left = after.left or final.left
    return block


def lower_with(body: Body, node: cst.With, *, followed: bool) -> None:
    """`with`. Where its body always leaves and statements follow, the context is one that swallows exceptions."""
    left = body.left
    contexts: list[Id] = []

    def enter() -> None:
        for item in node.items:
            contexts.append(body.value(item.item))
            entered = body.table.add(Entered(contexts[-1]))
            if item.asname is not None:
                assign(body, item.asname.name, entered)

    first = body.captured(enter)
    before, mark = dict(body.env), len(body.log)
    steps, arm = body.arm(before, node.body.body, left=left)
    if arm.left and (followed or any(_swallows(item.item) for item in node.items)):
        body.merge([Arm(body.widened(before, mark), left)], left=left)
    body.steps.append(With(body.site(node), tuple(contexts), first + steps))


def _swallows(node: cst.BaseExpression) -> bool:
    if not isinstance(node, cst.Call):
        return False
    func = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
    return isinstance(func, cst.Name) and func.value in _SWALLOWING
