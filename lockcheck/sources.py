"""Source files as text: encodings, byte order marks, and what to say of a file that cannot be read."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from lockcheck.findings import Problem


@dataclass(frozen=True, slots=True)
class Source:
    """One file. `path` is how findings name it, `file` where it is; line ends are as in the file."""

    path: str
    file: Path
    text: str
    raw: bytes


def read_source(file: Path, path: str) -> Source | Problem:
    """A file's text, decoded as Python would (PEP 263), or why there is none."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        return Problem(path, None, None, f"cannot be read: {error.strerror or error}")
    return decoded(raw, file, path)


def decoded(raw: bytes, file: Path, path: str) -> Source | Problem:
    """The text of these bytes, decoded as Python would (PEP 263), or why there is none."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        return Source(path, file, raw.decode(encoding), raw)
    except SyntaxError as error:
        return Problem(path, 1, 1, f"cannot be decoded: {error.msg}")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        return Problem(path, line, column, f"cannot be decoded as {error.encoding}: {error.reason}")
    except LookupError as error:
        return Problem(path, 1, 1, f"cannot be decoded: {error}")


def parsed(text: str, path: str) -> ast.Module:
    """The syntax tree of a file. Raises SyntaxError, ValueError, RecursionError or MemoryError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubtful escapes are the checked project's affair
        tree = compile(text, path, "exec", flags=ast.PyCF_ONLY_AST, dont_inherit=True)
    return cast("ast.Module", tree)


def syntax_problem(path: str, error: BaseException) -> Problem:
    """What to say of a file that does not parse."""
    if isinstance(error, SyntaxError):
        return Problem(path, error.lineno, error.offset or None, f"does not parse: {error.msg}")
    if isinstance(error, (RecursionError, MemoryError)):
        return Problem(path, None, None, "does not parse: it is nested too deeply")
    return Problem(path, None, None, f"does not parse: {error}")
