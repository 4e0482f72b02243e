"""Where the nodes of a parsed text stand in it.

`libcst.metadata` can tell, too; it costs more to import than the rest of a fix takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from itertools import accumulate
from typing import NamedTuple

import libcst as cst
from libcst._nodes.internal import CodegenState

Span = tuple[int, int]
"""Offsets of the first character and of the one after the last."""


class Layout(NamedTuple):
    """The text of a module; by a node's id, its span in the text, and the node around it."""

    text: str
    spans: dict[int, Span]
    parents: dict[int, cst.CSTNode]


class _Recorder(CodegenState):
    """Notes for each node the tokens that were written before and after it, and the node around it."""

    def __init__(self, module: cst.Module) -> None:
        super().__init__(default_indent=module.default_indent, default_newline=module.default_newline)
        self.starts: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        self.parents: dict[int, cst.CSTNode] = {}
        self._around: list[cst.CSTNode] = []

    def before_codegen(self, node: cst.CSTNode) -> None:
        key = id(node)
        self.starts[key] = len(self.tokens)
        if self._around:
            self.parents[key] = self._around[-1]
        self._around.append(node)

    def after_codegen(self, node: cst.CSTNode) -> None:
        self.ends[id(node)] = len(self.tokens)
        self._around.pop()


def measure(module: cst.Module) -> Layout:
    """Where the nodes of a module stand."""
    recorder = _Recorder(module)
    module._codegen(recorder)  # noqa: SLF001  the hook that libcst's own position provider uses
    offsets = [0, *accumulate(map(len, recorder.tokens))]
    last = len(offsets) - 1
    spans = {
        key: (offsets[min(start, last)], offsets[min(recorder.ends[key], last)])
        for key, start in recorder.starts.items()
    }
    return Layout("".join(recorder.tokens), spans, recorder.parents)


def below(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes directly below one. libcst's own `children` visits them all, which takes three times as long."""
    for name in _fields(node.__class__):
        part = getattr(node, name)
        if isinstance(part, cst.CSTNode):
            yield part
        elif isinstance(part, (list, tuple)):
            yield from (item for item in part if isinstance(item, cst.CSTNode))


@cache
def _fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind))
