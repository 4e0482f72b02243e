"""Bulk writes in primary-key order, page by page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lockcheck.plans import OrderWrite
from tests.fixing import dedent, fixed, refusal, target

HEAD = "from sqlalchemy import select, tuple_, update\n\n\n"


def function(body: str, signature: str = "f(session)") -> str:
    return HEAD + f"def {signature}:\n" + dedent(body).replace("\n", "\n    ").rstrip(" ").join(["    ", ""])


def plan(text: str, execution: str | None, root: str = "update(Job)") -> OrderWrite:
    found = target(text, execution) if execution else None
    return OrderWrite(target(text, root), found, "Job", ("id",), "portable", key_share=True, joins=False)


@pytest.mark.parametrize(
    ("body", "execution", "reason"),
    [
        ("q = update(Job).where(Job.a)\nreturn q\n", None, "executed elsewhere"),
        ("if x: session.execute(update(Job))\n", "(update(Job))", "behind a colon"),
        ("session.execute(update(Job)); y()\n", "(update(Job))", "shares its line"),
        ("return session.execute(update(Job))\n", "(update(Job))", "another expression"),
        ("log(session.execute(update(Job)).rowcount)\n", "(update(Job))", "another expression"),
        ("a = b = session.execute(update(Job))\n", "(update(Job))", "another expression"),
        ("r = session.execute(update(Job))\nreturn r\n", "(update(Job))", "more than its rowcount"),
        ("if x:\n    r = session.execute(update(Job))\nreturn r.rowcount\n", "(update(Job))", "more than its rowcount"),
        ("for x in y:\n    r.all()\n    r = session.execute(update(Job))\n", "(update(Job))", "more than its rowcount"),
        ("session.execute(update(Job).returning(Job.id))\n", "returning(Job.id))", "returns rows"),
        ("sessions[0].execute(update(Job))\n", "(update(Job))", "no plain name"),
        ("q = update(Job)\nlog(q)\nsession.execute(q)\n", "execute(q)", "not stand alone"),
        ("session.execute(update(Job) if x else y)\n", "if x else y)", "not stand alone"),
        ("q = update(Job)\nif x:\n    session.execute(q)\n", "execute(q)", "another block"),
    ],
)
def test_refused(body: str, execution: str | None, reason: str) -> None:
    text = function(body)
    assert reason in refusal(plan(text, execution), text)


LOOP = """
    last = None
    while True:
        page = select(Job.id).where(*conditions).order_by(Job.id).limit(500)
        if last is not None:
            page = page.where(Job.id > last)
        keys = session.scalars(page).all()
        if not keys:
            break
        last = keys[-1]
        session.execute(
            select(Job.id)
            .where(Job.id.in_(keys))
            .order_by(Job.id)
            .with_for_update(key_share=True)
        )
    """


def loop(write: str, above: str, below: str = "", *, where: bool = True) -> str:
    text = dedent(LOOP) if where else dedent(LOOP).replace(".where(*conditions)", "").replace(", *conditions", "")
    return dedent(above) + text.rstrip("\n ") + f"\n    {write}\n" + dedent(below)


NOTED = """
    session.execute(
        # why
        update(Job)
        # first
        .where(
            Job.a,  # a
            # then
            Job.b,
        )  # b
        .where(
            Job.c
        )  # c
    )
    """


@pytest.mark.parametrize(
    ("before", "execution", "after"),
    [
        (
            "session.execute(update(Job).where(Job.a == f(), Job.b).values(c=g()))\n",
            "values(c=g()))",
            loop(
                "session.execute(statement.where(Job.id.in_(keys), *conditions))",
                "conditions = (Job.a == f(), Job.b)\nstatement = update(Job).values(c=g())\n",
            ),
        ),
        (
            "session.execute(update(Job))\n",
            "(update(Job))",
            loop("session.execute(statement.where(Job.id.in_(keys)))", "statement = update(Job)\n", where=False),
        ),
        (
            "r = session.execute(update(Job).where(Job.a))\nif r.rowcount:\n    log(getattr(r, 'rowcount', 0))\nr = 1",
            "where(Job.a))",
            loop(
                "updated += session.execute(\n        statement.where(Job.id.in_(keys), *conditions)\n    ).rowcount",
                "conditions = (Job.a,)\nstatement = update(Job)\nupdated = 0\n",
                "if updated:\n    log(updated)\nr = 1",
            ),
        ),
        (
            "# above\nn += session.execute(update(Job).where(Job.a), {}).rowcount  # end\n",
            "{})",
            loop(
                "updated += session.execute(\n"
                "        statement.where(Job.id.in_(keys), *conditions),\n        {},\n    ).rowcount",
                "# above\nconditions = (Job.a,)\nstatement = update(Job)\nupdated = 0\n",
                "n += updated  # end\n",
            ),
        ),
        (
            "q = update(Job).where(Job.a)\nother()\nsession.execute(q)\n",
            "execute(q)",
            loop(
                "session.execute(q.where(Job.id.in_(keys), *conditions))",
                "conditions = (Job.a,)\nq = update(Job)\nother()\n",
            ),
        ),
        (
            NOTED,
            "Job.c\n        )  # c\n    )",
            loop(
                "session.execute(statement.where(Job.id.in_(keys), *conditions))",
                """
                # why
                # c
                conditions = (
                    # first
                    Job.a,  # a
                    # then
                    Job.b,  # b
                    Job.c,
                )
                statement = update(Job)
                """,
            ),
        ),
    ],
)
def test_loop(before: str, execution: str, after: str) -> None:
    text = function(before)
    assert fixed(plan(text, execution), text) == function(after)


def test_legacy_query() -> None:
    text = function("n = session.query(Job).filter(Job.a == 1).update({'b': f()}, 'evaluate')\n")
    assert fixed(plan(text, None, "session.query(Job)"), text) == function(
        loop(
            "updated += session.query(Job).filter(Job.id.in_(keys), *conditions).update(values, 'fetch')",
            "conditions = (Job.a == 1,)\nvalues = {'b': f()}\nupdated = 0\n",
            "n = updated\n",
        )
    )


def test_new_names_hide_none() -> None:
    body = "keys = page = 1\nsession.execute(update(Job).where(Job.a == last(keys, page)))\nreturn last\n"
    text = function(body, "f(session, statement, conditions_2)") + "\n\nconditions = []\n"
    made = fixed(plan(text, "page)))"), text)
    for name in ("conditions_3 =", "statement_2 =", "last_2 =", "page_2 =", "keys_2 ="):
        assert f" {name} " in made


def test_async_composite_key_and_lock_mode() -> None:
    text = "async " + function("await session.execute(update(Job).where(Job.a == 1))\n").replace(HEAD, "")
    made = fixed(replace(plan(text, "== 1))"), key=("a", "b"), key_share=False, joins=True), text)
    assert "        rows = await session.execute(page)\n        keys = [tuple(row) for row in rows]\n" in made
    assert "page = page.where(tuple_(Job.a, Job.b) > last)\n" in made
    assert ".where(tuple_(Job.a, Job.b).in_(keys), *conditions)\n" in made
    assert ".with_for_update()\n" in made
    assert "await session.execute(\n            statement.where(tuple_(Job.a, Job.b).in_(keys), *conditions)\n" in made
