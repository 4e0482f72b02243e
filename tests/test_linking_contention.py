"""Contention is a fact about a pair: who can meet whom on the rows of a table."""

from __future__ import annotations

from typing import Any

import pytest

from tests.linked import Linked, link

BULK = """
def f(session: Session, run: int):
    session.execute(update(Job).where(Job.run_id == run, Job.state == "queued").values(state="lost"))  # bulk
"""


def lockers(other: str, bulk: str = BULK, table: str = "job") -> list[tuple[str, str]]:
    """Who can deadlock with the bulk write of `f`, by function and kind."""
    return _counterparts(link(f"{bulk}\n{other}"), table)


def _counterparts(project: Linked, table: str) -> list[tuple[str, str]]:
    trace, step = project.trace(), project.at("bulk")
    execute = step.detail
    gates = project.project.gates(trace, step, table)
    found = project.project.contention.counterparts(table, execute.statement, gates, execute.statement.site)  # type: ignore[union-attr]
    return [(locker.function.removeprefix("app."), locker.kind) for locker in found]


NO_COUNTERPART = {
    "nobody": "",
    "reads": "def g(session: Session):\n    session.scalars(select(Job).where(Job.state == 'queued')).all()",
    "another table": "def g(session: Session):\n    session.scalars(select(Team).with_for_update()).all()",
    "one row by key": "def g(session: Session, key):\n    session.get(Job, key, with_for_update=True)",
    "one row by unique key": (
        "def g(session: Session, key):\n    session.scalars(select(Job).filter_by(slug=key).with_for_update()).one()"
    ),
    "one row written": "def g(session: Session, key):\n    session.execute(update(Job).where(Job.id == key))",
    "other states": (
        "def g(session: Session):\n    session.scalars(select(Job).where(Job.state == 'done').with_for_update()).all()"
    ),
    "other states in a list": (
        "def g(session: Session):\n"
        "    session.scalars(select(Job).where(Job.state.in_(['done', 'failed'])).with_for_update()).all()"
    ),
    "skips locked rows": (
        "def g(session: Session):\n    session.scalars(select(Job).with_for_update(skip_locked=True)).all()"
    ),
    "does not wait": "def g(session: Session):\n    session.scalars(select(Job).with_for_update(nowait=True)).all()",
    "one by one, committed in each turn": """
def g(session: Session, keys: list[int]):
    for key in keys:
        session.get(Job, key, with_for_update=True)
        session.commit()
""",
    "one by one, rolled back in each turn": """
def g(session: Session, keys: list[int]):
    for key in keys:
        session.get(Job, key, with_for_update=True)
        session.rollback()
""",
    "a session for each turn": """
def g(keys: list[int]):
    for key in keys:
        with Session() as session, session.begin():
            session.execute(update(Job).where(Job.id == key))
""",
    "the same row in each turn": """
def g(session: Session, keys: list[int], key: int):
    for one in keys:
        session.execute(update(Job).where(Job.id == key).values(priority=one))
""",
    "rows inserted": """
def g(session: Session, names: list[str]):
    for name in names:
        job = Job(name=name)
        session.add(job)
        job.state = "queued"
        session.flush()
""",
    "attributes that are no columns": """
def g(session: Session):
    for job in session.scalars(select(Job)).all():
        job.note = "a"
        session.flush()
""",
    "rows are only read in the loop": """
def g(session: Session):
    for job in session.scalars(select(Job)).all():
        print(job.state)
        session.flush()
""",
    "a limit of one row": (
        "def g(session: Session):\n    session.scalars(select(Job).limit(1).with_for_update()).first()"
    ),
}


@pytest.mark.parametrize("other", NO_COUNTERPART.values(), ids=NO_COUNTERPART)
def test_no_counterpart(other: str) -> None:
    assert lockers(other) == []


