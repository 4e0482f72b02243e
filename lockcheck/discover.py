"""Which files: those that PATHS name, and those of the project around them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck import ignored
from lockcheck.findings import Problem
from lockcheck.ignored import Ignored
from lockcheck.settings import Settings

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class DiscoverError(Exception):
    """A path that cannot be checked."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"{display(path)}: {message}")
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """`reported` are the files that PATHS name; `read` are they and the project's others. Absolute, sorted."""

    reported: tuple[Path, ...]
    read: tuple[Path, ...]
    problems: tuple[Problem, ...] = ()


def absolute(path: Path | str) -> Path:
    """The path from the root of the file system; symbolic links stay, so that it is still what the user named."""
    return Path(os.path.normpath(Path.cwd() / path))


def display(path: Path | str) -> str:
    """A path as findings show it: relative to the working folder, with forward slashes."""
    spelled, here = str(path), f"{os.getcwd()}/"  # noqa: PTH109 - thousands of paths are spelled
    inside = spelled[len(here) :]
    if spelled.startswith(here) and inside and "/." not in f"/{inside}" and "//" not in f"{inside}/":
        return inside
    try:
        return Path(os.path.relpath(path)).as_posix()
    except ValueError:  # another drive, on Windows
        return Path(path).as_posix()


def project_files(paths: Sequence[Path], settings: Settings, roots: Sequence[Path] = ()) -> ProjectFiles:
    """What to report on and what to read: `roots` are the folders of the project's sources."""
    problems: list[Problem] = []
    reported = reported_files(paths, settings, problems)
    read = set(reported)
    listed = {path for path in map(absolute, paths) if path.is_dir() and not settings.force_exclude}
    for root in roots:
        if root not in listed:
            read.update(python_files(root, settings))
    return ProjectFiles(tuple(reported), tuple(_in_order(read)), tuple(problems))


def reported_files(paths: Sequence[Path], settings: Settings, problems: list[Problem] | None = None) -> list[Path]:
    """The files that PATHS name. A file that is named itself is checked whatever it is called and whether or not it is
    excluded or ignored, unless `force_exclude` is set. Raises DiscoverError for a path that is not there."""
    found: set[Path] = set()
    excludes = Excludes.of(settings)
    for path in map(absolute, paths):
        if settings.force_exclude and (path.is_dir() or path.is_file()) and excludes.cover(path):
            continue
        if path.is_dir():
            found.update(python_files(path, settings, problems))
        elif path.is_file():
            found.add(path)
        else:
            raise DiscoverError(path, _why_not(path))
    return _in_order(found)


def _in_order(paths: Iterable[Path]) -> list[Path]:
    """Sorted, as paths compare: part by part. On Python 3.11 they take long to do so themselves."""
    return sorted(paths, key=lambda path: os.path.normcase(path).split(os.sep))  # noqa: PTH206 - takes as long


def python_files(root: Path, settings: Settings, problems: list[Problem] | None = None) -> list[Path]:
    """The `.py` files below a folder that are neither excluded nor ignored by git, sorted. A folder that cannot be
    listed is left out and told in `problems`."""
    top = str(absolute(root))
    walk = _Walk(Excludes.of(settings), [] if problems is None else problems)
    return _in_order(map(Path, walk.files(top, ignored.above(top))))


@dataclass(frozen=True, slots=True)
class Excludes:
    """The patterns of `exclude` and `extend-exclude`, as in .gitignore. Plain names need no matching."""

    base: Path
    names: frozenset[str]
    spec: GitIgnoreSpec | None

    @classmethod
    def of(cls, settings: Settings) -> Excludes:
        patterns = (*settings.exclude, *settings.extend_exclude)
        names = frozenset(item for item in patterns if not set(item) & set("*?[]!/\\"))
        others = [item for item in patterns if item not in names]
        return cls(settings.base, names, _spec(others) if others else None)

    def match(self, name: str, path: str, *, is_folder: bool) -> bool:
        """Whether a file or folder is excluded, not looking at the folders around it."""
        if name in self.names:
            return True
        if self.spec is None:
            return False
        relative = os.path.relpath(path, self.base).replace(os.sep, "/")
        return self.spec.match_file(f"{relative}/" if is_folder else relative)

    def cover(self, path: Path) -> bool:
        """Whether a path or a folder around it, up to `base`, is excluded."""
        inside = [place for place in path.parents if place.is_relative_to(self.base) and place != self.base]
        return self.match(path.name, str(path), is_folder=path.is_dir()) or any(
            self.match(place.name, str(place), is_folder=True) for place in inside
        )


def _spec(patterns: list[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - only projects with patterns pay for the import

    return GitIgnoreSpec.from_lines(patterns)


@dataclass(frozen=True, slots=True)
class _Walk:
    excludes: Excludes
    problems: list[Problem]

    def files(self, folder: str, around: Ignored) -> Iterator[str]:
        """Symbolic links to folders are not followed: they would show a file twice, or never end."""
        try:
            with os.scandir(folder) as scan:
                entries = list(scan)
        except OSError as error:
            self.problems.append(Problem(display(folder), None, None, f"cannot list this folder: {error.strerror}"))
            return
        here = around.entering(folder, frozenset(entry.name for entry in entries))
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if not is_folder and not entry.name.endswith(".py"):
                continue
            if self.excludes.match(entry.name, entry.path, is_folder=is_folder):
                continue
            if here.has(entry.path, is_folder=is_folder):
                continue
            if is_folder:
                yield from self.files(entry.path, here)
            elif _is_file(entry):
                yield entry.path


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a symbolic link to itself
        return False


def _why_not(path: Path) -> str:
    """Why a path is neither a file nor a folder."""
    try:
        path.stat()
    except FileNotFoundError:
        return "is a broken symbolic link" if path.is_symlink() else "no such file or folder"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return "is neither a file nor a folder"
