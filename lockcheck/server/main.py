"""The protocol: what the client says goes to the analyst, what the analyst finds goes to the client."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from lockcheck import __version__
from lockcheck.baseline import NAME as BASELINE
from lockcheck.server import shown
from lockcheck.server.analyst import Analyst, Job
from lockcheck.server.places import Places, path_of, uri
from lockcheck.server.state import Answer, overrides_of
from lockcheck.settings import Overrides, SettingsError

WATCHED = ("**/*.py", "**/pyproject.toml", "**/.gitignore", f"**/{BASELINE}")


class Server(LanguageServer):
    """`answer` is the newest one, with the ranges that its places are."""

    def __init__(self) -> None:
        super().__init__("lockcheck", __version__)
        self.overrides = Overrides()
        self.analyst: Analyst | None = None
        self.answer: Answer | None = None
        self.places: Places | None = None
        self._told: dict[str, list[types.Diagnostic]] = {}

    def begin(self, root: Path) -> None:
        """Start to look at a project; findings name files from its folder."""
        os.chdir(root)
        loop = asyncio.get_running_loop()
        self.analyst = Analyst(
            root,
            lambda answer: _later(loop, self._take, answer),
            lambda text: _later(loop, self._fail, text),
            self.overrides,
        )
        self.analyst.start()
        self.look()

    def look(self, *, refresh: bool = False) -> None:
        """Have the buffers looked at, as they are now."""
        if self.analyst is not None:
            self.analyst.submit(Job(self.buffers(), self.overrides, refresh))

    def buffers(self) -> dict[str, str]:
        """The texts of the open Python files, by path."""
        documents = self.workspace.text_documents.items()
        named = ((path_of(where), document.source) for where, document in documents)
        return {path: text for path, text in named if path is not None and path.endswith(".py")}

    def known(self, where: str) -> tuple[Answer, Places, str] | None:
        """The newest answer, and how it names a file; None where it is about another text than the buffer's."""
        path = path_of(where)
        if self.answer is None or self.places is None or path is None:
            return None
        current = self.buffers().get(path)
        return (self.answer, self.places, path) if current in (None, self.answer.texts.get(path)) else None

    def configure(self, options: Any) -> None:
        try:
            self.overrides = overrides_of(options)
        except SettingsError as error:
            self._fail(str(error))

    # --- in the loop's thread -------------------------------------------------------------------------------------

    def _take(self, answer: Answer) -> None:
        """Publish what has changed, in files that are not open too."""
        self.answer = answer
        self.places = Places(answer.texts, self.workspace.position_codec)
        found = shown.diagnostics(answer, self.places)
        documents = {path_of(where): document for where, document in self.workspace.text_documents.items()}
        for path in sorted({*found, *self._told, *filter(None, documents)}):
            listed = found.get(path, [])
            version = documents[path].version if path in documents else None
            if path in documents or listed != self._told.get(path):
                message = types.PublishDiagnosticsParams(uri(path), listed, version)
                self.text_document_publish_diagnostics(message)
        self._told = found

    def _fail(self, text: str) -> None:
        self.window_show_message(types.ShowMessageParams(types.MessageType.Error, text))


def _later(loop: asyncio.AbstractEventLoop, call: Any, value: object) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, value)


server = Server()


@server.feature(types.INITIALIZE)
def initialize(_: Server, params: types.InitializeParams) -> None:
    server.configure(params.initialization_options)


@server.feature(types.INITIALIZED)
async def initialized(_: Server, __: types.InitializedParams) -> None:
    """Ask to be told of files, and begin with the first folder."""
    folders = list(server.workspace.folders.values())
    root = to_fs_path(folders[0].uri) if folders else server.workspace.root_path
    server.begin(Path(root) if root else Path.cwd())
    watching = server.client_capabilities.workspace and server.client_capabilities.workspace.did_change_watched_files
    if watching and watching.dynamic_registration:
        watchers = [types.FileSystemWatcher(pattern) for pattern in WATCHED]
        options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        wanted = types.Registration("lockcheck-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
        await server.client_register_capability_async(types.RegistrationParams([wanted]))


@server.feature(types.SHUTDOWN)
def shutdown(_: Server, __: None) -> None:
    if server.analyst is not None:
        server.analyst.stop()


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
def opened(_: Server, __: types.DidOpenTextDocumentParams) -> None:
    server.look()


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
def changed(_: Server, __: types.DidChangeTextDocumentParams) -> None:
    server.look()


@server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
def closed(_: Server, __: types.DidCloseTextDocumentParams) -> None:
    """The file counts again, which may have been written since."""
    server.look(refresh=True)


@server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
def files_changed(_: Server, params: types.DidChangeWatchedFilesParams) -> None:
    """Of a file whose buffer is open, the buffer counts, whatever is written; its name may be new, though."""
    buffers = server.buffers()
    changed = types.FileChangeType.Changed
    if any(change.type is not changed or path_of(change.uri) not in buffers for change in params.changes):
        server.look(refresh=True)


@server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
def configured(_: Server, params: types.DidChangeConfigurationParams) -> None:
    server.configure(params.settings)
    server.look(refresh=True)


@server.feature(types.TEXT_DOCUMENT_HOVER)
def hover(_: Server, params: types.HoverParams) -> types.Hover | None:
    known = server.known(params.text_document.uri)
    return None if known is None else shown.hover(*known, params.position)


_KINDS = types.CodeActionOptions([types.CodeActionKind.QuickFix, shown.FIX_ALL])


@server.feature(types.TEXT_DOCUMENT_CODE_ACTION, _KINDS)
def actions(_: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    known = server.known(params.text_document.uri)
    return [] if known is None else list(shown.actions(*known, params.range, params.context.only))
