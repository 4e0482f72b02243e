"""After an edit elsewhere in a file, what was found in it is moved: the same as if it had been looked at anew."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockcheck import api, outline, settings
from lockcheck.api import Means, Report
from lockcheck.briefs import of_document, of_record
from lockcheck.cache import kept as records_kept
from lockcheck.cache import shards
from lockcheck.cache.folder import Folder
from lockcheck.cache.kept import KeptRecords, pack
from lockcheck.fixes import realise as fixes
from lockcheck.records import Wanted, read_record
from tests.projects import FIXTURES, named

MENDED = ("LCK201/airflow_65818", "LCK203/helper", "LCK204/forms", "LCK301/airflow_63581", "LCK401/own_session")
QUIET = ("# why", "", "        # deep")
OTHERS = ("zzz = 1", "import os", "zzz = sorted", "def _upsert():\n    return 1", "x = '''\n# no comment\n'''")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of the plans that are carried out anew."""
    found: list[str] = []
    original = fixes.realise

    def note(plan: Any, *rest: Any) -> Any:
        found.append(type(plan).__name__)
        return original(plan, *rest)

    monkeypatch.setattr(fixes, "realise", note)
    return found


def checked(means: Means | None = None) -> Report:
    found = settings.load(Path(), overrides=settings.Overrides(preview=True))
    return api.analyse([Path()], found, means=means)


def opened(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a fixture, in a project of its own that is the working folder."""
    folder = root / "project"
    named(name).project.write(folder)
    monkeypatch.chdir(folder)
    return next(path for path in sorted(folder.rglob("*.py")))


def edited(text: str, new: str, step: int) -> Iterator[str]:
    """The text with more lines at every `step`-th place where it parses then."""
    lines = text.split("\n")
    for number in range(0, len(lines) + 1, step):
        indent = "" if number == len(lines) else lines[number][: len(lines[number]) - len(lines[number].lstrip())]
        more = [f"{indent}{line}" for line in new.split("\n")] if new in OTHERS else [new]
        after = "\n".join([*lines[:number], *more, *lines[number:]])
        try:
            ast.parse(after)
        except SyntaxError:
            continue
        yield after


# --- fixes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MENDED)
def test_comments_move_fixes(
    name: str, means: Means, made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = opened(name, tmp_path, monkeypatch)
    text = file.read_text(encoding="utf-8")
    first = checked(means)
    assert any(finding.fix for finding in first.findings)
    made.clear()
    file.write_text(f"# one\n# two\n{text}", encoding="utf-8")
    found = checked(means)
    assert made == []
    assert found == checked()
    assert made


@pytest.mark.server
@pytest.mark.parametrize("new", [*QUIET, *OTHERS])
@pytest.mark.parametrize("name", MENDED)
def test_lines_anywhere(name: str, new: str, means: Means, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = opened(name, tmp_path, monkeypatch)
    text = file.read_text(encoding="utf-8")
    for after in edited(text, new, 13):
        file.write_text(text, encoding="utf-8")
        checked(means)
        file.write_text(after, encoding="utf-8")
        assert checked(means) == checked(), after


def test_a_comment_right_above_an_import_that_a_fix_adds(
    means: Means, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands next to the place of an edit decides on the place."""
    file = opened("LCK201/fix_forms", tmp_path, monkeypatch)
    text = file.read_text(encoding="utf-8")
    checked(means)
    for finding in checked().findings:
        for edit in finding.fix.edits if finding.fix is not None else ():
            lines = text.split("\n")
            after = "\n".join([*lines[: edit.place.line - 1], "# here", *lines[edit.place.line - 1 :]])
            if _parses(after):
                file.write_text(after, encoding="utf-8")
                assert checked(means) == checked()


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


# --- records --------------------------------------------------------------------------------------------------


def wanted(text: str) -> Wanted:
    return Wanted("m.py", "m", is_package=False, text=text, declare=True)


def pairs() -> Iterator[tuple[str, str]]:
    """Texts before and after an edit."""
    for file in sorted(FIXTURES.glob("*/*.py"))[::9]:
        text = file.read_text(encoding="utf-8")
        for new in ("# more", "zzz = 1"):
            yield from ((text, after) for after in list(edited(text, new, 23))[:6])


@pytest.mark.server
def test_moved_records_are_what_a_fresh_reading_finds(tmp_path: Path) -> None:
    moved = 0
    for number, (before, after) in enumerate(pairs()):
        kept = KeptRecords(Folder(str(tmp_path / str(number)), "one"))
        kept.put(wanted(before), read_record(wanted(before)))
        if kept.move(wanted(after)):
            moved += 1
            kept.save()
            again = KeptRecords(Folder(str(tmp_path / str(number)), "one"))
            assert again.get(wanted(after)) == kept.get(wanted(after)) == read_record(wanted(after))
        shutil.rmtree(tmp_path / str(number), ignore_errors=True)
    assert moved > 20


@pytest.mark.server
def test_what_moves_has_the_same_outline() -> None:
    same = 0
    for before, after in pairs():
        one, other = read_record(wanted(before)), read_record(wanted(after))
        old, new = of_record(one), of_record(other)
        assert old is not None
        assert new is not None
        shape, now = outline.outline(one), outline.outline(other)
        for consulted in (False, True):
            lines = outline.moved(old, new, consulted=consulted)
            if lines is not None:
                same += 1
                assert (shape.shape, shape.order if consulted else "") == (now.shape, now.order if consulted else "")
                assert lines == dict(zip(shape.lines, now.lines, strict=True))
    assert same > 20


def test_a_brief_is_the_same_from_a_record_and_its_document() -> None:
    text = (FIXTURES / "LCK201/fix_forms.py").read_text(encoding="utf-8")
    record = read_record(wanted(text))
    blob = pack(record)
    assert blob is not None
    one, other = of_record(record), of_document(shards.unpacked(blob))
    assert one is not None
    assert other is not None
    assert one.facts == other.facts
    assert list(one.functions()) == list(other.functions())
    assert (one.declared, one.by_name) == (other.declared, other.by_name)
    assert other.facts.slices
    assert other.facts.functions == ()


def test_of_a_moved_content_the_first_one_is_kept(tmp_path: Path) -> None:
    """A chain of edits does not lead back through all contents; without its base a moved content is absent."""
    text = (FIXTURES / "LCK201/fix_forms.py").read_text(encoding="utf-8")
    folder = Folder(str(tmp_path), "one")
    kept = KeptRecords(folder)
    kept.put(wanted(text), read_record(wanted(text)))
    for number in range(3):
        text = f"# {number}\n{text}"
        assert kept.move(wanted(text))
        kept.save()
    assert KeptRecords(folder).get(wanted(text)) == read_record(wanted(text))
    shutil.rmtree(tmp_path / "one" / "files")
    again = KeptRecords(folder)
    assert again.get(wanted(text)) is None
    assert again.held(wanted(text)) is None
    assert again.brief(again.key(wanted(text))) is None
    assert records_kept.unpack(None) is None
