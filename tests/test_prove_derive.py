"""From functions to the SQL of two sessions, without a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockcheck.linking.events import Execute
from lockcheck.linking.lockers import Locker
from lockcheck.linking.rowsets import RowSet
from lockcheck.prove.acts import UnderivableError
from lockcheck.prove.lockers import counterpart
from lockcheck.prove.script import Script
from lockcheck.prove.worlds import World
from tests.proving import PLAIN, Written, fixture, sql, written

FLUSHES = """
def flushes(session: Session, run_id: int) -> None:
    jobs = session.scalars(select(Job).where(Job.run_id == run_id).order_by(Job.id)).all()
    for job in jobs:
        job.tries = 1
        session.flush()
"""


def against(folder: Path, body: str) -> tuple[Written, Script]:
    """The script of a function `f` with this body, against a flush of many rows."""
    found = written(folder, f"def f(session: Session, x, y) -> None:\n    {body}\n{FLUSHES}")
    return found, found.scripts(found.between("app.f", "app.flushes"))[0]


def notes(script: Script) -> tuple[str, ...]:
    return tuple(note for line in script.lines for note in line.notes)


# --- conditions ---------------------------------------------------------------------------------------------------


def test_what_is_known_is_kept(tmp_path: Path) -> None:
    _, script = against(
        tmp_path, 'session.execute(update(Job).where(Job.lane == "fast", Job.tries > 2).values(state="done"))'
    )
    assert sql(script) == [
        "UPDATE job SET state='done' WHERE job.lane = 'fast' AND job.tries > 2 RETURNING job.id",
    ]
    assert notes(script) == ()


def test_values_that_are_not_known_make_the_rows_meet(tmp_path: Path) -> None:
    found, script = against(tmp_path, "session.execute(update(Job).where(Job.lane == x, Job.due < y).values(state=x))")
    assert sql(script) == [
        "UPDATE job SET state='written' WHERE job.lane = 'lane-1' AND job.due < '2026-04-01 00:00:00' RETURNING job.id"
    ]
    assert notes(script) == (
        "values that are not known, chosen so that the rows meet: lane, due",
        "values of the experiment are written into: state",
    )
    rows = found.experiment(found.between("app.f", "app.flushes")).rows(0)
    assert {rows.row("job", number)["lane"] for number in range(4)} == {"lane-1"}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("x", "a condition that cannot be read"),
        ("select(Run.id).where(Run.state == 'on').exists()", "EXISTS (...)"),
        ("Job.name.like('a%')", "the condition on name"),
    ],
)
def test_what_cannot_be_read_is_the_rows_of_the_experiment(tmp_path: Path, condition: str, words: str) -> None:
    _, script = against(
        tmp_path, f'session.execute(update(Job).where(Job.lane == "fast", {condition}).values(tries=1))'
    )
    assert sql(script) == [
        "UPDATE job SET tries=1 WHERE job.lane = 'fast' RETURNING job.id",
    ]
    assert notes(script) == (f"{words} is replaced by the rows of the experiment",)


def test_rows_that_a_subselect_gives_are_those_of_the_experiment(tmp_path: Path) -> None:
    _, script = against(
        tmp_path,
        "names = select(Run.state).where(Run.id > 3)\n"
        "    session.execute(update(Job).where(Job.name.in_(names)).values(tries=1))",
    )
    assert sql(script) == [
        "UPDATE job SET tries=1 WHERE job.name IN ('name-1', 'name-2', 'name-3', 'name-4') RETURNING job.id",
    ]
    assert notes(script) == ("values that are not known, chosen so that the rows meet: name",)


BEFORE = """
def late(session: Session, lane: str) -> None:
    session.execute(update(Job).where(Job.lane == lane, Job.state.in_(["old", "stale"])).values(tries=1))
    session.execute(update(Job).where(Job.lane == lane{more}).values(tries=2))


def close(session: Session, names: list[str]) -> None:
    session.execute(update(Job).where(Job.name.in_(names)).values(tries=3))
