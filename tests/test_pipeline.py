"""The whole way from files to findings: what is read, what is reported, where it stands."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lockcheck import api, settings
from lockcheck.api import FixReport, Report

MODELS = """from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Run(Base):
    __tablename__ = "run"
    id: Mapped[int] = mapped_column(primary_key=True)


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    state: Mapped[str | None]
"""
BULK = """from sqlalchemy import update
from sqlalchemy.orm import Session

from {models} import Job


def sweep(session: Session, run: int) -> None:
    session.execute(update(Job).where(Job.run_id == run).values(state="lost"))
"""
LOCK = """from sqlalchemy import select
from sqlalchemy.orm import Session

from {models} import Job


def mark(session: Session, run: int) -> None:
    session.scalars(select(Job).where(Job.run_id == run).order_by(Job.id).with_for_update()).all()
"""
SAFE = '[tool.lockcheck]\ndialects = ["postgresql"]\n'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "pyproject.toml").write_text(SAFE, encoding="utf-8")
    return folder


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def package(name: str = "shop", folder: str = "") -> dict[str, str]:
    """A package with a bulk write and, in another file, its counterpart."""
    place = f"{folder}{name.replace('.', '/')}"
    models = f"{name}.models"
    return {
        f"{place}/__init__.py": "",
        f"{place}/models.py": MODELS,
        f"{place}/sweeping.py": BULK.format(models=models),
        f"{place}/marking.py": LOCK.format(models=models),
    }


def check(*paths: str, stdin: tuple[str, str] | None = None, **overrides: Any) -> Report:
    found = [Path(path) for path in paths]
    given = settings.load(Path.cwd(), overrides=settings.Overrides(**overrides))
    return api.analyse(found, given, stdin=stdin)


def shown(report: Report) -> list[tuple[str, str]]:
    return [(finding.code, finding.place.path) for finding in report.findings]


def fix(*paths: str, unsafe: bool = False, diff: bool = False) -> FixReport:
    return api.fix([Path(path) for path in paths], settings.load(Path.cwd()), unsafe=unsafe, diff=diff)


FOUND = [("LCK201", "shop/sweeping.py")]


# --- what is reported -------------------------------------------------------------------------------------


def test_nothing_in_an_empty_folder(root: Path) -> None:
    assert check(str(root)) == Report((), (), 0, 0)


def test_nothing_in_a_project_without_sqlalchemy(root: Path) -> None:
    write(root, {"a.py": "def f(session):\n    return session\n", "b.py": "import a\n"})
    report = check(".")
    assert (report.findings, report.problems, report.files) == ((), (), 2)


def test_whole_project(root: Path) -> None:
    write(root, package())
    report = check(".")
    assert shown(report) == FOUND
    assert report.files == 4


def test_file_that_has_the_finding(root: Path) -> None:
    write(root, package())
    report = check("shop/sweeping.py")
    assert shown(report) == FOUND
    assert report.files == 1
    assert [related.place.path for related in report.findings[0].related] == ["shop/marking.py"]


def test_file_with_the_related_place_only(root: Path) -> None:
    write(root, package())
    report = check("shop/marking.py")
    assert shown(report) == FOUND
    assert report.files == 1


@pytest.mark.parametrize("path", ["shop/models.py", "shop/__init__.py"])
def test_file_that_the_finding_does_not_touch(root: Path, path: str) -> None:
    write(root, package())
    assert shown(check(path)) == []


def test_paths_are_relative_to_the_working_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, package())
    monkeypatch.chdir(root / "shop")
    report = check("sweeping.py")
    assert shown(report) == [("LCK201", "sweeping.py")]
    assert [related.place.path for related in report.findings[0].related] == ["marking.py"]


def test_absolute_path(root: Path) -> None:
    write(root, package())
    assert shown(check(str(root / "shop" / "sweeping.py"))) == FOUND


# --- what is read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["src/shop/sweeping.py", "src", "src/shop", "."])
def test_src_layout(root: Path, path: str) -> None:
    write(root, package(folder="src/"))
    assert shown(check(path)) == [("LCK201", "src/shop/sweeping.py")]


def test_settings_name_the_sources(root: Path) -> None:
    write(root, package(folder="code/lib/"))
    (root / "pyproject.toml").write_text(f'{SAFE}src = ["code/lib"]\n', encoding="utf-8")
    assert shown(check("code/lib/shop/sweeping.py")) == [("LCK201", "code/lib/shop/sweeping.py")]


@pytest.mark.parametrize("path", ["acme/shop/sweeping.py", "."])
def test_namespace_package(root: Path, path: str) -> None:
    files = package("acme.shop")
    del files["acme/shop/__init__.py"]
    write(root, files)
    assert shown(check(path)) == [("LCK201", "acme/shop/sweeping.py")]


def test_models_of_another_package(root: Path) -> None:
    write(root, {**package("kept"), **package("shop")})
    (root / "shop/sweeping.py").write_text(BULK.format(models="kept.models"), encoding="utf-8")
    (root / "shop/marking.py").write_text("", encoding="utf-8")
    report = check("shop/sweeping.py")
    assert shown(report) == FOUND
    assert [related.place.path for related in report.findings[0].related] == ["kept/marking.py"]


def test_two_roots_with_modules_of_the_same_name(root: Path) -> None:
    write(root, {**package("shop", "one/src/"), **package("shop", "two/src/")})
    report = check("one", "two")
    assert sorted(path for _, path in shown(report)) == ["one/src/shop/sweeping.py", "two/src/shop/sweeping.py"]


def test_relative_imports(root: Path) -> None:
    files = package()
    files["shop/sweeping.py"] = BULK.format(models=".models")
    files["shop/marking.py"] = LOCK.format(models="..shop.models")
    write(root, files)
    assert shown(check("shop/sweeping.py")) == FOUND


def test_script_beside_a_package(root: Path) -> None:
    write(root, {**package(), "script.py": BULK.format(models="shop.models")})
    assert ("LCK201", "script.py") in shown(check("script.py"))


def test_excluded_files_are_not_read(root: Path) -> None:
    write(root, package())
    (root / "pyproject.toml").write_text(f'{SAFE}extend-exclude = ["marking.py"]\n', encoding="utf-8")
    assert shown(check("shop/sweeping.py")) == []


def test_project_without_settings(root: Path) -> None:
    (root / "pyproject.toml").unlink()
    write(root, package())
    assert shown(check("shop/sweeping.py")) == FOUND


# --- problems ---------------------------------------------------------------------------------------------


def test_problem_of_a_file_that_is_reported(root: Path) -> None:
    write(root, {**package(), "shop/bad.py": "def f(:\n"})
    report = check(".")
    assert shown(report) == FOUND
    assert [(problem.path, problem.line) for problem in report.problems] == [("shop/bad.py", 1)]
    assert report.files == 4


def test_problem_of_a_file_that_is_only_read_is_not_told(root: Path) -> None:
    write(root, {**package(), "shop/bad.py": "def f(:\n"})
    report = check("shop/sweeping.py")
    assert shown(report) == FOUND
    assert report.problems == ()


def test_counterpart_in_a_file_that_does_not_parse(root: Path) -> None:
    write(root, {**package(), "shop/marking.py": "def mark(:\n"})
    assert shown(check("shop/sweeping.py")) == []


def test_only_a_file_that_does_not_parse(root: Path) -> None:
    write(root, {"bad.py": "x = (\n"})
    report = check("bad.py")
    assert (report.files, len(report.problems)) == (0, 1)


# --- standard input ---------------------------------------------------------------------------------------


CLEAN = BULK.format(models="shop.models").replace("Job.run_id == run", "Job.id == run")


def test_text_stands_in_for_its_file(root: Path) -> None:
    write(root, package())
    assert shown(check("shop/sweeping.py", stdin=("shop/sweeping.py", CLEAN))) == []
    write(root, {"shop/sweeping.py": CLEAN})
    dirty = BULK.format(models="shop.models")
    assert shown(check("shop/sweeping.py", stdin=("shop/sweeping.py", dirty))) == FOUND


def test_text_of_a_file_that_is_not_there(root: Path) -> None:
    write(root, package())
    report = check("shop/other.py", stdin=("shop/other.py", BULK.format(models="shop.models")))
    assert ("LCK201", "shop/other.py") in shown(report)


def test_text_takes_part_in_findings_of_others(root: Path) -> None:
    write(root, package())
    assert shown(check("shop/marking.py", stdin=("shop/marking.py", ""))) == []
    report = check("shop/marking.py", stdin=("shop/marking.py", LOCK.format(models="shop.models")))
    assert shown(report) == FOUND


def test_text_that_does_not_parse(root: Path) -> None:
    write(root, package())
    report = check("shop/sweeping.py", stdin=("shop/sweeping.py", "def f(:\n"))
    assert [problem.path for problem in report.problems] == ["shop/sweeping.py"]


def test_file_on_disk_stays_as_it_is(root: Path) -> None:
    write(root, {**package(), "shop/sweeping.py": CLEAN})
    dirty = BULK.format(models="shop.models")
    report = api.fix(
        [Path("shop/sweeping.py")],
        settings.load(root),
        unsafe=False,
        diff=False,
        stdin=("shop/sweeping.py", dirty),
    )
    assert [change.path for change in report.changed] == ["shop/sweeping.py"]
    assert report.changed[0].before == dirty
    assert (root / "shop/sweeping.py").read_text(encoding="utf-8") == CLEAN


# --- suppressions -----------------------------------------------------------------------------------------


def with_comment(comment: str) -> str:
    return BULK.format(models="shop.models").replace('"lost"))\n', f'"lost"))  {comment}\n')


@pytest.mark.parametrize("comment", ["# lockcheck: ignore[LCK201] known", "# noqa: LCK201"])
@pytest.mark.parametrize("path", [".", "shop/sweeping.py", "shop/marking.py"])
def test_suppressed(root: Path, path: str, comment: str) -> None:
    write(root, {**package(), "shop/sweeping.py": with_comment(comment)})
    report = check(path)
    assert (shown(report), report.suppressed) == ([], 1)


def test_unused_suppression(root: Path) -> None:
    text = CLEAN.replace('"lost"))\n', '"lost"))  # lockcheck: ignore[LCK201]\n')
    write(root, {**package(), "shop/sweeping.py": text})
    assert shown(check(".")) == [("LCK901", "shop/sweeping.py")]
    assert shown(check("shop/marking.py")) == []


KEYS = BULK.format(models="shop.models").replace("Job.run_id == run", "Job.id.in_([run, 1])")


@pytest.mark.parametrize("preview", [False, True])
def test_suppression_of_a_preview_finding_is_in_use(root: Path, *, preview: bool) -> None:
    text = KEYS.replace('"lost"))\n', '"lost"))  # lockcheck: ignore[LCK201]\n')
    write(root, {**package(), "shop/sweeping.py": text})
    report = check(".", preview=preview)
    assert shown(report) == []
    assert report.suppressed == int(preview)


@pytest.mark.parametrize(("preview", "count"), [(False, 0), (True, 1)])
def test_preview_findings_of_a_stable_rule(root: Path, count: int, *, preview: bool) -> None:
    write(root, {**package(), "shop/sweeping.py": KEYS})
    assert len(check(".", preview=preview).findings) == count


@pytest.mark.parametrize(
    ("overrides", "count"),
    [({"select": ("LCK2",)}, 1), ({"select": ("LCK1",)}, 0), ({"ignore": ("LCK201",)}, 0), ({"select": ("ALL",)}, 1)],
)
def test_selection(root: Path, overrides: dict[str, Any], count: int) -> None:
    write(root, package())
    assert len(check(".", **overrides).findings) == count


def test_rule_ignored_for_some_files(root: Path) -> None:
    write(root, package())
    table = '[tool.lockcheck.per-file-ignores]\n"shop/sweeping.py" = ["LCK201"]\n'
    (root / "pyproject.toml").write_text(SAFE + table, encoding="utf-8")
    assert shown(check(".")) == []
    assert shown(check("shop/marking.py")) == []


# --- places -----------------------------------------------------------------------------------------------


ODD = {
    "nothing odd": "",
    "form feed": "x = 1\n\x0c\ny = 2\n",
    "form feed in a line": "x = 1\x0c\n",
    "line separator in a string": "x = 'a\u2028b'\n",
    "paragraph separator in a comment": "# a\u2029b\n",
    "next line": "x = 'a\x85b'\n",
    "vertical tab in a comment": "# a\x0bb\n",
    "file separators in a string": "x = 'a\x1c\x1d\x1eb'\n",
    "wide characters": "x = '\U0001f600\u00e4'\n",
    "backslash": "x = 1 + \\\n    2\n",
    "string over lines": 'x = """\n\x0c\u2028\n"""\n',
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("inside", [False, True])
def test_odd_characters_do_not_shift_places(root: Path, odd: str, *, inside: bool) -> None:
    """What stands above, in the module or in the function itself."""
    text = BULK.format(models="shop.models")
    if inside:
        indented = odd and "    " + odd.replace("\ny", "\n    y")
        text = text.replace("    session.execute", f"{indented}    session.execute")
    else:
        text = text.replace("def sweep", f"{odd}def sweep")
    write(root, {**package(), "shop/sweeping.py": text})
    (finding,) = check("shop/sweeping.py").findings
    line = text.split("\n")[finding.place.line - 1]
    assert line[finding.place.column - 1 :].startswith("update(Job)")


def test_columns_count_characters(root: Path) -> None:
    text = BULK.format(models="shop.models").replace(
        "    session.execute", "    x = '\U0001f600\u00e4'; session.execute"
    )
    write(root, {**package(), "shop/sweeping.py": text})
    (finding,) = check("shop/sweeping.py").findings
    assert text.split("\n")[finding.place.line - 1][finding.place.column - 1 :].startswith("update(Job)")


# --- fixing -----------------------------------------------------------------------------------------------


ORDERED = "select(Job.id).where(Job.run_id == run).order_by(Job.id).with_for_update(key_share=True)"


def flat(text: str) -> str:
    return "".join(text.split()).replace(",)", ")")


def test_fix_writes(root: Path) -> None:
    write(root, package())
    report = fix(".")
    assert [change.path for change in report.changed] == ["shop/sweeping.py"]
    assert (report.applied, report.bound_hit, report.report.findings) == (1, False, ())
    text = (root / "shop/sweeping.py").read_text(encoding="utf-8")
    assert text == report.changed[0].after
    assert flat(ORDERED) in flat(text)
    assert shown(check(".")) == []


def test_diff_writes_nothing(root: Path) -> None:
    write(root, package())
    before = (root / "shop/sweeping.py").read_bytes()
    report = fix(".", diff=True)
    assert [change.path for change in report.changed] == ["shop/sweeping.py"]
    assert (root / "shop/sweeping.py").read_bytes() == before
    assert shown(check(".")) == FOUND


def test_second_run_changes_nothing(root: Path) -> None:
    write(root, package())
    fix(".")
    before = {path: path.read_bytes() for path in root.rglob("*.py")}
    report = fix(".")
    assert (report.changed, report.applied) == ((), 0)
    assert {path: path.read_bytes() for path in root.rglob("*.py")} == before


def test_unsafe_fix_is_not_made_unasked(root: Path) -> None:
    write(root, package())
    (root / "pyproject.toml").write_text("[tool.lockcheck]\n", encoding="utf-8")
    assert fix(".").changed == ()
    assert [change.path for change in fix(".", unsafe=True).changed] == ["shop/sweeping.py"]


def test_fix_outside_the_paths_is_not_made(root: Path) -> None:
    """The finding is shown for its related place; the file it would change was not asked for."""
    write(root, package())
    before = (root / "shop/sweeping.py").read_bytes()
    report = fix("shop/marking.py")
    assert report.changed == ()
    assert (root / "shop/sweeping.py").read_bytes() == before
    assert shown(report.report) == FOUND


def test_file_that_cannot_be_written_is_a_problem(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`os.access` stands in for the rights: root may write everywhere."""
    write(root, {**package(), **package("kept")})
    closed = root / "shop/sweeping.py"
    before = closed.read_bytes()
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != closed and real(path, mode))
    report = fix("shop", "kept")
    assert [(problem.path, "read-only" in problem.message) for problem in report.report.problems] == [
        ("shop/sweeping.py", True)
    ]
    assert closed.read_bytes() == before
    assert "shop/sweeping.py" not in [change.path for change in report.changed]
    assert "kept/sweeping.py" in [change.path for change in report.changed]
    assert ("LCK201", "shop/sweeping.py") in shown(report.report)


