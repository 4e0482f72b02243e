"""What every command that reads a project needs: its settings, and errors told as wrong use."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from lockcheck import discover
from lockcheck.console import complain
from lockcheck.settings import Overrides, Settings, SettingsError, load


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
    except discover.DiscoverError as error:
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
