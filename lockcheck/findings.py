"""What lockcheck reports: places, findings and the edits that mend them.

Lines and columns count from 1; columns count characters, as editors show them. Paths are relative to
the working folder, with forward slashes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lockcheck.settings import Settings

Severity = Literal["error", "warning"]
Applicability = Literal["safe", "unsafe"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A span of source text: from (line, column) up to, but without, (end_line, end_column)."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Related:
    """A further place that a finding rests on, such as the other side of a lock cycle."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text of `place` by `text`; an empty span inserts."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A rewrite that removes the hazard; `message` names the dialects it was judged for."""

    applicability: Applicability
    message: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One hazard. `symbol` is the function, dotted within its module; `fingerprint` holds no line number. `preview`
    marks what is reported in preview mode only."""

    code: str
    name: str
    message: str
    place: Place
    symbol: str
    severity: Severity
    fingerprint: str
    fix: Fix | None = None
    related: tuple[Related, ...] = ()
    preview: bool = False


UNPARSED = "does not parse"
"""How the message of a problem begins that the parser has with a file."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A file or setting that could not be used: reported beside the findings, never instead of them."""

    path: str
    line: int | None
    column: int | None
    message: str


def lies_in(finding: Finding, paths: Collection[str]) -> bool:
    """Whether a finding's own or a related place lies in these files."""
    places = (finding.place, *(related.place for related in finding.related))
    return any(place.path in paths for place in places)


def shown(finding: Finding, settings: Settings) -> bool:
    """Whether these settings show a finding."""
    return (settings.preview or not finding.preview) and settings.selects(finding.code, finding.place.path)
