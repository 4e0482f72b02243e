"""Locks on parents, shared locks and refused ones on PostgreSQL: before the fix of their rules, and after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from lockcheck import pages
from tests import expectations, projects
from tests.interleaving import DEADLOCK, Meeting, together

pytestmark = pytest.mark.server


def examples(code: str) -> dict[str, str]:
    """The first example of a page, and its fix."""
    group = next(group for group in expectations.groups(pages.page(code)) if group.fixed)
    found = {"bad": group.bad.source, "fixed": group.fixed[0].source}
    return {word: expectations.read("example.py", text).text for word, text in found.items()}


def fill(engine: sa.Engine, module: Any, *rows: Any) -> None:
    module.Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(rows)
        session.commit()


# --- LCK206: a child of a locked parent ------------------------------------------------------------------------------


def inserts_beside(engine: sa.Engine, source: str) -> bool:
    """Whether a reading of a job can be inserted while the job is locked."""
    with projects.module(source) as module:
        fill(engine, module, module.Job(id=3, name="a"))
        with Session(engine) as holder, Session(engine) as other:
            module.retry(holder, 3)
            holder.flush()
            other.execute(sa.text("SET LOCAL lock_timeout = '200ms'"))
            module.record(other, 3, 100)
            try:
                other.flush()
            except sa.exc.OperationalError:
                return False
            return True


def test_for_update_keeps_children_out(postgresql: sa.Engine) -> None:
    assert not inserts_beside(postgresql, examples("LCK206")["bad"])


def test_for_no_key_update_does_not(postgresql: sa.Engine) -> None:
    assert inserts_beside(postgresql, examples("LCK206")["fixed"])


# --- LCK207: a shared lock that becomes stronger ---------------------------------------------------------------------


def upgraded(engine: sa.Engine, source: str, name: str, words: str) -> list[str]:
    """Two transactions on one account that meet ahead of a statement that holds these words."""
    meeting = Meeting()
    with projects.module(source) as module:
        fill(engine, module, module.Account(id=5, balance=100))

        def act(session: Session) -> None:
            meeting.before(session, words)
            getattr(module, name)(session, 5, 1)

        return together(engine, act, act)


def test_child_then_parent_deadlocks(postgresql: sa.Engine) -> None:
    assert DEADLOCK in upgraded(postgresql, examples("LCK207")["bad"], "book", "FOR UPDATE")


def test_child_then_parent_without_its_key_does_not(postgresql: sa.Engine) -> None:
    assert upgraded(postgresql, examples("LCK207")["fixed"], "book", "FOR NO KEY UPDATE") == []


def test_share_then_write_deadlocks(postgresql: sa.Engine) -> None:
    assert DEADLOCK in upgraded(postgresql, examples("LCK207")["bad"], "withdraw", "UPDATE account")


def test_the_lock_of_the_write_at_once_does_not(postgresql: sa.Engine) -> None:
    assert upgraded(postgresql, examples("LCK207")["fixed"], "withdraw", "FOR NO KEY UPDATE") == []


# --- LCK208: locks that are refused, and one that is left out --------------------------------------------------------

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
