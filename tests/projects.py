"""Small projects in a temporary folder, checked and fixed as a user would."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import shutil
import sys
import types
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockcheck import pages
from lockcheck.findings import Finding
from tests import expectations
from tests.expectations import Marked

FIXTURES = Path(__file__).parent / "fixtures"
SETTINGS = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Project:
    """Files by their path inside the project, with their markers; `settings` is the text of pyproject.toml."""

    files: Mapping[str, str]
    settings: str = "[tool.lockcheck]\n"

    def marked(self) -> tuple[Marked, ...]:
        return tuple(expectations.read(path, text) for path, text in self.files.items())

    def clean(self) -> dict[str, str]:
        """The files without markers."""
        return {path: expectations.read(path, text).text for path, text in self.files.items()}

    def with_files(self, files: Mapping[str, str]) -> Project:
        return Project({**self.files, **files}, self.settings)

    def write(self, root: Path) -> None:
        """Write the project without its markers; whatever the folder held is gone, the folder itself stays."""
        root.mkdir(parents=True, exist_ok=True)
        for old in root.iterdir():
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        (root / SETTINGS).write_text(self.settings, encoding="utf-8")
        for path, text in self.clean().items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Fixture:
    """A hazard with its fix; `fixed` is None where there is no sibling, `fix` is the word at the head."""

    name: str
    code: str
    project: Project
    fixed: Project | None
    fix: str | None


def fixtures() -> list[Fixture]:
    """All fixtures, by name: `CODE/name` for a file as for a folder."""
    folders = [folder for folder in sorted(FIXTURES.iterdir()) if folder.is_dir()]
    return [_fixture(path) for folder in folders for path in sorted(folder.iterdir()) if _is_fixture(path)]


def _is_fixture(path: Path) -> bool:
    whole = path.is_dir() or path.suffix == ".py"
    return whole and ".fixed" not in path.name and not path.name.startswith(("_", "."))


def _fixture(path: Path) -> Fixture:
    files = _files(path, "")
    settings = _settings(path, files)
    project = Project(files, settings)
    headers = [word for text in files.values() if (word := expectations.fix_header(text))]
    sibling = path.with_name(f"{path.stem}.fixed{path.suffix}")
    fixed = project.with_files(_files(sibling, path.name)) if sibling.exists() else None
    return Fixture(f"{path.parent.name}/{path.stem}", path.parent.name, project, fixed, next(iter(headers), None))


def _files(path: Path, name: str) -> dict[str, str]:
    """The Python files of a fixture; a single file goes by `name`."""
    if path.is_file():
        return {name or path.name: path.read_text(encoding="utf-8")}
    found = sorted(file for file in path.rglob("*.py") if "__pycache__" not in file.parts)
    return {file.relative_to(path).as_posix(): file.read_text(encoding="utf-8") for file in found}


def _settings(path: Path, files: Mapping[str, str]) -> str:
    own = path / SETTINGS
    if own.is_file():
        return own.read_text(encoding="utf-8")
    return "[tool.lockcheck]\n" + "".join(expectations.settings(text) for text in files.values())


# --- runs ---------------------------------------------------------------------------------------------------


def compared(project: Project, *codes: str) -> frozenset[str]:
    """The rules that are compared: the stable ones, those in `codes` and those that a marker names."""
    stable = {code for code, head in pages.heads().items() if head.status == "stable"}
    named = {spot.code for text in project.marked() for _, spot in text.spots}
    return frozenset(stable | named | set(codes))


def findings(root: Path, *, preview: bool) -> tuple[Finding, ...]:
    """What a run over the project in `root`, the working folder, reports; a problem is an error."""
    report = _module("api").analyse([root], _settings_of(root, preview=preview))
    assert not report.problems, report.problems
    return tuple(report.findings)


def fixed_files(root: Path, *, unsafe: bool, preview: bool = False) -> dict[str, str]:
    """The texts that `--fix` would write, by path inside the project."""
    report = _module("api").fix([root], _settings_of(root, preview=preview), unsafe=unsafe, diff=True)
    return {_inside(root, Path(file.path)): file.after for file in report.changed if file.after != file.before}


def text_difference(wanted: Mapping[str, str], got: Mapping[str, str]) -> str:
    """A unified diff of files; empty where they are equal."""
    lines: list[str] = []
    for path in sorted({*wanted, *got}):
        texts = (wanted.get(path, "").splitlines(), got.get(path, "").splitlines())
        lines += difflib.unified_diff(*texts, f"{path} as it should be", f"{path} as fixed", lineterm="")
    return "\n".join(lines)


def _settings_of(root: Path, *, preview: bool) -> Any:
    settings = _module("settings")
    return settings.load(root, overrides=settings.Overrides(preview=preview))


def _module(name: str) -> Any:
    """Imported at run time, so that tests of other things run where a part is missing."""
    return importlib.import_module(f"lockcheck.{name}")


def _inside(root: Path, path: Path) -> str:
    return (root / path).resolve().relative_to(root.resolve()).as_posix()


def import_all(names: list[str]) -> None:
    """Import the modules of a project that stands on sys.path, map their classes, and forget the modules."""
    importlib.invalidate_caches()
    try:
        for name in names:
            importlib.import_module(name)
        importlib.import_module("sqlalchemy.orm").configure_mappers()
    finally:
        for name in names:
            sys.modules.pop(name, None)


@contextlib.contextmanager
def module(text: str) -> Iterator[Any]:
    """The module that a text makes, with its classes mapped."""
    made = types.ModuleType(f"example_{uuid.uuid4().hex}")
    sys.modules[made.__name__] = made
    try:
        exec(compile(text, made.__name__, "exec"), made.__dict__)  # noqa: S102 - the fixtures are our own programs
        yield made
    finally:
        del sys.modules[made.__name__]


def named(name: str) -> Fixture:
    """The fixture of a name, `CODE/name`."""
    return next(fixture for fixture in fixtures() if fixture.name == name)
