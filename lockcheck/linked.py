"""From files to the linked project: declare, read, link."""

from __future__ import annotations

import ast
import copy
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck import discover
from lockcheck.declarations import sources as layout
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
    """One file that parses; without declarations where nobody asks for them."""

    source: Source
    declarations: ModuleDeclarations | None

    @property
    def touches_database(self) -> bool:
        module = self.declarations
        if module is None:
            return False
        methods = (method for cls in module.classes.values() for method in cls.methods)
        functions = (*module.functions.values(), *methods)
        return module.body_touches_database or any(function.touches_database for function in functions)


@dataclass(frozen=True, slots=True)
class Readings:
    """All files that parse, and what is wrong with the reported ones that do not."""

    files: tuple[Declared, ...]
    problems: tuple[Problem, ...]


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
        self.mended = self.reported
        """The files whose findings are to have fixes."""
        besides = dict.fromkeys((*named, *self.tree.files))
        files = (*self.files.read, *(path for path in besides if path not in set(self.files.read)))
        self.modules = layout.modules(files, self.tree.roots)

    def with_files(self, files: Sequence[Path], texts: Mapping[str, str]) -> Workspace:
        """The same project with other files, whose texts are given or on the disk; what was read before is shared."""
        other = copy.copy(self)
        other.files = discover.ProjectFiles(tuple(files), tuple(files))
        other.reported = frozenset({*map(discover.display, files), *texts})
        other.mended = frozenset()
        other.modules = layout.modules(files, self.tree.roots)
        names = {module.path: module.name for module in self.modules}
        if any(names.get(module.path, module.name) != module.name for module in other.modules):
            other._cache, other._facts = {}, {}  # noqa: SLF001 - its own; what is kept there goes by these names
        return other

    def texts(self, overlay: Mapping[str, str]) -> dict[str, str]:
        """The texts of all files that can be read, by path."""
        found = {path: source.text for path, source in self._sources.items() if isinstance(source, Source)}
        return {**found, **overlay}

    def source(self, path: str) -> Source | None:
        found = self._sources.get(path)
        return found if isinstance(found, Source) else None

    # --- stages ----------------------------------------------------------------------------------------------

    def read(self, overlay: Mapping[str, str]) -> Readings:
        """Every file that parses, with its declarations, and what is wrong with the others. Where no file of the
        project speaks of a database package, nothing declared matters, and the parser alone looks at the files."""
        sources: list[tuple[layout.Module, Source]] = []
        problems: list[Problem] = list(self.files.problems)
        for module in self.modules:
            source = self._source(module, overlay)
            if isinstance(source, Source):
                sources.append((module, source))
            else:
                problems.append(source)
        look = self._declared if any(map(speaks_of_database, (source for _, source in sources))) else parsed
        found: list[Declared] = []
        for number, (module, source) in enumerate(sources):
            self._progress("reading", number, len(sources))
            outcome = look(source, module)
            if isinstance(outcome, Declared):
                found.append(outcome)
            else:
                problems.append(outcome)
        return Readings(tuple(found), tuple(problem for problem in problems if problem.path in self.reported))

    def _source(self, module: layout.Module, overlay: Mapping[str, str]) -> Source | Problem:
        path = discover.display(module.path)
        if path in overlay:
            return Source(path, module.path, overlay[path], b"")
        if path not in self._sources:
            self._sources[path] = read_source(module.path, path)
        return self._sources[path]

    def _declared(self, source: Source, module: layout.Module) -> Declared | Problem:
        key = (source.path, source.text)
        if key not in self._cache:
            self._cache[key] = declared_in(source, module)
        return self._cache[key]

    def behaviour(self, declared: Iterable[Declared]) -> tuple[list[ModuleFacts], list[Problem]]:
        """The facts of the files that touch a database; libcst is imported for the first of them."""
        wanted = [item for item in declared if item.touches_database]
        facts: list[ModuleFacts] = []
        problems: list[Problem] = []
        for number, item in enumerate(wanted):
            self._progress("reading functions", number, len(wanted))
            key = (item.source.path, item.source.text)
            if key not in self._facts and item.declarations is not None:
                from lockcheck.reading.read import read_behaviour  # noqa: PLC0415 - imports libcst

                self._facts[key] = read_behaviour(item.source.text, item.declarations)
            module, unread = self._facts[key]
            facts.append(module)
            problems += [problem for problem in unread if problem.path in self.reported]
        return facts, problems


def speaks_of_database(source: Source) -> bool:
    """Whether a file's text holds the name of a database package; all of them hold one of these words."""
    return "alchemy" in source.text or "sqlmodel" in source.text


def parsed(source: Source, _: layout.Module) -> Declared | Problem:
    """A file that is only parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # doubtful escapes are the checked project's affair
            compile(source.text, source.path, "exec", flags=ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return syntax_problem(source.path, error)
    return Declared(source, None)


def declared_in(source: Source, module: layout.Module) -> Declared | Problem:
    """A file with its declarations."""
    from lockcheck.declarations.read import read_module  # noqa: PLC0415 - not where no file speaks of a database

    try:
        declarations = read_module(source.text, module.name, source.path, module.is_package)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return syntax_problem(source.path, error)
    return Declared(source, declarations)


def link(declared: Sequence[Declared], facts: Sequence[ModuleFacts], settings: Settings) -> Project:
    """The project that rules ask."""
    from lockcheck.declarations.project import Declarations  # noqa: PLC0415 - nothing to link, nothing to import
    from lockcheck.linking.linker import Linker  # noqa: PLC0415 - as above
    from lockcheck.linking.project import Project  # noqa: PLC0415 - as above
    from lockcheck.policy import policy_of  # noqa: PLC0415 - as above

    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))
    declarations = Declarations.build(item.declarations for item in declared if item.declarations is not None)
    return Project(Linker(declarations, facts), policy_of(settings))
