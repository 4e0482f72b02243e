"""What each construct locks, in which mode, and when."""

from __future__ import annotations

import pytest

from lockcheck.linking.events import Execute, Leave, SessionCall
from lockcheck.linking.footprints import Lock
from tests.linked import Linked, link, link_texts

Row = tuple[str, str, str]
"""The table, the mode and the construct of a lock."""


def locks(project: Linked, function: str = "f") -> list[Lock]:
    return list(project.project.footprints.of(project.trace(function)))


def rows(project: Linked, function: str = "f") -> list[Row]:
    return [(lock.table, lock.mode, lock.how) for lock in locks(project, function)]


def only(body: str) -> Lock:
    """The one lock of `f`."""
    (found,) = locks(link(f"def f(key, session: Session):\n    {body}\n"))
    return found


def sent_at(project: Linked, function: str = "f") -> list[str]:
    """What sends each lock: `execute`, a session's method, or the end of the run."""
    found = []
    for lock in locks(project, function):
        detail = lock.taken.at.detail
        words = {Execute: "execute", Leave: "end"}
        found.append(detail.method if isinstance(detail, SessionCall) else words.get(type(detail), "block"))
    return found


# --- statements ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "mode"),
    [
        ("", "update"),
        ("key_share=True", "no key update"),
        ("read=True", "share"),
        ("read=True, key_share=True", "key share"),
    ],
)
def test_row_lock_has_the_mode_that_is_asked_for(arguments: str, mode: str) -> None:
    lock = only(f"session.execute(select(Job).where(Job.id == key).with_for_update({arguments}))")
    assert (lock.table, lock.mode, lock.how, lock.many, lock.blocking) == ("job", mode, "row lock", False, True)


@pytest.mark.parametrize("word", ["skip_locked", "nowait"])
def test_row_lock_that_does_not_wait(word: str) -> None:
    assert not only(f"session.execute(select(Job).where(Job.id == key).with_for_update({word}=True))").blocking


@pytest.mark.parametrize(
    "call", ["session.get(Job, key, with_for_update=True)", "session.get_one(Job, key, None, with_for_update=True)"]
)
def test_get_with_for_update_locks_one_row(call: str) -> None:
    lock = only(call)
    assert (lock.table, lock.mode, lock.many) == ("job", "update", False)


def test_plain_select_locks_nothing() -> None:
    assert (
        rows(link("def f(key, session: Session):\n    session.get(Job, key)\n    session.scalars(select(Job)).all()\n"))
        == []
    )


def test_many_rows_unless_a_key_or_limit_says_one() -> None:
    project = link("""
def f(key, session: Session):
    session.execute(select(Job).where(Job.run_id == key).with_for_update())
    session.execute(select(Job).where(Job.slug == key).with_for_update())
    session.execute(select(Job).where(Job.run_id == key).limit(1).with_for_update())
""")
    assert [lock.many for lock in locks(project)] == [True, False, False]


def test_eager_join_is_locked_as_well() -> None:
    project = link("def f(key, session: Session):\n    session.get(Run, key, with_for_update=True)\n")
    assert rows(project) == [("run", "update", "row lock"), ("team", "update", "eager join")]


def test_explicit_join_is_locked_as_well() -> None:
    project = link("def f(key, session: Session):\n    session.execute(select(Job).join(Run).with_for_update())\n")
    assert rows(project) == [("job", "update", "row lock"), ("run", "update", "join")]


@pytest.mark.parametrize(
    "call",
    [
        'session.get(Run, key, with_for_update={"of": Run})',
        "session.execute(select(Run).where(Run.id == key).with_for_update(of=Run))",
        "session.execute(select(Run.id).where(Run.id == key).with_for_update())",
    ],
)
def test_of_and_columns_keep_the_lock_to_one_table(call: str) -> None:
    assert only(call).table == "run"


def test_update_of_other_columns_is_no_key_update() -> None:
    lock = only("session.execute(update(Job).where(Job.id == key).values(priority=1))")
    assert (lock.table, lock.mode, lock.how, lock.many) == ("job", "no key update", "update", False)


