"""What may come after what in one run, and which transaction ends lie between."""

from __future__ import annotations

from textwrap import indent

import pytest

from tests.linked import Linked, link

CALLEES = """
from other_library import check

def stops(session):
    session.flush()
    raise ValueError

def leaves(session):
    if session.new:
        return
    session.flush()

def ends(session):
    session.commit()

def may_end(session, flag):
    if flag:
        session.commit()

def ends_or_raises(session, flag):
    if flag:
        raise ValueError
    session.commit()

def touch(session):
    session.flush()

def stops_at_first(session):
    if session.new:
        raise ValueError
    session.flush()

def stops_at_last(session, flag):
    if flag:
        session.flush()
        return
    raise ValueError
"""

START = "session.execute(select(Job).with_for_update())  # first\n"
END = "session.execute(update(Job))  # second\n"


def run(body: str) -> Linked:
    text = body.strip("\n").replace("<first>", START.strip()).replace("<second>", END.strip())
    return link(f"{CALLEES}\ndef f(session: Session, flag, other, keys):\n{indent(text, '    ')}\n")


REACHES = {
    "straight": "<first>\n<second>",
    "a branch of a callee is none of the caller's": """
if flag:
    <first>
    stops_at_first(session)
    <second>
""",
    "a raise behind a return": "<first>\nstops_at_last(session, flag)\n<second>",
    "if then after": """
if flag:
    <first>
<second>
""",
    "into an if": """
<first>
if flag:
    <second>
""",
    "two ifs in turn": """
if flag:
    <first>
if other:
    <second>
""",
    "return in the other branch": """
if flag:
    return
else:
    <first>
<second>
""",
    "return in a branch between": """
<first>
if flag:
    return
<second>
""",
    "raise in a branch between": """
<first>
if flag:
    raise ValueError
<second>
""",
    "raise caught outside": """
try:
    <first>
    raise ValueError
except ValueError:
    pass
<second>
""",
    "body to its handler": """
try:
    <first>
except ValueError:
    <second>
""",
    "body to else": """
try:
    <first>
except ValueError:
    pass
else:
    <second>
""",
    "body to finally": """
try:
    <first>
finally:
    <second>
""",
    "return in the body to finally": """
try:
    <first>
    return
finally:
    <second>
""",
    "handler to finally": """
try:
    check()
except ValueError:
    <first>
finally:
    <second>
""",
    "handler to after": """
try:
    check()
except ValueError:
    <first>
<second>
""",
    "handler that raises to finally": """
try:
    check()
except ValueError:
    <first>
    raise
finally:
    <second>
""",
    "loop to after": """
for key in keys:
    <first>
<second>
""",
    "later turn of the loop": """
for key in keys:
    <second>
    <first>
""",
    "next turn after continue": """
for key in keys:
    if key:
        <first>
        continue
    <second>
""",
    "break to after": """
for key in keys:
    <first>
    break
<second>
""",
    "loop to its else": """
for key in keys:
    <first>
else:
    <second>
""",
    "branches of one loop in different turns": """
for key in keys:
    if key:
        <first>
    else:
        <second>
""",
    "while": """
while flag:
    <second>
    <first>
""",
    "callee that returns early": """
<first>
leaves(session)
<second>
""",
    "with": """
with session.begin_nested():
    <first>
<second>
""",
    "nested function that returns": """
<first>
def inner():
    touch(session)
    return
inner()
<second>
""",
    "raise in a nested try": """
<first>
try:
    if flag:
        raise ValueError
except ValueError:
    pass
<second>
""",
}


@pytest.mark.parametrize("body", REACHES.values(), ids=REACHES)
def test_reaches(body: str) -> None:
    assert run(body).reaches("first", "second")


NEVER = {
    "a raise behind a return elsewhere": """
if flag:
    <first>
else:
    return
stops(session)
<second>
""",
    "backwards": "<second>\n<first>",
    "other branch": """
if flag:
    <first>
else:
    <second>
""",
    "elif": """
if flag:
    <first>
elif other:
    <second>
""",
    "returned before": """
if flag:
    <first>
    return
<second>
""",
    "raised before": """
if flag:
    <first>
    raise ValueError
<second>
""",
    "return in the same branch, further in": """
if flag:
    if other:
        <first>
    touch(session)
    return
<second>
""",
    "handlers of one try": """
try:
    check()
except ValueError:
    <first>
except KeyError:
    <second>
""",
    "handler to else": """
try:
    check()
except ValueError:
    <first>
else:
    <second>
""",
    "else to handler": """
try:
    check()
except ValueError:
    <second>
else:
    <first>
""",
    "handler that re-raises": """
try:
    check()
except ValueError:
    <first>
    raise
<second>
""",
    "handler that returns": """
try:
    check()
except ValueError:
    <first>
    return
<second>
""",
    "loop left by return": """
for key in keys:
    if key:
        <first>
        return
<second>
""",
    "callee that always raises": """
<first>
stops(session)
<second>
""",
}


@pytest.mark.parametrize("body", NEVER.values(), ids=NEVER)
def test_never_reaches(body: str) -> None:
    assert not run(body).reaches("first", "second")


DEAD = {
    "after a return": "<first>\nreturn\n<second>",
    "after a raise": "<first>\nraise ValueError\n<second>",
    "after break": """
for key in keys:
    <first>
    break
    <second>
""",
    "after a block that returns": """
with session.begin_nested():
    <first>
    return
<second>
""",
    "after branches that all return": """
<first>
if flag:
    return
else:
    return
<second>
""",
}


