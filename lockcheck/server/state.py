"""The project as the server sees it: settings, the files, and the texts that stand in for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockcheck import api
from lockcheck.baseline import Baseline, read
from lockcheck.findings import Finding, Problem
from lockcheck.linked import Workspace
from lockcheck.reader import Reader
from lockcheck.server.memory import Memory, MemoryRecords
from lockcheck.settings import Overrides, Settings, SettingsError, load

Texts = Mapping[str, str]


class SupersededError(Exception):
    """A newer text has come in: nobody waits for this answer any more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a look found. `texts` are the files as it saw them, by path; of a file that does not parse, as it was when
    it last did."""

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    texts: Texts


class State:
    """One project; looks at it one after another, in one thread."""

    def __init__(self, root: Path, overrides: Overrides, superseded: Callable[[], bool]) -> None:
        self._root = root
        self._superseded = superseded
        self._memory = Memory.of(MemoryRecords())
        self._workspace: Workspace | None = None
        self._good: dict[str, str] = {}
        self.settings = load(root, overrides=overrides)
        self._baseline = _baseline(self.settings)

    def renew(self, overrides: Overrides) -> None:
        """Read the settings and their baseline again, and look which files there are: some may have come, gone or
        changed. Raises SettingsError, and keeps the settings that held."""
        self._workspace = None
        settings = load(self._root, overrides=overrides)
        self._baseline = _baseline(settings)
        if settings != self.settings:
            self._memory = Memory.of(self._memory.records)
        self.settings = settings

    def look(self, overlay: Texts) -> Answer:
        """Look at the project, open buffers in place of their files. Raises SupersededError, and
        `discover.DiscoverError` where the project's folder is gone."""
        workspace = self._files()
        shown, broken = self._parsing(workspace, overlay)
        report = api.again(workspace, self.settings, shown, self._baseline)
        problems = [problem for problem in report.problems if problem.path not in broken]
        known = workspace.texts(shown)
        texts = {path: known.get(path, "") for path in _paths(report)}
        return Answer(report.findings, (*problems, *broken.values()), {**texts, **shown})

    def _files(self) -> Workspace:
        if self._workspace is None:
            self._workspace = Workspace([self._root], self.settings, self._told, means=self._memory)
        self._workspace.reader = Reader(self._memory.records)  # which forgets the texts that it has read
        return self._workspace

    def _told(self, *_: Any) -> None:
        """What a look says of how far it is; the moment to ask whether it is still wanted."""
        if self._superseded():
            raise SupersededError

    def _parsing(self, workspace: Workspace, overlay: Texts) -> tuple[dict[str, str], dict[str, Problem]]:
        """The texts to look at, and what is wrong with those that do not parse, by path: what was found in them holds
        for the text that last parsed, else for the file."""
        shown: dict[str, str] = {}
        broken: dict[str, Problem] = {}
        for path, text in overlay.items():
            problem = None if self._good.get(path) == text else workspace.problem(path, text)
            if problem is None:
                self._good[path] = shown[path] = text
            else:
                broken[path] = problem
                shown |= {path: self._good[path]} if path in self._good else {}
        self._good = {path: text for path, text in self._good.items() if path in overlay}
        return shown, broken


def _baseline(settings: Settings) -> Baseline | None:
    """What the project accepts. Raises BaselineError, which is a SettingsError."""
    return None if settings.baseline is None else read(settings.baseline)


def _paths(report: api.Report) -> set[str]:
    places = [finding.place for finding in report.findings]
    places += [related.place for finding in report.findings for related in finding.related]
    return {place.path for place in places} | {problem.path for problem in report.problems}


def overrides_of(options: Any) -> Overrides:
    """What the client's settings say: `{"lockcheck": {"preview": true, "select": [..], ..}}`, or without the outer
    name. Raises SettingsError for a value that is none."""
    given = options.get("lockcheck", options) if isinstance(options, dict) else {}
    preview = given.get("preview")
    if preview is not None and not isinstance(preview, bool):
        raise SettingsError(None, None, "the editor's setting `lockcheck.preview` must be true or false")
    select = _rules(given, "select")
    return Overrides(select, _rules(given, "extendSelect") or (), _rules(given, "ignore") or (), preview=preview)


def _rules(given: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SettingsError(None, None, f"the editor's setting `lockcheck.{name}` must be a list of rules")
    return tuple(value)
