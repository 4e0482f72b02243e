"""Files whose times and size are those of an earlier run are not read; any change of one is noticed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lockcheck import api, settings, sources
from lockcheck.api import Means, Report
from lockcheck.cache import replay, seen
from lockcheck.cache.folder import Folder
from lockcheck.cache.seen import Seen, Unread
from lockcheck.findings import Problem
from lockcheck.sources import ChangedError, Source
from tests.test_pipeline import SAFE, package, write

LONG_AGO = 1_600_000_000


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write(folder, {**package(), "pyproject.toml": SAFE, "shop/own.py": "x = 1\n"})
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that are opened."""
    found: list[str] = []
    original = sources.read_source

    def note(file: Path, path: str) -> Source | Problem:
        found.append(path)
        return original(file, path)

    monkeypatch.setattr(seen, "read_source", note)
    return found


def settle() -> None:
    """Wait until the files are old enough: times of changes cannot be set back."""
    time.sleep((replay.MARGIN + 10_000_000) / 1e9)


def checked(means: Means | None = None) -> Report:
    found = settings.load(Path(), overrides=settings.Overrides(preview=True))
    return api.analyse([Path()], found, means=means)


# --- what is not read -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("root")
def test_only_what_has_changed_is_read(means: Means, read: list[str]) -> None:
    settle()
    first = checked(means)
    assert len(read) == len(list(Path().rglob("*.py")))
    read.clear()
    assert checked(means) == first
    assert read == []
    file = Path("shop/own.py")
    file.write_text("# more\nx = 1\n", encoding="utf-8")
    assert checked(means) == checked()
    assert read == ["shop/own.py"]


@pytest.mark.usefixtures("root")
def test_a_finding_that_is_made_anew_reads_its_files_only(means: Means, read: list[str]) -> None:
    settle()
    checked(means)
    file = Path("shop/sweeping.py")
    file.write_text(f"# more\n{file.read_text(encoding='utf-8')}", encoding="utf-8")
    read.clear()
    assert checked(means) == checked()
    assert "shop/sweeping.py" in read
    assert set(read) < {path.as_posix() for path in Path().rglob("*.py")}


# --- what is read again ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("root")
def test_files_that_were_just_written_are_read_again(means: Means, read: list[str]) -> None:
    """Another change within the tick of the clock would not show."""
    for file in Path().rglob("*.py"):
        file.touch()
    checked(means)
    read.clear()
    checked(means)
    assert len(read) == len(list(Path().rglob("*.py")))


def test_the_same_size_and_time_is_not_enough(root: Path, means: Means) -> None:
    """A change of its status shows when a file was written, whatever time it says."""
    file = root / "shop/sweeping.py"
    text = file.read_text(encoding="utf-8")
    os.utime(file, (LONG_AGO, LONG_AGO))
    settle()
    assert checked(means).findings
    file.write_text(text.replace("update(Job)", "delete(Job)"), encoding="utf-8")
    os.utime(file, (LONG_AGO, LONG_AGO))
    assert file.stat().st_size == len(text)
    assert checked(means) == checked()


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("content", [b"x = '\xff'\n", b"# coding: latin-1\nx = '\xff'\n", b"\xef\xbb\xbfx = 1\n"])
def test_files_that_are_not_plain_are_read_each_time(means: Means, read: list[str], content: bytes) -> None:
    Path("shop/own.py").write_bytes(content)
    settle()
    first = checked(means)
    read.clear()
    assert checked(means) == first == checked()
    assert read == ["shop/own.py"]


@pytest.mark.usefixtures("root")
def test_a_file_that_changes_during_a_run(means: Means, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its times were looked at, its text was not yet: then the run begins anew, and trusts no times."""
    settle()
    checked(means)
    file = Path("shop/sweeping.py")
    text = file.read_text(encoding="utf-8")
    other = Path("shop/marking.py")
    other.write_text(f"# more\n{other.read_text(encoding='utf-8')}", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(Unread, "text", property(lambda item: _changed(item, file, f"# more\n{text}")))
        found = checked(means)
    assert found == checked()
    assert file.read_text(encoding="utf-8") != text


def _changed(item: Unread, file: Path, text: str) -> str:
    file.write_text(text, encoding="utf-8")
    raise ChangedError(item)


def test_what_was_known_of_another_content_is_an_error(root: Path) -> None:
    file = root / "shop/own.py"
    file.write_text("x = 1\n", encoding="utf-8")
    settle()
    known = Seen(Folder(str(root / "cache"), "one"))
    source = known.source(file, "shop/own.py")
    assert isinstance(source, Source)
    known.save()
    again = Seen(Folder(str(root / "cache"), "one")).source(file, "shop/own.py")
    assert isinstance(again, Source)
    assert (again.content.digest, again.content.traits) == (source.content.digest, source.content.traits)
    assert (again.text, again.raw) == ("x = 1\n", b"x = 1\n")
    again.content.pack()
    file.write_text("x = 2\n", encoding="utf-8")
    with pytest.raises(ChangedError):
        assert again.text


# --- how much is kept -----------------------------------------------------------------------------------------


def test_files_that_are_gone_are_forgotten(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "SPARE", 0)
    folder = Folder(str(root / "cache"), "one")
    (root / "old.py").write_text("", encoding="utf-8")
    (root / "new.py").write_text("", encoding="utf-8")
    settle()
    for name in ("old.py", "new.py"):
        known = Seen(folder)
        known.source(root / name, name)
        known.save()
    assert isinstance(known.source(root / "new.py", "new.py"), Source)
    assert list(_rows(Seen(folder))) == ["new.py"]


def _rows(known: Seen) -> dict[str, Any]:
    return known._known  # noqa: SLF001 - nothing else shows it


@pytest.mark.skipif(sys.platform == "win32", reason="no such links")
def test_a_broken_link_is_told_of(root: Path, means: Means) -> None:
    settle()
    (root / "shop/gone.py").symlink_to("nowhere.py")
    assert checked(means) == checked()
