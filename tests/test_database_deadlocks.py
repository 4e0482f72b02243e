"""The deadlocks of the incidents on PostgreSQL, and their absence after the fix; those of the pages are in proofs/."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests import projects
from tests.errors import DEADLOCK
from tests.interleaving import Act, Stage, Until

pytestmark = pytest.mark.server


def sources(name: str) -> dict[str, str]:
    fixture = projects.named(name)
    assert fixture.fixed is not None
    (bad,), (fixed,) = fixture.project.clean().values(), fixture.fixed.clean().values()
    return {"bad": bad, "fixed": fixed}


def fill(engine: sa.Engine, module: Any, *rows: Any) -> None:
    """Create the tables and store rows in this order, which is the order of a sequential scan."""
    module.Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.bulk_save_objects(rows)
        session.commit()


def errors(engine: sa.Engine, acts: dict[str, Act], *script: Until) -> list[str]:
    return [name for _, name in Stage(engine, acts).play(script).errors]


# --- LCK203: one row, and through a join the parent that the other side holds ---------------------------------


def widened(engine: sa.Engine, source: str) -> list[str]:
    """The scheduler holds the run and is about to write its jobs; the route holds a job and is about to lock it."""
    with projects.module(source) as module:
        fill(engine, module, module.Run(id=7), module.Job(id=1, run_id=7, state="running"))
        acts: dict[str, Act] = {
            "scheduler": lambda session: module.upgrade_run(session, 7, 2),
            "route": lambda session: module.report_outcome(1, "success", session),
        }
        return errors(engine, acts, Until("scheduler", "UPDATE job"), Until("route", "FOR UPDATE", 2))


def test_widened_lock_deadlocks(postgresql: sa.Engine) -> None:
    assert DEADLOCK in widened(postgresql, sources("LCK203/airflow_67246")["bad"])  # the route's handler goes on


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


# --- LCK201: many rows in two orders --------------------------------------------------------------------------


def bulk_write(engine: sa.Engine, source: str) -> list[str]:
    """Both sides want rows 1, 2 and 3 of a table that is stored backwards, and a third transaction holds row 2: whoever
    goes forwards has row 1 by then, whoever goes backwards row 3."""
    with projects.module(source) as module:
        jobs = [module.Job(id=n, run_id=7, name="load", state="queued") for n in (3, 2, 1)]
        fill(engine, module, module.Run(id=7), *jobs)
        acts: dict[str, Act] = {
            "gate": lambda session: session.get_one(module.Job, 2, with_for_update={"of": module.Job}),
            "upgrade": lambda session: module.upgrade(session, 7, 2),
            "mark": lambda session: module.mark(session, 7, ["load"], "running"),
        }
        return errors(engine, acts, Until("gate", "COMMIT"), Until("upgrade"), Until("mark"))


@pytest.mark.parametrize(("word", "expected"), [("bad", [DEADLOCK]), ("fixed", [])])
def test_bulk_write_against_rows_in_key_order(postgresql: sa.Engine, word: str, expected: list[str]) -> None:
    assert bulk_write(postgresql, sources("LCK201/airflow_66734")[word]) == expected


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
