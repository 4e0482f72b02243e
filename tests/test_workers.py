"""Worker processes find what one process finds, in the same order."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from lockcheck import api, reader, settings, workers
from lockcheck.api import Means
from lockcheck.cache.folder import Folder
from lockcheck.held import Held, links_of
from lockcheck.records import Record, Wanted, read_record
from tests.test_pipeline import BULK, MODELS, SAFE, package, write

TEXTS = [MODELS + BULK.format(models="m") * (number % 4) for number in range(12)]
FILES = [Wanted(f"m{n}.py", f"m{n}", is_package=False, text=text, declare=True) for n, text in enumerate(TEXTS)]
BROKEN = Wanted("broken.py", "broken", is_package=False, text="def (:\n", declare=True)
LONG = Wanted("long.py", "long", is_package=False, text="import sqlalchemy\nx = 0x" + "f" * 9_000, declare=True)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_find_the_same(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(
            f"the operating system cannot start worker processes by {method}, so nobody has lockcheck do that here"
        )
    monkeypatch.setattr(workers, "_context", lambda: multiprocessing.get_context(method))
    read: list[Wanted] = []

    def here(item: Wanted) -> Record:
        read.append(item)
        return read_record(item)

    files = [*FILES, BROKEN, LONG]
    found = list(workers.read_all(files, 2, here))
    assert len(found) == len(files)
    held = {item: Held(item, made, links) for item, made, links in found}
    records = {item: read_record(item) for item in files}
    assert {item: one.record for item, one in held.items()} == records
    assert {item: one.links for item, one in held.items()} == {item: links_of(records[item]) for item in records}
    assert {item for item, made, _ in found if isinstance(made, Record)} == set(read)
    assert LONG in read  # a worker cannot send it
    assert 1 < len(read) < len(files)


def test_order_is_that_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MANY", 2)
    files = [LONG, *reversed(FILES), BROKEN]
    assert reader.Reader(None, 2).records(files, lambda *_: None) == [read_record(item) for item in files]


def test_a_few_files_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(workers, "read_all", refuse)
    assert len(reader.Reader(None, 8).records(FILES, lambda *_: None)) == len(FILES)


@pytest.mark.parametrize("error", [OSError(11, "no processes"), ImportError("no semaphores"), BrokenProcessPool()])
def test_without_processes_this_one_reads(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(reader, "MANY", 2)
    monkeypatch.setattr(workers, "ProcessPoolExecutor", refuse)
    assert reader.Reader(None, 2).records(FILES, lambda *_: None) == [read_record(item) for item in FILES]


def killed(_: list[Wanted]) -> list[bytes]:
    os._exit(9)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="workers must have the patch")
def test_a_worker_that_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MANY", 2)
    monkeypatch.setattr(workers, "_context", lambda: multiprocessing.get_context("fork"))
    monkeypatch.setattr(workers, "_read", killed)
    assert reader.Reader(None, 2).records(FILES, lambda *_: None) == [read_record(item) for item in FILES]


def test_what_workers_read_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MANY", 2)
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {**package(), "pyproject.toml": SAFE})
    found = settings.load(Path())
    cold = api.analyse([Path()], found, means=Means(Folder(str(tmp_path / "c"), "x"), 2))
    assert cold.findings
    assert cold == api.analyse([Path()], found)

    def refuse(*_: object) -> Record:
        raise AssertionError

    monkeypatch.setattr("lockcheck.reader.read_record", refuse)
    monkeypatch.setattr(workers, "read_all", refuse)
    assert api.analyse([Path()], found, means=Means(Folder(str(tmp_path / "c"), "x"), 2)) == cold
