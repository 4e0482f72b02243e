"""The command `lockcheck prove`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lockcheck.cli_options import HELP, config_option, selector_option

PROOFS = ("text", "json", "sarif")


@click.command(
    context_settings=HELP,
    epilog="Needs the extra `prove`. Exit status, that of the worst finding: 0 proven; 1 not proven: no"
    " interleaving showed it; 2 wrong use, or a side that cannot be derived.",
)
@click.argument("where", metavar="PATH:LINE|FINGERPRINT")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, readable=False))
@selector_option("--select", "Rules whose findings are meant, by code, where a line has several.")
@click.option("--url", metavar="URL", help="Use this empty PostgreSQL database instead of a server of its own.")
@click.option("--output-format", type=click.Choice(PROOFS), default="text", show_default=True)
@config_option
@click.option("-q", "--quiet", is_flag=True, help="Print the proof and errors only.")
def prove(where: str, paths: tuple[Path, ...], select: tuple[str, ...], config: Path | None, **given: Any) -> int:
    """Show a finding on a real PostgreSQL.

    The SQL is derived from the code, which is never run. PATH:LINE is the place of a finding. With a FINGERPRINT,
    PATHS are where to look for it (default: the working folder).
    """
    from lockcheck import proving  # noqa: PLC0415 - --help needs none of it

    wish = proving.Wish(where, paths, select, given["url"], given["output_format"], config, quiet=given["quiet"])
    return proving.prove(wish)
