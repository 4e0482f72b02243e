"""The full format, as a person sees it."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from lockcheck.findings import Edit, Finding, Fix, Place, Related
from lockcheck.reporting import full
from lockcheck.reporting.sources import Sources
from lockcheck.reporting.style import Style, cells
from lockcheck.reporting.view import View
from tests.rooms import Report, finding

JOBS = """\
from sqlalchemy import update

from models import Job, Session


def sweep(session: Session) -> None:
    session.execute(
        update(Job)
        .where(Job.state == "done")
        .values(state=None)
    )
"""
MARKING = "def mark(jobs, session):\n    for job in jobs:\n        session.flush()\n"
MESSAGE = "job rows reached through (state) are locked in no certain order; mark locks many of them, in another order"


def shown(item: Finding, *, width: int | None = 80, unsafe: bool = False, **files: str) -> str:
    sources = Sources({"jobs.py": JOBS, "marking.py": MARKING, **{f"{name}.py": text for name, text in files.items()}})
    view = View(Style(), width, unsafe=unsafe, sources=sources)
    report: Any = Report((item,))
    lines = list(full.lines(report, view))
    assert lines.pop() == ""
    assert all(line == line.rstrip() for line in lines)
    return "\n".join(lines) + "\n"


def test_no_findings() -> None:
    report: Any = Report()
    assert list(full.lines(report, View())) == []


def test_everything() -> None:
    fix = Fix(
        "safe",
        "Lock the rows in primary-key order first. Judged for postgresql and sqlite, as the settings say.",
        (
            Edit(Place("jobs.py", 1, 24, 1, 24), "select, "),
            Edit(
                Place("jobs.py", 9, 16, 9, 35),
                'Job.id.in_(select(Job.id).where(Job.state == "done").order_by(Job.id)'
                ".with_for_update(key_share=True))",
            ),
        ),
    )
    related = (Related(Place("marking.py", 3, 9, 3, 24), "mark flushes job rows one by one"),)
    item = finding(line=8, column=9, end=(10, 28), message=MESSAGE, fix=fix, related=related)
    assert shown(item) == dedent("""\
        LCK201 [*] unordered-bulk-write: job rows reached through (state) are locked in
        no certain order; mark locks many of them, in another order
          --> jobs.py:8:9 in Jobs.sweep
           |
         6 | def sweep(session: Session) -> None:
         7 |     session.execute(
         8 |         update(Job)
           |         ^^^^^^^^^^^
         9 |         .where(Job.state == "done")
        10 |         .values(state=None)
           |
        note: mark flushes job rows one by one
          --> marking.py:3:9
           |
         3 |         session.flush()
           |         ^^^^^^^^^^^^^^^
           |
        safe fix: Lock the rows in primary-key order first. Judged for postgresql and
        sqlite, as the settings say.
         1 - from sqlalchemy import update
           + from sqlalchemy import select, update
        ..
         9 -         .where(Job.state == "done")
           +         .where(Job.id.in_(select(Job.id).where(Job.state == "done").order_b
           + y(Job.id).with_for_update(key_share=True)))
        """)


def test_without_a_width_nothing_is_wrapped_or_cut() -> None:
    item = finding(line=1, end=(1, 30), message=MESSAGE)
    text = shown(item, width=None, jobs="x" * 300 + "\n")
    assert text.splitlines()[0] == f"LCK201 unordered-bulk-write: {MESSAGE}"
    assert "x" * 300 in text


def test_an_unsafe_fix_is_marked_only_when_it_would_be_applied() -> None:
    item = finding(line=8, column=9, fix=Fix("unsafe", "Guard the state", (Edit(Place("jobs.py", 8, 9, 8, 15), "x"),)))
    assert shown(item).startswith("LCK201 unordered-bulk-write:")
    assert shown(item, unsafe=True).startswith("LCK201 [*] unordered-bulk-write:")
    assert "unsafe fix: Guard the state\n8 -         update(Job)\n  +         x(Job)\n" in shown(item)


def test_tabs_and_wide_characters_align() -> None:
    source = "\tnames = '日本語'; job.state = 'done'\n"
    start = source.index("job") + 1
    item = finding(line=1, column=start, end=(1, start + len("job.state")))
    frame = shown(item, jobs=source).splitlines()[2:]
    assert frame[1] == "1 |     names = '日本語'; job.state = 'done'"
    before = frame[1].partition("job.state")[0]
    assert frame[2].rstrip("^") == "  | " + " " * (cells(before) - 4)
    assert frame[2].endswith(" " + "^" * len("job.state"))


@pytest.mark.parametrize("column", [1, 60, 150, 290])
def test_long_lines_show_the_construct(column: int) -> None:
    source = f"{'a' * (column - 1)}BBBBBB{'c' * (300 - column)}\n"
    lines = shown(finding(line=1, column=column, end=(1, column + 6)), jobs=source).splitlines()
    assert all(cells(line) <= 80 for line in lines)
    at = lines[4].index("^")
    assert lines[3][at : at + 6] == "BBBBBB"
    assert lines[4].count("^") == 6


def test_long_constructs_are_cut() -> None:
    source = "".join(f"line {number}\n" for number in range(1, 31))
    text = shown(finding(line=3, end=(20, 8)), jobs=source)
    assert "8 | line 8\n. |\n  |\n" in text
    assert "line 9" not in text


def test_control_characters_do_not_reach_the_terminal() -> None:
    source = "x = '\x1b[2J\u202e'\n"
    text = shown(finding(line=1, message="a \x1b[31m b"), jobs=source)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "a ␛[31m b" in text


@pytest.mark.parametrize("line", [40, 0])
def test_a_place_that_is_not_in_the_file(line: int) -> None:
    assert shown(finding(line=line)).splitlines() == [
        "LCK201 unordered-bulk-write: rows are locked in no certain order",
        f"{' ' * len(str(line))}--> jobs.py:{line}:1 in Jobs.sweep",
    ]


def test_a_file_that_is_gone() -> None:
    assert "--> gone.py:3:1" in shown(finding("gone.py"))


def test_colours() -> None:
    report: Any = Report((finding(line=1, fix=Fix("safe", "Mend", ())),))
    view = View(Style(coloured=True), 80, sources=Sources({"jobs.py": JOBS}))
    text = "\n".join(full.lines(report, view))
    assert text.startswith("\x1b[31;1mLCK201\x1b[0m \x1b[36m[*]\x1b[0m \x1b[1munordered-bulk-write\x1b[0m: ")
    assert "\x1b[31;1m^^^^^^\x1b[0m" in text
    assert "\x1b[32;1msafe fix\x1b[0m: Mend" in text


def test_a_fix_of_several_files() -> None:
    edits = (Edit(Place("jobs.py", 4, 1, 4, 1), "x\n"), Edit(Place("marking.py", 3, 9, 3, 16), "session_"))
    text = shown(finding(line=8, fix=Fix("unsafe", "Mend", edits)))
    assert text.endswith(
        "unsafe fix: Mend\n  jobs.py\n  + x\n4\n"
        "  marking.py\n3 -         session.flush()\n  +         session_.flush()\n"
    )
