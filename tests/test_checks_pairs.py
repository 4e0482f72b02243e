"""Rules over small projects in memory: what is silent, what is reported, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from lockcheck.checks import all_checks
from lockcheck.hazards import Hazard, filled
from lockcheck.linking.states import Allowed, Transitions
from lockcheck.plans import OrderWrite
from tests.linked import Linked, link


def hazards(project: Linked, code: str, *, preview: bool = True) -> list[Hazard]:
    return [hazard for hazard in all_checks()[code](project.project) if preview or not hazard.preview]


def lines(project: Linked, code: str, *, preview: bool = False) -> list[str]:
    """The marker at the end of each line that is reported."""
    found = []
    for hazard in hazards(project, code, preview=preview):
        text = project.texts[hazard.site.path].splitlines()
        line = text[project.project.linker.position(hazard.site).line - 1]
        found.append(line.partition("# ")[2])
    return sorted(found)


ALL = sorted(code for code in all_checks() if not code.startswith("LCK9"))


@pytest.mark.parametrize("code", ALL)
@pytest.mark.parametrize(
    "body",
    [
        "",
        "def f():\n    return 1",
        "def f(session: Session):\n    session.commit()",
        "def f(session: Session, given):\n    session.execute(given)",
        "def f(session: Session, given):\n    for one in given:\n        session.execute(one)",
        "def f(session: Session, given):\n    session.execute(update(given).where(given.id == 1).values(state='a'))",
        "def f(session: Session, given):\n    session.merge(given)",
        "def f(session: Session, given):\n    session.scalars(select(given).with_for_update()).all()",
        "def f(session: Session):\n    session.execute('update job set state = 1')",
        "def f(session: Session):\n    return session.scalars(select(Job).where(Job.state == 'a')).all()",
        "async def f(session: Session, given):\n    await session.execute(given)",
        "def f(session: Session):\n    yield session",
        "def f(*session, **given):\n    pass",
        "class C:\n    def f(self, session: Session):\n        self.session = session",
    ],
)
def test_nothing_is_reported_where_nothing_is_known(code: str, body: str) -> None:
    assert hazards(link(body), code) == []


# --- LCK201 -----------------------------------------------------------------------------------------------


LOCKER = """
def mark(session: Session, run: int):
    session.scalars(select(Job).where(Job.run_id == run).order_by(Job.id).with_for_update()).all()