def test_update_of_a_unique_column_is_update() -> None:
    assert only("session.execute(update(Job).where(Job.id == key).values(slug='x'))").mode == "update"


def test_delete_is_update() -> None:
    lock = only("session.execute(delete(Job).where(Job.run_id == key))")
    assert (lock.mode, lock.how, lock.many) == ("update", "delete", True)


def test_update_of_a_foreign_key_locks_the_parent_for_key_share() -> None:
    project = link(
        "def f(key, session: Session):\n    session.execute(update(Job).where(Job.id == 1).values(run_id=key))\n"
    )
    unique = "update"  # it is half of a unique key
    assert rows(project) == [("job", unique, "update"), ("run", "key share", "foreign key")]


def test_insert_locks_its_parents_alone() -> None:
    project = link("def f(key, session: Session):\n    session.execute(insert(Job).values(run_id=key))\n")
    assert rows(project) == [("run", "key share", "foreign key")]


@pytest.mark.parametrize(
    ("conflict", "found"),
    [
        (
            "on_conflict_do_update(index_elements=[Job.slug], set_={'priority': 1})",
            [("job", "no key update", "upsert")],
        ),
        ("on_conflict_do_nothing()", []),
    ],
)
def test_upsert_locks_the_row_that_it_updates(conflict: str, found: list[Row]) -> None:
    project = link(
        "from sqlalchemy.dialects.postgresql import insert as upsert\n\n"
        f"def f(key, session: Session):\n    session.execute(upsert(Job).values(slug=key).{conflict})\n"
    )
    assert rows(project) == found


def test_on_delete_writes_children() -> None:
    project = link_texts(
        {
            "app": """
from sqlalchemy import ForeignKey, delete
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

class Base(DeclarativeBase):
    pass

class Run(Base):
    __tablename__ = "run"
    id: Mapped[int] = mapped_column(primary_key=True)

class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))

class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id", ondelete="SET NULL"))

class Mark(Base):
    __tablename__ = "mark"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))

def f(key, session: Session):
    session.execute(delete(Run).where(Run.id == key))
"""
        }
    )
    found = rows(project)
    assert found[0] == ("run", "update", "delete")
    assert sorted(found[1:]) == [("job", "update", "cascade"), ("note", "no key update", "cascade")]


# --- the unit of work ---------------------------------------------------------------------------------------------


def test_write_is_sent_by_a_flush() -> None:
    project = link("""
def f(key, session: Session):
    job = session.get(Job, key)
    job.priority = 1
    session.flush()
""")
    assert rows(project) == [("job", "no key update", "flush")]
    assert sent_at(project) == ["flush"]


def test_write_of_a_key_is_update() -> None:
    project = link("def f(key, session: Session):\n    session.get(Job, key).slug = 'x'\n    session.flush()\n")
    assert rows(project) == [("job", "update", "flush")]


def test_write_is_sent_by_the_commit() -> None:
    project = link("def f(key, session: Session):\n    session.get(Job, key).priority = 1\n    session.commit()\n")
    assert sent_at(project) == ["commit"]


def test_write_is_sent_at_the_end_of_the_run() -> None:
    project = link("def f(key, session: Session):\n    session.get(Job, key).priority = 1\n")
    assert sent_at(project) == ["end"]


@pytest.mark.parametrize("end", ["rollback", "expunge_all"])
def test_write_that_is_thrown_away_locks_nothing(end: str) -> None:
    project = link(f"def f(key, session: Session):\n    session.get(Job, key).priority = 1\n    session.{end}()\n")
    assert rows(project) == []


def test_query_sends_what_waits_ahead_of_its_own_lock() -> None:
    project = link("""
def f(key, session: Session):
    job = session.get(Job, key)
    job.priority = 1
    session.execute(select(Part).where(Part.run_id == key).with_for_update())
""")
    assert rows(project) == [("job", "no key update", "flush"), ("part", "update", "row lock")]
    assert sent_at(project) == ["execute", "execute"]


