"""Times lockcheck on a source tree beside floors and other linters, in one go, and prints a Markdown table.

    python benchmarks/run.py path/to/airflow --peers --write docs/performance.md

hyperfine (https://github.com/sharkdp/hyperfine) measures; it must be on PATH, and the extra `lockcheck[lsp]` must be
installed, for the server. The tree is copied, never written to.
Peers are installed into a scratch environment; one that cannot be installed is left out and named.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import latency

HERE = Path(__file__).parent
EDITS = 200
SCRATCH_PEERS = {"ruff": "ruff", "flake8": "flake8", "fixit": "fixit", "semgrep": "semgrep"}
RANDOM = "HYPERFINE_RANDOMIZED_ENVIRONMENT_OFFSET"
"""What hyperfine puts into the environment, another one each time: no run would be the same as the one before."""
MARK = "<!-- results -->"
PYPROJECT = """[project]
name = "measured"

[tool.fixit]
enable = ["fixit_calls"]
disable = ["fixit.rules"]
"""


class Run(NamedTuple):
    """A command to measure; `before` runs, untimed, ahead of each time. `base` names the floor it is compared with."""

    name: str
    command: str
    base: str
    before: str = ""


class Result(NamedTuple):
    run: Run
    wall: float
    processor: float


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="lockcheck-bench-") as folder:
        work = Path(folder)
        tree = _copied(Path(options.tree), work)
        peers = dict(_installed(work, options.peers))
        results = [_measured(run, tree, options.runs) for run in _runs(tree, work, peers)]
        scale = _scale(tree)
        edited = latency.report(latency.measured(Path(options.tree), EDITS))
    missing = sorted(set(SCRATCH_PEERS) - set(peers)) if options.peers else []
    text = "\n".join([*_report(results, scale, missing), "", edited])
    print(text)
    if options.write:
        _write(Path(options.write), text)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", help="a package or folder of Python files")
    parser.add_argument("--runs", type=int, default=5, help="how often each command is timed (default: %(default)s)")
    parser.add_argument("--peers", action="store_true", help="install and time other linters, too")
    parser.add_argument("--write", metavar="FILE", help=f"replace what follows {MARK} in this file")
    return parser.parse_args()


# --- the tree and the commands --------------------------------------------------------------------------------


def _copied(tree: Path, work: Path) -> Path:
    """A copy in a git repository of its own, with a hook for pre-commit."""
    top = work / "project"
    shutil.copytree(tree, top / tree.name, ignore=shutil.ignore_patterns("__pycache__", ".lockcheck_cache"))
    (top / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    (top / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    hook = f"id: lockcheck, name: lockcheck, entry: {_lockcheck()} --exit-zero, language: system, types: [python]"
    config = f"repos: [{{repo: local, hooks: [{{{hook}, require_serial: true}}]}}]\n"
    (top / ".pre-commit-config.yaml").write_text(config, encoding="utf-8")
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=top, check=True)
    return top


def _lockcheck() -> str:
    return f"{sys.executable} -m lockcheck"


def _runs(tree: Path, work: Path, peers: dict[str, Path]) -> Iterator[Run]:
    python = sys.executable
    sizes = sorted(tree.rglob("*.py"), key=lambda path: path.stat().st_size)
    largest, small = (path.relative_to(tree).as_posix() for path in (sizes[-1], sizes[len(sizes) // 2]))
    check, fresh = f"{_lockcheck()} -q --exit-zero .", f"rm -rf {tree}/.lockcheck_cache"
    script = work / "floor.py"
    script.write_text((HERE / "floor.py").read_text(encoding="utf-8"), encoding="utf-8")
    hello = work / "hello.py"
    hello.write_text("import click\nclick.command()(lambda: click.echo('hello'))()\n", encoding="utf-8")
    yield Run("A: ast.parse over all files", f"{python} {script}", "A")
    yield Run("C: hello by click", f"{python} {hello}", "C")
    yield Run("L: import libcst", f"{python} -c 'import libcst'", "L")
    yield Run("cold, 2 processes", f"{check} -j2", "A", fresh)
    yield Run("cold, 1 process", f"{check} -j1", "A", fresh)
    yield Run("warm, nothing changed", check, "C", f"sleep 0.2; {check}; {check}")
    for name, path in (("a small file", small), ("the largest file", largest)):
        edit = f"{check}; sleep 0.1; sed -i '1i # more' {path}; sleep 0.1"
        yield Run(f"a comment added to {name}", check, "L", edit)
    edit = f"{check}; sleep 0.1; printf 'def more(session):\\n    session.flush()\\n' >> {largest}; sleep 0.1"
    yield Run("a function added to the largest file", check, "L", edit)
    hook = f"pre-commit run lockcheck --files {small}"
    if shutil.which("pre-commit"):
        yield Run("pre-commit, a comment added to a small file", hook, "L", f"{hook}; sed -i '1i # more' {small}")
    yield from _peer_runs(work, peers)


# --- peers ----------------------------------------------------------------------------------------------------


def _installed(work: Path, wanted: bool) -> Iterator[tuple[str, Path]]:
    """Each peer in an environment of its own."""
    for name, package in SCRATCH_PEERS.items() if wanted else ():
        place = work / "environments" / name
        venv.create(place, with_pip=True)
        pip = [str(place / "bin/pip"), "install", "-q", "--disable-pip-version-check", package]
        if subprocess.run(pip, check=False).returncode == 0:
            yield name, place / "bin"


def _peer_runs(work: Path, peers: dict[str, Path]) -> Iterator[Run]:
    """The nearest thing that each does: find calls of `with_for_update`, `update`, `delete` and `merge`."""
    shutil.copytree(HERE / "peers", work / "peers", dirs_exist_ok=True)
    rules = work / "peers"
    commands = {
        "ruff": ("ruff, rules F, no cache", "ruff check -q --no-cache --exit-zero --select F ."),
        "flake8": ("flake8, a plugin for four calls", f"flake8 --config {rules}/flake8.ini --exit-zero -q ."),
        "fixit": ("Fixit, a rule for four calls", "fixit lint ."),
        "semgrep": (
            "Semgrep, four patterns",
            f"semgrep scan -q --metrics off --disable-version-check -j2 --config {rules}/semgrep.yaml .",
        ),
    }
    for name, place in peers.items():
        title, command = commands[name]
        yield Run(title, f"PATH={place}:$PATH PYTHONPATH={rules} {command} || true", "A")


# --- measuring ------------------------------------------------------------------------------------------------


def _measured(run: Run, tree: Path, runs: int) -> Result:
    with tempfile.NamedTemporaryFile(suffix=".json") as found:
        command = ["hyperfine", "--runs", str(runs), "--export-json", found.name, "--style", "none"]
        command += ["--prepare", f"unset {RANDOM}; {run.before}"] if run.before else ["--warmup", "1"]
        subprocess.run(
            [*command, "--ignore-failure", f"unset {RANDOM}; {run.command}"],
            cwd=tree,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (result,) = json.loads(Path(found.name).read_text(encoding="utf-8"))["results"]
    return Result(run, result["median"], result["user"] + result["system"])


class Cost(NamedTuple):
    """The largest process in MB, wall and processor time in s."""

    peak: float
    wall: float
    processor: float


def _scale(tree: Path) -> dict[str, Cost]:
    """A cold run over one copy of the tree, and over ten."""
    found = {"one copy": _cost(tree)}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(10):
            root = Path(folder) / f"copy{number}"
            shutil.copytree(tree, root, ignore=shutil.ignore_patterns(".git", ".lockcheck_cache"))
        found["ten copies"] = _cost(Path(folder))
    return found


def _cost(folder: Path) -> Cost:
    program = "import resource, subprocess, sys, time; began = time.perf_counter();"
    program += "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); wall = time.perf_counter() - began;"
    program += "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
    program += "print(used.ru_maxrss / 1024, wall, used.ru_utime + used.ru_stime)"
    command = [sys.executable, "-c", program, *_lockcheck().split(), "-q", "--no-cache", "-j2", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return Cost(*map(float, done.stdout.split()))


# --- telling --------------------------------------------------------------------------------------------------


def _report(results: Sequence[Result], scale: dict[str, Cost], missing: Sequence[str]) -> Iterator[str]:
    floors = {result.run.base: result for result in results if result.run.name.startswith(f"{result.run.base}:")}
    version = sys.version.split()[0]
    yield f"Python {version}, {os.cpu_count()} processors; medians of wall time, means of processor time."
    yield ""
    yield "| run | wall s | processor s | ratio of wall times | ratio of processor times |"
    yield "|---|---|---|---|---|"
    for result in results:
        floor = floors[result.run.base]
        ratios = [(result.wall, floor.wall), (result.processor, floor.processor)]
        shown = ("" if result is floor else f"{own / other:.2f} {result.run.base}" for own, other in ratios)
        yield f"| {result.run.name} | {result.wall:.3f} | {result.processor:.3f} | {' | '.join(shown)} |"
    yield ""
    yield "| cold run in 2 processes over | largest process, MB | wall s | processor s |"
    yield "|---|---|---|---|"
    for name, cost in scale.items():
        yield f"| {name} | {cost.peak:.0f} | {cost.wall:.1f} | {cost.processor:.1f} |"
    shares = (f"{more / less:.2f}" for less, more in zip(*scale.values(), strict=True))
    yield f"| ratio | {' | '.join(shares)} |"
    if missing:
        yield f"Not installed: {', '.join(missing)}."


def _write(file: Path, text: str) -> None:
    head = file.read_text(encoding="utf-8").partition(MARK)[0]
    file.write_text(f"{head}{MARK}\n\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
