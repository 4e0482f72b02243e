"""The hooks, through the real pre-commit, from a clone of this repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parent.parent
HOOKS = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
HAZARD = """\
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy import ForeignKey


class Base(DeclarativeBase):
    pass


class Queue(Base):
    __tablename__ = "queue"
    id: Mapped[int] = mapped_column(primary_key=True)


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    queue: Mapped[Queue] = relationship(lazy="joined", innerjoin=True)


def claim(session: Session, key: int) -> Job | None:
    return session.get(Job, key, with_for_update=True)
"""
MENDED = HAZARD.replace("with_for_update=True", 'with_for_update={"of": Job}')
CLEAN = "def add(a: int, b: int) -> int:\n    return a + b\n"
SETTINGS = '[tool.lockcheck]\ndialects = ["postgresql"]\n'


def test_the_hooks_are_declared() -> None:
    assert [hook["id"] for hook in HOOKS] == ["lockcheck", "lockcheck-fix"]
    for hook in HOOKS:
        assert hook["language"] == "python"
        assert hook["types"] == ["python"]
        assert hook["require_serial"] is True
        assert hook["entry"].startswith("lockcheck --force-exclude")


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit_all(folder: Path) -> str:
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "All")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """pre-commit keeps what it installs here; nothing of a surrounding git command leaks in."""
    home = tmp_path_factory.mktemp("pre-commit")
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT", "PYTHON"))}
    return {**outer, "PRE_COMMIT_HOME": str(home), "NO_COLOR": "1", "PRE_COMMIT_COLOR": "never"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """This repository as it stands in the working tree, committed."""
    folder = tmp_path_factory.mktemp("clone") / "lockcheck"
    names = (".*_cache", ".git", ".venv", "venv", "__pycache__", ".hypothesis", "build", "dist")
    shutil.copytree(REPOSITORY, folder, ignore=shutil.ignore_patterns(*names))
    return folder, commit_all(folder)


@pytest.fixture
def project(tmp_path: Path, clone: tuple[Path, str]) -> Path:
    """A scratch repository that uses both hooks."""
    folder = tmp_path / "project"
    folder.mkdir()
    hooks = [{"id": "lockcheck"}, {"id": "lockcheck-fix", "stages": ["manual"]}]
    config = {"repos": [{"repo": str(clone[0]), "rev": clone[1], "hooks": hooks}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (folder / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


def pre_commit(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.server
def test_a_clean_file_passes(project: Path, environment: dict[str, str]) -> None:
    (project / "clean.py").write_text(CLEAN, encoding="utf-8")
    commit_all(project)
    done = pre_commit(project, environment, "run", "--all-files")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stdout


@pytest.mark.server
def test_a_finding_fails(project: Path, environment: dict[str, str]) -> None:
    (project / "jobs.py").write_text(HAZARD, encoding="utf-8")
    commit_all(project)
    done = pre_commit(project, environment, "run", "--all-files")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "LCK203 [*] widened-row-lock" in done.stdout
    assert "jobs.py:22:12" in done.stdout
    assert (project / "jobs.py").read_text(encoding="utf-8") == HAZARD


@pytest.mark.server
def test_the_fix_hook_changes_the_file(project: Path, environment: dict[str, str]) -> None:
    (project / "jobs.py").write_text(HAZARD, encoding="utf-8")
    commit_all(project)
    arguments = ("run", "lockcheck-fix", "--hook-stage", "manual", "--all-files")
    done = pre_commit(project, environment, *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "files were modified by this hook" in done.stdout
    assert (project / "jobs.py").read_text(encoding="utf-8") == MENDED
    commit_all(project)
    assert pre_commit(project, environment, *arguments).returncode == 0


@pytest.mark.server
def test_excluded_files_are_left_alone(project: Path, environment: dict[str, str]) -> None:
    (project / "pyproject.toml").write_text(f'{SETTINGS}extend-exclude = ["jobs.py"]\n', encoding="utf-8")
    (project / "jobs.py").write_text(HAZARD, encoding="utf-8")
    commit_all(project)
    done = pre_commit(project, environment, "run", "--all-files")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.server
def test_four_hundred_files_with_try_repo(tmp_path: Path, clone: tuple[Path, str], environment: dict[str, str]) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    for number in range(400):
        package = folder / f"a_package_with_a_long_name_{number % 20}"
        package.mkdir(exist_ok=True)
        (package / f"a_module_with_a_long_name_{number}.py").write_text(CLEAN, encoding="utf-8")
    (folder / "jobs.py").write_text(HAZARD, encoding="utf-8")
    commit_all(folder)
    done = pre_commit(folder, environment, "try-repo", str(clone[0]), "lockcheck", "--all-files", "--verbose")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("LCK203") == 1
    assert "Found 1 finding in 401 files." in done.stdout
