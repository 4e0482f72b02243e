"""Reads many files, and links islands, in worker processes. Whatever a worker cannot do is left to the caller."""

from __future__ import annotations

import gc
import multiprocessing
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeAlias

from lockcheck.cache import snapshots
from lockcheck.cache.kept import pack
from lockcheck.checks import all_checks
from lockcheck.held import Links, links_of
from lockcheck.island import Island, looked_at
from lockcheck.linked import Means
from lockcheck.records import Wanted, read_record
from lockcheck.snapshot import Snapshot

BATCHES = 8
"""Into how many batches a worker's share is parted, so that all end at about the same time."""

Read: TypeAlias = "tuple[bytes | None, Links]"


def read_all(wanted: Sequence[Wanted], jobs: int) -> Iterator[tuple[Wanted, bytes, Links]]:
    """The files that could be read, each with its packed record and its links, in no order: large ones come first."""
    context = _context()
    if context.get_start_method() == "fork" and any(item.declare for item in wanted):
        import lockcheck.reading.read  # noqa: F401, PLC0415 - once for all workers, and for the fixes to be made here
    batches = _batches(wanted, jobs * BATCHES)
    try:
        with ProcessPoolExecutor(
            min(jobs, len(batches)), context, initializer=_prepare, initargs=(sys.getrecursionlimit(),)
        ) as pool:
            yield from _collected({pool.submit(_read, batch): batch for batch in batches})
    except (OSError, NotImplementedError, ImportError, BrokenProcessPool):
        return  # no semaphores, no memory, or a worker that was killed


def _collected(running: dict[Future[list[Read]], list[Wanted]]) -> Iterator[tuple[Wanted, bytes, Links]]:
    for future in as_completed(running):
        for item, (blob, links) in zip(running.pop(future), future.result(), strict=True):
            if blob is not None:
                yield item, blob, links


def _batches(wanted: Sequence[Wanted], number: int) -> list[list[Wanted]]:
    """The largest files first, then by turns: batches of about the same size."""
    ordered = sorted(wanted, key=lambda item: -item.content.size)
    return [batch for batch in (ordered[start::number] for start in range(number)) if batch]


def _context() -> multiprocessing.context.BaseContext:
    """Forked workers start at once; a process with several threads must not fork, and not every system can."""
    fork = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if fork else "spawn")


def _prepare(recursion_limit: int) -> None:
    gc.disable()  # as in the process that started this one: a run is short
    sys.setrecursionlimit(recursion_limit)


def _read(batch: list[Wanted]) -> list[Read]:
    return [(pack(record), links_of(record)) for record in map(read_record, batch)]


# --- linking --------------------------------------------------------------------------------------------------------


def link_all(islands: Mapping[int, Island], jobs: int) -> Iterator[tuple[int, Snapshot]]:
    """What the islands hold that could be linked, by number, in no order: large ones come first."""
    context = _context()
    if context.get_start_method() == "fork":
        import lockcheck.linking.project  # noqa: F401, PLC0415 - once for all workers

        all_checks()  # as above
    order = sorted(islands, key=lambda number: -len(islands[number].files))
    try:
        with ProcessPoolExecutor(
            min(jobs, len(order)), context, initializer=_prepare, initargs=(sys.getrecursionlimit(),)
        ) as pool:
            running = {pool.submit(_link, islands[number]): number for number in order}
            for future in as_completed(running):
                snapshot = snapshots.unpack(_answer(future))
                if snapshot is not None:
                    yield running.pop(future), snapshot
    except (OSError, NotImplementedError, ImportError, BrokenProcessPool):
        return  # as above


def _answer(future: Future[bytes | None]) -> bytes:
    """What a worker has sent; b"" for an island that is nested too deeply to be sent to it or back."""
    try:
        return future.result() or b""
    except RecursionError:
        return b""


def _link(island: Island) -> bytes | None:
    found = looked_at(island, lambda *_: None, Means(), last=False)
    try:
        return snapshots.pack(found)
    except (ValueError, RecursionError):
        return None
