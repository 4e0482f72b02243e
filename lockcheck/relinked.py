"""The linked project of the last look: what a change does not reach stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lockcheck.facts import ModuleFacts
from lockcheck.linked import Linked, Means, link
from lockcheck.outline import declared_outline

if TYPE_CHECKING:
    from lockcheck.declarations.model import FunctionDeclaration, ModuleDeclarations
    from lockcheck.linking.project import Project
    from lockcheck.records import Record
    from lockcheck.settings import Settings

MOST = 20
"""Of how many changed files it is worth asking: linking anew costs as much."""


class Relinked:
    """Links each island once, and then what changes. For one set of settings."""

    def __init__(self) -> None:
        self._islands: dict[frozenset[str], _Island] = {}

    def linked(self, records: Mapping[str, Record], settings: Settings) -> Linked:
        """The project of the files that came to these records, by path."""
        paths = frozenset(records)
        if paths not in self._islands:
            others = {known: island for known, island in self._islands.items() if known.isdisjoint(paths)}
            self._islands = {**others, paths: _Island()}
        return self._islands[paths].linked(records, settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewing(Means):
    """Means of one look after the other at a project: what one has linked, the next takes further."""

    relinked: Relinked = field(default_factory=Relinked)

    def linked(self, records: Mapping[str, Record], settings: Settings) -> Linked:
        return self.relinked.linked(records, settings)


class _Island:
    """Files that were linked together."""

    def __init__(self) -> None:
        self._project: Project | None = None
        self._declared: dict[str, ModuleDeclarations | None] = {}
        """The declarations that were linked, by path."""
        self._records: Mapping[str, Record] = {}
        self._moved: dict[str, Mapping[int, int]] = {}

    def linked(self, now: Mapping[str, Record], settings: Settings) -> Linked:
        if self._project is None or not self._renewed(self._project, now):
            self._project = link(list(now.values()), settings, renewable=True)
            self._declared = {path: record.declarations for path, record in now.items()}
            self._moved = {}
        self._records = now
        return Linked(self._project, dict(self._moved), kept=True)

    def _renewed(self, project: Project, now: Mapping[str, Record]) -> bool:
        """Whether the project that was linked has taken what changed."""
        changed = {path: record for path, record in now.items() if record is not self._records[path]}
        if len(changed) > MOST:
            return False
        moved = {path: lines(self._declared[path], record.declarations) for path, record in changed.items()}
        if any(found is None for found in moved.values()):
            return False
        self._moved.update({path: found for path, found in moved.items() if found is not None})
        facts = [record.facts or _nothing(record) for record in changed.values()]
        return project.renew(facts, [body for path in changed for body in self._bodies(path, now[path].declarations)])

    def _bodies(self, path: str, after: ModuleDeclarations | None) -> Iterator[FunctionDeclaration]:
        """The functions of a file that have another body than at the last look, at the lines that were linked."""
        modules = (self._declared[path], self._records[path].declarations, after)
        functions = (module.every_function() for module in modules if module is not None)
        for known, one, other in zip(*functions, strict=True):
            if (one.result, one.result_annotation) != (other.result, other.result_annotation):
                yield replace(other, first_line=known.first_line, last_line=known.last_line)


def _nothing(record: Record) -> ModuleFacts:
    """The facts of a file in which nothing is worth reading."""
    declared = record.declarations
    return ModuleFacts(declared.module, declared.path, (), ()) if declared is not None else ModuleFacts("", "", (), ())


def lines(before: ModuleDeclarations | None, after: ModuleDeclarations | None) -> Mapping[int, int] | None:
    """Where the lines of a file's declarations have gone; None where it declares something else."""
    if before is None or after is None:
        return None
    one, other = declared_outline(before), declared_outline(after)
    return dict(zip(one.lines, other.lines, strict=True)) if one.shape == other.shape else None
