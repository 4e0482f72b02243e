"""The graph as text for a terminal: cycles first, each with its paths step by step, then the edges."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lockcheck.reporting.graphs import words
from lockcheck.reporting.graphs.model import Cycle, Edge, Graph, Path, Place, Step
from lockcheck.reporting.style import Style, clip, columns, plural, printable, wrapped

WIDTH = 80
"""What prose is wrapped to where the width of the output is not known."""
MOST = 5
"""How many places of an edge are listed."""
_INDENT = " " * 4
_TIE = "\N{NO-BREAK SPACE}"


def lines(graph: Graph, style: Style, width: int | None) -> Iterator[str]:
    writer = _Writer(style, width)
    yield style.paint(words.counts(graph), "bold")
    for number, cycle in enumerate(graph.cycles, 1):
        yield ""
        yield from writer.cycle(cycle, f"cycle {number} of {len(graph.cycles)}: ")
    if graph.edges:
        yield ""
        yield from writer.listed(graph) if graph.focus else writer.counted(graph)
    elif graph.focus:
        named = ", ".join(map(printable, graph.focus))
        yield f"No transaction was seen that locks rows of {named} together with those of another table."


class _Writer:
    """Sets lines for a width; None for one that is not known, where source lines are not cut."""

    def __init__(self, style: Style, width: int | None) -> None:
        self._style = style
        self._prose = max(width or WIDTH, 40)
        self._room = width

    # --- cycles ------------------------------------------------------------------------------------------------------

    def cycle(self, cycle: Cycle, label: str) -> Iterator[str]:
        first, *rest = self._wrapped(f"{label}{words.round_trip(cycle)}", indent="  ", first="")
        yield f"{self._style.paint(label.rstrip(), 'red', 'bold')} {self._style.paint(first[len(label) :], 'bold')}"
        yield from (self._style.paint(line, "bold") for line in rest)
        for edge in cycle.edges:
            yield ""
            yield from self._way(edge)

    def _way(self, edge: Edge) -> Iterator[str]:
        """One path of an edge, and how many more there are."""
        path = edge.paths[0]
        yield from self._wrapped(f"{path.entry} holds {edge.held}, then takes {edge.taken}:", indent="  ")
        yield from self._path(path)
        if len(edge.paths) > 1:
            yield f"{_INDENT}and {plural(len(edge.paths) - 1, 'more place')}"

    def _path(self, path: Path) -> Iterator[str]:
        width = len(str(len(path.steps))) + 1
        for number, step in enumerate(path.steps, 1):
            label = self._style.paint(f"{number}.".rjust(width), "blue")
            yield f"{_INDENT}{label} {_where(step)}"
            yield from self._step(step, " " * (len(_INDENT) + width + 1), last=number == len(path.steps))

    def _step(self, step: Step, indent: str, *, last: bool) -> Iterator[str]:
        if step.lock is None:
            yield from self._wrapped(f"{step.function} calls {step.calls}", indent=indent)
            return
        colour = "red" if last else "yellow"
        for line in self._wrapped(f"{step.function} {words.action(step.lock)}", indent=indent):
            yield self._style.paint(line, colour)
        yield from self._source(step.place, indent)

    def _source(self, place: Place, indent: str) -> Iterator[str]:
        margin = f"{indent}{self._style.paint('|', 'blue')} "
        for line in map(printable, place.lines):
            shown = line if self._room is None else clip(line, 0, max(self._room - len(indent) - 2, 20))
            yield f"{margin}{shown}".rstrip()
        if place.cut:
            yield f"{margin}..."

    # --- edges -------------------------------------------------------------------------------------------------------

    def counted(self, graph: Graph) -> Iterator[str]:
        """A line for each edge with the number of its places."""
        most = max(len(f"{len(edge.paths):,}") for edge in graph.edges)
        rows = [("places", "held", "", "taken"), *(self._row(edge, graph, max(most, 6)) for edge in graph.edges)]
        head, *found = columns(rows)
        yield self._style.paint(head, "bold")
        for line, edge in zip(found, graph.edges, strict=True):
            yield self._style.paint(line, "red") if edge.ends in graph.cyclic else line
        yield ""
        if graph.cycles:
            yield "Edges marked * close a cycle."
        yield "--focus TABLE lists the places of a table's edges."

    def _row(self, edge: Edge, graph: Graph, width: int) -> tuple[str, ...]:
        mark = "*->" if edge.ends in graph.cyclic else " ->"
        return (f"{len(edge.paths):,}".rjust(width), printable(edge.held), mark, printable(edge.taken))

    def listed(self, graph: Graph) -> Iterator[str]:
        """The edges with their places."""
        for number, edge in enumerate(graph.edges):
            if number:
                yield ""
            mark = " (closes a cycle)" if edge.ends in graph.cyclic else ""
            title = f"{printable(edge.held)} -> {printable(edge.taken)}: {plural(len(edge.paths), 'place')}{mark}"
            yield self._style.paint(title, "red" if mark else "bold")
            for path in edge.paths[:MOST]:
                yield from self._ends(path)
            if len(edge.paths) > MOST:
                yield f"{_INDENT}and {plural(len(edge.paths) - MOST, 'more place')}"

    def _ends(self, path: Path) -> Iterator[str]:
        yield from self._wrapped(f"{path.entry}", indent="  ")
        for step in (path.held, path.taken):
            yield f"{_INDENT}{_where(step)}"
            if step.lock is not None:
                yield from self._wrapped(words.action(step.lock), indent=f"{_INDENT}  ")

    def _wrapped(self, text: str, *, indent: str, first: str | None = None) -> Sequence[str]:
        """Prose with an indent, what goes on in further lines two deeper; what stands in brackets stays together."""
        start = indent if first is None else first
        tied = re.sub(r"\([^)]*\)", lambda found: found[0].replace(" ", _TIE), printable(text))
        pieces = wrapped(tied, self._prose - len(indent) - 2)
        lines = (f"{indent}  {piece}" if number else f"{start}{piece}" for number, piece in enumerate(pieces))
        return [line.replace(_TIE, " ") for line in lines]


def _where(step: Step) -> str:
    return f"{printable(step.place.path)}:{step.place.line}:{step.place.column}"
