"""Locks that a transaction loses before it writes the rows."""

from __future__ import annotations

import pytest

from lockcheck.linking.releases import Release, releases
from tests.linked import Linked, link


def found(body: str) -> list[Release]:
    return list(releases(link(body).project))


def line(project: Linked, release: Release) -> str:
    """The line of the call, or of the end itself, by which the lock is lost."""
    site = release.call or getattr(release.end.detail, "site", None)
    assert site is not None
    return project.texts[site.path].splitlines()[project.project.linker.position(site).line - 1].strip()


LOCK = "    job = session.get(Job, key, with_for_update=True)\n"


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_write_after_the_end(end: str) -> None:
    (release,) = found(f"def f(key, session: Session):\n{LOCK}    session.{end}()\n    job.priority = 1\n")
    assert release.call is None


@pytest.mark.parametrize(
    "use",
    [
        "session.merge(job)",
        "session.delete(job)",
        "session.execute(update(Job).where(Job.id == key).values(priority=1))",
    ],
)
def test_other_writes_after_the_end(use: str) -> None:
    assert found(f"def f(key, session: Session):\n{LOCK}    session.commit()\n    {use}\n")


@pytest.mark.parametrize(
    "after",
    [
        "print(job.priority)",
        "session.flush()",
        "session.execute(update(Job).where(Job.id == 7).values(priority=1))",
        "session.execute(update(Job).where(Job.id == key, Job.state == 'a').values(priority=1))",
        "session.execute(update(Run).where(Run.id == key).values(name='x'))",
    ],
)
def test_what_needs_no_lock_after_the_end(after: str) -> None:
    assert not found(f"def f(key, session: Session):\n{LOCK}    session.commit()\n    {after}\n")


def test_write_ahead_of_the_end() -> None:
    assert not found(f"def f(key, session: Session):\n{LOCK}    job.priority = 1\n    session.commit()\n")


def test_end_of_another_session() -> None:
    assert not found(f"def f(key, session: Session, other: Session):\n{LOCK}    other.commit()\n    job.priority = 1\n")


def test_end_that_leaves_the_function() -> None:
    assert not found(f"""
def f(key, session: Session):
{LOCK}
    if job.state:
        session.rollback()
        return
    job.priority = 1
""")


def test_end_in_a_branch() -> None:
    assert found(f"""
def f(key, session: Session):
{LOCK}
    if job.state:
        session.commit()
    job.priority = 1
""")


@pytest.mark.parametrize("condition", ["", "    if key:\n    "])
def test_rows_that_are_locked_again(condition: str) -> None:
    again = f"{condition}    session.execute(select(Job).where(Job.id == key).with_for_update())\n"
    assert not found(f"def f(key, session: Session):\n{LOCK}    session.commit()\n{again}    job.priority = 1\n")


def test_lock_of_another_table_in_between() -> None:
    other = "    session.execute(select(Part).where(Part.run_id == key).with_for_update())\n"
    assert found(f"def f(key, session: Session):\n{LOCK}    session.commit()\n{other}    job.priority = 1\n")


def test_lock_that_only_a_handler_takes() -> None:
    assert found(f"""
def f(key, session: Session):
{LOCK}
    try:
        session.commit()
    except ValueError:
        session.get(Job, key, with_for_update=True)
    job.priority = 1
""")


def test_end_in_a_callee_stands_at_the_call() -> None:
    project = link(f"""
def f(key, session: Session):
{LOCK}
    save(session)
    job.priority = 1

def save(session):
    inner(session)

def inner(session):
    session.commit()
""")
    (release,) = releases(project.project)
    assert line(project, release) == "save(session)"


def test_end_in_a_turn_of_the_loop_over_the_rows() -> None:
    project = link("""
def f(key, session: Session):
    for job in session.scalars(select(Job).where(Job.run_id == key).with_for_update()).all():
        job.priority = 1
        session.commit()
""")
    (release,) = releases(project.project)
    assert line(project, release) == "session.commit()"


def test_lock_that_each_turn_takes_anew() -> None:
    assert not found("""
def f(keys, session: Session):
    for key in keys:
        job = session.get(Job, key, with_for_update=True)
        job.priority = 1
        session.commit()
""")


def test_helper_that_locks_whenever_it_is_called() -> None:
    assert not found("""
def f(key, session: Session):
    bump(key, session)
    session.commit()
    bump(key, session)

def bump(key, session):
    session.execute(select(Job).where(Job.id == key).with_for_update())
    session.execute(update(Job).where(Job.id == key).values(priority=1))
""")


def test_plain_select_holds_nothing() -> None:
    assert not found(
        "def f(key, session: Session):\n    job = session.get(Job, key)\n    session.commit()\n    job.priority = 1\n"
    )
