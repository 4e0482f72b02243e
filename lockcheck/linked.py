"""From files to the linked project: declare, read, link."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lockcheck import discover
from lockcheck.declarations import sources as layout
from lockcheck.findings import Problem
from lockcheck.reader import Progress, Reader
from lockcheck.records import Record, Wanted, parse_problem
from lockcheck.sources import Content, Source, Texts, read_source

if TYPE_CHECKING:
    from lockcheck.cache.folder import Folder
    from lockcheck.cache.seen import Seen
    from lockcheck.cache.snapshots import Snapshots
    from lockcheck.held import Held
    from lockcheck.linking.project import Project
    from lockcheck.settings import Settings

TEXTS = 8_000_000
"""How many characters of sources are held as they are while files are linked; what is beyond is packed."""

RECURSION_LIMIT = 20_000
"""Expressions and calls of real programs nest deeper than Python's default allows."""


class Linked(NamedTuple):
    """A linked project. Where it was linked before some lines of declarations moved, `moved` tells by path where those
    that it knows have gone. Somebody goes on to use one that is `kept`."""

    project: Project
    moved: Mapping[str, Mapping[int, int]]
    kept: bool


@dataclass(frozen=True, slots=True)
class Means:
    """What a run may use besides its own process: the cache, and how many processes to read with."""

    cache: Folder | None = None
    jobs: int = 1

    def prepared(self) -> tuple[Reader, Snapshots | None]:
        if self.cache is None:
            return Reader(None, self.jobs), None
        from lockcheck.cache.kept import KeptRecords  # noqa: PLC0415 - only runs with a cache
        from lockcheck.cache.snapshots import Snapshots  # noqa: PLC0415 - as above

        return Reader(KeptRecords(self.cache), self.jobs), Snapshots(self.cache)

    def linked(self, records: Mapping[str, Record], settings: Settings) -> Linked:
        """The project of the files that came to these records, by path."""
        return Linked(link(list(records.values()), settings), {}, kept=False)


@dataclass(frozen=True, slots=True)
class Sources:
    """All files that can be decoded, and what is wrong with the others."""

    wanted: tuple[Wanted, ...]
    problems: tuple[Problem, ...]

    def pack(self) -> None:
        """Make room, where there are many."""
        size = 0
        for wanted in self.wanted:
            size += wanted.content.size
            if size > TEXTS:
                wanted.content.pack()


@dataclass(frozen=True, slots=True)
class Readings:
    """What all files came to, island by island, the texts of those that parse, and what is wrong with the reported ones
    that do not."""

    islands: tuple[tuple[Held, ...], ...]
    texts: Texts
    problems: tuple[Problem, ...]

    def projects(self, settings: Settings) -> Iterator[Project]:
        """The islands, each linked when it is asked for; none where nothing touches a database."""
        if any(held.links.facts for island in self.islands for held in island):
            for island in self.islands:
                yield link([held.record for held in island], settings)


