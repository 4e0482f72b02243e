"""Fixes of row locks: `of=`, primary-key order, relationships loaded apart."""

from __future__ import annotations

import pytest

from lockcheck.plans import LoadSeparately, LockOnly, OrderLock
from tests.fixing import dedent, fixed, refusal, target


def only(text: str, ending: str, style: str = "keyword", model: str = "Job") -> LockOnly:
    return LockOnly(target(text, ending), model, "mapping" if style == "mapping" else "keyword")


@pytest.mark.parametrize(
    ("call", "style", "reason"),
    [
        ("session.get(Job, 1, with_for_update=options)", "mapping", "built elsewhere"),
        ("session.get(Job, 1, **options)", "mapping", "no with_for_update"),
        ("session.get(Job, 1, with_for_update={'of': Job})", "mapping", "already"),
        ("select(Job).with_for_update(of=Job.id)", "keyword", "already"),
        ("lock(x for x in y)", "keyword", "generator"),
    ],
)
def test_lock_only_is_refused(call: str, style: str, reason: str) -> None:
    text = f"def f(session):\n    return {call}\n"
    assert reason in refusal(only(text, call, style), text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("select(Job).with_for_update()", "select(Job).with_for_update(of=Job)"),
        ("select(Job).with_for_update(of=None)", "select(Job).with_for_update(of=Job)"),
        ("q.with_for_update(key_share=True)", "q.with_for_update(key_share=True, of=Job)"),
        ("q.with_for_update(key_share=True,)", "q.with_for_update(key_share=True, of=Job,)"),
        ("q.with_for_update(**options)", "q.with_for_update(**options, of=Job)"),
        ("(select(Job)).with_for_update( )", "(select(Job)).with_for_update( of=Job)"),
        ("with_row_locks(query, session=session)", "with_row_locks(query, session=session, of=Job)"),
        (
            "q.with_for_update(\n        skip_locked=True,  # busy\n        # why\n    )",
            "q.with_for_update(\n        skip_locked=True,  # busy\n        of=Job,\n        # why\n    )",
        ),
        (
            "q.with_for_update(\n        skip_locked=True  # busy\n    )",
            "q.with_for_update(\n        skip_locked=True,  # busy\n        of=Job\n    )",
        ),
    ],
)
def test_lock_only_by_keyword(before: str, after: str) -> None:
    text = f"def f(session):\n    x = {before}  # note\n    return x\n"
    assert fixed(only(text, before), text) == f"def f(session):\n    x = {after}  # note\n    return x\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("get(Job, 1, with_for_update=True)", 'get(Job, 1, with_for_update={"of": Job})'),
        ("get(Job, 1, with_for_update={})", 'get(Job, 1, with_for_update={"of": Job})'),
        ("get(Job, 1, with_for_update={'read': True})", "get(Job, 1, with_for_update={'read': True, \"of\": Job})"),
        ("get(Job, 1, with_for_update=dict(read=True))", "get(Job, 1, with_for_update=dict(read=True, of=Job))"),
        ("refresh(job, None, True)", 'refresh(job, None, {"of": Job})'),
    ],
)
def test_lock_only_by_mapping(before: str, after: str) -> None:
    text = f"class A:\n\tasync def f(self):\n\t\tawait self.session.{before}\n"
    assert fixed(only(text, before, "mapping"), text) == text.replace(before, after)


def test_lock_only_keeps_the_newlines_of_the_file() -> None:
    text = "def f(q):\r\n    return q.with_for_update(\r\n        read=True,\r\n    )\r\n"
    after = "def f(q):\r\n    return q.with_for_update(\r\n        read=True,\r\n        of=Job,\r\n    )\r\n"
    assert fixed(only(text, ")"), text) == after


# --- order ----------------------------------------------------------------------------------------------------


def order(text: str, *key: str, is_table: bool = False) -> OrderLock:
    return OrderLock(target(text, ".with_for_update()"), "Job", key or ("id",), is_table)


def test_order_needs_the_locking_call() -> None:
    text = "def f(q):\n    return lock_rows(q)\n"
    assert "with_for_update" in refusal(OrderLock(target(text, "lock_rows(q)"), "Job", ("id",)), text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("q.with_for_update()", "q.order_by(Job.id).with_for_update()"),
        (
            "s.scalars(select(Job).with_for_update()).all()",
            "s.scalars(select(Job).order_by(Job.id).with_for_update()).all()",
        ),
        (
            "select(Job).where(\n        Job.a == 1,\n    ).with_for_update()",
            "select(Job).where(\n        Job.a == 1,\n    ).order_by(Job.id).with_for_update()",
        ),
        (
            "(\n        select(Job)  # a\n        # b\n        .with_for_update()\n    )",
            "(\n        select(Job)  # a\n        .order_by(Job.id)\n        # b\n        .with_for_update()\n    )",
        ),
        (
            "select(Job) \\\n        .where(Job.a) \\\n        .with_for_update()",
            "select(Job) \\\n        .where(Job.a) \\\n        .order_by(Job.id) \\\n        .with_for_update()",
        ),
    ],
)
def test_order(before: str, after: str) -> None:
    text = f"def f(s, q):\n    x = {before}\n"
    assert fixed(order(text), text) == f"def f(s, q):\n    x = {after}\n"


def test_order_by_composite_keys_and_core_columns() -> None:
    text = "def f(q):\n    return q.with_for_update()\n"
    assert ".order_by(Job.a, Job.b).with" in fixed(order(text, "a", "b"), text)
    assert ".order_by(Job.c.id).with" in fixed(order(text, is_table=True), text)


# --- relationships --------------------------------------------------------------------------------------------

SEPARATE = dedent("""
    from sqlalchemy import select
    from sqlalchemy.orm import Session{also}


    def f(session: Session):
        return {code}
    """)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("select(Job).with_for_update()", "select(Job).options(selectinload(Job.run)).with_for_update()"),
        (
            "select(Job).options(joinedload(Job.run, innerjoin=True)).with_for_update()",
            "select(Job).options(selectinload(Job.run)).with_for_update()",
        ),
        (
            "session.get(Job, 1, with_for_update=True)",
            "session.get(Job, 1, with_for_update=True, options=[selectinload(Job.run)])",
        ),
        (
            "session.get(Job, 1, with_for_update=True, options=[joinedload(Job.run)])",
            "session.get(Job, 1, with_for_update=True, options=[selectinload(Job.run)])",
        ),
    ],
)
def test_load_separately(before: str, after: str) -> None:
    text = SEPARATE.format(also="", code=before)
    plan = LoadSeparately(target(text, before), "Job", ("run",))
    assert fixed(plan, text) == SEPARATE.format(also=", selectinload", code=after)


def test_load_separately_along_a_path() -> None:
    code = "select(Job).options(joinedload(Job.run).joinedload(Run.owner)).with_for_update()"
    text = SEPARATE.format(also="", code=code)
    plan = LoadSeparately(target(text, code), "Job", ("run", "Run.owner"))
    after = "select(Job).options(selectinload(Job.run).selectinload(Run.owner)).with_for_update()"
    assert fixed(plan, text) == SEPARATE.format(also=", selectinload", code=after)


def test_load_separately_is_refused_for_refresh() -> None:
    text = SEPARATE.format(also="", code="session.refresh(job, with_for_update=True)")
    plan = LoadSeparately(target(text, "=True)"), "Job", ("run",))
    assert "loader options" in refusal(plan, text)
