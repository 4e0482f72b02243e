"""`lockcheck server`, spoken to by a client over standard input and output."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.lsp.client import LanguageClient

from lockcheck import api, pages
from lockcheck.baseline import Baseline, Entry
from lockcheck.findings import Edit, Place
from lockcheck.fixes.apply import apply
from lockcheck.records import Record, Wanted
from lockcheck.server.memory import MOST, MemoryRecords
from lockcheck.settings import load

pytestmark = pytest.mark.server

REPOSITORY = Path(__file__).parent.parent
BAD = next(item.source for item in pages.page("LCK202").examples if item.kind == "bad")
PATIENCE = 60


class Client:
    """A project in a folder, and the client's side of one session on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.version = 0
        self._told: dict[str, types.PublishDiagnosticsParams] = {}
        self.messages: list[str] = []
        self._news = asyncio.Event()
        self.peer = LanguageClient("tests", "1")
        self.peer.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: self._published(params))  # noqa: PLW0108 - pygls marks the function that it gets
        self.peer.feature(types.WINDOW_SHOW_MESSAGE)(lambda params: self._message(params))  # noqa: PLW0108 - as above

    def _published(self, params: types.PublishDiagnosticsParams) -> None:
        self._told[params.uri] = params
        self._news.set()

    def _message(self, params: types.ShowMessageParams) -> None:
        self.messages.append(params.message)
        self._news.set()

    async def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        await self.peer.start_io(sys.executable, "-m", "lockcheck", "server", env=environment)
        folders = [types.WorkspaceFolder(self.folder.as_uri(), "project")]
        await self.peer.initialize_async(types.InitializeParams(types.ClientCapabilities(), workspace_folders=folders))
        self.peer.initialized(types.InitializedParams())

    async def stop(self) -> None:
        await asyncio.wait_for(self.peer.shutdown_async(None), PATIENCE)
        self.peer.exit(None)
        await self.peer.stop()  # type: ignore[no-untyped-call]  # pygls says no types here

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), PATIENCE)

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def codes(self, name: str) -> list[Any]:
        told = self._told.get(self.uri(name))
        return [] if told is None else [item.code for item in told.diagnostics]

    def diagnostics(self, name: str) -> list[types.Diagnostic]:
        return list(self._told[self.uri(name)].diagnostics)

    async def open(self, name: str, text: str) -> None:
        self.opened(name, text)
        await self._current(name)

    def opened(self, name: str, text: str) -> None:
        self.version += 1
        item = types.TextDocumentItem(self.uri(name), "python", self.version, text)
        self.peer.text_document_did_open(types.DidOpenTextDocumentParams(item))

    async def change(self, name: str, *texts: str) -> None:
        self.typed(name, *texts)
        await self._current(name)

    def typed(self, name: str, *texts: str) -> None:
        for text in texts:
            self.version += 1
            document = types.VersionedTextDocumentIdentifier(self.version, self.uri(name))
            whole = types.TextDocumentContentChangeWholeDocument(text)
            self.peer.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))

    async def _current(self, name: str) -> None:
        where = self.uri(name)
        await self.until(lambda: where in self._told and self._told[where].version == self.version)

    async def actions(self, name: str, at: types.Range) -> list[types.CodeAction]:
        document = types.TextDocumentIdentifier(self.uri(name))
        context = types.CodeActionContext([])
        found = await self.peer.text_document_code_action_async(types.CodeActionParams(document, at, context))
        return [item for item in found or () if isinstance(item, types.CodeAction)]

    def watched(self, name: str, kind: types.FileChangeType) -> None:
        change = types.FileEvent(self.uri(name), kind)
        self.peer.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))


Play = Callable[[Client], Awaitable[None]]


def start(folder: Path, settings: str = "") -> Client:
    """A client of a project whose settings are PostgreSQL's, and `settings`."""
    table = f'[tool.lockcheck]\ndialects = ["postgresql"]\n{settings}'
    (folder / "pyproject.toml").write_text(table, encoding="utf-8")
    return Client(folder)


