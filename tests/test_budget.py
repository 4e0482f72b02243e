"""What a run costs: what it imports, what it reads, and how long it takes beside `ast.parse` over the same files."""

from __future__ import annotations

import ast
import gc
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import time
from itertools import islice
from pathlib import Path

import pytest

from lockcheck.declarations.read import read_module
from lockcheck.records import Wanted, read_record
from lockcheck.sources import parsed
from tests.test_cache_replay import SETTLED
from tests.test_pipeline import SAFE, package, write

REPOSITORY = Path(__file__).parent.parent
HEAVY = (
    "libcst",
    "yaml",
    "rich",
    "pygments",
    "sqlalchemy",
    "lockcheck.linking",
    "lockcheck.reading",
    "lockcheck.fixes",
)
SPY = f"""
import json, os, sys
sys.path.insert(0, {str(REPOSITORY)!r})
opened = []
root = os.path.realpath(os.getcwd())
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[1] in ("r", "rb", None):
        opened.append(os.path.realpath(arguments[0]))
sys.addaudithook(watch)
from lockcheck import cli
status = cli.run(sys.argv[1:])
sources = [path for path in opened if path.startswith(root + os.sep) and path.endswith(".py")]
print(json.dumps({{"status": status, "modules": sorted(sys.modules), "opened": sources}}), file=sys.stderr)
"""
PLAIN = "import os\n\n\ndef f{0}(folder):\n    return os.path.join(folder, '{0}')\n"
OWN = "def helper(number: int) -> int:\n    more = number\n    return more + 1\n"
MODEL = """from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
WORK = (
    f"{MODEL}\n\ndef f(session):\n    session.query(Job).delete()\n\n\nwith make() as session:\n    session.commit()\n"
)


class Run:
    """One run in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-c", SPY, *arguments]
        environment = dict(os.environ)  # readline, which pytest imports, tells programs that are started about COLUMNS
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
        told = json.loads(done.stderr.splitlines()[-1])
        self.status: int = told["status"]
        self.opened: list[str] = told["opened"]
        self.output = done.stdout
        modules: list[str] = told["modules"]
        self.modules = frozenset(modules)
        self.heavy = [
            name for name in HEAVY if any(module == name or module.startswith(f"{name}.") for module in modules)
        ]


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A tree without SQLAlchemy."""
    for number in range(20):
        file = tmp_path / f"package{number % 3}" / f"module{number}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(PLAIN.format(number), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (".",),
        ("package1",),
        ("package1/module1.py",),
        ("--preview",),
        ("--output-format", "json"),
        ("--statistics",),
    ],
    ids=" ".join,
)
def test_without_sqlalchemy_nothing_heavy_is_imported(plain: Path, arguments: tuple[str, ...]) -> None:
    run = Run(plain, *arguments)
    assert run.status == 0
    assert run.heavy == []


@pytest.mark.parametrize(
    "arguments", [("--version",), ("--help",), ("--show-files",), ("--show-settings",)], ids=" ".join
)
def test_what_checks_nothing_imports_nothing_heavy(plain: Path, arguments: tuple[str, ...]) -> None:
    assert Run(plain, *arguments).heavy == []


@pytest.mark.parametrize("arguments", [("explain", "LCK201"), ("rules",)], ids=" ".join)
def test_pages_need_no_parser(plain: Path, arguments: tuple[str, ...]) -> None:
    run = Run(plain, *arguments)
    assert run.output
    assert set(run.heavy) <= {"yaml"}


def test_sessions_of_another_library_need_no_parser(plain: Path) -> None:
    text = "import requests\n\n\ndef f(session: requests.Session):\n    return session.get('https://example.org')\n"
    (plain / "client.py").write_text(text, encoding="utf-8")
    assert Run(plain).heavy == []


def test_models_alone_need_no_parser(plain: Path) -> None:
    """Declarations are read with `ast`; only functions that touch a database need libcst."""
    (plain / "models.py").write_text(MODEL, encoding="utf-8")
    assert Run(plain).heavy == []


def test_functions_that_touch_a_database_are_parsed(plain: Path) -> None:
    """The tests above would notice an import."""
    text = f"{MODEL}\n\ndef f(session):\n    session.query(Job).delete()\n"
    (plain / "models.py").write_text(text, encoding="utf-8")
    heavy = Run(plain).heavy
    assert {"libcst", "lockcheck.linking", "lockcheck.reading"} <= set(heavy)
    assert not {"rich", "yaml", "sqlalchemy", "lockcheck.fixes"} & set(heavy)


@pytest.mark.parametrize("path", [".", "package1", "package1/module1.py"])
@pytest.mark.parametrize("database", [False, True])
def test_each_file_is_read_once(plain: Path, path: str, *, database: bool) -> None:
    if database:
        (plain / "package1/models.py").write_text(
            MODEL + "\n\ndef f(session):\n    session.query(Job).delete()\n", "utf-8"
        )
    opened = Run(plain, path).opened
    assert opened
    assert sorted(opened) == sorted(set(opened))


def test_trees_are_not_kept() -> None:
    """A run does not collect garbage: what refers to itself stays until its end."""
    gc.collect()
    gc.disable()
    try:
        before = trees()  # of other tests: fixes keep those of the file at work
        read_module(MODEL, "models", "models.py", is_package=False)
        read_record(Wanted("jobs.py", "jobs", is_package=False, text=WORK, declare=True))
        assert not trees() - before
    finally:
        gc.enable()


def test_a_file_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Libcst reads slices of it; what stands where is known from the tree of the whole file."""
    texts: list[str] = []

    def noted(text: str, path: str) -> ast.Module:
        texts.append(text)
        return parsed(text, path)

    monkeypatch.setattr("lockcheck.records.parsed", noted)
    monkeypatch.setattr("lockcheck.declarations.read.parsed", noted)
    monkeypatch.setattr("lockcheck.reading.positions.ast.parse", noted)
    record = read_record(Wanted("jobs.py", "jobs", is_package=False, text=WORK, declare=True))
    assert record.facts is not None
    assert [sites.qualname for sites in record.facts.slices] == ["jobs.f", "jobs.<body>"]
    assert texts == [WORK]


