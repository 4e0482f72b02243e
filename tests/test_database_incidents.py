"""The incidents and their fixes as programs: alone, both leave the same rows on SQLite and on PostgreSQL; what was lost
in the incident is kept by the fix."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.orm import Session

from tests import projects

Rows = dict[str, list[tuple[Any, ...]]]
Act = Callable[[Any, Session], None]

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc).replace(tzinfo=None)


def add(session: Session, model: Any, *rows: dict[str, Any]) -> None:
    session.add_all([model(**row) for row in rows])
    session.flush()


def run_and_jobs(module: Any, session: Session, states: list[str | None], **more: Any) -> None:
    add(session, module.Run, {"id": 7})
    add(session, module.Job, *({"id": n, "run_id": 7, "state": state, **more} for n, state in enumerate(states, 1)))


def widened_lock(module: Any, session: Session) -> None:
    run_and_jobs(module, session, ["running", "queued", "success", None])
    module.upgrade_run(session, 7, 2)
    session.commit()
    module.report_outcome(1, "success", session)


def bulk_write(module: Any, session: Session) -> None:
    run_and_jobs(module, session, ["running", "queued", "success", None], name="load")
    module.upgrade(session, 7, 2)
    session.commit()
    assert module.mark(session, 7, ["load"], "cleared") == 4


def timed_out(module: Any, session: Session) -> None:
    add(session, module.Trigger, {"id": 1}, {"id": 2})
    waiting = {"state": "deferred", "trigger_id": 1}
    add(
        session,
        module.Job,
        {"id": 1, "deadline": NOW.replace(year=2025), **waiting},
        {"id": 2, "deadline": NOW.replace(year=2027), **waiting},
        {"id": 3, "deadline": None, "state": "deferred", "trigger_id": 2},
        {"id": 4, "deadline": NOW.replace(year=2025), "state": "running"},
    )
    assert module.check_deadlines(session, NOW) == 1
    session.commit()
    module.submit_event(session, 1)


def skipped(module: Any, session: Session) -> None:
    states = [None, "queued", "up_for_retry"]
    add(session, module.Job, *({"run": "r", "name": str(n), "state": state} for n, state in enumerate(states)))
    assert module.skip(session, "r", [("0", -1), ("2", -1)], NOW) == 2


def scheduled(module: Any, session: Session) -> None:
    states = [None, None, "up_for_retry", "running"]
    add(session, module.Job, *({"id": n, "state": state} for n, state in enumerate(states, 1)))
    assert module.schedule_new(session, limit=5) == 2


def failed_run(module: Any, session: Session) -> None:
    states = ["queued", "scheduled", "running", "success"]
    add(session, module.Job, *({"id": n, "run_id": 7, "state": state} for n, state in enumerate(states, 1)))
    module.fail_run(session, 7)
    session.commit()
    module.time_out(session, 7)


def rendered(module: Any, session: Session) -> None:
    add(session, module.Job, {"id": 1})
    add(session, module.RenderedFields, {"job_id": 1, "part": 0, "fields": "old", "manifest": "kept"})
    session.commit()
    module.put_fields(session, 1, 0, "new")
    module.put_fields(session, 1, 1, "more")
    session.commit()
    module.put_fields(session, 1, 1, "most")
    session.flush()
    assert module.fields_of(session, 1) == ["new", "most"]


INCIDENTS: list[tuple[str, Act]] = [
    ("LCK203/airflow_67246", widened_lock),
    ("LCK201/airflow_66734", bulk_write),
    ("LCK201/airflow_65818", timed_out),
    ("LCK101/airflow_63266", skipped),
    ("LCK101/airflow_60330", scheduled),
    ("LCK102/airflow_43482", failed_run),
    ("LCK301/airflow_63581", rendered),
]


def sources(name: str) -> tuple[str, str]:
    """The text of an incident, and of its fix."""
    fixture = projects.named(name)
    assert fixture.fixed is not None
    (bad,), (fixed,) = fixture.project.clean().values(), fixture.fixed.clean().values()
    return bad, fixed


def rows_after(source: str, engine: sa.Engine, act: Act) -> Rows:
    """All rows after a program ran on empty tables."""
    with projects.module(source) as module:
        metadata: sa.MetaData = module.Base.metadata
        metadata.drop_all(engine)
        metadata.create_all(engine)
        with Session(engine) as session:
            act(module, session)
            session.commit()
        with engine.connect() as connection:
            return {
                table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
                for table in metadata.sorted_tables
            }


@pytest.mark.parametrize(("name", "act"), INCIDENTS, ids=[name for name, _ in INCIDENTS])
def test_alone_incident_and_fix_leave_the_same_rows(name: str, act: Act, database: sa.Engine) -> None:
    before, after = (rows_after(source, database, act) for source in sources(name))
    assert any(before.values())
    assert before == after


# --- what the fix keeps ---------------------------------------------------------------------------------------


def states(rows: Rows, column: int) -> list[Any]:
    return [row[column] for row in rows["job"]]


def skip_a_running_job(module: Any, session: Session) -> None:
    """The job was queued when it was looked at, and is running when it is written."""
    add(session, module.Job, {"run": "r", "name": "a", "state": "queued"}, {"run": "r", "name": "b", "state": None})
    session.commit()
    assert module.start(session, 1)
    session.commit()
    module.skip(session, "r", [("a", -1), ("b", -1)], NOW)


def test_guard_keeps_the_state_that_was_overwritten(database: sa.Engine) -> None:
    bad, fixed = sources("LCK101/airflow_63266")
    assert states(rows_after(bad, database, skip_a_running_job), 4) == ["skipped", "skipped"]
    assert states(rows_after(fixed, database, skip_a_running_job), 4) == ["running", "skipped"]


def schedule_what_another_scheduled(module: Any, session: Session) -> None:
    add(session, module.Job, {"id": 1, "state": None})
    session.commit()
    jobs = session.scalars(sa.select(module.Job)).all()
    with Session(session.get_bind()) as other:
        assert module.schedule_new(other, limit=5) == 1
        other.commit()
    module.schedule(session, jobs)


def test_guard_schedules_a_job_once(database: sa.Engine) -> None:
    bad, fixed = sources("LCK101/airflow_60330")
    assert rows_after(bad, database, schedule_what_another_scheduled)["job"] == [(1, "scheduled", 2)]
    assert rows_after(fixed, database, schedule_what_another_scheduled)["job"] == [(1, "scheduled", 1)]


def fail_a_run_with_new_jobs(module: Any, session: Session) -> None:
    jobs = ({"id": n, "run_id": run, "state": state} for n, (run, state) in enumerate(NEW, 1))
    add(session, module.Job, *jobs)
    module.fail_run(session, 7)
    module.time_out(session, 8)


NEW = [(7, None), (7, "queued"), (7, "running"), (8, None), (8, "running"), (8, "success")]


def test_null_safe_guard_reaches_jobs_without_a_state(database: sa.Engine) -> None:
    bad, fixed = sources("LCK102/airflow_43482")
    missed = states(rows_after(bad, database, fail_a_run_with_new_jobs), 2)
    reached = states(rows_after(fixed, database, fail_a_run_with_new_jobs), 2)
    assert missed == [None, "skipped", "running", None, "skipped", "success"]
    assert reached == ["skipped", "skipped", "running", "skipped", "skipped", "success"]


def ensure_twice(module: Any, session: Session) -> None:
    add(session, module.Job, {"name": "other", "queue": "old"})
    module.ensure(session, "load")
    assert module.ensure(session, "load").queue == "new"


def test_savepoint_keeps_the_transaction(database: sa.Engine) -> None:
    bad, fixed = sources("LCK401/savepoint")
    with pytest.raises(exc.PendingRollbackError):
        rows_after(bad, database, ensure_twice)
    assert [row[1] for row in rows_after(fixed, database, ensure_twice)["job"]] == ["other", "load"]
