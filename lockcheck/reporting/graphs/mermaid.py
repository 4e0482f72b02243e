"""The graph as a Mermaid flowchart, as GitHub draws it in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockcheck.reporting.graphs.model import Edge, Graph
from lockcheck.reporting.style import plural, printable

MOST = 500
"""Mermaid refuses graphs with more edges."""
CYCLE = "stroke:#d1242f,stroke-width:3px"


def lines(graph: Graph) -> Iterator[str]:
    edges = _kept(graph)
    if len(edges) < len(graph.edges):
        yield f"%% {plural(len(graph.edges) - len(edges), 'edge')} with the fewest places left out"
    yield "flowchart TD"
    names = {table: f"t{number}" for number, table in enumerate(graph.tables)}
    for table, name in names.items():
        yield f'    {name}["{_escaped(table)}"]'
    for edge in edges:
        yield f'    {names[edge.held]} -->|"{len(edge.paths)}"| {names[edge.taken]}'
    if graph.cycles:
        cyclic = [str(number) for number, edge in enumerate(edges) if edge.ends in graph.cyclic]
        inside = sorted(
            {names[table] for cycle in graph.cycles for table in cycle.tables}, key=lambda name: int(name[1:])
        )
        yield f"    linkStyle {','.join(cyclic)} {CYCLE}"
        yield f"    classDef cycle {CYCLE}"
        yield f"    class {','.join(inside)} cycle"


def _kept(graph: Graph) -> Sequence[Edge]:
    """As many edges as Mermaid draws: those of cycles first, then those with most places."""
    if len(graph.edges) <= MOST:
        return graph.edges
    first = sorted(graph.edges, key=lambda edge: (edge.ends not in graph.cyclic, -len(edge.paths), edge.ends))
    kept = set(first[:MOST])
    return [edge for edge in graph.edges if edge in kept]


def _escaped(text: str) -> str:
    """A label: what is neither letter, digit nor plain punctuation, as Mermaid's `#` and number."""
    return "".join(
        character if character.isalnum() or character in " ._-" else f"#{ord(character)};"
        for character in printable(text)
    )
