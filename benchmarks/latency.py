"""Times `lockcheck server` on a source tree: from a change of a buffer to the diagnostics of that text, after the first
analysis.

    python benchmarks/latency.py path/to/airflow

Each edit adds a line to a function of a file that speaks of sessions, or takes one away: a comment, a call of something
else, an assignment, a commit, an UPDATE, a locking SELECT, a `return`. All of them parse. Which files and lines they
touch is the same each time. Needs the extra `lockcheck[lsp]`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lsprotocol import types
from pygls.lsp.client import LanguageClient

PATIENCE = 300.0
LINES = {
    "comment": "# more",
    "call": 'print("more")',
    "assignment": "more = 1",
    "return": "return None",
    "commit": "session.commit()",
    "update": "session.execute(update(Job).where(Job.id == 1).values(state='done'))",
    "locking select": "session.scalars(select(Job).where(Job.id > 1).with_for_update()).all()",
}
TAKEN_AWAY = "line taken away"
STATEMENT = re.compile(r"^( {8,})[a-z_][\w.]*( = .*|\(.*\))$")


class Edit(NamedTuple):
    """A text of a file, and what has been done to it."""

    path: str
    kind: str
    text: str


class Editor:
    """The client's side."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._version = 0
        self._told: dict[str, int | None] = {}
        self._news = asyncio.Event()
        self._peer = LanguageClient("benchmark", "1")
        self._peer.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: self._published(params))  # noqa: PLW0108 - pygls marks the function that it gets

    def _published(self, params: types.PublishDiagnosticsParams) -> None:
        self._told[params.uri] = params.version
        self._news.set()

    async def start(self) -> None:
        await self._peer.start_io(sys.executable, "-m", "lockcheck", "server", env=dict(os.environ))
        folders = [types.WorkspaceFolder(self._folder.as_uri(), "project")]
        await self._peer.initialize_async(types.InitializeParams(types.ClientCapabilities(), workspace_folders=folders))
        self._peer.initialized(types.InitializedParams())

    async def stop(self) -> None:
        await self._peer.shutdown_async(None)
        self._peer.exit(None)
        await self._peer.stop()  # type: ignore[no-untyped-call]  # pygls says no types here

    async def open(self, path: str, text: str) -> None:
        self._version += 1
        item = types.TextDocumentItem(self._uri(path), "python", self._version, text)
        self._peer.text_document_did_open(types.DidOpenTextDocumentParams(item))
        await self._answered(path)

    async def change(self, edit: Edit) -> float:
        """Seconds from a change to its diagnostics."""
        self._version += 1
        document = types.VersionedTextDocumentIdentifier(self._version, self._uri(edit.path))
        whole = types.TextDocumentContentChangeWholeDocument(edit.text)
        began = time.perf_counter()
        self._peer.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))
        await self._answered(edit.path)
        return time.perf_counter() - began

    async def _answered(self, path: str) -> None:
        while self._told.get(self._uri(path)) != self._version:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), PATIENCE)

    def _uri(self, path: str) -> str:
        return (self._folder / path).as_uri()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", help="a package or folder of Python files")
    parser.add_argument("--edits", type=int, default=200, help="how many edits are timed (default: %(default)s)")
    options = parser.parse_args()
    print(report(measured(Path(options.tree), options.edits)))
    return 0


def measured(tree: Path, edits: int) -> list[tuple[str, float]]:
    """The kind of each edit, and the seconds to its diagnostics. The tree is copied, never written to."""
    with tempfile.TemporaryDirectory(prefix="lockcheck-bench-") as work:
        top = Path(work) / "project"
        shutil.copytree(tree, top / tree.name, ignore=shutil.ignore_patterns("__pycache__", ".lockcheck_cache"))
        (top / "pyproject.toml").write_text('[tool.lockcheck]\ndialects = ["postgresql"]\n', encoding="utf-8")
        return asyncio.run(_played(top, edits))


async def _played(top: Path, edits: int) -> list[tuple[str, float]]:
    editor, texts = Editor(top), _texts(top)
    await editor.start()
    try:
        for path, text in texts.items():
            await editor.open(path, text)
        return [(edit.kind, await editor.change(edit)) for edit in _edits(texts, edits)]
    finally:
        await editor.stop()


def _texts(top: Path) -> dict[str, str]:
    """The files that are edited: some that speak of sessions, the largest one among them."""
    found = {path: path.read_text(encoding="utf-8") for path in sorted(top.rglob("*.py"))}
    speaking = [path for path, text in found.items() if len(list(_places(text))) > 1 and "session" in text]
    largest = max(speaking, key=lambda path: len(found[path]))
    chosen = {largest, *random.Random(1).sample(speaking, min(15, len(speaking)))}  # noqa: S311 - no secret
    return {path.relative_to(top).as_posix(): found[path] for path in sorted(chosen)}


def _edits(texts: dict[str, str], number: int) -> Iterator[Edit]:
    chance, now = random.Random(2), dict(texts)  # noqa: S311 - no secret
    kinds = [*LINES, TAKEN_AWAY]
    for turn in range(number):
        kind, path = kinds[turn % len(kinds)], chance.choice(list(now))
        now[path] = _edited(now[path], chance.choice(list(_places(now[path]))), kind)
        yield Edit(path, kind, now[path])


def _places(text: str) -> Iterator[int]:
    """The numbers of lines that are simple statements inside functions."""
    return (number for number, line in enumerate(text.split("\n")) if STATEMENT.match(line))


def _edited(text: str, number: int, kind: str) -> str:
    lines = text.split("\n")
    indent = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
    if kind == TAKEN_AWAY:
        lines[number] = f"{indent}pass"
    else:
        lines.insert(number, indent + LINES[kind])
    return "\n".join(lines)


def report(found: list[tuple[str, float]]) -> str:
    """A line in words, for `docs/performance.md`."""
    times = sorted(seconds for _, seconds in found)
    last = statistics.quantiles(times, n=20)[-1]
    kinds = {kind: [seconds for name, seconds in found if name == kind] for kind in dict.fromkeys(k for k, _ in found)}
    medians = ", ".join(f"{kind} {1000 * statistics.median(of):.0f}" for kind, of in kinds.items())
    half, most, all_ = (f"{1000 * seconds:.0f} ms" for seconds in (statistics.median(times), last, times[-1]))
    return (
        f"`lockcheck server`, {len(times)} edits of {len(kinds)} kinds, from a change to its diagnostics: median "
        f"{half}, 95th percentile {most}, longest {all_} (medians by kind: {medians})."
    )


if __name__ == "__main__":
    sys.exit(main())
