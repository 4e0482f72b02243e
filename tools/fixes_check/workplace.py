"""A project's tree and environment: unpacked, installed, fixed, tested."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecosystem_check.errors import EcosystemError
from ecosystem_check.obtaining import Cache
from ecosystem_check.processes import environment, output
from ecosystem_check.revisions import Version
from fixes_check import containers, outcomes, recording
from fixes_check.projects import Project

_APPLIED = re.compile(r"^Applied ([\d,]+) fix", re.MULTILINE)
_RAN = (0, 1)


@dataclass(frozen=True, slots=True)
class Fixed:
    """What lockcheck did to a tree: the number of fixes, that of each rule's findings that went, the changed files."""

    applied: int
    rules: Mapping[str, int]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """How tests are run. `timeout` is in seconds; `python` has all the tests need, else an environment is made;
    `postgresql` is the URL of a server for those that would start a container."""

    timeout: float
    python: str | None
    postgresql: str | None


class Workplace:
    """The folder of one project below `folder`. It is a scratch place: what is in it is written over."""

    def __init__(self, project: Project, cache: Cache, folder: Path, how: Running) -> None:
        self._project, self._cache, self._how = project, cache, how
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
        if self._how.python is not None:
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
        rules = "--preview" if preview else "--no-preview"
        before, found = self._sources(), self._found(version, rules)
        applied = _APPLIED.search(self._told(version, rules, "--fix", "--unsafe-fixes", "--output-format", "concise"))
        after, left = self._sources(), self._found(version, rules)
        changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
        return Fixed(int(applied[1].replace(",", "")) if applied else 0, found - left, tuple(changed))

    def _found(self, version: Version, *flags: str) -> Counter[str]:
        """How many findings each rule has."""
        report = json.loads(self._told(version, *flags, "--quiet", "--output-format", "json"))
        return Counter(finding["code"] for finding in report["findings"])

    def _told(self, version: Version, *flags: str) -> str:
        """What lockcheck prints of the tree. Raises EcosystemError."""
        place = (self.tree / self._project.package.src).relative_to(self._folder)
        command = [sys.executable, "-m", "lockcheck", *flags, "--exit-zero", str(place)]
        variables = {**environment(), "PYTHONPATH": str(version.folder), "LOCKCHECK_TRACEBACK": "1"}
        done = subprocess.run(
            command, cwd=self._folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        told, complaint = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
        if done.returncode:
            last = " | ".join((told + complaint).splitlines()[-3:])
            raise EcosystemError(f"lockcheck ended with status {done.returncode}: {last}")
        return told if "json" in flags else told + complaint

    def test(self, names: Sequence[str] = ()) -> dict[str, str]:
        """The outcomes of the project's tests, or of some of them. Raises EcosystemError."""
        with tempfile.TemporaryDirectory(prefix="lockcheck-suite-") as scratch:
            record = Path(scratch) / "record"
            command = [self._python, "-m", "pytest", *self._options(), *(names or self._project.tests)]
            try:
                done = subprocess.run(
                    command, cwd=self.tree, env=self._variables(record), stdin=subprocess.DEVNULL, capture_output=True,
                    check=False, timeout=self._how.timeout,
                )  # fmt: skip
            except subprocess.TimeoutExpired as error:
                raise EcosystemError(f"the tests took more than {self._how.timeout:g} s") from error
            told = (done.stdout + done.stderr).decode(errors="replace")
            (self._folder / "tests.log").write_text(told, encoding="utf-8")
            if done.returncode not in _RAN:
                raise EcosystemError(
                    f"pytest ended with status {done.returncode}: {' | '.join(told.splitlines()[-4:])}"
                )
            return outcomes.read(record)

    def _options(self) -> list[str]:
        """Those of pytest."""
        plugins = [recording] if self._how.postgresql is None else [recording, containers]
        loaded = [word for plugin in plugins for word in ("-p", Path(str(plugin.__file__)).stem)]
        servers = [] if self._how.postgresql is None else self._project.postgresql
        return [*loaded, "-p", "no:cacheprovider", "-q", *self._project.options, *servers]

    def _variables(self, record: Path) -> dict[str, str]:
        """The environment of the tests."""
        own = self._project.environment
        paths = [str(Path(recording.__file__).parent), *filter(None, [own.get("PYTHONPATH")])]
        given = {recording.VARIABLE: str(record)}
        if self._how.postgresql is not None:
            given[containers.VARIABLE] = self._how.postgresql
        return {**environment(), **own, "PYTHONPATH": os.pathsep.join(paths), **given}

    @property
    def _python(self) -> str:
        return self._how.python or str(self._venv / ("Scripts" if sys.platform == "win32" else "bin") / "python")

    def _sources(self) -> dict[str, bytes]:
        return {path.relative_to(self.tree).as_posix(): path.read_bytes() for path in self.tree.rglob("*.py")}
