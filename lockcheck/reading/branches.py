"""Lowers `if` and `match`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from lockcheck.facts import Block, Evaluate, Id, If, Unknown
from lockcheck.reading.names import captured_names
from lockcheck.reading.table import Arm

if TYPE_CHECKING:
    from lockcheck.reading.body import Body


def lower_if(body: Body, node: cst.If) -> None:
    """`if`, with its `elif`s side by side: a chain of them may be longer than calls can nest."""
    left = body.left
    arms: list[Arm] = []
    tested: list[tuple[Id, Block]] = []
    rest: cst.If | cst.Else | None = node
    while isinstance(rest, cst.If):
        test = body.value(rest.test)
        untaken = body.env
        block, arm = body.arm(untaken, rest.body.body, left=left)
        arms.append(arm)
        tested.append((test, block))
        body.env, body.left = untaken, left
        rest = rest.orelse
    orelse, arm = body.arm(body.env, rest.body.body if rest else (), left=left)
    body.merge([*arms, arm], left=left)
    _append_chain(body, tested, orelse)


def _append_chain(body: Body, tested: list[tuple[Id, Block]], orelse: Block) -> None:
    for test, block in reversed(tested):
        orelse = (If(test, block, orelse),)
    body.steps.extend(orelse)


def lower_match(body: Body, node: cst.Match) -> None:
    """`match`, as a chain of unknown tests; what captures hold is unknown too, but for a name of the whole subject."""
    calls = body.table.calls
    subject = body.value(node.subject)
    if body.table.calls != calls:
        body.steps.append(Evaluate(subject))
    left = body.left
    before = body.env
    arms: list[Arm] = []
    tested: list[tuple[Id, Block]] = []
    orelse: Block = ()
    for case in node.cases:
        body.env = dict(before)
        _capture(body, case.pattern, subject)
        always = _is_irrefutable(case.pattern) and case.guard is None
        guard = () if case.guard is None else (body.value(case.guard),)
        block, arm = body.arm(body.env, case.body.body, left=left)
        arms.append(arm)
        if always:
            orelse = block
            break
        tested.append((body.table.add(Unknown((subject, *guard))), block))
    else:
        arms.append(Arm(before, left))
    body.merge(arms, left=left)
    _append_chain(body, tested, orelse)


def _capture(body: Body, pattern: cst.MatchPattern, subject: Id) -> None:
    whole = pattern.name.value if isinstance(pattern, cst.MatchAs) and pattern.name is not None else None
    for name in captured_names(pattern):
        body.bind(name, subject if name == whole else body.table.add(Unknown((subject,))))


def _is_irrefutable(pattern: cst.MatchPattern) -> bool:
    return isinstance(pattern, cst.MatchAs) and (pattern.pattern is None or _is_irrefutable(pattern.pattern))
