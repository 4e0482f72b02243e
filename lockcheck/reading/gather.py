"""Gathers the behaviour of one file: of its functions that can touch the database, and of its own body where that does.

Slices that were read before are taken as they are; libcst is imported for the first one that was not.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.facts import FunctionFacts, ModuleFacts, SliceSites
from lockcheck.findings import Problem
from lockcheck.reading.slicing import (
    Slices,
    body_digest,
    body_name,
    chosen,
    function_digest,
    parsable,
    slice_source,
    source_lines,
)

if TYPE_CHECKING:
    import ast

    from lockcheck.declarations.model import FunctionDeclaration, ModuleDeclarations

_NO_SLICES: Mapping[str, Slices] = {}


class Gathered(NamedTuple):
    """The facts of a file, a problem for each function that could not be read, and the digests of the slices."""

    facts: ModuleFacts
    problems: tuple[Problem, ...]
    digests: tuple[str, ...]


def read_behaviour(text: str, declarations: ModuleDeclarations) -> tuple[ModuleFacts, tuple[Problem, ...]]:
    """The facts of a file, and a problem for each function that could not be read."""
    found = gather(text, declarations, _NO_SLICES)
    return found.facts, found.problems


def gather(
    text: str, declarations: ModuleDeclarations, known: Mapping[str, Slices], tree: ast.Module | None = None
) -> Gathered:
    """The facts of a file; slices that are `known`, by digest, are not read. `tree` is the file where it has been
    parsed."""
    gatherer = _Gatherer(text, declarations, known, tree)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parser warns of invalid escapes in the code that is read
        for qualname, function in chosen(declarations):
            gatherer.function(qualname, function)
        if declarations.body_touches_database:
            gatherer.module()
    return gatherer.gathered()


def kept(facts: ModuleFacts, digests: tuple[str, ...]) -> dict[str, Slices]:
    """The slices of a file by their digests."""
    functions: list[list[FunctionFacts]] = [[] for _ in facts.slices]
    for function in facts.functions:
        functions[function.sites].append(function)
    parts = map(Slices, facts.slices, map(tuple, functions))
    return dict(zip(digests, parts, strict=True))


class _Gatherer:
    def __init__(
        self, text: str, declarations: ModuleDeclarations, known: Mapping[str, Slices], tree: ast.Module | None
    ) -> None:
        self._text = text
        self._tree = tree
        self._lines = source_lines(text)
        self._declarations = declarations
        self._known = known
        self._slices: list[SliceSites] = []
        self._functions: list[FunctionFacts] = []
        self._digests: list[str] = []
        self._problems: list[Problem] = []

    def gathered(self) -> Gathered:
        module, path = self._declarations.module, self._declarations.path
        facts = ModuleFacts(module, path, tuple(self._slices), tuple(self._functions))
        return Gathered(facts, tuple(self._problems), tuple(self._digests))

    def function(self, qualname: str, function: FunctionDeclaration) -> None:
        def read() -> Slices:
            from lockcheck.reading.read import read_function  # noqa: PLC0415 - imports libcst

            node = self._parsed.get(function.first_line)
            return read_function(self._lines, self._declarations.module, qualname, function, self._number, node)

        self._add(function_digest(self._lines, qualname, function), qualname, function.first_line, read)

    def module(self) -> None:
        """The module's body, and the bodies of classes that call something; they share one slice, the whole file."""
        qualname = body_name(self._declarations.module)
        source = parsable(self._text)

        def read() -> Slices:
            from lockcheck.reading.read import read_module  # noqa: PLC0415 - as above

            return read_module(source, self._declarations.module, qualname, self._number, self._tree)

        self._add(body_digest(self._text, self._declarations.module), qualname, 1, read)

    def _add(self, digest: str, qualname: str, first_line: int, read: Callable[[], Slices]) -> None:
        found = self._known.get(digest)
        part = self._attempt(qualname, first_line, read) if found is None else found.moved(first_line, self._number)
        if part is not None:
            self._slices.append(part.sites)
            self._functions += part.functions
            self._digests.append(digest)

    @cached_property
    def _parsed(self) -> Mapping[int, ast.stmt]:
        """The functions by their first lines, where the file has been parsed."""
        from lockcheck.reading.positions import outermost  # noqa: PLC0415 - only where something is read

        return {} if self._tree is None else outermost(self._tree)

    @property
    def _number(self) -> int:
        return len(self._slices)

    def _attempt(self, qualname: str, first_line: int, read: Callable[[], Slices]) -> Slices | None:
        """Read a slice, or say that it is left out; a parser's error stands at its own line."""
        from lockcheck.reading.read import UNREADABLE, line_within, reason  # noqa: PLC0415 - imports libcst

        try:
            return read()
        except UNREADABLE as error:
            shift = slice_source(self._lines, first_line, first_line)[1]
            within = line_within(error)
            line = first_line if within is None else max(first_line, within + shift)
            path = self._declarations.path
            self._problems.append(Problem(path, line, None, f"{qualname} was not read: {reason(error)}"))
            return None
