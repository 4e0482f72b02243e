"""Packages to folders of source: what the cache lacks is downloaded. Nothing is installed or imported."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecosystem_check.errors import EcosystemError
from ecosystem_check.packages import Commit, Package, Release, normal
from ecosystem_check.processes import git, output
from ecosystem_check.unpacking import unpack


class Cache:
    """`downloads` holds what pip brought, `clones/NAME.git` the repositories, `trees` the unpacked sources."""

    def __init__(self, folder: Path) -> None:
        self._downloads, self._clones, self.trees = (folder / name for name in ("downloads", "clones", "trees"))
        for place in (self._downloads, self._clones, self.trees):
            place.mkdir(parents=True, exist_ok=True)
        # The trees are projects of their own also when the cache lies in one, where git may ignore it.
        (self.trees / "pyproject.toml").touch()

    def tree(self, package: Package) -> Path:
        """The folder to check: Python files alone, and the settings. Raises EcosystemError."""
        tree = self.trees / package.folder
        if not tree.is_dir():
            with self._part(self.trees) as part:
                new = part / "tree"
                self.unpacked(package, new, suffix=".py")
                _settle(new, tree)
        checked = tree / package.src
        if not any(checked.rglob("*.py")):
            raise EcosystemError(f"no Python files in {checked}")
        self._configure(checked, package.config)
        return checked

    def unpacked(self, package: Package, into: Path, *, suffix: str = "") -> None:
        """Write the files of a package whose names end in `suffix`. Raises EcosystemError."""
        into.mkdir(parents=True, exist_ok=True)
        for source in package.sources:
            if isinstance(source, Release):
                unpack(self._release(source), into, suffix=suffix, strip=source.form == "sdist")
            else:
                with self._part(self.trees) as part:
                    unpack(self._commit(package, source, part), into, suffix=suffix)

    def _configure(self, folder: Path, config: str) -> None:
        path, text = folder / "pyproject.toml", f"[tool.lockcheck]\n{config.strip()}\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            with self._part(self.trees) as part:
                (part / path.name).write_text(text, encoding="utf-8")
                (part / path.name).replace(path)

    @contextmanager
    def _part(self, beside: Path) -> Iterator[Path]:
        """A place to make something that is then moved to `beside` in one step."""
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=beside))
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _release(self, release: Release) -> Path:
        if (path := _downloaded(release, self._downloads)) is not None:
            return path
        only = ["--no-binary", ":all:"] if release.form == "sdist" else ["--only-binary", ":all:"]
        with self._part(self._downloads) as part:
            command = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--ignore-requires-python"]
            output([*command, *only, "--dest", str(part), f"{release.name}=={release.version}"])
            path = _downloaded(release, part)
            if path is None:
                raise EcosystemError(f"pip brought no {release.form} of {release.name} {release.version}")
            return Path(path.replace(self._downloads / path.name))

    def _commit(self, package: Package, commit: Commit, part: Path) -> Path:
        """The archive of a commit; asks the network only where the clone lacks the commit."""
        given = Path(commit.repository).expanduser()
        clone = given if given.is_dir() else self._clones / f"{package.name}.git"
        if not clone.is_dir():
            git("init", "--quiet", "--bare", str(clone))
        try:
            git("--git-dir", str(clone), "cat-file", "-e", f"{commit.sha}^{{commit}}")
        except EcosystemError:
            if clone == given:
                raise EcosystemError(f"{clone} has no commit {commit.sha}") from None
            git("--git-dir", str(clone), "fetch", "--quiet", "--depth", "1", "--", commit.repository, commit.sha)
        archive = part / "source.tar"
        git("--git-dir", str(clone), "archive", "--format", "tar", "--output", str(archive), commit.sha)
        return archive


def _downloaded(release: Release, folder: Path) -> Path | None:
    """A wheel for any platform first: there may be several."""
    found: list[Path] = []
    for path in folder.iterdir():
        stem = path.name.removesuffix(".tar.gz").removesuffix(".zip").removesuffix(".whl")
        fitting = (path.suffix == ".whl") == (release.form == "wheel") and stem != path.name
        parts = stem.split("-") if path.suffix == ".whl" else re.split(r"-(?=\d)", stem, maxsplit=1)
        if fitting and normal(parts[0]) == normal(release.name) and parts[1:2] == [release.version]:
            found.append(path)
    return min(found, key=lambda path: (not path.stem.endswith("-none-any"), path.name), default=None)


def _settle(new: Path, place: Path) -> None:
    try:
        new.rename(place)
    except OSError:
        if not place.is_dir():  # else another run was first
            raise