COUNTERPARTS = {
    "many rows locked": (
        "def g(session: Session):\n    session.scalars(select(Job).with_for_update()).all()",
        ("g", "row lock"),
    ),
    "many rows locked by their keys": (
        (
            "def g(session: Session, keys: list[int]):\n"
            "    session.scalars(select(Job).where(Job.id.in_(keys)).with_for_update()).all()"
        ),
        ("g", "row lock"),
    ),
    "states in common": (
        (
            "def g(session: Session):\n"
            "    session.scalars(select(Job).where(Job.state.in_(['queued', 'done'])).with_for_update()).all()"
        ),
        ("g", "row lock"),
    ),
    "legacy query": (
        "def g(session: Session):\n    session.query(Job).filter(Job.priority > 3).with_for_update().all()",
        ("g", "row lock"),
    ),
    "joined rows": (
        "def g(session: Session):\n    session.scalars(select(Run).join(Run.jobs).with_for_update()).all()",
        ("g", "row lock"),
    ),
    "a limit of several rows": (
        "def g(session: Session):\n    session.scalars(select(Job).limit(10).with_for_update()).all()",
        ("g", "row lock"),
    ),
    "another bulk write": (
        "def g(session: Session):\n    session.execute(delete(Job).where(Job.priority < 3))",
        ("g", "bulk"),
    ),
    "one by one": (
        """
def g(session: Session, keys: list[int]):
    for key in keys:
        session.get(Job, key, with_for_update=True)
""",
        ("g", "loop"),
    ),
    "one update after another": (
        """
def g(session: Session, keys: list[int]):
    for key in keys:
        session.execute(update(Job).where(Job.id == key).values(priority=1))
""",
        ("g", "loop"),
    ),
    "written and flushed one by one": (
        """
def g(session: Session):
    for job in session.scalars(select(Job)).all():
        job.priority = 3
        session.flush()
""",
        ("g", "loop"),
    ),
    "flushed together": (
        """
def g(session: Session):
    for job in session.scalars(select(Job)).all():
        job.priority = 3
""",
        ("g", "flush"),
    ),
    "in a callee": (
        """
def touch(session, job):
    job.priority = 3
    session.flush()

def g(session: Session):
    for job in session.scalars(select(Job)).all():
        touch(session, job)
""",
        ("g", "loop"),
    ),
    "objects of a relationship": (
        """
def g(session: Session, run: Run):
    for job in run.jobs:
        job.priority = 3
""",
        ("g", "flush"),
    ),
    "objects given": (
        """
def g(session: Session, jobs: list[Job]):
    for job in jobs:
        job.priority = 3
    session.flush()
""",
        ("g", "flush"),
    ),
    "deleted one by one": (
        """
def g(session: Session, jobs: list[Job]):
    for job in jobs:
        session.delete(job)
""",
        ("g", "flush"),
    ),
    "committed now and then": (
        """
def g(session: Session, keys: list[int]):
    for key in keys:
        session.get(Job, key, with_for_update=True)
        if key % 100 == 0:
            session.commit()
""",
        ("g", "loop"),
    ),
    "goes the same way": (
        "def g(session: Session):\n    session.scalars(select(Job).where(Job.run_id == 1).with_for_update()).all()",
        ("g", "row lock"),
    ),
    "savepoint in each turn": (
        """
def g(session: Session, keys: list[int]):
    for key in keys:
        with session.begin_nested():
            session.get(Job, key, with_for_update=True)
""",
        ("g", "loop"),
    ),
}


@pytest.mark.parametrize(("other", "wanted"), COUNTERPARTS.values(), ids=COUNTERPARTS)
def test_counterpart(other: str, wanted: tuple[str, str]) -> None:
    assert wanted in lockers(other)


@pytest.mark.parametrize(
    ("gate", "wanted"),
    [
        ("session.get(Run, run, with_for_update={'of': Run})", []),
        ("session.scalars(select(Run).where(Run.id == run).with_for_update(of=Run)).one()", []),
        ("session.get(Run, run)", [("g", "row lock")]),
        ("session.get(Run, run, with_for_update={'of': Run, 'read': True})", [("g", "row lock")]),
        ("session.scalars(select(Run).with_for_update(of=Run)).all()", [("g", "row lock")]),
        ("session.get(Part, (run, 1), with_for_update=True)", [("g", "row lock")]),
        ("session.get(Run, run, with_for_update={'of': Run}); session.commit()", [("g", "row lock")]),
    ],
)
def test_gate_that_both_lock_first(gate: str, wanted: list[tuple[str, str]]) -> None:
    bulk = f"""
def f(session: Session, run: int):
    {gate}
    session.execute(update(Job).where(Job.run_id == run, Job.state == "queued").values(state="lost"))  # bulk
"""
    other = f"""
def g(session: Session, run: int):
    {gate}
    session.scalars(select(Job).where(Job.run_id == run).order_by(Job.name).with_for_update()).all()
"""
    assert lockers(other, bulk) == wanted


