"""Where the page draws tables: in rows, so that locks are taken downwards as far as that can be. The same graph is
always laid out the same way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import fmean

from lockcheck.reporting.graphs.model import Graph
from lockcheck.reporting.style import cells

HEIGHT, LEVEL, GAP = 36, 112, 28
"""The height of a table, the distance of two rows, and the least gap between two tables."""
LETTER, PADDING, NARROWEST = 7.9, 28, 76
FEW, WIDEST = 6, 1200
"""Up to so many rows are kept however narrow they are; one that grows wider than the other is broken into several."""
SHAPE = 0.8
"""Width by height that a graph of many rows should have."""
SWEEPS = 12

Weights = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Box:
    """A table: its centre and its width."""

    x: float
    y: float
    width: float


def laid_out(graph: Graph) -> dict[str, Box]:
    weights = {edge.ends: len(edge.paths) for edge in graph.edges}
    layers = _squeezed(_layers(_ordered(graph.tables, weights), weights))
    rows = [row for layer in layers for row in _broken(layer)]
    _uncross(rows, weights)
    places = _placed(rows, weights)
    return {
        table: Box(round(places[table], 1), number * LEVEL, _width(table))
        for number, row in enumerate(rows)
        for table in row
    }


def _width(table: str) -> float:
    return round(max(NARROWEST, cells(table) * LETTER + PADDING), 1)


def _ordered(tables: Iterable[str], weights: Weights) -> list[str]:
    """The tables so that few edges lead back: sinks go last, sources first, of the rest the one that is held most and
    taken least (Eades, Lin, Smyth, "A fast and effective heuristic for the feedback arc set problem", 1993)."""
    left = set(tables)
    first: list[str] = []
    last: list[str] = []
    while left:
        held, taken = dict.fromkeys(left, 0), dict.fromkeys(left, 0)
        for (one, two), count in weights.items():
            if one in left and two in left:
                held[one] += count
                taken[two] += count
        table = min(left, key=lambda name: (held[name] > 0, taken[name] > 0, taken[name] - held[name], name))
        left.remove(table)
        (first if held[table] else last).append(table)
    return first + last[::-1]


def _layers(order: Sequence[str], weights: Weights) -> list[list[str]]:
    """Each table below all that come before it in the order and are joined to it, so that no edge stays in a layer."""
    joined = _joined(weights)
    depth: dict[str, int] = {}
    for table in order:
        depth[table] = max((depth[other] + 1 for other in joined[table] if other in depth), default=0)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for table in order:
        layers[depth[table]].append(table)
    return layers


def _squeezed(layers: Sequence[Sequence[str]]) -> list[list[str]]:
    """The layers; neighbours as one where there are so many that the graph would be a narrow column."""
    total = sum(_width(table) + GAP for layer in layers for table in layer)
    most = max(FEW, round((total / (SHAPE * LEVEL)) ** 0.5))
    rows: list[list[str]] = [[] for _ in range(min(len(layers), most))]
    for number, layer in enumerate(layers):
        rows[number * len(rows) // len(layers)] += layer
    return rows


def _broken(layer: Sequence[str]) -> list[list[str]]:
    """A layer as rows of about equal width that are not too wide."""
    total = sum(_width(table) + GAP for table in layer)
    room = total / max(1, -(-total // WIDEST))
    rows: list[list[str]] = [[]]
    used = 0.0
    for table in layer:
        if rows[-1] and used + _width(table) / 2 > room:
            rows.append([])
            used = 0.0
        rows[-1].append(table)
        used += _width(table) + GAP
    return rows


def _uncross(rows: list[list[str]], weights: Weights) -> None:
    """Order each row by where the tables stand that its own are joined to."""
    joined = _joined(weights)
    at = {table: (number + 0.5) / len(row) for row in rows for number, table in enumerate(row)}
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            row.sort(key=lambda table: (fmean([at[other] for other in joined[table]] or [at[table]]), table))
            at.update({table: (number + 0.5) / len(row) for number, table in enumerate(row)})


def _placed(rows: Sequence[Sequence[str]], weights: Weights) -> dict[str, float]:
    """The middles of the tables: near those they are joined to, none over another, no row wider than the widest has to
    be."""
    joined = _joined(weights)
    half = max((_offsets(row)[-1] + (_width(row[0]) + _width(row[-1])) / 2 for row in rows), default=0.0) / 2
    places: dict[str, float] = {}
    for row in rows:
        places.update(_spread(row, dict.fromkeys(row, 0.0), half))
    for _ in range(SWEEPS):
        for row in rows:
            wish = {table: fmean([places[other] for other in joined[table]] or [places[table]]) for table in row}
            places.update(_spread(row, wish, half))
    return places


def _spread(row: Sequence[str], wish: Mapping[str, float], half: float) -> dict[str, float]:
    """The tables of a row in their order, as near as can be to where they wish to be: those that touch form blocks,
    which stand at the mean of their wishes, within `half` on both sides."""
    offsets = _offsets(row)
    blocks: list[list[float]] = []
    for table, offset in zip(row, offsets, strict=True):
        blocks.append([wish[table] - offset])
        while len(blocks) > 1 and fmean(blocks[-2]) > fmean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    least, most = _width(row[0]) / 2 - half, half - _width(row[-1]) / 2 - offsets[-1]
    starts = [min(max(fmean(block), least), most) for block in blocks for _ in block]
    return {table: start + offset for table, start, offset in zip(row, starts, offsets, strict=True)}


def _offsets(row: Sequence[str]) -> list[float]:
    """Where the tables of a row stand behind its first one when they touch but for the gap."""
    steps = ((_width(one) + _width(other)) / 2 + GAP for one, other in pairwise(row))
    return list(accumulate(steps, initial=0.0))


def _joined(weights: Weights) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for held, taken in weights:
        found[held].append(taken)
        found[taken].append(held)
    return found
