"""Which files are found."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from lockcheck import discover
from lockcheck.discover import DiscoverError, project_files, python_files, reported_files
from lockcheck.findings import Problem
from lockcheck.settings import Settings


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    return project


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("", encoding="utf-8")


def settings(
    root: Path, *, force: bool = False, exclude: tuple[str, ...] | None = None, extend: tuple[str, ...] = ()
) -> Settings:
    usual = Settings(root=root, base=root).exclude
    return Settings(
        root=root, base=root, exclude=usual if exclude is None else exclude, extend_exclude=extend, force_exclude=force
    )


def names(root: Path, files: list[Path] | tuple[Path, ...]) -> list[str]:
    return [file.relative_to(root).as_posix() for file in files]


def found(root: Path, **given: tuple[str, ...]) -> list[str]:
    return names(root, python_files(root, settings(root, **given)))  # type: ignore[arg-type]  # names are the function's


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "init.defaultBranch=main", *arguments], cwd=root, check=True, capture_output=True)


# --- folders ------------------------------------------------------------------------------------------------


def test_nothing_in_an_empty_folder(root: Path) -> None:
    assert found(root) == []


def test_only_python_sources_in_order(root: Path) -> None:
    write(root, "b.py", "a/z.py", "a/notes.txt", "a.pyi", "setup.cfg", "script")
    assert found(root) == ["a/z.py", "b.py"]


@pytest.mark.parametrize(
    "folder",
    [".venv", "venv", "node_modules", "__pycache__", "build", "dist", ".tox", ".mypy_cache", ".git", "a/.venv"],
)
def test_folders_that_hold_no_sources_of_the_project(root: Path, folder: str) -> None:
    write(root, f"{folder}/x.py", "ok.py")
    assert found(root) == ["ok.py"]


def test_exclude_replaces_and_extend_exclude_adds(root: Path) -> None:
    write(root, "build/a.py", "gen/b.py", "c.py")
    assert found(root, exclude=("gen",)) == ["build/a.py", "c.py"]
    assert found(root, extend=("gen",)) == ["c.py"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*_pb2.py", ["app/jobs.py", "app/old/jobs.py"]),
        ("app/old", ["app/jobs.py", "app/jobs_pb2.py"]),
        ("/old", ["app/jobs.py", "app/jobs_pb2.py", "app/old/jobs.py"]),
        ("old/", ["app/jobs.py", "app/jobs_pb2.py"]),
        ("app/*.py", ["app/old/jobs.py"]),
        ("jobs.py", ["app/jobs_pb2.py"]),
    ],
)
def test_patterns(root: Path, pattern: str, left: list[str]) -> None:
    write(root, "app/jobs.py", "app/jobs_pb2.py", "app/old/jobs.py")
    assert found(root, extend=(pattern,)) == left


def test_patterns_are_relative_to_the_settings_not_to_the_folder_walked(root: Path) -> None:
    write(root, "app/old/jobs.py", "app/new/jobs.py")
    files = python_files(root / "app", settings(root, extend=("app/old",)))
    assert names(root, files) == ["app/new/jobs.py"]


def test_symbolic_links_to_folders_are_not_followed(root: Path) -> None:
    write(root, "app/jobs.py")
    (root / "app" / "loop").symlink_to(root / "app")
    (root / "again").symlink_to(root / "app")
    assert found(root) == ["app/jobs.py"]


def test_symbolic_links_to_files(root: Path) -> None:
    write(root, "jobs.txt")
    (root / "linked.py").symlink_to(root / "jobs.txt")
    (root / "broken.py").symlink_to(root / "missing")
    (root / "itself.py").symlink_to(root / "itself.py")
    assert found(root) == ["linked.py"]


def test_a_folder_named_like_a_module(root: Path) -> None:
    write(root, "odd.py/jobs.py")
    assert found(root) == ["odd.py/jobs.py"]


def test_a_folder_that_cannot_be_listed_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, "closed/jobs.py", "ok.py")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    files = project_files([root], settings(root))
    assert names(root, files.reported) == ["ok.py"]
    assert files.problems == (Problem("closed", None, None, "cannot list this folder: Permission denied"),)


# --- .gitignore ---------------------------------------------------------------------------------------------


def test_git_says_what_is_ignored(root: Path) -> None:
    git(root, "init")
    write(root, "tracked.py", "new.py", "local.py", "out/a.py", "sub/out/b.py", "sub/keep.py", "sub/own.py")
    (root / ".gitignore").write_text("local.py\nout/\ntracked.py\n", encoding="utf-8")
    (root / "sub" / ".gitignore").write_text("own.py\n", encoding="utf-8")
    git(root, "add", "-f", "tracked.py")
    assert found(root) == ["new.py", "sub/keep.py", "tracked.py"]
    assert names(root, python_files(root / "sub", settings(root))) == ["sub/keep.py"]


def test_a_tracked_file_that_is_gone(root: Path) -> None:
    git(root, "init")
    write(root, "gone.py", "here.py")
    git(root, "add", ".")
    (root / "gone.py").unlink()
    assert found(root) == ["here.py"]


def test_a_repository_inside_another(root: Path) -> None:
    git(root, "init")
    (root / ".gitignore").write_text("a.py\n", encoding="utf-8")
    write(root, "inner/a.py", "inner/b.py", "a.py")
    git(root / "inner", "init")
    (root / "inner" / ".gitignore").write_text("b.py\n", encoding="utf-8")
    assert found(root) == ["inner/a.py"]


def test_an_ignored_folder_that_is_named_is_checked(root: Path) -> None:
    git(root, "init")
    (root / ".gitignore").write_text("out/\n", encoding="utf-8")
    write(root, "out/a.py", "out/deep/b.py")
    assert names(root, reported_files([root / "out"], settings(root))) == ["out/a.py", "out/deep/b.py"]


@pytest.mark.parametrize("repository", [True, False], ids=["no-git-command", "no-repository"])
def test_without_git_the_files_are_read(root: Path, monkeypatch: pytest.MonkeyPatch, *, repository: bool) -> None:
    (root / (".git" if repository else "app")).mkdir()
    write(root, "pyproject.toml", "a.py", "app/a.py", "app/b.py", "app/keep.py", "out/c.py", "app/deep/out/d.py")
    (root / ".gitignore").write_text("a.py\nout/\n!keep.py\nb.py\n", encoding="utf-8")
    (root / "app" / ".gitignore").write_text("!a.py\nkeep.py\n", encoding="utf-8")
    monkeypatch.setenv("PATH", str(root / "empty"))
    assert found(root) == ["app/a.py"]
    assert names(root, python_files(root / "app", settings(root))) == ["app/a.py"]


def test_git_hooks_environment_does_not_mislead(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    git(root, "init")
    write(root, "a.py", "b.py")
    (root / ".gitignore").write_text("b.py\n", encoding="utf-8")
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_INDEX_FILE", "elsewhere")
    assert found(root) == ["a.py"]


# --- named paths --------------------------------------------------------------------------------------------


def test_a_named_file_is_checked_whatever_it_is_called(root: Path) -> None:
    write(root, "script", "build/gen.py")
    paths = [Path("script"), Path("build/gen.py")]
    assert names(root, reported_files(paths, settings(root))) == ["build/gen.py", "script"]


def test_force_exclude_holds_for_named_paths(root: Path) -> None:
    write(root, "build/gen.py", "a.py", "old/deep/b.py")
    forced = settings(root, force=True, extend=("old/",))
    paths = [Path("build/gen.py"), Path("a.py"), Path("old/deep/b.py"), Path("old"), Path("old/deep")]
    assert names(root, reported_files(paths, forced)) == ["a.py"]


def test_force_exclude_looks_no_further_than_the_settings(tmp_path: Path) -> None:
    root = tmp_path / "build" / "project"
    write(root, "a.py")
    assert names(root, reported_files([root / "a.py"], settings(root, force=True))) == ["a.py"]


def test_a_file_is_found_once(root: Path) -> None:
    write(root, "app/a.py")
    paths = [root, Path("app"), Path("app/a.py"), Path("app/../app/a.py")]
    assert names(root, reported_files(paths, settings(root))) == ["app/a.py"]


def test_a_named_link_to_a_folder_is_walked(root: Path) -> None:
    write(root, "app/a.py")
    (root / "link").symlink_to("app")
    assert names(root, reported_files([Path("link")], settings(root))) == ["link/a.py"]


def test_what_is_read_goes_beyond_what_is_reported(root: Path) -> None:
    write(root, "src/app/a.py", "src/app/b.py", "tools/c.py")
    files = project_files([Path("src/app/a.py"), Path("tools")], settings(root), roots=[root / "src"])
    assert names(root, files.reported) == ["src/app/a.py", "tools/c.py"]
    assert names(root, files.read) == ["src/app/a.py", "src/app/b.py", "tools/c.py"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.py", "missing.py: no such file or folder"),
        ("a.py/b.py", "a.py/b.py: not a directory"),
        ("broken.py", "broken.py: is a broken symbolic link"),
        ("itself.py", "itself.py: too many levels of symbolic links"),
        ("pipe", "pipe: is neither a file nor a folder"),
    ],
)
def test_paths_that_cannot_be_checked(root: Path, path: str, message: str) -> None:
    write(root, "a.py")
    (root / "broken.py").symlink_to("nowhere")
    (root / "itself.py").symlink_to("itself.py")
    os.mkfifo(root / "pipe")
    with pytest.raises(DiscoverError) as caught:
        reported_files([Path(path)], settings(root))
    assert str(caught.value) == message


def test_display_is_relative_to_the_working_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, "app/a.py")
    assert discover.display(root / "app" / "a.py") == "app/a.py"
    monkeypatch.chdir(root / "app")
    assert discover.display(root / "b.py") == "../b.py"


@pytest.mark.server
def test_ten_thousand_files(root: Path) -> None:
    """Less than a second on a slow machine; the bound is loose, against loss by an order of magnitude."""
    for number in range(100):
        folder = root / f"package_{number}"
        folder.mkdir()
        for module in range(100):
            (folder / f"module_{module}.py").touch()
    start = time.perf_counter()
    assert len(found(root)) == 10_000
    assert time.perf_counter() - start < 5
    shutil.rmtree(root)
