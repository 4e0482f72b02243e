"""From a finding to its proof: derive, try out, tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from lockcheck.findings import Finding
from lockcheck.hazards import Hazard
from lockcheck.prove.acts import Duel, UnderivableError
from lockcheck.prove.experiment import Experiment
from lockcheck.prove.laboratory import Laboratory, Refused, Trial
from lockcheck.prove.needs import tables_of
from lockcheck.prove.script import Script
from lockcheck.prove.sessions import Failure, StuckError
from lockcheck.prove.sides import duel
from lockcheck.prove.tables import Tables
from lockcheck.prove.variants import Variant, variants

if TYPE_CHECKING:
    from lockcheck.linking.project import Project

Status = Literal["proven", "not proven", "not derived"]
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of a finding. `reason` tells what is missing where nothing could be derived; `refusal` is the
    database's error where it does not accept a statement at all. `forms` are what is sent in each of the trials, for
    one and the same rows. `rows` counts the rows of each table. `apart` are columns on which the two sides ask for
    different values."""

    finding: Finding
    status: Status
    reason: str = ""
    duel: Duel | None = None
    trials: tuple[tuple[Variant, Trial], ...] = ()
    forms: tuple[tuple[Script, Script], ...] = ()
    refusal: Failure | None = None
    version: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[str, ...]:
        """The SQLSTATEs that showed the hazard."""
        if self.refusal is not None:
            return (self.refusal.sqlstate,)
        return tuple(sorted(self.duel.wanted)) if self.duel is not None else ()

    @property
    def fixed(self) -> Trial | None:
        """The trial with what the finding's own fix does."""
        return next((trial for variant, trial in self.trials if variant.fix), None)


def proofs(
    project: Project, found: tuple[tuple[Hazard, Finding], ...], engine: sa.Engine, tell: Tell
) -> Iterator[Proof]:
    """One for each finding."""
    for hazard, finding in found:
        yield proof(project, hazard, finding, engine, tell)


def proof(project: Project, hazard: Hazard, finding: Finding, engine: sa.Engine, tell: Tell) -> Proof:
    """What becomes of a finding."""
    try:
        return _proof(project, hazard, finding, engine, tell)
    except UnderivableError as missing:
        return Proof(finding, "not derived", missing.reason)
    except StuckError as stuck:
        return Proof(finding, "not derived", f"an interleaving that comes to an end: {stuck}")


def _proof(project: Project, hazard: Hazard, finding: Finding, engine: sa.Engine, tell: Tell) -> Proof:
    made = duel(project, hazard.witness)
    tables = Tables(project, tables_of(project, made))
    experiment = Experiment(project.locks, tables, made)
    with ExitStack() as stack:
        laboratory = Laboratory(engine, experiment, stack)
        rows = experiment.rows(0).counts
        known = {
            "duel": made,
            "version": laboratory.version,
            "rows": rows,
            "left_out": tuple(tables.left_out),
            "apart": experiment.apart,
        }
        trials = []
        try:
            for variant in variants(project, hazard, made, fixable=finding.fix is not None):
                told = _counter(tell, variant.title)
                trials.append((variant, laboratory.trial(variant.sides, told)))
        except Refused as refused:
            return _refused(finding, refused, known)
    status: Status = "proven" if trials[0][1].between else "not proven"
    world = trials[0][1].shown.world
    forms = tuple(experiment.scripts(variant.sides, world) for variant, _ in trials)
    return Proof(finding, status, trials=tuple(trials), forms=forms, **known)  # type: ignore[arg-type]  # as they are named


def _refused(finding: Finding, refused: Refused, known: Mapping[str, object]) -> Proof:
    """A statement that the database does not accept: what LCK203 says of outer joins, else no experiment."""
    failure = refused.failure
    if finding.code == "LCK203" and failure.sqlstate == "0A000":
        return Proof(finding, "proven", refusal=failure, **known)  # type: ignore[arg-type]  # as they are named
    reason = f"a statement of {refused.entry} that the database accepts: {failure.sqlstate} {failure.message}"
    raise UnderivableError(reason)


def _counter(tell: Tell, title: str) -> Callable[[], None]:
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        tell(f"interleavings, {title}:", done, 0)

    return step
