"""From the analysis to what is shown of the lock-order graph."""

from __future__ import annotations

import pytest

from lockcheck.linking.lockgraph import Cycle as FoundCycle
from lockcheck.linking.lockgraph import Edge as FoundEdge
from lockcheck.linking.lockgraph import LockGraph, Pair, Taking, lock_graph
from lockcheck.plans import Target
from lockcheck.reporting.graphs.convert import LONGEST, shown
from lockcheck.reporting.graphs.focus import focused, within
from lockcheck.reporting.graphs.model import Graph, Lock, Path, Place
from tests.graphs import SMALL, chain
from tests.linked import Linked, link

BODY = """
def claim(session, run_id, job_id):
    run = lock_run(session, run_id)
    if run:
        claim_job(
            session, job_id,
        )


def lock_run(session, key):
    return session.scalars(
        select(Run).where(
            Run.id == key
        ).with_for_update()
    ).one()


def claim_job(session, key):
    session.execute(update(Job).where(Job.id == key).values(state="busy"))


def finish(session, run_id, job_id):
    claim_job(session, job_id)
    lock_run(session, run_id)
    session.execute(
        update(Part)
        .where(
            Part.run_id == run_id,
            Part.number == 1,
        )
        .values(
            state="done",
        )
    )
"""


@pytest.fixture(scope="module")
def linked() -> Linked:
    return link(BODY)


def site(linked: Linked, function: str, source: str) -> Target:
    """The innermost call that begins at the first occurrence of a text in a function."""
    linker = linked.project.linker
    where = linker.functions[f"app.{function}"].where
    lines = linked.texts[where.path].splitlines()
    spots = linker.slices[where.path, where.slice].call
    for index in reversed(range(len(spots))):
        spot = spots[index]
        if lines[spot.line - 1][spot.column - 1 :].startswith(source):
            return Target(where.path, where.slice, "call", index)
    raise AssertionError(source)


def taking(
    linked: Linked, table: str, function: str, source: str, *calls: tuple[str, str], mode: str = "update"
) -> Taking:
    through = tuple(site(linked, *call) for call in calls)
    return Taking(
        table,
        mode,  # type: ignore[arg-type]
        many=False,
        blocking=True,
        how="row lock",
        site=site(linked, function, source),
        function=f"app.{function}",
        calls=through,
    )


def told(linked: Linked, *edges: FoundEdge, cycles: tuple[FoundCycle, ...] = ()) -> Graph:
    tables = sorted({table for edge in edges for table in (edge.held, edge.taken)})
    return shown(LockGraph(tuple(tables), edges, cycles), linked.project.linker, linked.texts)


def claim(linked: Linked) -> Pair:
    held = taking(linked, "run", "lock_run", "select(", ("claim", "lock_run("))
    return Pair("app.claim", held, taking(linked, "job", "claim_job", "update(", ("claim", "claim_job(")))


def test_a_path_step_by_step(linked: Linked) -> None:
    (edge,) = told(linked, FoundEdge("run", "job", (claim(linked),))).edges
    (path,) = edge.paths
    assert (path.entry, path.module) == ("claim", "app")
    assert [(step.function, step.calls, step.lock and step.lock.table) for step in path.steps] == [
        ("claim", "lock_run", None),
        ("lock_run", None, "run"),
        ("claim", "claim_job", None),
        ("claim_job", None, "job"),
    ]
    assert path.held is path.steps[1]
    assert path.taken.lock == Lock("job", "update", "row lock", many=False, blocking=True)


def test_a_call_has_its_line_and_a_lock_its_statement(linked: Linked) -> None:
    (edge,) = told(linked, FoundEdge("run", "job", (claim(linked),))).edges
    lock_run, held, claim_job, taken = (step.place for step in edge.paths[0].steps)
    line = linked.texts["app.py"].splitlines().index("def claim(session, run_id, job_id):") + 1
    assert lock_run == Place("app.py", line + 1, 11, ("run = lock_run(session, run_id)",), line + 1)
    assert claim_job == Place("app.py", line + 3, 9, ("claim_job(",), line + 3)
    assert held.lines == (
        "return session.scalars(",
        "    select(Run).where(",
        "        Run.id == key",
        "    ).with_for_update()",
        ").one()",
    )
    assert (held.line, held.first, held.cut) == (line + 10, line + 9, False)
    assert taken.lines == ('session.execute(update(Job).where(Job.id == key).values(state="busy"))',)


