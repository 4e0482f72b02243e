"""The deadlocks of the incidents on PostgreSQL, and their absence after the fix."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from lockcheck import pages
from tests import expectations, projects
from tests.interleaving import DEADLOCK, Meeting, held, together, wait_until_blocked

pytestmark = pytest.mark.server


def sources(name: str) -> dict[str, str]:
    fixture = projects.named(name)
    assert fixture.fixed is not None
    (bad,), (fixed,) = fixture.project.clean().values(), fixture.fixed.clean().values()
    return {"bad": bad, "fixed": fixed}


def examples(code: str) -> dict[str, str]:
    """The first example of a page, and its fix."""
    group = next(group for group in expectations.groups(pages.page(code)) if group.fixed)
    found = {"bad": group.bad.source, "fixed": group.fixed[0].source}
    return {word: expectations.read("example.py", text).text for word, text in found.items()}


def fill(engine: sa.Engine, module: Any, *rows: Any) -> None:
    """Create the tables and store rows in this order, which is the order of a sequential scan."""
    module.Base.metadata.create_all(engine)
    with Session(engine) as session:
        for row in rows:
            session.add(row)
            session.flush()
        session.commit()


# --- LCK203: one row, and through a join the parent that the other side holds ---------------------------------


def widened(engine: sa.Engine, source: str) -> list[str]:
    """The scheduler holds the run and is about to write its jobs; the route holds a job and is about to lock it."""
    meeting = Meeting()
    with projects.module(source) as module:
        fill(engine, module, module.Run(id=7), module.Job(id=1, run_id=7, state="running"))

        def schedule(session: Session) -> None:
            meeting.before(session, "UPDATE job")
            module.upgrade_run(session, 7, 2)

        def report(session: Session) -> None:
            meeting.before(session, "FOR UPDATE", times=2)
            module.report_outcome(1, "success", session)

        return together(engine, schedule, report)


def test_widened_lock_deadlocks(postgresql: sa.Engine) -> None:
    assert DEADLOCK in widened(postgresql, sources("LCK203/airflow_67246")["bad"])


def test_lock_of_one_table_does_not(postgresql: sa.Engine) -> None:
    assert widened(postgresql, sources("LCK203/airflow_67246")["fixed"]) == []


def test_ordering_the_update_does_not_help(postgresql: sa.Engine) -> None:
    """One locked row is never the other half of a cycle: it is the lock on the parent that has to go."""
    ordered = sources("LCK203/airflow_67246")["bad"].replace(
        """        .where(Job.run_id == run_id, Job.state.in_(("queued", "running")))
""",
        """        .where(
            Job.id.in_(
                select(Job.id)
                .where(Job.run_id == run_id, Job.state.in_(("queued", "running")))
                .order_by(Job.id)
                .with_for_update(key_share=True)
            )
        )
