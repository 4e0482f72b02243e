"""Conditions added to statements: state guards and conditions that mind NULL."""

from __future__ import annotations

import ast

import pytest

from lockcheck.facts import SiteKind
from lockcheck.plans import AcceptNull, ExcludeNull, GuardState
from tests.fixing import dedent, fixed, refusal, target

HEAD = "from sqlalchemy import not_, or_, select, update\n\n\n"


def function(body: str) -> str:
    return HEAD + "def f(session):\n" + dedent(body).replace("\n", "\n    ").rstrip(" ").join(["    ", ""])


def guard(
    text: str, allowed: str = "", forbidden: str = "", *, null: bool = False, root: str = "update(Job)"
) -> GuardState:
    allow, forbid = (tuple(f'"{name}"' for name in names.split()) for names in (allowed, forbidden))
    return GuardState(target(text, root), "Job", "state", allow, forbid, null)


def test_guard_needs_states() -> None:
    text = function("session.execute(update(Job))\n")
    assert "no state" in refusal(guard(text), text)


def test_no_link_behind_a_query_that_has_run() -> None:
    text = function("query = session.query(Job).filter_by(id=1)\nquery.update({'state': 1})\n")
    assert "other statements" in refusal(guard(text, "a", root="query.update({'state': 1})"), text)


@pytest.mark.parametrize(
    ("allowed", "forbidden", "null", "condition"),
    [
        ("a", "", False, 'Job.state == "a"'),
        ("a b", "", False, 'Job.state.in_(["a", "b"])'),
        ("a", "", True, 'or_(Job.state.is_(None), Job.state == "a")'),
        ("a b", "", True, 'or_(Job.state.is_(None), Job.state.in_(["a", "b"]))'),
        ("", "", True, "Job.state.is_(None)"),
        ("", "a", False, 'Job.state != "a"'),
        ("", "a b", False, 'Job.state.not_in(["a", "b"])'),
        ("", "a b", True, 'or_(Job.state.is_(None), Job.state.not_in(["a", "b"]))'),
    ],
)
def test_guards(allowed: str, forbidden: str, condition: str, *, null: bool) -> None:
    text = "from sqlalchemy import or_, update\nx(update(Job).where(Job.id == 1).values(state=1))\n"
    after = text.replace("== 1)", f"== 1).where({condition})")
    made = fixed(guard(text, allowed, forbidden, null=null), text)
    if len(after.splitlines()[1]) <= 88:
        assert made == after
    assert condition in made


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x(update(Job))\n", 'x(update(Job).where(Job.state == "a"))\n'),
        ("q = update(Job).values(s=1)\n", 'q = update(Job).where(Job.state == "a").values(s=1)\n'),
        (
            "session.query(Job).filter(Job.id == 1).update({})\n",
            'session.query(Job).filter(Job.id == 1).filter(Job.state == "a").update({})\n',
        ),
        (
            "q = (\n    update(Job)\n    .where(b)  # i\n    # v\n    .values()\n)\n",
            'q = (\n    update(Job)\n    .where(b)  # i\n    .where(Job.state == "a")\n    # v\n    .values()\n)\n',
        ),
        (
            "q = (\n    update(Job)\n    .values(s=1)\n    .where(Job.b)  # b\n)\n",
            'q = (\n    update(Job)\n    .values(s=1)\n    .where(Job.b)  # b\n    .where(Job.state == "a")\n)\n',
        ),
        (
            "q = update(Job) \\\n    .values(s=1)\n",
            'q = update(Job) \\\n    .where(Job.state == "a") \\\n    .values(s=1)\n',
        ),
        (
            "session.execute(update(Job).where(Job.id.in_(many_job_ids)).values(state='running'))\n",
            """
            session.execute(
                update(Job)
                .where(Job.id.in_(many_job_ids))
                .where(Job.state == "a")
                .values(state='running')
            )
            """,
        ),
    ],
)
def test_place_of_the_guard(before: str, after: str) -> None:
    text = function(before)
    root = "session.query(Job)" if "query" in before else "update(Job)"
    assert fixed(guard(text, "a", root=root), text) == function(after)


