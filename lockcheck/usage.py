"""What every command that reads a project needs: its settings, and errors told as wrong use."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lockcheck import discover
from lockcheck.console import complain
from lockcheck.git import GitError
from lockcheck.settings import Overrides, Settings, SettingsError, load

if TYPE_CHECKING:
    from lockcheck.cli import Options
    from lockcheck.known import Known


class Complaint(click.ClickException):
    """Wrong use that needs no usage line."""

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature
        complain("error", self.message)


@contextmanager
def errors_told() -> Iterator[None]:
    """Settings and paths that cannot be used, and folders that cannot be entered, become complaints."""
    try:
        yield
    except SettingsError as error:
        raise Complaint(placed(error)) from error
    except (discover.DiscoverError, GitError) as error:
        raise Complaint(str(error)) from error
    except PermissionError as error:
        where = "" if error.filename is None else f"{discover.display(os.fsdecode(error.filename))}: "
        raise Complaint(f"{where}{error.strerror}") from error


def placed(error: SettingsError) -> str:
    """What is wrong with settings, and where."""
    numbers = [number for number in (error.line, error.column) if number is not None]
    where = ":".join([discover.display(error.path), *map(str, numbers)]) + ": " if error.path else ""
    return f"{where}{error.message}"


def settings(paths: Sequence[Path], config: Path | None, overrides: Overrides, *, quiet: bool) -> Settings:
    """The settings that hold for these paths, what is odd about them said."""
    found = load(common(paths), config=config, overrides=overrides)
    if not quiet:
        for warning in found.warnings():
            complain("warning", warning)
    return found


def common(paths: Sequence[Path]) -> Path:
    try:
        return Path(os.path.commonpath([discover.absolute(path) for path in paths]))
    except ValueError:  # different drives, on Windows
        return Path.cwd()


def known(settings: Settings, options: Options) -> Known:
    """Which findings are not to be reported, as options and settings say. Raises BaselineError."""
    from lockcheck import baseline  # noqa: PLC0415 - other commands need none of it
    from lockcheck.known import Known  # noqa: PLC0415 - as above

    file = options.baseline or (None if options.no_baseline else settings.baseline)
    return Known(options.since, baseline.read(discover.absolute(file)) if file is not None else None)


def check_together(options: Options, *, stdin: bool) -> None:
    """Complain about options that make no sense together."""
    if message := next(_contradictions(options, stdin=stdin), None):
        raise click.UsageError(message)


def _contradictions(options: Options, *, stdin: bool) -> Iterator[str]:
    if options.no_baseline and options.baseline is not None:
        yield "--baseline and --no-baseline exclude each other"
    if options.include_suppressed and options.output_format != "sarif":
        yield "--include-suppressed belongs to --output-format sarif"
    if options.statistics and options.output_format in _UNCOUNTED:
        yield f"--statistics cannot be shown as `{options.output_format}`"
    if options.summary is not None and options.diff:
        yield "--summary cannot be combined with --diff: a summary is about findings"
    if options.summary is not None and options.output_file is not None and _same(options.summary, options.output_file):
        yield "--summary and --output-file name the same file"
    yield from _about_ignores(options, stdin=stdin)


_UNCOUNTED = ("sarif", "gitlab", "junit")
"""Documents that have no place for counts."""


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _about_ignores(options: Options, *, stdin: bool) -> Iterator[str]:
    if not options.add_ignores:
        if options.reason:
            yield "--reason belongs to --add-ignores"
        return
    kinds = (("--fix", options.fix), ("--unsafe-fixes", options.unsafe_fixes), ("standard input", stdin))
    yield from (f"--add-ignores cannot be combined with {name}" for name, given in kinds if given)
    from lockcheck import ignores  # noqa: PLC0415 - other commands need none of it

    if message := ignores.problem(options.reason.strip()):
        yield f"--reason {message}"
