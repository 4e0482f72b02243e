"""Bulk writes in primary-key order by a subselect, or by a helper of the project."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lockcheck.plans import OrderWrite
from tests.fixing import dedent, edits, fixed, refusal, target

HEAD = "from sqlalchemy import delete, select, tuple_, update\n\n\n"


def plan(text: str, root: str = "update(Job)", execution: str | None = None, *, number: int = 0) -> OrderWrite:
    found = target(text, execution) if execution else None
    return OrderWrite(
        target(text, root, number=number), found, "Job", ("id",), "subselect", key_share=True, joins=False
    )


def function(body: str) -> str:
    return HEAD + "def f(session):\n" + dedent(body).replace("\n", "\n    ").rstrip(" ").join(["    ", ""])


@pytest.mark.parametrize(
    ("body", "root", "reason"),
    [
        ("q = update(Job)\nq = q.where(Job.a == 1)\nsession.execute(q)\n", "update(Job)", "further conditions"),
        ("q = update(Job)\nfor x in y:\n    q = q.values(a=1).where(x)\n", "update(Job)", "further conditions"),
        ("q = update(Job).where(Job.a)\nq = narrowed(q)\n", "update(Job)", "built further"),
        ("session.query(Job).join(Run).filter(Run.a).delete()\n", "session.query(Job)", "calls .join()"),
        ("session.execute(update(Job).filter_by(**given).values(a=1))\n", "update(Job)", "not written out"),
        ("q = session.query(Job).filter(Job.a)\nq.delete(False)\n", "q.delete(False)", "built in other statements"),
        ("q = session.query(Job)\nq.update({'a': 1})\n", "q.update({'a': 1})", "built in other statements"),
        ("self.query.filter(Job.a).delete(False)\n", "delete(False)", "built in other statements"),
        ("q = Job.query\nq.filter(Job.a).delete(False)\n", "delete(False)", "built in other statements"),
    ],
)
def test_refused(body: str, root: str, reason: str) -> None:
    text = function(body)
    assert reason in refusal(plan(text, root), text)


def test_refused_where_values_come_from_the_joined_table() -> None:
    text = function("session.execute(update(Job).where(Job.run_id == Run.id).values(a=Run.a))\n")
    assert "read from Run" in refusal(replace(plan(text), joins=True), text)


def test_refused_where_the_place_is_gone() -> None:
    text = function("session.execute(update(Job).where(Job.a))\n")
    gone = plan(text).write._replace(index=9)
    assert "not there" in refusal(replace(plan(text), write=gone), text)
    assert "not in" in refusal(replace(plan(text), write=gone._replace(slice="app.g")), text)


BROKEN = """
    session.execute(
        update(Job)
        .where(
            Job.id.in_(
                select(Job.id)
                .where({where})
                .order_by(Job.id)
                .with_for_update(key_share=True)
            )
        )
        .values(a=1)
    )
    """


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("s.execute(update(Job).where(x).values(a=1))\n", None),
        ("session.execute(update(Job).where(Job.b == 1).values(a=1))\n", dedent(BROKEN).format(where="Job.b == 1")),
        ("session.execute(update(Job).filter(Job.b == 1).values(a=1))\n", dedent(BROKEN).format(where="Job.b == 1")),
        ("session.execute(update(Job).filter_by(b=1).values(a=1))\n", dedent(BROKEN).format(where="Job.b == 1")),
        (
            "session.execute(update(Job).filter_by(b=x or y).values(a=1))\n",
            dedent(BROKEN).format(where="Job.b == (x or y)"),
        ),
        ("session.execute(update(Job).values(a=1).where(*found))\n", None),
        ("session.execute(update(Job).values(a=1))\n", dedent(BROKEN).replace("            .where({where})\n", "")),
    ],
)
def test_one_line_is_broken(before: str, after: str | None) -> None:
    text = function(before)
    made = fixed(plan(text), text)
    if after is not None:
        assert made == function(after)
    assert made.count("with_for_update(key_share=True)") == 1


def test_short_line_stays_a_line() -> None:
    text = "from sqlalchemy import select, update\ns.execute(update(J).values(a=1))\n"
    made = fixed(
        OrderWrite(target(text, "update(J)"), None, "J", ("i",), "subselect", key_share=False, joins=False), text
    )
    line = "s.execute(update(J).where(J.i.in_(select(J.i).order_by(J.i).with_for_update())).values(a=1))"
    assert len(line) > 88
    assert line not in made
    shorter = text.replace("(a=1)", "()").replace("s.execute(", "s(")
    made = fixed(
        OrderWrite(target(shorter, "update(J)"), None, "J", ("i",), "subselect", key_share=False, joins=False), shorter
    )
    assert made.endswith("\ns(update(J).where(J.i.in_(select(J.i).order_by(J.i).with_for_update())).values())\n")


def test_lines_of_a_chain_are_kept() -> None:
    text = function("""
        statement = (
            update(Job)  # head
            # every one
            .where(
                Job.b == 1,  # one
                Job.c == '''x
          y''',
            )
            # and those
            .where(Job.d)  # two
            .values(a=1)  # three
            .where(Job.e)  # four
            .execution_options(synchronize_session="evaluate")
            .where(Job.f)
        )  # end
        """)
    assert fixed(plan(text), text) == function("""
        statement = (
            update(Job)  # head
            .where(
                Job.id.in_(
                    select(Job.id)
                    # every one
                    .where(
                        Job.b == 1,  # one
                        Job.c == '''x
          y''',
                    )
                    # and those
                    .where(Job.d)  # two
                    .where(Job.e)  # four
                    .where(Job.f)
                    .order_by(Job.id)
                    .with_for_update(key_share=True)
                )
            )
            .values(a=1)  # three
            .execution_options(synchronize_session="fetch")
        )  # end
        """)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "n = session.query(Job).filter(Job.b == 1).update({'a': 1}, synchronize_session='evaluate')\n",
            """
            n = (
                session.query(Job)
                .filter(
                    Job.id.in_(
                        select(Job.id)
                        .where(Job.b == 1)
                        .order_by(Job.id)
                        .with_for_update(key_share=True)
                    )
                )
                .update({'a': 1}, synchronize_session='fetch')
            )
            """,
        ),
        (
            "session.query(Job).filter(Job.b == 1).delete('evaluate')\n",
            """
            session.query(Job).filter(
                Job.id.in_(
                    select(Job.id)
                    .where(Job.b == 1)
                    .order_by(Job.id)
                    .with_for_update(key_share=True)
                )
            ).delete('fetch')
            """,
        ),
    ],
)
def test_legacy_query(before: str, after: str) -> None:
    text = function(before)
    assert fixed(plan(text, "session.query(Job)"), text) == function(after)


def test_delete_hugs_its_condition() -> None:
    text = function("n = session.execute(delete(Job).where(Job.b == 1), {'x': 1}).rowcount\n")
    made = fixed(replace(plan(text, "delete(Job)"), key_share=False, joins=True), text)
    assert made == function("""
        n = session.execute(
            delete(Job).where(
                Job.id.in_(
                    select(Job.id)
                    .where(Job.b == 1)
                    .correlate(None)
                    .order_by(Job.id)
                    .with_for_update(of=Job)
                )
            ),
            {'x': 1},
        ).rowcount
        """)


def test_composite_key_skip_locked_and_core_columns() -> None:
    text = function("session.execute(update(Job).where(Job.c.x == 1))\n")
    made = fixed(replace(plan(text), key=("a", "b"), form="skip-locked", is_table=True), text)
    assert "tuple_(Job.c.a, Job.c.b).in_(\n                select(Job.c.a, Job.c.b)\n" in made
    assert ".order_by(Job.c.a, Job.c.b)\n                .with_for_update(key_share=True, skip_locked=True)" in made


def test_methods_tabs_and_windows_line_ends() -> None:
    text = (
        "import sqlalchemy as sa\r\n\r\n\r\nclass A:\r\n\t@decorated(1)\r\n\tasync def f(self):\r\n\t\tfor x in y:\r\n"
        "\t\t\tawait self.session.execute(sa.update(Job).where(Job.bbbbbbbbbbbbbbbbbb == x))\r\n"
    )
    made = fixed(plan(text, "sa.update(Job)"), text)
    lines = [
        "\t\t\tawait self.session.execute(",
        "\t\t\t\tsa.update(Job).where(",
        "\t\t\t\t\tJob.id.in_(",
        "\t\t\t\t\t\tsa.select(Job.id)",
        "\t\t\t\t\t\t.where(Job.bbbbbbbbbbbbbbbbbb == x)",
        "\t\t\t\t\t\t.order_by(Job.id)",
        "\t\t\t\t\t\t.with_for_update(key_share=True)",
        "\t\t\t\t\t)",
        "\t\t\t\t)",
        "\t\t\t)",
    ]
    assert made == text[: text.index("\t\t\tawait")] + "".join(f"{line}\r\n" for line in lines)


def test_backslashes() -> None:
    text = function("q = update(Job) \\\n    .where(Job.b == 1) \\\n    .values(a=1)\n")
    assert fixed(plan(text), text) == function("""
        q = update(Job) \\
            .where(
                Job.id.in_(
                    select(Job.id)
                    .where(Job.b == 1)
                    .order_by(Job.id)
                    .with_for_update(key_share=True)
                )
            ) \\
            .values(a=1)
        """)


def test_backslashes_behind_the_dots() -> None:
    text = function("""
        session.query(Job).\\
            filter_by(b=1).\\
            filter(Job.c.in_(
                found)).\\
            delete()
        """)
    assert fixed(replace(plan(text, "session.query(Job)"), key_share=False), text) == function("""
        session.query(Job).filter(
            Job.id.in_(
                select(Job.id)
                .where(Job.b == 1)
                .where(Job.c.in_(
                    found))
                .order_by(Job.id)
                .with_for_update()
            )
        ).delete()
        """)


def test_only_the_statement_and_the_imports_change() -> None:
    text = (
        HEAD.replace("select, ", "") + "x = 1\n\ndef f(s):\n  y  =2\n  s.execute(update(Job).where(Job.a))\n  z=  3\n"
    )
    made = edits(plan(text), text)
    assert [edit.place.line for edit in made] == [1, 8]
    assert all(edit.place.line == edit.place.end_line for edit in made)


# --- helper ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "execution", "after"),
    [
        ("session.execute(update(Job).where(x))\n", "where(x))", "ordered(session, update(Job).where(x))\n"),
        ("return session.execute(update(Job)).rowcount\n", "(update(Job))", "return ordered(session, update(Job))\n"),
        (
            "n = getattr(session.execute(update(Job)), 'rowcount', 0)\n",
            "(update(Job))",
            "n = ordered(session, update(Job))\n",
        ),
        (
            "q = update(Job)\nr = session.execute(q)\nreturn r.rowcount\n",
            "execute(q)",
            "q = update(Job)\nr = ordered(session, q)\nreturn r\n",
        ),
        (
            "r = session.execute(\n    # all\n    update(Job),\n)\nlog(getattr(r, 'rowcount', 0))\n",
            "update(Job),\n    )",
            "r = ordered(\n    # all\n    session,\n    update(Job),\n)\nlog(r)\n",
        ),
    ],
)
def test_helper(body: str, execution: str, after: str) -> None:
    text = function(body)
    made = replace(plan(text, execution=execution), form="helper", helper="app.db:ordered")
    assert fixed(made, text) == function(after).replace("\n\n\n", "\nfrom app.db import ordered\n\n\n", 1)


@pytest.mark.parametrize(
    ("body", "root", "execution", "reason"),
    [
        ("session.execute(update(Job), {'a': 1})\n", "update(Job)", "{'a': 1})", "more than the statement"),
        ("session.query(Job).delete()\n", "session.query(Job)", None, "not a query"),
        ("q = update(Job)\nreturn q\n", "update(Job)", None, "executed elsewhere"),
        ("return session.execute(update(Job))\n", "update(Job)", "(update(Job))", "another expression"),
        ("r = session.execute(update(Job))\nreturn r\n", "update(Job)", "(update(Job))", "more than its rowcount"),
        ("make().execute(update(Job))\n", "update(Job)", "(update(Job))", "no plain name"),
    ],
)
def test_helper_is_refused(body: str, root: str, execution: str | None, reason: str) -> None:
    text = function(body)
    made = replace(plan(text, root, execution), form="helper", helper="app.db:ordered")
    assert reason in refusal(made, text)
