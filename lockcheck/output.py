"""Where results go: standard output, or a file that is written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from lockcheck import usage
from lockcheck.files import replace_file


def look_at(output: Path) -> None:
    """Complain before the work about a file that could not be written after it."""
    if output.is_dir():
        raise usage.Complaint(f"{output}: is a folder")
    if not output.parent.is_dir():
        raise usage.Complaint(f"{output}: the folder {output.parent} does not exist")


def _show(lines: Iterable[str]) -> None:
    try:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise usage.Complaint(f"standard output: not written, {error.strerror or error}") from error


def put(lines: Iterable[str], output: Path | None) -> None:
    """Write lines to a file, else to standard output. Raises Complaint for what cannot be written."""
    if output is None:
        _show(lines)
        return
    content = "".join(f"{line}\n" for line in lines).encode("utf-8", "lockcheck")
    try:
        if output.exists() and not output.is_file():  # a pipe or a device
            output.write_bytes(content)
        else:
            replace_file(Path(os.path.realpath(output)), content)
    except OSError as error:
        raise usage.Complaint(f"{output}: not written, {error.strerror or error}") from error
