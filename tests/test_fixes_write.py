"""Fixed files are written whole, or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from lockcheck.fixes.write import WriteError, write


def only(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_result_that_does_not_parse_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(b"x = 1\n")
    with pytest.raises(WriteError, match="does not parse"):
        write(file, "x = (\n", b"x = 1\n")
    assert file.read_bytes() == b"x = 1\n"
    assert only(tmp_path) == ["a.py"]


def test_file_that_changed_meanwhile_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(b"x = 2\n")
    with pytest.raises(WriteError, match="changed"):
        write(file, "x = 3\n", b"x = 1\n")
    assert file.read_bytes() == b"x = 2\n"


def test_characters_that_the_encoding_lacks(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    before = b"# coding: latin-1\n"
    file.write_bytes(before)
    with pytest.raises(WriteError, match="lacks"):
        write(file, "# coding: latin-1\nx = '\u20ac'\n", before)
    assert file.read_bytes() == before


def test_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(b"x = 1\n")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(WriteError, match="No space left"):
        write(file, "x = 2\n", b"x = 1\n")
    assert file.read_bytes() == b"x = 1\n"
    assert only(tmp_path) == ["a.py"]


@pytest.mark.parametrize("what", ["folder", "file"])
def test_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """`os.access` and `mkstemp` stand in for the rights: root may write everywhere."""
    file = tmp_path / "a.py"
    file.write_bytes(b"x = 1\n")
    closed = tmp_path if what == "folder" else file

    def access(path: object, mode: int) -> bool:
        return not (mode == os.W_OK and Path(str(path)) == closed)

    def refuse(**_: object) -> tuple[int, str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(WriteError, match=f"{what}.* is read-only"):
        write(file, "x = 2\n", b"x = 1\n")
    assert file.read_bytes() == b"x = 1\n"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="rights bind no administrator")
def test_really_read_only_folder(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(b"x = 1\n")
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(WriteError, match=r"folder .* is read-only"):
            write(file, "x = 2\n", b"x = 1\n")
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        (b"x = 1\n", "y = 1\n", b"y = 1\n"),
        (b"x = 1\r\n", "y = 1\r\n", b"y = 1\r\n"),
        (b"x = 1\ry = 2", "y = 1\ry = 2", b"y = 1\ry = 2"),
        (b"\xef\xbb\xbfx = 1\n", "y = 1\n", b"\xef\xbb\xbfy = 1\n"),
        (b"# coding: latin-1\nx = '\xe4'\n", "# coding: latin-1\ny = '\u00e4'\n", b"# coding: latin-1\ny = '\xe4'\n"),
        (b"x = '\xc3\xa4'\n", "y = '\u00e4'\n", b"y = '\xc3\xa4'\n"),
    ],
)
def test_encoding_and_line_ends_stay(tmp_path: Path, before: bytes, text: str, after: bytes) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(before)
    write(file, text, before)
    assert file.read_bytes() == after
    assert only(tmp_path) == ["a.py"]


@pytest.mark.skipif(os.name != "posix", reason="modes and symbolic links")
def test_mode_and_symbolic_link_stay(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    file, link = folder / "a.py", tmp_path / "link.py"
    file.write_bytes(b"x = 1\n")
    file.chmod(0o751)
    link.symlink_to(file)
    write(link, "x = 2\n", b"x = 1\n")
    assert link.is_symlink()
    assert file.read_bytes() == b"x = 2\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o751
    assert only(tmp_path) == ["link.py", "real"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_owner_stays(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(b"x = 1\n")
    os.chown(file, 12345, 12345)
    file.chmod(0o640)
    write(file, "x = 2\n", b"x = 1\n")
    status = file.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 12345, 0o640)
