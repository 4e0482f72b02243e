"""The findings that a place or a fingerprint names, with what they were seen at."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck.findings import Finding, Problem
from lockcheck.hazards import Hazard
from lockcheck.linked import Workspace
from lockcheck.reader import Progress

if TYPE_CHECKING:
    from lockcheck.linking.project import Project
    from lockcheck.settings import Settings

PROVABLE = ("LCK201", "LCK202", "LCK203", "LCK204", "LCK205", "LCK301", "LCK303")

_PLACE = re.compile(r"(?P<path>.+?):(?P<line>\d+)(?::(?P<column>\d+))?")

_FINGERPRINT = re.compile(r"[0-9a-f]{4,16}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A place, or a fingerprint; `codes` limit it to rules."""

    path: str | None = None
    line: int | None = None
    column: int | None = None
    fingerprint: str | None = None
    codes: tuple[str, ...] = ()

    @staticmethod
    def parse(text: str, codes: Sequence[str]) -> Wanted | None:
        """`PATH:LINE`, `PATH:LINE:COLUMN` or the beginning of a fingerprint; None for anything else."""
        found = _PLACE.fullmatch(text)
        if found is None:
            return Wanted(fingerprint=text, codes=tuple(codes)) if _FINGERPRINT.fullmatch(text) else None
        column = found["column"]
        return Wanted(found["path"], int(found["line"]), int(column) if column else None, None, tuple(codes))

    def fits(self, finding: Finding, path: str | None) -> bool:
        """Whether a finding is meant; `path` is how findings name the file."""
        if self.codes and finding.code not in self.codes:
            return False
        if self.fingerprint is not None:
            return finding.fingerprint.startswith(self.fingerprint)
        same = (finding.place.path, finding.place.line) == (path, self.line)
        return same and self.column in (None, finding.place.column)


@dataclass(frozen=True, slots=True)
class Targets:
    """What was found, in the linked island that a place or a fingerprint leads to, else in the first one; None where
    nothing touches a database."""

    project: Project | None
    found: tuple[tuple[Hazard, Finding], ...]
    problems: tuple[Problem, ...]
    texts: Mapping[str, str]


def targets(wanted: Wanted, paths: Sequence[Path], settings: Settings, progress: Progress) -> Targets:
    """The findings that are meant, preview rules included. Raises `discover.DiscoverError`."""
    from lockcheck.assembly import Assembly  # noqa: PLC0415 - wrong settings need none of it
    from lockcheck.checks import all_checks  # noqa: PLC0415 - as above
    from lockcheck.discover import display  # noqa: PLC0415 - as above
    from lockcheck.drafts import fingerprinted  # noqa: PLC0415 - as above

    workspace = Workspace(paths, settings, progress)
    readings = workspace.read({})
    path = display(Path(wanted.path)) if wanted.path is not None else None
    island: Project | None = None
    found: list[tuple[Hazard, Finding]] = []
    for project in readings.projects(settings):
        assembly, checks = Assembly(project.linker.modules, readings.texts), all_checks()
        hazards = [(code, hazard) for code in PROVABLE for hazard in checks[code](project)]
        made = [(hazard, assembly.draft(code, hazard)) for code, hazard in hazards]
        made.sort(key=lambda pair: (pair[1].finding.place, pair[1].finding.code))
        meant = [
            (hazard, replace(assembly.mended(draft, hazard).finding, fingerprint=finding.fingerprint))
            for (hazard, draft), finding in zip(made, fingerprinted(draft for _, draft in made), strict=True)
            if wanted.fits(finding, path)
        ]
        island = project if island is None or (meant and not found) else island
        found += meant
    return Targets(island, tuple(found), readings.problems, readings.texts)
