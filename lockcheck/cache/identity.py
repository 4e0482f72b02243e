"""Which lockcheck on which Python: what one kept, another does not use."""

from __future__ import annotations

import os
import sys
from hashlib import blake2b

from lockcheck import __version__

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_DISTRIBUTION = "sqlalchemy_lockcheck"
_ENDINGS = (".py", ".toml", ".md")


def identity() -> str:
    """The name of this version's part of a cache."""
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    return f"{__version__}-{python}-{_build().hexdigest()}"


def _build() -> blake2b:
    """Which build it is: by pip's record of an installed package, which has the hash of every file; by the sizes and
    times of the files where lockcheck runs from a checkout."""
    found = blake2b(digest_size=8)
    folder = f"{_DISTRIBUTION}-{__version__}.dist-info"
    if os.path.isdir(os.path.join(_PACKAGE, "_rules")):
        try:
            with open(os.path.join(os.path.dirname(_PACKAGE), folder, "RECORD"), "rb") as record:
                found.update(record.read())
        except OSError:
            pass
        else:
            return found
    for top in (_PACKAGE, os.path.join(os.path.dirname(_PACKAGE), "rules")):
        _add(top, found)
    return found


def _add(folder: str, found: blake2b) -> None:
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.endswith(_ENDINGS):
            status = entry.stat()
            found.update(f"{entry.name} {status.st_size} {status.st_mtime_ns}\n".encode())
        elif entry.is_dir() and not entry.name.startswith(("__", ".")):
            found.update(entry.name.encode())
            _add(entry.path, found)
