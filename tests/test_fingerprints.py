"""What a fingerprint does not depend on, and what it does."""

from __future__ import annotations

import pytest

from lockcheck.fingerprints import fingerprint, normalise, numbered

STATEMENT = 'session.execute(update(Job).where(Job.state == "done").values(state=None))'


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(f"    {STATEMENT}  ", id="indented"),
        pytest.param(STATEMENT.replace('"', "'"), id="quotes"),
        pytest.param(f"{STATEMENT}  # why", id="comment"),
        pytest.param(f"({STATEMENT})", id="parentheses"),
        pytest.param(STATEMENT.replace("None)", "None,)"), id="trailing-comma"),
        pytest.param(
            "session.execute(\n        update(Job)  # all of them\n        .where(\n            Job.state == 'done',\n"
            "        )\n        .values(\n            state=None\n        )\n    )",
            id="over-lines",
        ),
    ],
)  # fmt: skip
def test_layout_does_not_count(same: str) -> None:
    assert normalise(same) == normalise(STATEMENT)


@pytest.mark.parametrize(
    "other",
    [
        STATEMENT.replace("done", "failed"),
        STATEMENT.replace("Job", "Task"),
        STATEMENT.replace("==", "!="),
        STATEMENT.replace("None", "0"),
        f"x = {STATEMENT}",
        f"await {STATEMENT}",
    ],
)
def test_meaning_counts(other: str) -> None:
    assert normalise(other) != normalise(STATEMENT)


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        pytest.param("for x in xs:", "for  x  in (xs) :", "for x in ys:", id="loop-header"),
        pytest.param("except Exception:", "except (Exception) :", "except ValueError:", id="handler-header"),
        pytest.param(
            "except Exception:\n        pass", "except  Exception:\n  pass", "except Exception:\n return", id="handler"
        ),
        pytest.param("with a() as b:", "with a( ) as b:", "with a() as c:", id="with"),
        pytest.param("elif x:", "elif (x):", "elif y:", id="elif"),
        pytest.param("Job.id\n    .in_(ids)", "Job.id.in_(ids)", "Job.id.in_(keys)", id="expression-over-lines"),
        pytest.param("not ) python", "not )   python", "not ] python", id="no-python"),
    ],
)
def test_fragments(one: str, same: str, other: str) -> None:
    assert normalise(one) == normalise(same)
    assert normalise(one) != normalise(other)


def test_doubtful_escapes_do_not_warn() -> None:
    assert normalise(r"x = '\d'") == normalise(r"x = '\\d'")


def test_deep_nesting_does_not_break_it() -> None:
    deep = "f(" * 5000 + ")" * 5000
    assert normalise(deep)


def test_fingerprints_differ_by_each_part() -> None:
    base = ("LCK201", "shop.jobs.sweep", "x", 0)
    others = [("LCK202", *base[1:]), ("LCK201", "shop.jobs.clean", "x", 0), (*base[:2], "y", 0), (*base[:3], 1)]
    assert len({fingerprint(*base), *(fingerprint(*other) for other in others)}) == len(others) + 1


def test_fingerprints_stay_what_they_are() -> None:
    """A baseline that was written by one release is read by the next, on another Python."""
    assert fingerprint("LCK201", "shop.jobs.sweep", normalise(STATEMENT), 0) == "bc1365d9bb9ca9e1"
    text = """x = f"{a!r:>{w}} {b}" 'x' f"y"\nasync def f(): pass\nlambda: 1\nclass A: x: int = 1\nx[1:2]"""
    assert fingerprint("a", "b", normalise(text), 0) == "58d2d6bed52a6fce"


def test_equal_statements_are_counted() -> None:
    one, two, three = numbered(
        [("LCK201", "m.f", normalise("f( x )")), ("LCK201", "m.f", normalise("f(x)")), ("LCK201", "m.g", "f(x)")]
    )
    assert len({one, two, three}) == 3
    assert one == fingerprint("LCK201", "m.f", normalise("f(x)"), 0)
    assert two == fingerprint("LCK201", "m.f", normalise("f(x)"), 1)
