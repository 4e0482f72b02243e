"""The lock-order graph as text."""

from __future__ import annotations

from lockcheck.reporting.graphs import text
from lockcheck.reporting.graphs.focus import focused
from lockcheck.reporting.graphs.model import Graph
from lockcheck.reporting.style import Style
from tests.graphs import SMALL, chain, hostile


def printed(graph: Graph, width: int | None = 80) -> str:
    return "\n".join(text.lines(graph, Style(), width)) + "\n"


CYCLE = """\
cycle 1 of 1: job -> run -> job

  Worker.finish holds job, then takes run:
    1. shop/jobs.py:30:5
       Worker.finish locks a row of job (FOR UPDATE)
       | session.execute(
       |     select(Job).with_for_update()
       | )
    2. shop/jobs.py:33:5
       Worker.finish changes a row of run, locked by the flush (FOR UPDATE)
       | session.execute(
       |     select(Run).with_for_update()
       | )
    and 1 more place

  claim holds run, then takes job:
    1. shop/jobs.py:10:5
       claim locks a row of run (FOR UPDATE)
       | session.execute(
       |     select(Run).with_for_update()
       | )
    2. shop/jobs.py:12:5
       claim calls claim_jobs
    3. shop/jobs.py:20:5
       claim_jobs updates rows of job (FOR UPDATE)
       | session.execute(
       |     select(Job).with_for_update()
       | )
"""


def test_cycles_come_first_then_edges_with_counts() -> None:
    assert printed(SMALL) == (
        f"""\
3 tables, 3 edges, 1 cycle

{CYCLE}
places  held       taken
     2  job   *->  run
     1  run   *->  job
     1  run    ->  log

Edges marked * close a cycle.
--focus TABLE lists the places of a table's edges.
"""
    )


def test_the_edges_of_a_focus_have_their_places() -> None:
    assert printed(focused(SMALL, ["log"])) == (
        """\
2 tables, 1 edge, 0 cycles

run -> log: 1 place
  claim
    shop/jobs.py:10:5
      locks a row of run (FOR UPDATE)
    shop/jobs.py:50:5
      locks a row of log through a foreign key (FOR UPDATE)
"""
    )


def test_a_focus_without_edges() -> None:
    assert printed(focused(SMALL, ["other"])) == (
        "1 table, 0 edges, 0 cycles\n"
        "No transaction was seen that locks rows of other together with those of another table.\n"
    )


def test_an_empty_graph() -> None:
    assert printed(Graph()) == "0 tables, 0 edges, 0 cycles\n"


def test_lines_fit() -> None:
    for width in (80, 60):
        assert max(map(len, printed(SMALL, width).splitlines())) <= width
    assert max(map(len, printed(chain(40)).splitlines())) <= 80


def test_a_long_source_line_is_cut_only_for_a_known_width() -> None:
    place = SMALL.cycles[0].edges[0].paths[0].held.place
    assert place.lines[1] in printed(SMALL, None)
    assert "|     select(Job).with_fo…\n" in printed(SMALL, 33)


def test_names_cannot_steer_the_terminal() -> None:
    out = printed(hostile())
    assert "\x1b" not in out
    assert "␛[31m" in out
    assert out.count("\n") < 60


def test_colours() -> None:
    out = "\n".join(text.lines(SMALL, Style(coloured=True), 80))
    assert "\x1b[31;1mcycle 1 of 1:\x1b[0m \x1b[1mjob -> run -> job\x1b[0m" in out
