"""`lockcheck prove`: findings shown on a real PostgreSQL."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockcheck import __version__, usage
from lockcheck.console import CLEAN, FOUND, WRONG, Progress, say, style_of
from lockcheck.reporting.style import Style, plural, terminal_width
from lockcheck.reporting.summary import told
from lockcheck.settings import Overrides

if TYPE_CHECKING:
    from lockcheck.prove.proof import Proof
    from lockcheck.prove.target import Targets, Wanted

NEEDED = ("sqlalchemy", "psycopg")
STATUS = {"proven": CLEAN, "not proven": FOUND, "not derived": WRONG}


@dataclass(frozen=True, slots=True)
class Wish:
    """The options, as given."""

    where: str
    paths: tuple[Path, ...]
    select: tuple[str, ...]
    url: str | None
    output_format: str
    config: Path | None
    quiet: bool


def prove(wish: Wish) -> int:
    """Prove the findings that are meant; the exit status: that of the worst."""
    with usage.errors_told():
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise usage.Complaint(f'{missing[0]} is not installed: pip install "sqlalchemy-lockcheck[prove]"')
        from lockcheck.prove.target import Wanted  # noqa: PLC0415 - imports SQLAlchemy

        wanted = Wanted.parse(wish.where, wish.select)
        if wanted is None:
            raise usage.Complaint(f"{wish.where}: neither PATH:LINE nor a fingerprint (at least 4 of its 16 digits)")
        paths = wish.paths or (Path(wanted.path) if wanted.path is not None else Path(),)
        progress = Progress(sys.stderr, quiet=wish.quiet)
        try:
            proofs = _proofs(wanted, paths, wish, progress)
        finally:
            progress.finish()
    return max(STATUS[proof.status] for proof in proofs)


def _proofs(wanted: Wanted, paths: Sequence[Path], wish: Wish, progress: Progress) -> list[Proof]:
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - only where it is installed

    from lockcheck.prove.proof import proofs  # noqa: PLC0415 - imports SQLAlchemy
    from lockcheck.prove.server import ServerError, database  # noqa: PLC0415 - as above
    from lockcheck.prove.target import targets  # noqa: PLC0415 - as above

    settings = usage.settings(paths, wish.config, Overrides(preview=True), quiet=wish.quiet)
    found = targets(wanted, paths, settings, progress)
    progress.finish()
    for line in told(found.problems, style_of(sys.stderr)):
        say(line)
    if found.project is None or not found.found:
        raise usage.Complaint(_nothing(wanted, wish))
    marks = sorted({finding.fingerprint for _, finding in found.found})
    if wanted.fingerprint is not None and len(marks) > 1:
        raise usage.Complaint(f"{wish.where}: several findings begin so: {', '.join(marks)}")
    made: list[Proof] = []
    try:
        with database(wish.url) as engine:
            for proof in proofs(found.project, found.found, engine, progress):
                progress.finish()
                made.append(proof)
                if wish.output_format == "text":
                    _show(proof, found, first=len(made) == 1)
    except ServerError as error:
        raise usage.Complaint(str(error)) from error
    except OperationalError as error:
        raise usage.Complaint(f"the database has gone: {str(error.orig).splitlines()[0]}") from error
    if wish.output_format != "text":
        document = _json if wish.output_format == "json" else _sarif
        sys.stdout.writelines(f"{line}\n" for line in document(made, found))
    if not wish.quiet:
        say(_summary(made))
    return made


def _nothing(wanted: Wanted, wish: Wish) -> str:
    from lockcheck.prove.target import PROVABLE  # noqa: PLC0415 - imports SQLAlchemy

    of = "" if not wanted.codes else f" of {', '.join(wanted.codes)}"
    return f"{wish.where}: no finding{of} that can be tried out (rules {', '.join(PROVABLE)})"


# --- output -------------------------------------------------------------------------------------------------


def _lines(proof: Proof, found: Targets, style: Style, width: int | None) -> Iterator[str]:
    from lockcheck.prove.places import Places  # noqa: PLC0415 - only where there is something to show
    from lockcheck.prove.transcript import Transcript  # noqa: PLC0415 - as above

    if found.project is not None:
        yield from Transcript(Places(found.project.linker), style, width).lines(proof)


def _show(proof: Proof, found: Targets, *, first: bool) -> None:
    if not first:
        sys.stdout.write("\n")
    width = terminal_width(sys.stdout, os.environ)
    sys.stdout.writelines(f"{line}\n" for line in _lines(proof, found, style_of(sys.stdout), width))
    sys.stdout.flush()


def _json(made: Sequence[Proof], found: Targets) -> Iterator[str]:
    from lockcheck.reporting import json_document  # noqa: PLC0415 - only for this format

    entries = [{**json_document.entry(proof.finding), **_outcome(proof, found)} for proof in made]
    errors = [json_document.problem_entry(problem) for problem in found.problems]
    yield json.dumps({"version": __version__, "findings": entries, "errors": errors}, indent=2)


def _sarif(made: Sequence[Proof], found: Targets) -> Iterator[str]:
    from lockcheck.reporting import sarif  # noqa: PLC0415 - only for this format
    from lockcheck.reporting.sources import Sources  # noqa: PLC0415 - as above
    from lockcheck.reporting.view import View  # noqa: PLC0415 - as above
    from lockcheck.reports import Report  # noqa: PLC0415 - as above

    report = Report(tuple(proof.finding for proof in made), tuple(found.problems), suppressed=0, files=len(made))
    status = max(STATUS[proof.status] for proof in made)
    view = View(Style(), None, unsafe=True, sources=Sources({}), status=status)
    yield from sarif.lines(report, view, {proof.finding.fingerprint: _outcome(proof, found) for proof in made})


def _outcome(proof: Proof, found: Targets) -> dict[str, Any]:
    """`proven`, None where it is not, with the reason in `unproven`."""
    trials = [
        {
            "title": variant.title,
            "fix": variant.fix,
            "failed": trial.failed,
            "failed_at_finding": trial.between,
            "interleavings": trial.total,
        }
        for variant, trial in proof.trials
    ]
    details = {
        "database": f"PostgreSQL {proof.version}",
        "errors": list(proof.errors),
        "trials": trials,
        "transcript": list(_lines(proof, found, Style(), None)),
    }
    if proof.status == "proven":
        return {"proven": details}
    reason = proof.reason or "no interleaving showed it"
    return {"proven": None, "unproven": {"status": proof.status, "reason": reason, "trials": trials}}


def _summary(made: Sequence[Proof]) -> str:
    counts = {status: sum(proof.status == status for proof in made) for status in STATUS}
    shown = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
    return f"{plural(len(made), 'finding')}: {shown}."