"""


def test_an_earlier_statement_on_the_table_reaches_a_row_by_its_own_conditions(tmp_path: Path) -> None:
    """All four rows would leave nothing to wait for, and one more condition would not be the code."""
    found = written(tmp_path, BEFORE.format(more=""))
    made = found.before("app.late", "app.close")
    one, _ = found.scripts(made)
    assert sql(one)[0] == (
        "UPDATE job SET tries=1 WHERE job.lane = 'lane-1' AND job.state IN ('old', 'stale') RETURNING job.id"
    )
    assert [operation.bulk for operation in one.operations] == [False, True]
    assert "row 1 alone meets these conditions: the rows that are reached later are not all among them" in notes(one)
    rows = found.experiment(made).rows(0)
    states = [rows.row("job", number)["state"] for number in range(4)]
    assert states[0] in ("old", "stale")
    assert not {"old", "stale"} & set(states[1:])


def test_where_nothing_tells_the_rows_apart_it_reaches_all(tmp_path: Path) -> None:
    found = written(tmp_path, BEFORE.format(more=', Job.state == "old"'))
    made = found.before("app.late", "app.close")
    one, _ = found.scripts(made)
    assert not any("alone" in note for note in notes(one))
    rows = found.experiment(made).rows(0)
    assert {rows.row("job", number)["state"] for number in range(4)} == {"old"}


def test_one_branch_of_an_or_is_enough(tmp_path: Path) -> None:
    found, script = against(
        tmp_path,
        'session.execute(update(Job).where(or_(Job.state.is_(None), Job.state != "done")).values(tries=1))',
    )
    assert sql(script) == [
        "UPDATE job SET tries=1 WHERE job.state IS NULL OR job.state != 'done' RETURNING job.id",
    ]
    rows = found.experiment(found.between("app.f", "app.flushes")).rows(0)
    assert None not in {rows.row("job", number)["state"] for number in range(4)}


def test_null_is_in_no_list(tmp_path: Path) -> None:
    _, script = against(tmp_path, 'session.execute(update(Job).where(Job.state.in_(["a", "b", None])).values(tries=1))')
    assert sql(script) == ["UPDATE job SET tries=1 WHERE job.state IN ('a', 'b') RETURNING job.id"]


def test_sides_that_ask_for_different_rows_get_different_rows(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        """
        def one(session: Session) -> None:
            session.execute(update(Job).where(Job.state == "old").values(tries=1))

        def other(session: Session) -> None:
            session.execute(update(Job).where(Job.state == "new").values(tries=2))
        """,
    )
    made = found.between("app.one", "app.other")
    experiment = found.experiment(made)
    rows = experiment.rows(0)
    assert [rows.row("job", number)["state"] for number in range(4)] == ["old", "new", "old", "new"]
    assert experiment.apart == ("job.state",)


# --- statements ---------------------------------------------------------------------------------------------------


def test_an_eager_join_is_part_of_the_lock(tmp_path: Path) -> None:
    _, script = against(tmp_path, "session.get(Job, x, with_for_update=True)")
    assert sql(script) == [
        "SELECT job.id FROM job JOIN run ON job.run_id = run.id WHERE job.id = 1 FOR UPDATE",
    ]
    assert notes(script)[-1] == "eager join of run by its foreign key"


def test_of_names_the_one_table(tmp_path: Path) -> None:
    _, script = against(tmp_path, 'session.get(Job, x, with_for_update={"of": Job, "key_share": True})')
    assert sql(script) == ["SELECT job.id FROM job WHERE job.id = 1 FOR NO KEY UPDATE OF job"]


def test_a_join_that_locks_nothing_is_left_out(tmp_path: Path) -> None:
    _, script = against(
        tmp_path,
        'jobs = select(Job).join(Run).where(Run.state == "on")\n'
        "    session.scalars(jobs.with_for_update(of=Job, skip_locked=True)).all()",
    )
    assert sql(script) == ["SELECT job.id FROM job FOR UPDATE OF job SKIP LOCKED"]
    assert "the condition on state of run, which is not locked is replaced by the rows of the experiment" in notes(
        script
    )
    assert "the join of run locks nothing and is left out" in notes(script)


def test_a_flush_in_a_loop_is_a_statement_for_each_row(tmp_path: Path) -> None:
    found = written(tmp_path, FLUSHES)
    script, _ = found.scripts(found.between("app.flushes", "app.flushes"))
    expected = "UPDATE job SET tries=1 WHERE job.id = {} RETURNING job.id"
    assert sql(script) == [expected.format(key) for key in (1, 2, 3, 4)]
    assert [operation.bulk for operation in script.operations] == [False] * 4


def test_an_ordered_write_is_what_it_stands_for(tmp_path: Path) -> None:
    _, script = against(
        tmp_path,
        'keys = select(Job.id).where(Job.lane == "fast").order_by(Job.id).with_for_update(key_share=True)\n'
        "    session.execute(update(Job).where(Job.id.in_(keys)).values(tries=1))",
    )
    (statement,) = sql(script)
    assert statement.startswith("UPDATE job SET tries=1 WHERE job.id IN (SELECT job.id FROM job WHERE")
    assert statement.endswith("WHERE job.lane = 'fast' ORDER BY job.id FOR NO KEY UPDATE) RETURNING job.id")


def test_callers_locks_come_first(tmp_path: Path) -> None:
    found = fixture(tmp_path, "LCK205/airflow_66734_layers")
    one, other = found.scripts(found.duel("LCK205"))
    assert [line.does for line in one.lines] == [
        "locks a row of job (FOR UPDATE)",
        "locks a row of job (FOR UPDATE)",
    ]
    assert [line.does for line in other.lines] == [
        "locks many rows of run (FOR UPDATE), in the order of their key",
        "updates many rows of job",
    ]
    assert other.lines[-1].calls


# --- tables -------------------------------------------------------------------------------------------------------


def test_tables_have_keys_indexes_and_foreign_keys(tmp_path: Path) -> None:
    found, _ = against(tmp_path, "session.get(Job, x, with_for_update=True)")
    tables = found.experiment(found.between("app.f", "app.flushes")).tables
    job = tables.by_name["job"]
    assert [column.name for column in job.primary_key] == ["id"]
    assert {tuple(index.columns.keys()) for index in job.indexes} == {("lane", "state")}
    ((key,),) = [list(key.elements) for key in job.foreign_key_constraints]
    assert (key.target_fullname, key.ondelete) == ("run.id", "CASCADE")
    assert {str(column.type) for column in job.c} == {"BIGINT", "TEXT", "DATETIME"}


def test_a_foreign_key_to_another_table_is_left_out(tmp_path: Path) -> None:
    found, _ = against(tmp_path, "session.execute(update(Job).values(tries=1))")
    tables = found.experiment(found.between("app.f", "app.flushes")).tables
    assert sorted(tables.by_name) == ["job"]
    assert tables.left_out == ["the foreign key of job to run"]


def test_names_with_a_schema_are_names(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        """
        class Part(Base):
            __tablename__ = "part"
            __table_args__ = ({"schema": "store"},)
            id: Mapped[int] = mapped_column(primary_key=True)
            state: Mapped[str]

        class Piece(Base):
            __tablename__ = "piece"
            __table_args__ = ({"schema": "store"},)
            id: Mapped[int] = mapped_column(primary_key=True)
            part_id: Mapped[int] = mapped_column(ForeignKey("store.part.id"))
            part: Mapped[Part] = relationship(lazy="joined", innerjoin=True)

        def take(session: Session, key: int) -> None:
            session.get(Piece, key, with_for_update=True)
        """,
    )
    locks = found.project.footprints.of(found.project.trace("app.take"))
    assert [lock.table for lock in locks] == ["store.piece", "store.part"]
    one, _ = found.scripts(found.between("app.take", "app.take", "store.piece"))
    (statement,) = sql(one)
    assert statement == (
        'SELECT "store.piece".id FROM "store.piece" JOIN "store.part" ON "store.piece".part_id = "store.part".id '
        'WHERE "store.piece".id = 1 FOR UPDATE'
    )


def test_children_point_at_one_parent(tmp_path: Path) -> None:
    found, _ = against(tmp_path, "session.get(Job, x, with_for_update=True)")
    rows = found.experiment(found.between("app.f", "app.flushes")).rows(2)
    assert rows.counts == {"job": 4, "run": 1}
    assert {rows.row("job", number)["run_id"] for number in range(4)} == {rows.row("run", 0)["id"]}
    assert len({rows.row("job", number)["name"] for number in range(4)}) == 4


def test_worlds_differ_in_what_is_free(tmp_path: Path) -> None:
    found, _ = against(tmp_path, "session.execute(update(Job).where(Job.lane == x).values(tries=1))")
    experiment = found.experiment(found.between("app.f", "app.flushes"))
    names = [[experiment.rows(turn).row("job", number)["name"] for number in range(4)] for turn in range(3)]
    assert len({tuple(order) for order in names}) == 3
    assert [experiment.rows(1).row("job", number)["id"] for number in range(4)] == [1, 2, 3, 4]


def test_what_has_one_child_each_is_there_for_each(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        """
        class Note(Base):
            __tablename__ = "note"
            job_id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
            text: Mapped[str]

        class Sign(Base):
            __tablename__ = "sign"
            run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
            text: Mapped[str]

        def note(session: Session, key: int) -> None:
            session.get(Job, key, with_for_update=True)
            session.execute(update(Note).where(Note.job_id == key).values(text="a"))
            session.execute(update(Sign).values(text="a"))
        """,
    )
    expected = {"note": 4, "job": 4, "run": 1, "sign": 1}
    for table in ("note", "job"):
        made = found.between("app.note", "app.note", table)
        assert found.experiment(made).rows(0).counts == expected


def test_the_table_that_the_counterpart_meets_is_meant(tmp_path: Path) -> None:
    """One statement goes through the tables of several models."""
    found = written(
        tmp_path,
        """
        def clear(session: Session, state: str) -> None:
            for model in (Run, Job):
                session.execute(delete(model).where(model.state == state))
        """,
    )
    project = found.project
    details = (step.detail for step in project.trace("app.clear").steps)
    statements = [detail.statement for detail in details if isinstance(detail, Execute)]
    assert {project.locks.table(statement.model) for statement in statements} == {"run", "job"}
    for table in ("run", "job"):
        locker = Locker(table, "app.clear", statements[0].site, "bulk", RowSet(), frozenset(), "deletes them")
        assert project.locks.table(counterpart(project, locker).act.statement.model) == table


# --- orders -------------------------------------------------------------------------------------------------------


def test_rows_without_an_order_come_as_the_table_has_them(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        """
        def touch(session: Session, lane: str) -> None:
            for job in session.scalars(select(Job).where(Job.lane == lane)).all():
                job.tries = 1
                session.flush()
        """,
    )
    made = found.duel("LCK204")
    world = World((2, 0, 3, 1), 2, ("scan", "index"))
    one, other = found.scripts(made, world)
    assert [line.order for line in one.lines] == [(2, 0, 3, 1)]
    assert [line.order for line in other.lines] == [(0, 1, 2, 3)]


def test_a_side_that_merges_inserts_what_it_does_not_find(tmp_path: Path) -> None:
    found = fixture(tmp_path, "LCK301/airflow_63581")
    one, _ = found.scripts(found.duel("LCK301"), PLAIN)
    look, insert = one.operations
    assert one.lines[0].looks
    assert look.instead is None
    assert insert.instead is not None
    assert sql(one)[0].startswith("SELECT ")
    assert sql(one)[1].startswith("INSERT INTO ")


# --- what is missing ----------------------------------------------------------------------------------------------


def test_two_tables_for_one_class_are_not_derived(tmp_path: Path) -> None:
    found = written(
        tmp_path,
        """
        class BigJob(Job):
            __tablename__ = "big_job"
            id: Mapped[int] = mapped_column(ForeignKey("job.id"), primary_key=True)
            size: Mapped[int]

        def grow(session: Session) -> None:
            session.execute(update(BigJob).where(BigJob.size > 1).values(size=2))
        """,
    )
    with pytest.raises(UnderivableError, match="objects of BigJob are stored in two tables"):
        found.scripts(found.between("app.grow", "app.grow", "big_job"))
