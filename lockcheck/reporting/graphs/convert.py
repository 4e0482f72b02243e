"""From the analysis to the model: sites become places with their source, qualified names become short ones."""

from __future__ import annotations

import ast
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from textwrap import dedent
from typing import TYPE_CHECKING

from lockcheck.assembly import lines_of
from lockcheck.reporting.graphs.model import Cycle, Edge, Graph, Lock, Path, Place, Step

if TYPE_CHECKING:
    from lockcheck.linking.linker import Linker
    from lockcheck.linking.lockgraph import Edge as FoundEdge
    from lockcheck.linking.lockgraph import LockGraph, Pair, Taking
    from lockcheck.plans import Target

PAIR = 2
LONGEST = 7
"""How many lines of a statement are shown."""


def shown(graph: LockGraph, linker: Linker, texts: Mapping[str, str]) -> Graph:
    """The graph to show. An edge has the paths by which it closes cycles and those that take other locks, the shortest
    first."""
    maker = _Maker(linker, texts)
    cycles = tuple(
        Cycle(cycle.tables, tuple(map(maker.edge, cycle.edges))) for cycle in graph.cycles if all(cycle.tables)
    )
    paths: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for edge in (edge for cycle in cycles for edge in cycle.edges):
        paths[edge.ends] += edge.paths
    known = {(ends, _locks(path)) for ends, found in paths.items() for path in found}
    named = (edge for edge in graph.edges if edge.held and edge.taken)  # a model may have no table that is known
    for edge in map(maker.edge, named):
        paths[edge.ends] += (path for path in edge.paths if (edge.ends, _locks(path)) not in known)
    edges = (Edge(*ends, tuple(sorted(set(paths[ends]), key=_length))) for ends in sorted(paths))
    return Graph(tuple(filter(None, graph.tables)), tuple(edges), cycles)


def joined(graphs: Sequence[Graph]) -> Graph:
    """One graph of several, which share tables at most: cycles of two tables come first."""
    paths: dict[tuple[str, str], set[Path]] = defaultdict(set)
    for edge in (edge for graph in graphs for edge in graph.edges):
        paths[edge.ends] |= set(edge.paths)
    edges = (Edge(*ends, tuple(sorted(paths[ends], key=_length))) for ends in sorted(paths))
    cycles = [cycle for graph in graphs for cycle in graph.cycles]
    short = sorted((cycle for cycle in cycles if len(cycle.tables) == PAIR), key=lambda cycle: cycle.tables)
    longer = (cycle for cycle in cycles if len(cycle.tables) > PAIR)
    tables = sorted({table for graph in graphs for table in graph.tables})
    return Graph(tuple(tables), tuple(edges), (*short, *longer))


def _locks(path: Path) -> tuple[object, ...]:
    """What a path locks where; two paths that differ in how they get there are one for the reader."""
    return (path.held.place, path.held.lock, path.taken.place, path.taken.lock)


def _length(path: Path) -> tuple[object, ...]:
    places = tuple((step.place.path, step.place.line, step.place.column) for step in path.steps)
    return (len(path.steps), places, path.module, path.entry)


class _Maker:
    """Makes paths of the pairs of one graph."""

    def __init__(self, linker: Linker, texts: Mapping[str, str]) -> None:
        self._linker = linker
        self._lines = cache(lambda path: lines_of(texts.get(path, "")))
        self._spans = cache(lambda path: _statements(texts.get(path, "")))
        self.place = cache(self._place)

    def edge(self, found: FoundEdge) -> Edge:
        return Edge(found.held, found.taken, tuple(map(self._path, found.pairs)))

    def _path(self, pair: Pair) -> Path:
        held, taken = pair.held, pair.taken
        common = _shared(held.calls, taken.calls)
        steps = (*self._steps(pair.entry, held, 0), *self._steps(pair.entry, taken, common))
        return Path(self._short(pair.entry), self._module(pair.entry), steps)

    def _steps(self, entry: str, taking: Taking, start: int) -> Iterator[Step]:
        """The calls from the `start`-th on that lead to a lock, and the lock."""
        functions = list(self._functions(entry, taking))
        for number, call in list(enumerate(taking.calls))[start:]:
            place = self.place(call, longest=1)
            yield Step(place, self._short(functions[number]), calls=self._short(functions[number + 1]))
        lock = Lock(taking.table, taking.mode, taking.how, taking.many, taking.blocking)
        yield Step(self.place(taking.site, longest=LONGEST), self._short(functions[-1]), lock=lock)

    def _functions(self, entry: str, taking: Taking) -> Iterator[str]:
        """The functions that are gone through, the entry first. A call is resolved by what comes next: the function
        that the next call stands in, which may be one inside the called one."""
        yield entry
        for call, following in zip(taking.calls[:-1], taking.calls[1:], strict=True):
            callee = self._linker.callee_at(call)
            inside = callee is not None and callee.qualname.startswith(following.slice)
            yield callee.qualname if callee is not None and inside else following.slice
        if taking.calls:
            yield taking.function

    def _place(self, target: Target, *, longest: int) -> Place:
        """A construct with its statement: all of it, or as many lines as may be, those ahead of the construct first."""
        line, column, end, _ = self._linker.position(target)
        start, last = self._spans(target.path).get(line, (line, end)) if longest > 1 else (line, line)
        first = max(start, min(line, line - longest + 2))
        shown = self._lines(target.path)[first - 1 : min(last, first + longest - 1)]
        return Place(target.path, line, column, tuple(_flush_left(shown)), first, cut=last >= first + longest)

    def _short(self, function: str) -> str:
        """A function's name within its module."""
        name = function.removeprefix(f"{self._module(function)}.")
        return name.replace(".<locals>", "").replace("<body>", "<module>")

    def _module(self, function: str) -> str:
        located = self._linker.functions.get(function)
        return located.facts.module if located is not None else self._linker.declarations.module_of(function)


def _shared(one: tuple[Target, ...], other: tuple[Target, ...]) -> int:
    """How many calls two paths have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (left, right) in pairs if left != right), min(len(one), len(other)))


def _flush_left(lines: list[str]) -> list[str]:
    return dedent("\n".join(line.expandtabs(4).rstrip() for line in lines)).split("\n") if lines else []


def _statements(text: str) -> dict[int, tuple[int, int]]:
    """The first and last line of the innermost statement, or of a compound statement's head, that each line is in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubtful escapes are the checked project's affair
        nodes: list[ast.AST] = [ast.parse(text)]
    spans: dict[int, tuple[int, int]] = {}
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            last = max(node.lineno, body[0].lineno - 1 if body else node.end_lineno or node.lineno)
            spans.update(dict.fromkeys(range(node.lineno, last + 1), (node.lineno, last)))
        inner = (ast.stmt, ast.excepthandler, ast.match_case)
        nodes += [child for child in ast.iter_child_nodes(node) if isinstance(child, inner)]
    return spans
