"""Lock-order graphs built by hand, for tests of what is printed of them."""

from __future__ import annotations

from lockcheck.reporting.graphs.model import Cycle, Edge, Graph, Lock, Path, Place, Step

HOSTILE = '</script><img src=x onerror=alert(1)>&"\'`\\N]]> --%% {{data}} #quot;\n"]; end'


def place(line: int, *lines: str, path: str = "shop/jobs.py", cut: bool = False) -> Place:
    return Place(path, line, 5, lines or (f"line {line}",), line, cut)


def calls(line: int, function: str, callee: str) -> Step:
    return Step(place(line, f"{callee}(session)"), function, calls=callee)


def locks(line: int, function: str, table: str, how: str = "row lock", *, many: bool = False) -> Step:
    source = place(line, "session.execute(", f"    select({table.title()}).with_for_update()", ")")
    return Step(source, function, lock=Lock(table, "update", how, many=many, blocking=True))


def path(entry: str, *steps: Step) -> Path:
    return Path(entry, "shop.jobs", steps)


CLAIM = path(
    "claim",
    locks(10, "claim", "run"),
    calls(12, "claim", "claim_jobs"),
    locks(20, "claim_jobs", "job", "update", many=True),
)
FINISH = path("Worker.finish", locks(30, "Worker.finish", "job"), locks(33, "Worker.finish", "run", "flush"))
FINISH_ALL = path("finish_all", locks(40, "finish_all", "job", "update", many=True), locks(41, "finish_all", "run"))
LOG = path("claim", locks(10, "claim", "run"), locks(50, "claim", "log", "foreign key"))

SMALL = Graph(
    ("job", "log", "run"),
    (Edge("job", "run", (FINISH, FINISH_ALL)), Edge("run", "job", (CLAIM,)), Edge("run", "log", (LOG,))),
    (Cycle(("job", "run"), (Edge("job", "run", (FINISH, FINISH_ALL)), Edge("run", "job", (CLAIM,)))),),
)
"""Three tables, a cycle of two."""


def chain(count: int) -> Graph:
    """Tables that are locked one after the other, each while up to three others are held, the first two in both
    orders."""
    tables = tuple(f"table_{number:02}" for number in range(count))
    ends = [(one, two) for n, one in enumerate(tables) for two in tables[n + 1 : n + 4]]
    ways = [path(f"run_{one}", locks(1, "f", one), locks(2, "g", two)) for one, two in [*ends, (tables[1], tables[0])]]
    edges = [Edge(one, two, (way,)) for (one, two), way in zip([*ends, (tables[1], tables[0])], ways, strict=True)]
    cycle = Cycle(tables[:2], (edges[0], edges[-1]))
    return Graph(tables, tuple(sorted(edges, key=lambda edge: edge.ends)), (cycle,))


def hostile() -> Graph:
    """A table, functions, a file and source lines whose names mean something in some format."""
    place = Place(f"{HOSTILE}.py", 1, 1, (HOSTILE, "\x1b[31m"), 1)
    there = path(HOSTILE, Step(place, HOSTILE, lock=Lock(HOSTILE, "update", "row lock", many=False, blocking=True)))
    there = Path(HOSTILE, HOSTILE, (*there.steps, Step(place, HOSTILE, calls=HOSTILE), *locks_of("b", place)))
    back = Path("f", "m", (*locks_of("b", place), *locks_of(HOSTILE, place)))
    edges = (Edge(HOSTILE, "b", (there,)), Edge("b", HOSTILE, (back,)))
    return Graph((HOSTILE, "b"), edges, (Cycle((HOSTILE, "b"), edges),))


def locks_of(table: str, where: Place) -> tuple[Step, ...]:
    return (Step(where, HOSTILE, lock=Lock(table, "share", "update", many=True, blocking=False)),)
