"""Findings that have no fingerprint yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from lockcheck.findings import Edit, Finding
from lockcheck.fingerprints import numbered

Mend: TypeAlias = "tuple[Edit, ...] | str"
"""What a plan came to: edits, or the reason why there are none."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A finding that has no fingerprint yet, which depends on all findings. `function` is the qualified name and
    `statement` the normalised source that go into it. Whether the hazard can be mended is known where `tried`; where it
    cannot be, `refused` says why."""

    finding: Finding
    function: str
    statement: str
    tried: bool
    refused: str | None = None

    @property
    def mend(self) -> Mend | None:
        """What the hazard's plan came to, where that is known."""
        return self.finding.fix.edits if self.finding.fix is not None else self.refused


def fingerprinted(drafts: Iterable[Draft]) -> tuple[Finding, ...]:
    """The findings of a project, in the order of their places."""
    ordered = sorted(drafts, key=lambda draft: (draft.finding.place, draft.finding.code))
    prints = numbered((draft.finding.code, draft.function, draft.statement) for draft in ordered)
    return tuple(replace(draft.finding, fingerprint=print_) for draft, print_ in zip(ordered, prints, strict=True))
