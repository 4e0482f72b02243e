"""The command line. `lockcheck [PATHS]` checks; a subcommand's name counts only as the very first argument."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from lockcheck import __version__, console
from lockcheck.cache import recording
from lockcheck.cli_baseline import baseline
from lockcheck.cli_options import HELP, config_option, given_selectors, means_options, selector_option
from lockcheck.cli_prove import prove
from lockcheck.console import WRONG

FORMATS = ("full", "concise", "json", "github", "sarif", "gitlab", "junit")
GRAPHS = ("text", "mermaid", "dot", "json", "html")


def run(arguments: list[str]) -> int:
    """Do what the arguments say; the exit status."""
    console.prepare_streams()
    if recorded := recording.current():
        recorded.listen()
    try:
        status = _invoke(arguments)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:  # --help, --version
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return WRONG
    except (click.Abort, KeyboardInterrupt):
        return console.INTERRUPTED
    except BrokenPipeError:
        return console.close_quietly()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and becomes an exit status
        return console.internal_error(error)
    return status


def _invoke(arguments: list[str]) -> int:
    """Run the subcommand that is named first, else the check; not by click's `main`, which ends runs in its own way."""
    name = arguments[0] if arguments and arguments[0] in _SUBCOMMANDS else None
    command, rest = (_SUBCOMMANDS[name], arguments[1:]) if name else (check, arguments)
    with command.make_context(f"lockcheck {name}" if name else "lockcheck", list(rest)) as context:
        status = command.invoke(context)
    return status if isinstance(status, int) else console.CLEAN


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a check, as given."""

    fix: bool
    unsafe_fixes: bool
    diff: bool
    preview: bool | None
    select: tuple[str, ...] | None
    extend_select: tuple[str, ...]
    ignore: tuple[str, ...]
    output_format: str
    output_file: Path | None
    summary: Path | None
    include_suppressed: bool
    statistics: bool
    exit_zero: bool
    exit_non_zero_on_fix: bool
    force_exclude: bool | None
    show_files: bool
    show_settings: bool
    stdin_filename: str | None
    config: Path | None
    quiet: bool
    since: str | None = None
    baseline: Path | None = None
    no_baseline: bool = False
    add_ignores: bool = False
    reason: str = ""
    jobs: int | None = None
    no_cache: bool = False
    cache_dir: str | None = None


class _Check(click.Command):
    """The default command, whose help lists the subcommands as well."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, item.get_short_help_str()) for name, item in _SUBCOMMANDS.items()])
        super().format_epilog(ctx, formatter)


@click.command(
    cls=_Check,
    context_settings=HELP,
    epilog="A path that is named like a command is written ./rules. Exit status: 0 no findings; 1 findings, or with"
    " --diff changes to make; 2 wrong use, or nothing could be checked.",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, readable=False))
@click.option("--fix", is_flag=True, help="Apply safe fixes.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff, apply unsafe fixes too.")
@click.option("--diff", is_flag=True, help="Print what --fix would change; write nothing.")
@click.option("--preview/--no-preview", default=None, help="Run preview rules too.")
@selector_option("--select", "Rules to run, by code, prefix or name, comma-separated; ALL for all.")
@selector_option("--extend-select", "Rules to run besides those chosen.")
@selector_option("--ignore", "Rules not to run.")
@click.option("--output-format", type=click.Choice(FORMATS), default="full", show_default=True)
@click.option(
    "--output-file",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Write what would go to standard output to this file, all of it or nothing.",
)
@click.option(
    "--summary",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Write a summary in Markdown to this file, too; with --output-format github, GITHUB_STEP_SUMMARY gets one.",
)
@click.option(
    "--include-suppressed",
    is_flag=True,
    help="With --output-format sarif, list as suppressed what comments or the baseline accept.",
)
@click.option(
    "--since",
    metavar="REV",
    help="Report only findings that were not there at this revision of git. `REV...` is where HEAD left it, `auto`"
    " where HEAD left the default branch.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Do not report the findings that this file lists; see `lockcheck baseline`.",
)
@click.option("--no-baseline", is_flag=True, help="Report also what the baseline of the settings lists.")
@click.option("--add-ignores", is_flag=True, help="Write a comment that silences each finding of today.")
@click.option("--reason", default="", metavar="TEXT", help="With --add-ignores, what the comments give as the reason.")
@click.option("--statistics", is_flag=True, help="Count findings by rule instead of listing them.")
@click.option("-e", "--exit-zero", is_flag=True, help="Exit with 0 also when there are findings.")
@click.option(
    "--exit-non-zero-on-fix", is_flag=True, help="Exit with 1 when a file was fixed, even if nothing is left."
)
@click.option("--force-exclude", is_flag=True, default=None, help="Obey `exclude` also for files named in PATHS.")
@click.option("--show-files", is_flag=True, help="List the files that would be checked.")
@click.option("--show-settings", is_flag=True, help="Print the settings that hold.")
@click.option("--stdin-filename", metavar="FILE", help="The name of what is read from standard input, with PATHS `-`.")
@config_option
@means_options
@click.option("-q", "--quiet", is_flag=True, help="Print findings and errors only.")
@click.version_option(__version__, "-V", "--version", prog_name="lockcheck", message="%(prog)s %(version)s")
@click.pass_context
def check(ctx: click.Context, /, paths: tuple[Path, ...], **given: Any) -> int:
    """Find database lock-order hazards in Python code that uses SQLAlchemy, and fix them.

    PATHS are files and folders to report on (default: the working folder); `-` is standard input. All of the project
    around them is read.
    """
    from lockcheck import running  # noqa: PLC0415 - --help and --version need none of it

    given["select"] = given_selectors(ctx, "select", given["select"])
    return running.check(paths or (Path(),), Options(**given))