"""


@pytest.mark.parametrize(
    "body",
    [
        "session.execute(update(Job).where(Job.id == key))",
        "session.execute(update(Job).where(given))",
        "session.execute(update(Job).paged(3).where(Job.run_id == key))",
        "session.execute(update(Team).where(Team.id > key))",
        "session.execute(update(Job), [{'id': 1}])",
        "session.execute(insert(Job).values(id=1))",
        (
            "ids = session.scalars(select(Job.id).where(Job.run_id == key).with_for_update()).all()\n"
            "    session.execute(update(Job).where(Job.id.in_(ids)))"
        ),
        "session.execute(update(Job).where(Job.id.in_(select(Job.id).order_by(Job.id).with_for_update())))",
        (
            "job = Job(run_id=key)\n    session.add(job)\n    session.flush()\n"
            "    session.execute(update(Job).where(Job.run_id == job.id))"
        ),
    ],
)
def test_bulk_write_that_is_silent(body: str) -> None:
    project = link(f"{LOCKER}\ndef f(session: Session, key: int, given):\n    {body}\n")
    assert lines(project, "LCK201") == []


@pytest.mark.parametrize(
    "body",
    [
        "session.execute(update(Job).where(Job.run_id == key))  # bad",
        "session.execute(delete(Job).where(Job.priority < key))  # bad",
        "session.execute(delete(Job))  # bad",
        "session.query(Job).filter(Job.run_id == key).update({'priority': 1})  # bad",
        "session.query(Job).filter(Job.run_id == key).delete()  # bad",
        "query = update(Job)  # bad\n    query = query.where(Job.run_id == key)\n    session.execute(query)",
        "session.commit()\n    session.execute(update(Job).where(Job.run_id == key))  # bad",
        (
            "session.scalars(select(Job).with_for_update(of=Job)).all()\n    session.commit()\n"
            "    session.execute(update(Job).where(Job.run_id == key))  # bad"
        ),
    ],
)
def test_bulk_write_that_is_reported(body: str) -> None:
    project = link(f"{LOCKER}\ndef f(session: Session, key: int, given):\n    {body}\n")
    assert lines(project, "LCK201") == ["bad"]


@pytest.mark.parametrize(("policy", "count"), [({}, 0), ({"contended": frozenset({"job"})}, 1)])
def test_declared_contended(policy: dict[str, Any], count: int) -> None:
    body = "def f(session: Session, key: int):\n    session.execute(update(Job).where(Job.run_id == key))\n"
    assert len(hazards(link(body, **policy), "LCK201")) == count


def test_declared_not_contended() -> None:
    body = f"{LOCKER}\ndef f(session: Session, key: int):\n    session.execute(update(Job).where(Job.run_id == key))\n"
    assert hazards(link(body, not_contended=frozenset({"job"})), "LCK201") == []


@pytest.mark.parametrize(
    ("dialects", "form", "applicability"),
    [
        ((), "subselect", "unsafe"),
        (("postgresql",), "subselect", "safe"),
        (("postgresql", "sqlite"), "subselect", "safe"),
        (("postgresql", "mysql"), "portable", "unsafe"),
        (("mariadb",), "portable", "unsafe"),
    ],
)
def test_form_by_dialects(dialects: tuple[str, ...], form: str, applicability: str) -> None:
    body = f"{LOCKER}\ndef f(session: Session, key: int):\n    session.execute(update(Job).where(Job.run_id == key))\n"
    (hazard,) = hazards(link(body, dialects=dialects), "LCK201")
    assert hazard.remedy is not None
    assert (getattr(hazard.remedy.plan, "form", None), hazard.remedy.applicability) == (form, applicability)


@pytest.mark.parametrize(
    ("policy", "form"),
    [
        ({}, "subselect"),
        ({"dialects": ("postgresql",)}, "subselect"),
        ({"dialects": ("postgresql", "mysql")}, None),
        ({"dialects": ("mariadb",)}, None),
        ({"dialects": ("mariadb",), "ordered_form": "skip-locked"}, None),
        ({"dialects": ("mariadb",), "ordered_helper": "shop.db:in_order"}, "helper"),
    ],
)
def test_delete_has_no_fix_on_innodb(policy: dict[str, Any], form: str | None) -> None:
    body = f"{LOCKER}\ndef f(session: Session, key: int):\n    session.execute(delete(Job).where(Job.run_id == key))\n"
    (hazard,) = hazards(link(body, **policy), "LCK201")
    assert getattr(hazard.remedy and hazard.remedy.plan, "form", None) == form
    assert (hazard.no_fix is not None) == (form is None) == ("InnoDB" in hazard.message)


@pytest.mark.parametrize(
    ("dialects", "values", "told"),
    [
        (("mariadb",), "priority=1", False),
        (("mariadb",), "run_id=1", True),
        (("postgresql",), "run_id=1", False),
    ],
)
def test_fix_tells_of_index_entries_that_the_update_moves(
    dialects: tuple[str, ...], values: str, *, told: bool
) -> None:
    body = f"""{LOCKER}
def f(session: Session, key: str):
    session.execute(update(Job).where(Job.state == key).values({values}))