def trees() -> set[int]:
    return {id(item) for item in gc.get_objects() if isinstance(item, ast.Module)}


# --- after an edit that changes no behaviour ----------------------------------------------------------------------


UNTOUCHED = ("libcst", "lockcheck.linking", "lockcheck.fixes", "lockcheck.checks", "tempfile", "rich", "yaml")


@pytest.fixture
def warm(tmp_path: Path) -> Path:
    """A project with findings that have fixes, all of it known from an earlier run, its files no longer new."""
    write(tmp_path, {**package(), "pyproject.toml": SAFE, "shop/own.py": OWN, "shop/notes.py": "x = 1\n"})
    time.sleep(SETTLED)
    assert "LCK201" in Run(tmp_path, "-q", "-e").output
    time.sleep(SETTLED)
    return tmp_path


def quiet(folder: Path, path: str, old: str, new: str) -> Run:
    """A run after one edit."""
    file = folder / path
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return Run(folder, "-q", "-e")


def test_a_comment_where_nothing_is_found_imports_next_to_nothing(warm: Path) -> None:
    run = quiet(warm, "shop/own.py", "def helper", "# more\ndef helper")
    barred = (*UNTOUCHED, "lockcheck.plans", "lockcheck.hazards", "lockcheck.facts")
    assert sorted(run.modules.intersection(barred)) == []
    assert "LCK201" in run.output


@pytest.mark.parametrize("place", ["from sqlalchemy", "def sweep"], ids=["top", "function"])
def test_a_comment_in_a_file_with_findings_needs_no_parser(warm: Path, place: str) -> None:
    run = quiet(warm, "shop/sweeping.py", place, f"# more\n{place}")
    assert sorted(run.modules.intersection(UNTOUCHED)) == []
    assert "safe fix" in run.output
    cold = subprocess.run(
        [sys.executable, "-m", "lockcheck", "-q", "-e", "--no-cache"],
        cwd=warm,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.output == cold.stdout


def test_an_edit_in_a_function_that_is_not_read_needs_no_parser(warm: Path) -> None:
    run = quiet(warm, "shop/own.py", "    return", "    more += 1\n    return")
    assert sorted(run.modules.intersection(UNTOUCHED)) == []


def test_after_a_comment_other_files_are_read_only_to_be_shown(warm: Path) -> None:
    opened = {Path(path).name for path in quiet(warm, "shop/own.py", "def helper", "# more\ndef helper").opened}
    assert "own.py" in opened
    assert "notes.py" not in opened


def test_another_parser_would_be_noticed(warm: Path) -> None:
    run = quiet(warm, "shop/sweeping.py", "Job.run_id == run", "Job.id == run")
    assert {"libcst", "lockcheck.linking"} <= run.modules


# --- time -------------------------------------------------------------------------------------------------


AST = """
import ast, pathlib, warnings
warnings.simplefilter("ignore")
for file in sorted(pathlib.Path().rglob("*.py")):
    ast.parse(file.read_bytes())
"""
FILES, ALLOWED = 400, 1.5


def library(folder: Path) -> None:
    """A copy of part of the standard library, which uses no SQLAlchemy."""
    root = Path(sysconfig.get_path("stdlib"))
    found = (
        file for file in sorted(root.rglob("*.py")) if not {"site-packages", "test", "tests", "lib2to3"} & {*file.parts}
    )
    for file in islice(found, FILES):
        copy = folder / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())


def seconds(folder: Path, *arguments: str) -> float:
    """The processor time of a process, which other work on the machine disturbs less than the clock."""
    before = os.times()
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    after = os.times()
    assert done.returncode == 0, done.stderr + done.stdout
    return after.children_user + after.children_system - before.children_user - before.children_system


@pytest.mark.server
@pytest.mark.skipif(os.name != "posix", reason="processor time of children")
def test_cold_run_without_sqlalchemy(tmp_path: Path) -> None:
    """The programs stand beside the tree: a folder that Python starts in hides the real standard library."""
    tree = tmp_path / "tree"
    library(tree)
    parse, check = tmp_path / "parse.py", tmp_path / "check.py"
    parse.write_text(AST, encoding="utf-8")
    check.write_text(
        f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from lockcheck.__main__ import main; main()", "utf-8"
    )
    runs = [(seconds(tree, str(parse)), seconds(tree, str(check), "-q")) for _ in range(3)]
    parsing, checking = (statistics.median(times) for times in zip(*runs, strict=True))
    assert checking <= ALLOWED * parsing, f"{checking:.2f} s, ast.parse alone {parsing:.2f} s: {checking / parsing:.2f}"
