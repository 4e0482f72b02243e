"""How text looks on a terminal: colours, widths of characters, wrapping."""

from __future__ import annotations

import os
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
TAB = 4


@dataclass(frozen=True, slots=True)
class Style:
    """Paints text, or leaves it as it is."""

    coloured: bool = False

    def paint(self, text: str, *names: str) -> str:
        if not self.coloured or not text:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """NO_COLOR wins, then FORCE_COLOR; else colour goes to terminals that are not dumb."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environment.get("TERM") != "dumb"


def terminal_width(stream: TextIO, environment: Mapping[str, str]) -> int | None:
    """The columns to fit into: COLUMNS, else those of the terminal; None where the output is not a terminal."""
    if environment.get("COLUMNS", "").isdigit() and int(environment["COLUMNS"]) > 0:
        return int(environment["COLUMNS"])
    if not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def printable(text: str) -> str:
    """The text with control characters shown as symbols, so that source code cannot steer the terminal."""
    if text.isprintable():
        return text
    return "".join(_symbol(character) for character in text)


_C0_SYMBOLS = 0x2400
_JOINERS = "\u00ad\u200c\u200d\ufeff"


def _symbol(character: str) -> str:
    if character < " ":
        return chr(_C0_SYMBOLS + ord(character))
    if character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs":
        return character
    return "\N{REPLACEMENT CHARACTER}"


def expanded(text: str) -> str:
    """A line of source as it is shown: tabs to tab stops, controls as symbols."""
    if text.isprintable():
        return text
    shown: list[str] = []
    column = 0
    for character in text:
        piece = " " * (TAB - column % TAB) if character == "\t" else printable(character)
        shown.append(piece)
        column += cells(piece)
    return "".join(shown)


def cells(text: str) -> int:
    """The columns that text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text))


def _cells_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def clip(text: str, start: int, width: int) -> str:
    """The columns from `start` of a line, as many as `width`; a mark stands where something is cut off."""
    end = start + width
    first, last = start + (start > 0), end - (cells(text) > end)
    shown: list[str] = []
    column = 0
    for character in text:
        following = column + _cells_of(character)
        if column >= first and following <= last:
            shown.append(character)
        column = following
    return f"{'…' if start else ''}{''.join(shown)}{'…' if column > end else ''}"


def folded(text: str, width: int) -> list[str]:
    """A line broken into pieces of at most `width` columns, wherever that falls."""
    pieces = [""]
    for character in text:
        if cells(pieces[-1]) + _cells_of(character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


def wrapped(text: str, width: int | None, *, first: int = 0) -> list[str]:
    """Prose in lines of at most `width` columns; `first` columns of the first line are taken."""
    if width is None:
        return [text]
    room = max(width, 20)
    filled = textwrap.wrap(
        "\0" * first + text, room, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )
    return [filled[0][first:], *filled[1:]] if filled else [""]


def plural(count: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def columns(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows set in columns."""
    table = list(rows)
    widths = [max(map(cells, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
