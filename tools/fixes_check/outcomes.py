"""What tests came to, and what became of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ecosystem_check.errors import EcosystemError

FAILED = frozenset({"failed", "error"})
Outcomes: TypeAlias = Mapping[str, str]
"""By the tests' names: passed, failed, error (beside the test itself) or skipped."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`broken` failed after the fixes and not before, `vanished` were not run any more, `mended` failed before only."""

    broken: tuple[str, ...]
    vanished: tuple[str, ...]
    mended: tuple[str, ...]


def read(path: Path) -> dict[str, str]:
    """The outcomes that recording.py wrote; the worst of a test's phases counts. Raises EcosystemError."""
    found: dict[str, str] = {}
    order = ("passed", "skipped", "failed", "error")
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            name, outcome = json.loads(line)
            found[name] = max(found.get(name, "passed"), outcome, key=order.index)
    except (OSError, ValueError) as error:
        raise EcosystemError(f"no record of the tests: {error}") from error
    return found


def compare(before: Outcomes, after: Outcomes) -> Difference:
    """What became of the tests."""
    return Difference(
        tuple(sorted(name for name in after if after[name] in FAILED and before.get(name) not in FAILED)),
        tuple(sorted(before.keys() - after.keys())),
        tuple(sorted(name for name in after if after[name] not in FAILED and before.get(name) in FAILED)),
    )


def counted(outcomes: Outcomes) -> str:
    """How many there are of each, as words."""
    numbers = Counter("failed" if outcome in FAILED else outcome for outcome in outcomes.values())
    words = [f"{numbers[word]:,} {word}" for word in ("passed", "failed", "skipped") if numbers[word]]
    return ", ".join(words) or "none"


def without(difference: Difference, steady: Iterable[str]) -> Difference:
    """The difference with those alone of the broken that failed once more."""
    again = set(steady)
    broken = tuple(name for name in difference.broken if name in again)
    return Difference(broken, difference.vanished, difference.mended)
