"""What is said at the end of a run, counts by rule, and problems."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lockcheck import __version__
from lockcheck.findings import UNPARSED
from lockcheck.reporting.style import columns, plural, printable

if TYPE_CHECKING:
    from lockcheck.api import FixReport, Report
    from lockcheck.findings import Problem
    from lockcheck.reporting.style import Style
    from lockcheck.reporting.view import View

REFUSED = 5
"""How many fixes that were dropped are named."""


def summary(report: Report) -> Iterator[str]:
    """How many findings there are, and how many of them --fix and --unsafe-fixes would mend."""
    where = f"in {plural(report.files, 'file')}{_accepted(report)}"
    if not report.findings:
        yield f"No {_new(report)}findings {where}."
    else:
        yield f"Found {plural(len(report.findings), f'{_new(report)}finding')} {where}."
    yield from _unparsed(report)
    yield from known(report)
    kinds = Counter(finding.fix.applicability for finding in report.findings if finding.fix is not None)
    safe, unsafe = kinds["safe"], kinds["unsafe"]
    if safe and unsafe:
        yield f"--fix would mend {safe:,} of them, --fix --unsafe-fixes {unsafe:,} more."
    elif safe or unsafe:
        yield f"{'--fix' if safe else '--fix --unsafe-fixes'} would mend {safe or unsafe:,} of them."


def _unparsed(report: Report) -> Iterator[str]:
    """How many files do not parse, and with which Python: the grammar is that of the one that runs lockcheck."""
    files = len({problem.path for problem in report.problems if problem.message.startswith(UNPARSED)})
    if files:
        python = ".".join(map(str, sys.version_info[:2]))
        do = "does" if files == 1 else "do"
        yield f"{plural(files, 'file')} {do} not parse with Python {python}, which runs lockcheck."


def _accepted(report: Report) -> str:
    kinds = ((report.suppressed, "suppressed"), (len(report.baselined), "in the baseline"))
    told = ", ".join(f"{count:,} {what}" for count, what in kinds if count)
    return f" ({told})" if told else ""


def _new(report: Report) -> str:
    return "new " if report.since is not None else ""


def known(report: Report) -> Iterator[str]:
    """How today compares with the revision of --since and with the baseline."""
    if (since := report.since) is not None:
        there = f"{since.there:,} of today's findings {'was' if since.there == 1 else 'were'} there"
        yield f"At {since.label}, {there}; {since.gone:,} {'is' if since.gone == 1 else 'are'} gone."
    if report.removable:
        entries = sum(entry.count for entry in report.removable)
        told = "1 finding of the baseline is" if entries == 1 else f"{entries:,} findings of the baseline are"
        yield f"{told} no longer there: `lockcheck baseline prune` removes {'it' if entries == 1 else 'them'}."


def after_ignoring(added: FixReport, *, would: bool) -> Iterator[str]:
    """What --add-ignores did, or with --diff would do."""
    done = "Would silence" if would else "Silenced"
    yield f"{done} {plural(added.applied, 'finding')} in {plural(len(added.changed), 'file')}; {_left(added)} left."
    yield from known(added.report)


def _left(fixed: FixReport) -> str:
    new = _new(fixed.report)
    return plural(len(fixed.report.findings), f"{new}finding") if fixed.report.findings else f"no {new}finding"


def after_fixing(fixed: FixReport, *, would: bool) -> Iterator[str]:
    """What --fix did, or with --diff would do."""
    done = "Would apply" if would else "Applied"
    fixes = f"{fixed.applied:,} fix{'' if fixed.applied == 1 else 'es'} in {plural(len(fixed.changed), 'file')}"
    yield f"{done} {fixes if fixed.applied else 'no fixes'}; {_left(fixed)} left."
    for finding, reason in fixed.refused[:REFUSED]:
        where = f"in {finding.symbol} ({finding.place.path})" if finding.symbol else f"in {finding.place.path}"
        yield printable(f"{finding.code} {where} stays: {reason}.")
    if len(fixed.refused) > REFUSED:
        yield f"And {len(fixed.refused) - REFUSED:,} more of that kind."
    if fixed.bound_hit:
        yield "Stopped early: the fixes kept calling for further fixes."
    yield from known(fixed.report)


def problems(report: Report, style: Style) -> Iterator[str]:
    """Files that could not be checked, each with its place."""
    return told(report.problems, style)


def told(found: Iterable[Problem], style: Style) -> Iterator[str]:
    for problem in found:
        yield f"{style.paint('error', 'red', 'bold')}: {_where(problem)}: {printable(problem.message)}"


def _where(problem: Problem) -> str:
    numbers = [number for number in (problem.line, problem.column) if number is not None]
    return ":".join([printable(problem.path), *map(str, numbers)])


def statistics(report: Report, view: View) -> Iterator[str]:
    """How often each rule reports, in place of the findings."""
    counts = Counter((finding.code, finding.name) for finding in report.findings)
    mended = Counter(finding.code for finding in report.findings if view.mends(finding))
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    width = max((len(f"{count:,}") for count in counts.values()), default=0)
    yield from (
        columns(
            (f"{count:,}".rjust(width), code, f"[{'*' if mended[code] else ' '}]", name) for (code, name), count in rows
        )
        if rows
        else ()
    )
    unresolved = ", ".join(f"{count:,} {what}" for what, count in report.unresolved.items())
    yield f"Files: {report.files:,}. Suppressed: {report.suppressed:,}. Unresolved: {unresolved or 'nothing'}."


def statistics_json(report: Report, view: View) -> Iterator[str]:
    """The same as a JSON document."""
    counts = Counter((finding.code, finding.name) for finding in report.findings)
    mended = Counter(finding.code for finding in report.findings if view.mends(finding))
    rules = [
        {"code": code, "name": name, "count": count, "fixable": mended[code]}
        for (code, name), count in sorted(counts.items())
    ]
    document = {
        "version": __version__,
        "statistics": rules,
        "files": report.files,
        "suppressed": report.suppressed,
        "unresolved": dict(report.unresolved),
    }
    yield json.dumps(document, indent=2)
