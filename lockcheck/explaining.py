"""Shows rule pages: one as text, all as a table or as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TextIO

from lockcheck import pages
from lockcheck.reporting.style import Style, cells, columns, terminal_width, wants_colour, wrapped

_FIXES = {"safe": "safe", "unsafe": "unsafe", "sometimes": "sometimes safe", "none": "none"}
_LABELS = {"bad": "Reported", "good": "Not reported", "fixed": "Fixed"}


def explain(page: pages.Page, stream: TextIO) -> None:
    """A page: rendered on a terminal, as Markdown elsewhere."""
    text = document(page)
    if not stream.isatty():
        stream.write(text)
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import and needed on a terminal only
    from rich.markdown import Markdown  # noqa: PLC0415 - as above

    Console(file=stream).print(Markdown(_labelled(text)))


def _labelled(text: str) -> str:
    """A rendered block does not show the word behind `python`, so it is written above."""
    for kind, label in _LABELS.items():
        text = re.sub(rf"^(`{{3,}})python {kind}\b.*$", rf"**{label}:**\n\n\1python", text, flags=re.MULTILINE)
    return text


def document(page: pages.Page) -> str:
    facts = f"{page.status.capitalize()} since {page.since}. Severity: {page.severity}. Fix: {_FIXES[page.fix]}."
    parts = [f"# {page.name} ({page.code})", page.summary, facts, page.body.strip()]
    if page.references:
        parts.append("## References\n\n" + "\n".join(f"- {item}" for item in page.references))
    return "\n\n".join(parts) + "\n"


def rules_json() -> Iterator[str]:
    """All rules as a JSON list."""
    keys = ("code", "name", "summary", "status", "severity", "fix", "since", "references")
    yield json.dumps([{key: getattr(page, key) for key in keys} for page in pages.all_pages()], indent=2)


def rules_table(stream: TextIO, environment: Mapping[str, str]) -> Iterator[str]:
    """All rules, one line each."""
    style = Style(wants_colour(stream, environment))
    width = terminal_width(stream, environment)
    found = pages.all_pages()
    head, *rows = columns([("code", "name", "status", "fix"), *((p.code, p.name, p.status, p.fix) for p in found)])
    margin = max(map(cells, (head, *rows))) + 2
    room = None if width is None else width - margin
    yield style.paint(f"{head.ljust(margin)}summary", "bold")
    for row, page in zip(rows, found, strict=True):
        first, *rest = wrapped(page.summary, room)
        yield f"{row.ljust(margin)}{first}".replace(page.code, style.paint(page.code, "cyan"), 1)
        yield from (f"{' ' * margin}{line}" for line in rest)
