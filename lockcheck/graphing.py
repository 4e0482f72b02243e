"""One lock-order graph from the command line: settings, analysis, output."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck import output, usage
from lockcheck.console import CLEAN, WRONG, Progress, complain, say, style_of
from lockcheck.reporting.graphs import document, dot, html, mermaid, text, words
from lockcheck.reporting.graphs.focus import focused
from lockcheck.reporting.style import Style, plural, terminal_width
from lockcheck.reporting.summary import told
from lockcheck.settings import Overrides
from lockcheck.settings_schema import suggestion

if TYPE_CHECKING:
    from lockcheck.api import GraphReport
    from lockcheck.means import Asked
    from lockcheck.reporting.graphs.model import Graph

_RENDERERS: dict[str, Callable[[Graph], Iterator[str]]] = {
    "mermaid": mermaid.lines,
    "dot": dot.lines,
    "json": document.lines,
    "html": html.lines,
}


@dataclass(frozen=True, slots=True)
class Wish:
    """The options, as given."""

    focus: tuple[str, ...]
    output_format: str
    output: Path | None
    config: Path | None
    force_exclude: bool | None
    asked: Asked
    quiet: bool


def graph(paths: Sequence[Path], wish: Wish) -> int:
    """Show the graph; the exit status."""
    with usage.errors_told():
        settings = usage.settings(paths, wish.config, Overrides(force_exclude=wish.force_exclude), quiet=wish.quiet)
        if wish.output is not None:
            output.look_at(wish.output)
        from lockcheck import api  # noqa: PLC0415 - wrong settings need none of it
        from lockcheck.means import means_of  # noqa: PLC0415 - as above

        progress = Progress(sys.stderr, quiet=wish.quiet)
        try:
            report = api.graph(paths, settings, progress=progress, means=means_of(wish.asked, settings))
        finally:
            progress.finish()
    for line in told(report.problems, style_of(sys.stderr)):
        say(line)
    if report.problems and report.files == 0:
        return WRONG
    shown = _focused(report, wish.focus)
    output.put(_lines(shown, wish), wish.output)
    if not wish.quiet:
        _close(report, shown, wish)
    return CLEAN


def _focused(report: GraphReport, focus: Sequence[str]) -> Graph:
    known = report.declared | set(report.graph.tables)
    for table in focus:
        if table not in known:
            raise usage.Complaint(f"--focus: unknown table `{table}`{suggestion(table, sorted(known))}")
    return focused(report.graph, focus) if focus else report.graph


def _lines(shown: Graph, wish: Wish) -> Iterator[str]:
    if wish.output_format != "text":
        return _RENDERERS[wish.output_format](shown)
    if wish.output is not None:
        return text.lines(shown, Style(), None)
    return text.lines(shown, style_of(sys.stdout), terminal_width(sys.stdout, os.environ))


def _close(report: GraphReport, shown: Graph, wish: Wish) -> None:
    if report.files == 0:
        complain("warning", "no Python files found under these paths")
    if wish.output is not None:
        say(f"Wrote {wish.output}: {words.counts(shown)} in {plural(report.files, 'file')}.")
    elif wish.output_format != "text":
        say(f"{words.counts(shown)} in {plural(report.files, 'file')}.")
