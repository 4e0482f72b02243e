"""The text of upserts; that they write what merge writes is shown on databases in test_fixes_databases.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Session

from lockcheck.plans import Upsert
from tests import projects
from tests.fixing import dedent, fixed, refusal, target

HEAD = "from sqlalchemy.orm import Session\n\n\n"


def function(body: str, head: str = HEAD) -> str:
    return head + "def f(session: Session, x):\n" + dedent(body).replace("\n", "\n    ").rstrip(" ").join(["    ", ""])


def plan(text: str, *dialects: str, given: tuple[str, ...] | None = ("id", "a"), ending: str | None = None) -> Upsert:
    ending = ending or next(line for line in text.splitlines() if "merge(" in line).partition("session.")[2]
    return Upsert(target(text, ending), "", "Job", ("id",), given, (("a", "col_a"),), (), dialects or ("postgresql",))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return session.merge(Job(id=1))\n", "is used"),
        ("log(session.merge(job))\n", "is used"),
        ("session.merge(job).a = 1\n", "is used"),
        ("session.merge(job, load=False)\n", "options"),
        ("a.b = session.merge(job)\n", "is used"),
    ],
)
def test_refused(body: str, reason: str) -> None:
    text = function(body)
    ending = body.partition("session.")[2].strip().removesuffix(".a = 1").removesuffix(")")
    ending = f"{ending})" if not ending.endswith(")") or "Job(" in ending else ending
    assert reason in refusal(plan(text, given=None, ending=ending), text)


@pytest.mark.parametrize(
    ("dialect", "before", "after"),
    [
        (
            "postgresql",
            "session.merge(Job(id=1, a=x.y))  # note\n",
            """
            session.execute(
                insert(Job)
                .values(id=1, a=x.y)
                .on_conflict_do_update(
                    index_elements=[Job.id],
                    set_={"col_a": x.y},
                )
            )  # note
            """,
        ),
        (
            "sqlite",
            "session.merge(models.Job(id=1, a=x()))\n",
            """
            statement = insert(models.Job).values(id=1, a=x())
            session.execute(
                statement.on_conflict_do_update(
                    index_elements=[models.Job.id],
                    set_={"col_a": statement.excluded.col_a},
                )
            )
            """,
        ),
        (
            "mysql",
            "session.merge(Job(id=1, a=x()))\n",
            """
            statement = insert(Job).values(id=1, a=x())
            session.execute(
                statement.on_duplicate_key_update(
                    col_a=statement.inserted.col_a,
                )
            )
            """,
        ),
        (
            "sqlite",
            "session.merge(J(id=1))\n",
            """
            session.execute(
                insert(J).values(id=1).on_conflict_do_nothing(index_elements=[J.id])
            )
            """,
        ),
        (
            "postgresql",
            "session.merge(\n    Job(\n        id=1,  # one\n        # two\n        a=x,\n    ),\n)\n",
            """
            session.execute(
                insert(Job)
                .values(
                    id=1,  # one
                    # two
                    a=x,
                )
                .on_conflict_do_update(
                    index_elements=[Job.id],
                    set_={"col_a": x},
                )
            )
            """,
        ),
    ],
)
def test_one_dialect(dialect: str, before: str, after: str) -> None:
    text = function(before)
    ending = before.partition("session.")[2].partition("  # note")[0].rstrip("\n")
    made = plan(text, dialect, ending=ending.splitlines()[-1] if "\n" not in ending else "),\n    )")
    head = f"from sqlalchemy.dialects.{dialect} import insert\n{HEAD}"
    assert fixed(made, text) == function(after, head)


def test_flush_and_alias() -> None:
    text = function("await session.merge(Job(id=1, a=2))\n", "from sqlalchemy import insert\n" + HEAD).replace(
        "def", "async def"
    )
    made = fixed(replace(plan(text), flush=True), text)
    assert "from sqlalchemy.dialects.postgresql import insert as pg_insert\n" in made
    assert "    await session.flush()\n    await session.execute(\n        pg_insert(Job)\n" in made


@pytest.mark.parametrize(
    ("body", "given", "call"),
    [
        ("session.merge(Job(id=1, a=x()))\n", ("id", "a"), 'put(session, Job, {"id": 1, "a": x()}, [Job.id])'),
        (
            "session.merge(x)\n",
            None,
            (
                "put(session, Job, {name: value for name, value in inspect(x).dict.items() "
                "if name in inspect(Job).column_attrs}, [Job.id])"
            ),
        ),
    ],
)
def test_helper_of_the_project(body: str, given: tuple[str, ...] | None, call: str) -> None:
    text = function(body)
    made = replace(
        plan(text, "postgresql", "sqlite", given=given),
        helper_import="app.db:put",
        helper_call="put({session}, {model}, {values}, {key})",
    )
    after = fixed(made, text)
    assert f"    {call}\n" in after
    assert "from app.db import put\n" in after


def test_function_is_written_once() -> None:
    text = HEAD + dedent("""
        # what it is
        class Job:
            def save(self, session: Session):
                session.merge(self)


        def f(session: Session, job):
            kept = session.merge(job)
            return kept.id
        """)
    first = fixed(plan(text, "postgresql", "sqlite", given=None, ending="merge(self)"), text)
    second = fixed(plan(first, "postgresql", "sqlite", given=None, ending="merge(job)"), first)
    assert "        _upsert(session, self)\n" in second
    assert "    kept = job\n    _upsert(session, kept)\n    return kept.id\n" in second
    assert second.count("def _upsert") == 1
    assert second.index("def _upsert") < second.index("\n\n\n# what it is\nclass Job")
    head = "from typing import Any\n"
    assert second.count(head) == 1
    assert "from sqlalchemy import inspect\nfrom sqlalchemy.dialects import postgresql, sqlite\n" in second


def test_function_beside_another_of_its_name() -> None:
    text = HEAD + "def _upsert():\n    pass\n\n\ndef f(session: Session, job):\n    session.merge(job)\n"
    made = fixed(plan(text, given=None), text)
    assert "    _upsert_2(session, job)\n" in made
    assert "def _upsert_2(session: Session, instance: object) -> None:\n" in made


def test_async_function() -> None:
    text = "async def f(session, job):\n    await session.merge(job)\n"
    made = fixed(plan(text, given=None), text)
    assert "async def _upsert_async(session: AsyncSession, instance: object) -> None:\n" in made
    assert "    await session.flush()\n" in made
    assert "    await _upsert_async(session, job)\n" in made


MODULE = """
from sqlalchemy.dialects import mysql as dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "job"

    id: Mapped[int] = mapped_column(primary_key=True)
    a: Mapped[str | None] = mapped_column("col_a", onupdate="later")


