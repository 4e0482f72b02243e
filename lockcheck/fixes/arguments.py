"""Adding an argument to a call or an entry to a display, in the form the others have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import libcst as cst

from lockcheck.fixes.slices import Change, Refused, Slice

Item: TypeAlias = cst.Arg | cst.BaseDictElement | cst.BaseElement


def keyword(call: cst.Call, name: str) -> cst.Arg | None:
    """A call's keyword argument."""
    return next((arg for arg in call.args if arg.keyword is not None and arg.keyword.value == name), None)


def add_argument(part: Slice, call: cst.Call, code: str) -> list[Change]:
    """Put an argument behind the others."""
    if call.args and isinstance(call.args[-1].value, cst.GeneratorExp) and not call.args[-1].value.lpar:
        raise Refused("the call's argument is a generator without parentheses")
    return append(part, call.args, part.inner(call)[1] - 1, code)


def add_entry(part: Slice, display: cst.Dict | cst.List, code: str) -> list[Change]:
    """Put an entry behind the others of a dict or list display."""
    return append(part, display.elements, part.inner(display)[1] - 1, code)


def append(part: Slice, items: Sequence[Item], close: int, code: str) -> list[Change]:
    """Put `code` behind the last of `items`, whose closing bracket stands at `close`."""
    if not items:
        return [Change(close, close, code)]
    value_start, value_end = part.span(items[-1].value)
    comma = _comma(part, items[-1])
    line_end = part.lines.line_end(comma or value_end)
    if line_end >= close:
        return [Change(value_end, value_end, f", {code}")]
    indent = part.indent_at(value_start)
    after = part.lines.next_line(comma or value_end)
    if comma:
        return [Change(after, after, f"{indent}{code},\n")]
    return [Change(value_end, value_end, ","), Change(after, after, f"{indent}{code}\n")]


def _comma(part: Slice, item: Item) -> int | None:
    """The offset behind an item's comma."""
    if not isinstance(item.comma, cst.Comma):
        return None
    start, end = part.span(item.comma)
    return start + part.text[start:end].index(",") + 1
