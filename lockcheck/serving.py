"""The language server from the command line."""

from __future__ import annotations

import gc

from lockcheck import usage
from lockcheck.console import CLEAN


def serve() -> int:
    """Serve until the client says so; the exit status."""
    try:
        from lockcheck.server.main import server  # noqa: PLC0415 - needs packages that a check does without
    except ModuleNotFoundError as error:
        if error.name not in {"pygls", "lsprotocol"}:
            raise
        raise usage.Complaint(
            "the language server needs further packages: pip install 'sqlalchemy-lockcheck[lsp]'"
        ) from error
    gc.enable()
    server.start_io()
    return CLEAN
