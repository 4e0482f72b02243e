"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _selectors(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(item for value in values for item in value.replace(",", " ").split())


def selector_option(name: str, text: str) -> Callable[[Any], Any]:
    """An option that takes rules."""
    return click.option(name, multiple=True, metavar="RULES", callback=_selectors, help=text)


def given_selectors(ctx: click.Context, name: str, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """The rules of an option, None where it was not given."""
    return values if ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT else None


config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Read [tool.lockcheck] from this file.",
)


def means_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how a project is read."""
    for option in (
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(min=1),
            metavar="N",
            help="Read many new files with this many processes (default: one for each processor).",
        ),
        click.option("--no-cache", is_flag=True, help="Neither read nor write the cache."),
        click.option(
            "--cache-dir",
            metavar="DIR",
            help="Where the cache is (default: LOCKCHECK_CACHE_DIR, else .lockcheck_cache in the project).",
        ),
    ):
        command = option(command)
    return command
