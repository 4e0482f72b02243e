"""One check from the command line: settings, run, output, exit status."""

from __future__ import annotations

import importlib
import io
import os
import sys
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lockcheck import discover, output, summarising, usage
from lockcheck.console import CLEAN, FOUND, WRONG, Progress, complain, say, style_of
from lockcheck.reporting import diffs, summary
from lockcheck.reporting.sources import Sources
from lockcheck.reporting.style import Style, terminal_width
from lockcheck.reporting.view import View
from lockcheck.settings import Overrides, Settings

if TYPE_CHECKING:
    from lockcheck.api import FixReport, Report
    from lockcheck.cli import Options

_MODULES = {"json": "json_document"}
"""Formats whose module has another name."""
_IN_DOCUMENT = {"json", "github", "sarif", "gitlab", "junit"}
"""Formats that carry the problems themselves."""
STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class Stdin:
    """What came from standard input: under which name, its text as decoded, and how to encode it again."""

    name: str
    text: str
    encoding: str


def check(paths: Sequence[Path], options: Options) -> int:
    """Run one check; the exit status."""
    with usage.errors_told():
        usage.check_together(options, stdin=STDIN in paths)
        stdin = _read_stdin(options) if STDIN in paths else None
        if stdin is not None and len(paths) > 1:
            raise click.UsageError("`-` stands alone: standard input is checked without other paths")
        settings = _settings(paths if stdin is None else [Path(stdin.name)], options)
        if options.show_settings:
            output.put(_settings_lines(settings), None)
            return CLEAN
        if options.show_files:
            output.put(map(discover.display, discover.reported_files(paths, settings)), None)
            return CLEAN
        if stdin is not None and _excluded(stdin, settings):
            _write_back(stdin, stdin.text, options)
            return CLEAN
        for file in filter(None, (options.output_file, options.summary)):
            output.look_at(file)
        return _run(paths if stdin is None else [Path(stdin.name)], settings, options, stdin)


def _settings(paths: Sequence[Path], options: Options) -> Settings:
    overrides = Overrides(
        options.select,
        options.extend_select,
        options.ignore,
        preview=options.preview,
        force_exclude=options.force_exclude,
    )
    return usage.settings(paths, options.config, overrides, quiet=options.quiet)


# --- running ------------------------------------------------------------------------------------------------


def _run(paths: Sequence[Path], settings: Settings, options: Options, stdin: Stdin | None) -> int:
    from lockcheck.means import Asked, means_of  # noqa: PLC0415 - --show-files and --show-settings need none of it

    progress = Progress(sys.stderr, quiet=options.quiet)
    known = usage.known(settings, options)
    means = means_of(Asked(options.jobs, options.cache_dir, no_cache=options.no_cache), settings)
    work = _Work(paths, settings, {"progress": progress, "known": known, "means": means})
    try:
        if options.add_ignores:
            status, report = _ignore(work, options)
        elif options.fix or options.diff:
            status, report = _fix(work, options, stdin)
        else:
            status, report = _check(work, options, stdin)
        summarising.summarise(report, paths, settings, options, means)
        return status
    finally:
        progress.finish()


@dataclass(frozen=True, slots=True)
class _Work:
    """What every function of `api` is told."""

    paths: Sequence[Path]
    settings: Settings
    how: dict[str, Any]

    def done(self) -> None:
        """Take away the line that tells how far the run is."""
        self.how["progress"].finish()


def _ignore(work: _Work, options: Options) -> tuple[int, Report]:
    from lockcheck import api  # noqa: PLC0415 - --show-files and --show-settings need none of it

    reason = options.reason.strip()
    added = api.add_ignores(work.paths, work.settings, reason=reason, diff=options.diff, **work.how)
    work.done()
    return _show_fixed(added, options, None), added.report


def _fix(work: _Work, options: Options, stdin: Stdin | None) -> tuple[int, Report]:
    from lockcheck import api  # noqa: PLC0415 - as above

    how = {"unsafe": options.unsafe_fixes, "diff": options.diff, "stdin": _given(stdin), **work.how}
    fixed = api.fix(work.paths, work.settings, **how)
    work.done()
    return _show_fixed(fixed, options, stdin), fixed.report


