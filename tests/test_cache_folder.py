"""The cache's folder: damaged, foreign, locked, shared; and the options about it."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from lockcheck import api, cli, settings
from lockcheck.api import Means, Report
from lockcheck.cache import folder, identity, shards
from lockcheck.cache.folder import Folder
from lockcheck.cache.shards import Shards, packed
from tests.test_pipeline import SAFE, package, write

pytestmark = pytest.mark.server

REPOSITORY = Path(__file__).parent.parent
PROGRAM = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from lockcheck.__main__ import main; main()"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.delenv("LOCKCHECK_CACHE_DIR", raising=False)
    write(project, {**package(), "pyproject.toml": SAFE})
    return project


def checked(cache: Path, name: str = "one") -> Report:
    return api.analyse([Path()], settings.load(Path()), means=Means(Folder(str(cache), name)))


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Here = Callable[..., Done]


@pytest.fixture
def here(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    """The command in this process."""

    def start(*arguments: str, **environment: str) -> Done:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            status = cli.run(list(arguments))
        return Done(status, *capsys.readouterr())

    assert root
    return start


def files_in(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if path.is_file())


# --- damage ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "one byte", "foreign", "folder", "swapped"])
def test_damaged_files_count_as_absent(tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "cache"
    first = checked(cache)
    noise = random.Random(1)  # noqa: S311 - no secret
    files = [path for path in files_in(cache / "one") if path.is_file()]
    assert len(files) > 2
    swapped = files[-1].read_bytes()
    for path in files:
        content = bytearray(path.read_bytes())
        if damage == "folder":
            path.unlink()
            path.mkdir()
            continue
        content[len(content) // 2] ^= 1
        wrong: dict[str, bytes] = {
            "empty": b"",
            "cut": bytes(content[:-3]),
            "noise": noise.randbytes(200),
            "one byte": bytes(content),
            "swapped": swapped,
        }
        path.write_bytes(wrong.get(damage, b'{"version": 1}'))
    assert checked(cache) == first
    assert checked(cache) == first


@pytest.mark.usefixtures("root")
def test_damage_is_mended(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    checked(cache)
    before = {path: path.read_bytes() for path in files_in(cache / "one")}
    for path in before:
        path.write_bytes(b"")
    checked(cache)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.usefixtures("root")
def test_a_whole_file_that_holds_something_else(tmp_path: Path) -> None:
    cache = Folder(str(tmp_path / "cache"), "one")
    first = checked(tmp_path / "cache")
    for path in files_in(tmp_path / "cache" / "one"):
        name = path.relative_to(tmp_path / "cache" / "one").as_posix()
        for body in (
            b"",
            b"[]",
            b"[[1, 2]]\nxx",
            packed([1, 2]),
            packed({"a": None}),
            packed([[], [], [], [], {}, [], []]),
        ):
            assert cache.write(name, body)
            assert checked(tmp_path / "cache") == first


@pytest.mark.usefixtures("root")
def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.write_text("mine", encoding="utf-8")
    assert checked(cache) == checked(tmp_path / "other")
    assert cache.read_text(encoding="utf-8") == "mine"


@pytest.mark.usefixtures("root")
@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    plain = checked(tmp_path / "other")
    monkeypatch.setattr(os, "makedirs", refuse)
    assert checked(tmp_path / "cache") == plain
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("root")
def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    plain = checked(tmp_path / "other")
    monkeypatch.setattr(os, "replace", refuse)
    assert checked(tmp_path / "cache") == plain
    assert not list((tmp_path / "cache").rglob("*.tmp"))


@pytest.mark.usefixtures("root")
def test_what_another_version_keeps_is_not_looked_at(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    checked(cache, "one")
    before = {path: path.read_bytes() for path in files_in(cache / "one")}
    checked(cache, "two")
    assert {path: path.read_bytes() for path in files_in(cache / "one")} == before


def test_the_identity_tells_python_and_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(REPOSITORY / "lockcheck", tmp_path / "lockcheck", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(identity, "_PACKAGE", str(tmp_path / "lockcheck"))
    one = identity.identity()
    assert f"py{sys.version_info.major}{sys.version_info.minor}-" in one
    assert identity.identity() == one
    with (tmp_path / "lockcheck/checks/split_write.py").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert identity.identity() != one


# --- size -----------------------------------------------------------------------------------------------------


def test_blobs_not_used_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "LARGEST", 200)
    place = Folder(str(tmp_path), "one")
    for number in range(50):
        kept = Shards(place, "x")
        kept.put(f"0{number}", bytes(40))
        if number > 0:
            kept._blobs("0")["00"] = kept._blobs("0").pop("00")  # noqa: SLF001 - as `get` does
        kept.save()
    last = Shards(place, "x")._blobs("0")  # noqa: SLF001 - as above
    assert set(last) == {"00", "046", "047", "048", "049"}


def test_old_versions_are_dropped(tmp_path: Path) -> None:
    for number in range(6):
        assert Folder(str(tmp_path), f"v{number}").write("x", b"y")
        os.utime(tmp_path / f"v{number}", (number, number))
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"v3", "v4", "v5"}


def test_the_newest_files_of_a_kind_stay(tmp_path: Path) -> None:
    place = Folder(str(tmp_path), "one")
    for number in range(9):
        place.write(f"runs/{number}", b"x")
        os.utime(tmp_path / "one/runs" / str(number), (number, number))
    place.trim("runs", 3)
    assert {path.name for path in (tmp_path / "one/runs").iterdir()} == {"6", "7", "8"}


# --- runs side by side ----------------------------------------------------------------------------------------


def test_two_runs_at_once(here: Here) -> None:
    plain = here("--no-cache")
    command = [sys.executable, "-c", PROGRAM]
    pipe = subprocess.PIPE
    both = [subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=dict(os.environ)) for _ in range(3)]
    assert {process.communicate() for process in both} == {(plain.stdout, plain.stderr)}
    assert here() == plain


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_runs_killed_in_the_middle(here: Here) -> None:
    plain = here("--no-cache")
    ended = [killed(f"cache{number}", number) for number in range(0, 60, 3)]
    assert ended[0] == ended[1] == -signal.SIGKILL
    assert ended[-1] == 0
    for number in range(0, 60, 3):
        assert here("--cache-dir", f"cache{number}") == plain


def killed(cache: str, number: int) -> int:
    """How a run ends that is killed when it is about to put its n-th file in place."""
    process = multiprocessing.get_context("fork").Process(target=_run_killed, args=(cache, number))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _run_killed(cache: str, number: int) -> None:
    left = [None] * number

    def replace(source: str, target: str) -> None:
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left.pop()
        Path(source).rename(target)

    os.replace = replace  # type: ignore[assignment]  # in a process of its own
    cli.run(["--cache-dir", cache])
    os._exit(0)


# --- options --------------------------------------------------------------------------------------------------


def test_the_cache_lies_in_the_project_and_out_of_git(root: Path, here: Here) -> None:
    here()
    cache = root / ".lockcheck_cache"
    assert (cache / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert (
        (cache / "CACHEDIR.TAG").read_text(encoding="utf-8").startswith("Signature: 8a477f597d28d172789f06886806bc55")
    )


@pytest.mark.parametrize("arguments", [("--no-cache",), ("--show-files",), ("--show-settings",), ("-V",)], ids=" ".join)
def test_nothing_is_kept(root: Path, here: Here, arguments: tuple[str, ...]) -> None:
    here(*arguments)
    assert not (root / ".lockcheck_cache").exists()


def test_no_cache_reads_none(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    before = here()

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Folder, "read", refuse)
    assert here("--no-cache") == before
    assert here().returncode == 2  # the cache is what was taken away


def test_another_place(root: Path, tmp_path: Path, here: Here) -> None:
    here("--cache-dir", str(tmp_path / "a"))
    here(f"--cache-dir={tmp_path / 'b'}")
    here(LOCKCHECK_CACHE_DIR=str(tmp_path / "c"))
    here("--cache-dir", str(tmp_path / "d"), LOCKCHECK_CACHE_DIR=str(tmp_path / "e"))
    assert [(tmp_path / name / "CACHEDIR.TAG").is_file() for name in "abcde"] == [True] * 4 + [False]
    assert not (root / ".lockcheck_cache").exists()


def test_clean(root: Path, here: Here) -> None:
    here()
    done = here("clean")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Removed .lockcheck_cache\n")
    assert not (root / ".lockcheck_cache").exists()
    assert here("clean").stderr == "No cache at .lockcheck_cache\n"
    assert here().returncode == 1


def test_clean_removes_no_folder_of_somebody_else(root: Path, here: Here) -> None:
    (root / "mine").mkdir()
    (root / "mine/file").write_text("x", encoding="utf-8")
    done = here("clean", "--cache-dir", "mine")
    assert (done.returncode, done.stderr) == (2, "error: mine: is not a cache of lockcheck\n")
    assert (root / "mine/file").is_file()


@pytest.mark.parametrize("jobs", ["0", "-1", "x"])
@pytest.mark.usefixtures("root")
def test_wrong_numbers_of_processes(here: Here, jobs: str) -> None:
    done = here("-j", jobs)
    assert done.returncode == 2
    assert "--jobs" in done.stderr


def test_a_tag_of_others_is_no_mark_of_ours(tmp_path: Path) -> None:
    (tmp_path / folder.TAG).write_text("Signature: 8a477f597d28d172789f06886806bc55\n", encoding="utf-8")
    assert not folder.is_cache(str(tmp_path))
