"""The text that places point into, read when a frame is drawn."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Mapping
from pathlib import Path


class Sources:
    """Lines of files by path, from the working folder; `given` are texts in the place of files: standard input."""

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self._lines = {path: _split(text) for path, text in (given or {}).items()}

    def lines(self, path: str) -> list[str]:
        """All lines of a file, without line ends; none where it cannot be read."""
        if path not in self._lines:
            self._lines[path] = _split(_text(Path(path)))
        return self._lines[path]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return content.decode("utf-8", errors="replace")


def _split(text: str) -> list[str]:
    """Lines as Python counts them: form feeds and Unicode's separators do not end one."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
