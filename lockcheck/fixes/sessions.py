"""Hands the caller's session on to a function that would open one."""

from __future__ import annotations

import libcst as cst

from lockcheck.fixes.arguments import add_argument, keyword
from lockcheck.fixes.slices import Change, Refused, Slice
from lockcheck.plans import PassSession


def pass_session(part: Slice, plan: PassSession) -> list[Change]:
    call = part.call(plan.call)
    if any(arg.star for arg in call.args):
        raise Refused("the call unpacks its arguments")
    present = keyword(call, plan.parameter)
    if present is None:
        return add_argument(part, call, f"{plan.parameter}={plan.session}")
    if isinstance(present.value, cst.Name) and present.value.value == "None":
        return [Change(*part.span(present.value), plan.session)]
    raise Refused("the call gives a session")
