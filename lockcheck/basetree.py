"""The files of a project as a commit has them, read from git's objects: nothing is checked out."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lockcheck import discover
from lockcheck.git import Repository, blobs, separated
from lockcheck.sources import Source, decoded

_LINK, _SUBMODULE = "120000", "160000"
_RENAME_LIMIT = 3000


@dataclass(frozen=True, slots=True)
class Around:
    """What the run reads today: its files with what they hold, and the folders and further places it looks in."""

    sources: Mapping[Path, Source | None]
    folders: tuple[Path, ...]
    beside: frozenset[Path]
    excludes: discover.Excludes


@dataclass(frozen=True, slots=True)
class BaseTree:
    """The project's files at a commit, absolute, and the texts of all that are not read from the disk, by path as
    findings name it. `renamed` leads from a file's path to its path today. `same` tells that nothing differs."""

    files: tuple[Path, ...]
    texts: Mapping[str, str]
    renamed: Mapping[str, str]
    same: bool
    notes: tuple[str, ...]


class _Entry(NamedTuple):
    mode: str
    name: str


def base_tree(repository: Repository, commit: str, around: Around) -> BaseTree:
    """What the run would have read at a commit, with today's settings. Files outside of the repository, and those of
    repositories inside it, are as they are on the disk. Raises GitError."""
    entries = _entries(repository, commit)
    old_names = _renames(repository, commit)
    foreign = Foreign(repository.root)
    elsewhere = [path for path in around.sources if foreign.holds(path)]
    wanted = dict(_wanted(repository, entries, old_names, around))
    contents = _contents(repository, wanted, entries, around)
    texts, notes = _texts(contents)
    own = {path: source for path, source in around.sources.items() if path not in set(elsewhere)}
    same = own.keys() == contents.keys() and all(
        source is not None and source.raw == contents[path] for path, source in own.items()
    )
    renamed = {
        discover.display(repository.root / old): discover.display(repository.root / new)
        for new, old in old_names.items()
    }
    files = sorted([path for path in contents if discover.display(path) in texts] + elsewhere)
    return BaseTree(tuple(files), texts, renamed, same, (*foreign.notes(), *notes))


def _entries(repository: Repository, commit: str) -> dict[str, _Entry]:
    """The files and submodules of a commit, by path."""
    found = {}
    for line in separated(repository.demand("ls-tree", "-r", "-z", "--full-tree", commit)):
        head, _, path = line.partition("\t")
        mode, _, name = head.split(" ")
        found[path] = _Entry(mode, name)
    return found


def _renames(repository: Repository, commit: str) -> dict[str, str]:
    """The names that files had at a commit, by their names in the working tree and index."""
    options = ("--name-status", "--find-renames", "--diff-filter=R", "--no-ext-diff", "--ignore-submodules=all")
    output = repository.demand("diff", "-z", *options, f"-l{_RENAME_LIMIT}", commit, "--", "*.py")
    items = list(separated(output))
    return {items[at + 2]: items[at + 1] for at in range(0, len(items) - 2, 3)}


def _wanted(
    repository: Repository, entries: Mapping[str, _Entry], old_names: Mapping[str, str], around: Around
) -> Iterator[tuple[Path, str]]:
    """The files to read, with their names in the tree."""
    today = {repository.inside(path) for path in around.sources if path.is_relative_to(repository.root)}
    named = today | {old for new, old in old_names.items() if new in today}
    for name, entry in entries.items():
        if entry.mode == _SUBMODULE:
            continue
        path = repository.root / name
        if name in named or (name.endswith(".py") and _covered(path, around)):
            yield path, name


def _covered(path: Path, around: Around) -> bool:
    if path.parent in around.beside:
        return True
    return any(path.is_relative_to(folder) and not _excluded(path, folder, around) for folder in around.folders)


def _excluded(path: Path, folder: Path, around: Around) -> bool:
    places = [place for place in path.parents if place != folder and place.is_relative_to(folder)]
    return around.excludes.match(path.name, str(path), is_folder=False) or any(
        around.excludes.match(place.name, str(place), is_folder=True) for place in places
    )


# --- contents -----------------------------------------------------------------------------------------------


def _contents(
    repository: Repository, wanted: Mapping[Path, str], entries: Mapping[str, _Entry], around: Around
) -> dict[Path, bytes]:
    """What the files hold. What the disk holds already is not asked of git."""
    targets = _targets(repository, wanted.values(), entries)
    objects = {path: entries[targets[inside]].name for path, inside in wanted.items() if inside in targets}
    algorithm = "sha256" if any(len(name) > 40 for name in objects.values()) else "sha1"  # noqa: PLR2004 - hex digits
    known = {_name_of(source.raw, algorithm): source.raw for source in around.sources.values() if source is not None}
    missing = dict.fromkeys(name for name in objects.values() if name not in known)
    known.update(zip(missing, blobs(repository, missing), strict=True))
    return {path: known[name] for path, name in objects.items()}


def _targets(repository: Repository, wanted: Iterable[str], entries: Mapping[str, _Entry]) -> dict[str, str]:
    """The file that holds the text of each: itself, or what a symbolic link leads to within the commit."""
    names = [name for name in wanted if name in entries]
    links = [name for name in names if entries[name].mode == _LINK]
    found = {name: name for name in names if entries[name].mode != _LINK}
    for name, content in zip(links, blobs(repository, [entries[name].name for name in links]), strict=True):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), os.fsdecode(content)))
        if target in entries and entries[target].mode not in (_LINK, _SUBMODULE):
            found[name] = target
    return found


def _name_of(content: bytes, algorithm: str) -> str:
    """The name of the blob with this content."""
    return hashlib.new(algorithm, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _texts(contents: Mapping[Path, bytes]) -> tuple[dict[str, str], list[str]]:
    texts, notes = {}, []
    for path, content in contents.items():
        shown = discover.display(path)
        source = decoded(content, path, shown)
        if isinstance(source, Source):
            texts[shown] = source.text
        else:
            notes.append(f"{shown} {source.message}")
    return texts, notes


# --- other repositories -------------------------------------------------------------------------------------


class Foreign:
    """Tells files that the repository says nothing about: outside of it, or in a repository inside it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Path, Path | None] = {}
        self._met: set[Path] = set()

    def holds(self, path: Path) -> bool:
        """Whether a file belongs to no repository or to another one."""
        if not path.is_relative_to(self._root):
            return True
        inner = self.inner(path.parent)
        if inner is not None:
            self._met.add(inner)
        return inner is not None

    def inner(self, folder: Path) -> Path | None:
        """The repository inside `root`, such as a submodule, that a folder lies in."""
        if folder == self._root or not folder.is_relative_to(self._root):
            return None
        if folder not in self._known:
            own = (folder / ".git").exists()
            self._known[folder] = folder if own else self.inner(folder.parent)
        return self._known[folder]

    def notes(self) -> tuple[str, ...]:
        """What to say of the repositories that were met."""
        return tuple(
            f"{discover.display(path)} is another repository: its files count as unchanged"
            for path in sorted(self._met)
        )