class Workspace:
    """The files of a run, read once each. `given` and `overlay` hold texts that stand in for files, by path as findings
    name it; a file that is only given need not exist."""

    def __init__(
        self,
        paths: Sequence[Path],
        settings: Settings,
        progress: Progress | None = None,
        given: Mapping[str, str] | None = None,
        means: Means | None = None,
    ) -> None:
        self._settings = settings
        self._progress = progress or (lambda *_: None)
        self.means = means or Means()
        self.reader, self.snapshots = self.means.prepared()
        self._sources: dict[str, Source | Problem] = {}
        self._size = 0
        self.seen: Seen | None = None
        """What earlier runs know of files; they are read when their texts are asked for."""
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
        self._paths = {module.path: discover.display(module.path) for module in self.modules}

    def with_files(self, files: Sequence[Path], texts: Mapping[str, str]) -> Workspace:
        """The same project with other files, whose texts are given or on the disk; what was read before is shared."""
        other = copy.copy(self)
        other.files = discover.ProjectFiles(tuple(files), tuple(files))
        other.reported = frozenset({*map(discover.display, files), *texts})
        other.mended = frozenset()
        other.modules = layout.modules(files, self.tree.roots)
        other._paths = {module.path: discover.display(module.path) for module in other.modules}  # noqa: SLF001 - its own
        return other

    def texts(self, overlay: Mapping[str, str]) -> Texts:
        """The texts of all files that can be read, by path."""
        found = {path: source.content for path, source in self._sources.items() if isinstance(source, Source)}
        return Texts({**found, **{path: Content(text) for path, text in overlay.items()}})

    def source(self, path: str) -> Source | None:
        found = self._sources.get(path)
        return found if isinstance(found, Source) else None

    def problem(self, path: str, text: str) -> Problem | None:
        """Why a text does not parse that would stand in for a file, if it does not."""
        module = next((item for item in self.modules if self._paths[item.path] == path), None)
        name, is_package = (module.name, module.is_package) if module is not None else ("", False)
        return parse_problem(Wanted(path, name, is_package, text, module is not None))

    def tell(self, stage: str, done: int, total: int) -> None:
        """Say how far the run is."""
        self._progress(stage, done, total)

    def read_all(self) -> None:
        """From here on, take no file for the one that an earlier run has read."""
        self.seen = None
        self._sources.clear()

    # --- stages ----------------------------------------------------------------------------------------------

    def sources(self, overlay: Mapping[str, str]) -> Sources:
        """Every file that can be decoded. Where no file of the project speaks of a database package, nothing declared
        matters, and the parser alone looks at the files."""
        found = [(module, self._source(module, overlay)) for module in self.modules]
        sources = [(module, source) for module, source in found if isinstance(source, Source)]
        declare = any(source.content.traits.speaks for _, source in sources)
        wanted = [Wanted(s.path, m.name, m.is_package, s.content, declare) for m, s in sources]
        problems = [*self.files.problems, *(source for _, source in found if isinstance(source, Problem))]
        if self.seen is not None:
            self.seen.save()
        return Sources(tuple(wanted), tuple(problems))

    def read(self, overlay: Mapping[str, str]) -> Readings:
        """All files, with what they came to."""
        from lockcheck.islands import parted  # noqa: PLC0415 - a check may need none of it

        sources = self.sources(overlay)
        links = [held.links for held in self.held(sources.wanted)]
        pairs = zip(sources.wanted, links, strict=True)
        problems = [*sources.problems, *(found.problem for found in links if found.problem is not None)]
        problems += [problem for found in links for problem in found.unread]
        return Readings(
            tuple(tuple(self.held(part)) for part in parted(self, sources.wanted)),
            Texts({wanted.path: wanted.content for wanted, found in pairs if found.problem is None}),
            tuple(problem for problem in problems if problem.path in self.reported),
        )

    def records(self, wanted: Sequence[Wanted]) -> list[Record]:
        """What these files come to, in their order."""
        return self.reader.records(wanted, self._progress)

    def ready(self, wanted: Sequence[Wanted]) -> None:
        """See to it that something is kept of these files."""
        self.reader.ready(wanted, self._progress)

    def held(self, wanted: Sequence[Wanted]) -> list[Held]:
        """The same, packed where there are many."""
        return self.reader.held(wanted, self._progress)

    def _source(self, module: layout.Module, overlay: Mapping[str, str]) -> Source | Problem:
        path = self._paths[module.path]
        if path in overlay:
            return Source(path, module.path, Content(overlay[path]))
        if path not in self._sources:
            look = read_source if self.seen is None else self.seen.source
            found = self._sources[path] = look(module.path, path)
            self._size += found.content.size if isinstance(found, Source) else 0
            if self._size > TEXTS and self.snapshots is None and isinstance(found, Source):
                found.content.pack()  # all files will be read: there is no result that may still hold
        return self._sources[path]


def link(records: Sequence[Record], settings: Settings, *, renewable: bool = False) -> Project:
    """The project that rules ask; see `Project` for one that is `renewable`."""
    from lockcheck.declarations.project import Declarations  # noqa: PLC0415 - nothing to link, nothing to import
    from lockcheck.linking import origins, substitution  # noqa: PLC0415 - as above
    from lockcheck.linking.linker import Linker  # noqa: PLC0415 - as above
    from lockcheck.linking.project import Project  # noqa: PLC0415 - as above
    from lockcheck.policy import policy_of  # noqa: PLC0415 - as above

    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))
    origins.forget()
    substitution.forget()
    declarations = Declarations.build(record.declarations for record in records if record.declarations is not None)
    facts = (record.facts for record in records if record.facts is not None)
    return Project(Linker(declarations, facts), policy_of(settings), renewable=renewable)
