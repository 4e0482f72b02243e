"""The lock-order graph for other programs: Mermaid, DOT, JSON. What is written is read back."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pydot
import pytest

from lockcheck.reporting.graphs import document, dot, mermaid
from lockcheck.reporting.graphs.model import Edge, Graph
from lockcheck.reporting.style import printable
from tests.graphs import HOSTILE, SMALL, chain, hostile, locks, path

SHAPES = [
    pytest.param(Graph(), id="empty"),
    pytest.param(SMALL, id="small"),
    pytest.param(chain(80), id="80-tables"),
    pytest.param(hostile(), id="hostile"),
]

# --- Mermaid ------------------------------------------------------------------------------------------------


def test_mermaid() -> None:
    assert list(mermaid.lines(SMALL)) == [
        "flowchart TD",
        '    t0["job"]',
        '    t1["log"]',
        '    t2["run"]',
        '    t0 -->|"2"| t2',
        '    t2 -->|"1"| t0',
        '    t2 -->|"1"| t1',
        "    linkStyle 0,1 stroke:#d1242f,stroke-width:3px",
        "    classDef cycle stroke:#d1242f,stroke-width:3px",
        "    class t0,t2 cycle",
    ]


MERMAID = [
    ("comment", r"%% [0-9,]+ edges? with the fewest places left out"),
    ("head", r"flowchart TD"),
    ("node", r"    (?P<node>t\d+)\[\"(?P<label>(?:[\w ._-]|[^\W]|#\d+;)+)\"\]"),
    ("edge", r"    (?P<held>t\d+) -->\|\"(?P<count>\d+)\"\| (?P<taken>t\d+)"),
    ("style", r"    linkStyle (?P<links>\d+(,\d+)*) stroke:#d1242f,stroke-width:3px"),
    ("define", r"    classDef cycle stroke:#d1242f,stroke-width:3px"),
    ("class", r"    class t\d+(,t\d+)* cycle"),
]
"""All that is used of Mermaid's grammar; labels hold no character that means something to it."""


def read_mermaid(lines: Iterator[str]) -> list[tuple[str, re.Match[str]]]:
    found = []
    for line in lines:
        matches = [(kind, match) for kind, pattern in MERMAID if (match := re.fullmatch(pattern, line))]
        assert len(matches) == 1, line
        found += matches
    return found


@pytest.mark.parametrize("graph", SHAPES)
def test_mermaid_is_read_back(graph: Graph) -> None:
    found = read_mermaid(mermaid.lines(graph))
    labels = {
        match["node"]: re.sub(r"#(\d+);", lambda code: chr(int(code[1])), match["label"])
        for kind, match in found
        if kind == "node"
    }
    assert list(labels.values()) == [printable(table) for table in graph.tables]
    edges = [(labels[m["held"]], labels[m["taken"]], int(m["count"])) for kind, m in found if kind == "edge"]
    assert edges == [(printable(e.held), printable(e.taken), len(e.paths)) for e in graph.edges]
    links = [n for kind, match in found if kind == "style" for n in match["links"].split(",")]
    assert {edges[int(number)][:2] for number in links} == {tuple(map(printable, ends)) for ends in graph.cyclic}


def test_mermaid_draws_no_more_edges_than_it_can() -> None:
    tables = tuple(f"t{number:02}" for number in range(30))
    way = path("f", locks(1, "f", "a"), locks(2, "f", "b"))
    edges = tuple(Edge(one, two, (way,) * (1 + (one == "t29"))) for one in tables for two in tables if one != two)
    found = read_mermaid(mermaid.lines(Graph(tables, edges)))
    assert found[0][1].string == "%% 370 edges with the fewest places left out"
    kept = [match["held"] for kind, match in found if kind == "edge"]
    assert len(kept) == 500
    assert kept.count("t29") == 29


# --- DOT ----------------------------------------------------------------------------------------------------