@pytest.mark.parametrize("body", DEAD.values(), ids=DEAD)
def test_dead_code_has_no_steps(body: str) -> None:
    project = run(body)
    assert project.at("first")
    assert not list(project.all_at("second"))


def test_nothing_follows_itself() -> None:
    project = run("<first>")
    step = project.at("first")
    assert not project.trace().reaches(step, step)


def test_loop_that_is_left_at_once_does_not_come_round() -> None:
    project = run("""
for key in keys:
    <second>
    <first>
    break
""")
    assert not project.reaches("first", "second")


# --- transactions -----------------------------------------------------------------------------------------


GOES_ON = {
    "nothing": "<first>\n<second>",
    "flush": "<first>\nsession.flush()\n<second>",
    "expire": "<first>\nsession.expire_all()\n<second>",
    "savepoint": """
<first>
with session.begin_nested():
    session.flush()
<second>
""",
    "savepoint rolled back": """
<first>
point = session.begin_nested()
point.rollback()
<second>
""",
    "commit of another session": """
<first>
with Session() as mine:
    mine.commit()
<second>
""",
    "commit before": "session.commit()\n<first>\n<second>",
    "commit after": "<first>\n<second>\nsession.commit()",
    "commit in a branch": """
<first>
if flag:
    session.commit()
<second>
""",
    "commit in a loop": """
<first>
for key in keys:
    session.commit()
<second>
""",
    "commit in a callee's branch": "<first>\nmay_end(session, flag)\n<second>",
    "rollback in a handler": """
<first>
try:
    check()
except ValueError:
    session.rollback()
<second>
""",
    "commit in a branch that leaves": """
<first>
if flag:
    session.commit()
    return
<second>
""",
}


@pytest.mark.parametrize("body", GOES_ON.values(), ids=GOES_ON)
def test_transaction_may_go_on(body: str) -> None:
    assert not run(body).ended_between("first", "second")


ENDED = {
    "commit": "<first>\nsession.commit()\n<second>",
    "rollback": "<first>\nsession.rollback()\n<second>",
    "close": "<first>\nsession.close()\n<second>",
    "in a callee": "<first>\nends(session)\n<second>",
    "callee that may raise": "<first>\nends_or_raises(session, flag)\n<second>",
    "in the branch of the first": """
if flag:
    <first>
    session.commit()
<second>
""",
    "in the branch of the second": """
<first>
if flag:
    session.commit()
    <second>
""",
    "in a try body": """
<first>
try:
    session.commit()
except ValueError:
    pass
<second>
""",
    "in finally": """
try:
    <first>
finally:
    session.commit()
<second>
""",
    "in with": """
<first>
with session.no_autoflush:
    session.commit()
<second>
""",
    "at the end of begin()": """
with session.begin():
    <first>
<second>
""",
    "in both branches": """
<first>
if flag:
    session.commit()
else:
    session.rollback()
<second>
""",
}


@pytest.mark.parametrize("body", ENDED.values(), ids=ENDED)
def test_transaction_is_over(body: str) -> None:
    assert run(body).ended_between("first", "second")


def test_end_of_a_session_is_not_that_of_another() -> None:
    project = link("""
        def f(one: Session, two: Session):
            one.execute(select(Job).with_for_update())  # first
            two.commit()
            one.execute(update(Job))  # second
    """)
    assert not project.ended_between("first", "second")


def test_steps_of_callees_stand_where_they_are_called() -> None:
    project = link("""
        def one(session):
            session.execute(delete(Job))

        def two(session):
            one(session)
            session.execute(delete(Run))

        def f(session: Session):
            session.execute(delete(Team))
            two(session)
            session.execute(delete(Part))
    """)
    tables = [project.locks.table(statement.model) for statement in project.statements()]
    assert tables == ["team", "job", "run", "part"]
    steps = [step for step in project.trace().steps if type(step.detail).__name__ == "Execute"]
    assert [len(step.calls) for step in steps] == [0, 2, 1, 0]
    assert [step.is_local for step in steps] == [True, False, False, True]


def test_return_of_a_callee_is_not_one_of_its_caller() -> None:
    project = link("""
        def one(session, flag):
            session.execute(select(Job))  # first
            if flag:
                return
            session.flush()

        def f(session: Session, flag):
            one(session, flag)
            session.execute(update(Job))  # second
    """)
    assert project.reaches("first", "second")


def test_long_functions_are_cut_off_and_say_so() -> None:
    calls = "\n".join(f"    wide{n}(session)" for n in range(9))
    wide = "\n".join(
        f"def wide{n}(session):\n" + "".join(f"    wide{n + 1}(session)\n" for _ in range(4)) for n in range(9)
    )
    project = link(f"{wide}\ndef wide9(session):\n    session.flush()\n\ndef f(session: Session):\n{calls}\n")
    trace = project.trace()
    assert not trace.complete
    assert len(trace.steps) <= 4000


def test_loops_with_their_bodies() -> None:
    project = link("""
        def touch(session, job):
            session.refresh(job)

        def f(session: Session, jobs: list[Job]):
            session.flush()
            for job in jobs:
                touch(session, job)
                session.flush()
            session.commit()
    """)
    ((_, _, body),) = project.trace().loops()
    assert [type(step.detail).__name__ for step in body] == ["Inner", "Execute", "SessionCall"]
