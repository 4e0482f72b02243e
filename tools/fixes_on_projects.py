"""Applies all fixes to public projects and runs the projects' own tests before and after.

Projects (tools/fixes_on_projects.toml) are downloaded, unpacked and installed once, each in an environment of its own
below --work; then their tests run as published, with the stable rules' fixes, and with those of preview rules as well.
This runs the projects' code. Exit status: 0 no test got worse, 1 some did, 2 something failed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ecosystem_check.errors import EcosystemError
from ecosystem_check.obtaining import Cache
from ecosystem_check.revisions import Version, checked_out
from fixes_check import outcomes, projects
from fixes_check.outcomes import Difference, Outcomes
from fixes_check.projects import Project
from fixes_check.workplace import Fixed, Running, Workplace

TOOLS = Path(__file__).resolve().parent
SAME, WORSE, FAILED, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True, slots=True)
class Row:
    """One project with the fixes of some rules. `unsteady` failed once and not again."""

    project: Project
    rules: str
    fixed: Fixed
    before: Outcomes
    after: Outcomes
    difference: Difference
    unsteady: tuple[str, ...]

    @property
    def worse(self) -> bool:
        return bool(self.difference.broken or self.difference.vanished)


def main() -> int:
    options = _options(sys.argv[1:])
    try:
        chosen = projects.chosen(projects.read(options.projects), options.project)
        with tempfile.TemporaryDirectory(prefix="lockcheck-fixes-") as scratch:
            version = checked_out(TOOLS.parent, options.revision, "head", Path(scratch))
            return _all(chosen, version, options)
    except EcosystemError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _all(chosen: list[Project], version: Version, options: argparse.Namespace) -> int:
    work = options.work.expanduser()
    cache = Cache(work / "sources")
    print(f"lockcheck: {version.name}")
    status, how = SAME, Running(options.timeout, options.python, options.postgresql)
    for project in chosen:
        place = Workplace(project, cache, work.resolve(), how)
        try:
            for row in _rows(project, place, version, options.rules):
                for line in _lines(row):
                    print(line, flush=True)
                status = max(status, WORSE if row.worse else SAME)
        except EcosystemError as error:
            print(f"error: {project}: {error}", file=sys.stderr, flush=True)
            status = FAILED
    return status


def _rows(project: Project, place: Workplace, version: Version, rules: str) -> Iterator[Row]:
    place.renew()
    place.install()
    before = place.test()
    for name in ("stable", "preview") if rules == "both" else (rules,):
        place.renew()
        fixed = place.fix(version, preview=name == "preview")
        after = place.test() if fixed.files else before
        first = outcomes.compare(before, after)
        again = place.test(first.broken) if first.broken else {}
        steady = outcomes.without(first, (test for test, outcome in again.items() if outcome in outcomes.FAILED))
        unsteady = tuple(test for test in first.broken if test not in steady.broken)
        yield Row(project, name, fixed, before, after, steady, unsteady)
    place.renew()


def _lines(row: Row) -> Iterator[str]:
    yield f"\n{row.project}, {row.rules} rules"
    yield f"  fixes:  {row.fixed.applied:,} in {len(row.fixed.files):,} files"
    if row.fixed.rules:
        yield "  mended: " + ", ".join(f"{code} {number:,}" for code, number in sorted(row.fixed.rules.items()))
    yield from (f"          {path}" for path in row.fixed.files)
    yield f"  before: {outcomes.counted(row.before)}"
    yield f"  after:  {outcomes.counted(row.after)}"
    kinds = {
        "broken": row.difference.broken,
        "vanished": row.difference.vanished,
        "mended": row.difference.mended,
        "failed once, not again": row.unsteady,
    }
    for kind, names in kinds.items():
        yield from (f"  {kind}: {name}" for name in names)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--project", metavar="NAME", action="append", default=[], help="only this one, repeatable")
    add("--projects", metavar="FILE", type=Path, default=TOOLS / "fixes_on_projects.toml", help="the list")
    add("--revision", metavar="REV", help="the revision of lockcheck (default: the working tree)")
    add("--rules", choices=("stable", "preview", "both"), default="both", help="whose fixes (%(default)s)")
    add("--work", metavar="DIR", type=Path, required=True, help="downloads, trees and environments; some gigabytes")
    add("--timeout", metavar="SECONDS", type=float, default=1200.0, help="for one run of tests (%(default)g)")
    add("--python", metavar="FILE", help="a Python that has what the tests need; nothing is installed")
    add("--postgresql", metavar="URL", help="an empty database for tests that would start PostgreSQL in a container")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
