"""Limits a graph to some tables, or to some files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from lockcheck.reporting.graphs.model import Cycle, Edge, Graph, Path


def focused(graph: Graph, tables: Collection[str]) -> Graph:
    """The edges and cycles through one of these tables at least; a cycle keeps all of its edges."""
    cycles = tuple(cycle for cycle in graph.cycles if not set(tables).isdisjoint(cycle.tables))
    closing = {edge.ends for cycle in cycles for edge in cycle.edges}
    edges = tuple(
        edge for edge in graph.edges if edge.ends in closing or not set(tables).isdisjoint((edge.held, edge.taken))
    )
    return _of(edges, cycles, tuple(dict.fromkeys(tables)))


def within(graph: Graph, paths: Collection[str]) -> Graph:
    """What has a lock in one of these files: paths that take one there, and cycles that such a path closes, whole."""

    def lies(path: Path) -> bool:
        return path.held.place.path in paths or path.taken.place.path in paths

    cycles = tuple(cycle for cycle in graph.cycles if any(map(lies, _paths(cycle))))
    needed = {path for cycle in cycles for path in _paths(cycle)}
    return _of(_limited(graph.edges, lambda path: lies(path) or path in needed), cycles, graph.focus)


def about(graph: Graph, spots: Collection[tuple[str, int]]) -> Graph:
    """The cycles all of whose edges have a path that takes both of its locks at one of these paths and lines, with just
    those paths."""

    def lies(path: Path) -> bool:
        return all((step.place.path, step.place.line) in spots for step in (path.held, path.taken))

    limited = (replace(cycle, edges=_limited(cycle.edges, lies)) for cycle in graph.cycles)
    cycles = tuple(cycle for cycle in limited if len(cycle.edges) == len(cycle.tables))
    edges: dict[tuple[str, str], Edge] = {}
    for edge in (edge for cycle in cycles for edge in cycle.edges):
        known = edges.get(edge.ends, replace(edge, paths=()))
        edges[edge.ends] = replace(edge, paths=tuple(dict.fromkeys((*known.paths, *edge.paths))))
    return _of(tuple(edges[ends] for ends in sorted(edges)), cycles, graph.focus)


def _limited(edges: Iterable[Edge], keep: Callable[[Path], bool]) -> tuple[Edge, ...]:
    limited = (replace(edge, paths=tuple(filter(keep, edge.paths))) for edge in edges)
    return tuple(edge for edge in limited if edge.paths)


def _paths(cycle: Cycle) -> list[Path]:
    return [path for edge in cycle.edges for path in edge.paths]


def _of(edges: tuple[Edge, ...], cycles: tuple[Cycle, ...], focus: tuple[str, ...]) -> Graph:
    tables = {table for edge in edges for table in edge.ends} | set(focus)
    return Graph(tuple(sorted(tables)), edges, cycles, focus)
