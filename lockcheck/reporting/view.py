"""What a reporter needs to know of its surroundings."""

from __future__ import annotations

from dataclasses import dataclass, field

from lockcheck.findings import Finding
from lockcheck.reporting.sources import Sources
from lockcheck.reporting.style import Style


@dataclass(frozen=True, slots=True)
class View:
    """`width` is None where lines need not fit; `unsafe` tells whether --unsafe-fixes was given, `suppressed` whether
    findings that are silenced are to be listed as such; `status` is what the run will exit with."""

    style: Style = field(default_factory=Style)
    width: int | None = None
    unsafe: bool = False
    sources: Sources = field(default_factory=Sources)
    suppressed: bool = False
    status: int = 0

    def mends(self, finding: Finding) -> bool:
        """Whether --fix would mend a finding, as the other options stand."""
        return finding.fix is not None and (self.unsafe or finding.fix.applicability == "safe")

    def marker(self, finding: Finding) -> str:
        """`[*] ` before the message of a finding that --fix would mend."""
        return f"{self.style.paint('[*]', 'cyan')} " if self.mends(finding) else ""
