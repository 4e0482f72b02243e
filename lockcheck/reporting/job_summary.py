"""A Markdown summary of a run, as GitHub shows it beside a job: counts, findings, the cycles they are about."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from lockcheck import pages
from lockcheck.reporting import summary
from lockcheck.reporting.graphs import mermaid
from lockcheck.reporting.style import plural, printable

if TYPE_CHECKING:
    from lockcheck.api import Report
    from lockcheck.findings import Finding, Place, Problem
    from lockcheck.reporting.graphs.model import Graph

MOST = 1024 * 1024
"""Bytes: GitHub does not show a longer summary of a step."""
SPARE = 512
LONGEST = 300
"""Characters of a message in the table."""


def text(report: Report, graph: Graph | None, environment: Mapping[str, str], room: int = MOST) -> str:
    """The summary in at most `room` bytes: rows that do not fit are counted instead. `graph` is the part of the
    lock-order graph that findings are about."""
    head = ["## lockcheck", "", *summary.summary(report), "", *_counts(report.findings), *_problems(report.problems)]
    drawn = _drawing(graph) if graph is not None and graph.cycles else []
    size = _size([*head, *drawn]) + SPARE
    if size > room and drawn:
        size -= _size(drawn)
        drawn = []
    rows = list(_table(report.findings, _Links(environment), room - size))
    return _cut("\n".join([*head, *rows, *drawn]) + "\n", room)


def _counts(findings: Iterable[Finding]) -> Iterator[str]:
    counts = Counter((finding.code, finding.name) for finding in findings)
    if not counts:
        return
    yield from ("| rule | findings | |", "|---|---:|---|")
    for (code, name), count in sorted(counts.items()):
        yield f"| {code} {name} | {count:,} | {_escaped(pages.page(code).summary)} |"
    yield ""


def _problems(problems: Iterable[Problem]) -> Iterator[str]:
    listed = list(problems)
    if not listed:
        return
    yield from ("### Not checked", "")
    for problem in listed[:100]:
        line = f":{problem.line}" if problem.line is not None else ""
        yield f"- {_escaped(problem.path)}{line}: {_escaped(problem.message)}"
    yield from [f"- and {len(listed) - 100:,} more"] if len(listed) > 100 else []  # noqa: PLR2004 - as above
    yield ""


def _table(findings: Iterable[Finding], links: _Links, room: int) -> Iterator[str]:
    listed = list(findings)
    if not listed:
        return
    head = ("### Findings", "", "| place | rule | message |", "|---|---|---|")
    yield from head
    left = room - _size(head)
    for number, finding in enumerate(listed):
        row = f"| {links.place(finding.place)} | {finding.code} | {_escaped(_shortened(finding.message))} |"
        left -= _size([row])
        if left < 0:
            yield from (
                "",
                f"{plural(len(listed) - number, 'further finding')} left out: too long a summary.",
            )
            break
        yield row
    yield ""


def _drawing(graph: Graph) -> list[str]:
    return ["### Lock order", "", f"{plural(len(graph.cycles), 'cycle')} that findings are about.", "",
            "```mermaid", *mermaid.lines(graph), "```", ""]  # fmt: skip


class _Links:
    """Places as links to the commit's files, where GitHub Actions says which repository and commit that is."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_WORKSPACE")
        server, repository, commit, self._root = (environment.get(name, "") for name in names)
        known = server and repository and commit and self._root
        self._base = f"{server}/{repository}/blob/{commit}/" if known else ""

    def place(self, place: Place) -> str:
        label = f"{_escaped(place.path)}:{place.line}"
        if not self._base:
            return label
        try:
            path = os.path.relpath(place.path, self._root).replace(os.sep, "/")
        except ValueError:  # another drive, on Windows
            return label
        target = quote(path.encode("utf-8", "surrogatepass"), safe="/")
        return label if path.startswith("../") else f"[{label}]({self._base}{target}#L{place.line})"


def _shortened(message: str) -> str:
    return message if len(message) <= LONGEST else f"{message[: LONGEST - 1]}…"


def _escaped(words: str) -> str:
    """Text that Markdown shows as it is, in a cell of a table too."""
    flat = printable(words).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#@$])", r"\\\1", flat)


def _size(lines: Iterable[str]) -> int:
    return sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)


def _cut(words: str, room: int) -> str:
    """Whole lines that fit; only a summary with next to no room comes to this."""
    content = words.encode("utf-8", "replace")
    if len(content) <= room:
        return content.decode()
    return content[: max(room, 0)].rpartition(b"\n")[0].decode("utf-8", "ignore")