def test_a_long_statement_is_cut(linked: Linked) -> None:
    first = taking(linked, "job", "claim_job", "update(", ("finish", "claim_job("))
    for source, begin, end in (
        ("update(", "session.execute(", ".values("),
        ("values(", "update(Part)", 'state="done",'),
    ):
        pair = Pair("app.finish", first, taking(linked, "part", "finish", source))
        (edge,) = told(linked, FoundEdge("job", "part", (pair,))).edges
        place = edge.paths[0].taken.place
        assert len(place.lines) == LONGEST
        assert [place.lines[0].strip(), place.lines[-1].strip()] == [begin, end]
        assert place.cut


def test_calls_that_both_locks_have_in_common_are_told_once(linked: Linked) -> None:
    call = ("claim", "claim_job(")
    one, other = (taking(linked, table, "claim_job", "update(", call) for table in ("job", "run"))
    (edge,) = told(linked, FoundEdge("job", "run", (Pair("app.claim", one, other),))).edges
    assert [step.calls for step in edge.paths[0].steps] == ["claim_job", None, None]


def test_an_edge_has_the_paths_of_its_cycles(linked: Linked) -> None:
    """The analysis tells one pair for each two places; the one in a cycle may be another, with other modes."""
    there = claim(linked)
    back = Pair(
        "app.finish", taking(linked, "job", "claim_job", "update("), taking(linked, "run", "lock_run", "select(")
    )
    weak = taking(linked, "run", "lock_run", "select(", mode="key share")
    weaker = Pair("app.finish", back.held, weak)
    edges = (FoundEdge("job", "run", (weaker,)), FoundEdge("run", "job", (there,)))
    cycle = FoundCycle(("job", "run"), (FoundEdge("job", "run", (back,)), FoundEdge("run", "job", (there,))))
    graph = told(linked, *edges, cycles=(cycle,))
    assert [len(edge.paths) for edge in graph.edges] == [2, 1]
    for edge in graph.cycles[0].edges:
        assert set(edge.paths) <= {path for other in graph.edges if other.ends == edge.ends for path in other.paths}


def test_the_shortest_path_comes_first(linked: Linked) -> None:
    short = Pair(
        "app.finish", taking(linked, "run", "lock_run", "select("), taking(linked, "job", "claim_job", "update(")
    )
    (edge,) = told(linked, FoundEdge("run", "job", (claim(linked),)), FoundEdge("run", "part", ())).edges[:1]
    assert len(edge.paths) == 1
    strong = claim(linked)
    longer = Pair(strong.entry, taking(linked, "run", "finish", "update(", ("claim", "lock_run(")), strong.taken)
    (edge,) = told(linked, FoundEdge("run", "job", (longer, short))).edges
    assert [len(path.steps) for path in edge.paths] == [2, 4]


def test_rows_of_no_known_table_are_left_out(linked: Linked) -> None:
    nameless = FoundEdge("", "job", (claim(linked),))
    graph = told(linked, nameless, cycles=(FoundCycle(("", "job"), (nameless,)),))
    assert graph == Graph(("job",))


def test_the_analysis_of_a_whole_project() -> None:
    linked = link(BODY)
    graph = shown(lock_graph(linked.project), linked.project.linker, linked.texts)
    assert {("run", "job"), ("job", "run"), ("run", "part")} <= {edge.ends for edge in graph.edges}
    assert [cycle.tables for cycle in graph.cycles] == [("job", "run")]
    ways = {edge.ends: edge.paths[0] for edge in graph.cycles[0].edges}
    assert functions(ways["run", "job"]) == ["claim", "lock_run", "claim", "claim_job"]
    assert functions(ways["job", "run"]) == ["finish", "claim_job", "finish", "lock_run"]


def functions(path: Path) -> list[str]:
    return [step.function for step in path.steps]


# --- limits -------------------------------------------------------------------------------------------------


def test_a_focus_keeps_edges_and_cycles_through_its_tables() -> None:
    graph = focused(SMALL, ["log"])
    assert (graph.tables, graph.cycles, graph.focus) == (("log", "run"), (), ("log",))
    assert [edge.ends for edge in graph.edges] == [("run", "log")]
    graph = focused(SMALL, ["job", "log", "job"])
    assert (graph.tables, graph.cycles, graph.focus) == (SMALL.tables, SMALL.cycles, ("job", "log"))


def test_a_cycle_through_a_focus_stays_whole() -> None:
    graph = focused(chain(6), ["table_00"])
    assert [cycle.tables for cycle in graph.cycles] == [("table_00", "table_01")]
    assert ("table_01", "table_00") in {edge.ends for edge in graph.edges}
    assert ("table_01", "table_02") not in {edge.ends for edge in graph.edges}


def test_files_limit_a_graph_to_locks_in_them() -> None:
    assert within(SMALL, {"shop/jobs.py"}) == SMALL
    assert within(SMALL, {"other.py"}) == Graph()
