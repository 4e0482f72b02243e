"""Reads the behaviour of one file: its functions that can touch the database, and its own body where that does."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import libcst as cst

from lockcheck.facts import ModuleFacts
from lockcheck.findings import Problem
from lockcheck.reading.functions import SliceReader
from lockcheck.reading.names import executing_classes, unique_names
from lockcheck.reading.positions import place_module, place_slice
from lockcheck.reading.sites import KINDS, parsable, slice_node, slice_source, source_lines, survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockcheck.declarations.model import FunctionDeclaration, ModuleDeclarations
    from lockcheck.facts import FunctionFacts, SliceSites
    from lockcheck.reading.sites import Survey


class SitesDisagree(Exception):  # noqa: N818  named after what it says; it never leaves this module
    """libcst and `ast` do not find the same constructs in a slice, so that its numbers have no places."""


_UNREADABLE = (cst.ParserSyntaxError, SyntaxError, ValueError, RecursionError, MemoryError, SitesDisagree)
"""What a slice can end in: text that one of the parsers refuses (`ValueError` for null bytes and lone surrogates), or
expressions nested so deeply that they cannot be walked. libcst overflows the stack on those, so `ast` goes first."""


def read_behaviour(text: str, declarations: ModuleDeclarations) -> tuple[ModuleFacts, tuple[Problem, ...]]:
    """The facts of a file's functions that touch the database, and a problem for each one that could not be read."""
    reader = _FileReader(text, declarations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parser warns of invalid escapes in the code that is read
        for qualname, function in _chosen(declarations):
            reader.read_function(qualname, function)
        if declarations.body_touches_database:
            reader.read_module()
    return reader.facts(), tuple(reader.problems)


def _chosen(declarations: ModuleDeclarations) -> Iterator[tuple[str, FunctionDeclaration]]:
    """The functions to read in source order, each with a qualified name that no other function of the file has."""
    ranked: list[tuple[bool, int, FunctionDeclaration]] = []
    for key, function in declarations.functions.items():
        ranked.append((_is_replaced(key), function.first_line, function))
    for key, owner in declarations.classes.items():
        ranked += [(_is_replaced(key), method.first_line, method) for method in owner.methods]
    ranked.sort(key=lambda entry: (not entry[0], entry[1]))
    functions = [function for _, _, function in ranked]
    named = zip(unique_names(function.qualname for function in functions), functions, strict=True)
    yield from sorted((pair for pair in named if pair[1].touches_database), key=lambda pair: pair[1].first_line)


def _is_replaced(key: str) -> bool:
    """Whether a declaration lost its name to another, as a fallback in `except ImportError` does; its key has a `#`."""
    return "#" in key


class _FileReader:
    """Gathers the slices and functions of one file."""

    def __init__(self, text: str, declarations: ModuleDeclarations) -> None:
        self.problems: list[Problem] = []
        self._text = text
        self._lines = source_lines(text)
        self._module = declarations.module
        self._path = declarations.path
        self._slices: list[SliceSites] = []
        self._functions: list[FunctionFacts] = []

    def facts(self) -> ModuleFacts:
        return ModuleFacts(self._module, self._path, tuple(self._slices), tuple(self._functions))

    def read_function(self, qualname: str, function: FunctionDeclaration) -> None:
        try:
            self._read_function(qualname, function)
        except _UNREADABLE as error:
            self._report(qualname, function.first_line, error)

    def _read_function(self, qualname: str, function: FunctionDeclaration) -> None:
        source, places = place_slice(self._lines, qualname, function.first_line, function.last_line)
        node = slice_node(cst.parse_module(source))
        if not isinstance(node, cst.FunctionDef):
            raise SitesDisagree(f"line {function.first_line} does not begin a function")
        reader = self._reader(places, survey(node))
        reader.read_function(node, qualname, owner=function.owner, parent=None)
        self._keep(places, reader)

    def read_module(self) -> None:
        """The module's body, and the bodies of classes that call something; they share one slice, the whole file."""
        qualname = f"{self._module}.<body>"
        try:
            self._read_module(qualname)
        except _UNREADABLE as error:
            self._report(qualname, 1, error)

    def _read_module(self, qualname: str) -> None:
        source = parsable(self._text)
        places = place_module(source, qualname)
        module = cst.parse_module(source)
        reader = self._reader(places, survey(module))
        reader.read_body(module.body, qualname, owner=None)
        for name, node in executing_classes(module.body):
            owner = f"{self._module}.{name}"
            reader.read_body(node.body.body, f"{owner}.<body>", owner=owner)
        self._keep(places, reader)

    def _reader(self, places: SliceSites, found: Survey) -> SliceReader:
        """A reader for a slice whose constructs both parsers count alike."""
        for kind, positions in zip(KINDS, places[2:], strict=True):
            nodes = found.sites[kind]
            if len(nodes) != len(positions):
                raise SitesDisagree(f"{len(nodes)} or {len(positions)} constructs of kind {kind}")
        return SliceReader(self._module, len(self._slices), found)

    def _keep(self, places: SliceSites, reader: SliceReader) -> None:
        self._slices.append(places)
        self._functions += reader.functions

    def _report(self, qualname: str, first_line: int, error: BaseException) -> None:
        """Say that a slice was left out; a parser's error stands at its own line."""
        line = first_line
        if isinstance(error, (cst.ParserSyntaxError, SyntaxError)):
            within = error.raw_line if isinstance(error, cst.ParserSyntaxError) else error.lineno
            shift = slice_source(self._lines, first_line, first_line)[1]
            line = max(first_line, (within or 0) + shift)
        self.problems.append(Problem(self._path, line, None, f"{qualname} was not read: {_reason(error)}"))


def _reason(error: BaseException) -> str:
    if isinstance(error, (RecursionError, MemoryError)):
        return "its expressions are nested too deeply"
    if isinstance(error, SyntaxError):
        return error.msg
    if isinstance(error, cst.ParserSyntaxError):
        return "libcst does not accept its syntax"
    return str(error)
