"""The emitted forms, executed: ordered writes and upserts leave the rows that the code before them left."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from lockcheck.plans import OrderWrite, Plan, Upsert
from tests import projects
from tests.fixing import fixed, target

pytestmark = pytest.mark.server

# --- ordered writes -------------------------------------------------------------------------------------------

WRITES = '''
from __future__ import annotations

from itertools import count

from sqlalchemy import ForeignKey, delete, or_, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

ticks = count(1)


class Base(DeclarativeBase):
    pass


class Run(Base):
    __tablename__ = "run"

    id: Mapped[int] = mapped_column(primary_key=True)
    paused: Mapped[bool]


class Job(Base):
    __tablename__ = "job"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    state: Mapped[str | None]
    touched: Mapped[int] = mapped_column(default=0)


class Step(Base):
    __tablename__ = "step"

    job_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str | None] = mapped_column("step_state")


def unchanged(session):
    """The write leaves its condition true."""
    session.execute(update(Job).where(Job.state == "queued").values(touched=1))


def changed(session):
    result = session.execute(
        update(Job)
        .where(or_(Job.state == "queued", Job.state.is_(None)))  # those
        .where(Job.touched < next(ticks))
        .values(state="running", touched=next(ticks))
        .execution_options(synchronize_session="evaluate")
    )
    if result.rowcount:
        return getattr(result, "rowcount", 0), next(ticks)


def all_rows(session):
    return session.execute(update(Job).values(touched=next(ticks))).rowcount


def deleted(session):
    statement = delete(Job).where(Job.state == "queued")
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return result.rowcount


def joined(session):
    session.execute(update(Job).where(Job.run_id == Run.id, Run.paused.is_(True)).values(state="held"))


def correlated(session):
    paused = select(Run.id).where(Run.id == Job.run_id, Run.paused.is_(True))
    session.execute(update(Job).where(paused.exists()).values(state="held"))


def composite(session):
    return session.execute(update(Step).filter_by(state="queued").values(state=str(next(ticks)))).rowcount


def legacy(session):
    return session.query(Job).filter(Job.state == "queued").update({"touched": next(ticks)}, "fetch")


def legacy_delete(session):
    session.query(Job).filter(Job.state == "queued").delete()


def nothing(session):
    return session.execute(update(Job).where(Job.state == "none").values(touched=3)).rowcount
'''


@dataclass(frozen=True)
class Write:
    root: str
    execution: str | None
    model: str = "Job"
    key: tuple[str, ...] = ("id",)
    joins: bool = False


CASES = {
    "unchanged": Write("update(Job)", "touched=1))"),
    "changed": Write("update(Job)", 'synchronize_session="evaluate")\n    )'),
    "all_rows": Write("update(Job)", "(update(Job).values(touched=next(ticks)))"),
    "deleted": Write("delete(Job)", '"synchronize_session": False})'),
    "joined": Write("update(Job)", 'Run.paused.is_(True)).values(state="held"))', joins=True),
    "correlated": Write("update(Job)", 'paused.exists()).values(state="held"))'),
    "composite": Write("update(Step)", "str(next(ticks))))", "Step", ("job_id", "name")),
    "legacy": Write("session.query(Job)", None),
    "legacy_delete": Write("session.query(Job)", None),
    "nothing": Write("update(Job)", "touched=3))"),
}
Form = Literal["subselect", "portable", "skip-locked"]
FORMS: tuple[Form, ...] = ("subselect", "portable", "skip-locked")


def function(text: str, name: str) -> tuple[str, str]:
    """The head of the module and one of its functions."""
    head, _, _ = text.partition("\n\n\ndef ")
    body = next(part for part in text.split("\n\n\n") if part.startswith((f"def {name}(", f"async def {name}(")))
    return head, body.strip("\n")


def ordered(name: str, form: Form, text: str = WRITES) -> str:
    case = CASES[name]
    source = "\n\n\n".join(function(text, name)) + "\n"
    execution = target(source, case.execution) if case.execution else None
    key_share = not case.root.startswith("delete")
    return fixed(
        OrderWrite(target(source, case.root), execution, case.model, case.key, form, key_share, case.joins), source
    )


def written(engine: sa.Engine, source: str, name: str) -> tuple[Any, ...]:
    """What a function returns and the rows it leaves; the rows take more than two pages."""
    with projects.module(source) as module:
        module.Base.metadata.drop_all(engine)
        module.Base.metadata.create_all(engine)
        with Session(engine) as session:
            fill(session, module)
            returned = getattr(module, name)(session)
            session.commit()
            found = [session.execute(sa.select(table).order_by(*table.primary_key)).all() for table in tables(module)]
            return returned, found, next(module.ticks)


def fill(session: Session, module: Any) -> None:
    states = ("queued", "done", None, "queued", "done", None, "queued")
    session.execute(sa.insert(module.Run), [{"id": n, "paused": n == 2} for n in range(3)])
    session.execute(sa.insert(module.Job), [{"id": n, "run_id": n % 3, "state": states[n % 7]} for n in range(3500)])
    steps = [{"job_id": n, "name": name, "state": "queued"} for n in range(800) for name in "xyz"]
    session.execute(sa.insert(module.Step), steps)
    session.commit()


def tables(module: Any) -> list[sa.Table]:
    return list(module.Base.metadata.sorted_tables)


@pytest.mark.parametrize(
    ("name", "form"), [(name, form) for name in CASES for form in FORMS if form != "portable" or "delete" not in name]
)
def test_ordered_write_leaves_the_same_rows(database: sa.Engine, name: str, form: Form) -> None:
    source = ordered(name, form)
    assert source != "\n\n\n".join(function(WRITES, name)) + "\n"
    assert written(database, source, name) == written(database, WRITES, name)


def test_ordered_write_of_an_async_session(tmp_path: Path) -> None:
    pytest.importorskip("aiosqlite")
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine  # noqa: PLC0415  where it can run

    awaited = WRITES.replace("def ", "async def ").replace("session.execute", "await session.execute")
    awaited = awaited.replace("return await", "return (await").replace(".rowcount\n", ").rowcount\n")
    awaited = awaited.replace("return result)", "return result")

    async def run(source: str, name: str) -> tuple[Any, Any]:
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'async.db'}")
        with projects.module(source) as module:
            async with AsyncSession(engine) as session:
                await session.run_sync(lambda inner: module.Base.metadata.drop_all(inner.connection()))
                await session.run_sync(lambda inner: module.Base.metadata.create_all(inner.connection()))
                await session.run_sync(lambda inner: fill(inner, module))
                returned = await getattr(module, name)(session)
                found = [(await session.execute(sa.select(table))).all() for table in tables(module)]
        await engine.dispose()
        return returned, found

    for name in ("changed", "composite"):
        before = "\n\n\n".join(function(awaited, name)) + "\n"
        after = ordered(name, "portable", awaited)
        assert after.count("await session.") > before.count("await session.")
        assert asyncio.run(run(after, name)) == asyncio.run(run(before, name))


# --- upserts --------------------------------------------------------------------------------------------------

MERGES = """
from __future__ import annotations

