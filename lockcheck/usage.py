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
    """Settings and paths that cannot be used become complaints."""
    try:
        yield
    except SettingsError as error:
        numbers = [number for number in (error.line, error.column) if number is not None]
        where = ":".join([discover.display(error.path), *map(str, numbers)]) + ": " if error.path else ""
        raise Complaint(f"{where}{error.message}") from error
    except (discover.DiscoverError, GitError) as error:
        raise Complaint(str(error)) from error


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

    if options.no_baseline and options.baseline is not None:
        raise click.UsageError("--baseline and --no-baseline exclude each other")
    file = options.baseline or (None if options.no_baseline else settings.baseline)
    return Known(options.since, baseline.read(discover.absolute(file)) if file is not None else None)


def check_ignores(options: Options, *, stdin: bool) -> None:
    """Complain about --add-ignores and --reason that make no sense together with the others."""
    if options.reason and not options.add_ignores:
        raise click.UsageError("--reason belongs to --add-ignores")
    if not options.add_ignores:
        return
    if options.fix or stdin:
        raise click.UsageError(f"--add-ignores cannot be combined with {'--fix' if options.fix else 'standard input'}")
    from lockcheck import ignores  # noqa: PLC0415 - other commands need none of it

    if message := ignores.problem(options.reason.strip()):
        raise click.UsageError(f"--reason {message}")
