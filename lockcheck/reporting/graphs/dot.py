"""The graph in Graphviz' language."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.reporting.graphs import words
from lockcheck.reporting.graphs.model import Graph
from lockcheck.reporting.style import plural, printable

_HEAD = (
    "digraph locks {",
    '  graph [rankdir=TB, ranksep=0.6, tooltip="lock order"];',
    '  node [shape=box, style=rounded, fontname="Helvetica", fontsize=11];',
    '  edge [color="#6e7781", fontname="Helvetica", fontsize=9];',
)
_CYCLE = 'color="#d1242f", penwidth=2'


def lines(graph: Graph) -> Iterator[str]:
    yield from _HEAD
    names = {table: f"t{number}" for number, table in enumerate(graph.tables)}
    inside = {table for cycle in graph.cycles for table in cycle.tables}
    for table, name in names.items():
        yield f"  {name} [label={_quoted(table)}{f', {_CYCLE}' if table in inside else ''}];"
    for edge in graph.edges:
        count = plural(len(edge.paths), "place")
        tip = f"holds {edge.held}, takes {edge.taken}: {count}"
        style = f", {_CYCLE}" if edge.ends in graph.cyclic else ""
        yield f"  {names[edge.held]} -> {names[edge.taken]} [label={len(edge.paths)}, tooltip={_quoted(tip)}{style}];"
    for number, cycle in enumerate(graph.cycles, 1):
        yield f"  // cycle {number}: {printable(words.round_trip(cycle))}"
    yield "}"


def _quoted(text: str) -> str:
    """A quoted string: Graphviz reads backslashes and HTML's entities in labels."""
    escaped = printable(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
