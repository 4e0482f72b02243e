"""Writing a fixed file: all of it or nothing."""

from __future__ import annotations

import ast
import io
import os
import tokenize
import warnings
from pathlib import Path

from lockcheck.files import replace_file


class WriteError(Exception):
    """Why a file was left as it is."""


def write(file: Path, text: str, before: bytes) -> None:
    """Replace a file's text, in its encoding and with its mode, through a temporary file in the same folder.

    `before` are the bytes that the text was made from. A symbolic link stays, what it points to is written. Line ends
    are written as they are in the text. Raises WriteError, with the old file in place.
    """
    target = Path(os.path.realpath(file))
    after = _encoded(file, text, before)
    try:
        if target.read_bytes() != before:
            raise WriteError(f"{file}: not written, it has changed since it was read")
        if not os.access(target, os.W_OK):
            raise WriteError(f"{file}: not written, the file is read-only")
        replace_file(target, after)
    except OSError as error:
        raise WriteError(_explained(file, target, error)) from error


def encoding_of(raw: bytes) -> str:
    """The encoding of a source file: its byte order mark, its PEP 263 comment, else UTF-8."""
    return tokenize.detect_encoding(io.BytesIO(raw).readline)[0]


def _encoded(file: Path, text: str, before: bytes) -> bytes:
    """The bytes to write. They must compile: a fix that breaks the file is not written."""
    try:
        after = text.encode(encoding_of(before))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # doubtful escapes are the checked project's affair
            ast.parse(after)
    except UnicodeEncodeError as error:
        raise WriteError(f"{file}: not written, the fix has characters that {error.encoding} lacks") from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise WriteError(f"{file}: not written, the result does not parse: {error}") from error
    return after


def _explained(file: Path, target: Path, error: OSError) -> str:
    if isinstance(error, PermissionError) and not os.access(target.parent, os.W_OK):
        return f"{file}: not written, the folder {target.parent} is read-only"
    return f"{file}: not written, {error.strerror or error}"
