"""Where the page draws the tables and edges of the lock-order graph."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from lockcheck.reporting.graphs.layout import GAP, HEIGHT, LEVEL, WIDEST, Box, laid_out
from lockcheck.reporting.graphs.model import Edge, Graph
from lockcheck.reporting.graphs.routes import routes
from tests.graphs import SMALL, chain, locks, path


def graph(*ends: str) -> Graph:
    """A graph of edges like `a b`, or `a b 3` for three places."""
    edges = []
    for one, two, *count in map(str.split, ends):
        ways = tuple(path("f", locks(n, "f", one), locks(n, "f", two)) for n in range(int(*count or ["1"])))
        edges.append(Edge(one, two, ways))
    return Graph(tuple(sorted({table for edge in edges for table in edge.ends})), tuple(edges))


def rows(boxes: dict[str, Box]) -> list[set[str]]:
    levels = sorted({box.y for box in boxes.values()})
    assert levels == [number * LEVEL for number in range(len(levels))]
    return [{table for table, box in boxes.items() if box.y == level} for level in levels]


def test_locks_are_taken_downwards() -> None:
    assert rows(laid_out(graph("a b", "a c", "b d", "c d"))) == [{"a"}, {"b", "c"}, {"d"}]


def test_of_a_cycle_the_edge_with_fewer_places_leads_back() -> None:
    assert rows(laid_out(graph("b a 5", "a b", "a c"))) == [{"b"}, {"a"}, {"c"}]
    assert rows(laid_out(graph("b a", "a b 5", "b c"))) == [{"a"}, {"b"}, {"c"}]


def test_nothing_to_draw() -> None:
    assert laid_out(Graph()) == {}
    assert laid_out(Graph(("alone",))) == {"alone": Box(0, 0, 76)}


@pytest.mark.parametrize(
    "drawn",
    [
        SMALL,
        *map(chain, (5, 20, 40, 80)),
        graph(*(f"hub table_with_a_long_name_{number:02}" for number in range(60))),
        graph(*(f"t{one:02} t{two:02}" for one in range(40) for two in range(40) if one != two)),
    ],
    ids=["small", "chain-5", "chain-20", "chain-40", "chain-80", "star", "full"],
)
def test_no_table_lies_over_another_and_the_shape_is_fit_for_a_screen(drawn: Graph) -> None:
    boxes = laid_out(drawn)
    assert set(boxes) == set(drawn.tables)
    for row in rows(boxes):
        ordered = sorted((boxes[table] for table in row), key=lambda box: box.x)
        for one, other in pairwise(ordered):
            assert other.x - one.x >= (one.width + other.width) / 2 + GAP - 0.5
    left = min(box.x - box.width / 2 for box in boxes.values())
    right = max(box.x + box.width / 2 for box in boxes.values())
    bottom = max(box.y for box in boxes.values())
    assert right - left < WIDEST * 1.2
    assert bottom <= 14 * LEVEL


def test_the_same_graph_is_always_laid_out_the_same_way() -> None:
    one, other = chain(40), chain(40)
    shuffled = Graph(other.tables[::-1], other.edges[::-1], other.cycles)
    assert laid_out(one) == laid_out(shuffled)


def test_edges_end_at_their_tables() -> None:
    drawn = chain(20)
    boxes = laid_out(drawn)
    found = routes(boxes, [edge.ends for edge in drawn.edges])
    assert len(set(found.values())) == len(drawn.edges)
    for (held, taken), curve in found.items():
        numbers = [float(number) for number in re.findall(r"-?\d+\.\d", curve)]
        for (x, y), box in ((numbers[:2], boxes[held]), (numbers[-2:], boxes[taken])):
            assert abs(x - box.x) < box.width / 2
            assert HEIGHT / 2 <= abs(y - box.y) <= HEIGHT / 2 + 5


def test_edges_of_a_row_go_below_to_the_right_and_above_to_the_left() -> None:
    boxes = {"a": Box(0, 0, 80), "b": Box(200, 0, 80)}
    found = routes(boxes, [("a", "b"), ("b", "a")])
    assert found["a", "b"] == "M0.0,18.0C0.0,67.8,200.0,72.8,200.0,23.0"
    assert found["b", "a"] == "M200.0,-18.0C200.0,-67.8,0.0,-72.8,0.0,-23.0"


def test_the_two_edges_between_two_tables_do_not_cross() -> None:
    boxes = {"a": Box(0, 0, 80), "b": Box(0, 112, 80)}
    found = routes(boxes, [("a", "b"), ("b", "a")])
    assert found["a", "b"] == "M-16.0,18.0C-16.0,57.2,-16.0,49.8,-16.0,89.0"
    assert found["b", "a"] == "M16.0,94.0C16.0,54.8,16.0,62.2,16.0,23.0"