def test_dot() -> None:
    *_, first, second, third, fourth, fifth, sixth, cycle, end = dot.lines(SMALL)
    assert [first, second, third, fourth, fifth, sixth, cycle, end] == [
        '  t0 [label="job", color="#d1242f", penwidth=2];',
        '  t1 [label="log"];',
        '  t2 [label="run", color="#d1242f", penwidth=2];',
        '  t0 -> t2 [label=2, tooltip="holds job, takes run: 2 places", color="#d1242f", penwidth=2];',
        '  t2 -> t0 [label=1, tooltip="holds run, takes job: 1 place", color="#d1242f", penwidth=2];',
        '  t2 -> t1 [label=1, tooltip="holds run, takes log: 1 place"];',
        "  // cycle 1: job -> run -> job",
        "}",
    ]


@pytest.mark.filterwarnings("ignore:.* deprecated - use:DeprecationWarning")  # pydot calls an older pyparsing
@pytest.mark.parametrize("graph", SHAPES)
def test_dot_is_read_back(graph: Graph) -> None:
    parsed = pydot.graph_from_dot_data("\n".join(dot.lines(graph)))
    assert parsed is not None
    (found,) = parsed
    nodes = [node for node in found.get_nodes() if node.get_name() not in ("node", "edge", "graph")]
    labels = {node.get_name(): unquoted(node.get("label")) for node in nodes}
    assert list(labels.values()) == [printable(table) for table in graph.tables]
    edges = [(labels[str(e.get_source())], labels[str(e.get_destination())]) for e in found.get_edges()]
    assert sorted(edges) == sorted((printable(edge.held), printable(edge.taken)) for edge in graph.edges)


def unquoted(text: str) -> str:
    """A label as Graphviz shows it."""
    inner = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return html.unescape(inner)


# --- JSON ---------------------------------------------------------------------------------------------------


def parsed(graph: Graph) -> dict[str, Any]:
    found: dict[str, Any] = json.loads("\n".join(document.lines(graph)))
    return found


def test_json() -> None:
    found = parsed(SMALL)
    assert {key: found[key] for key in ("schema", "focus", "tables")} == {
        "schema": 1,
        "focus": [],
        "tables": ["job", "log", "run"],
    }
    assert found["edges"] == [
        {"held": "job", "taken": "run", "paths": [0, 1], "in_cycle": True},
        {"held": "run", "taken": "job", "paths": [2], "in_cycle": True},
        {"held": "run", "taken": "log", "paths": [3], "in_cycle": False},
    ]
    assert found["cycles"] == [
        {
            "tables": ["job", "run"],
            "edges": [{"held": "job", "taken": "run", "paths": [0, 1]}, {"held": "run", "taken": "job", "paths": [2]}],
        }
    ]
    assert found["paths"][2]["entry"] == "claim"
    assert found["paths"][2]["module"] == "shop.jobs"
    assert found["paths"][2]["steps"][1:] == [
        {
            "path": "shop/jobs.py",
            "line": 12,
            "column": 5,
            "source": ["claim_jobs(session)"],
            "source_line": 12,
            "cut": False,
            "function": "claim",
            "calls": "claim_jobs",
            "lock": None,
        },
        {
            "path": "shop/jobs.py",
            "line": 20,
            "column": 5,
            "source": ["session.execute(", "    select(Job).with_for_update()", ")"],
            "source_line": 20,
            "cut": False,
            "function": "claim_jobs",
            "calls": None,
            "lock": {"table": "job", "mode": "update", "how": "update", "many": True, "blocking": True},
        },
    ]


@pytest.mark.parametrize("graph", SHAPES)
def test_the_numbers_of_paths_are_right(graph: Graph) -> None:
    found = parsed(graph)
    assert tuple(found["tables"]) == graph.tables
    closing = [edge for cycle in found["cycles"] for edge in cycle["edges"]]
    for edge in (*found["edges"], *closing):
        for number in edge["paths"]:
            locked = [step["lock"]["table"] for step in found["paths"][number]["steps"] if step["lock"]]
            assert locked == [edge["held"], edge["taken"]]


def test_hostile_names_come_back_from_json_as_they_are() -> None:
    assert parsed(hostile())["tables"] == [HOSTILE, "b"]
