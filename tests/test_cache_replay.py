"""A run in which nothing has changed prints what the last one printed; any change is noticed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lockcheck import cli, console
from lockcheck.cache import recording, replay
from lockcheck.cache.folder import Folder
from tests.test_pipeline import BULK, SAFE, package, write

pytestmark = pytest.mark.server

REPOSITORY = Path(__file__).parent.parent
SPY = f"""
import os, sys
sys.path.insert(0, {str(REPOSITORY)!r})
before = set(sys.modules)
from lockcheck.__main__ import main
try:
    main()
finally:
    told = {{"replayed": "lockcheck.cli" not in sys.modules, "modules": sorted(set(sys.modules) - before)}}
    import json
    open(os.environ["SPY"], "w").write(json.dumps(told))
"""
ALLOWED = 25
"""Modules that a run which changes nothing may import."""
SETTLED = 0.06
"""Seconds after which a run trusts the times of files."""


@dataclass(frozen=True)
class Done:
    """What a run printed, and whether it did so without looking at the project; `modules` are those it imported."""

    output: tuple[int, bytes, bytes]
    replayed: bool
    modules: frozenset[str] = frozenset()


Run = Callable[..., Done]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.delenv("LOCKCHECK_CACHE_DIR", raising=False)
    write(project, {**package(), "pyproject.toml": SAFE, ".gitignore": "gone.py\n"})
    return project


@pytest.fixture
def process(root: Path, tmp_path: Path) -> Run:
    """Runs in processes of their own."""

    def start(*arguments: str) -> Done:
        told = tmp_path / "told.json"
        environment = {**os.environ, "SPY": str(told)}
        done = subprocess.run(
            [sys.executable, "-c", SPY, *arguments], capture_output=True, check=False, env=environment
        )
        found = json.loads(told.read_text(encoding="utf-8"))
        output = (done.returncode, done.stdout, done.stderr)
        return Done(output, found["replayed"], frozenset(found["modules"]))

    assert root
    return start


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same in this process, which is quicker by far."""

    def start(*arguments: str, **environment: str) -> Done:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdout", streams[0])
            patch.setattr(sys, "stderr", streams[1])
            status, replayed = one_run(list(arguments))
        out, err = (_content(stream) for stream in streams)
        return Done((status, out, err), replayed)

    assert root
    return start


def one_run(arguments: list[str]) -> tuple[int, bool]:
    """What `lockcheck.__main__` does; the status, and whether an earlier run was printed again."""
    status = replay.attempt(arguments)
    if status is not None:
        return status, True
    recorded = recording.begin(arguments)
    status = cli.run(arguments)
    recorded.finish(status)
    return status, False


def _content(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue()


def settled(run: Run, *arguments: str, **environment: str) -> Done:
    """The output of a run that the next one prints again."""
    run(*arguments, **environment)  # makes the cache's folder
    for _ in range(4):
        time.sleep(SETTLED)
        run(*arguments, **environment)
        done = run(*arguments, **environment)
        if done.replayed:
            return done
    raise AssertionError("never printed again")


def test_whole_processes(root: Path, process: Run, run: Run) -> None:
    again = settled(process)
    assert again.output == run("--no-cache").output
    imports_next_to_nothing(again.modules)
    write(root, {"shop/sweeping.py": "# nothing\n"})
    after = process()
    assert not after.replayed
    assert after.output == run("--no-cache").output


def imports_next_to_nothing(modules: frozenset[str]) -> None:
    package = ("", ".__main__", ".cache", ".cache.folder", ".cache.identity", ".cache.replay")
    assert {name for name in modules if name.startswith("lockcheck")} == {f"lockcheck{name}" for name in package}
    assert len(modules) <= ALLOWED, modules
    assert not {"click", "pathlib", "dataclasses", "json", "re", "subprocess", "shutil", "libcst", "ast"} & modules


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("shop/sweeping.py", "--preview", "--exit-zero"),
        ("--output-format", "json", "-q"),
        ("--statistics",),
    ],
    ids=" ".join,
)
def test_the_same_is_printed(run: Run, arguments: tuple[str, ...]) -> None:
    assert settled(run, *arguments).output == run(*arguments, "--no-cache").output


def test_text_that_is_no_ascii(root: Path, run: Run) -> None:
    write(root, {"shop/ünïcode.py": BULK.format(models="shop.models").replace("lost", "verlören")})
    assert settled(run).output == run("--no-cache").output


def touched(path: str) -> None:
    os.utime(path, ns=(1, 1))


