"""The report, as plain text or as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ecosystem_check.comparing import Change, Comparison
from ecosystem_check.packages import Package
from ecosystem_check.revisions import Version
from ecosystem_check.running import Finding, Run

Row = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Results:
    """All that was done. `runs` are in the order of packages, then versions; `failures` are packages that could not be
    had. A single version is compared with nothing."""

    versions: Sequence[Version]
    runs: Sequence[Run]
    failures: Sequence[tuple[Package, str]]
    comparison: Comparison

    @property
    def errors(self) -> list[str]:
        told = [f"{package}: {error}" for package, error in self.failures]
        return told + [f"{run.package}, {run.side}: {run.error}" for run in self.runs if run.error is not None]


def lines(results: Results, *, markdown: bool, altered: bool) -> Iterator[str]:
    """The whole report."""
    page = _Markdown() if markdown else _Text()
    for version in results.versions:
        yield from page.line(f"{version.side}: {version.name}")
    yield from _dependencies(results.versions, page)
    yield from page.heading("Runs")
    yield from page.table(*_runs(results))
    yield from page.heading("Findings")
    yield from page.table(*_rules(results))
    if len(results.versions) > 1:
        yield from _changes(results.comparison, page, altered=altered)
    if results.errors:
        yield from page.heading(f"Errors ({len(results.errors)})")
        yield from page.block(results.errors)


def _dependencies(versions: Sequence[Version], page: _Text) -> Iterator[str]:
    base, head = versions[0], versions[-1]
    if base.dependencies != head.dependencies:
        gone, new = sorted(base.dependencies - head.dependencies), sorted(head.dependencies - base.dependencies)
        differing = ", ".join([*(f"-{item}" for item in gone), *(f"+{item}" for item in new)])
        yield from page.line(f"note: dependencies differ ({differing}); both ran with those of this interpreter")


def _runs(results: Results) -> tuple[Row, list[Row]]:
    sides = [version.side for version in results.versions]
    columns = ("findings", "problems", "seconds", "MB")
    head = ["package", *(f"{column}, {side}" if len(sides) > 1 else column for side in sides for column in columns)]
    rows: list[Row] = []
    for package, runs in groupby(results.runs, key=lambda run: run.package):
        row: list[str | int] = [str(package)]
        for run in runs:
            counts: Row = ["failed", ""] if run.error is not None else [len(run.findings), len(run.problems)]
            row += [*counts, f"{run.seconds:.1f}", f"{run.megabytes:.0f}"]
        rows.append(row)
    total: list[str | int] = ["all"]
    for side in sides:
        of_side = [run for run in results.runs if run.side == side]
        sums = [sum(len(run.findings) for run in of_side), sum(len(run.problems) for run in of_side)]
        largest = max((run.megabytes for run in of_side), default=0.0)
        total += [*sums, f"{sum(run.seconds for run in of_side):.1f}", f"{largest:.0f}"]
    return head, [*rows, total]


def _rules(results: Results) -> tuple[Row, list[Row]]:
    rules = results.comparison.rules()
    columns = ("after",) if len(results.versions) == 1 else ("before", "after", "came", "went")
    rows: list[Row] = [(row.rule, *(getattr(row, column) for column in columns)) for row in rules]
    total = ("all", *(sum(getattr(row, column) for row in rules) for column in columns))
    return ("rule", *(columns if len(columns) > 1 else ("findings",))), [*rows, total]


def _changes(comparison: Comparison, page: _Text, *, altered: bool) -> Iterator[str]:
    if not comparison.changed and comparison.compared:
        yield from ("", *page.line("No findings changed."))
    for title, sign, findings in (("Came", "+", comparison.came), ("Went", "-", comparison.went)):
        if findings:
            yield from page.heading(f"{title} ({len(findings)})")
            yield from page.block(_listed(sign, findings))
    for title, sign, problems in (
        ("Problems that came", "+", comparison.problems_came),
        ("Problems that went", "-", comparison.problems_went),
    ):
        if problems:
            yield from page.heading(f"{title} ({len(problems)})")
            yield from page.block(f"{sign} {problem}" for problem in problems)
    if comparison.altered:
        kinds = {what: sum(what in item.what for item in comparison.altered) for what in ("message", "fix", "preview")}
        told = ", ".join(f"{count} in {what}" for what, count in kinds.items() if count)
        hint = "" if altered else "; --altered lists them"
        yield ""
        yield from page.line(f"On both sides, but different (no change of findings): {told}{hint}.")
        if altered:
            yield from page.block(line for change in comparison.altered for line in _altered(change))


def _listed(sign: str, findings: Iterable[Finding]) -> Iterator[str]:
    for finding in sorted(findings, key=lambda finding: finding.order):
        yield f"{sign} {finding.package} {described(finding)}"


def described(finding: Finding) -> str:
    """Place, rule and message."""
    mark = " (preview)" if finding.preview else ""
    return f"{finding.path}:{finding.line}: {finding.code}{mark} {finding.message}"


def _altered(change: Change) -> Iterator[str]:
    for sign, finding in (("-", change.before), ("+", change.after)):
        fix = f" [fix: {finding.fix or 'none'}]" if "fix" in change.what else ""
        yield f"{sign} {finding.package} {described(finding)}{fix}"


class _Text:
    """Plain text."""

    def line(self, text: str) -> Iterator[str]:
        yield text

    def heading(self, text: str) -> Iterator[str]:
        yield from ("", text, "")

    def block(self, entries: Iterable[str]) -> Iterator[str]:
        yield from entries

    def table(self, head: Row, rows: Sequence[Row]) -> Iterator[str]:
        texts = [[str(cell) for cell in row] for row in [head, *rows]]
        widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
        for row in texts:
            cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            yield "  ".join([row[0].ljust(widths[0]), *cells]).rstrip()


class _Markdown(_Text):
    """Markdown as GitHub shows it."""

    def line(self, text: str) -> Iterator[str]:
        yield from (text.replace("<", "&lt;"), "")

    def heading(self, text: str) -> Iterator[str]:
        yield from ("", f"### {text}", "")

    def block(self, entries: Iterable[str]) -> Iterator[str]:
        yield from ("````diff", *entries, "````")

    def table(self, head: Row, rows: Sequence[Row]) -> Iterator[str]:
        yield _row(head)
        yield _row(["---", *("--:" for _ in head[1:])])
        yield from map(_row, rows)
        yield ""


def _row(cells: Row) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
