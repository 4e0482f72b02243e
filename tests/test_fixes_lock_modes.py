"""Fixes of row locks: another strength, none at all, and a result whose first row is tested."""

from __future__ import annotations

import pytest

from lockcheck.plans import ChangeLock, DropLock, ReadFirstRow
from tests.fixing import fixed, refusal, target

LOCK = "select(Job).with_for_update"


def line(code: str) -> str:
    return f"def f(session):\n    return {code}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{LOCK}(read=True)", f"{LOCK}()"),
        (f"{LOCK}(read=True, nowait=True)", f"{LOCK}(nowait=True)"),
        (f"{LOCK}(nowait=True, read=True)", f"{LOCK}(nowait=True)"),
        (f"{LOCK}(nowait=True, read=True,)", f"{LOCK}(nowait=True,)"),
        (f"{LOCK}(of=Job, read=True, nowait=True)", f"{LOCK}(of=Job, nowait=True)"),
        (f"{LOCK}(of=Job, **options, read=True)", f"{LOCK}(of=Job, **options)"),
    ],
)
def test_read_is_dropped(before: str, after: str) -> None:
    text = line(before)
    plan = ChangeLock(target(text, before), "method", drop_read=True)
    assert fixed(plan, text) == line(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{LOCK}(read=True)", f"{LOCK}(key_share=True)"),
        (f"{LOCK}(read=True, key_share=True)", f"{LOCK}(key_share=True)"),
    ],
)
def test_read_gives_way_to_key_share(before: str, after: str) -> None:
    text = line(before)
    plan = ChangeLock(target(text, before), "method", key_share=True, drop_read=True)
    assert fixed(plan, text) == line(after)


@pytest.mark.parametrize(
    ("call", "style", "reason"),
    [
        (f"{LOCK}(read=shared)", "method", "decided elsewhere"),
        (f"{LOCK}(**options)", "method", "built elsewhere"),
        (f"{LOCK}(# why\n        read=True, nowait=True)", "method", ""),
        ("session.get(Job, 1, with_for_update=options)", "mapping", "built elsewhere"),
    ],
)
def test_read_is_kept(call: str, style: str, reason: str) -> None:
    text = line(call)
    plan = ChangeLock(target(text, call), "mapping" if style == "mapping" else "method", drop_read=True)
    if reason:
        assert reason in refusal(plan, text)
    else:
        assert "# why" in fixed(plan, text)


@pytest.mark.parametrize("value", ["key_share=True", "key_share=flag"])
def test_key_share_is_kept(value: str) -> None:
    text = line(f"{LOCK}({value})")
    assert "already" in refusal(ChangeLock(target(text, f"{LOCK}({value})"), "method", key_share=True), text)


def test_a_lock_is_taken_out_of_a_chain() -> None:
    text = line("(\n        query.filter(a)\n        .with_for_update()\n        .delete()\n    )")
    plan = DropLock(target(text, "query.filter(a)\n        .with_for_update()"))
    assert fixed(plan, text) == line("(\n        query.filter(a)\n        .delete()\n    )")


def test_a_lock_with_a_comment_stays() -> None:
    text = line("(\n        query  # why\n        .with_for_update()\n        .delete()\n    )")
    assert "comment" in refusal(DropLock(target(text, "query  # why\n        .with_for_update()")), text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if lock:", "if lock.first() is not None:"),
        ("if not lock:", "if lock.first() is None:"),
        ("if lock is not None:", "if lock.first() is not None:"),
        ("if lock and other:", "if lock.first() is not None and other:"),
        ("if lock and not (other or lock is None):", None),
        ("while lock:", None),
        ("if use(lock):", None),
        ("if lock == 1:", None),
    ],
)
def test_the_first_row_is_tested(before: str, after: str | None) -> None:
    text = f"def f(session):\n    lock = session.execute(claim)\n    {before}\n        pass\n"
    plan = ReadFirstRow(target(text, "session.execute(claim)"))
    if after is None:
        assert "more than one test" in refusal(plan, text)
    else:
        assert fixed(plan, text) == text.replace(before, after)


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ("self.lock = session.execute(claim)", "no local variable"),
        ("lock = session.stream(claim)", "no execute"),
        ("lock = other = session.execute(claim)", "more than one"),
    ],
)
def test_other_results_are_left_alone(before: str, reason: str) -> None:
    text = f"def f(self, session):\n    {before}\n    if lock:\n        pass\n"
    call = before.rpartition(" = ")[2]
    found = refusal(ReadFirstRow(target(text, call)), text)
    assert reason in found or "not held by a local variable" in found
