"""The command `lockcheck baseline`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from lockcheck.cli_options import HELP, config_option, given_selectors, means_options, selector_option

_paths = click.argument("paths", nargs=-1, type=click.Path(path_type=Path, readable=False))
_file = click.option(
    "--baseline",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="The baseline's file; default: that of the settings, else lockcheck-baseline.json.",
)
_quiet = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which findings a run has."""
    for option in reversed(
        (
            _paths,
            _file,
            click.option("--preview/--no-preview", default=None, help="Run preview rules too."),
            selector_option("--select", "Rules to run, as for a check."),
            selector_option("--extend-select", "Rules to run besides those chosen."),
            selector_option("--ignore", "Rules not to run."),
            config_option,
            means_options,
            _quiet,
            click.pass_context,
        )
    ):
        command = option(command)
    return command


@click.group(context_settings=HELP, short_help="Write, prune or show the accepted findings.")
def baseline() -> None:
    """Write, prune or show the file of findings that are accepted for now.

    A check with `--baseline FILE`, or with `baseline = "FILE"` in its settings, does not report what the file lists.
    """


@baseline.command(context_settings=HELP, short_help="Accept all findings of today.")
@_run_options
@click.option("--reason", default="", metavar="TEXT", help="The reason to give for findings that have none yet.")
def write(ctx: click.Context, /, **given: Any) -> int:
    """Accept all findings of today in PATHS (default: the working folder).

    What the file says of other files and of rules that do not run stays, and so do the reasons.
    """
    from lockcheck import baselining  # noqa: PLC0415 - --help needs none of it

    return baselining.write(_wish(ctx, given), given["reason"])


@baseline.command(context_settings=HELP)
@_run_options
def prune(ctx: click.Context, /, **given: Any) -> int:
    """Take out the findings that are no longer there."""
    from lockcheck import baselining  # noqa: PLC0415 - as above

    return baselining.prune(_wish(ctx, given))


@baseline.command(context_settings=HELP, short_help="List what the file accepts, without a check.")
@_paths
@_file
@config_option
@_quiet
def show(paths: tuple[Path, ...], baseline: Path | None, config: Path | None, *, quiet: bool) -> int:
    """List what the file accepts, one line each, without running a check.

    With PATHS, only what lies in these files and folders.
    """
    from lockcheck import baselining  # noqa: PLC0415 - as above

    return baselining.show(baselining.Wish(paths, baseline, config, quiet=quiet))


def _wish(ctx: click.Context, given: dict[str, Any]) -> Any:
    from lockcheck import baselining  # noqa: PLC0415 - as above
    from lockcheck.means import Asked  # noqa: PLC0415 - as above
    from lockcheck.settings import Overrides  # noqa: PLC0415 - as above

    asked = Asked(given["jobs"], given["cache_dir"], no_cache=given["no_cache"])
    select = given_selectors(ctx, "select", given["select"])
    overrides = Overrides(select, given["extend_select"], given["ignore"], preview=given["preview"])
    return baselining.Wish(given["paths"], given["baseline"], given["config"], overrides, asked, quiet=given["quiet"])
