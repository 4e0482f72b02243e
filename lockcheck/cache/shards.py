"""Blobs by key, in a few files: one changed blob rewrites a small part of the cache."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import Any, TypeAlias

from lockcheck.cache.folder import Folder

LARGEST = 4_000_000
"""How large a shard may grow, in bytes; the blobs that were used last stay."""

Blobs: TypeAlias = dict[str, bytes]


class Shards:
    """The blobs of one kind. A blob is a JSON document, packed; it is unpacked when it is asked for."""

    def __init__(self, folder: Folder, kind: str) -> None:
        self._folder = folder
        self._kind = kind
        self._loaded: dict[str, Blobs] = {}
        self._changed: set[str] = set()

    def get(self, key: str) -> Any:
        """A document; None where there is none."""
        blob = self.blob(key)
        return None if blob is None else unpacked(blob)

    def blob(self, key: str) -> bytes | None:
        """A blob; None where there is none. The one asked for last goes last."""
        blobs = self._blobs(key[0])
        blob = blobs.pop(key, None)
        if blob is not None:
            blobs[key] = blob
        return blob

    def put(self, key: str, blob: bytes) -> None:
        self._blobs(key[0])[key] = blob
        self._changed.add(key[0])

    def save(self) -> None:
        """Write the shards that have new blobs."""
        for name in sorted(self._changed):
            self._folder.write(f"{self._kind}/{name}", _joined(_kept(self._loaded[name])))
        self._changed.clear()

    def forget(self) -> None:
        """Let go of what was read, once it is saved."""
        self._loaded.clear()

    def _blobs(self, name: str) -> Blobs:
        if name not in self._loaded:
            content = self._folder.read(f"{self._kind}/{name}")
            self._loaded[name] = {} if content is None else _parted(content)
        return self._loaded[name]


def packed(document: Any) -> bytes:
    """A document as a blob. Raises ValueError for numbers too long to be written."""
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 1)


def unpacked(blob: bytes) -> Any:
    """The document of a blob; None for what is none."""
    try:
        return json.loads(zlib.decompress(blob))
    except (zlib.error, ValueError, RecursionError):
        return None


def _kept(blobs: Blobs) -> Blobs:
    size = 0
    kept: list[str] = []
    for key in reversed(blobs):
        size += len(blobs[key])
        if size > LARGEST and kept:
            break
        kept.append(key)
    return {key: blobs[key] for key in reversed(kept)}


def _joined(blobs: Blobs) -> bytes:
    head = json.dumps([[key, len(blob)] for key, blob in blobs.items()], separators=(",", ":"))
    return b"".join((head.encode(), b"\n", *blobs.values()))


def _parted(content: bytes) -> Blobs:
    head, _, rest = content.partition(b"\n")
    try:
        sizes: Iterable[tuple[str, int]] = json.loads(head)
        blobs: Blobs = {}
        at = 0
        for key, size in sizes:
            blobs[key] = rest[at : at + size]
            at += size
    except (ValueError, TypeError):
        return {}
    return blobs
