"""Slices of a file: the lines that functions span. Nothing here is parsed."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from lockcheck.facts import FunctionFacts, Position, SliceSites
from lockcheck.naming import unique_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lockcheck.declarations.model import FunctionDeclaration, ModuleDeclarations

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")

_CONTINUED = re.compile(r"[^#\r\n]*\\[\r\n]+$")
_LONE_RETURN = re.compile(r"\r(?!\n)")


class Slices(NamedTuple):
    """What was read from one slice."""

    sites: SliceSites
    functions: tuple[FunctionFacts, ...]

    def moved(self, first_line: int, number: int) -> Slices:
        """The same slice further up or down in its file, and as its `number`-th."""
        shift = first_line - self.sites.span.line
        functions = tuple(function._replace(sites=number) for function in self.functions)
        return Slices(_shifted(self.sites, shift) if shift else self.sites, functions)


def _shifted(sites: SliceSites, shift: int) -> SliceSites:
    def move(place: Position) -> Position:
        return Position(place.line + shift, place.column, place.end_line + shift, place.end_column)

    return SliceSites(sites.qualname, move(sites.span), *(tuple(map(move, places)) for places in sites[2:]))


def slice_digest(qualname: str, owner: str | None, source: str) -> str:
    """What a slice's facts depend on, but for the line that it begins at."""
    text = "\0".join((qualname, owner or "", source))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def slice_digests(text: str, declarations: ModuleDeclarations) -> Iterator[tuple[str, int]]:
    """The digests of the slices of a file that are worth reading, each with its first line."""
    lines = source_lines(text)
    for qualname, function in chosen(declarations):
        yield function_digest(lines, qualname, function), function.first_line
    if declarations.body_touches_database:
        yield body_digest(text, declarations.module), 1


def function_digest(lines: list[str], qualname: str, function: FunctionDeclaration) -> str:
    """The digest of a function's slice."""
    source, _ = slice_source(lines, function.first_line, function.last_line)
    return slice_digest(qualname, function.owner, source)


def body_digest(text: str, module: str) -> str:
    """The digest of the slice that a file's own body is."""
    return slice_digest(body_name(module), None, parsable(text))


def body_name(module: str) -> str:
    return f"{module}.<body>"


def source_lines(text: str) -> list[str]:
    """The lines of a file as Python counts them, line ends kept (`str.splitlines` knows ends that Python does not)."""
    if "\r" in text:
        return _LINE.findall(text)
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def slice_source(lines: list[str], first_line: int, last_line: int) -> tuple[str, int]:
    """The text to parse for a slice, and the file's line that stands before the text's first line.

    Nothing is dedented: an indented slice goes below an `if 1:` line, so that strings of several lines keep their text.
    """
    while last_line < len(lines) and _CONTINUED.match(lines[last_line - 1]):
        last_line += 1  # a backslash after the last statement: the line it joins holds at most a comment
    source = parsable("".join(lines[first_line - 1 : last_line]))
    if source[:1] in {" ", "\t", "\f"}:
        return "if 1:\n" + source, first_line - 2
    return source, first_line - 1


def parsable(text: str) -> str:
    """A text in which lone carriage returns, which are line ends to Python and not to libcst, are line feeds."""
    return _LONE_RETURN.sub("\n", text) if "\r" in text else text


def chosen(declarations: ModuleDeclarations) -> Iterator[tuple[str, FunctionDeclaration]]:
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
