"""What a rule reports, before it becomes a finding: sites instead of lines, a plan instead of edits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from lockcheck.declarations.model import Location
from lockcheck.findings import Applicability, Severity
from lockcheck.plans import Plan, Target

Where: TypeAlias = Target | Location


@dataclass(frozen=True, slots=True)
class Remedy:
    """A fix plan with its applicability; `message` names the dialects it was judged for."""

    plan: Plan
    applicability: Applicability
    message: str


@dataclass(frozen=True, slots=True)
class Hazard:
    """A hazard at `site`, in `function` (qualified name). Without a remedy, `no_fix` says why there is none.
    `preview` marks a finding of a stable rule that is not precise enough to be shown by default. `place` is where it
    stands when that is no site, such as a decorator that is a plain name."""

    site: Target
    function: str
    message: str
    related: tuple[tuple[Where, str], ...] = ()
    remedy: Remedy | None = None
    no_fix: str | None = None
    preview: bool = False
    severity: Severity | None = None
    place: Location | None = None
