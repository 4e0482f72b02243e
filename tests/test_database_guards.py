"""A guard on the state counts where the database looks at it again once it has the row's lock: not in a subselect."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tests.interleaving import Stage, Until

pytestmark = pytest.mark.server


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "job"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(sa.String(20))


WAITING = sa.select(Job.id).where(Job.state == "waiting")
IN_A_TABLE = sa.select(WAITING.subquery().c.id)
"""The same for MySQL, which does not write a table that a subselect reads."""


def start(session: Session) -> None:
    session.execute(sa.update(Job).where(Job.id == 1, Job.state == "waiting").values(state="running"))
    session.execute(sa.text("SELECT 1"))
    session.commit()


def state_after(engine: sa.Engine, queue: sa.Update) -> Any:
    """The state of a job that one session starts while another one, which waits for its lock, queues it."""
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Job(id=1, state="waiting"), Job(id=2, state="waiting")])
        session.commit()

    def queued(session: Session) -> None:
        session.execute(queue)
        session.commit()

    Stage(engine, {"start": start, "queue": queued}).play((Until("start", "SELECT 1"), Until("queue"), Until("start")))
    with Session(engine) as session:
        return session.scalar(sa.select(Job.state).where(Job.id == 1))


def test_postgresql_does_not_look_again_at_a_subselect(postgresql: sa.Engine) -> None:
    queue = sa.update(Job).where(Job.id.in_(WAITING)).values(state="queued")
    assert state_after(postgresql, queue.execution_options(synchronize_session=False)) == "queued"


def test_innodb_locks_what_a_subselect_reads(mariadb: sa.Engine) -> None:
    queue = sa.update(Job).where(Job.id.in_(IN_A_TABLE)).values(state="queued")
    assert state_after(mariadb, queue.execution_options(synchronize_session=False)) == "running"


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_guard_of_the_statement_does(database: sa.Engine) -> None:
    queue = sa.update(Job).where(Job.id.in_(IN_A_TABLE), Job.state == "waiting").values(state="queued")
    assert state_after(database, queue.execution_options(synchronize_session=False)) == "running"


def test_lock_of_the_subselect_does(postgresql: sa.Engine) -> None:
    queue = sa.update(Job).where(Job.id.in_(WAITING.with_for_update())).values(state="queued")
    assert state_after(postgresql, queue.execution_options(synchronize_session=False)) == "running"