"""
    (hazard,) = hazards(link(body, dialects=dialects), "LCK201")
    assert hazard.remedy is not None
    assert ("by run_id, which this UPDATE sets" in hazard.remedy.message) == told


@pytest.mark.parametrize(
    ("values", "key_share"),
    [("priority=1", True), ("state='a'", True), ("id=3", False), ("slug='a'", False), ("**given", False)],
)
def test_lock_that_the_ordered_form_takes(values: str, *, key_share: bool) -> None:
    body = f"""{LOCKER}
def f(session: Session, key: int, given):
    session.execute(update(Job).where(Job.run_id == key).values({values}))
"""
    (hazard,) = hazards(link(body), "LCK201")
    assert hazard.remedy is not None
    assert getattr(hazard.remedy.plan, "key_share", None) is key_share


def test_message_names_both_sides() -> None:
    body = f"{LOCKER}\ndef f(session: Session, key: int):\n    session.execute(update(Job).where(Job.run_id == key))\n"
    (hazard,) = hazards(link(body), "LCK201")
    for word in ("job", "run_id", "mark", "app.py:"):
        assert word in filled(hazard.message, lambda _: 1)
    assert [where.path for where, _ in hazard.related] == ["app.py"]


# --- LCK103 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "test", "writer"),
    [
        ("Job.state == 'new'", "True", "release"),
        ("Job.state == 'held'", "True", "hold"),
        ("Job.id == 1", "job.state == 'held'", "hold"),
        ("Job.id == 1", "job.state not in ('new', 'held')", "make"),
        ("Job.id == 1", "job.state == 'new'", "release"),
    ],
)
def test_the_other_writer_may_have_read_the_same_row(chosen: str, test: str, writer: str) -> None:
    project = link(f"""
def make(session: Session):
    job = Job(state="new")
    session.add(job)
    session.commit()
    job.state = "ready"

def release(session: Session):
    for job in session.scalars(select(Job).where(Job.state != "held")):
        if job.state == "new":
            job.state = "free"

def hold(session: Session):
    session.execute(update(Job).where(Job.state == "held").values(state="kept"))

def f(session: Session):
    for job in session.scalars(select(Job).where({chosen})):
        if {test}:
            job.state = "done"
