"""The fixing loop: apply what can be applied, look again, until nothing is left or the bound is reached.

A fix stays only when its finding is gone and no finding, stable or preview, has come in its place.
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lockcheck.findings import Finding
from lockcheck.fixes.apply import apply_all, select_compatible

Texts = Mapping[str, str]
Analyse = Callable[[Texts], Sequence[Finding]]
"""All findings of the project, preview ones included, when the given texts stand in place of the files of the same
path."""
Kind = tuple[str, str, str]
"""What a finding is counted by: code, path, symbol."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What fixing came to.

    `texts` are the texts that changed, by path. `findings` are those of the last look. `refused` are findings whose
    fix was dropped, with the reason. `exhausted` tells that the bound was reached while there was still something to
    apply.
    """

    texts: dict[str, str]
    fixed: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    refused: tuple[tuple[Finding, str], ...]
    rounds: int
    exhausted: bool


def fix_until_stable(files: Texts, analyse: Analyse, applicable: Callable[[Finding], bool], bound: int = 10) -> Outcome:
    """Apply the fixes of applicable findings over and over. `files` are the texts that may change, by path."""
    run = _Run(dict(files), analyse, tuple(analyse({})))
    rounds = 0
    while rounds < bound and run.step(applicable):
        rounds += 1
    changed = {path: text for path, text in run.texts.items() if text != files[path]}
    exhausted = rounds == bound and bool(run.candidates(applicable))
    return Outcome(changed, tuple(run.fixed), run.findings, tuple(run.refused.values()), rounds, exhausted)


@dataclass
class _Run:
    """The texts as they are now and what is found in them."""

    texts: dict[str, str]
    analyse: Analyse
    findings: tuple[Finding, ...]
    fixed: list[Finding] = field(default_factory=list)
    refused: dict[object, tuple[Finding, str]] = field(default_factory=dict)

    def candidates(self, applicable: Callable[[Finding], bool]) -> list[Finding]:
        """The findings with a fix that may be applied and was not dropped before."""
        return [
            finding
            for finding in self.findings
            if finding.fix is not None
            and finding.fix.edits
            and all(edit.place.path in self.texts for edit in finding.fix.edits)
            and applicable(finding)
            and _identity(finding) not in self.refused
        ]

    def step(self, applicable: Callable[[Finding], bool]) -> bool:
        """One round; whether something was tried."""
        candidates = self.candidates(applicable)
        fixes = [finding.fix for finding in candidates if finding.fix is not None]
        chosen = [candidates[number] for number in select_compatible(fixes)]
        if not chosen:
            return False
        attempt = _Attempt(self)
        attempt.add(chosen)
        self.texts.update(attempt.texts)
        self.findings = attempt.findings
        self.fixed += attempt.accepted
        return True


class _Attempt:
    """The fixes of one round, all made on the texts that the round began with."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self.accepted: list[Finding] = []
        self.texts: dict[str, str] = {}
        self.findings = run.findings

    def add(self, group: Sequence[Finding]) -> None:
        """Accept a group of fixes; a group that fails is parted until the fix at fault stands alone."""
        wanted = [*self.accepted, *group]
        texts = apply_all(self._run.texts, [edit for f in wanted if f.fix is not None for edit in f.fix.edits])
        faults = [fault for path, text in texts.items() for fault in _syntax(path, text)]
        findings = self.findings if faults else tuple(self._run.analyse({**self._run.texts, **texts}))
        faults = faults or list(_faults(self._run.findings, findings, wanted))
        if not faults:
            self.accepted, self.texts, self.findings = wanted, texts, findings
        elif len(group) == 1:
            self._run.refused[_identity(group[0])] = (group[0], faults[0].reason)
        else:
            for part in _parted(group, faults):
                self.add(part)


class _Fault(NamedTuple):
    """What is wrong with a text or, but for None, with a function of it."""

    reason: str
    path: str
    symbol: str | None

    def is_near(self, finding: Finding) -> bool:
        return finding.place.path == self.path and self.symbol in (None, finding.symbol)


def _parted(group: Sequence[Finding], faults: Sequence[_Fault]) -> tuple[Sequence[Finding], Sequence[Finding]]:
    """Two parts of a group, with those in the functions where something is wrong in one of them if that tells them
    apart."""
    near = [any(fault.is_near(finding) for fault in faults) for finding in group]
    if all(near) or not any(near):
        middle = len(group) // 2
        return group[:middle], group[middle:]
    apart = tuple([f for f, is_near in zip(group, near, strict=True) if is_near is part] for part in (False, True))
    return apart[0], apart[1]


def _identity(finding: Finding) -> object:
    """What stays of a finding and its fix when lines move."""
    edits = finding.fix.edits if finding.fix is not None else ()
    return finding.fingerprint, tuple((edit.place.path, edit.text) for edit in edits)


def _kind(finding: Finding) -> Kind:
    return finding.code, finding.place.path, finding.symbol


def _faults(before: Iterable[Finding], after: Iterable[Finding], fixed: Iterable[Finding]) -> Iterator[_Fault]:
    """What is wrong with the findings after some were fixed."""
    old, new = Counter(map(_kind, before)), Counter(map(_kind, after))
    for kind in new:
        if new[kind] > old[kind]:
            yield _Fault(f"the fix would bring {kind[0]} in {kind[2]}", kind[1], kind[2])
    for kind, count in Counter(map(_kind, fixed)).items():
        if new[kind] > old[kind] - count:
            yield _Fault(f"{kind[0]} would still be reported after its fix", kind[1], kind[2])


def _syntax(path: str, text: str) -> Iterator[_Fault]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # doubtful escapes are the checked project's affair
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        yield _Fault(f"{path} would not parse: {error}", path, None)