def test_guard_is_its_own_import() -> None:
    text = "from sqlalchemy import update\nx(update(J).values(s=1))\n"
    made = fixed(GuardState(target(text, "update(J)"), "J", "s", ("1",), (), null_allowed=True), text)
    assert made == (
        "from sqlalchemy import or_, update\nx(update(J).where(or_(J.s.is_(None), J.s == 1)).values(s=1))\n"
    )


# --- NULL -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "comparison", "before", "after"),
    [
        ("compare", "J.a != x", "q.where(J.a != x)", "q.where(or_(J.a.is_(None), J.a != x))"),
        ("compare", "x != J.a", "q.where(x != J.a)", "q.where(or_(J.a.is_(None), x != J.a))"),
        ("call", "J.a.not_in(xs)", "q.where(J.a.not_in(xs), y)", "q.where(or_(J.a.is_(None), J.a.not_in(xs)), y)"),
        ("call", "J.a.in_(xs)", "q.where(y & J.a.in_(xs))", "q.where(y & or_(J.a.is_(None), J.a.in_(xs)))"),
        ("compare", "J.a != x", "q.where((J.a != x) | y)", "q.where(or_(J.a.is_(None), J.a != x) | y)"),
        ("call", "J.a.in_(xs)", "q.where(~J.a.in_(xs))", "q.where(or_(J.a.is_(None), ~J.a.in_(xs)))"),
        ("call", "J.a.in_(xs)", "q.where(not_(J.a.in_(xs)))", "q.where(or_(J.a.is_(None), not_(J.a.in_(xs))))"),
        (
            "call",
            "xs\n        )",
            "q.where(\n    J.a.not_in(\n        xs\n    ),\n)",
            "q.where(\n    or_(J.a.is_(None), J.a.not_in(\n        xs\n    )),\n)",
        ),
    ],
)
def test_accept_null(kind: SiteKind, comparison: str, before: str, after: str) -> None:
    text = function(f"{before}\n")
    found = target(text, comparison, kind)
    assert fixed(AcceptNull(found, ""), text) == function(f"{after}\n")


def test_accept_null_breaks_a_long_line() -> None:
    text = function("q.where(\n    SomeModel.some_state_column.not_in(SOME_STATES_THAT_COUNT_AS_FINISHED),\n)\n")
    made = fixed(AcceptNull(target(text, "FINISHED)"), "SomeModel.some_state_column"), text)
    assert made == function("""
        q.where(
            or_(
                SomeModel.some_state_column.is_(None),
                SomeModel.some_state_column.not_in(SOME_STATES_THAT_COUNT_AS_FINISHED),
            ),
        )
        """)


@pytest.mark.parametrize("comparison", ["a() != b()", "1 < x < 2"])
def test_accept_null_is_refused_without_a_column(comparison: str) -> None:
    text = function(f"q.where({comparison})\n")
    assert "no name" in refusal(AcceptNull(target(text, comparison, "compare"), ""), text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x.not_in(select(J.a))", "x.not_in(select(J.a).where(J.a.is_not(None)))"),
        (
            "x.not_in(select(J.a).where(J.b).scalar_subquery())",
            "x.not_in(select(J.a).where(J.b).where(J.a.is_not(None)).scalar_subquery())",
        ),
    ],
)
def test_exclude_null(before: str, after: str) -> None:
    text = function(f"{before}\n")
    assert fixed(ExcludeNull(target(text, "select(J.a)"), "J.a"), text) == function(f"{after}\n")


def test_exclude_null_in_lines() -> None:
    text = function("x.not_in(\n    select(J.a)\n    .where(J.b)\n)\n")
    after = function("x.not_in(\n    select(J.a)\n    .where(J.b)\n    .where(J.a.is_not(None))\n)\n")
    assert fixed(ExcludeNull(target(text, "select(J.a)"), "J.a"), text) == after


def test_long_lists_of_states_take_a_line_each() -> None:
    text = function("session.execute(\n    update(Job)\n    .where(Job.id == 1)\n    .values(state=1)\n)\n")
    states = " ".join(f"a_rather_long_state_{number}" for number in range(6))
    after = fixed(guard(text, states, null=True), text)
    assert max(map(len, after.splitlines())) <= 88
    assert after.count("a_rather_long_state_") == 6
    ast.parse(after)
