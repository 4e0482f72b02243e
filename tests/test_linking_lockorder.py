"""The order in which transactions take their locks: critical pairs, inversions, longer cycles, the graph."""

from __future__ import annotations

import pytest

from lockcheck.linking.lockgraph import lock_graph
from tests.linked import Linked, link, link_texts


def pairs(body: str) -> set[tuple[str, str]]:
    """The tables of the critical pairs of a project: held, taken."""
    return {(pair.held.table, pair.taken.table) for pair in link(body).project.critical_pairs}


def inverted(project: Linked) -> set[tuple[str, str]]:
    """The tables of the inversions, each named in order."""
    return {
        (one.held.table, one.taken.table) for one, _ in project.project.inversions if one.held.table < one.taken.table
    }


RUN_THEN_JOBS = """
def schedule(key, session: Session):
    run = session.execute(select(Run.id).where(Run.id == key).with_for_update()).one()
    session.execute(update(Job).where(Job.run_id == key).values(priority=1))
"""
JOB_THEN_RUN = """
def mark(key, session: Session):
    session.execute(update(Job).where(Job.id == key).values(priority=2))
    session.execute(update(Run).where(Run.id == key).values(name="x"))
"""


# --- pairs ----------------------------------------------------------------------------------------------------------


def test_a_lock_that_is_held_while_another_is_taken() -> None:
    assert pairs(JOB_THEN_RUN) == {("job", "run")}


def test_pairs_go_through_calls() -> None:
    found = pairs("""
def f(key, session: Session):
    first(key, session)
    second(key, session)

def first(key, session):
    session.execute(update(Job).where(Job.id == key).values(priority=2))

def second(key, session):
    session.execute(update(Part).where(Part.run_id == key).values(number=1))
""")
    assert ("job", "part") in found


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_no_pair_over_the_end_of_a_transaction(end: str) -> None:
    assert not pairs(f"""
def f(key, session: Session):
    session.execute(update(Job).where(Job.id == key).values(priority=2))
    session.{end}()
    session.execute(update(Run).where(Run.id == key).values(name="x"))
""")


def test_a_commit_of_one_branch_leaves_the_pair() -> None:
    assert pairs("""
def f(key, session: Session):
    session.execute(update(Job).where(Job.id == key).values(priority=2))
    if key:
        session.commit()
    session.execute(update(Run).where(Run.id == key).values(name="x"))
""") == {("job", "run")}


def test_no_pair_of_two_sessions() -> None:
    assert not pairs("""
def f(key, session: Session, other: Session):
    session.execute(update(Job).where(Job.id == key).values(priority=2))
    other.execute(update(Run).where(Run.id == key).values(name="x"))
""")


def test_no_pair_of_two_branches() -> None:
    assert not pairs("""
def f(key, session: Session):
    if key:
        session.execute(update(Job).where(Job.id == key).values(priority=2))
    else:
        session.execute(update(Run).where(Run.id == key).values(name="x"))
""")


def test_no_pair_with_a_lock_that_does_not_wait() -> None:
    assert not pairs("""
def f(key, session: Session):
    session.execute(update(Job).where(Job.id == key).values(priority=2))
    session.execute(select(Run.id).where(Run.id == key).with_for_update(skip_locked=True))
""")


def test_what_did_not_wait_is_held_all_the_same() -> None:
    assert pairs("""
def f(key, session: Session):
    session.execute(select(Job).where(Job.id == key).with_for_update(skip_locked=True))
    session.execute(update(Run).where(Run.id == key).values(name="x"))
""") == {("job", "run")}


def test_no_pair_with_a_row_that_was_locked_before() -> None:
    assert pairs("""
def f(key, session: Session):
    session.execute(select(Run.id).where(Run.id == key).with_for_update())
    session.execute(update(Job).where(Job.id == key).values(priority=2))
    session.execute(update(Run).where(Run.id == key).values(name="x"))
""") == {("run", "job")}


def test_no_pair_within_a_loop_over_models() -> None:
    assert not pairs("""
def f(key, session: Session):
    for model in (Job, Run):
        session.execute(delete(model).where(model.id == key))
""")


def test_gates_are_what_was_held_before_both() -> None:
    project = link("""
def f(key, session: Session):
    session.execute(update(Team).where(Team.id == key).values(id=1))
    session.execute(update(Run).where(Run.id == key).values(name="x"))
    session.execute(update(Job).where(Job.id == key).values(priority=1))
""")
    (found,) = [pair for pair in project.project.critical_pairs if pair.held.table == "run"]
    assert [gate.table for gate in found.gates] == ["team"]


# --- inversions -------------------------------------------------------------------------------------------------------


def test_opposite_orders() -> None:
    assert inverted(link(RUN_THEN_JOBS + JOB_THEN_RUN)) == {("job", "run")}


def test_the_same_order_twice() -> None:
    assert not inverted(link(RUN_THEN_JOBS + RUN_THEN_JOBS.replace("schedule", "again")))


def test_a_common_parent_that_is_locked_first() -> None:
    team = "    session.execute(select(Team).where(Team.id == 1).with_for_update())\n"
    bodies = [body.replace("Session):\n", f"Session):\n{team}") for body in (RUN_THEN_JOBS, JOB_THEN_RUN)]
    assert not inverted(link("".join(bodies)))