""")
    (hazard,) = (found for found in hazards(project, "LCK103") if found.function.endswith(".f"))
    assert f"overwrites what {writer}" in hazard.message


# --- LCK101 -----------------------------------------------------------------------------------------------


GUARDED = (
    "def guard(session: Session):\n    session.execute(delete(Job).where(Job.state == 'x'))\n\n"
    "def write(session: Session):\n    session.execute(update(Job).where(Job.state == 'y').values(state='x'))\n"
)


@pytest.mark.parametrize(
    "body",
    [
        "session.execute(update(Job).where(Job.id == key, Job.state == 'a').values(state='b'))",
        "session.execute(update(Job).where(Job.id == key, Job.state.not_in(['a'])).values(state='b'))",
        "session.execute(update(Job).where(Job.id == key, given).values(state='b'))",
        "session.execute(update(Job).where(Job.id == key).values(priority=1))",
        "session.execute(update(Job).where(Job.id == key).values(state=given))",
        "session.execute(update(Job).where(Job.id == key).values(state=None))",
        "session.execute(insert(Job).values(state='b'))",
        (
            "job = session.get(Job, key, with_for_update=True)\n    if job.state == 'a':\n"
            "        session.execute(update(Job).where(Job.id == key).values(state='b'))"
        ),
        (
            "job = session.scalars(select(Job).where(Job.id == key, Job.state == 'a').with_for_update()).one()\n"
            "    session.execute(update(Job).where(Job.id == key).values(state='b'))"
        ),
        (
            "job = session.get(Job, key, with_for_update={'nowait': True})\n    if job.state != 'a':\n        return\n"
            "    session.execute(update(Job).where(Job.id == key).values(state='b'))"
        ),
        (
            "job = Job(state='a')\n    session.add(job)\n    session.flush()\n"
            "    session.execute(update(Job).where(Job.id == job.id).values(state='b'))"
        ),
    ],
)
def test_guarded_state(body: str) -> None:
    project = link(f"{GUARDED}\ndef f(session: Session, key: int, given):\n    {body}\n")
    assert lines(project, "LCK101") == []


@pytest.mark.parametrize(
    "body",
    [
        "session.execute(update(Job).where(Job.id == key).values(state='b'))  # bad",
        "session.execute(update(Job).where(Job.id.in_(given)).values({'state': 'b'}))  # bad",
        "session.query(Job).filter(Job.run_id == key).update({'state': 'b'})  # bad",
        (
            "job = session.get(Job, key)\n    if job.state == 'a':\n"
            "        session.execute(update(Job).where(Job.id == key).values(state='b'))  # bad"
        ),
        (
            "job = session.get(Job, key, with_for_update=True)\n    if job.state == 'a':\n        session.commit()\n"
            "        session.execute(update(Job).where(Job.id == key).values(state='b'))  # bad"
        ),
        (
            "job = session.get(Job, given, with_for_update=True)\n    if job.state == 'a':\n"
            "        session.execute(update(Job).where(Job.id == key).values(state='b'))  # bad"
        ),
    ],
)
def test_unguarded_state(body: str) -> None:
    project = link(f"{GUARDED}\ndef f(session: Session, key: int, given):\n    {body}\n")
    assert lines(project, "LCK101") == ["bad"]


def test_the_only_state_that_is_written_is_preview() -> None:
    guard = "def guard(session: Session):\n    session.execute(delete(Job).where(Job.state == 'x'))\n"
    body = "session.execute(update(Job).where(Job.id == key).values(state='b'))  # bad"
    project = link(f"{guard}\ndef f(session: Session, key: int):\n    {body}\n")
    assert lines(project, "LCK101") == []
    assert lines(project, "LCK101", preview=True) == ["bad"]


def test_state_that_is_locked_and_not_looked_at_is_preview() -> None:
    body = (
        "job = session.get(Job, key, with_for_update=True)\n"
        "    session.execute(update(Job).where(Job.id == key).values(state='b'))  # bad"
    )
    project = link(f"{GUARDED}\ndef f(session: Session, key: int, given):\n    {body}\n")
    assert lines(project, "LCK101") == []
    assert lines(project, "LCK101", preview=True) == ["bad"]


def test_guard_comes_from_the_transitions() -> None:
    states = {"job": Transitions("state", {"b": Allowed(("x", "y"), forbidden=True)})}
    body = "def f(session: Session, key):\n    session.execute(update(Job).where(Job.id == key).values(state='b'))\n"
    (hazard,) = hazards(link(body, states=states), "LCK101")
    assert hazard.remedy is not None
    plan: Any = hazard.remedy.plan
    assert (plan.forbidden, plan.allowed, plan.null_allowed) == (('"x"', '"y"'), (), True)


# --- LCK401 -----------------------------------------------------------------------------------------------


ERRORS = """
from sqlalchemy.exc import DBAPIError, IntegrityError, NoResultFound, SQLAlchemyError
from other_library import log
"""
HANDLED = {
    "nothing in the try": "try:\n    log()\nexcept Exception:\n    log()\nsession.flush()",
    "another error": "try:\n    session.flush()\nexcept ValueError:\n    log()\nsession.flush()",
    "no result": "try:\n    session.scalars(select(Job)).one()\nexcept NoResultFound:\n    log()\nsession.flush()",
    "rolled back": "try:\n    session.flush()\nexcept Exception:\n    session.rollback()\nsession.flush()",
    "raised again": "try:\n    session.flush()\nexcept Exception:\n    log()\n    raise\nsession.flush()",
    "raised as another": "try:\n    session.flush()\nexcept Exception:\n    raise ValueError\nsession.flush()",
    "function is left": "try:\n    session.flush()\nexcept Exception:\n    return\nsession.flush()",
    "not used afterwards": "session.flush()\ntry:\n    session.flush()\nexcept Exception:\n    log()",
    "a savepoint": (
        "try:\n    with session.begin_nested():\n        session.flush()\nexcept IntegrityError:\n    log()\n"
        "session.flush()"
    ),
    "re-raised first": (
        "try:\n    session.flush()\nexcept DBAPIError:\n    raise\nexcept Exception:\n    log()\nsession.flush()"
    ),
    "own session inside": (
        "try:\n    with Session() as mine:\n        mine.flush()\nexcept Exception:\n    log()\nsession.flush()"
    ),
    "rolled back where that is needed": (
        "try:\n    session.flush()\nexcept Exception:\n    if session.is_active:\n        session.rollback()\n"
        "session.flush()"
    ),
    "left in a loop": ("for key in keys:\n    try:\n        session.flush()\n    except Exception:\n        break\n"),
}


def handled(body: str) -> list[str]:
    text = body.replace("\n", "\n    ")
    return lines(link(f"{ERRORS}\ndef f(session: Session, keys):\n    {text}\n"), "LCK401")


@pytest.mark.parametrize("body", HANDLED.values(), ids=HANDLED)
def test_handler_that_is_fine(body: str) -> None:
    assert handled(body) == []


SWALLOWED: dict[str, Any] = {
    "used afterwards": "try:\n    session.flush()\nexcept Exception:  # bad\n    log()\nsession.flush()",
    "used in the handler": "try:\n    session.flush()\nexcept Exception:  # bad\n    session.add(Job())",
    "bare": "try:\n    session.flush()\nexcept:  # bad\n    log()\nsession.flush()",
    "database error": "try:\n    session.flush()\nexcept SQLAlchemyError:  # bad\n    log()\nsession.commit()",
    "among others": "try:\n    session.flush()\nexcept (ValueError, DBAPIError):  # bad\n    log()\nsession.commit()",
    "next turn": "for key in keys:\n    try:\n        session.flush()\n    except Exception:  # bad\n        log()",
    "continue": "for key in keys:\n    try:\n        session.flush()\n    except Exception:  # bad\n        continue",
    "passed to a call": "try:\n    session.flush()\nexcept Exception:  # bad\n    log(session)",
    "in finally": "try:\n    session.flush()\nexcept Exception:  # bad\n    log()\nfinally:\n    session.commit()",
}


@pytest.mark.parametrize("body", SWALLOWED.values(), ids=SWALLOWED)
def test_handler_that_hides_an_aborted_transaction(body: str) -> None:
    assert handled(body) == ["bad"]


# --- LCK301, LCK403, LCK102 -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("session.merge(given)", []),
        ("part = session.get(Part, (1, 2))\n    session.merge(part)", []),
        ("session.merge(Job(name='a'))", []),
        ("session.add(Part(run_id=1, number=2))", []),
        ("with session.begin_nested():\n        session.merge(Part(run_id=1, number=2))", []),
        ("session.merge(Part(run_id=1, number=2))  # bad", ["bad"]),
        ("part = Part(run_id=1, number=2)\n    session.merge(part)  # bad", ["bad"]),
    ],
)
def test_merge(body: str, wanted: list[str]) -> None:
    assert lines(link(f"def f(session: Session, given):\n    {body}\n"), "LCK301") == wanted


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("session.add(run)\n    session.flush()\n    session.add(Job(run_id=run.id))\n    session.commit()", []),
        ("session.add(run)\n    session.commit()", []),
        ("session.add(run)\n    session.commit()\n    session.add(Job(run_id=given))", []),
        ("session.add(run)\n    session.commit()\n    session.add(Team())", []),
        ("session.add(run)\n    session.commit()  # bad\n    session.add(Job(run_id=run.id))", ["bad"]),
        ("session.add(run)\n    session.commit()  # bad\n    session.add(Job(run=run))", ["bad"]),
        ("session.add(run)\n    session.commit()  # bad\n    session.add_all([Job(run=run) for _ in given])", ["bad"]),
    ],
)
def test_split_write(body: str, wanted: list[str]) -> None:
    assert lines(link(f"def f(session: Session, given):\n    run = Run(name='a')\n    {body}\n"), "LCK403") == wanted


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("Job.state == 'a'", []),
        ("Job.name != 'a'", []),
        ("Job.state != 'a', Job.state.is_not(None)", []),
        ("or_(Job.state != 'a', Job.state.is_(None))", []),
        ("Job.state.in_(['a', 'b'])", []),
        ("Job.state.is_distinct_from('a')", []),
        ("or_(Job.state.not_in(['a']), Job.id == 1)", []),
        ("Job.state != 'a'", ["bad"]),
        ("Job.state.not_in(['a'])", ["bad"]),
        ("~Job.state.in_(['a'])", ["bad"]),
        ("Job.state.in_(['a', None])", ["bad"]),
        ("Job.name == 'a', Job.state.not_in(given)", ["bad"]),
    ],
)
def test_null_blind(where: str, wanted: list[str]) -> None:
    project = link(f"def f(session: Session, given):\n    session.execute(delete(Job).where({where}))  # bad\n")
    assert lines(project, "LCK102") == wanted


def test_fix_of_a_classes_own_table_names_its_columns() -> None:
    """`Job.__table__` has its columns under `.c`."""
    project = link("""
