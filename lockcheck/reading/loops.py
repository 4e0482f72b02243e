"""Lowers `for` and `while`: at the head of a loop a name may hold what it held before or what a round left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from lockcheck.facts import Block, Const, Each, Id
from lockcheck.facts import Loop as LoopStep
from lockcheck.reading.names import bound_names, target_names, walrus_names
from lockcheck.reading.table import Arm
from lockcheck.reading.targets import assign

if TYPE_CHECKING:
    from lockcheck.reading.body import Body
    from lockcheck.reading.table import Env, Table


class Loop:
    """A loop that is being read.

    `heads` are the joins of names that were bound before the loop. `late` names are first bound in it; one that is
    read ahead of that holds what the round before left, and gets its join then.
    """

    def __init__(self, before: Env, late: frozenset[str]) -> None:
        self.before = before
        self.late = late
        self.heads: dict[str, Id] = {}
        self.breaks: list[Env] = []
        self.continues: list[Env] = []

    def head_of(self, table: Table, name: str) -> Id:
        if name not in self.heads:
            known = self.before.get(name)
            self.heads[name] = table.open_join() if known is None else table.open_join(known)
        return self.heads[name]


def lower_for(body: Body, node: cst.For) -> None:
    iterable = body.value(node.iter)
    left = body.left
    targets = set(target_names(node.target))
    loop = _enter(body, node, targets)
    at_head = dict(body.env)
    element = body.table.add(Each(iterable))
    first = body.captured(lambda: assign(body, node.target, element))
    steps = first + body.block(node.body.body)
    exhausted = _leave(body, loop, at_head)
    orelse = _finish(body, loop, node.orelse, Arm(exhausted, left), left=left)
    body.steps.append(LoopStep(body.site(node), iterable, None, steps, orelse))


def lower_while(body: Body, node: cst.While) -> None:
    left = body.left
    loop = _enter(body, node, set())
    test = body.value(node.test)
    after_test = dict(body.env)
    steps = body.block(node.body.body)
    exhausted = _leave(body, loop, after_test)
    value = body.table.values[test]
    forever = isinstance(value, Const) and bool(value.value)
    orelse = _finish(body, loop, node.orelse, Arm(exhausted, left or forever), left=left)
    body.steps.append(LoopStep(body.site(node), None, test, steps, orelse))


def _enter(body: Body, node: cst.For | cst.While, targets: set[str]) -> Loop:
    bound, grown = bound_names(node.body.body)
    if body.context.has_walrus:
        bound.update(walrus_names(node.body))
        if isinstance(node, cst.While):
            bound.update(walrus_names(node.test))
    env = body.env
    loop = Loop(dict(env), frozenset(bound.difference(env)))
    growing = {name for name in grown.intersection(env) if body.table.is_container(env[name])}
    for name in sorted((growing | bound.intersection(env)) - targets):
        env[name] = loop.head_of(body.table, name)
    body.loops.append(loop)
    return loop


def _leave(body: Body, loop: Loop, at_test: Env) -> Env:
    """The environment when the loop is exhausted; closes the joins at its head."""
    body.loops.pop()
    ends = loop.continues if body.left else [*loop.continues, body.env]
    exit_env = dict(at_test)
    for name in dict.fromkeys([*loop.heads, *(name for end in ends for name in end)]):
        values = [loop.before[name]] if name in loop.before else []
        values += [end[name] for end in ends if name in end]
        head = loop.heads.get(name)
        if head is None:
            unchanged = at_test.get(name) == loop.before.get(name)
            if unchanged:
                exit_env[name] = body.table.join(values)
        else:
            value = body.table.close_join(head, values, name)
            if at_test.get(name, head) == head:
                exit_env[name] = value
    return exit_env


def _finish(body: Body, loop: Loop, orelse: cst.Else | None, exhausted: Arm, *, left: bool) -> Block:
    block, arm = body.arm(exhausted.env, orelse.body.body if orelse else (), left=exhausted.left)
    body.merge([arm, *(Arm(env, left) for env in loop.breaks)], left=left)
    return block
