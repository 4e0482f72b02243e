"""The outline of a file: all that it declares and does, without where that stands."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lockcheck.cache.codec import codec, fields_of
from lockcheck.declarations.model import Assignment, ClassDeclaration, FunctionDeclaration, ModuleDeclarations
from lockcheck.records import Record

if TYPE_CHECKING:
    from lockcheck.briefs import Brief

_MODULE = list(fields_of(ModuleDeclarations))
_ASSIGNMENTS, _CLASSES, _FUNCTIONS = map(_MODULE.index, ("assignments", "classes", "functions"))
_CLASS = list(fields_of(ClassDeclaration))
_ATTRIBUTES, _METHODS = map(_CLASS.index, ("attributes", "methods"))
_LINES: dict[type, tuple[int, ...]] = {
    kind: tuple(number for number, name in enumerate(fields_of(kind)) if name in {"line", "first_line", "last_line"})
    for kind in (Assignment, ClassDeclaration, FunctionDeclaration)
}


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
    lines: list[int] = []
    declared = None if declared is None else _unlined(declared, lines)
    from lockcheck.facts import ModuleFacts  # noqa: PLC0415 - not where no slice has changed

    facts = _encoded(ModuleFacts, record.facts)
    place = list(fields_of(ModuleFacts)).index("slices")
    slices = facts[place] if facts is not None else []
    if facts is not None:
        facts[place] = [[name, *map(len, sites)] for name, _, *sites in slices]
    broken = record.problem is not None
    unread = [problem.message for problem in record.unread]
    shape = _digest([broken, unread, declared, _ranks(lines), facts])
    return Outline(shape, tuple(lines), _digest(_ordered(lines, slices)))


@dataclass(frozen=True, slots=True)
class DeclaredOutline:
    """As `Outline`, of what a file declares alone. What the bodies of functions hold is left out."""

    shape: str
    lines: tuple[int, ...]


def declared_outline(module: ModuleDeclarations) -> DeclaredOutline:
    """The outline of a file's declarations."""
    functions = {key: _bodiless(function) for key, function in module.functions.items()}
    classes = {
        key: replace(declared, methods=tuple(map(_bodiless, declared.methods)))
        for key, declared in module.classes.items()
    }
    bare = replace(module, functions=functions, classes=classes, body_touches_database=False)
    lines: list[int] = []
    declared = _unlined(_encoded(ModuleDeclarations, bare), lines)
    return DeclaredOutline(_digest([declared, _ranks(lines)]), tuple(lines))


def _bodiless(function: FunctionDeclaration) -> FunctionDeclaration:
    """A function without what its body decides, but for that of a `declared_attr`, which is an attribute."""
    from lockcheck.declarations.mapping import is_declared_attr  # noqa: PLC0415 - only where something stays linked

    if is_declared_attr(function):
        return function
    return replace(function, result=None, result_annotation=None, touches_database=False)


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


def _unlined(module: list[Any], lines: list[int]) -> list[Any]:
    """A module's declarations without their lines, which go to `lines`."""
    found = [*module]
    found[_ASSIGNMENTS] = {name: _taken(Assignment, item, lines) for name, item in module[_ASSIGNMENTS].items()}
    found[_FUNCTIONS] = {name: _taken(FunctionDeclaration, item, lines) for name, item in module[_FUNCTIONS].items()}
    found[_CLASSES] = {name: _class(item, lines) for name, item in module[_CLASSES].items()}
    return found


def _class(document: list[Any], lines: list[int]) -> list[Any]:
    found = _taken(ClassDeclaration, document, lines)
    found[_ATTRIBUTES] = [_taken(Assignment, item, lines) for item in document[_ATTRIBUTES]]
    found[_METHODS] = [_taken(FunctionDeclaration, item, lines) for item in document[_METHODS]]
    return found


def _taken(kind: type, document: list[Any], lines: list[int]) -> list[Any]:
    found = [*document]
    for number in _LINES[kind]:
        lines.append(document[number])
        found[number] = None
    return found


# --- where no slice has changed -----------------------------------------------------------------------------------


def moved(before: Brief, after: Brief, *, consulted: bool) -> dict[int, int] | None:
    """The lines of declarations before and after, where two contents of a file have the same outline and the same
    slices; None where they have not, or that is not sure. Where it is `consulted` how all constructs stand to each
    other, that is the same, too."""
    if list(before.digests) != list(after.digests):
        return None
    old: list[int] = []
    new: list[int] = []
    if _unlined(before.declared, old) != _unlined(after.declared, new):
        return None
    if _ranks(old) != _ranks(new) or (consulted and _standing(old, before.spans) != _standing(new, after.spans)):
        return None
    return dict(zip(old, new, strict=True))


def _ranks(lines: list[int]) -> list[int]:
    ranks = {line: rank for rank, line in enumerate(sorted(set(lines)))}
    return [ranks[line] for line in lines]


def _standing(lines: list[int], spans: Sequence[Sequence[int]]) -> object:
    """How lines and slices stand to each other: inside a slice a line counts from where that begins. Never the same
    where slices share lines."""
    ordered = sorted((first, last) for first, _, last, _ in spans)
    if any(following[0] <= one[1] for one, following in pairwise(ordered)):
        return object()
    starts = [first for first, _ in ordered]
    bounds = [line for first, _, last, _ in spans for line in (first, last)]
    within = [_within(line, starts, ordered) for line in lines]
    return _ranks([*lines, *bounds]), within


def _within(line: int, starts: list[int], ordered: list[tuple[int, int]]) -> int:
    """How far a line stands below the beginning of the slice around it; -1 outside."""
    number = bisect_right(starts, line) - 1
    return line - starts[number] if number >= 0 and line <= ordered[number][1] else -1
