"""Reads the behaviour of one slice: a function, or a file's own body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from lockcheck.reading.functions import SliceReader
from lockcheck.reading.names import executing_classes
from lockcheck.reading.positions import place_module, place_slice
from lockcheck.reading.sites import KINDS, slice_node, survey
from lockcheck.reading.slicing import Slices

if TYPE_CHECKING:
    import ast

    from lockcheck.declarations.model import FunctionDeclaration
    from lockcheck.facts import SliceSites
    from lockcheck.reading.sites import Survey


class SitesDisagree(Exception):  # noqa: N818  named after what it says; it never leaves this package
    """libcst and `ast` do not find the same constructs in a slice, so that its numbers have no places."""


UNREADABLE = (cst.ParserSyntaxError, SyntaxError, ValueError, RecursionError, MemoryError, SitesDisagree)
"""What a slice can end in: text that one of the parsers refuses (`ValueError` for null bytes and lone surrogates), or
expressions nested so deeply that they cannot be walked. libcst overflows the stack on those, so `ast` goes first."""


def read_function(
    lines: list[str], module: str, qualname: str, function: FunctionDeclaration, number: int, parsed: ast.stmt | None
) -> Slices:
    """A function's slice, the `number`-th of its file; `parsed` is the function where the file has been parsed. Raises
    UNREADABLE."""
    source, places = place_slice(lines, qualname, function.first_line, function.last_line, parsed)
    node = slice_node(cst.parse_module(source))
    if not isinstance(node, cst.FunctionDef):
        raise SitesDisagree(f"line {function.first_line} does not begin a function")
    reader = _reader(module, places, survey(node), number)
    reader.read_function(node, qualname, owner=function.owner, parent=None)
    return Slices(places, tuple(reader.functions))


def read_module(source: str, name: str, qualname: str, number: int, tree: ast.Module | None) -> Slices:
    """The slice of a file's body and the bodies of its classes; `tree` is the file where it has been parsed. Raises
    UNREADABLE."""
    places = place_module(source, qualname, tree)
    module = cst.parse_module(source)
    reader = _reader(name, places, survey(module), number)
    reader.read_body(module.body, qualname, owner=None)
    for inner, node in executing_classes(module.body):
        owner = f"{name}.{inner}"
        reader.read_body(node.body.body, f"{owner}.<body>", owner=owner)
    return Slices(places, tuple(reader.functions))


def _reader(module: str, places: SliceSites, found: Survey, number: int) -> SliceReader:
    """A reader for a slice whose constructs both parsers count alike."""
    for kind, positions in zip(KINDS, places[2:], strict=True):
        nodes = found.sites[kind]
        if len(nodes) != len(positions):
            raise SitesDisagree(f"{len(nodes)} or {len(positions)} constructs of kind {kind}")
    return SliceReader(module, number, found)


def line_within(error: BaseException) -> int | None:
    """The line of a slice that a parser's error stands at; None for other errors."""
    if isinstance(error, cst.ParserSyntaxError):
        return error.raw_line
    return (error.lineno or 0) if isinstance(error, SyntaxError) else None


def reason(error: BaseException) -> str:
    """Why a slice cannot be read."""
    if isinstance(error, (RecursionError, MemoryError)):
        return "its expressions are nested too deeply"
    if isinstance(error, SyntaxError):
        return error.msg
    if isinstance(error, cst.ParserSyntaxError):
        return "libcst does not accept its syntax"
    return str(error)
