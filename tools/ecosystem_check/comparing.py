"""Which findings came and went. Findings are one by package, code, path and fingerprint: a moved line is no change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ecosystem_check.running import Finding, Run


@dataclass(frozen=True, slots=True)
class Change:
    """A finding of both sides that differs in something else than its line: `what` says in which."""

    before: Finding
    after: Finding
    what: tuple[str, ...]


class Counts(NamedTuple):
    """How many findings a rule has, and how many of them are not on the other side."""

    rule: str
    before: int
    after: int
    came: int
    went: int


@dataclass(slots=True)
class Comparison:
    """All packages together; one that failed on either side counts on neither. Problems that came or went are texts."""

    before: list[Finding] = field(default_factory=list)
    after: list[Finding] = field(default_factory=list)
    came: list[Finding] = field(default_factory=list)
    went: list[Finding] = field(default_factory=list)
    altered: list[Change] = field(default_factory=list)
    problems_came: list[str] = field(default_factory=list)
    problems_went: list[str] = field(default_factory=list)
    compared: int = 0

    @property
    def changed(self) -> bool:
        return bool(self.came or self.went or self.problems_came or self.problems_went)

    def rules(self) -> list[Counts]:
        """By code."""
        sides = (self.before, self.after, self.came, self.went)
        before, after, came, went = (Counter(item.code for item in side) for side in sides)
        codes = sorted(before.keys() | after.keys())
        return [Counts(code, before[code], after[code], came[code], went[code]) for code in codes]


def compare(pairs: Iterable[tuple[Run, Run]]) -> Comparison:
    """Compare the runs of base and head, package by package."""
    result = Comparison()
    for base, head in pairs:
        if base.error is None and head.error is None:
            result.compared += 1
            _compare(base, head, result)
    return result


def _compare(base: Run, head: Run, result: Comparison) -> None:
    result.before += base.findings
    result.after += head.findings
    old, new = _grouped(base.findings), _grouped(head.findings)
    for key in sorted(old.keys() | new.keys()):
        before, after = old[key], new[key]
        both = min(len(before), len(after))
        result.went += before[both:]
        result.came += after[both:]
        for left, right in zip(before[:both], after[:both], strict=True):
            if what := _differences(left, right):
                result.altered.append(Change(left, right, what))
    result.problems_came += _more(head, base)
    result.problems_went += _more(base, head)


def _grouped(findings: Sequence[Finding]) -> defaultdict[tuple[str, str, str, str], list[Finding]]:
    groups: defaultdict[tuple[str, str, str, str], list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=lambda finding: finding.order):
        groups[finding.key].append(finding)
    return groups


def _differences(before: Finding, after: Finding) -> tuple[str, ...]:
    told = before.preview is not None and after.preview is not None
    differs = {
        "message": before.message != after.message,
        "fix": before.fix != after.fix,
        "preview": told and before.preview != after.preview,
    }
    return tuple(what for what, different in differs.items() if different)


def _more(these: Run, others: Run) -> list[str]:
    left = Counter(these.problems) - Counter(others.problems)
    return [f"{these.package}: {problem}" for problem in sorted(left.elements())]
