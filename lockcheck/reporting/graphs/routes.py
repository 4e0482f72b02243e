"""How the page draws edges: curves between the upper and lower sides of tables, as SVG paths. In a row they go below to
the right and above to the left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from lockcheck.reporting.graphs.layout import HEIGHT, LEVEL, Box

USED = 0.8
"""How much of a side the ends of edges are spread over."""
ARROW = 5
"""Where a line ends before a table, for its arrowhead."""
SWING, WIDEST_SWING = 26, 180

Ends = tuple[str, str]


def routes(boxes: Mapping[str, Box], edges: Iterable[Ends]) -> dict[Ends, str]:
    """The SVG path of each edge."""
    found = list(edges)
    ports = _ports(boxes, found)
    return {ends: _curve(*ports[ends, "held"], *ports[ends, "taken"]) for ends in found}


def _ports(boxes: Mapping[str, Box], edges: Iterable[Ends]) -> dict[tuple[Ends, str], tuple[float, float]]:
    """Where the edges end at the sides of their tables: side by side, in the order of where they lead to."""
    sides: dict[tuple[str, int], list[tuple[float, bool, str, Ends]]] = defaultdict(list)
    for ends in edges:
        held, taken = (boxes[table] for table in ends)
        leaves, enters = _sides(held, taken)
        up = taken.y < held.y  # beside its counterpart at both ends, so that the two do not cross
        sides[ends[0], leaves].append((taken.x, up, "held", ends))
        sides[ends[1], enters].append((held.x, up, "taken", ends))
    places: dict[tuple[Ends, str], tuple[float, float]] = {}
    for (table, side), leading in sides.items():
        box = boxes[table]
        room = box.width * USED
        for number, (_, _, role, ends) in enumerate(sorted(leading)):
            x = box.x - room / 2 + room * (number + 0.5) / len(leading)
            away = HEIGHT / 2 + (ARROW if role == "taken" else 0)
            places[ends, role] = (x, box.y + side * away)
    return places


def _sides(held: Box, taken: Box) -> tuple[int, int]:
    """The sides that an edge leaves and enters by: 1 is the lower one, -1 the upper one."""
    if held.y == taken.y:
        side = 1 if taken.x > held.x else -1
        return side, side
    return (1, -1) if taken.y > held.y else (-1, 1)


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    """A curve that leaves and enters upright; a long one swings out to pass by the tables between, upwards to the other
    side than downwards."""
    if abs(y2 - y1) <= ARROW:
        dip = (LEVEL - HEIGHT) * 0.55 + min(abs(x2 - x1) * 0.04, 24)
        return _path(x1, y1, x1, y1 + dip * _sign(x2 - x1), x2, y2 + dip * _sign(x2 - x1), x2, y2)
    way = _sign(y2 - y1)
    pull = max(abs(y2 - y1) * 0.4, LEVEL * 0.35) * way
    swing = min(max(abs(y2 - y1) / LEVEL - 1, 0) * SWING, WIDEST_SWING) * way
    return _path(x1, y1, x1 + swing, y1 + pull, x2 + swing, y2 - pull, x2, y2)


def _sign(number: float) -> int:
    return 1 if number >= 0 else -1


def _path(*points: float) -> str:
    numbers = [f"{point:.1f}" for point in points]
    return f"M{numbers[0]},{numbers[1]}C{','.join(numbers[2:])}"
