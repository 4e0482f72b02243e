"""A run in which nothing at all has changed: what the last one printed is printed again.

Imported ahead of everything else, so it imports next to nothing itself. What a run depends on is observed
(`recording`), and here found to be as it was: the arguments, the environment and the terminal, the times and sizes of
all files and folders that were read, whether certain files are there, and what git said of ignored files. In all other
cases the run takes its way, whose results go by the contents of files.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from lockcheck.cache.folder import NAME, VARIABLE, Folder, digest
from lockcheck.cache.identity import identity

MARGIN, COARSE = 50_000_000, 2_000_000_000
"""Nanoseconds within which two changes of a file may show the same time: usually, and on file systems that count
seconds."""

_VOLATILE = ("_", "OLDPWD", "PWD", "SHLVL")
SEPARATOR = "\0"
PROBED = ("pyproject.toml", "setup.py", "setup.cfg", "__init__.py", ".git", ".gitignore", "src")
"""What a run looks for in the folders above those that it lists."""


def name_of(arguments: list[str]) -> str:
    """What a run goes by: all that it is told, and where its output goes."""
    environment = sorted(f"{name}={value}" for name, value in os.environ.items() if name not in _VOLATILE)
    parts = (os.getcwd(), *arguments, "", _terminal(1), _terminal(2), *environment)
    return f"runs/{digest(SEPARATOR.join(parts).encode('utf-8', 'surrogatepass'))}"


def _terminal(number: int) -> str:
    try:
        return str(tuple(os.get_terminal_size(number)))
    except (OSError, ValueError):
        return ""


def attempt(arguments: list[str]) -> int | None:
    """Print what the same run printed, if nothing has changed since; its exit status, or None."""
    if "--no-cache" in arguments:
        return None
    name, own = name_of(arguments), identity()
    for top in _places(arguments):
        content = Folder(top, own).read(name)
        if content is not None:
            return _replayed(content)
    return None


def _places(arguments: list[str]) -> list[str]:
    """Where the caches of a run may be; the project is the working folder's or one around it."""
    for number, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if option == "--cache-dir":
            given = value if equals else (arguments[number + 1 :] or [""])[0]
            return [os.path.abspath(given)] if given else []
    if os.environ.get(VARIABLE):
        return [os.path.abspath(os.environ[VARIABLE])]
    found = []
    folder = os.getcwd()
    while folder != os.path.dirname(folder):
        found.append(os.path.join(folder, NAME))
        folder = os.path.dirname(folder)
    return found


# --- checking what a run depends on ---------------------------------------------------------------------------------


def _replayed(content: bytes) -> int | None:
    """The form of a recorded run is that of `recording`."""
    try:
        fields = iter(content.decode("utf-8", "surrogateescape").split(SEPARATOR))
        status = int(next(fields))
        inputs, probes, questions, printed = (_rows(fields, width) for width in (4, 2, 2, 2))
        asked = [(_ask(folder), answer) for folder, answer in questions]
        same = all(map(_unchanged, inputs)) and all(probe(path) == kind for path, kind in probes)
        answers = [_answered(question) == answer for question, answer in asked]
        return _print(printed, status) if same and all(answers) else None
    except (ValueError, StopIteration, OSError):
        return None


def _rows(fields: Iterator[str], width: int) -> list[tuple[str, ...]]:
    """The next table: the number of its rows, and their fields."""
    return [tuple([next(fields) for _ in range(width)]) for _ in range(int(next(fields)))]


def times(status: os.stat_result) -> tuple[str, str, str]:
    """What changes when a file does. The time of the last change of its status cannot be set back."""
    return str(status.st_size), str(status.st_mtime_ns), str(status.st_ctime_ns)


def settled(stamp: Sequence[str], since: int) -> bool:
    """Whether a file was left alone for so long before a moment, in nanoseconds, that another change from then on shows
    in its `times`."""
    changed = max(map(int, stamp[1:]))
    return changed <= since - (COARSE if changed % 1_000_000_000 == 0 else MARGIN)


def _unchanged(row: tuple[str, ...]) -> bool:
    return times(os.stat(row[0])) == row[1:]


def probe(path: str) -> str:
    """Whether something is there, and what."""
    return "folder" if os.path.isdir(path) else "file" if os.path.isfile(path) else "none"


def _print(chunks: list[tuple[str, ...]], status: int) -> int:
    for stream, text in chunks:
        data = text.encode("utf-8", "surrogateescape")
        to = sys.stdout if stream == "out" else sys.stderr
        to.buffer.write(data)
        to.flush()
    return status


# --- git ------------------------------------------------------------------------------------------------------------


IGNORED = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
"""The one question to git whose answer a run may depend on."""


def _ask(folder: str) -> tuple[int, int]:
    """Start git; where its answer comes and its process. Other things are looked at while it works."""
    receiving, sending = os.pipe()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ("git", "-c", "core.fsmonitor=false", "-C", folder, *IGNORED)
    quiet = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
    try:
        process = os.posix_spawnp("git", command, environment, file_actions=[(os.POSIX_SPAWN_DUP2, sending, 1), quiet])
    finally:
        os.close(sending)
    return receiving, process


def _answered(question: tuple[int, int]) -> str:
    receiving, process = question
    with open(receiving, "rb") as answer:
        said = answer.read()
    _, status = os.waitpid(process, 0)
    return digest(said) if status == 0 else ""