""",
    )
    assert "order_by" in ordered
    assert DEADLOCK in widened(postgresql, ordered)


def page_of_widened_lock(engine: sa.Engine, source: str) -> list[str]:
    meeting = Meeting()
    with projects.module(source) as module:
        fill(engine, module, module.Run(id=7), module.Job(id=1, run_id=7))

        def upgrade(session: Session) -> None:
            meeting.before(session, "UPDATE job")
            module.upgrade(session, 7, 2)

        def retry(session: Session) -> None:
            meeting.before(session, "FOR UPDATE", times=2)
            module.retry(session, 1)

        return together(engine, upgrade, retry)


@pytest.mark.parametrize(("word", "errors"), [("bad", [DEADLOCK]), ("fixed", [])])
def test_page_of_widened_lock(postgresql: sa.Engine, word: str, errors: list[str]) -> None:
    assert page_of_widened_lock(postgresql, examples("LCK203")[word]) == errors


# --- LCK201, LCK202: many rows in two orders ------------------------------------------------------------------


def two_orders(engine: sa.Engine, model: Any, one: Any, other: Any) -> list[str]:
    """Both sides want rows 1, 2 and 3 of a table that is stored backwards, and a third transaction holds row 2: whoever
    goes forwards has row 1 by then, whoever goes backwards row 3."""
    with held(engine, sa.select(model.id).where(model.id == 2)) as gate:

        def release() -> None:
            wait_until_blocked(gate, 2)
            gate.rollback()

        return together(engine, one, other, release)


def bulk_write(engine: sa.Engine, source: str) -> list[str]:
    with projects.module(source) as module:
        jobs = [module.Job(id=n, run_id=7, name="load", state="queued") for n in (3, 2, 1)]
        fill(engine, module, module.Run(id=7), *jobs)
        return two_orders(
            engine,
            module.Job,
            lambda session: module.upgrade(session, 7, 2),
            lambda session: module.mark(session, 7, ["load"], "running"),
        )


@pytest.mark.parametrize(("word", "errors"), [("bad", [DEADLOCK]), ("fixed", [])])
def test_bulk_write_against_rows_in_key_order(postgresql: sa.Engine, word: str, errors: list[str]) -> None:
    assert bulk_write(postgresql, sources("LCK201/airflow_66734")[word]) == errors


def page_of_bulk_write(engine: sa.Engine, source: str) -> list[str]:
    with projects.module(source) as module:
        fill(engine, module, *(module.Job(id=n, run_id=7, state="queued") for n in (3, 2, 1)))
        return two_orders(
            engine,
            module.Job,
            lambda session: module.upgrade(session, 7, 2),
            lambda session: module.finish(session, 7),
        )


@pytest.mark.parametrize(("word", "errors"), [("bad", [DEADLOCK]), ("fixed", [])])
def test_page_of_bulk_write(postgresql: sa.Engine, word: str, errors: list[str]) -> None:
    assert page_of_bulk_write(postgresql, examples("LCK201")[word]) == errors


def page_of_row_lock(engine: sa.Engine, source: str) -> list[str]:
    with projects.module(source) as module:
        fill(engine, module, *(module.Job(id=n, run_id=7, queue="slow", priority=1) for n in (3, 2, 1)))
        return two_orders(
            engine,
            module.Job,
            lambda session: module.lower(session, "slow"),
            lambda session: module.move(session, 7, "fast"),
        )


@pytest.mark.parametrize(("word", "errors"), [("bad", [DEADLOCK]), ("fixed", [])])
def test_page_of_row_lock(postgresql: sa.Engine, word: str, errors: list[str]) -> None:
    assert page_of_row_lock(postgresql, examples("LCK202")[word]) == errors


# --- the forms of the ordered write ---------------------------------------------------------------------------


def test_every_ordered_form_runs(postgresql: sa.Engine) -> None:
    """Locks of joined tables, composite keys, options: the database accepts all of it and writes the same rows."""
    results = []
    for source in sources("LCK201/fix_forms").values():
        with projects.module(source) as module:
            module.Base.metadata.drop_all(postgresql)
            runs = [module.Run(id=7, paused=True), module.Run(id=8, paused=False)]
            jobs = [
                module.Job(id=n, run_id=7 + n % 2, queue="q", position=n, priority=9, touched=None)
                for n in (4, 3, 2, 1)
            ]
            steps = [module.Progress(run_id=7, step=step, percent=5) for step in ("load", "store")]
            fill(postgresql, module, *runs, *jobs, *steps)
            with Session(postgresql) as session:
                module.in_a_line(session, 8)
                module.joined(session)
                module.composite(session, "load")
                assert module.assigned(session, 8) == 2
                module.key_moved(session, "q", 3)
                module.through_a_subquery(session)
                session.commit()
            with postgresql.connect() as connection:
                tables = module.Base.metadata.sorted_tables
                results.append([sorted(map(tuple, connection.execute(sa.select(table)))) for table in tables])
    assert results[0] == results[1]


def test_ordered_join_needs_the_table_in_its_subselect(postgresql: sa.Engine) -> None:
    """SQLAlchemy correlates a subselect that joins with the UPDATE around it, unless told not to."""
    source = sources("LCK201/fix_forms")["fixed"]
    assert ".correlate(None)" in source
    with projects.module(source.replace(".correlate(None)", "")) as module:
        fill(postgresql, module)
        with Session(postgresql) as session, pytest.raises(sa.exc.ProgrammingError):
            module.joined(session)