import json
from typing import Any

from sqlalchemy import JSON, ForeignKey, func
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Parent(Base):
    __tablename__ = "parent"

    id: Mapped[int] = mapped_column(primary_key=True)


class Row(Base):
    __tablename__ = "row"

    a: Mapped[int] = mapped_column(primary_key=True)
    b: Mapped[str] = mapped_column("key_b", primary_key=True)
    text: Mapped[str | None] = mapped_column("some_text")
    note: Mapped[str | None]
    filled: Mapped[int | None] = mapped_column(default=7)
    called: Mapped[int | None] = mapped_column(default=lambda: 8)
    server: Mapped[int | None] = mapped_column(server_default="9")
    data: Mapped[Any] = mapped_column(JSON, nullable=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("parent.id"))


class Stamped(Base):
    __tablename__ = "stamped"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    constant: Mapped[int] = mapped_column(default=1, onupdate=2)
    called: Mapped[int] = mapped_column(default=1, onupdate=lambda: 3)
    spelled: Mapped[str] = mapped_column("spelled_so", default="x", onupdate=func.lower("NEW"))


class Animal(Base):
    __tablename__ = "animal"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str | None]


class Dog(Animal):
    __mapper_args__ = {"polymorphic_identity": "dog"}


def called():
    return "called"


def literal(session):
    session.merge(Row(a=1, b="x", text="new", note=None))


def evaluated(session):
    session.merge(Row(a=1, b="x", text=called(), note="n" + "o"))


def key_only(session):
    session.merge(Row(a=1, b="x"))


def default_and_none(session):
    session.merge(Row(a=1, b="x", filled=None, called=None, server=None, data=None))


def default_given(session):
    session.merge(Row(a=1, b="x", filled=1, called=2, server=3, data={"a": [1]}))


def stamped(session):
    session.merge(Stamped(id=1, text="new"))


def stamped_by_hand(session):
    session.merge(Stamped(id=1, text="new", constant=5, called=6, spelled="z"))


def stamped_key_only(session):
    session.merge(Stamped(id=1))


def inherited(session):
    session.merge(Dog(id=1, name="new"))


def in_a_variable(session):
    row = Row(a=1, b="x")
    row.note = "set"
    kept = session.merge(row)
    return kept.a, kept.b
