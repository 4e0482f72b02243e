"""What a whole project holds: linked anew, island by island, or what an earlier run found where nothing that matters
has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockcheck import island, reader
from lockcheck.earlier import Earlier
from lockcheck.findings import Finding, Problem
from lockcheck.linked import Sources, Workspace
from lockcheck.renewal import file_of
from lockcheck.sources import Texts

if TYPE_CHECKING:
    from lockcheck.facts import ModuleFacts
    from lockcheck.islands import Part
    from lockcheck.settings import Settings
    from lockcheck.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Whole:
    """`findings` are those of the selected rules in all files, in the order of their places; the ones that are not
    reported come without fixes. `problems` are those of all files, `texts` the files that parse."""

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    texts: Texts
    unresolved: Mapping[str, int]


def whole(workspace: Workspace, settings: Settings, overlay: Mapping[str, str]) -> Whole:
    """Look at all files; `overlay` are texts that stand in for some."""
    sources = workspace.sources(overlay)
    islands = _islands(workspace, settings, sources, overlay)
    broken = _in_order((problem for one in islands for problem in one.broken), sources)
    unread = _in_order((problem for one in islands for problem in one.unread), sources)
    paths = {problem.path for problem in broken}
    texts = Texts({wanted.path: wanted.content for wanted in sources.wanted if wanted.path not in paths})
    return Whole(_findings(islands), (*sources.problems, *broken, *unread), texts, _summed(islands))


def _in_order(problems: Iterable[Problem], sources: Sources) -> list[Problem]:
    """The problems in the order of files."""
    numbers = {wanted.path: number for number, wanted in enumerate(sources.wanted)}
    return sorted(problems, key=lambda problem: numbers[problem.path])


def _findings(islands: Iterable[Snapshot]) -> tuple[Finding, ...]:
    entries = [entry for one in islands for entry in one.entries]
    if not entries:
        return ()
    from lockcheck.drafts import fingerprinted  # noqa: PLC0415 - only where there is something

    return fingerprinted(entry.draft for entry in entries if entry.draft is not None)


def _summed(islands: Iterable[Snapshot]) -> dict[str, int]:
    """What could not be followed, by kind."""
    found: dict[str, int] = {}
    for kind, count in (item for one in islands for item in one.unresolved.items()):
        found[kind] = found.get(kind, 0) + count
    return found


# --- islands ------------------------------------------------------------------------------------------------------


def _islands(
    workspace: Workspace, settings: Settings, sources: Sources, overlay: Mapping[str, str]
) -> tuple[Snapshot, ...]:
    """What each island holds."""
    if workspace.snapshots is None:
        return tuple(_Look(workspace, settings, sources, Earlier((), workspace, sources.wanted)).islands())
    from lockcheck.cache.snapshots import name_of  # noqa: PLC0415 - only runs with a cache

    name = name_of(settings, sources.wanted, overlay)
    before = workspace.snapshots.read(name)
    earlier = Earlier(before, workspace, sources.wanted)
    after = tuple(_Look(workspace, settings, sources, earlier).islands())
    if after != before:
        workspace.snapshots.write(name, after)
        earlier.moves.keep_texts(after)
    return after


class _Look:
    """One look at a project."""

    def __init__(self, workspace: Workspace, settings: Settings, sources: Sources, earlier: Earlier) -> None:
        self._workspace = workspace
        self._settings = settings
        self._sources = sources
        self._earlier = earlier

    def islands(self) -> Iterator[Snapshot]:
        """What one island after the other holds."""
        parts = self._earlier.parts()
        if parts is None:
            from lockcheck.islands import parted  # noqa: PLC0415 - a run in which little has changed needs none of it

            self._sources.pack()
            parts = parted(self._workspace, self._sources.wanted)
        lost = {n: self._island(part) for n, part in enumerate(parts) if self._earlier.of(part) is None}
        alive = {number: one for number, one in lost.items() if one.alive}
        linked = self._by_workers(alive)
        for number, part in enumerate(parts):
            held = self._earlier.of(part)
            if held is not None:
                yield island.assembled(held, self._site(part), self._facts(part))
            else:
                yield linked.get(number) or self._linked(lost.pop(number), (number, max(alive, default=0)))

    def _linked(self, one: island.Island, share: tuple[int, int]) -> Snapshot:
        """An island that is linked here; its number and the last one."""
        number, last = share

        def tell(done: int, rules: int) -> None:
            self._workspace.tell("checking", number * rules + done, (last + 1) * rules)

        return island.looked_at(one, tell, self._workspace.means, last=number >= last, moves=self._earlier.moves)

    def _by_workers(self, islands: Mapping[int, island.Island]) -> Mapping[int, Snapshot]:
        """Those islands that worker processes have linked."""
        jobs = self._workspace.reader.jobs
        if jobs == 1 or len(islands) == 1 or sum(len(one.files) for one in islands.values()) < reader.MANY:
            return {}
        from lockcheck.workers import link_all  # noqa: PLC0415 - only large projects start processes

        found: dict[int, Snapshot] = {}
        for number, snapshot in link_all(islands, jobs):
            found[number] = snapshot
            self._workspace.tell("checking", len(found), len(islands))
        return found

    def _island(self, part: Part) -> island.Island:
        held = tuple(self._workspace.held(part))
        files = tuple(file_of(wanted, self._workspace.reader.key(wanted)) for wanted in part)
        return island.Island(self._site(part), held, files, self._earlier.about(part))

    def _site(self, part: Part) -> island.Site:
        contents = {wanted.path: wanted.content for wanted in part}
        return island.Site(contents, self._settings, self._workspace.mended & contents.keys())

    def _facts(self, part: Part) -> Callable[[str], ModuleFacts | None]:
        """What finds the facts of a file; the functions of one that is kept are left where they are."""
        wanted = {item.path: item for item in part}
        reader = self._workspace.reader

        def find(path: str) -> ModuleFacts | None:
            brief = reader.brief(reader.key(wanted[path]))
            return brief.facts if brief is not None else self._workspace.records([wanted[path]])[0].facts

        return find
