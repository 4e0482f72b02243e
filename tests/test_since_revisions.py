"""--since: repositories, revisions and what is told about those that cannot be used."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lockcheck import cli
from lockcheck.git import repository_of
from lockcheck.revisions import resolve
from tests.scratch_git import CLAIM, PACKAGE, SETTINGS, TAKE, commit, found, git, module, report, repository, write

JOBS = "shop/jobs.py"
CI_NAMES = ("GITHUB_REF", "GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    repository(folder, {JOBS: module(CLAIM)})
    monkeypatch.chdir(folder)
    for name in CI_NAMES:
        monkeypatch.delenv(name, raising=False)
    return folder


def label(root: Path, revision: str, **surroundings: str) -> str:
    """What --since would be compared with."""
    return resolve(repository_of(root), revision, surroundings).label


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The complaint of a run that fails."""
    assert cli.run([*arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


# --- the summary --------------------------------------------------------------------------------------------


def test_nothing_new(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = git(root, "rev-parse", "--short=10", "HEAD")
    assert cli.run(["--since", "base"]) == 0
    assert capsys.readouterr() == (
        "",
        f"No new findings in 3 files.\nAt base ({short}), 1 of today's findings was there; 0 are gone.\n",
    )


def test_something_new(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {JOBS: module(TAKE), "shop/more.py": module(CLAIM, TAKE)})
    assert cli.run(["--since", "base", "--output-format", "concise", "--statistics"]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "2  LCK203  [*]  widened-row-lock"
    assert err.splitlines()[0] == "Found 2 new findings in 4 files."


def test_quiet(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--since", "base", "-q", str(root)]) == 0
    assert capsys.readouterr() == ("", "")


def test_fixing_tells_of_new_findings(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {JOBS: module(CLAIM, TAKE)})
    assert cli.run(["--since", "base", "--fix"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Applied 1 fix in 1 file; no new finding left.\nAt base (")
    assert (root / JOBS).read_text().count("with_for_update=True") == 1


# --- which commit -------------------------------------------------------------------------------------------


def test_a_revision_is_itself_and_dots_are_where_head_left_it(root: Path) -> None:
    start = git(root, "rev-parse", "HEAD")
    git(root, "switch", "--quiet", "--create", "work")
    commit(root, {"shop/more.py": module(TAKE)})
    git(root, "switch", "--quiet", "main")
    ahead = commit(root, {JOBS: module("")})
    git(root, "switch", "--quiet", "work")
    assert label(root, "main") == f"main ({ahead[:10]})"
    assert label(root, "main...") == f"main... ({start[:10]})"
    assert label(root, start) == start[:10]
    assert found(report(since="main...")) == ["LCK203 shop/more.py take"]
    assert found(report(since="main")) == [f"LCK203 {JOBS} claim", "LCK203 shop/more.py take"]


def test_an_annotated_tag(root: Path) -> None:
    git(root, "tag", "--annotate", "v1", "--message", "one")
    assert label(root, "v1") == f"v1 ({git(root, 'rev-parse', '--short=10', 'HEAD')})"


def test_auto_is_where_head_left_the_default_branch(root: Path) -> None:
    start = git(root, "rev-parse", "HEAD")
    git(root, "switch", "--quiet", "--create", "work")
    commit(root)
    assert label(root, "auto") == f"main... ({start[:10]})"
    git(root, "branch", "--move", "main", "trunk")
    with pytest.raises(Exception, match="`auto` finds no default branch here"):
        label(root, "auto")


def test_auto_takes_the_nearest_of_the_remotes(root: Path, tmp_path: Path) -> None:
    """A fork's main is behind that of the project it was forked from."""
    git(root, "clone", "--quiet", "--bare", ".", str(tmp_path / "fork.git"))
    newer = commit(root)
    git(root, "clone", "--quiet", "--bare", ".", str(tmp_path / "upstream.git"))
    git(root, "branch", "trunk")
    git(root, "push", "--quiet", str(tmp_path / "upstream.git"), "trunk")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(tmp_path / "fork.git"), str(clone))
    git(clone, "remote", "add", "upstream", str(tmp_path / "upstream.git"))
    git(clone, "fetch", "--quiet", "upstream")
    git(clone, "switch", "--quiet", "--create", "work", "upstream/main")
    commit(clone)
    assert label(clone, "auto") == f"upstream/main... ({newer[:10]})"


def test_auto_on_a_pull_request(root: Path) -> None:
    base = git(root, "rev-parse", "HEAD")
    git(root, "switch", "--quiet", "--create", "work")
    commit(root, {"shop/more.py": module(TAKE)})
    git(root, "switch", "--quiet", "--detach", base)
    git(root, "merge", "--quiet", "--no-ff", "--message", "merge", "work")
    assert label(root, "auto", GITHUB_REF="refs/pull/7/merge") == f"the pull request's base ({base[:10]})"
    git(root, "update-ref", "refs/remotes/origin/stable", base)
    git(root, "remote", "add", "origin", "nowhere")
    git(root, "switch", "--quiet", "work")
    assert label(root, "auto", GITHUB_REF="refs/pull/7/merge", GITHUB_BASE_REF="stable") == (
        f"origin/stable... ({base[:10]})"
    )
    assert label(root, "auto", CI_MERGE_REQUEST_DIFF_BASE_SHA=base) == f"the merge request's base ({base[:10]})"


# --- where it cannot be done --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("nothing", "error: --since: there is no commit `nothing` in this clone\n"),
        ("nothing...", "error: --since: there is no commit `nothing` in this clone\n"),
        (
            "base..HEAD",
            "error: --since: `base..HEAD` names more than one revision; write REV, or REV... for where HEAD ",
        ),
        ("base...HEAD", "error: --since: `base...HEAD` names more than one revision"),
        ("", "error: --since: `` is no revision\n"),
        ("--all", "error: --since: `--all` is no revision\n"),
        ("...", "error: --since: `` is no revision\n"),
        (f"base:{JOBS}", f"error: --since: there is no commit `base:{JOBS}` in this clone\n"),
    ],
)
@pytest.mark.usefixtures("root")
def test_no_such_commit(capsys: pytest.CaptureFixture[str], revision: str, message: str) -> None:
    assert told(capsys, f"--since={revision}").startswith(message)


@pytest.mark.parametrize("revision", ["HEAD", "main...", "auto"])
def test_a_repository_without_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], revision: str
) -> None:
    git(tmp_path, "init", "--quiet")
    write(tmp_path, PACKAGE)
    monkeypatch.chdir(tmp_path)
    assert "this repository has no commit yet" in told(capsys, "--since", revision)


def test_not_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, PACKAGE)
    monkeypatch.chdir(tmp_path)
    assert told(capsys, "--since", "HEAD") == f"error: --since: {tmp_path} is not in a git repository\n"


def test_inside_the_git_folder(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {".git/x.py": "x = 1\n"})
    assert "has no working tree" in told(capsys, "--since", "HEAD", ".git/x.py")


@pytest.mark.usefixtures("root")
def test_git_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert told(capsys, "--since", "HEAD") == "error: --since: git cannot be run: No such file or directory\n"


def test_a_path_outside_of_the_repository(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "apart", {"jobs.py": "x = 1\n"})
    message = told(capsys, "--since", "HEAD", "shop", "../apart/jobs.py")
    assert message == f"error: --since: ../apart/jobs.py is not in the git repository {root}\n"


def test_a_shallow_clone(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = git(root, "rev-parse", "HEAD")
    commit(root, {"shop/more.py": module(TAKE)})
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    assert "; the clone is shallow: fetch more of its history" in told(capsys, "--since", start)
    assert found(report(since="HEAD")) == []
    git(tmp_path / "shallow", "fetch", "--quiet", "--unshallow")
    assert found(report(since=start)) == ["LCK203 shop/more.py take"]


def test_no_commit_in_common(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(root, "switch", "--quiet", "--orphan", "other")
    commit(root, {**PACKAGE, JOBS: module(CLAIM, TAKE)})
    assert told(capsys, "--since", "main...") == "error: --since: HEAD and `main` have no commit in common\n"
    assert found(report(since="main")) == [f"LCK203 {JOBS} take"]


# --- odd repositories ---------------------------------------------------------------------------------------


def test_a_submodule_counts_as_unchanged(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository(tmp_path / "library", {JOBS: module(CLAIM)})
    git(root, "submodule", "--quiet", "add", f"file://{tmp_path}/library", "vendored")
    commit(root)
    write(root, {"vendored/shop/jobs.py": module(CLAIM, TAKE), "shop/more.py": module(TAKE)})
    assert cli.run(["--since", "base", "--output-format", "concise"]) == 1
    out, err = capsys.readouterr()
    assert [line.partition(":")[0] for line in out.splitlines()] == ["shop/more.py"]
    assert "warning: at base (" in err
    assert "): vendored is another repository: its files count as unchanged\n" in err


def test_inside_a_submodule(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(tmp_path / "library", {JOBS: module(CLAIM)})
    git(root, "submodule", "--quiet", "add", f"file://{tmp_path}/library", "vendored")
    monkeypatch.chdir(root / "vendored")
    write(root / "vendored", {JOBS: module(CLAIM, TAKE)})
    assert found(report(since="HEAD")) == [f"LCK203 {JOBS} take"]


def test_a_project_in_a_folder_of_the_repository(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(root, {f"inner/{name}": text for name, text in {**PACKAGE, JOBS: module(CLAIM)}.items()})
    write(root, {f"inner/{JOBS}": module(CLAIM, TAKE), JOBS: module(CLAIM, TAKE)})
    monkeypatch.chdir(root / "inner")
    assert found(report(since="HEAD")) == [f"LCK203 {JOBS} take"]


def test_by_way_of_a_symbolic_link(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(root)
    monkeypatch.chdir(tmp_path)
    write(root, {JOBS: module(CLAIM, TAKE)})
    assert found(report("link")) == [f"LCK203 link/{JOBS} take"]


def test_a_file_that_is_a_symbolic_link(root: Path) -> None:
    (root / "shop/alias.py").symlink_to("jobs.py")
    (root / "shop/broken.py").symlink_to("none.py")
    commit(root)
    (root / "shop/broken.py").unlink()
    assert found(report(since="HEAD")) == []
    write(root, {JOBS: module(CLAIM, TAKE)})
    assert found(report(since="HEAD")) == ["LCK203 shop/alias.py take", f"LCK203 {JOBS} take"]


def test_a_base_that_does_not_parse(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(root, {JOBS: f"{module(CLAIM)}def (\n", "shop/more.py": "# coding: nonsense\n"})
    write(root, {JOBS: module(CLAIM), "shop/more.py": ""})
    assert cli.run(["--since", "HEAD", "--output-format", "concise"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(f"{JOBS}:8:12: LCK203")
    assert err.count("warning: at HEAD (") == 2
    assert f"): {JOBS} does not parse" in err
    assert "): shop/more.py cannot be decoded: unknown encoding: nonsense\n" in err


def test_odd_file_names(root: Path) -> None:
    odd = {f"shop/{name}.py": module(CLAIM) for name in ("with space", 'quo"te', "new\nline", "ümlaut", "tab\t")}
    commit(root, odd)
    assert found(report(since="HEAD")) == []
    name = 'shop/quo"te.py'
    git(root, "mv", name, "shop/plain name.py")
    assert found(report(since="HEAD")) == []


def test_a_file_in_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a project, the neighbours of a file are read as well, at the base too."""
    flat = {"models.py": PACKAGE["shop/models.py"], "jobs.py": module(CLAIM).replace("shop.models", "models")}
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, flat)
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"jobs.py": flat["jobs.py"] + "\n\n" + TAKE})
    assert found(report("jobs.py", since="HEAD")) == ["LCK203 jobs.py take"]


def test_the_environment_of_a_hook(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(tmp_path / "other", {})
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other/.git/index"))
    assert found(report(since="HEAD")) == []
    assert repository_of(root).root == root


def test_nothing_is_written(root: Path) -> None:
    write(root, {JOBS: module(CLAIM, TAKE), "shop/untracked.py": ""})
    status = git(root, "status", "--porcelain")
    before = {path: path.stat().st_mtime_ns for path in sorted(root.rglob("*")) if path.is_file()}
    report()
    assert {path: path.stat().st_mtime_ns for path in sorted(root.rglob("*")) if path.is_file()} == before
    assert git(root, "status", "--porcelain") == status


@pytest.mark.skipif(os.name == "nt" or shutil.which("git") is None, reason="needs git")
def test_a_sha256_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256")
    commit(tmp_path, {**PACKAGE, JOBS: module(CLAIM)})
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {JOBS: module(CLAIM, TAKE), "pyproject.toml": f"{SETTINGS}\n"})
    assert found(report(since="HEAD")) == [f"LCK203 {JOBS} take"]
