"""tools/ecosystem.py: where packages come from, and that nothing in them reaches further than it should."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from tests.ecosystem_scratch import TOOLS, Scratch, sdist, wheel
from tests.test_hooks import HAZARD

ROWS = "a = 1  # LCK201 rows\n"


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    made = Scratch(tmp_path)
    made.commit("LCK201")
    return made


def places(scratch: Scratch) -> list[tuple[str, str]]:
    return [(item["package"], item["path"]) for item in scratch.findings("-")]


# --- sources ------------------------------------------------------------------------------------------------


def test_pip_downloads_what_the_cache_lacks_and_only_once(scratch: Scratch, tmp_path: Path) -> None:
    index = tmp_path / "index"
    index.mkdir()
    wheel(index, "tiny", {"tiny/jobs.py": ROWS})
    scratch.packages('[[package]]\nname = "tiny"\nversion = "1.0"\n')
    variables = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
    done = scratch.run("-", **variables)
    assert (done.returncode, done.stdout.count("tiny 1.0")) == (0, 1), done.stdout
    shutil.rmtree(index)
    shutil.rmtree(scratch.cache / "trees")
    assert scratch.run("-", **variables).returncode == 0
    scratch.packages('[[package]]\nname = "tiny"\nversion = "2.0"\n')
    failed = scratch.run("-", **variables)
    assert (failed.returncode, "tiny 2.0: python" in failed.stdout) == (2, True), failed.stdout


def test_several_wheels_make_one_tree(scratch: Scratch) -> None:
    scratch.packages('[[package]]\nname = "one"\nversion = "1.0"\nwith = ["two==1.0"]\n')
    for name in ("one", "two"):
        wheel(scratch.cache / "downloads", name, {f"{name}.py": ROWS})
    assert places(scratch) == [("one 1.0", "one.py"), ("one 1.0", "two.py")]


def test_a_source_distribution_loses_the_folder_around_it(scratch: Scratch) -> None:
    scratch.packages('[[package]]\nname = "tiny"\nversion = "1.0"\nform = "sdist"\nsrc = "src"\n')
    sdist(scratch.cache / "downloads", "tiny", {"tiny-1.0/src/tiny.py": ROWS, "tiny-1.0/setup.py": ROWS})
    assert places(scratch) == [("tiny 1.0", "tiny.py")]


def test_a_commit_of_a_clone(scratch: Scratch, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "src").mkdir(parents=True)
    (other / "src" / "jobs.py").write_text(ROWS)
    scratch.git("init", "--quiet", cwd=other)
    scratch.git("add", "--all", cwd=other)
    scratch.git("commit", "--quiet", "--message", "All", cwd=other)
    sha = scratch.git("rev-parse", "HEAD", cwd=other)
    table = '[[package]]\nname = "other"\nsource = "git"\nsrc = "src"\n'
    scratch.packages(f'{table}repository = "{other / ".git"}"\ncommit = "{sha}"\n')
    assert places(scratch) == [(f"other {sha[:12]}", "jobs.py")]
    scratch.packages(f'{table}repository = "{other.as_uri()}"\ncommit = "{sha}"\n')
    shutil.rmtree(scratch.cache / "trees")
    assert places(scratch) == [(f"other {sha[:12]}", "jobs.py")], "fetched into a clone of its own"
    scratch.packages(f'{table}repository = "{other / ".git"}"\ncommit = "{"0" * 40}"\n')
    assert f"has no commit {'0' * 40}" in scratch.run("-").stdout


def test_the_settings_of_a_package(scratch: Scratch) -> None:
    scratch.wheels(tiny={"tiny.py": ROWS})
    scratch.packages('[[package]]\nname = "tiny"\nversion = "1.0"\nconfig = \'profile = "airflow"\'\n')
    scratch.run("-")
    settings = scratch.cache / "trees" / "tiny-1.0" / "pyproject.toml"
    assert settings.read_text() == '[tool.lockcheck]\nprofile = "airflow"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "[[package]] tables are expected"),
        ("[[package]\n", "ecosystem.toml: "),
        ('[[package]]\nname = "tiny"\n', "package 1 (tiny): `version` is missing"),
        ('[[package]]\nname = "tiny"\nversion = "1.0"\ncolour = 1\n', "(tiny): unknown key `colour`"),
        ('[[package]]\nname = "--index-url"\nversion = "1.0"\n', "package 1: `name`"),
        ('[[package]]\nname = "tiny"\nversion = "1.0"\nsrc = "../x"\n', "`src` is a folder within the package"),
        ('[[package]]\nname = "tiny"\nsource = "git"\nrepository = "x"\ncommit = "main"\n', "`commit`"),
        ('[[package]]\nname = "tiny"\nversion = "1.0"\n' * 2, "tiny 1.0 is listed twice"),
    ],
)
def test_a_list_that_is_wrong(scratch: Scratch, text: str, complaint: str) -> None:
    scratch.packages(text)
    done = scratch.run("-")
    assert (done.returncode, complaint in done.stderr) == (2, True), done.stderr


def test_the_list_of_this_repository(scratch: Scratch) -> None:
    done = scratch.run("-", "--packages", str(TOOLS / "ecosystem.toml"), "--package", "none")
    assert "unknown package `none`" in done.stderr
    assert done.stderr.count(", ") > 10


# --- unpacking ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", ["../evil.py", "tiny/../../evil.py", "/srv/evil.py", "C:\\evil.py", "..\\evil.py"])
def test_members_outside_of_a_wheel(scratch: Scratch, member: str) -> None:
    scratch.wheels(tiny={"tiny.py": ROWS, member: ROWS}, well={"well.py": ROWS})
    done = scratch.run("-")
    assert done.returncode == 2
    assert "tiny 1.0: tiny-1.0-py3-none-any.whl: refused, since it has a member outside of itself" in done.stdout
    assert "\nwell 1.0" in done.stdout
    assert not list(scratch.cache.parent.rglob("*evil.py"))


def test_members_outside_of_a_source_distribution(scratch: Scratch) -> None:
    scratch.packages('[[package]]\nname = "tiny"\nversion = "1.0"\nform = "sdist"\n')
    sdist(scratch.cache / "downloads", "tiny", {"tiny-1.0/tiny.py": ROWS, "../evil.py": ROWS})
    assert "refused" in scratch.run("-").stdout
    assert not list(scratch.cache.parent.rglob("*evil.py"))


def test_links_are_not_followed(scratch: Scratch, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    scratch.packages('[[package]]\nname = "tiny"\nversion = "1.0"\nform = "sdist"\n')
    links = {"tiny-1.0/way": str(outside), "tiny-1.0/link.py": "/etc/passwd"}
    sdist(scratch.cache / "downloads", "tiny", {"tiny-1.0/way/evil.py": ROWS}, links)
    assert places(scratch) == [("tiny 1.0", "way/evil.py")]
    assert not list(outside.iterdir())


def test_a_damaged_archive(scratch: Scratch) -> None:
    scratch.wheels(tiny={"tiny.py": ROWS})
    path = scratch.cache / "downloads" / "tiny-1.0-py3-none-any.whl"
    path.write_bytes(path.read_bytes()[:40])
    done = scratch.run("-")
    assert (done.returncode, "cannot be unpacked" in done.stdout) == (2, True)
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("tiny.txt", "")
    assert "no Python files in" in scratch.run("-").stdout


# --- running ------------------------------------------------------------------------------------------------


def test_modules_of_a_package_are_not_imported(scratch: Scratch) -> None:
    names = ("json", "re", "lockcheck", "sitecustomize")
    scratch.wheels(tiny={"tiny.py": ROWS, **{f"{name}.py": "raise SystemExit(9)\n" for name in names}})
    assert places(scratch) == [("tiny 1.0", "tiny.py")]


def test_lockcheck_itself_in_a_repository_that_ignores_the_cache(scratch: Scratch) -> None:
    shutil.rmtree(scratch.repository / "lockcheck")
    for name in ("lockcheck", "rules"):
        shutil.copytree(TOOLS.parent / name, scratch.repository / name, ignore=shutil.ignore_patterns("__pycache__"))
    scratch.wheels(tiny={"tiny/jobs.py": HAZARD})
    scratch.packages('[[package]]\nname = "tiny"\nversion = "1.0"\nconfig = \'dialects = ["postgresql"]\'\n')
    (scratch.repository / ".gitignore").write_text(".cache/\n__pycache__/\n")
    scratch.cache = scratch.cache.rename(scratch.repository / ".cache")
    (found,) = scratch.findings("-")
    assert (found["code"], found["path"], found["preview"]) == ("LCK203", "tiny/jobs.py", False)
