"""Locks that PostgreSQL refuses, and those that SQLAlchemy or a result leave out: rule LCK208."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

pytestmark = pytest.mark.server

METADATA = sa.MetaData()
ITEM = sa.Table("item", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("kind", sa.String))

REFUSED: dict[str, Callable[[Session], Any]] = {
    "legacy count": lambda session: session.query(ITEM).with_for_update().count(),
    "aggregate": lambda session: session.execute(sa.select(sa.func.max(ITEM.c.id)).with_for_update()),
    "window": lambda session: session.execute(
        sa.select(sa.func.row_number().over()).select_from(ITEM).with_for_update()
    ),
    "distinct": lambda session: session.execute(sa.select(ITEM.c.kind).distinct().with_for_update()),
    "group by": lambda session: session.execute(sa.select(ITEM.c.kind).group_by(ITEM.c.kind).with_for_update()),
    "legacy union": lambda session: session.query(ITEM).union(session.query(ITEM)).with_for_update().all(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_postgresql_refuses_the_lock(postgresql: sa.Engine, name: str) -> None:
    METADATA.create_all(postgresql)
    with Session(postgresql) as session, pytest.raises(sa.exc.NotSupportedError) as raised:
        REFUSED[name](session)
    assert getattr(raised.value.orig, "sqlstate", None) == "0A000"


def test_a_union_is_not_locked(postgresql: sa.Engine) -> None:
    METADATA.create_all(postgresql)
    statement = sa.union(sa.select(ITEM.c.id), sa.select(ITEM.c.id)).with_for_update()
    assert "FOR UPDATE" not in str(statement.compile(postgresql))


def test_a_result_is_always_true(sqlite: sa.Engine) -> None:
    METADATA.create_all(sqlite)
    with Session(sqlite) as session:
        assert session.execute(sa.select(ITEM.c.id))
        assert session.scalars(sa.select(ITEM.c.id))