def test_gate_of_one_side_only() -> None:
    other = """
def g(session: Session, run: int):
    session.get(Run, run, with_for_update={"of": Run})
    session.scalars(select(Job).where(Job.run_id == run).order_by(Job.name).with_for_update()).all()
"""
    assert lockers(other) == [("g", "row lock")]


def test_clearest_counterpart_comes_first() -> None:
    other = """
def a(session: Session):
    session.execute(delete(Job).where(Job.priority < 3))

def b(session: Session):
    for job in session.scalars(select(Job)).all():
        job.priority = 3

def c(session: Session):
    session.scalars(select(Job).with_for_update()).all()
"""
    assert [kind for _, kind in lockers(other)] == ["row lock", "flush", "bulk"]


def test_clearest_of_a_kind_names_the_same_column() -> None:
    other = """
def a(session: Session, place: str):
    session.scalars(select(Job).where(Job.external == place).with_for_update()).all()

def b(session: Session, run: int):
    session.scalars(select(Job).where(Job.run_id == run).order_by(Job.priority).with_for_update()).all()
"""
    assert [name for name, _ in lockers(other)] == ["b", "a"]


def test_write_is_no_counterpart_of_itself() -> None:
    assert lockers("") == []


def test_order_of_a_counterpart_is_told() -> None:
    project = link(f"""{BULK}
def g(session: Session):
    session.scalars(select(Job).order_by(Job.id).with_for_update()).all()

def h(session: Session):
    session.scalars(select(Job).order_by(Job.name).with_for_update()).all()
""")
    trace, step = project.trace(), project.at("bulk")
    execute = step.detail
    gates = project.project.gates(trace, step, "job")
    found = project.project.contention.counterparts("job", execute.statement, gates, execute.statement.site)  # type: ignore[union-attr]
    assert {locker.function: locker.ordered for locker in found} == {"app.g": True, "app.h": False}


# --- state columns ----------------------------------------------------------------------------------------


def state_of(body: str, model: str = "models.Job", **policy: Any) -> str | None:
    project = link(body, **policy)
    mapped = project.project.linker.declarations.mapped(model)
    assert mapped is not None
    column = project.project.states.column(mapped)
    return column.attribute if column else None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "def f(session: Session):\n    session.scalars(select(Job).where(Job.state == 'a')).all()",
        "def f(session: Session, key):\n    session.execute(update(Job).where(Job.id == key).values(state='a'))",
        "def f(session: Session, key):\n    session.execute(update(Job).where(Job.priority == key))",
        "def f(session: Session, ticket: Ticket):\n    if ticket.state == 'a':\n        session.flush()",
    ],
)
def test_column_that_guards_nothing_is_no_state(body: str) -> None:
    assert state_of(body) is None


@pytest.mark.parametrize(
    "body",
    [
        "def f(session: Session):\n    session.execute(update(Job).where(Job.state == 'a').values(state='b'))",
        "def f(session: Session):\n    session.execute(delete(Job).where(Job.state.in_(['a'])))",
        "def f(session: Session):\n    session.execute(delete(Job).where(or_(Job.state.is_(None), Job.id == 1)))",
        "def f(session: Session, job: Job):\n    if job.state == 'a':\n        job.state = 'b'",
        (
            "def f(session: Session, key):\n"
            "    job = session.get(Job, key)\n    if job.state in ('a', 'b'):\n        session.delete(job)"
        ),
        "def f(session: Session):\n    session.query(Job).filter(Job.state == 'a').delete()",
    ],
)
def test_column_that_guards_is_the_state(body: str) -> None:
    assert state_of(body) == "state"


def test_state_that_settings_name() -> None:
    from lockcheck.linking.states import Allowed, Transitions  # noqa: PLC0415 - beside their only use

    transitions = Transitions("priority", {"1": Allowed(("2", None), forbidden=False)})
    assert state_of("", states={"job": transitions}) == "priority"
    assert state_of("", states={"ticket": transitions}) is None
