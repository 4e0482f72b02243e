"""The GitHub action: what action.yml declares, and its scripts run as the runner runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.scratch_git import CLAIM, TAKE, commit, git, module, repository, write

pytestmark = pytest.mark.server

REPOSITORY = Path(__file__).parent.parent
ACTION: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
JOBS = "shop/jobs.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A pull request as GitHub checks it out: a merge of it into its base."""
    folder = tmp_path / "project"
    repository(folder, {JOBS: module(CLAIM)})
    git(folder, "switch", "--quiet", "--create", "work")
    commit(folder, {"shop/more.py": module(TAKE)})
    git(folder, "switch", "--quiet", "main")
    commit(folder, {"shop/other.py": "x = 1\n"})
    git(folder, "merge", "--quiet", "--no-ff", "--message", "merge", "work")
    return folder


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """The environment of a runner on which the first step has installed lockcheck."""
    home = tmp_path / "runner temp"
    python = home / "lockcheck-environment/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_", "LOCKCHECK_"))}
    return {
        **kept,
        "PYTHONPATH": str(REPOSITORY),
        "RUNNER_TEMP": str(home),
        "GITHUB_ACTION_PATH": str(REPOSITORY),
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }


def step(name: str, folder: Path, environment: dict[str, str], **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step of action.yml with these inputs, the others at their defaults."""
    [declared] = [item for item in STEPS if item["name"] == name]
    values = {key: str(item["default"]) for key, item in ACTION["inputs"].items()}
    values.update({key.replace("_", "-"): value for key, value in inputs.items()})
    given = {key: _filled(text, values) for key, text in declared.get("env", {}).items()}
    where = folder / _filled(declared.get("working-directory", "."), values)
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", declared["run"]]
    return subprocess.run(
        command, cwd=where, env={**environment, **given}, capture_output=True, text=True, check=False, timeout=300
    )


def _filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: values[match[1]], text)


# --- what is declared ---------------------------------------------------------------------------------------


def test_the_action_is_composite_and_uses_no_other_action() -> None:
    assert ACTION["runs"]["using"] == "composite"
    for declared in STEPS:
        assert "uses" not in declared
        assert declared["shell"] == "bash"


def test_every_input_is_described_and_used() -> None:
    used = set(re.findall(r"inputs\.([\w-]+)", str(STEPS)))
    assert used == set(ACTION["inputs"])
    for item in ACTION["inputs"].values():
        assert item["description"]
        assert "default" in item


def test_inputs_never_become_part_of_a_script() -> None:
    """What a pull request can choose must not be read as a command."""
    assert all("${{" not in declared["run"] for declared in STEPS)


def test_the_scripts_use_the_variables_that_are_given() -> None:
    scripts = {declared["name"]: REPOSITORY / declared["run"].split("/", 1)[1].rstrip('"') for declared in STEPS}
    for declared in STEPS:
        text = scripts[declared["name"]].read_text(encoding="utf-8")
        assert set(re.findall(r"\bLOCKCHECK_\w+", text)) == set(declared["env"])


# --- what it does -------------------------------------------------------------------------------------------


def test_nothing_new_is_silent(root: Path, runner: dict[str, str]) -> None:
    git(root, "reset", "--quiet", "--hard", "HEAD^1")
    git(root, "switch", "--quiet", "--create", "harmless")
    commit(root, {"shop/more.py": "x = 1\n"})
    git(root, "switch", "--quiet", "main")
    git(root, "merge", "--quiet", "--no-ff", "--message", "merge", "harmless")
    done = step("Run lockcheck", root, runner)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("No new findings in 5 files.\nAt the pull request's base (")


def test_a_pull_request(root: Path, runner: dict[str, str]) -> None:
    done = step("Run lockcheck", root, runner)
    assert done.returncode == 1, done.stderr
    [line] = done.stdout.splitlines()
    assert line.startswith("::warning title=lockcheck LCK203 (widened-row-lock),file=shop/more.py,line=8,")
    assert done.stderr.startswith("Found 1 new finding in 5 files.\nAt the pull request's base (")
    assert summarised(runner) == 1


@pytest.mark.parametrize("output_format", ["github", "concise", "sarif"])
def test_the_summary_is_added_once(root: Path, runner: dict[str, str], output_format: str) -> None:
    step("Run lockcheck", root, runner, output_format=output_format)
    assert summarised(runner) == 1


def summarised(runner: dict[str, str]) -> int:
    """How often the job's summary tells of the new finding."""
    summary = Path(runner["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")
    assert "Found 1 new finding in 5 files." in summary
    return summary.count("## lockcheck")


def test_a_checkout_of_depth_two_is_enough(root: Path, runner: dict[str, str], tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=2", f"file://{root}", "deep")
    assert step("Run lockcheck", tmp_path / "deep", runner).returncode == 1
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", "flat")
    flat = tmp_path / "flat"
    git(flat, "checkout", "--quiet", "--detach")
    git(flat, "update-ref", "-d", "refs/heads/main")
    for reference in git(flat, "for-each-ref", "--format=%(refname)", "refs/remotes").split():
        git(flat, "update-ref", "--no-deref", "-d", reference)
    done = step("Run lockcheck", flat, runner)
    assert done.returncode == 2
    assert "; the clone is shallow: fetch more of its history" in done.stderr


def test_all_findings(root: Path, runner: dict[str, str]) -> None:
    done = step("Run lockcheck", root, runner, since="", paths="shop/jobs.py\nshop/more.py\n", output_format="concise")
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["shop/jobs.py", "shop/more.py"]


def test_arguments_file_and_folder(root: Path, runner: dict[str, str]) -> None:
    """One argument a line; blanks and what a shell would read otherwise stay as they are."""
    write(root, {"shop/with $(blank) file.py": module(TAKE)})
    arguments = "--exit-zero\n--select\nLCK203, LCK201\n"
    done = step(
        "Run lockcheck", root, runner, paths="with $(blank) file.py", arguments=arguments, working_directory="shop",
        output_file="../found.txt", output_format="concise",
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert (root / "found.txt").read_text(encoding="utf-8").startswith("with $(blank) file.py:8:12: LCK203")


def test_a_baseline(root: Path, runner: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "lockcheck", "baseline", "write"], cwd=root, env=runner, check=True)
    assert step("Run lockcheck", root, runner, since="", baseline="lockcheck-baseline.json").returncode == 0


def test_wrong_use_is_told(root: Path, runner: dict[str, str]) -> None:
    done = step("Run lockcheck", root, runner, since="nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --since: there is no commit `nothing` in this clone\n"


def test_installing(root: Path, runner: dict[str, str], tmp_path: Path) -> None:
    environment = {name: value for name, value in runner.items() if name != "PYTHONPATH"}
    environment["RUNNER_TEMP"] = str(tmp_path / "fresh")
    installed = step("Install lockcheck", root, environment, python=sys.executable)
    assert installed.returncode == 0, installed.stderr
    assert step("Run lockcheck", root, environment).returncode == 1
