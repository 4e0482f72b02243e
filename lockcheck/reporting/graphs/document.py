"""The graph as one JSON document, and what of it the page needs. `docs/graph.md` describes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lockcheck import __version__
from lockcheck.reporting.graphs.model import Edge, Graph, Lock, Path, Step

SCHEMA = 1
"""Grows when a key changes its meaning or goes; new keys may come without it."""


def lines(graph: Graph) -> Iterator[str]:
    yield json.dumps(document(graph), indent=2)


def document(graph: Graph) -> dict[str, Any]:
    """Edges and cycles name their paths by number in `paths`."""
    numbers = {path: number for number, path in enumerate(distinct(graph))}
    return {
        "version": __version__,
        "schema": SCHEMA,
        "focus": list(graph.focus),
        "tables": list(graph.tables),
        "edges": [_edge(edge, numbers) | {"in_cycle": edge.ends in graph.cyclic} for edge in graph.edges],
        "cycles": [{"tables": list(c.tables), "edges": _edges(c.edges, numbers)} for c in graph.cycles],
        "paths": [_path(path) for path in numbers],
    }


def distinct(graph: Graph) -> tuple[Path, ...]:
    """All paths, each once."""
    closing = (edge for cycle in graph.cycles for edge in cycle.edges)
    return tuple(dict.fromkeys(path for edge in (*graph.edges, *closing) for path in edge.paths))


def _edges(edges: Iterable[Edge], numbers: Mapping[Path, int]) -> list[dict[str, Any]]:
    return [_edge(edge, numbers) for edge in edges]


def _edge(edge: Edge, numbers: Mapping[Path, int]) -> dict[str, Any]:
    return {"held": edge.held, "taken": edge.taken, "paths": [numbers[path] for path in edge.paths]}


def _path(path: Path) -> dict[str, Any]:
    return {"entry": path.entry, "module": path.module, "steps": [_step(step) for step in path.steps]}


def _step(step: Step) -> dict[str, Any]:
    place = step.place
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "source": list(place.lines),
        "source_line": place.first,
        "cut": place.cut,
        "function": step.function,
        "calls": step.calls,
        "lock": None if step.lock is None else _lock(step.lock),
    }


def _lock(lock: Lock) -> dict[str, Any]:
    return {"table": lock.table, "mode": lock.mode, "how": lock.how, "many": lock.many, "blocking": lock.blocking}
