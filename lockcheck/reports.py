"""What the functions of `api` answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lockcheck import suppressions
from lockcheck.baseline import Entry
from lockcheck.findings import Finding, Problem
from lockcheck.known import Since

if TYPE_CHECKING:
    from lockcheck.reporting.graphs.model import Graph


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a check.

    `findings` are in the order of their places, without those that comments or a baseline accept (`silenced`,
    `baselined`) and, with --since, without those that were there before. `files` counts the files that could be
    checked. `unresolved` counts, by kind, what could not be followed. `removable` are entries of the baseline that no
    finding needs.
    """

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    suppressed: int
    files: int
    unresolved: Mapping[str, int] = field(default_factory=dict)
    silenced: tuple[suppressions.Silenced, ...] = ()
    baselined: tuple[suppressions.Silenced, ...] = ()
    removable: tuple[Entry, ...] = ()
    since: Since | None = None


@dataclass(frozen=True, slots=True)
class ChangedFile:
    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class FixReport:
    """What fixing did. `report` is about the fixed sources. `bound_hit` tells that another round would change more,
    `refused` tells which findings were left as they are, with the reason."""

    report: Report
    changed: tuple[ChangedFile, ...]
    applied: int
    bound_hit: bool
    refused: tuple[tuple[Finding, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GraphReport:
    """The lock-order graph, whole; `reporting.graphs.focus` limits it. `declared` are the names of all tables."""

    graph: Graph
    declared: frozenset[str]
    problems: tuple[Problem, ...]
    files: int
