"""Where a project's modules are, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from lockcheck.declarations.sources import module_name, modules, project_modules, source_roots


def tree(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def listed(folder: Path) -> Iterable[Path]:
    return sorted(folder.rglob("*.py"))


def names(root: Path, *paths: str, src: Iterable[str] = ()) -> dict[str, str]:
    """The module names of the project around paths, by file."""
    project = source_roots([root / path for path in paths], [root / item for item in src])
    return {module.path.relative_to(root).as_posix(): module.name for module in project_modules(project, listed)}


def test_a_src_layout(tmp_path: Path) -> None:
    tree(
        tmp_path,
        "pyproject.toml",
        "src/pkg/__init__.py",
        "src/pkg/a.py",
        "src/pkg/sub/b.py",
        "tests/test_a.py",
        "conf.py",
    )
    assert names(tmp_path, "src/pkg/a.py") == {
        "src/pkg/__init__.py": "pkg",
        "src/pkg/a.py": "pkg.a",
        "src/pkg/sub/b.py": "pkg.sub.b",
        "tests/test_a.py": "tests.test_a",
        "conf.py": "conf",
    }


def test_packages_beside_pyproject(tmp_path: Path) -> None:
    tree(tmp_path, "pyproject.toml", "one/__init__.py", "one/a.py", "two/__init__.py", "two/b.py")
    assert names(tmp_path, "two") == {
        "one/__init__.py": "one",
        "one/a.py": "one.a",
        "two/__init__.py": "two",
        "two/b.py": "two.b",
    }


def test_namespace_packages(tmp_path: Path) -> None:
    tree(tmp_path, "pyproject.toml", "src/org/team/__init__.py", "src/org/team/a.py", "src/org/loose.py")
    assert set(names(tmp_path, ".").values()) == {"org.team", "org.team.a", "org.loose"}


def test_a_src_folder_that_is_a_package(tmp_path: Path) -> None:
    tree(tmp_path, "pyproject.toml", "src/__init__.py", "src/a.py")
    assert set(names(tmp_path, ".").values()) == {"src", "src.a"}


def test_several_projects_in_one_repository(tmp_path: Path) -> None:
    tree(tmp_path, "pyproject.toml", "core/pyproject.toml", "core/src/core/a.py", "extra/setup.py", "extra/extra/b.py")
    tree(tmp_path, "plain/c.py")
    assert names(tmp_path, ".") == {
        "core/src/core/a.py": "core.a",
        "extra/extra/b.py": "extra.b",
        "extra/setup.py": "setup",
        "plain/c.py": "plain.c",
    }


def test_the_nearest_project_is_read(tmp_path: Path) -> None:
    tree(tmp_path, "pyproject.toml", "a.py", "core/pyproject.toml", "core/src/core/b.py")
    assert names(tmp_path, "core/src/core/b.py") == {"core/src/core/b.py": "core.b"}


def test_without_a_project_the_package_around_a_file(tmp_path: Path) -> None:
    tree(
        tmp_path,
        "lib/pkg/__init__.py",
        "lib/pkg/models.py",
        "lib/pkg/sub/__init__.py",
        "lib/pkg/sub/use.py",
        "lib/other.py",
    )
    assert names(tmp_path, "lib/pkg/sub/use.py") == {
        "lib/pkg/__init__.py": "pkg",
        "lib/pkg/models.py": "pkg.models",
        "lib/pkg/sub/__init__.py": "pkg.sub",
        "lib/pkg/sub/use.py": "pkg.sub.use",
    }


def test_without_a_project_a_folder_of_packages(tmp_path: Path) -> None:
    tree(tmp_path, "lib/pkg/__init__.py", "lib/pkg/a.py", "lib/run.py", "lib/data/b.py")
    assert set(names(tmp_path, "lib").values()) == {"pkg", "pkg.a", "run", "data.b"}


def test_a_loose_file_has_its_neighbours_and_no_more(tmp_path: Path) -> None:
    tree(tmp_path, "run.py", "models.py", "deep/other.py")
    assert names(tmp_path, "run.py") == {"models.py": "models", "run.py": "run"}


def test_configured_roots(tmp_path: Path) -> None:
    tree(tmp_path, "pyproject.toml", "python/lib/pkg/a.py", "other/b.py")
    assert names(tmp_path, ".", src=["python/lib"]) == {"python/lib/pkg/a.py": "pkg.a"}


def test_setup_py_is_enough(tmp_path: Path) -> None:
    tree(tmp_path, "setup.py", "src/pkg/a.py")
    assert names(tmp_path, "src/pkg/a.py") == {"setup.py": "setup", "src/pkg/a.py": "pkg.a"}


def test_folders_that_no_import_can_name(tmp_path: Path) -> None:
    tree(tmp_path, "pyproject.toml", "my-service/app/a.py", "versions/2020-01-01_x/y.py", "script-1.py")
    assert set(names(tmp_path, ".").values()) == {"app.a", "y", "script-1"}


@pytest.mark.parametrize(
    ("path", "name"),
    [("pkg/a.py", "pkg.a"), ("pkg/__init__.py", "pkg"), ("pkg/sub/__init__.py", "pkg.sub"), ("a.py", "a")],
)
def test_module_names_below_a_root(tmp_path: Path, path: str, name: str) -> None:
    tree(tmp_path, path)
    assert module_name(tmp_path / path, [tmp_path]) == name


def test_module_names_outside_all_roots(tmp_path: Path) -> None:
    tree(tmp_path, "root/a.py", "pkg/__init__.py", "pkg/b.py", "loose/c.py", "loose/__main__.py")
    found = [
        module_name(tmp_path / path, [tmp_path / "root"]) for path in ("pkg/b.py", "pkg/__init__.py", "loose/c.py")
    ]
    assert found == ["pkg.b", "pkg", "c"]


def test_roots_with_modules_of_the_same_name(tmp_path: Path) -> None:
    for part in ("one", "two", "three"):
        tree(
            tmp_path,
            f"{part}/pyproject.toml",
            f"{part}/src/app/__init__.py",
            f"{part}/src/app/m.py",
            f"{part}/src/{part}.py",
        )
    tree(tmp_path, "pyproject.toml", "four/pyproject.toml", "four/src/four.py")
    found = names(tmp_path, ".")
    assert len(set(found.values())) == len(found)
    by_root = {path.partition("/")[0]: name.partition(".")[0] for path, name in found.items() if path.endswith("m.py")}
    assert sorted(by_root.values()) == ["app", "app~2", "app~3"]
    assert found["four/src/four.py"] == "four"


def test_clashing_names_are_deterministic(tmp_path: Path) -> None:
    tree(tmp_path, "a/x/__init__.py", "b/x/__init__.py", "b/y.py")
    files = [tmp_path / "a/x/__init__.py", tmp_path / "b/x/__init__.py", tmp_path / "b/y.py"]
    found = modules(files, [tmp_path / "a", tmp_path / "b"])
    assert [(module.name, module.is_package) for module in found] == [("x", True), ("x~2", True), ("y~2", False)]


def test_a_module_beside_a_package_of_its_name(tmp_path: Path) -> None:
    tree(tmp_path, "x.py", "x/__init__.py")
    assert [module.name for module in modules([tmp_path / "x/__init__.py", tmp_path / "x.py"], [tmp_path])] == [
        "x",
        "x~2",
    ]