def test_query_sends_nothing_without_autoflush() -> None:
    project = link("""
Sessions = sessionmaker(autoflush=False)

def f(key, session: Session):
    job = session.get(Job, key)
    job.priority = 1
    session.execute(select(Part).where(Part.run_id == key).with_for_update())
""")
    assert rows(project) == [("part", "update", "row lock"), ("job", "no key update", "flush")]
    assert sent_at(project) == ["execute", "end"]


def test_get_sends_nothing() -> None:
    project = link("""
def f(key, session: Session):
    session.get(Job, key).priority = 1
    session.get(Run, key)
""")
    assert sent_at(project) == ["end"]


def test_flush_writes_parents_first() -> None:
    project = link("""
def f(key, session: Session):
    job = session.get(Job, key)
    job.priority = 1
    run = session.get(Run, key)
    run.name = "x"
    session.flush()
""")
    assert [table for table, *_ in rows(project)] == ["run", "job"]


def test_flush_updates_a_table_before_it_inserts_and_deletes_children_first() -> None:
    project = link("""
def f(key, session: Session):
    session.delete(session.get(Run, key))
    session.delete(session.get(Part, key))
    session.add(Job(run_id=key))
    session.get(Job, key).priority = 1
    session.flush()
""")
    assert [(lock.table, lock.how) for lock in locks(project)] == [
        ("job", "flush"),
        ("run", "foreign key"),
        ("part", "delete"),
        ("run", "delete"),
    ]


def test_added_object_locks_its_parents_at_the_flush() -> None:
    project = link("def f(key, session: Session):\n    session.add(Job(run_id=key))\n    session.commit()\n")
    assert rows(project) == [("run", "key share", "foreign key")]
    assert sent_at(project) == ["commit"]


def test_child_of_a_new_parent_locks_nothing() -> None:
    project = link("""
def f(session: Session):
    run = Run(name="x")
    session.add(Job(run=run))
    session.flush()
""")
    assert rows(project) == []


def test_init_makes_a_new_row() -> None:
    project = link("""
class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]

    def __init__(self, text):
        self.text = text
""")
    assert rows(project, "app.Note.__init__") == []


def test_rows_below_a_new_parent_are_new() -> None:
    project = link("""
def f(session: Session):
    run = Run(name="x")
    session.add(run)
    session.flush()
    session.scalars(select(Job).where(Job.run_id == run.id)).one().priority = 1
    session.flush()
""")
    assert rows(project) == []


def test_column_that_points_at_several_tables_locks_none() -> None:
    project = link("""
class Label(Base):
    __tablename__ = "label"
    id: Mapped[int] = mapped_column(primary_key=True)
    object_id: Mapped[int] = mapped_column(ForeignKey("run.id"), ForeignKey("job.id"))

def f(key, session: Session):
    session.add(Label(object_id=key))
    session.flush()
""")
    assert rows(project) == []


def test_merge_and_delete_are_sent_by_the_flush() -> None:
    project = link("""
def f(key, session: Session):
    job = session.get(Job, key)
    session.merge(job)
    session.flush()
    session.delete(job)
    session.flush()
""")
    assert rows(project) == [("job", "no key update", "merge"), ("job", "update", "delete")]
    assert sent_at(project) == ["flush", "flush"]


def test_flush_of_another_session_sends_nothing() -> None:
    project = link("""
def f(key, session: Session, other: Session):
    session.get(Job, key).priority = 1
    other.flush()
    session.flush()
""")
    (lock,) = locks(project)
    assert lock.taken.at.number == len(project.trace().steps) - 1


def test_object_of_a_parameter_belongs_to_the_session_of_its_function() -> None:
    project = link("""
def f(job: Job, session: Session, other: Session):
    change(job, session)
    other.flush()

def change(job: Job, session: Session):
    session.execute(select(Run))
    job.priority = 1
""")
    assert sent_at(project) == ["end"]


def test_objects_of_a_loop_are_many() -> None:
    project = link("""
def f(key, session: Session):
    for job in session.scalars(select(Job).where(Job.run_id == key)):
        job.priority = 1
    session.flush()
""")
    (lock,) = locks(project)
    assert lock.many
