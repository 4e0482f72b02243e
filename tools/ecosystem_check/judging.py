"""Findings for people to judge: all of them as JSON lines, or a random few with their source."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from ecosystem_check.errors import EcosystemError
from ecosystem_check.printing import described
from ecosystem_check.running import Finding

_BEFORE, _AFTER, _AROUND_RELATED = 6, 8, 2


def write(findings: Iterable[Finding], path: Path) -> None:
    """One JSON object a line, in the order of places. Raises EcosystemError."""
    ordered = sorted(findings, key=lambda finding: finding.order)
    try:
        path.write_text("".join(f"{json.dumps(asdict(item))}\n" for item in ordered), encoding="utf-8")
    except OSError as error:
        raise EcosystemError(f"{path}: {error.strerror or error}") from error


def sample(
    findings: Iterable[Finding], count: int, rules: Sequence[str], seed: int, folders: Mapping[str, Path]
) -> Iterator[str]:
    """Findings of these rules (of all, when none is named), drawn by the seed; `folders` are by package."""
    fitting = sorted((item for item in findings if not rules or item.code in rules), key=lambda item: item.order)
    drawn = random.Random(seed).sample(fitting, min(count, len(fitting)))  # noqa: S311 - no secret
    yield f"{len(drawn)} of {len(fitting)} findings of {', '.join(rules) or 'all rules'}, seed {seed}"
    for number, finding in enumerate(drawn, 1):
        folder = folders[finding.package]
        yield from ("", f"--- {number}: {finding.package} {described(finding)}", f"    in {finding.symbol or 'module'}")
        yield from _excerpt(folder / finding.path, finding.line, _BEFORE, _AFTER)
        for place in finding.related:
            yield f"    {place.path}:{place.line}: {place.message}"
            yield from _excerpt(folder / place.path, place.line, _AROUND_RELATED, _AROUND_RELATED)


def _excerpt(path: Path, line: int, before: int, after: int) -> Iterator[str]:
    try:
        source = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        source = [f"({error.strerror})"]
    for number in range(max(line - before, 1), min(line + after, len(source)) + 1):
        mark = ">" if number == line else " "
        yield f"{mark}{number:6} | {source[number - 1]}".rstrip()
