"""Reads many files in several processes, this one among them, and links islands in worker processes. Whatever a
worker cannot do is left to the caller."""

from __future__ import annotations

import gc
import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeAlias

from lockcheck.cache import snapshots
from lockcheck.cache.kept import pack
from lockcheck.checks import all_checks
from lockcheck.held import Links, links_of
from lockcheck.island import Island, looked_at
from lockcheck.linked import Means
from lockcheck.records import Record, Wanted, read_record
from lockcheck.snapshot import Snapshot

BATCHES = 32
"""Into how many batches a process's share is parted, so that all end at about the same time."""

AHEAD = 2
"""How many batches wait for a worker or are with it, so that it has one while this process is at a file of its own."""

Packed: TypeAlias = "tuple[bytes | None, Links]"
Read: TypeAlias = Callable[[Wanted], Record]
Made: TypeAlias = "tuple[Wanted, Record | bytes, Links | None]"


def read_all(wanted: Sequence[Wanted], jobs: int, read: Read) -> Iterator[Made]:
    """The files with their records, in no order; those that workers have read are packed, and have their links. This
    process is one of the `jobs`: it reads with `read`. Where processes cannot be had, or end, files are missing."""
    context = _context()
    if context.get_start_method() == "fork" and any(item.declare for item in wanted):
        import lockcheck.declarations.read  # noqa: PLC0415 - once for all processes
        import lockcheck.reading.read  # noqa: F401, PLC0415 - as above
    batches = _batches(wanted, jobs * BATCHES)
    workers = max(1, min(jobs, len(batches)) - 1)
    try:
        with ProcessPoolExecutor(workers, context, initializer=_prepare, initargs=(sys.getrecursionlimit(),)) as pool:
            yield from _shared(pool, workers * AHEAD, batches, read)
    except (OSError, NotImplementedError, ImportError, BrokenProcessPool):
        return  # no semaphores, no memory, or a worker that was killed


def _shared(pool: ProcessPoolExecutor, ahead: int, batches: list[list[Wanted]], read: Read) -> Iterator[Made]:
    """Workers begin with the first batches, this process with the last."""
    running: dict[Future[list[Packed]], list[Wanted]] = {}
    own: list[Wanted] = []

    def hand_out() -> None:
        while batches and len(running) < ahead:
            batch = batches.pop(0)
            running[pool.submit(_read, batch)] = batch

    hand_out()
    _import_linking()
    while batches or own or running:
        hand_out()
        if batches and not own:
            own = batches.pop()
        if own:
            item = own.pop()
            yield item, read(item), None
        done, _ = wait(running, 0 if own or batches else None, FIRST_COMPLETED)
        for future in done:
            for item, (blob, links) in zip(running.pop(future), future.result(), strict=True):
                yield (item, read(item), None) if blob is None else (item, blob, links)


def _import_linking() -> None:
    """What this process needs when all is read, and workers do not: they read meanwhile."""
    import lockcheck.linking.project  # noqa: F401, PLC0415 - only runs over many files come here

    all_checks()  # as above


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


def _read(batch: list[Wanted]) -> list[Packed]:
    return [(pack(record), links_of(record)) for record in map(read_record, batch)]


# --- linking --------------------------------------------------------------------------------------------------------


def link_all(islands: Mapping[int, Island], jobs: int) -> Iterator[tuple[int, Snapshot]]:
    """What the islands hold that could be linked, by number, in no order: large ones come first."""
    context = _context()
    if context.get_start_method() == "fork":
        _import_linking()  # once for all workers
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