"""


@dataclass(frozen=True)
class Merged:
    ending: str
    model: str
    key: tuple[str, ...]
    given: tuple[str, ...] | None
    onupdate: tuple[str, ...] = ()


ROW, STAMPS = ("a", "b"), ("constant", "called", "spelled")
UPSERTS = {
    "literal": Merged("note=None))", "Row", ROW, ("a", "b", "text", "note")),
    "evaluated": Merged('"o"))', "Row", ROW, ("a", "b", "text", "note")),
    "key_only": Merged('b="x"))', "Row", ROW, ROW),
    "default_and_none": Merged("data=None))", "Row", ROW, ("a", "b", "filled", "called", "server", "data")),
    "default_given": Merged("[1]}))", "Row", ROW, ("a", "b", "filled", "called", "server", "data")),
    "stamped": Merged('text="new"))', "Stamped", ("id",), ("id", "text"), STAMPS),
    "stamped_by_hand": Merged('spelled="z"))', "Stamped", ("id",), ("id", "text", *STAMPS), STAMPS),
    "stamped_key_only": Merged("(id=1))", "Stamped", ("id",), ("id",), STAMPS),
    "inherited": Merged('name="new"))', "Dog", ("id",), None),
    "in_a_variable": Merged("merge(row)", "Row", ROW, None),
}


def upserted(name: str, dialects: tuple[str, ...], text: str = MERGES, *, flush: bool = False) -> str:
    case = UPSERTS[name]
    source = "\n\n\n".join(function(text, name)) + "\n"
    source = source.replace("\n\n\ndef ", "\n\n\ndef called():\n    return 'called'\n\n\ndef ", 1)
    plan: Plan = Upsert(
        target(source, case.ending),
        "",
        case.model,
        case.key,
        case.given,
        (("b", "key_b"), ("text", "some_text")) if case.model == "Row" else (("spelled", "spelled_so"),),
        case.onupdate,
        dialects,
        defaults=("filled", "called", "server") if case.model == "Row" else STAMPS,
        flush=flush,
    )
    after = fixed(plan, source)
    assert ".merge(" not in after.replace("`session.merge()`", "")
    return after


def stored(engine: sa.Engine, source: str, name: str, *, present: bool) -> tuple[Any, ...]:
    with projects.module(source) as module:
        module.Base.metadata.drop_all(engine)
        module.Base.metadata.create_all(engine)
        with Session(engine) as session:
            if present:
                session.add(module.Row(a=1, b="x", text="old", note="old", filled=1, called=1, server=1, data=[0]))
                session.add(module.Stamped(id=1, text="old"))
                session.add(module.Dog(id=1, name="old"))
                session.add(module.Row(a=1, b="y", text="old", note="old"))
            session.commit()
            returned = getattr(module, name)(session)
            session.commit()
            return returned, [
                session.execute(sa.select(table).order_by(*table.primary_key)).all() for table in tables(module)
            ]


@pytest.mark.parametrize("present", [False, True], ids=["absent", "present"])
@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
@pytest.mark.parametrize("name", UPSERTS)
def test_upsert_leaves_the_rows_of_merge(database: sa.Engine, name: str, *, several: bool, present: bool) -> None:
    dialects = ("postgresql", "sqlite", "mysql", "mariadb") if several else (database.dialect.name,)
    source = upserted(name, dialects)
    inline = {"literal", "evaluated", "default_given", "key_only", "stamped_by_hand", "stamped_key_only"}
    assert ("def _upsert(" in source) == (several or name not in inline)
    assert stored(database, source, name, present=present) == stored(database, MERGES, name, present=present)


PENDING = """

def pending(session):
    session.add(Parent(id=3))
    session.merge(Row(a=1, b="x", parent_id=3))
"""


@pytest.mark.parametrize("dialects", [("one",), ("postgresql", "sqlite")], ids=["one", "several"])
@pytest.mark.parametrize("autoflush", [False, True])
def test_pending_parents_are_written_first(database: sa.Engine, dialects: tuple[str, ...], *, autoflush: bool) -> None:
    UPSERTS["pending"] = Merged("parent_id=3))", "Row", ROW, ("a", "b", "parent_id"))
    names = tuple(database.dialect.name if name == "one" else name for name in dialects)
    for flush in (False, True):
        source = upserted("pending", names, MERGES + PENDING, flush=flush)
        with projects.module(source) as module:
            module.Base.metadata.drop_all(database)
            module.Base.metadata.create_all(database)
            with Session(database, autoflush=autoflush) as session:
                if database.dialect.name == "sqlite":
                    session.execute(sa.text("PRAGMA foreign_keys = ON"))
                if len(names) == 1 and not flush and not autoflush:
                    with pytest.raises(sa.exc.IntegrityError):
                        module.pending(session)
                else:
                    module.pending(session)
    del UPSERTS["pending"]


def test_object_that_is_loaded_is_refreshed(database: sa.Engine) -> None:
    source = upserted("in_a_variable", ("postgresql", "sqlite"))
    with projects.module(source) as module:
        module.Base.metadata.drop_all(database)
        module.Base.metadata.create_all(database)
        with Session(database, expire_on_commit=False) as session:
            session.add(module.Row(a=1, b="x", text="old", note="old"))
            session.commit()
            loaded = session.get(module.Row, (1, "x"))
            module.in_a_variable(session)
            assert loaded is not None
            assert (loaded.note, loaded.text) == ("set", "old")
