"""Session decorators: what a call without a session does, and what one with a session does not."""

from __future__ import annotations

import pytest

from lockcheck.linking.events import Execute, Opened, SessionCall
from lockcheck.linking.trace import same_session
from tests.linked import Linked, link

OPENING = """
from contextlib import contextmanager
from functools import wraps

Scoped = scoped_session(sessionmaker())
Plain = sessionmaker()

@contextmanager
def opened(scoped=True):
    session = Scoped() if scoped else Plain()
    try:
        yield session
        session.commit()
    except Exception:
        session.rollback()
        raise
    finally:
        session.close()

def with_session(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        if "session" in kwargs:
            return function(*args, **kwargs)
        with opened() as session:
            return function(*args, session=session, **kwargs)
    return wrapper

def with_named_session(name):
    def decorator(function):
        def wrapper(*args, **kwargs):
            if kwargs.get("session") is None:
                session = Plain()
                kwargs["session"] = session
                try:
                    result = function(*args, **kwargs)
                    session.commit()
                    return result
                finally:
                    session.close()
            return function(*args, **kwargs)
        return wrapper
    return decorator

def logged(function):
    def wrapper(*args, **kwargs):
        print(function)
        return function(*args, **kwargs)
    return wrapper
"""


def calls(project: Linked, function: str = "f") -> list[str]:
    """What happens to sessions, in order."""
    found = []
    for step in project.trace(function).steps:
        detail = step.detail
        if isinstance(detail, SessionCall):
            found.append(detail.method)
        elif isinstance(detail, Opened):
            found.append("open" if detail.entered else "close")
        elif isinstance(detail, Execute):
            found.append(detail.statement.kind)
    return found


def test_call_without_session_opens_commits_and_closes_one() -> None:
    project = link(f"""{OPENING}
@with_session
def clear(key, session: Session = None):
    session.execute(delete(Job).where(Job.id == key))

def f(key, own: Session):
    clear(key)
""")
    assert calls(project) == ["open", "delete", "commit", "rollback", "close", "close"]
    assert project.executes()[0].session.owner == "shared"  # type: ignore[union-attr]


@pytest.mark.parametrize("call", ["clear(key, session=session)", "clear(key, session)"])
def test_call_with_session_is_a_plain_call(call: str) -> None:
    project = link(f"""{OPENING}
@with_session
def clear(key, session: Session = None):
    session.execute(delete(Job).where(Job.id == key))

def f(key, session: Session):
    {call}
""")
    assert calls(project) == ["delete"]


def test_decorator_with_arguments_that_fills_the_keywords() -> None:
    project = link(f"""{OPENING}
@with_named_session("main")
def clear(key, session: Session = None):
    session.execute(delete(Job).where(Job.id == key))

def f(key, own: Session):
    clear(key)
""")
    assert calls(project) == ["delete", "commit", "close"]
    assert project.executes()[0].session.owner == "own"  # type: ignore[union-attr]


def test_each_call_has_a_session_of_its_own() -> None:
    project = link(f"""{OPENING}
@with_named_session("main")
def clear(key, session: Session = None):
    session.execute(delete(Job).where(Job.id == key))

def f(key, other, own: Session):
    clear(key)
    clear(other)
""")
    first, second = (execute.session for execute in project.executes())
    assert first is not None
    assert second is not None
    assert not same_session(first, second)


def test_nested_calls_share_the_session_of_the_thread() -> None:
    project = link(f"""{OPENING}
@with_session
def clear(key, session: Session = None):
    session.execute(delete(Job).where(Job.id == key))

@with_session
def outer(key, session: Session = None):
    session.execute(update(Job).where(Job.id == key).values(state="a"))
    clear(key)

def f(key, own: Session):
    outer(key)
""")
    first, second = (execute.session for execute in project.executes())
    assert first is not None
    assert second is not None
    assert same_session(first, second)


def test_other_decorators_open_nothing() -> None:
    project = link(f"""{OPENING}
@logged
def clear(key, session: Session = None):
    session.execute(delete(Job).where(Job.id == key))

def f(key, own: Session):
    clear(key)
""")
    assert calls(project) == ["delete"]


def test_two_blocks_of_one_factory_are_two_sessions() -> None:
    project = link("""
Factory = sessionmaker()

def f(key):
    with Factory.begin() as one:
        one.execute(delete(Job).where(Job.id == key))
    with Factory.begin() as two:
        two.execute(delete(Job).where(Job.id == key))
""")
    first, second = (execute.session for execute in project.executes())
    assert first is not None
    assert second is not None
    assert not same_session(first, second)


def test_object_keeps_the_session_that_it_was_built_with() -> None:
    project = link("""
class Guard:
    def __init__(self, session):
        self.session = session

    def commit(self):
        self.session.commit()

def guarded(session: Session):
    return Guard(session)

def f(session: Session, key):
    with guarded(session) as guard:
        job = session.get(Job, key, with_for_update=True)  # lock
        guard.commit()
        session.execute(delete(Job).where(Job.id == key))  # write
""")
    assert project.ended_between("lock", "write")


def test_recursion_is_gone_through_twice() -> None:
    project = link("""
def walk(session: Session, job):
    session.get(Job, job.id, with_for_update=True)
    for part in job.parts:
        walk(session, part)

def f(session: Session, job):
    walk(session, job)
""")
    assert len(project.executes()) == 2


def test_functions_that_only_call_each_other_are_looked_at() -> None:
    project = link("""
def left(session: Session, key):
    session.get(Job, key, with_for_update=True)
    right(session, key)

def right(session: Session, key):
    left(session, key)

def alone(session: Session, key):
    session.get(Job, key)
""")
    assert [name for name in project.project.entries if name.startswith("app.")] == ["app.alone", "app.left"]
