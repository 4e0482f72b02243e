"""The cache's folder: where it is, and files in it that are either whole or not believed.

Whatever goes wrong with the cache, the run goes on without it: a folder that cannot be written is left alone, a file
that is damaged, foreign or of another version counts as absent and is written anew. Files are replaced as a whole, so
that runs side by side see either the old or the new one; the last one to write wins.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import blake2b

NAME = ".lockcheck_cache"
VARIABLE = "LOCKCHECK_CACHE_DIR"
TAG = "CACHEDIR.TAG"
_TAG_TEXT = """Signature: 8a477f597d28d172789f06886806bc55
# This folder was created by lockcheck. `lockcheck clean` removes it.
# See https://bford.info/cachedir/
"""
_MAGIC = b"lockcheck cache\n"
_DIGEST = 16
_GENERATIONS = 3
"""How many versions of lockcheck, or Pythons, keep their part of a cache: the ones used last."""


def digest(content: bytes) -> str:
    """The name of a content."""
    return blake2b(content, digest_size=_DIGEST).hexdigest()


def place(root: str, given: str | None) -> str:
    """The cache's folder: the one of the command line, of the environment, or the project's own."""
    return os.path.abspath(given or os.environ.get(VARIABLE) or os.path.join(root, NAME))


class Folder:
    """The part of a cache that one version of lockcheck uses on one version of Python."""

    def __init__(self, top: str, identity: str) -> None:
        self.top = top
        self._own = os.path.join(top, identity)
        self._ready = False

    def read(self, name: str) -> bytes | None:
        """A file's content; None where there is none that is whole."""
        try:
            with open(os.path.join(self._own, name), "rb") as file:
                content = file.read()
        except OSError:
            return None
        start = len(_MAGIC) + _DIGEST
        body = content[start:]
        whole = content[:start] == _MAGIC + blake2b(body, digest_size=_DIGEST).digest()
        return body if whole else None

    def write(self, name: str, body: bytes) -> bool:
        """Replace a file, if that can be done."""
        content = _MAGIC + blake2b(body, digest_size=_DIGEST).digest() + body
        target = os.path.join(self._own, name)
        temporary = f"{target}.{os.getpid()}.tmp"
        try:
            self._prepare()
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(temporary, "xb") as file:
                file.write(content)
            os.replace(temporary, target)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)
            return False
        return True

    def trim(self, kind: str, most: int) -> None:
        """Keep the files of a subfolder that were written last, at most this many."""
        for path in _oldest_first(os.path.join(self._own, kind))[:-most]:
            with suppress(OSError):
                os.unlink(path)

    def _prepare(self) -> None:
        """Make the folder, mark it as a cache, and remove what versions that are no longer used have left."""
        if self._ready:
            return
        self._ready = True
        os.makedirs(self.top, exist_ok=True)
        for name, text in ((TAG, _TAG_TEXT), (".gitignore", "*\n")):
            with suppress(FileExistsError), open(os.path.join(self.top, name), "x", encoding="utf-8") as file:
                file.write(text)
        if not os.path.isdir(self._own):
            for path in [path for path in _oldest_first(self.top) if os.path.isdir(path)][: 1 - _GENERATIONS]:
                import shutil  # noqa: PLC0415 - rarely needed

                shutil.rmtree(path, ignore_errors=True)
            os.makedirs(self._own, exist_ok=True)
        os.utime(self._own)


def _oldest_first(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as scan:
            found = [(entry.stat().st_mtime_ns, entry.path) for entry in scan]
    except OSError:
        return []
    return [path for _, path in sorted(found)]


def clean(top: str) -> bool:
    """Remove a cache; whether there was one. Raises OSError, and ValueError for a folder that is no cache."""
    if not os.path.isdir(top):
        return False
    if not is_cache(top):
        raise ValueError("is not a cache of lockcheck")
    import shutil  # noqa: PLC0415 - as above

    shutil.rmtree(top)
    return True


def is_cache(top: str) -> bool:
    """Whether lockcheck made a folder."""
    try:
        with open(os.path.join(top, TAG), encoding="utf-8") as file:
            return file.read() == _TAG_TEXT
    except (OSError, UnicodeDecodeError):
        return False
