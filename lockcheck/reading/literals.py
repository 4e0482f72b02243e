"""Literals and f-strings."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import libcst as cst

from lockcheck.facts import Const, Id, Text, Unknown
from lockcheck.reading.sites import concatenated_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lockcheck.reading.body import Body


def integer(body: Body, node: cst.Integer) -> Id:
    try:
        return body.table.const(int(node.value, 0))
    except ValueError:  # more digits than Python converts
        return body.table.add(Unknown())


def float_(body: Body, node: cst.Float) -> Id:
    return body.table.const(float(node.value))


def string(body: Body, node: cst.SimpleString) -> Id:
    text = string_value(node)
    return body.table.add(Unknown()) if text is None else body.table.const(text)


def string_value(node: cst.SimpleString) -> str | None:
    """The text of a string literal, None for bytes."""
    prefix = node.prefix.lower()
    if "b" in prefix:
        return None
    if "\\" in node.value and "r" not in prefix:
        return _unescaped(node.value)
    quotes = len(node.quote)
    return node.value[len(prefix) + quotes : -quotes]


def _unescaped(literal: str) -> str | None:
    try:
        return str(ast.literal_eval(literal))
    except (SyntaxError, ValueError):
        return None


def concatenated(body: Body, node: cst.ConcatenatedString) -> Id:
    """Adjacent literals: one string, or one f-string when any part is an f-string."""
    parts = [piece for literal in concatenated_parts(node) for piece in _pieces(body, literal)]
    values = [body.table.values[part] for part in parts]
    texts = [value.value for value in values if isinstance(value, Const) and isinstance(value.value, str)]
    if len(texts) == len(parts):
        return body.table.const("".join(texts))
    if any(isinstance(value, Unknown) for value in values):
        return body.table.add(Unknown(tuple(parts)))
    return body.table.add(Text(tuple(parts)))


def _pieces(body: Body, node: cst.BaseExpression) -> list[Id]:
    if isinstance(node, (cst.FormattedString, cst.TemplatedString)):
        return _contents(body, node.parts)
    return [body.value(node)]


def formatted(body: Body, node: cst.FormattedString) -> Id:
    return body.table.add(Text(tuple(_contents(body, node.parts))))


def templated(body: Body, node: cst.TemplatedString) -> Id:
    return body.table.add(Unknown(tuple(_contents(body, node.parts))))


def _contents(body: Body, parts: Iterable[cst.CSTNode]) -> list[Id]:
    """The parts of an f-string: its texts and expressions, and those of format specifications."""
    found: list[Id] = []
    for part in parts:
        if isinstance(part, (cst.FormattedStringText, cst.TemplatedStringText)):
            found.append(body.table.const(part.value.replace("{{", "{").replace("}}", "}")))
        elif isinstance(part, (cst.FormattedStringExpression, cst.TemplatedStringExpression)):
            found.append(body.value(part.expression))
            if part.format_spec:
                found += [value for value in _contents(body, part.format_spec) if not _is_const(body, value)]
    return found


def _is_const(body: Body, value: Id) -> bool:
    return isinstance(body.table.values[value], Const)
