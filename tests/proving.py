"""Small projects and the experiments that `lockcheck prove` makes of them, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent

import sqlalchemy as sa

from lockcheck.hazards import Hazard
from lockcheck.linking.project import Project
from lockcheck.prove.acts import Duel, Side
from lockcheck.prove.experiment import Experiment
from lockcheck.prove.laboratory import Laboratory, Trial
from lockcheck.prove.making import Maker
from lockcheck.prove.needs import tables_of
from lockcheck.prove.proof import Proof, proof
from lockcheck.prove.script import Script, text_of
from lockcheck.prove.sides import DEADLOCK, duel
from lockcheck.prove.tables import Tables
from lockcheck.prove.target import Targets, Wanted, targets
from lockcheck.prove.worlds import World
from lockcheck.settings import load
from tests import projects

PLAIN = World((0, 1, 2, 3), 0, ("scan", "scan"))

MODELS = """
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Run(Base):
    __tablename__ = "run"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]


class Job(Base):
    __tablename__ = "job"
    __table_args__ = (UniqueConstraint("run_id", "name"), Index("by_lane", "lane", "state"))
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    name: Mapped[str]
    lane: Mapped[str]
    state: Mapped[str | None]
    due: Mapped[datetime | None]
    tries: Mapped[int]
    run: Mapped[Run] = relationship(lazy="joined", innerjoin=True)


"""


@dataclass(frozen=True, slots=True)
class Written:
    """A project in a folder, with what lockcheck finds in it."""

    targets: Targets

    @property
    def project(self) -> Project:
        assert self.targets.project is not None
        return self.targets.project

    def hazard(self, code: str) -> Hazard:
        """The only finding of a rule, as the rule reports it."""
        (found,) = (hazard for hazard, finding in self.targets.found if finding.code == code)
        return found

    def duel(self, code: str) -> Duel:
        """The experiment of the only finding of a rule."""
        return duel(self.project, self.hazard(code).witness)

    def proof(self, code: str, engine: sa.Engine) -> Proof:
        """The proof of the first finding of a rule."""
        hazard, finding = next(pair for pair in self.targets.found if pair[1].code == code)
        return proof(self.project, hazard, finding, engine, lambda *_: None)

    def between(self, one: str, other: str, table: str = "job") -> Duel:
        """Two functions that fight, whether or not a rule reports them."""
        maker = Maker(self.project)
        sides = []
        for name in (one, other):
            trace = self.project.trace(name)
            sides.append(Side(name, maker.of_locks(trace, self.project.footprints.of(trace))))
        return Duel(table, sides[0], sides[1], DEADLOCK)

    def before(self, one: str, other: str) -> Duel:
        """As `between`, where the first statement of the one reaches some of the rows of its last."""
        made = self.between(one, other)
        first, *rest = made.one.acts
        return replace(made, one=replace(made.one, acts=(replace(first, part=True), *rest)))

    def experiment(self, made: Duel) -> Experiment:
        return Experiment(self.project.locks, Tables(self.project, tables_of(self.project, made)), made)

    def scripts(self, made: Duel, world: World = PLAIN) -> tuple[Script, Script]:
        return self.experiment(made).scripts((made.one, made.other), world)

    def trial(self, made: Duel, engine: sa.Engine) -> Trial:
        """All interleavings of the two sides as they are."""
        with ExitStack() as stack:
            laboratory = Laboratory(engine, self.experiment(made), stack)
            return laboratory.trial((made.one, made.other), lambda: None)


class Everything(Wanted):
    """All findings."""

    def fits(self, *_: object) -> bool:
        return True


def written(folder: Path, text: str) -> Written:
    """A project of one module, `app`, with these models ahead of its text."""
    return project(folder, {"app.py": MODELS + dedent(text)})


def project(folder: Path, files: Mapping[str, str]) -> Written:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "pyproject.toml").write_text('[tool.lockcheck]\ndialects = ["postgresql"]\n', encoding="utf-8")
    return read(folder)


def fixture(folder: Path, name: str) -> Written:
    """The fixture of a name, `CODE/name`."""
    projects.named(name).project.write(folder)
    return read(folder)


def read(folder: Path) -> Written:
    return Written(targets(Everything(), [folder], load(folder), lambda *_: None))


def sql(script: Script) -> list[str]:
    """What a session sends, as text."""
    return [text_of(operation.sql) for operation in script.operations]
