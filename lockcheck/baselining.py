"""`lockcheck baseline` from the command line: write, prune, show."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck import discover, usage
from lockcheck.baseline import NAME, Baseline, Entry, read
from lockcheck.console import CLEAN, FOUND, WRONG, Progress, complain, say, style_of
from lockcheck.known import Known
from lockcheck.means import Asked, means_of
from lockcheck.reporting.style import columns, plural, printable
from lockcheck.reporting.summary import told
from lockcheck.settings import Overrides, Settings

if TYPE_CHECKING:
    from lockcheck.api import Report


@dataclass(frozen=True, slots=True)
class Wish:
    """The options, as given."""

    paths: tuple[Path, ...]
    file: Path | None
    config: Path | None
    overrides: Overrides = field(default_factory=Overrides)
    asked: Asked = field(default_factory=Asked)
    quiet: bool = False


def write(wish: Wish, reason: str) -> int:
    """Accept what is found today; the exit status."""
    with usage.errors_told():
        settings, file = _start(wish)
        before = read(file) if file.exists() else Baseline(file)
        report = _checked(wish, settings, before)
        if report.problems and report.files == 0:
            return WRONG
        found = (*report.findings, *(item.finding for item in report.baselined))
        after = before.renewed(found, report.removable, reason.strip())
        after.write()
    if not wish.quiet:
        changes = _changes(len(report.findings), _size(report.removable))
        say(f"Wrote {discover.display(file)}: {plural(_size(after.entries), 'finding')}{changes}.")
        if wish.file is None and settings.baseline is None:
            name = discover.display(file)
            say(f"A check obeys it with `--baseline {name}`,")
            say(f'or with `baseline = "{NAME}"` in [tool.lockcheck].')
    return FOUND if report.problems else CLEAN


def prune(wish: Wish) -> int:
    """Take out what is no longer found; the exit status."""
    with usage.errors_told():
        settings, file = _start(wish)
        before = read(file)
        report = _checked(wish, settings, before)
        if report.problems and report.files == 0:
            return WRONG
        after = before.without(report.removable)
        if report.removable:
            after.write()
    if not wish.quiet:
        for line in _listed(before, report.removable):
            say(f"removed {line}")
        left = plural(_size(after.entries), "finding")
        gone = _size(report.removable)
        say(
            f"{discover.display(file)}: removed {gone:,}, {left} left."
            if gone
            else f"{discover.display(file)}: nothing to remove, {left}."
        )
    return FOUND if report.problems else CLEAN


def show(wish: Wish) -> int:
    """List the entries; the exit status."""
    with usage.errors_told():
        _, file = _start(wish)
        baseline = read(file)
    places = [discover.absolute(path) for path in wish.paths]
    shown = [
        entry
        for entry in baseline.entries
        if not places or any(baseline.place(entry).is_relative_to(place) for place in places)
    ]
    for line in _listed(baseline, shown):
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    if not wish.quiet:
        counts = Counter[str]()
        for entry in shown:
            counts[entry.code] += entry.count
        by_rule = ", ".join(f"{code} {count:,}" for code, count in sorted(counts.items()))
        say(f"{discover.display(file)}: {plural(_size(shown), 'finding')}{f' ({by_rule})' if by_rule else ''}.")
    return CLEAN


def _start(wish: Wish) -> tuple[Settings, Path]:
    """The settings, and the file of the baseline."""
    settings = usage.settings(wish.paths or (Path(),), wish.config, wish.overrides, quiet=wish.quiet)
    file = discover.absolute(wish.file or settings.baseline or settings.base / NAME)
    if file.is_dir():
        raise usage.Complaint(f"{discover.display(file)}: is a folder")
    if not file.parent.is_dir():
        raise usage.Complaint(f"{discover.display(file)}: the folder {discover.display(file.parent)} does not exist")
    return settings, file


def _checked(wish: Wish, settings: Settings, baseline: Baseline) -> Report:
    from lockcheck import api  # noqa: PLC0415 - wrong settings and `show` need none of it

    progress = Progress(sys.stderr, quiet=wish.quiet)
    known, means = Known(baseline=baseline), means_of(wish.asked, settings)
    try:
        report = api.analyse(wish.paths or (Path(),), settings, progress=progress, known=known, means=means)
    finally:
        progress.finish()
    for line in told(report.problems, style_of(sys.stderr)):
        say(line)
    if report.files == 0 and not report.problems:
        complain("warning", "no Python files found under these paths")
    return report


def _size(entries: Sequence[Entry]) -> int:
    return sum(entry.count for entry in entries)


def _changes(new: int, gone: int) -> str:
    kinds = ((new, "new"), (gone, "removed"))
    told_ = ", ".join(f"{count:,} {what}" for count, what in kinds if count)
    return f" ({told_})" if told_ else ""


def _listed(baseline: Baseline, entries: Sequence[Entry]) -> Iterator[str]:
    rows = (
        (
            printable(discover.display(baseline.place(entry))),
            entry.code,
            printable(entry.symbol) + (f" x{entry.count}" if entry.count > 1 else ""),
            printable(entry.reason),
        )
        for entry in entries
    )
    return (line.rstrip() for line in columns(rows))
