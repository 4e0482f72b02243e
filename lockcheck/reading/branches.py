"""Lowers `if` and `match`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import libcst as cst

from lockcheck.facts import Block, Evaluate, Extent, Id, If, Unknown
from lockcheck.reading.names import captured_names
from lockcheck.reading.table import Arm

if TYPE_CHECKING:
    from lockcheck.reading.body import Body


class Tested(NamedTuple):
    """An arm with its test, and the numbers between which its values lie."""

    test: Id
    block: Block
    begins: Id
    ends: Id


def lower_if(body: Body, node: cst.If) -> None:
    """`if`, with its `elif`s side by side: a chain of them may be longer than calls can nest."""
    left = body.left
    arms: list[Arm] = []
    tested: list[Tested] = []
    rest: cst.If | cst.Else | None = node
    while isinstance(rest, cst.If):
        test = body.value(rest.test)
        untaken = body.env
        begins = len(body.table.values)
        block, arm = body.arm(untaken, rest.body.body, left=left)
        arms.append(arm)
        tested.append(Tested(test, block, begins, len(body.table.values)))
        body.env, body.left = untaken, left
        rest = rest.orelse
    orelse, arm = body.arm(body.env, rest.body.body if rest else (), left=left)
    end = len(body.table.values)
    body.merge([*arms, arm], left=left)
    _append_chain(body, tested, orelse, end)


def _append_chain(body: Body, tested: list[Tested], orelse: Block, end: Id) -> None:
    for arm in reversed(tested):
        orelse = (If(arm.test, arm.block, orelse, Extent(arm.begins, arm.ends, end)),)
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
    tested: list[Tested] = []
    orelse: Block = ()
    for case in node.cases:
        body.env = dict(before)
        _capture(body, case.pattern, subject)
        always = _is_irrefutable(case.pattern) and case.guard is None
        guard = () if case.guard is None else (body.value(case.guard),)
        begins = len(body.table.values)
        block, arm = body.arm(body.env, case.body.body, left=left)
        ends = len(body.table.values)
        arms.append(arm)
        if always:
            orelse = block
            break
        tested.append(Tested(body.table.add(Unknown((subject, *guard))), block, begins, ends))
    else:
        arms.append(Arm(before, left))
    end = len(body.table.values)
    body.merge(arms, left=left)
    _append_chain(body, tested, orelse, end)


def _capture(body: Body, pattern: cst.MatchPattern, subject: Id) -> None:
    whole = pattern.name.value if isinstance(pattern, cst.MatchAs) and pattern.name is not None else None
    for name in captured_names(pattern):
        body.bind(name, subject if name == whole else body.table.add(Unknown((subject,))))


def _is_irrefutable(pattern: cst.MatchPattern) -> bool:
    return isinstance(pattern, cst.MatchAs) and (pattern.pattern is None or _is_irrefutable(pattern.pattern))