def test_modes_that_pass_each_other() -> None:
    assert not inverted(
        link("""
def add(key, session: Session):
    session.execute(update(Job).where(Job.id == key).values(priority=2))
    session.add(Job(run_id=key))
    session.flush()

def schedule(key, session: Session):
    session.execute(update(Run).where(Run.id == key).values(name="x"))
    session.execute(update(Job).where(Job.run_id == key).values(priority=1))
""")
    )


def test_key_share_waits_for_a_full_lock() -> None:
    assert inverted(
        link(
            RUN_THEN_JOBS
            + """
def add(key, session: Session):
    session.execute(update(Job).where(Job.id == key).values(priority=2))
    session.add(Job(run_id=key))
    session.flush()
"""
        )
    ) == {("job", "run")}


def test_constants_that_are_not_the_same() -> None:
    one = RUN_THEN_JOBS.replace("Job.run_id == key)", 'Job.run_id == key, Job.state == "a")')
    other = JOB_THEN_RUN.replace("Job.id == key)", 'Job.id == key, Job.state == "b")')
    assert not inverted(link(one + other))


def test_tables_that_do_not_belong_together() -> None:
    project = link("""
class Counter(Base):
    __tablename__ = "counter"
    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int]

def one(key, session: Session):
    session.execute(update(Job).where(Job.id == key).values(priority=2))
    session.execute(update(Counter).where(Counter.id == key).values(value=1))

def other(key, session: Session):
    session.execute(update(Counter).where(Counter.id == key).values(value=1))
    session.execute(update(Job).where(Job.id == key).values(priority=2))
""")
    assert not inverted(project)


@pytest.mark.parametrize(("annotation", "found"), [("int", {("job", "note")}), ("int | None", set())])
def test_siblings_belong_together_by_a_parent_that_both_must_have(annotation: str, found: set[tuple[str, str]]) -> None:
    project = link(f"""
class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[{annotation}] = mapped_column(ForeignKey("run.id"))
    text: Mapped[str]

def one(key, session: Session):
    session.execute(update(Job).where(Job.run_id == key).values(priority=2))
    session.execute(update(Note).where(Note.run_id == key).values(text="a"))

def other(key, session: Session):
    session.execute(update(Note).where(Note.run_id == key).values(text="b"))
    session.execute(update(Job).where(Job.run_id == key).values(priority=2))
""")
    assert inverted(project) == found


# --- longer cycles and the graph --------------------------------------------------------------------------------------

THREE = """
from sqlalchemy import ForeignKey, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

class Base(DeclarativeBase):
    pass

class Root(Base):
    __tablename__ = "root"
    id: Mapped[int] = mapped_column(primary_key=True)

class A(Base):
    __tablename__ = "a"
    id: Mapped[int] = mapped_column(primary_key=True)
    root_id: Mapped[int] = mapped_column(ForeignKey("root.id"))
    value: Mapped[int]

class B(Base):
    __tablename__ = "b"
    id: Mapped[int] = mapped_column(primary_key=True)
    root_id: Mapped[int] = mapped_column(ForeignKey("root.id"))
    value: Mapped[int]

class C(Base):
    __tablename__ = "c"
    id: Mapped[int] = mapped_column(primary_key=True)
    root_id: Mapped[int] = mapped_column(ForeignKey("root.id"))
    value: Mapped[int]

def ab(key, session: Session):
    session.execute(update(A).where(A.root_id == key).values(value=1))
    session.execute(update(B).where(B.root_id == key).values(value=1))

def bc(key, session: Session):
    session.execute(update(B).where(B.root_id == key).values(value=1))
    session.execute(update(C).where(C.root_id == key).values(value=1))

def ca(key, session: Session):
    session.execute(update(C).where(C.root_id == key).values(value=1))
    session.execute(update(A).where(A.root_id == key).values(value=1))
"""


def test_cycle_of_three_tables() -> None:
    graph = lock_graph(link_texts({"app": THREE}).project)
    assert [cycle.tables for cycle in graph.cycles] == [("a", "b", "c")]
    assert [(edge.held, edge.taken) for edge in graph.cycles[0].edges] == [("a", "b"), ("b", "c"), ("c", "a")]


def test_graph_without_a_cycle() -> None:
    graph = lock_graph(link_texts({"app": THREE.partition("def ca(")[0]}).project)
    assert graph.tables == ("a", "b", "c")
    assert [(edge.held, edge.taken) for edge in graph.edges] == [("a", "b"), ("b", "c")]
    assert graph.cycles == ()


def test_graph_names_both_ways_of_an_inversion() -> None:
    (cycle,) = lock_graph(link(RUN_THEN_JOBS + JOB_THEN_RUN).project).cycles
    assert cycle.tables == ("job", "run")
    assert [(edge.held, edge.taken, [p.entry for p in edge.pairs]) for edge in cycle.edges] == [
        ("job", "run", ["app.mark"]),
        ("run", "job", ["app.schedule"]),
    ]


def test_what_one_flush_changes_is_paired_once() -> None:
    project = link("""
def f(session: Session, run_id: int, job_id: int):
    run = session.get(Run, run_id, with_for_update={"of": Run})
    job = session.get(Job, job_id)
    job.priority = 1
    job.state = "b"
    job.external = "c"
    session.flush()
""")
    pairs = [pair for pair in project.project.critical_pairs if pair.entry == "app.f"]
    assert [(pair.held.table, pair.taken.table) for pair in pairs] == [("run", "job")]
