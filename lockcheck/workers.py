"""Reads many files in several processes, this one among them."""

from __future__ import annotations

import gc
import multiprocessing
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeAlias

from lockcheck.cache.kept import pack, unpack
from lockcheck.cache.shards import unpacked
from lockcheck.records import Record, Wanted, read_record

BATCHES = 32
"""Into how many batches a process's share is parted, so that all end at about the same time."""

AHEAD = 2
"""How many batches wait for a worker or are with it, so that it has one while this process is at a file of its own."""

Blob: TypeAlias = "bytes | None"
Read: TypeAlias = Callable[[Wanted], Record]


def read_all(wanted: Sequence[Wanted], jobs: int, read: Read) -> Iterator[tuple[Wanted, Blob, Record]]:
    """The files with their records, in no order, and as workers have packed them. This process is one of the `jobs`: it
    reads with `read`. Where processes cannot be had, or end, files are missing."""
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


def _shared(
    pool: ProcessPoolExecutor, ahead: int, batches: list[list[Wanted]], read: Read
) -> Iterator[tuple[Wanted, Blob, Record]]:
    """Workers begin with the first batches, this process with the last."""
    running: dict[Future[list[Blob]], list[Wanted]] = {}
    own: list[Wanted] = []
    while batches or own or running:
        while batches and len(running) < ahead:
            batch = batches.pop(0)
            running[pool.submit(_read, batch)] = batch
        if batches and not own:
            own = batches.pop()
        if own:
            item = own.pop()
            yield item, None, read(item)
        done, _ = wait(running, 0 if own or batches else None, FIRST_COMPLETED)
        for future in done:
            for item, blob in zip(running.pop(future), future.result(), strict=True):
                record = None if blob is None else unpack(unpacked(blob))
                yield (item, None, read(item)) if record is None else (item, blob, record)


def _batches(wanted: Sequence[Wanted], number: int) -> list[list[Wanted]]:
    """The largest files first, then by turns: batches of about the same size."""
    ordered = sorted(wanted, key=lambda item: -len(item.text))
    return [batch for batch in (ordered[start::number] for start in range(number)) if batch]


def _context() -> multiprocessing.context.BaseContext:
    """Forked workers start at once; a process with several threads must not fork, and not every system can."""
    fork = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if fork else "spawn")


def _prepare(recursion_limit: int) -> None:
    gc.disable()  # as in the process that started this one: a run is short
    sys.setrecursionlimit(recursion_limit)


def _read(batch: list[Wanted]) -> list[Blob]:
    return [pack(read_record(item)) for item in batch]
