"""Paths as URIs."""

from __future__ import annotations

import re
import sys
from pathlib import PurePath
from urllib.parse import quote

_DRIVE = re.compile(r"[A-Za-z]:/")


def relative(path: str) -> str | None:
    """A URI reference from the working folder; None for a path that does not lie below it."""
    if path.startswith(("/", "../")) or path == ".." or _DRIVE.match(path):
        return None
    return _quoted(path)


def absolute(path: str, folder: PurePath) -> str:
    """The `file:` URI of a path, as findings name it, seen from `folder`."""
    whole = path if path.startswith("/") or _DRIVE.match(path) else _joined(folder, path)
    if whole.startswith("//"):  # a share: //host/share/path
        return f"file:{_quoted(whole)}"
    drive = _DRIVE.match(whole)
    return f"file:///{whole[:2]}{_quoted(whole[2:])}" if drive else f"file://{_quoted(whole)}"


def folder_uri(folder: PurePath) -> str:
    """The `file:` URI of a folder; ends with a slash, so that references are resolved inside it."""
    return absolute(folder.as_posix().rstrip("/") + "/", folder)


def _joined(folder: PurePath, path: str) -> str:
    """The folder with the path, without `..`."""
    parts = folder.as_posix().rstrip("/").split("/")
    for part in path.split("/"):
        if part == ".." and len(parts) > 1:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)


def _quoted(path: str) -> str:
    """Percent-encoded; bytes of a file name that are no UTF-8 stay what they are."""
    return quote(path.encode("utf-8", sys.getfilesystemencodeerrors()), safe="/")
