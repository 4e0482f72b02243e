"""The ordered statement writes the rows of the original one: random programs on random rows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from lockcheck import api
from lockcheck import settings as configuration
from tests import projects
from tests.profiles import examples
from tests.programs import STATES, Program, programs, writes

Rows: TypeAlias = Mapping[str, list[dict[str, Any]]]
SHARED = (HealthCheck.function_scoped_fixture,)
"""One database for all examples of a test: each of them makes its tables anew."""


@st.composite
def tables(draw: st.DrawFn) -> Rows:
    """Rows for the tables of programs.HEAD, inserted in any order of their keys."""
    ranks = st.one_of(st.none(), st.integers(-2, 5))
    marks = st.tuples(st.sampled_from(STATES), ranks)
    runs = [{"id": number, "paused": draw(st.booleans())} for number in range(3)]
    jobs = draw(st.dictionaries(st.integers(-3, 12), st.tuples(st.integers(0, 2), marks), max_size=10))
    keys = st.tuples(st.integers(-2, 6), st.sampled_from("abc"))
    steps = draw(st.dictionaries(keys, marks, max_size=10))
    return {
        "run": runs,
        "job": [{"id": key, "run_id": run, "state": s, "rank": r} for key, (run, (s, r)) in jobs.items()],
        "step": [{"job_id": key[0], "name": key[1], "step_state": s, "rank": r} for key, (s, r) in steps.items()],
    }


def ordered(text: str, dialect: str) -> str:
    """The text with the writes in key order, and nothing else changed."""
    with tempfile.TemporaryDirectory() as name:
        root, file = Path(name), Path(name) / "app.py"
        (root / "pyproject.toml").write_text(f'[tool.lockcheck]\ndialects = ["{dialect}"]\n', encoding="utf-8")
        file.write_text(text, encoding="utf-8")
        only = configuration.Overrides(select=("LCK201",), preview=True)
        api.fix([root], configuration.load(root, overrides=only), unsafe=True, diff=False)
        return file.read_text(encoding="utf-8")


@contextmanager
def filled(engine: sa.Engine, text: str, rows: Rows) -> Iterator[tuple[Any, Session]]:
    """A program with its tables, which hold the rows."""
    with projects.module(text) as module:
        metadata = module.Base.metadata
        metadata.drop_all(engine)
        metadata.create_all(engine)
        with Session(engine) as session:
            for name, values in rows.items():
                if values:
                    session.execute(sa.insert(metadata.tables[name]), values)
            session.commit()
            yield module, session


def left(engine: sa.Engine, text: str, rows: Rows, limit: int, names: list[str]) -> tuple[Any, ...]:
    """What the program's function returns, and the rows it leaves."""
    with filled(engine, text, rows) as (module, session):
        returned = module.work(session, limit, names)
        session.commit()
        found = [
            session.execute(sa.select(table).order_by(*table.primary_key)).all()
            for table in module.Base.metadata.sorted_tables
        ]
        return getattr(returned, "rowcount", returned), found


def same_rows(engine: sa.Engine, program: Program, rows: Rows, limit: int, names: list[str]) -> bool:
    """Asserts that both programs do the same; whether there were two."""
    after = ordered(program.text, engine.dialect.name)
    note(program.text)
    note(after)
    changed = after.count(".order_by(") > program.text.count(".order_by(")
    if changed:
        assert left(engine, after, rows, limit, names) == left(engine, program.text, rows, limit, names)
    return changed


SYNCHRONOUS = programs(writes(), waits=False)
NAMES = st.lists(st.sampled_from(("queued", "done", "größe")), max_size=3)


def check_many(engine: sa.Engine, number: int) -> int:
    """Runs many examples on one database; how many of them were put in order."""
    changed = 0

    @settings(max_examples=examples(number), suppress_health_check=[*settings().suppress_health_check, *SHARED])
    @given(program=SYNCHRONOUS, rows=tables(), limit=st.integers(-2, 4), names=NAMES)
    def check(program: Program, rows: Rows, limit: int, names: list[str]) -> None:
        nonlocal changed
        changed += same_rows(engine, program, rows, limit, names)

    check()
    return changed


def test_same_rows_on_sqlite(sqlite: sa.Engine) -> None:
    assert check_many(sqlite, 15) > 7


@pytest.mark.server
def test_same_rows_on_postgresql(postgresql: sa.Engine) -> None:
    assert check_many(postgresql, 50) > 25
