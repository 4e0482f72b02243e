"""Observes what a run depends on and what it prints, so that the next one can print it again.

Python tells an audit hook of every file that is opened, every folder that is listed and every process that is started,
whichever part of lockcheck does so. A run that does anything that cannot be checked beforehand is not recorded.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TextIO, cast

from lockcheck.cache.folder import digest
from lockcheck.cache.replay import IGNORED, PROBED, SEPARATOR, name_of, probe, settled, times

if TYPE_CHECKING:
    from pathlib import Path

    from lockcheck.cache.folder import Folder

MOST = 32
"""How many runs are kept."""

CLEAN, FOUND = 0, 1
_running: list[Recording] = []
_SPOILING = ("socket.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.remove", "os.rename", "os.link")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Recording:
    """One run. It is kept where `keep_in` says so."""

    def __init__(self, arguments: list[str]) -> None:
        self._name = name_of(arguments)
        self._began = time.time_ns()
        self._inputs: dict[str, tuple[str, ...]] = {}
        self._questions = 0
        self._answers: list[list[str]] = []
        self._printed: list[tuple[str, str]] = []
        self._folder: Folder | None = None
        self._streams: tuple[TextIO, TextIO] | None = None
        self.watching = True
        self._spoilt = False

    def listen(self) -> None:
        """From here on, what is printed counts."""
        self._streams = sys.stdout, sys.stderr
        sys.stdout = cast("TextIO", _Tee(sys.stdout, "out", self._printed))
        sys.stderr = cast("TextIO", _Tee(sys.stderr, "err", self._printed))

    def keep_in(self, folder: Folder | None) -> None:
        """Where to keep the run, which may be printed again."""
        self._folder = folder

    def answered(self, folder: str, answer: bytes) -> None:
        """What git said of the ignored files below a folder."""
        self._answers.append([folder, digest(answer)])

    def trusted(self, file: Path, stamp: tuple[str, ...]) -> None:
        """A file that is not read, since its times and size are those of one that was."""
        self._inputs.setdefault(os.path.abspath(file), stamp)

    def finish(self, status: int) -> None:
        """Keep the run, if it can be kept."""
        self.watching = False
        if self._streams is not None:
            sys.stdout, sys.stderr = self._streams
        whole = status in (CLEAN, FOUND) and not self._spoilt and self._questions == len(self._answers)
        if self._folder is None or not whole or not self._settled():
            return
        rows = (
            [[path, *stamp] for path, stamp in self._inputs.items()],
            [[path, probe(path)] for path in self._probed()],
            self._answers,
            [[stream, text] for stream, text in self._printed],
        )
        fields = [str(status), *(field for table in rows for field in _table(table))]
        try:
            content = SEPARATOR.join(fields).encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half a character, which is printed as `?`
            return
        if not any(SEPARATOR in field for field in fields) and self._folder.write(self._name, content):
            self._folder.trim("runs", MOST)

    # --- what is noticed ------------------------------------------------------------------------------------------

    def notice(self, event: str, arguments: tuple[Any, ...]) -> None:
        """What Python tells an audit hook."""
        if not self.watching:
            return
        if event == "open":
            self._opened(*arguments)
        elif event in {"os.scandir", "os.listdir"}:
            folder = arguments[0] if arguments[0] is not None else os.getcwd()
            if not self._own(folder):
                self._input(folder)
        elif event == "subprocess.Popen":
            command = tuple(map(os.fsdecode, arguments[1]))
            self._questions += 1
            self._spoilt = self._spoilt or command[-len(IGNORED) :] != IGNORED or os.name != "posix"
        elif event.startswith(_SPOILING) and not self._own(arguments[0]):
            self._spoilt = True

    def _opened(self, path: Any, mode: str | None, flags: int) -> None:
        if not isinstance(path, (str, bytes)) or os.fsdecode(path) == os.devnull:
            return
        if flags & _WRITING or (mode is not None and not set(mode).isdisjoint("wax+")):
            self._spoilt = self._spoilt or not self._own(path)
        elif not self._own(path):
            self._input(path)

    def _own(self, path: Any) -> bool:
        """Files that nothing printed depends on: the cache's, and compiled modules."""
        if not isinstance(path, (str, bytes, os.PathLike)):
            return False
        name = os.path.abspath(os.fsdecode(path))
        cached = self._folder is not None and name.startswith(self._folder.top + os.sep)
        return cached or f"{os.sep}__pycache__{os.sep}" in name or name.endswith((".so", ".pyd"))

    def _input(self, path: Any) -> None:
        """A file or folder that is about to be read. Of one that is not there, its absence counts."""
        if isinstance(path, int):
            self._spoilt = True
            return
        name = os.path.abspath(os.fsdecode(path))
        if name not in self._inputs:
            self._inputs[name] = _stamp(name)

    # --- whether it holds -----------------------------------------------------------------------------------------

    def _settled(self) -> bool:
        """Whether all inputs are as they were when they were read, and were so for long enough that another change
        would show."""
        return all(
            stamp and _stamp(name) == stamp and settled(stamp, self._began) for name, stamp in self._inputs.items()
        )

    def _probed(self) -> Iterator[str]:
        """What a run may have looked for above the folders that it has listed: there, no other file is known."""
        folders = {os.path.dirname(name) for name in self._inputs} | {os.getcwd()}
        above: set[str] = set()
        for folder in folders:
            place = folder
            while place not in above:
                above.add(place)
                place = os.path.dirname(place)
        for folder in sorted(above - self._inputs.keys()):
            for name in PROBED:
                yield os.path.join(folder, name)


def _stamp(name: str) -> tuple[str, ...]:
    try:
        return times(os.stat(name))
    except OSError:
        return ()


def _table(rows: Iterable[list[str]]) -> list[str]:
    listed = list(rows)
    return [str(len(listed)), *(field for row in listed for field in row)]


class _Tee:
    """A stream that keeps what is written to it."""

    def __init__(self, stream: TextIO, name: str, chunks: list[tuple[str, str]]) -> None:
        self.untold = stream
        """For what is not to be kept."""
        self._stream = stream
        self._name = name
        self._chunks = chunks

    def write(self, text: str) -> int:
        self._chunks.append((self._name, text))
        return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


# --- the run of this process --------------------------------------------------------------------------------------


def begin(arguments: list[str]) -> Recording:
    """Record a run of this process, the only one that is recorded at a time."""
    added = bool(_running)
    _running[:] = [Recording(arguments)]
    if not added:
        sys.addaudithook(_notice)
    return _running[0]


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    """A hook that is added stays: it tells the recording of the moment. Python tells of each `id()`, too, far more
    often than of all else."""
    if event != "builtins.id":
        _running[0].notice(event, arguments)


def current() -> Recording | None:
    """The recording of this run, if there is one."""
    return _running[0] if _running and _running[0].watching else None