BYTES = {
    "plain": lambda text: text.encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "byte order mark and CRLF": lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
    "latin-1": lambda text: b"# -*- coding: latin-1 -*-\n" + text.replace("KEPT", "\u00e4\u00f6").encode("latin-1"),
    "no newline at the end": lambda text: text.rstrip("\n").encode(),
    "mixed line ends": lambda text: text.replace("\n\n", "\r\n\n").encode(),
    "trailing blanks": lambda text: text.replace("KEPT'\n", "KEPT'   \n").encode(),
    "form feed and separators": lambda text: text.replace("KEPT", "a\x0c\u2028b").encode(),
}


def test_file_with_old_line_ends_is_reported_and_left_alone(root: Path) -> None:
    write(root, package())
    file = root / "shop/sweeping.py"
    before = file.read_bytes().replace(b"\n", b"\r")
    file.write_bytes(before)
    report = fix(".")
    assert file.read_bytes() == before
    (finding,) = report.report.findings
    assert before.decode().split("\r")[finding.place.line - 1][finding.place.column - 1 :].startswith("update(Job)")


@pytest.mark.parametrize("encode", BYTES.values(), ids=BYTES)
def test_bytes_outside_the_edits_stay(root: Path, encode: Any) -> None:
    write(root, package())
    text = BULK.format(models="shop.models")
    text = text.replace("def sweep", "ABOVE = 'KEPT'\n\n\ndef sweep").replace('"lost"))\n', '"lost"))\n    # KEPT\n')
    file = root / "shop/sweeping.py"
    before = encode(text)
    file.write_bytes(before)
    report = fix(".")
    after = file.read_bytes()
    assert [change.path for change in report.changed] == ["shop/sweeping.py"]
    above, below = before.index(b"ABOVE"), before.index(b"session.execute(")
    assert before[above:below] in after
    assert after.endswith(before[before.index(b"    # ") :])
    assert after.startswith(before[: before.index(b"from sqlalchemy")])
    assert (b"\r\n" in after, b"\xef\xbb\xbf" in after) == (b"\r\n" in before, b"\xef\xbb\xbf" in before)
    if b"\n" not in before.replace(b"\r\n", b""):
        assert b"\n" not in after.replace(b"\r\n", b"")
    assert shown(check(".")) == []
