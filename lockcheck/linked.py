"""From files to the linked project: declare, read, link."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck import discover
from lockcheck.declarations import sources as layout
from lockcheck.declarations.project import Declarations
from lockcheck.declarations.read import read_module
from lockcheck.findings import Problem
from lockcheck.sources import Source, read_source, syntax_problem

if TYPE_CHECKING:
    from lockcheck.declarations.model import ModuleDeclarations
    from lockcheck.facts import ModuleFacts
    from lockcheck.linking.project import Project
    from lockcheck.settings import Settings

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

RECURSION_LIMIT = 20_000
"""Expressions and calls of real programs nest deeper than Python's default allows."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One file that parses."""

    source: Source
    declarations: ModuleDeclarations

    @property
    def touches_database(self) -> bool:
        module = self.declarations
        methods = (method for cls in module.classes.values() for method in cls.methods)
        functions = (*module.functions.values(), *methods)
        return module.body_touches_database or any(function.touches_database for function in functions)


class Workspace:
    """The files of a run, read once each. `given` and `overlay` hold texts that stand in for files, by path as findings
    name it; a file that is only given need not exist."""

    def __init__(
        self,
        paths: Sequence[Path],
        settings: Settings,
        progress: Progress | None = None,
        given: Mapping[str, str] | None = None,
    ) -> None:
        self._settings = settings
        self._progress = progress or (lambda *_: None)
        self._cache: dict[tuple[str, str], Declared | Problem] = {}
        self._facts: dict[tuple[str, str], tuple[ModuleFacts, tuple[Problem, ...]]] = {}
        self._sources: dict[str, Source | Problem] = {}
        absolute = [discover.absolute(path) for path in paths]
        named = [discover.absolute(path) for path in given or ()]
        self.tree = layout.source_roots(absolute, settings.src)
        on_disk = [path for path in absolute if path not in named]
        self.files = discover.project_files(on_disk, settings, self.tree.folders)
        self.reported = frozenset(map(discover.display, (*self.files.reported, *named)))
        besides = dict.fromkeys((*named, *self.tree.files))
        files = (*self.files.read, *(path for path in besides if path not in set(self.files.read)))
        self.modules = layout.modules(files, self.tree.roots)

    def texts(self, overlay: Mapping[str, str]) -> dict[str, str]:
        """The texts of all files that can be read, by path."""
        found = {path: source.text for path, source in self._sources.items() if isinstance(source, Source)}
        return {**found, **overlay}

    def source(self, path: str) -> Source | None:
        found = self._sources.get(path)
        return found if isinstance(found, Source) else None

    # --- stages ----------------------------------------------------------------------------------------------

    def declare(self, overlay: Mapping[str, str]) -> tuple[list[Declared], list[Problem]]:
        """The declarations of every file, and what is wrong with those that have none."""
        found: list[Declared] = []
        problems: list[Problem] = list(self.files.problems)
        for number, module in enumerate(self.modules):
            self._progress("reading", number, len(self.modules))
            outcome = self._declared(module, overlay)
            if isinstance(outcome, Declared):
                found.append(outcome)
            else:
                problems.append(outcome)
        return found, [problem for problem in problems if problem.path in self.reported]

    def _declared(self, module: layout.Module, overlay: Mapping[str, str]) -> Declared | Problem:
        path = discover.display(module.path)
        if path in overlay:
            source: Source | Problem = Source(path, module.path, overlay[path], b"")
        else:
            source = self._read(module.path, path)
        if isinstance(source, Problem):
            return source
        key = (path, source.text)
        if key not in self._cache:
            self._cache[key] = _declare(source, module)
        return self._cache[key]

    def _read(self, file: Path, path: str) -> Source | Problem:
        if path not in self._sources:
            self._sources[path] = read_source(file, path)
        return self._sources[path]

    def behaviour(self, declared: Iterable[Declared]) -> tuple[list[ModuleFacts], list[Problem]]:
        """The facts of the files that touch a database; libcst is imported for the first of them."""
        wanted = [item for item in declared if item.touches_database]
        facts: list[ModuleFacts] = []
        problems: list[Problem] = []
        for number, item in enumerate(wanted):
            self._progress("reading functions", number, len(wanted))
            key = (item.source.path, item.source.text)
            if key not in self._facts:
                from lockcheck.reading.read import read_behaviour  # noqa: PLC0415 - imports libcst

                self._facts[key] = read_behaviour(item.source.text, item.declarations)
            module, unread = self._facts[key]
            facts.append(module)
            problems += [problem for problem in unread if problem.path in self.reported]
        return facts, problems


def _declare(source: Source, module: layout.Module) -> Declared | Problem:
    try:
        text = source.text.removeprefix("\ufeff")
        declarations = read_module(text, module.name, source.path, module.is_package)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return syntax_problem(source.path, error)
    return Declared(source, declarations)


def link(declared: Sequence[Declared], facts: Sequence[ModuleFacts], settings: Settings) -> Project:
    """The project that rules ask."""
    from lockcheck.linking.linker import Linker  # noqa: PLC0415 - nothing to link, nothing to import
    from lockcheck.linking.project import Project  # noqa: PLC0415 - as above
    from lockcheck.policy import policy_of  # noqa: PLC0415 - as above

    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))
    declarations = Declarations.build(item.declarations for item in declared)
    return Project(Linker(declarations, facts), policy_of(settings))
