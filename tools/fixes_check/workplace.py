"""A project's tree and environment: unpacked, installed, fixed, tested."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecosystem_check.errors import EcosystemError
from ecosystem_check.obtaining import Cache
from ecosystem_check.processes import environment, output
from ecosystem_check.revisions import Version
from fixes_check import outcomes, recording
from fixes_check.projects import Project

_APPLIED = re.compile(r"^Applied ([\d,]+) fix", re.MULTILINE)
_RAN = (0, 1)


@dataclass(frozen=True, slots=True)
class Fixed:
    """What lockcheck did to a tree: the number of fixes, and the files that changed."""

    applied: int
    files: tuple[str, ...]


class Workplace:
    """The folder of one project below `folder`. It is a scratch place: what is in it is written over."""

    def __init__(self, project: Project, cache: Cache, folder: Path, timeout: float, python: str | None) -> None:
        """`python` is one that has all the project's tests need; else an environment is made."""
        self._given = python
        self._project, self._cache, self._timeout = project, cache, timeout
        self._folder = folder / project.package.folder
        self.tree, self._venv = self._folder / "tree", self._folder / "venv"

    def renew(self) -> None:
        """The project as it was published, with the settings; what its installation left in the tree stays."""
        self._cache.unpacked(self._project.package, self.tree)
        if self._project.package.config:
            settings = self.tree / "pyproject.toml"
            text = settings.read_text(encoding="utf-8") if settings.is_file() else ""
            settings.write_text(f"{text}\n[tool.lockcheck]\n{self._project.package.config}\n", encoding="utf-8")

    def install(self) -> None:
        """The environment of the tests, made anew when the list of what to install has changed."""
        if self._given is not None:
            return
        done = self._folder / "installed.json"
        wanted = json.dumps([sys.version, *self._project.install])
        if done.is_file() and done.read_text(encoding="utf-8") == wanted:
            return
        shutil.rmtree(self._venv, ignore_errors=True)
        output([sys.executable, "-m", "venv", str(self._venv)])
        install = [self._python, "-m", "pip", "--quiet", "install"]
        output([*install, "--upgrade", "pip>=25.1"])  # the first that knows dependency groups
        output([*install, *self._project.install], cwd=self.tree)
        done.write_text(wanted, encoding="utf-8")

    def fix(self, version: Version, *, preview: bool) -> Fixed:
        """Apply all fixes, unsafe ones too. Raises EcosystemError."""
        before = self._sources()
        place = (self.tree / self._project.package.src).relative_to(self._folder)
        flags = ["--fix", "--unsafe-fixes", "--exit-zero", "--preview" if preview else "--no-preview"]
        command = [sys.executable, "-m", "lockcheck", *flags, "--output-format", "concise", str(place)]
        variables = {**environment(), "PYTHONPATH": str(version.folder), "LOCKCHECK_TRACEBACK": "1"}
        done = subprocess.run(
            command, cwd=self._folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        told = (done.stdout + done.stderr).decode(errors="replace")
        if done.returncode:
            raise EcosystemError(f"lockcheck ended with status {done.returncode}: {' | '.join(told.splitlines()[-3:])}")
        applied = _APPLIED.search(told)
        after = self._sources()
        changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
        return Fixed(int(applied[1].replace(",", "")) if applied else 0, tuple(changed))

    def test(self, names: Sequence[str] = ()) -> dict[str, str]:
        """The outcomes of the project's tests, or of some of them. Raises EcosystemError."""
        with tempfile.TemporaryDirectory(prefix="lockcheck-suite-") as scratch:
            record = Path(scratch) / "record"
            own = self._project.environment
            paths = [str(Path(recording.__file__).parent), *filter(None, [own.get("PYTHONPATH")])]
            variables = {**environment(), **own, "PYTHONPATH": os.pathsep.join(paths)}
            variables[recording.VARIABLE] = str(record)
            options = ["-p", Path(recording.__file__).stem, "-p", "no:cacheprovider", "-q", *self._project.options]
            command = [self._python, "-m", "pytest", *options, *(names or self._project.tests)]
            try:
                done = subprocess.run(
                    command, cwd=self.tree, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                    timeout=self._timeout,
                )  # fmt: skip
            except subprocess.TimeoutExpired as error:
                raise EcosystemError(f"the tests took more than {self._timeout:g} s") from error
            told = (done.stdout + done.stderr).decode(errors="replace")
            (self._folder / "tests.log").write_text(told, encoding="utf-8")
            if done.returncode not in _RAN:
                raise EcosystemError(
                    f"pytest ended with status {done.returncode}: {' | '.join(told.splitlines()[-4:])}"
                )
            return outcomes.read(record)

    @property
    def _python(self) -> str:
        return self._given or str(self._venv / ("Scripts" if sys.platform == "win32" else "bin") / "python")

    def _sources(self) -> dict[str, bytes]:
        return {path.relative_to(self.tree).as_posix(): path.read_bytes() for path in self.tree.rglob("*.py")}