def _check(work: _Work, options: Options, stdin: Stdin | None) -> tuple[int, Report]:
    from lockcheck import api  # noqa: PLC0415 - as above
    from lockcheck.cache import recording  # noqa: PLC0415 - as above

    if stdin is None and (recorded := recording.current()):
        recorded.keep_in(work.how["means"].cache)
    report = api.analyse(work.paths, work.settings, stdin=_given(stdin), **work.how)
    work.done()
    return _show(report, options, stdin), report


def _given(stdin: Stdin | None) -> tuple[str, str] | None:
    return None if stdin is None else (stdin.name, stdin.text)


def _show(report: Report, options: Options, stdin: Stdin | None) -> int:
    view = _view(report, options, {} if stdin is None else {stdin.name: stdin.text})
    output.put(_lines(report, view, options), options.output_file)
    _close(report, options, summary.summary(report))
    return _status(report, options)


def _show_fixed(fixed: FixReport, options: Options, stdin: Stdin | None) -> int:
    after = {change.path: change.after for change in fixed.changed}
    if options.diff:
        style = _style(options)
        changes = (diffs.of_file(item.path, item.before, item.after, style) for item in fixed.changed)
        output.put(chain.from_iterable(changes), options.output_file)
    else:
        view = _view(fixed.report, options, {} if stdin is None else {stdin.name: stdin.text, **after})
        if stdin is not None:
            _write_back(stdin, after.get(stdin.name, stdin.text), options)
        lines = _lines(fixed.report, view, options)
        if stdin is not None and options.output_file is None:
            for line in lines:
                say(line)
        else:
            output.put(lines, options.output_file)
    tell = summary.after_ignoring if options.add_ignores else summary.after_fixing
    done = tell(fixed, would=options.diff)
    _close(fixed.report, options, done)
    changed = bool(fixed.changed) and (options.diff or options.exit_non_zero_on_fix) and not options.exit_zero
    return FOUND if changed else _status(fixed.report, options)


def _view(report: Report, options: Options, given: dict[str, str]) -> View:
    return View(
        _style(options),
        None if options.output_file is not None else terminal_width(sys.stdout, os.environ),
        unsafe=options.unsafe_fixes,
        sources=Sources(given),
        suppressed=options.include_suppressed,
        status=_status(report, options),
    )


def _style(options: Options) -> Style:
    return Style() if options.output_file is not None else style_of(sys.stdout)


def _lines(report: Report, view: View, options: Options) -> Iterable[str]:
    if options.statistics:
        as_json = options.output_format == "json"
        return summary.statistics_json(report, view) if as_json else summary.statistics(report, view)
    name = _MODULES.get(options.output_format, options.output_format)
    reporter = importlib.import_module(f"lockcheck.reporting.{name}")
    lines: Iterable[str] = reporter.lines(report, view)
    return lines


def _close(report: Report, options: Options, closing: Iterable[str]) -> None:
    if options.diff or options.statistics or options.output_format not in _IN_DOCUMENT:
        for line in summary.problems(report, style_of(sys.stderr)):
            say(line)
    if options.quiet:
        return
    for note in report.since.notes if report.since is not None else ():
        complain("warning", note)
    if report.files == 0 and not report.problems:
        complain("warning", "no Python files found under these paths")
    for line in closing:
        say(line)


def _status(report: Report, options: Options) -> int:
    """A file that could not be checked is not clean; when no file could be checked, the run has failed."""
    if report.problems and report.files == 0:
        return WRONG
    return FOUND if (report.findings or report.problems) and not options.exit_zero else CLEAN


# --- standard input -----------------------------------------------------------------------------------------


def _read_stdin(options: Options) -> Stdin:
    name = options.stdin_filename or "<stdin>"
    content = sys.stdin.buffer.read()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return Stdin(discover.display(name), content.decode(encoding), encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise usage.Complaint(f"{name}: {error}") from error


def _excluded(stdin: Stdin, settings: Settings) -> bool:
    path = discover.absolute(stdin.name)
    return settings.force_exclude and discover.Excludes.of(settings).cover(path)


def _write_back(stdin: Stdin, text: str, options: Options) -> None:
    """With --fix, an editor replaces its text by what comes back: also when nothing has changed."""
    if options.fix and not options.diff:
        sys.stdout.buffer.write(text.encode(stdin.encoding))
        sys.stdout.flush()


# --- showing settings ---------------------------------------------------------------------------------------


def _settings_lines(settings: Settings) -> Iterator[str]:
    for item in fields(settings):
        value = getattr(settings, item.name)
        yield f"{item.name.replace('_', '-')} = {_shown(value)}"


def _shown(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value)
