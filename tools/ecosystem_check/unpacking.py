"""Archives to folders. What an archive says about places is not believed."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from ecosystem_check.errors import EcosystemError

LIMIT = 1 << 30
"""Bytes that one archive may unpack to."""
_DAMAGED = (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError)

Member = tuple[str, int, Callable[[], IO[bytes]]]
"""Name, size and how to open a regular file of an archive."""


def unpack(archive: Path, into: Path, *, suffix: str = "", strip: bool = False) -> None:
    """Write the regular files whose names end in `suffix`; with `strip`, without the one folder around them. An archive
    with any member outside of itself is refused as a whole. Raises EcosystemError."""
    try:
        with _members(archive) as members:
            listed = [(_inside(name, archive), size, open_) for name, size, open_ in members]
            kept = [item for item in listed if item[0].name.endswith(suffix)]
            if sum(size for _, size, _ in kept) > LIMIT:
                raise EcosystemError(f"{archive.name}: would unpack to more than {LIMIT >> 20} MB")
            for path, size, open_ in kept:
                parts = path.parts[1:] if strip else path.parts
                if parts:
                    _write(into.joinpath(*parts), size, open_)
    except _DAMAGED as error:
        raise EcosystemError(f"{archive.name}: cannot be unpacked: {error}") from error


def _inside(name: str, archive: Path) -> PurePosixPath:
    path, elsewhere = PurePosixPath(name), PureWindowsPath(name)
    if not path.parts or path.is_absolute() or elsewhere.anchor or ".." in elsewhere.parts or "\0" in name:
        raise EcosystemError(f"{archive.name}: refused, since it has a member outside of itself: {name!r}")
    return path


def _write(path: Path, size: int, open_: Callable[[], IO[bytes]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_() as member:
        path.write_bytes(member.read(size))


@contextmanager
def _members(archive: Path) -> Iterator[Iterator[Member]]:
    """Everything but folders. Links and devices are left out; their names are judged all the same."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield _of_zip(opened, archive)
    else:
        with tarfile.open(archive) as opened_tar:
            yield _of_tar(opened_tar, archive)


def _of_zip(opened: zipfile.ZipFile, archive: Path) -> Iterator[Member]:
    for info in opened.infolist():
        _inside(info.orig_filename, archive)
        mode = info.external_attr >> 16
        if not info.is_dir() and (stat.S_IFMT(mode) == 0 or stat.S_ISREG(mode)):
            yield info.filename, info.file_size, partial(opened.open, info)


def _of_tar(opened: tarfile.TarFile, archive: Path) -> Iterator[Member]:
    for info in opened:
        if info.name != ".":
            _inside(info.name, archive)
        if info.isreg():
            yield info.name, info.size, partial(_regular, opened, info)


def _regular(opened: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = opened.extractfile(info)
    if stream is None:
        raise tarfile.ExtractError(f"{info.name} is no file")
    return stream