def f(session: Session, x):
    session.merge({})
"""


@pytest.mark.parametrize(
    ("call", "given", "clause"),
    [
        ("Job(id=1, a=x)", ("id", "a"), "ON DUPLICATE KEY UPDATE col_a = %s"),
        ("Job(id=1, a=x + 'y')", ("id", "a"), "ON DUPLICATE KEY UPDATE col_a = VALUES(col_a)"),
        ("Job(id=1)", ("id",), "ON DUPLICATE KEY UPDATE id = job.id"),
        ("Job(id=1, a=x)", None, "ON DUPLICATE KEY UPDATE col_a = VALUES(col_a)"),
        ("Job(id=1)", None, "ON DUPLICATE KEY UPDATE id = VALUES(id)"),
    ],
)
def test_statements_for_mysql_compile(call: str, given: tuple[str, ...] | None, clause: str) -> None:
    """There is no server to execute them on."""
    text = MODULE.format(call)
    source = fixed(plan(text, "mysql", given=given, ending=f"merge({call})"), text)
    executed = []

    class Recorder(Session):
        def flush(self, objects: Any = None) -> None:
            pass

        def execute(self, statement: Any, *_: Any, **__: Any) -> Any:
            executed.append(str(statement.compile(dialect=mysql.dialect())))

    with projects.module(source) as module:
        module.f(Recorder(), "x")
    assert clause in executed[0].replace("\n", " ")


@pytest.mark.parametrize("comma", ["", ","])
def test_object_on_lines_of_its_own_stays_there(comma: str) -> None:
    text = function(f"session.merge(\n    Thing(\n        id=1,\n        a=2,\n    ){comma}\n)\n")
    call = text[text.index("merge(") :].rstrip()
    after = fixed(plan(text, "postgresql", "sqlite", ending=call), text)
    expected = """
        _upsert(
            session,
            Thing(
                id=1,
                a=2,
            ),
        )
    """
    assert "".join(expected.split()) in "".join(after.split())
    assert "    _upsert(\n        session,\n        Thing(\n" in after
    assert after.rstrip().endswith("        ),\n    )")
