"""Runs two versions of lockcheck over pinned packages and prints which findings came and went.

BASE and HEAD are git revisions of this repository; `-` as BASE runs HEAD alone, without HEAD the working tree is
meant. Packages (tools/ecosystem.toml) are downloaded once, unpacked and read, never installed or imported. Exit
status: 0 nothing changed, 1 findings changed, 2 something failed.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ecosystem_check import judging, packages, printing
from ecosystem_check.comparing import compare
from ecosystem_check.errors import EcosystemError
from ecosystem_check.obtaining import Cache
from ecosystem_check.packages import Package
from ecosystem_check.printing import Results
from ecosystem_check.revisions import Version, checked_out
from ecosystem_check.running import Run, Runner

TOOLS = Path(__file__).resolve().parent
SAME, CHANGED, FAILED, INTERRUPTED = 0, 1, 2, 130
NOTHING = "-"


def main() -> int:
    options = _options(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # names of files may be any bytes
    try:
        return _report(options)
    except EcosystemError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _report(options: argparse.Namespace) -> int:
    chosen = packages.chosen(packages.read(options.packages), options.package)
    cache = Cache(options.cache.expanduser())
    with tempfile.TemporaryDirectory(prefix="lockcheck-ecosystem-") as work:
        versions = _versions(options, Path(work))
        results, folders = _checked(chosen, versions, cache, options)
    for line in printing.lines(results, markdown=options.markdown, altered=options.altered):
        print(line)
    findings = [finding for run in results.runs if run.side == "head" for finding in run.findings]
    if options.findings is not None:
        judging.write(findings, options.findings)
    if options.sample:
        print()
        for line in judging.sample(findings, options.sample, options.rule, options.seed, folders):
            print(line)
    if results.errors:
        return FAILED
    return CHANGED if results.comparison.changed else SAME


def _versions(options: argparse.Namespace, work: Path) -> list[Version]:
    head = checked_out(TOOLS.parent, options.head, "head", work)
    if options.base == NOTHING:
        return [head]
    return [checked_out(TOOLS.parent, options.base, "base", work), head]


def _checked(
    chosen: Sequence[Package], versions: Sequence[Version], cache: Cache, options: argparse.Namespace
) -> tuple[Results, dict[str, Path]]:
    """Everything run; and the folders of the packages that could be had."""
    runner = Runner(cache.trees, preview=options.preview, timeout=options.timeout)
    with ThreadPoolExecutor(options.jobs) as pool:
        try:
            had = list(pool.map(lambda package: _had(package, cache), chosen))
            trees = [(package, item) for package, item in zip(chosen, had, strict=True) if isinstance(item, Path)]
            jobs = [(version, package, tree) for package, tree in trees for version in versions]
            runs = list(pool.map(lambda job: _run(runner, *job), jobs))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            runner.close()
            raise
    each = len(versions)
    comparison = compare((runs[start], runs[start + each - 1]) for start in range(0, len(runs), each))
    failures = [(package, item) for package, item in zip(chosen, had, strict=True) if isinstance(item, str)]
    return Results(versions, runs, failures, comparison), {str(package): tree for package, tree in trees}


def _had(package: Package, cache: Cache) -> Path | str:
    """The folder to check, or why there is none."""
    try:
        return cache.tree(package)
    except EcosystemError as error:
        return str(error)


def _run(runner: Runner, version: Version, package: Package, folder: Path) -> Run:
    run = runner.run(version, package, folder)
    outcome = f"{len(run.findings)} findings" if run.error is None else "failed"
    print(f"{package}, {run.side}: {outcome}, {run.seconds:.1f} s", file=sys.stderr, flush=True)
    return run


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("base", metavar="BASE", help="the revision to compare with; `-` for none")
    add("head", metavar="HEAD", nargs="?", help="the revision to judge (default: the working tree)")
    add(
        "--package",
        metavar="NAME",
        action="append",
        default=[],
        help="only this one; NAME or NAME==VERSION, repeatable",
    )
    add("--packages", metavar="FILE", type=Path, default=TOOLS / "ecosystem.toml", help="the list of packages")
    add("--cache", metavar="DIR", type=Path, default=_default_cache(), help="downloads and sources (%(default)s)")
    add("--preview", action=argparse.BooleanOptionalAction, help="run preview rules too (default: as configured)")
    add("--jobs", metavar="N", type=_positive, default=os.cpu_count() or 1, help="runs at a time (default: cores)")
    add("--timeout", metavar="SECONDS", type=float, default=600.0, help="for one run (%(default)g)")
    add("--markdown", action="store_true", help="print Markdown")
    add("--altered", action="store_true", help="list what stayed with another message, fix or status")
    add("--findings", metavar="FILE", type=Path, help="write all findings of HEAD, a JSON object a line")
    add("--sample", metavar="N", type=_positive, help="print N random findings of HEAD with their source")
    add("--rule", metavar="CODE", action="append", default=[], help="what to sample, repeatable (default: all rules)")
    add("--seed", metavar="S", type=int, default=0, help="what to draw by (%(default)s)")
    options = parser.parse_args(arguments)
    if options.rule and not options.sample:
        parser.error("--rule says what to sample: it needs --sample")
    return options


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "lockcheck-ecosystem"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("1 or more is expected")
    return number


if __name__ == "__main__":
    sys.exit(main())
