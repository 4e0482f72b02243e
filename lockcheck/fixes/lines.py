"""Offsets in a text and the lines and columns that stand for them."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from lockcheck.reading.slicing import source_lines


class Lines:
    """The lines of one text, as Python counts them; lines and columns from 1, columns in characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *accumulate(map(len, source_lines(text)))]
        """Where each line begins; the last entry is the end of the text."""

    @cached_property
    def newline(self) -> str:
        """How the text's lines end, by its first line."""
        end = self.text.find("\n")
        if end < 0:
            return "\r" if "\r" in self.text else "\n"
        return "\r\n" if self.text[end - 1 : end] == "\r" else "\n"

    def offset(self, line: int, column: int) -> int:
        """Raises ValueError for a place outside the text."""
        if not 1 <= line <= len(self.starts) or column < 1:
            raise ValueError(f"no line {line}, column {column}")
        offset = self.starts[line - 1] + column - 1
        end = self.starts[line] if line < len(self.starts) else len(self.text)
        if offset > end:
            raise ValueError(f"no line {line}, column {column}")
        return offset

    def position(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.starts, offset)
        if line > 1 and offset == self.starts[-1] and not self.text.endswith(("\n", "\r")):
            line = len(self.starts) - 1
        return line, offset - self.starts[line - 1] + 1

    def line_start(self, offset: int) -> int:
        return self.starts[self.position(offset)[0] - 1]

    def line_end(self, offset: int) -> int:
        """The offset of the line end that follows, or of the end of the text."""
        at = offset
        while at < len(self.text) and self.text[at] not in "\r\n":
            at += 1
        return at

    def next_line(self, offset: int) -> int:
        """Where the next line begins."""
        end = self.line_end(offset)
        return end + (2 if self.text.startswith("\r\n", end) else 1 if end < len(self.text) else 0)

    def indent(self, offset: int) -> str:
        """The whitespace that begins the line of an offset."""
        start = at = self.line_start(offset)
        while at < len(self.text) and self.text[at] in " \t\f":
            at += 1
        return self.text[start:at]

    def before(self, offset: int) -> str:
        """What stands on the line ahead of an offset."""
        return self.text[self.line_start(offset) : offset]
