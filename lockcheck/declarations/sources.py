"""Where a project's modules are, and what they are called."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lockcheck.declarations.locate import MARK, SOURCE_FOLDERS

MARKERS = ("pyproject.toml", "setup.py", "setup.cfg")
INIT = "__init__.py"


@dataclass(frozen=True, slots=True)
class Project:
    """The sources around the paths to check. `folders` are to be read with all that is below them, `files` besides;
    `roots` are the folders that module names count from, the deepest one that holds a file."""

    folders: tuple[Path, ...]
    files: tuple[Path, ...]
    roots: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """A file with the name that imports have for it."""

    path: Path
    name: str
    is_package: bool


def source_roots(paths: Sequence[Path], src: Sequence[Path] = ()) -> Project:
    """The project around `paths`, absolute files or folders.

    It is what lies below the nearest pyproject.toml (else setup.py or setup.cfg), or below `src` where that is given;
    without any, the package that a path belongs to. A file in no package has its neighbours for a project.
    """
    folders: list[Path] = []
    files: list[Path] = []
    roots: list[Path] = [*src]
    for path in paths:
        folder = path if path.is_dir() else path.parent
        home = project_folder(folder)
        if home is not None:
            folders += _inside(src, home) or [home]
            roots += [home, *_source_folders(home)]
            continue
        top = _top_package(folder)
        folders += [top] if top is not None else [path] if path.is_dir() else []
        roots.append(top.parent if top is not None else folder)
        if top is None and not path.is_dir():
            files += _beside(path)
    return Project(tuple(_outermost(folders)), tuple(dict.fromkeys(files)), tuple(dict.fromkeys(roots)))


def project_folder(folder: Path) -> Path | None:
    """The folder of the nearest pyproject.toml, else of the nearest setup.py or setup.cfg."""
    around = (folder, *folder.parents)
    for names in (MARKERS[:1], MARKERS[1:]):
        for place in around:
            if any((place / name).is_file() for name in names):
                return place
    return None


def _inside(src: Sequence[Path], home: Path) -> list[Path]:
    return [root for root in src if root.is_relative_to(home)]


def _source_folders(home: Path) -> list[Path]:
    return [home / name for name in SOURCE_FOLDERS if (home / name).is_dir() and not (home / name / INIT).exists()]


def _top_package(folder: Path) -> Path | None:
    """The outermost package around a folder, itself included."""
    top = None
    while (folder / INIT).is_file():
        top, folder = folder, folder.parent
    return top


def _beside(path: Path) -> list[Path]:
    """A file's neighbours."""
    try:
        return sorted(item for item in path.parent.iterdir() if item.suffix == ".py" and item.is_file())
    except OSError:
        return [path]


def _outermost(folders: Iterable[Path]) -> Iterator[Path]:
    """The folders that lie in no other of them."""
    unique = list(dict.fromkeys(folders))
    return (folder for folder in unique if not any(other in folder.parents for other in unique))


# --- names ------------------------------------------------------------------------------------------------------


def modules(files: Iterable[Path], roots: Sequence[Path]) -> tuple[Module, ...]:
    """The files with unique module names, in the order given.

    Where files of several roots would have the same name, the first root that has it keeps it; all modules of another
    root get its number after the first part of their names (`app~2.models`), so that imports inside a root still meet.
    """
    layout = _Layout(roots)
    named = [(path, *layout.place(path)) for path in files]
    numbers = _numbers([(root, name) for _, root, name in named])
    taken: set[str] = set()
    found = []
    for path, root, name in named:
        unique = _unique(_marked(name, numbers[root]), taken)
        taken.add(unique)
        found.append(Module(path, unique, path.name == INIT))
    return tuple(found)


def module_name(path: Path, roots: Sequence[Path]) -> str:
    """The name that imports have for a file: its path from the deepest root that holds it, else from its outermost
    package, else its stem."""
    return _Layout(roots).place(path)[1]


class _Layout:
    """Finds the source root of a file. Folders named `src` and those of nested projects are roots as well."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = frozenset(roots)
        self._known: dict[Path, Path | None] = {}
        self._places: dict[str, tuple[str, list[str]]] = {}

    def place(self, path: Path) -> tuple[str, str]:
        """The root of a file, and its name from there."""
        folder, file = os.path.split(path)
        if folder not in self._places:
            self._places[folder] = self._folder(path.parent)
        root, parts = self._places[folder]
        stem = file[:-3] if file.endswith(".py") and file != ".py" else path.stem
        parts = parts if file == INIT else [*parts, stem]
        if not all(part.isidentifier() for part in parts[:-1]):
            root, parts = self._after_odd_part(root, parts)
        return root, ".".join(parts) or stem

    def _folder(self, folder: Path) -> tuple[str, list[str]]:
        """The root of a folder's files, and the parts of its path from there."""
        root = self._root(folder) or self._outside(folder)
        return str(root), [*folder.relative_to(root).parts]

    def _root(self, folder: Path) -> Path | None:
        if folder not in self._known:
            self._known[folder] = self._find(folder)
        return self._known[folder]

    def _find(self, folder: Path) -> Path | None:
        if folder in self._roots:
            return folder
        if not any(root in folder.parents for root in self._roots):
            return None
        if not (folder / INIT).is_file() and (
            folder.name in SOURCE_FOLDERS or any((folder / name).is_file() for name in MARKERS)
        ):
            return folder
        return self._root(folder.parent)

    def _outside(self, folder: Path) -> Path:
        top = _top_package(folder)
        return top.parent if top is not None else folder

    def _after_odd_part(self, root: str, parts: list[str]) -> tuple[str, list[str]]:
        """A folder that no import can name (`my-service/`) is where names below it begin."""
        last = max(index for index, part in enumerate(parts[:-1]) if not part.isidentifier())
        return os.path.join(root, *parts[: last + 1]), parts[last + 1 :]  # noqa: PTH118 - as all paths here


def _numbers(named: Sequence[tuple[str, str]]) -> dict[str, int]:
    """By root, the number that its modules carry; 1 stands for none."""
    by_root: dict[str, set[str]] = {}
    for root, name in named:
        by_root.setdefault(root, set()).add(name)
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for root, names in by_root.items():
        clash = not names.isdisjoint(taken)
        numbers[root] = max(numbers.values(), default=1) + 1 if clash else 1
        if not clash:
            taken |= names
    return numbers


def _marked(name: str, number: int) -> str:
    if number == 1:
        return name
    head, dot, rest = name.partition(".")
    return f"{head}{MARK}{number}{dot}{rest}"


def _unique(name: str, taken: set[str]) -> str:
    """`a.py` beside `a/__init__.py` is the one case where a root has a name twice."""
    if name not in taken:
        return name
    return next(candidate for number in range(2, 10_000) if (candidate := f"{name}{MARK}{number}") not in taken)


Listing = Callable[[Path], Iterable[Path]]


def project_modules(project: Project, listing: Listing) -> tuple[Module, ...]:
    """All modules of a project; `listing` gives the Python files below a folder."""
    found = {file for folder in project.folders for file in listing(folder)} | set(project.files)
    return modules(sorted(found, key=lambda path: (len(path.parts), os.fspath(path))), project.roots)
