"""What git ignores: asked of git where there is a repository, else read from the .gitignore files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck import git
from lockcheck.cache import recording
from lockcheck.cache.replay import IGNORED

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


@dataclass(frozen=True, slots=True)
class Ignored:
    """What is ignored below a folder: `listed` by git, or matched by the .gitignore files from the outermost inward."""

    listed: frozenset[str] = frozenset()
    specs: tuple[tuple[str, GitIgnoreSpec], ...] = ()
    asked: bool = False

    def has(self, path: str, *, is_folder: bool) -> bool:
        """Whether an absolute path is ignored."""
        if self.asked:
            return path in self.listed
        for folder, spec in reversed(self.specs):
            relative = os.path.relpath(path, folder).replace(os.sep, "/")
            verdict = spec.check_file(f"{relative}/" if is_folder else relative).include
            if verdict is not None:
                return verdict
        return False

    def entering(self, folder: str, names: frozenset[str]) -> Ignored:
        """The same one folder further down; a repository inside another has its own rules."""
        if ".git" in names and (listed := _ask_git(folder)) is not None:
            return Ignored(listed, asked=True)
        if self.asked or ".gitignore" not in names:
            return self
        return Ignored(specs=(*self.specs, _spec(folder)))


def above(folder: str) -> Ignored:
    """What holds in a folder because of its surroundings; its own .git and .gitignore are left to `entering`."""
    around: list[str] = []
    for place in map(str, Path(folder).parents):
        around.insert(0, place)
        if Path(place, ".git").exists():
            listed = _ask_git(folder)
            return Ignored(listed, asked=True) if listed is not None else _read(around)
        if Path(place, "pyproject.toml").is_file():
            return _read(around)
    return Ignored()


def _read(folders: list[str]) -> Ignored:
    return Ignored(specs=tuple(_spec(item) for item in folders if Path(item, ".gitignore").is_file()))


def _spec(folder: str) -> tuple[str, GitIgnoreSpec]:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - only a tree without git pays for the import

    lines = Path(folder, ".gitignore").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return folder, GitIgnoreSpec.from_lines(lines)


def _ask_git(folder: str) -> frozenset[str] | None:
    """The ignored files and folders below a folder; None where git cannot tell."""
    try:
        answer = git.ask(folder, *IGNORED)
    except git.GitError:
        return None
    if answer.status != 0:
        return None
    if recorded := recording.current():
        recorded.answered(folder, answer.output)
    return frozenset(str(Path(folder, name.rstrip("/"))) for name in git.separated(answer.output))