def sweep(session: Session):
    table = Job.__table__
    session.execute(update(table).where(table.c.state == "old").values(name="x"))

def lower(session: Session, keys):
    for job in session.scalars(select(Job).order_by(Job.id)):
        job.name = "y"
        session.flush()
""")
    hazards = all_checks()["LCK201"](project.project)
    plans = [hazard.remedy.plan for hazard in hazards if hazard.remedy is not None]
    assert [(plan.model, plan.is_table) for plan in plans if isinstance(plan, OrderWrite)] == [("Job.__table__", True)]


# --- LCK303 -----------------------------------------------------------------------------------------------


UPSERTS = """
from sqlalchemy.dialects.postgresql import insert as put

def put_all(session: Session, rows: list[dict]):
    statement = put(Job).values(rows)
    session.execute(statement.on_conflict_do_update(index_elements=["run_id", "name"], set_={"priority": 1}))

def of_run(session: Session, run_id: int, names: list[str]):
    put_all(session, [{"run_id": run_id, "name": name, "priority": 1} for name in names])

def of_runs(session: Session, runs: list[int], names: list[str]):
    for run_id in runs:
        of_run(session, run_id, names)
        session.commit()
"""


@pytest.mark.parametrize(
    ("where", "other"),
    [("Job.name == name", "another run of the same code"), ("Job.priority == 1", "forget at ")],
)
def test_rows_of_one_parent_meet_those_of_one_name_once(where: str, other: str) -> None:
    forget = f"def forget(session: Session, name: str):\n    session.execute(delete(Job).where({where}))\n"
    (hazard,) = hazards(link(f"{UPSERTS}\n{forget}"), "LCK303", preview=False)
    assert other in hazard.message


# --- LCK301 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("between", "offered"), [("lease.count = 1", True), ("lease.jobs.append(given)", False)])
def test_upsert_where_no_relationship_is_named(between: str, *, offered: bool) -> None:
    lease = """
class Lease(Base):
    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    jobs: Mapped[list["Job"]] = relationship()
"""
    steps = f"lease = Lease(name=name)\n    {between}\n    session.merge(lease)"
    body = f"def f(session: Session, name: str, given):\n    {steps}"
    head = "from models import Base\nfrom sqlalchemy.orm import Mapped, mapped_column, relationship\n"
    (hazard,) = hazards(link(f"{head}{lease}\n{body}\n"), "LCK301", preview=False)
    assert (hazard.remedy is not None) == offered
