"""Two versions of lockcheck, each in a folder of its own."""

from __future__ import annotations

import compileall
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from ecosystem_check.errors import EcosystemError
from ecosystem_check.processes import git
from ecosystem_check.unpacking import unpack

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, slots=True)
class Version:
    """A version of lockcheck: `side` is "base" or "head", `name` tells people which one it is."""

    side: str
    name: str
    folder: Path
    dependencies: frozenset[str]


def checked_out(repository: Path, revision: str | None, side: str, work: Path) -> Version:
    """A revision, or the working tree for None, as it is now. Raises EcosystemError."""
    folder = work / side
    name = _working_tree(repository, folder) if revision is None else _archived(repository, revision, folder)
    if not all((folder / "lockcheck" / module).is_file() for module in ("__init__.py", "__main__.py")):
        raise EcosystemError(f"{name} has no lockcheck")  # an installed one would run in its place
    compileall.compile_dir(folder / "lockcheck", quiet=2)  # so that no run pays for it
    return Version(side, name, folder, _dependencies(folder))


def _archived(repository: Path, revision: str, folder: Path) -> str:
    try:
        commit = git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}", cwd=repository).strip()
    except EcosystemError as error:
        raise EcosystemError(f"unknown revision `{revision}`: {error}") from error
    archive = folder.with_suffix(".tar")
    git("archive", "--format", "tar", "--output", str(archive), commit, cwd=repository)
    unpack(archive, folder)
    return git("log", "-1", "--format=%h %s", commit, cwd=repository).strip()


def _working_tree(repository: Path, folder: Path) -> str:
    """A copy, so that what is edited meanwhile does not count."""
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=repository)
    for name in filter(None, names.split("\0")):
        if (repository / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(repository / name, folder / name)
    changed = git("status", "--porcelain", cwd=repository).splitlines()
    return f"working tree at {git('log', '-1', '--format=%h', cwd=repository).strip()}, {len(changed)} files changed"


def _dependencies(folder: Path) -> frozenset[str]:
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return frozenset()
    return frozenset(map(str, project.get("dependencies", ())))