@click.command(context_settings=HELP)
@click.argument("code")
def explain(code: str) -> None:
    """Show a rule's page, by code or name."""
    from lockcheck import explaining, pages  # noqa: PLC0415 - a check needs none of it

    try:
        explaining.explain(pages.page(code), sys.stdout)
    except pages.UnknownRuleError as error:
        raise click.ClickException(str(error)) from error


@click.command(context_settings=HELP)
@click.option("--output-format", type=click.Choice(("table", "json")), default="table", show_default=True)
def rules(output_format: str) -> None:
    """List all rules."""
    from lockcheck import explaining  # noqa: PLC0415 - a check needs none of it

    for line in explaining.rules_json() if output_format == "json" else explaining.rules_table(sys.stdout, os.environ):
        click.echo(line)


@click.command(
    context_settings=HELP,
    short_help="Show in which order transactions lock rows.",
    epilog="Exit status: 0, or 2 for wrong use, or when nothing could be read.",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, readable=False))
@click.option("--focus", multiple=True, metavar="TABLE", help="Only edges and cycles through this table; repeatable.")
@click.option("--format", "output_format", type=click.Choice(GRAPHS), default="text", show_default=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Write to this file, all of it or nothing, instead of standard output.",
)
@click.option("--force-exclude", is_flag=True, default=None, help="Obey `exclude` also for files named in PATHS.")
@config_option
@means_options
@click.option("-q", "--quiet", is_flag=True, help="Print the graph and errors only.")
def graph(
    paths: tuple[Path, ...],
    focus: tuple[str, ...],
    output_format: str,
    output: Path | None,
    config: Path | None,
    **given: Any,
) -> int:
    """Show in which order transactions lock the tables' rows, and where that can deadlock.

    PATHS are files and folders whose locks are shown (default: the working folder). All of the project around them
    is read.
    """
    from lockcheck import graphing  # noqa: PLC0415 - --help needs none of it
    from lockcheck.means import Asked  # noqa: PLC0415 - as above

    asked = Asked(given["jobs"], given["cache_dir"], no_cache=given["no_cache"])
    wish = graphing.Wish(focus, output_format, output, config, given["force_exclude"], asked, quiet=given["quiet"])
    return graphing.graph(paths or (Path(),), wish)


@click.command(context_settings=HELP)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, readable=False))
@click.option("--cache-dir", metavar="DIR", help="The cache to remove, where it is not the project's.")
def clean(paths: tuple[Path, ...], cache_dir: str | None) -> None:
    """Remove the cache of the project around PATHS."""
    from lockcheck import means  # noqa: PLC0415 - a check needs none of it

    means.clean(paths or (Path(),), cache_dir)


@click.command(context_settings=HELP, short_help="Serve editors (language server protocol).")
def server() -> int:
    """Serve editors over standard input and output (language server protocol); needs the extra `lsp`."""
    from lockcheck import serving  # noqa: PLC0415 - other commands need none of it

    return serving.serve()


_SUBCOMMANDS: dict[str, click.Command] = {
    "baseline": baseline,
    "clean": clean,
    "explain": explain,
    "graph": graph,
    "prove": prove,
    "rules": rules,
    "server": server,
}
