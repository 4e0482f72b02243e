"""The outline of a file: all that it declares and does, without where that stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lockcheck.cache.codec import codec, fields_of
from lockcheck.declarations.model import Assignment, ClassDeclaration, FunctionDeclaration, ModuleDeclarations
from lockcheck.facts import ModuleFacts
from lockcheck.records import Record

_MODULE = list(fields_of(ModuleDeclarations))
_ASSIGNMENTS, _CLASSES, _FUNCTIONS = map(_MODULE.index, ("assignments", "classes", "functions"))
_CLASS = list(fields_of(ClassDeclaration))
_ATTRIBUTES, _METHODS = map(_CLASS.index, ("attributes", "methods"))
_LINES: dict[type, tuple[int, ...]] = {
    kind: tuple(number for number, name in enumerate(fields_of(kind)) if name in {"line", "first_line", "last_line"})
    for kind in (Assignment, ClassDeclaration, FunctionDeclaration)
}
_SLICES = list(fields_of(ModuleFacts)).index("slices")


@dataclass(frozen=True, slots=True)
class Outline:
    """`shape` is the same for two contents of a file whose declarations and facts differ in positions only, where
    lines are in the same order and the same ones are equal. `lines` are those of the declarations: the n-th of one
    content is the n-th of the other. `order` is a digest of how all constructs stand to each other: their columns, and
    the order of their lines. Rules ask where a construct stands only to compare places in one file."""

    shape: str
    lines: tuple[int, ...]
    order: str


def outline(record: Record) -> Outline:
    """The outline of what a file came to."""
    declared = _encoded(ModuleDeclarations, record.declarations)
    lines = list(_lines(declared)) if declared is not None else []
    ranks = {line: rank for rank, line in enumerate(sorted(set(lines)))}
    facts = _encoded(ModuleFacts, record.facts)
    slices = facts[_SLICES] if facts is not None else []
    if facts is not None:
        facts[_SLICES] = [[name, *map(len, sites)] for name, _, *sites in slices]
    broken = record.problem is not None
    unread = [problem.message for problem in record.unread]
    shape = _digest([broken, unread, declared, [ranks[line] for line in lines], facts])
    return Outline(shape, tuple(lines), _digest(_ordered(lines, slices)))


def _ordered(lines: list[int], slices: list[Any]) -> list[Any]:
    """All places, with lines as their ranks among the lines that something stands on."""
    places = [place for _, span, *sites in slices for place in (span, *(place for kind in sites for place in kind))]
    ranks = {line: rank for rank, line in enumerate(sorted({*lines, *(p[0] for p in places), *(p[2] for p in places)}))}
    return [
        [ranks[line] for line in lines],
        [[ranks[line], column, ranks[end_line], end_column] for line, column, end_line, end_column in places],
    ]


def _encoded(kind: type, value: Any) -> Any:
    encode = codec(kind).encode
    return None if value is None or encode is None else encode(value)


def _digest(document: Any) -> str:
    return hashlib.blake2b(json.dumps(document).encode(), digest_size=12).hexdigest()


def _lines(module: list[Any]) -> Iterator[int]:
    """The lines of a module's declarations, which are taken out of the document."""
    for assignment in module[_ASSIGNMENTS].values():
        yield from _taken(Assignment, assignment)
    for function in module[_FUNCTIONS].values():
        yield from _taken(FunctionDeclaration, function)
    for cls in module[_CLASSES].values():
        yield from _taken(ClassDeclaration, cls)
        for attribute in cls[_ATTRIBUTES]:
            yield from _taken(Assignment, attribute)
        for method in cls[_METHODS]:
            yield from _taken(FunctionDeclaration, method)


def _taken(kind: type, document: list[Any]) -> Iterator[int]:
    for number in _LINES[kind]:
        yield document[number]
        document[number] = None
