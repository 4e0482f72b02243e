"""The terminal: streams, progress, and how a run ends."""

from __future__ import annotations

import codecs
import io
import os
import sys
import time
import traceback
from pathlib import Path
from typing import TextIO

from lockcheck.reporting.style import Style, printable, wants_colour

CLEAN, FOUND, WRONG, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141
_HERE = Path(__file__).parent


def prepare_streams() -> None:
    """UTF-8 whatever the locale says. File names come out as the bytes they are; what else has no UTF-8, as `?`."""
    codecs.register_error("lockcheck", _byte_or_mark)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="lockcheck")


def _byte_or_mark(error: UnicodeError) -> tuple[bytes, int]:
    """Python keeps undecodable bytes of file names as the surrogates U+DC80 to U+DCFF."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    kept = (ord(character) - 0xDC00 for character in error.object[error.start : error.end])
    return bytes(byte if 0x80 <= byte <= 0xFF else ord("?") for byte in kept), error.end  # noqa: PLR2004 - as said


def style_of(stream: TextIO) -> Style:
    """Whether to paint what goes to a stream."""
    return Style(wants_colour(stream, os.environ))


def say(text: str) -> None:
    """A line that is no finding."""
    sys.stderr.write(f"{text}\n")


def complain(kind: str, text: str) -> None:
    """An error or a warning."""
    colour = "red" if kind == "error" else "yellow"
    say(f"{style_of(sys.stderr).paint(kind, colour, 'bold')}: {printable(text)}")


def close_quietly() -> int:
    """The reader of the output has gone: leave without a word, also when Python flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def internal_error(error: BaseException) -> int:
    """An error of lockcheck's own."""
    if os.environ.get("LOCKCHECK_TRACEBACK"):
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(_HERE)]
    where = f" ({Path(own[-1].filename).relative_to(_HERE.parent).as_posix()}:{own[-1].lineno})" if own else ""
    complain("error", f"lockcheck failed: {type(error).__name__}: {error}{where}")
    say("This is a fault of lockcheck. LOCKCHECK_TRACEBACK=1 shows where it comes from.")
    return WRONG


class Progress:
    """A line on a terminal that says how far a long run has come; wiped away at the end."""

    PATIENCE = 1.0
    INTERVAL = 0.1

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream: TextIO = getattr(stream, "untold", stream)  # a run that is printed again has no progress
        self._silent = quiet or not stream.isatty() or os.environ.get("TERM") == "dumb"
        self._next = time.monotonic() + self.PATIENCE
        self._shown = False

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._silent or (now := time.monotonic()) < self._next:
            return
        self._next = now + self.INTERVAL
        self._shown = True
        self._stream.write(f"\r\x1b[K{stage} {done:,}/{total:,}")
        self._stream.flush()

    def finish(self) -> None:
        """Leave the line as it was before."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False
