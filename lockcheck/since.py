"""`--since`: the findings that a project had at a commit, to tell new ones from those."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lockcheck import discover, git
from lockcheck.basetree import Around, Foreign, base_tree
from lockcheck.findings import Finding, Problem
from lockcheck.linked import Workspace
from lockcheck.matching import State, state
from lockcheck.revisions import Base, resolve
from lockcheck.settings import Settings

_NOTED = 3


@dataclass(frozen=True, slots=True)
class Look:
    """What the whole project holds, whatever PATHS say: findings after comments have silenced some."""

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Before:
    """The findings at the base; None where the project was what it is today. Paths of findings are those of then, keys
    have those of today; `scope` are the paths, of then and today, that PATHS cover."""

    base: Base
    there: State | None
    scope: frozenset[str]
    notes: tuple[str, ...]


def before(
    revision: str,
    paths: Sequence[Path],
    workspace: Workspace,
    settings: Settings,
    overlay: Mapping[str, str],
    look: Callable[[Workspace, Mapping[str, str]], Look],
) -> Before:
    """What `look` finds in the project as it was at a revision. Raises git.GitError."""
    try:
        repository = _repository(paths)
        base = resolve(repository, revision)
        workspace.sources(overlay)
        tree = base_tree(repository, base.commit, _around(paths, workspace, settings))
    except git.GitError as error:
        raise git.GitError(f"--since: {error}") from error
    if tree.same and not overlay:
        return Before(base, None, workspace.reported, _few(tree.notes, base))
    found = look(workspace.with_files(tree.files, tree.texts), tree.texts)
    scope = workspace.reported | {tree_path for tree_path in tree.texts if _below(tree_path, paths)}
    notes = (*tree.notes, *(_told(problem) for problem in found.problems if problem.path in tree.texts))
    there = state(found.findings, found.texts, tree.renamed)
    return Before(base, there, frozenset(scope), _few(notes, base))


def _repository(paths: Sequence[Path]) -> git.Repository:
    """The repository that all paths lie in."""
    absolute = [discover.absolute(path) for path in paths]
    folders = [path if path.is_dir() else path.parent for path in absolute]
    repository = git.repository_of(next((folder for folder in folders if folder.is_dir()), Path.cwd()))
    foreign = Foreign(repository.root)
    for path, folder in zip(absolute, folders, strict=True):
        if foreign.holds(folder / "_"):
            raise git.GitError(f"{discover.display(path)} is not in the git repository {repository.root}")
    return repository


def _around(paths: Sequence[Path], workspace: Workspace, settings: Settings) -> Around:
    excludes = discover.Excludes.of(settings)
    folders = [path for path in map(discover.absolute, paths) if path.is_dir()]
    named = [path for path in folders if not (settings.force_exclude and excludes.cover(path))]
    sources = {module.path: workspace.source(discover.display(module.path)) for module in workspace.modules}
    beside = frozenset(path.parent for path in workspace.tree.files)
    return Around(sources, tuple(dict.fromkeys((*workspace.tree.folders, *named))), beside, excludes)


def _below(shown: str, paths: Iterable[Path]) -> bool:
    path = discover.absolute(shown)
    return any(path.is_relative_to(discover.absolute(place)) for place in paths)


def _told(problem: Problem) -> str:
    return f"{problem.path} {problem.message}"


def _few(notes: Sequence[str], base: Base) -> tuple[str, ...]:
    """The first notes and how many more there are."""
    shown = [f"at {base.label}: {note}" for note in notes[:_NOTED]]
    more = len(notes) - _NOTED
    return (*shown, f"at {base.label}: {more:,} more of that kind") if more > 0 else tuple(shown)