def same_size_and_time(path: str) -> None:
    """A change that hides itself as well as it can."""
    status = Path(path).stat()
    text = Path(path).read_text(encoding="utf-8")
    Path(path).write_text(text.replace("Job.run_id", "Job.run_ix"), encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


CHANGES: dict[str, Callable[[], object]] = {
    "edited": lambda: write(Path(), {"shop/sweeping.py": "# nothing\n"}),
    "edited with the same size and time": lambda: same_size_and_time("shop/sweeping.py"),
    "touched": lambda: touched("shop/sweeping.py"),
    "new file": lambda: write(Path(), {"shop/more.py": BULK.format(models="shop.models")}),
    "new folder": lambda: write(Path(), {"shop/sub/more.py": BULK.format(models="shop.models")}),
    "file gone": lambda: Path("shop/marking.py").unlink(),
    "file renamed": lambda: Path("shop/sweeping.py").rename("shop/swept.py"),
    "no package any more": lambda: Path("shop/__init__.py").unlink(),
    "settings": lambda: write(Path(), {"pyproject.toml": SAFE + 'ignore = ["LCK201"]\n'}),
    "settings gone": lambda: Path("pyproject.toml").unlink(),
    "ignored": lambda: write(Path(), {".gitignore": "sweeping.py\n"}),
    "nearer settings": lambda: write(Path(), {"shop/pyproject.toml": SAFE}),
    "settings above": lambda: write(Path("../"), {"setup.py": ""}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_noticed(run: Run, name: str) -> None:
    arguments = ("shop/sweeping.py",) if len(name) % 2 else ()
    settled(run, *arguments)
    CHANGES[name]()
    after = run(*arguments)
    assert not after.replayed
    assert after.output == run(*arguments, "--no-cache").output


@pytest.mark.parametrize("path", ["shop/models.py", "shop/marking.py", "shop/sweeping.py"])
def test_files_that_a_run_did_not_read_count(root: Path, run: Run, path: str) -> None:
    """What is printed depends on them all the same."""
    write(root, {"shop/own.py": "x = 1\n"})
    settled(run)
    write(root, {"shop/own.py": "x = 2\n"})
    time.sleep(SETTLED)
    assert not run().replayed
    assert run().replayed
    write(root, {path: "# nothing\n"})
    after = run()
    assert not after.replayed
    assert after.output == run("--no-cache").output


def test_what_git_ignores_is_asked_again(root: Path, run: Run) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    (root / ".git/info/exclude").write_text("", encoding="utf-8")
    settled(run)
    (root / ".git/info/exclude").write_text("marking.py\n", encoding="utf-8")
    after = run()
    assert not after.replayed
    assert after.output == run("--no-cache").output


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_not_printed_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.Progress, "PATIENCE", -1.0)
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    cache = Folder(str(root / "cache"), "one")
    recorded = recording.begin([])
    recorded.listen()
    recorded.keep_in(cache)
    progress = console.Progress(sys.stderr)
    progress("reading", 1, 2)
    progress.finish()
    console.say("done")
    recorded.finish(0)
    assert terminal.getvalue() == "\r\x1b[Kreading 1/2\r\x1b[Kdone\n"
    kept = cache.read(replay.name_of([]))
    assert kept is not None
    assert kept.split(b"\0")[-2:] == [b"err", b"done\n"]
    assert b"reading" not in kept


@pytest.mark.parametrize("environment", [{"FORCE_COLOR": "1"}, {"COLUMNS": "40"}], ids=str)
def test_another_environment_is_another_run(run: Run, environment: dict[str, str]) -> None:
    settled(run)
    assert not run(**environment).replayed
    assert settled(run, **environment).output == run("--no-cache", **environment).output


def test_an_edit_right_before_a_run(root: Path, run: Run) -> None:
    """Two edits within the tick of a clock may leave the same times."""
    settled(run)
    for number in range(3):
        write(root, {"shop/sweeping.py": BULK.format(models="shop.models") + f"x = {number}\n" * (number % 2)})
        assert run().output == run("--no-cache").output


@pytest.mark.parametrize(
    "arguments",
    [("--fix", "--diff"), ("--show-files",), ("graph",), ("--select", "X")],
    ids=" ".join,
)
def test_only_checks_are_printed_again(run: Run, arguments: tuple[str, ...]) -> None:
    outputs = []
    for _ in range(2):
        time.sleep(SETTLED)
        done = run(*arguments)
        assert not done.replayed
        outputs.append(done.output)
    assert outputs[0] == outputs[1]


def test_a_fix_is_seen(run: Run) -> None:
    settled(run)
    run("--fix", "--unsafe-fixes")
    after = run()
    assert after.output == run("--no-cache").output


def test_a_project_without_python(root: Path, run: Run) -> None:
    for path in root.rglob("*.py"):
        path.unlink()
    assert settled(run).output == run("--no-cache").output
