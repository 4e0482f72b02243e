"""Writing a file: all of it or nothing."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path


def replace_file(target: Path, content: bytes) -> None:
    """Replace a file's content through a temporary file in the same folder; its owner and mode stay. A file that is not
    there is made. Raises OSError, with the old file in place."""
    import tempfile  # noqa: PLC0415 - most runs write to standard output

    status = target.stat() if target.exists() else None
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as temporary:
            temporary.write(content)
            temporary.flush()
            os.fsync(temporary.fileno())
        _like(Path(name), status) if status is not None else Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _like(path: Path, status: os.stat_result) -> None:
    """Give a file the owner, where that is allowed, and the mode of another; a change of owner clears mode bits."""
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(path, status.st_uid, status.st_gid)
    path.chmod(stat.S_IMODE(status.st_mode))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
