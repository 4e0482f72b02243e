"""Small projects linked in memory: what rules would ask of them, asked by tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

from lockcheck.declarations.project import Declarations
from lockcheck.declarations.read import read_module
from lockcheck.linking.events import Execute
from lockcheck.linking.linker import Linker
from lockcheck.linking.locks import Access, Locks
from lockcheck.linking.project import Policy, Project
from lockcheck.linking.substitution import origin_of
from lockcheck.linking.trace import Step, Trace
from lockcheck.linking.values import Abstract, FromOperation, Known, Opaque, Statement, each
from lockcheck.reading.gather import read_behaviour

MODELS = """
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Team(Base):
    __tablename__ = "team"
    id: Mapped[int] = mapped_column(primary_key=True)


class Run(Base):
    __tablename__ = "run"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    team: Mapped[Team] = relationship(lazy="joined", innerjoin=True)
    jobs: Mapped[list["Job"]] = relationship(back_populates="run")
    parts: Mapped[list["Part"]] = relationship()


class Job(Base):
    __tablename__ = "job"
    __table_args__ = (UniqueConstraint("run_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    name: Mapped[str]
    state: Mapped[str | None]
    slug: Mapped[str] = mapped_column(unique=True)
    external: Mapped[str]
    priority: Mapped[int]
    run: Mapped[Run] = relationship(back_populates="jobs")

    @classmethod
    def by_key(cls, key):
        return cls.id == key


class Part(Base):
    __tablename__ = "part"
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str | None]


class Ticket(Base):
    __tablename__ = "ticket"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str | None]
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    run: Mapped[Run] = relationship(lazy="joined", innerjoin=True)
    team: Mapped[Team | None] = relationship(lazy="joined")


metadata = MetaData()
items = Table("item", metadata, Column("id", Integer, primary_key=True), Column("kind", String))
"""

HEAD = """
from models import Base, Job, Part, Run, Team, Ticket, items
from sqlalchemy import and_, delete, exists, func, insert, not_, null, or_, select, true, tuple_, update
from sqlalchemy.orm import (
    Session, aliased, contains_eager, joinedload, lazyload, selectinload, scoped_session, sessionmaker,
)
"""


@dataclass(frozen=True)
class Linked:
    """A linked project with its texts."""

    texts: Mapping[str, str]
    project: Project

    @property
    def locks(self) -> Locks:
        return self.project.locks

    def trace(self, function: str = "f") -> Trace:
        return self.project.trace(_qualified(function))

    def executes(self, function: str = "f") -> list[Execute]:
        """The statements that a function executes, in order, its callees' included."""
        return [step.detail for step in self.trace(function).steps if isinstance(step.detail, Execute)]

    def statements(self, function: str = "f") -> list[Statement]:
        return [execute.statement for execute in self.executes(function)]

    def statement(self, function: str = "f") -> Statement:
        """The only statement that a function executes."""
        (found,) = self.statements(function)
        return found

    def access(self, function: str = "f") -> Access:
        return self.locks.access(self.statement(function))

    def accesses(self, function: str = "f") -> list[Access]:
        return [self.locks.access(statement) for statement in self.statements(function)]

    def returned(self, function: str = "f") -> Abstract:
        return self.project.linker.root(_qualified(function)).returns

    # --- places ------------------------------------------------------------------------------------------------

    def at(self, marker: str, function: str = "f") -> Step:
        """The step of a function's run on the line that ends in `# marker`; a loop's or call's own events give way to
        what happens in them."""
        found = list(self.all_at(marker, function))
        assert found, f"no step on the line marked {marker!r}"
        return found[0]

    def all_at(self, marker: str, function: str = "f") -> Iterator[Step]:
        for step in self.trace(function).steps:
            site = getattr(step.detail, "site", None)
            kind = type(step.detail).__name__
            if site is None or kind in ("Inner", "EnterLoop", "EnterHandler", "Test", "Read"):
                continue
            line = self.texts[site.path].splitlines()[self.project.linker.position(site).line - 1]
            if line.endswith(f"# {marker}"):
                yield step

    def reaches(self, first: str, second: str, function: str = "f") -> bool:
        """Whether what is marked `second` may happen after what is marked `first`."""
        return self.trace(function).reaches(self.at(first, function), self.at(second, function))

    def ended_between(self, first: str, second: str, function: str = "f") -> bool:
        one = self.at(first, function)
        session: Any = getattr(one.detail, "session", None)
        return self.trace(function).ended_between(one, self.at(second, function), session)


def _qualified(function: str) -> str:
    return function if function.partition(".")[0] in ("app", "lib", "models") else f"app.{function}"


def link(body: str = "", /, modules: Mapping[str, str] | None = None, **policy: Any) -> Linked:
    """A project of `models`, of `app` with the common imports ahead of `body`, and of more modules."""
    more = {name: HEAD + dedent(text) for name, text in (modules or {}).items()}
    return link_texts({"models": MODELS, "app": HEAD + dedent(body), **more}, **policy)


def link_texts(modules: Mapping[str, str], **policy: Any) -> Linked:
    """A project of these modules, as they are."""
    declared = {name: read_module(text, name, _path(name), is_package=False) for name, text in modules.items()}
    facts = []
    for name, text in modules.items():
        module, problems = read_behaviour(text, declared[name])
        assert not problems, problems
        facts.append(module)
    linker = Linker(Declarations.build(declared.values()), facts)
    return Linked({_path(name): text for name, text in modules.items()}, Project(linker, Policy(**policy)))


def _path(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


def constants(value: Abstract) -> set[object]:
    """The literals that a value may be."""
    return {part.value for part in each(value) if isinstance(part, Known)}


def is_unknown(value: Abstract) -> bool:
    return isinstance(value, Opaque)


def comes_from(value: Abstract, execute: Execute) -> bool:
    """Whether a value is a row of what an operation returned, or read from one."""
    origin = origin_of(value)
    while hasattr(origin, "base"):
        origin = origin.base
    return isinstance(origin, FromOperation) and origin.site == execute.site
