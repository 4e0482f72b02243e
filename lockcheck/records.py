"""What one file comes to: its declarations and the behaviour of its functions, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockcheck.findings import Problem
from lockcheck.sources import Content, parsed, syntax_problem

if TYPE_CHECKING:
    import ast

    from lockcheck.declarations.model import ModuleDeclarations
    from lockcheck.facts import ModuleFacts
    from lockcheck.reading.slicing import Slices


@dataclass(frozen=True, slots=True, init=False)
class Wanted:
    """A file to read: its text, how findings and imports name it. Without `declare` it is only parsed."""

    path: str
    module: str
    is_package: bool
    content: Content
    declare: bool

    def __init__(self, path: str, module: str, is_package: bool, text: str | Content, declare: bool) -> None:
        content = Content(text) if isinstance(text, str) else text
        for name, value in zip(self.__slots__, (path, module, is_package, content, declare), strict=True):
            object.__setattr__(self, name, value)

    @property
    def text(self) -> str:
        return self.content.text


@dataclass(frozen=True, slots=True)
class Record:
    """`problem` tells why a file does not parse. `facts` is None where no function touches a database; `unread` are
    the functions left out. `slices` are digests of what the slices of `facts` were read from, in their order."""

    problem: Problem | None = None
    declarations: ModuleDeclarations | None = None
    facts: ModuleFacts | None = None
    unread: tuple[Problem, ...] = ()
    slices: tuple[str, ...] = ()


def parse_problem(wanted: Wanted) -> Problem | None:
    """Why a file does not parse, if it does not. What it declares is known from then on, for who reads it next."""
    try:
        declared(wanted)
    except _UNPARSED as error:
        return syntax_problem(wanted.path, error)
    return None


def read_record(wanted: Wanted, known: Mapping[str, Slices] | None = None) -> Record:
    """Read a file. Slices that are `known`, by their digests, are not read again."""
    try:
        tree, declarations = _looked_at(wanted)
        _handed.clear()
    except _UNPARSED as error:
        return Record(syntax_problem(wanted.path, error))
    if declarations is None or not touches_database(declarations):
        return Record(declarations=declarations)
    from lockcheck.reading.gather import gather  # noqa: PLC0415 - only where a function is worth reading

    gathered = gather(wanted.text, declarations, known or {}, tree)
    return Record(None, declarations, gathered.facts, gathered.problems, gathered.digests)


_UNPARSED = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What the parser raises."""


_handed: list[tuple[Wanted, ast.Module, ModuleDeclarations | None]] = []
"""What was looked at last, until it is read: its tree is let go of then."""


def _looked_at(wanted: Wanted) -> tuple[ast.Module, ModuleDeclarations | None]:
    """The tree of a file, and what it declares, where that is wanted. Raises what the parser raises."""
    if _handed and _handed[0][0] == wanted:
        return _handed[0][1:]
    tree = parsed(wanted.text, wanted.path)
    return tree, _declared(wanted, tree) if wanted.declare else None


def declared(wanted: Wanted) -> ModuleDeclarations | None:
    """What a file declares, where that is wanted, for who will read it perhaps. Raises what the parser raises."""
    tree, declarations = _looked_at(wanted)
    _handed[:] = [(wanted, tree, declarations)]
    return declarations


def _declared(wanted: Wanted, tree: ast.Module) -> ModuleDeclarations:
    from lockcheck.declarations.read import read_module  # noqa: PLC0415 - not where no file speaks of a database

    return read_module(wanted.text, wanted.module, wanted.path, wanted.is_package, tree)


def touches_database(module: ModuleDeclarations) -> bool:
    """Whether a function of a file, or its body, is worth reading."""
    return module.body_touches_database or any(function.touches_database for function in module.every_function())
