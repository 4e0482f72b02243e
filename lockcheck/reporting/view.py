"""What a reporter needs to know of its surroundings."""

from __future__ import annotations

from dataclasses import dataclass, field

from lockcheck.findings import Finding
from lockcheck.reporting.sources import Sources
from lockcheck.reporting.style import Style


@dataclass(frozen=True, slots=True)
class View:
    """`width` is None where lines need not fit; `unsafe` tells whether --unsafe-fixes was given."""

    style: Style = field(default_factory=Style)
    width: int | None = None
    unsafe: bool = False
    sources: Sources = field(default_factory=Sources)

    def mends(self, finding: Finding) -> bool:
        """Whether --fix would mend a finding, as the other options stand."""
        return finding.fix is not None and (self.unsafe or finding.fix.applicability == "safe")

    def marker(self, finding: Finding) -> str:
        """`[*] ` before the message of a finding that --fix would mend."""
        return f"{self.style.paint('[*]', 'cyan')} " if self.mends(finding) else ""
