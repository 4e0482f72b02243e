"""Fixes of unlocked reads: the lock, the fresh load, and an order where many rows are locked."""

from __future__ import annotations

import pytest

from lockcheck.plans import LockRead
from tests.fixing import dedent, fixed, refusal, target

LOCK = ".with_for_update(of=Job, key_share=True)"


def reading(text: str, ending: str, form: str = "select", order: tuple[str, ...] = ()) -> LockRead:
    return LockRead(target(text, ending), "Job", form, order)  # type: ignore[arg-type]  # one of three literals


@pytest.mark.parametrize("method", ["get", "get_one"])
def test_get_takes_the_lock_and_loads_anew(method: str) -> None:
    text = f"def f(session):\n    return session.{method}(Job, 1)  # note\n"
    after = f'{method}(Job, 1, with_for_update={{"of": Job, "key_share": True}}, populate_existing=True)'
    assert fixed(reading(text, f"{method}(Job, 1)", "get"), text) == text.replace(f"{method}(Job, 1)", after)


def test_select_is_locked_behind_its_last_link() -> None:
    text = "def f(session):\n    return session.scalars(select(Job).where(Job.id == 1)).one()\n"
    after = f"where(Job.id == 1){LOCK}.execution_options(populate_existing=True)"
    assert fixed(reading(text, "select(Job)"), text) == text.replace("where(Job.id == 1)", after)


def test_select_over_several_lines_keeps_its_layout() -> None:
    text = dedent(
        """
        def f(session):
            statement = (
                select(Job)
                .where(Job.id == 1)
            )
            return session.scalars(statement)
        """
    )
    indent = " " * 8
    lines = (".order_by(Job.id)", LOCK, ".execution_options(populate_existing=True)")
    added = "".join(f"\n{indent}{line}" for line in lines)
    wanted = text.replace(".where(Job.id == 1)", f".where(Job.id == 1){added}")
    assert fixed(reading(text, "select(Job)", order=("id",)), text) == wanted


def test_query_is_locked_ahead_of_what_executes_it() -> None:
    text = "def f(session):\n    return session.query(Job).filter(Job.id == 1).one_or_none()\n"
    wanted = text.replace(".one_or_none()", f"{LOCK}.populate_existing().one_or_none()")
    assert fixed(reading(text, "session.query(Job)", "query"), text) == wanted


@pytest.mark.parametrize(
    ("first", "head", "executing"),
    [
        ("get(1)", "Job.query", ".get(1)"),
        ("filter(Job.id == 1)", "Job.query.filter(Job.id == 1)", ".first()"),
        ("filter_by(id=1)", "models.Job.query.filter_by(id=1)", ".one()"),
    ],
)
def test_query_of_a_model_is_locked_ahead_of_what_executes_it(first: str, head: str, executing: str) -> None:
    text = f"def f():\n    return {head}{executing}\n"
    wanted = f"def f():\n    return {head}{LOCK}.populate_existing(){executing}\n"
    assert fixed(reading(text, first, "query"), text) == wanted


def test_query_that_is_walked_over_is_locked_at_its_end() -> None:
    text = "def f(session):\n    for job in session.query(Job).filter(Job.id > 1):\n        print(job)\n"
    wanted = text.replace("(Job.id > 1)", f"(Job.id > 1).order_by(Job.id){LOCK}.populate_existing()")
    assert fixed(reading(text, "session.query(Job)", "query", ("id",)), text) == wanted


@pytest.mark.parametrize(
    ("call", "ending", "form", "reason"),
    [
        ("session.get(Job, 1, with_for_update=True)", "with_for_update=True)", "get", "no plain session.get()"),
        ("find(Job, 1)", "find(Job, 1)", "get", "no plain session.get()"),
        ("select(Job).with_for_update()", "select(Job)", "select", "no plain SELECT"),
    ],
)
def test_is_refused(call: str, ending: str, form: str, reason: str) -> None:
    text = f"def f(session):\n    return {call}\n"
    assert reason in refusal(reading(text, ending, form), text)