def session(folder: Path, play: Play, settings: str = "") -> None:
    """Play one session in a project of its own."""

    async def whole() -> None:
        client = start(folder, settings)
        await client.start()
        try:
            await play(client)
        finally:
            await client.stop()

    asyncio.run(whole())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Play], None]]:
    """Plays in one session with a project whose file holds nothing: a server takes a second to start."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "jobs.py").write_text("x = 1\n", encoding="utf-8")
    client = start(folder)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.start())
    yield lambda play: loop.run_until_complete(play(client))
    loop.run_until_complete(client.stop())
    loop.close()


def edited(text: str, edit: types.WorkspaceEdit, uri: str) -> str:
    changes = (edit.changes or {})[uri]
    return apply(text, [_edit(change) for change in changes])


def _edit(change: types.TextEdit) -> Edit:
    """In a text without characters beyond the first plane, where units are characters."""
    start, end = change.range.start, change.range.end
    place = Place("jobs.py", start.line + 1, start.character + 1, end.line + 1, end.character + 1)
    return Edit(place, change.new_text)


# --- what stays quiet -----------------------------------------------------------------------------------------


def test_code_without_hazards_is_silent(shared: Callable[[Play], None]) -> None:
    async def play(client: Client) -> None:
        await client.open("jobs.py", "x = 1\n")
        assert client.codes("jobs.py") == []
        assert await client.actions("jobs.py", types.Range(types.Position(0, 0), types.Position(0, 1))) == []

    shared(play)


# --- diagnostics ----------------------------------------------------------------------------------------------


def test_diagnostics_follow_the_buffer(shared: Callable[[Play], None]) -> None:
    async def play(client: Client) -> None:
        await client.open("jobs.py", "x = 1\n")
        assert client.codes("jobs.py") == []
        await client.change("jobs.py", BAD)
        [found] = client.diagnostics("jobs.py")
        assert (found.code, found.source) == ("LCK202", "lockcheck")
        assert found.related_information
        await client.change("jobs.py", f"# 𝄞\n\n{BAD}")
        [moved] = client.diagnostics("jobs.py")
        assert moved.range.start.line == found.range.start.line + 2
        assert moved.range.start.character == found.range.start.character
        await client.change("jobs.py", "x = 1\n")
        assert client.codes("jobs.py") == []

    shared(play)


def test_the_newest_text_wins(shared: Callable[[Play], None]) -> None:
    async def play(client: Client) -> None:
        await client.open("jobs.py", BAD)
        await client.change("jobs.py", *(f"{BAD}\ny = {number}\n" for number in range(20)), "x = 2\n")
        assert client.codes("jobs.py") == []

    shared(play)


def test_a_buffer_that_does_not_parse_keeps_its_findings(shared: Callable[[Play], None]) -> None:
    async def play(client: Client) -> None:
        await client.open("jobs.py", BAD)
        await client.change("jobs.py", f"{BAD}\ndef f(:\n")
        assert client.codes("jobs.py") == ["LCK202", None]
        assert "does not parse" in client.diagnostics("jobs.py")[1].message
        await client.change("jobs.py", f"{BAD}\ndef f(): ...\n")
        assert client.codes("jobs.py") == ["LCK202"]

    shared(play)


def test_files_come_and_go(shared: Callable[[Play], None]) -> None:
    async def play(client: Client) -> None:
        await client.open("jobs.py", "x = 1\n")
        (client.folder / "more.py").write_text(BAD, encoding="utf-8")
        client.watched("more.py", types.FileChangeType.Created)
        await client.until(lambda: client.codes("more.py") == ["LCK202"])
        (client.folder / "more.py").unlink()
        client.watched("more.py", types.FileChangeType.Deleted)
        await client.until(lambda: client.codes("more.py") == [])

    shared(play)


def test_settings_are_read_again(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(BAD, encoding="utf-8")

    async def play(client: Client) -> None:
        await client.until(lambda: client.codes("jobs.py") == ["LCK202"])
        settings = types.DidChangeConfigurationParams({"lockcheck": {"ignore": ["LCK2"]}})
        client.peer.workspace_did_change_configuration(settings)
        await client.until(lambda: client.codes("jobs.py") == [])
        client.peer.workspace_did_change_configuration(types.DidChangeConfigurationParams({"lockcheck": {}}))
        await client.until(lambda: client.codes("jobs.py") == ["LCK202"])
        (tmp_path / "pyproject.toml").write_text('[tool.lockcheck]\nselekt = ["LCK202"]\n', encoding="utf-8")
        client.watched("pyproject.toml", types.FileChangeType.Changed)
        await client.until(lambda: any("selekt" in message for message in client.messages))
        assert client.codes("jobs.py") == ["LCK202"]

    session(tmp_path, play)


def accepted(folder: Path) -> str:
    """A baseline of what is found in a project, written beside it; its name."""
    report = api.analyse([folder], load(folder))
    found = [replace(item, place=replace(item.place, path="jobs.py")) for item in report.findings]
    entries = [Entry("jobs.py", item.code, item.symbol, item.fingerprint) for item in found]
    Baseline(folder / "accepted.json", tuple(entries)).write()
    return "accepted.json"


def test_what_the_baseline_accepts_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(BAD, encoding="utf-8")
    settings = f'baseline = "{accepted(tmp_path)}"\n'

    async def play(client: Client) -> None:
        await client.open("jobs.py", BAD)
        assert client.codes("jobs.py") == []
        await client.change("jobs.py", f"# moved\n{BAD}")
        assert client.codes("jobs.py") == []
        assert await client.actions("jobs.py", types.Range(types.Position(0, 0), types.Position(99, 0))) == []
        Baseline(tmp_path / "accepted.json").write()
        client.watched("accepted.json", types.FileChangeType.Changed)
        await client.until(lambda: client.codes("jobs.py") == ["LCK202"])
        (tmp_path / "accepted.json").unlink()
        client.watched("accepted.json", types.FileChangeType.Deleted)
        await client.until(lambda: client.messages != [])
        await client.change("jobs.py", f"# once more\n{BAD}")
        assert client.codes("jobs.py") == ["LCK202"]
        assert client.messages == ["accepted.json: there is no such baseline; `lockcheck baseline write` makes one"]

    session(tmp_path, play, settings=settings)


def test_settings_that_cannot_be_read_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(BAD, encoding="utf-8")

    async def play(client: Client) -> None:
        await client.until(lambda: client.messages != [])
        client.opened("jobs.py", BAD)
        client.typed("jobs.py", f"{BAD}\n")
        (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
        client.watched("pyproject.toml", types.FileChangeType.Changed)
        await client.until(lambda: client.codes("jobs.py") == ["LCK202"])
        assert client.messages == ["pyproject.toml:3: unknown setting `selekt`; did you mean `select`?"]

    session(tmp_path, play, settings="selekt = []\n")


# --- help and fixes -------------------------------------------------------------------------------------------


def test_hover_shows_the_page(shared: Callable[[Play], None]) -> None:
    async def play(client: Client) -> None:
        await client.open("jobs.py", BAD)
        [found] = client.diagnostics("jobs.py")
        document = types.TextDocumentIdentifier(client.uri("jobs.py"))
        shown = await client.peer.text_document_hover_async(types.HoverParams(document, found.range.start))
        assert shown is not None
        assert isinstance(shown.contents, types.MarkupContent)
        assert "unordered-row-lock" in shown.contents.value
        elsewhere = types.HoverParams(document, types.Position(0, 0))
        assert await client.peer.text_document_hover_async(elsewhere) is None

    shared(play)


def test_a_quick_fix_mends_the_buffer(shared: Callable[[Play], None]) -> None:
    async def play(client: Client) -> None:
        await client.open("jobs.py", BAD)
        [found] = client.diagnostics("jobs.py")
        fix, every = await client.actions("jobs.py", found.range)
        assert (fix.kind, fix.is_preferred) == (types.CodeActionKind.QuickFix, True)
        assert every.kind == "source.fixAll.lockcheck"
        assert fix.edit is not None
        assert every.edit is not None
        after = edited(BAD, fix.edit, client.uri("jobs.py"))
        assert after == edited(BAD, every.edit, client.uri("jobs.py"))
        await client.change("jobs.py", after)
        assert client.codes("jobs.py") == []

    shared(play)


# --- memory ---------------------------------------------------------------------------------------------------


def test_contents_that_are_typed_over_are_let_go() -> None:
    records = MemoryRecords()
    typed = [Wanted("a.py", "a", is_package=False, text=f"x = {number}", declare=True) for number in range(50)]
    records.put(typed[0], Record())
    records.pinned = frozenset({records.key(typed[0])})
    for item in typed[1:]:
        records.put(item, Record())
        records.save()
    assert records.get(typed[0]) == Record()
    assert [records.get(item) for item in typed[1:-MOST]] == [None] * (49 - MOST)
    assert records.get(typed[-1]) == Record()


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from lockcheck import cli  # noqa: PLC0415 - only this test needs it

    monkeypatch.delitem(sys.modules, "lockcheck.server.main", raising=False)
    monkeypatch.setitem(sys.modules, "lsprotocol", None)
    assert cli.run(["server"]) == 2
    assert "sqlalchemy-lockcheck[lsp]" in capsys.readouterr().err
