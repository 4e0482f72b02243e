"""The graph as one page that needs nothing else: drawn by its own script, from data in the page."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lockcheck import __version__
from lockcheck.reporting.graphs import words
from lockcheck.reporting.graphs.document import distinct, document
from lockcheck.reporting.graphs.layout import HEIGHT, laid_out
from lockcheck.reporting.graphs.model import Graph, Step
from lockcheck.reporting.graphs.routes import routes

_PARTS = Path(__file__).parent / "page"
_SCRIPTS = ("data.js", "drawing.js", "details.js", "app.js")


def lines(graph: Graph) -> Iterator[str]:
    script = "(() => {\n" + "\n".join(map(_part, _SCRIPTS)) + "})();"
    filled = {
        "version": html.escape(__version__),
        "counts": html.escape(words.counts(graph)),
        "style": _part("page.css").rstrip(),
        "digest": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "data": _embedded(_data(graph)),
        "script": script,
    }
    yield re.sub(r"{{(\w+)}}", lambda gap: filled[gap[1]], _part("page.html").rstrip())


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _embedded(data: dict[str, Any]) -> str:
    """JSON that cannot end the element it stands in, whatever the names and sources are."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _data(graph: Graph) -> dict[str, Any]:
    """The document with each step once, and the drawing."""
    found = document(graph)
    boxes = laid_out(graph)
    drawn = routes(boxes, [edge.ends for edge in graph.edges])
    steps: dict[Step, int] = {}
    for path, of_path in zip(distinct(graph), found["paths"], strict=True):
        of_path["steps"] = [steps.setdefault(step, len(steps)) for step in path.steps]
    return found | {
        "steps": [_step(step) for step in steps],
        "height": HEIGHT,
        "boxes": {table: (box.x, box.y, box.width) for table, box in boxes.items()},
        "routes": [drawn[edge.ends] for edge in graph.edges],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "path": step.place.path,
        "line": step.place.line,
        "source": step.place.lines,
        "first": step.place.first,
        "cut": step.place.cut,
        "function": step.function,
        "locks": step.lock is not None,
        "does": f"calls {step.calls}" if step.lock is None else words.action(step.lock),
    }
