"""The summary of a run: where it goes, and what the lock-order graph has to say of its findings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck import output, usage

if TYPE_CHECKING:
    from lockcheck.api import Report
    from lockcheck.cli import Options
    from lockcheck.linked import Means
    from lockcheck.reporting.graphs.model import Graph
    from lockcheck.settings import Settings


def summarise(report: Report, paths: Sequence[Path], settings: Settings, options: Options, means: Means) -> None:
    """Write the summaries that options and GitHub Actions ask for. Raises Complaint for a file that cannot be
    written."""
    wanted = options.output_format == "github" and not options.diff
    step = os.environ.get("GITHUB_STEP_SUMMARY") if wanted else None
    if options.summary is None and not step:
        return
    from lockcheck.reporting import job_summary  # noqa: PLC0415 - only where it is asked for

    graph = _graph(report, paths, settings, means)
    if options.summary is not None:
        output.put(job_summary.text(report, graph, os.environ).splitlines(), options.summary)
    if step:
        room = job_summary.MOST - (Path(step).stat().st_size if Path(step).exists() else 0)
        _append(Path(step), job_summary.text(report, graph, os.environ, room))


def _graph(report: Report, paths: Sequence[Path], settings: Settings, means: Means) -> Graph | None:
    """The cycles that findings are about, from a second look at the project: None where none is about a cycle."""
    from lockcheck.reporting.graphs.focus import about  # noqa: PLC0415 - only where it is asked for
    from lockcheck.reporting.sides import sides  # noqa: PLC0415 - as above

    found = [sides(finding) for finding in report.findings]
    steps = [step for item in found if item.named for step in (*item.own, *item.other)]
    if not steps or not all(path.exists() for path in paths):  # standard input may have the name of no file
        return None
    from lockcheck import api  # noqa: PLC0415 - as above

    return about(api.graph(paths, settings, means=means).graph, {(step.place.path, step.place.line) for step in steps})


def _append(file: Path, text: str) -> None:
    """Add to what other steps have written; the file is theirs, too."""
    try:
        with file.open("a", encoding="utf-8", newline="\n") as summary:
            summary.write(text)
    except OSError as error:
        raise usage.Complaint(f"{file}: not written, {error.strerror or error}") from error
