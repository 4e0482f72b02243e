"""Fixes of loops and multi-row INSERTs: `sorted(..)` round what they take."""

from __future__ import annotations

import pytest

from lockcheck.plans import SortIterable, SortRows
from tests.fixing import fixed, refusal, target


def loop(text: str, form: str = "values", *key: str) -> SortIterable:
    return SortIterable(target(text, "", "loop"), form, key)  # type: ignore[arg-type]  # one of the literals


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ids", "sorted(ids)"),
        ("self.ids", "sorted(self.ids)"),
        ("set(ids)", "sorted(set(ids))"),
        ("list(ids)", "sorted(ids)"),
        ("list( ids )", "sorted( ids )"),
        ("(a + b)", "sorted((a + b))"),
        ("[i for i in ids if i]", "sorted([i for i in ids if i])"),
        ("d.items()", "sorted(d.items())"),
        ("ids[1:]", "sorted(ids[1:])"),
    ],
)
def test_what_a_loop_walks(before: str, after: str) -> None:
    text = f"def f(ids):\n    for x in {before}:  # note\n        g(x)\n"
    assert fixed(loop(text), text) == f"def f(ids):\n    for x in {after}:  # note\n        g(x)\n"


@pytest.mark.parametrize(
    ("walked", "reason"),
    [
        ("chunks(ids)", "iterator"),
        ("session.scalars(q).yield_per(9).all()", "iterator"),
        ("a, b", "no single value"),
        ("(i for i in ids)", ""),
    ],
)
def test_is_refused(walked: str, reason: str) -> None:
    text = f"def f(ids):\n    for x in {walked}:\n        g(x)\n"
    if reason:
        assert reason in refusal(loop(text), text)
    else:
        assert "sorted((i for i in ids))" in fixed(loop(text), text)


def test_asynchronous_loop_is_refused() -> None:
    text = "async def f(ids):\n    async for x in ids:\n        g(x)\n"
    assert "asynchronous" in refusal(loop(text), text)


def test_other_sorted_is_refused() -> None:
    text = "from natsort import natsorted as sorted\n\n\ndef f(ids):\n    for x in ids:\n        g(x)\n"
    assert "another function" in refusal(loop(text), text)


@pytest.mark.parametrize(
    ("form", "key", "after"),
    [
        ("objects", ("id",), "sorted(rows, key=lambda x: x.id)"),
        ("objects", ("a", "b"), "sorted(rows, key=lambda x: (x.a, x.b))"),
        ("entries", ("id",), 'sorted(rows, key=lambda x: x["id"])'),
        ("pairs", (), "sorted(rows)"),
    ],
)
def test_keys(form: str, key: tuple[str, ...], after: str) -> None:
    text = "def f(rows):\n    for x in rows:\n        g(x)\n"
    assert fixed(loop(text, form, *key), text) == f"def f(rows):\n    for x in {after}:\n        g(x)\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("s.execute(insert(T).values(rows))", 's.execute(insert(T).values(sorted(rows, key=lambda row: row["id"])))'),
        ("s.execute(insert(T), rows)", 's.execute(insert(T), sorted(rows, key=lambda row: row["id"]))'),
        ("s.execute(insert(T), params=rows)", 's.execute(insert(T), params=sorted(rows, key=lambda row: row["id"]))'),
    ],
)
def test_rows(before: str, after: str) -> None:
    text = f"def f(s, rows):\n    {before}\n"
    plan = SortRows(target(text, "insert(T)"), target(text, before), ("id",))
    assert fixed(plan, text) == f"def f(s, rows):\n    {after}\n"
