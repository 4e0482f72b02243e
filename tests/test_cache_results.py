"""A cache never changes what is reported."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lockcheck import api, linked, settings
from lockcheck.api import Means, Report
from lockcheck.assembly import Assembly
from lockcheck.cache import shards
from lockcheck.cache.kept import pack, unpack
from lockcheck.drafts import Draft
from lockcheck.hazards import Hazard
from lockcheck.outline import Outline, outline
from lockcheck.reading.gather import gather, kept
from lockcheck.records import Record, Wanted, read_record
from tests.projects import FIXTURES
from tests.test_pipeline import BULK, LOCK, MODELS, SAFE, package, write

OWN = "def helper(number: int) -> int:\n    more = number\n    return more + 1\n"
PARENT = """

class Parent(Base):
    __tablename__ = "parent"
    id: Mapped[int] = mapped_column(primary_key=True)


class Child(Base):
    __tablename__ = "child"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int] = mapped_column(ForeignKey("parent.id"))
    parent = relationship("Parent", lazy="joined")
"""
WIDENED = """from sqlalchemy import select
from sqlalchemy.orm import Session

from shop.models import Child


def take(session: Session) -> None:
    session.scalars(select(Child).order_by(Child.id).with_for_update()).all()
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    models = MODELS.replace("import DeclarativeBase", "import DeclarativeBase, relationship") + PARENT
    write(folder, {**package(), "pyproject.toml": SAFE, "shop/models.py": models, "shop/taking.py": WIDENED})
    write(folder, {"shop/own.py": OWN})
    return folder


def checked(means: Means | None = None, *, preview: bool = True, path: str = ".") -> Report:
    found = settings.load(Path(), overrides=settings.Overrides(preview=preview))
    return api.analyse([Path(path)], found, means=means)


def inserted(path: str, text: str, *, after: str = "") -> Callable[[], None]:
    def edit() -> None:
        file = Path(path)
        before = file.read_text(encoding="utf-8")
        assert after in before
        at = before.index(after) + len(after)
        file.write_text(before[:at] + text + before[at:], encoding="utf-8")

    return edit


def changed(path: str, old: str, new: str) -> Callable[[], None]:
    def edit() -> None:
        file = Path(path)
        before = file.read_text(encoding="utf-8")
        assert old in before
        file.write_text(before.replace(old, new), encoding="utf-8")

    return edit


EDITS: dict[str, Callable[[], object]] = {
    "nothing": lambda: None,
    "comment at the top": inserted("shop/sweeping.py", "# one\n# two\n"),
    "comment in the function": inserted("shop/marking.py", "    # why\n", after="-> None:\n"),
    "lines above a declaration that a finding names": inserted("shop/models.py", "\n\n# more\n", after="pass\n"),
    "spaces in a call": changed("shop/sweeping.py", "update(Job)", "update( Job )"),
    "a body that touches no database": changed("shop/own.py", "more + 1", "more - 1"),
    "a function that touches no database": inserted("shop/own.py", "\n\ndef other() -> None:\n    helper(1)\n"),
    "the statement": changed("shop/sweeping.py", "Job.run_id == run", "Job.id == run"),
    "the counterpart gone": changed("shop/marking.py", ".with_for_update()", ""),
    "a nullable column": changed("shop/models.py", "Mapped[str | None]", "Mapped[str]"),
    "a silenced finding": changed("shop/sweeping.py", 'values(state="lost"))', 'values(state="lost"))  # noqa: LCK201'),
    "a comment that silences nothing": inserted("shop/own.py", "x = 1  # lockcheck: ignore[LCK201]\n"),
    "an unreadable file": lambda: Path("shop/own.py").write_bytes(b"x = '\xff'\n"),
    "a file that does not parse": inserted("shop/sweeping.py", "def (:\n"),
    "a file gone": lambda: Path("shop/marking.py").unlink(),
    "a file more": lambda: write(Path(), {"shop/more.py": BULK.format(models="shop.models")}),
    "a file elsewhere": lambda: shutil.move("shop/sweeping.py", "shop/moved.py"),
    "a new second counterpart": lambda: write(Path(), {"shop/own.py": LOCK.format(models="shop.models")}),
    "two on one line": changed("shop/own.py", "\n    return", "; return"),
}


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_one_edit(means: Means, edit: Callable[[], object], *, preview: bool) -> None:
    first = checked(means, preview=preview)
    assert first.findings
    assert first == checked(preview=preview)
    edit()
    plain = checked(preview=preview)
    assert checked(means, preview=preview) == plain
    assert checked(means, preview=preview) == plain


@pytest.mark.usefixtures("root")
def test_edits_one_after_another(means: Means) -> None:
    original = {file: file.read_bytes() for file in Path().rglob("*.py")}
    for edit in list(EDITS.values())[:12]:
        edit()
        assert checked(means) == checked()
    for file, content in original.items():
        file.write_bytes(content)
        assert checked(means) == checked()


@pytest.mark.usefixtures("root")
def test_runs_over_other_paths_share_what_is_kept(means: Means) -> None:
    for path in ("shop/sweeping.py", "shop", "shop/marking.py", ".", "shop/own.py"):
        assert checked(means, path=path) == checked(path=path)


@pytest.mark.usefixtures("root")
def test_standard_input(means: Means) -> None:
    found = settings.load(Path())
    text = "# more\n" + Path("shop/sweeping.py").read_text(encoding="utf-8")
    given = ("shop/sweeping.py", text)
    for _ in range(2):
        cached = api.analyse([Path(given[0])], found, stdin=given, means=means)
        assert cached == api.analyse([Path(given[0])], found, stdin=given)
        assert checked(means) == checked()


@pytest.mark.usefixtures("root")
def test_fixing(means: Means) -> None:
    checked(means)
    everything = settings.load(Path())
    dry = api.fix([Path()], everything, unsafe=True, diff=True, means=means)
    assert dry == api.fix([Path()], everything, unsafe=True, diff=True)
    assert dry.changed
    api.fix([Path()], everything, unsafe=True, diff=False, means=means)
    assert checked(means) == checked()


@pytest.mark.usefixtures("root")
def test_other_settings(means: Means) -> None:
    checked(means)
    Path("pyproject.toml").write_text(SAFE + 'not-contended = ["job"]\n', encoding="utf-8")
    assert checked(means) == checked()
    Path("pyproject.toml").write_text(SAFE + 'ignore = ["LCK201"]\n', encoding="utf-8")
    assert checked(means) == checked()


# --- what is not done again -----------------------------------------------------------------------------------


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are parsed."""
    found: list[str] = []

    def read(wanted: Wanted, *rest: object) -> Record:
        found.append(wanted.path)
        return read_record(wanted, *rest)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr("lockcheck.reader.read_record", read)
    return found


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files are linked, each time."""
    found: list[int] = []
    link = linked.link

    def count(given: list[Record], chosen: settings.Settings) -> object:
        found.append(len(given))
        return link(given, chosen)

    monkeypatch.setattr("lockcheck.linked.link", count)
    return found


QUIET = (
    "nothing",
    "comment at the top",
    "comment in the function",
    "spaces in a call",
    "lines above a declaration that a finding names",
    "a body that touches no database",
    "a silenced finding",
    "two on one line",
)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("name", EDITS)
def test_only_what_changed_is_parsed(means: Means, name: str, reads: list[str], links: list[int]) -> None:
    checked(means)
    assert len(links) == 1
    before = {path: path.read_bytes() for path in Path().rglob("*.py")}
    reads.clear()
    EDITS[name]()
    new = {str(path) for path in Path().rglob("*.py") if path.read_bytes() != before.get(path)}
    checked(means)
    assert set(reads) <= new
    assert len(links) == (1 if name in QUIET else 2), name


@pytest.mark.usefixtures("root")
def test_findings_of_files_that_did_not_change_are_not_made_again(
    means: Means, links: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    draft = Assembly.draft

    def count(assembly: Assembly, code: str, hazard: Hazard) -> Draft:
        made.append(hazard.site.path)
        return draft(assembly, code, hazard)

    monkeypatch.setattr(Assembly, "draft", count)
    first = checked(means)
    assert {"shop/sweeping.py", "shop/taking.py"} <= set(made)
    made.clear()
    EDITS["the statement"]()
    assert checked(means).findings != first.findings
    assert len(links) == 2
    assert "shop/taking.py" not in made


def test_slices_that_did_not_change_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is put together of slices from before and new ones; they are what a fresh reading finds."""
    text = MODELS + "\n\n" + BULK.format(models="m") + "\n\n" + LOCK.format(models="m")
    before = recorded(text)
    assert before.facts is not None
    after = "# one\n" + text.replace("order_by(Job.id)", "order_by(Job.state)")
    fresh = recorded(after)
    assert fresh.facts is not None
    assert fresh.declarations is not None
    read: list[str] = []
    module = pytest.importorskip("lockcheck.reading.read")
    original = module.read_function

    def noted(*given: Any) -> Any:
        read.append(given[2])
        return original(*given)

    monkeypatch.setattr(module, "read_function", noted)
    known = kept(before.facts, before.slices)
    assert gather(after, fresh.declarations, known).facts == fresh.facts
    assert read == ["m.mark"]


# --- records and outlines -------------------------------------------------------------------------------------


def all_records() -> Iterator[tuple[str, Record]]:
    for file in sorted(FIXTURES.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        yield text, recorded(text)


def recorded(text: str) -> Record:
    return read_record(Wanted("m.py", "m", is_package=False, text=text, declare=True))


@pytest.mark.server
def test_records_come_back_as_they_were() -> None:
    found = [record for _, record in all_records()]
    assert any(record.facts is not None for record in found)
    for record in found:
        blob = pack(record)
        assert blob is not None
        again = unpack(shards.unpacked(blob))
        assert again == record
        assert repr(again) == repr(record)


def test_a_number_too_long_is_not_kept() -> None:
    assert pack(recorded("import sqlalchemy\nx = 0x" + "f" * 9_000)) is None


def shape(text: str) -> Outline:
    return outline(recorded(text))


@pytest.mark.server
def test_an_outline_has_no_lines() -> None:
    for text, _ in list(all_records())[::7]:
        one, other = shape(text), shape("# a comment\n\n" + text)
        if text.startswith(("#", '"""', "from", "import")):
            assert one.shape == other.shape
            assert [line + 2 for line in one.lines] == list(other.lines)


@pytest.mark.parametrize(
    ("old", "new"),
    [("Job.run_id == run", "Job.id == run"), ("update(Job)", "delete(Job)"), ('"lost"', '"gone"'), ("run: int", "run")],
)
def test_an_outline_has_the_rest(old: str, new: str) -> None:
    text = MODELS + BULK.format(models="m")
    assert old in text
    assert shape(text).shape != shape(text.replace(old, new)).shape


def test_lines_that_part_are_another_outline() -> None:
    assert shape("a = 1; b = 2\n").shape != shape("a = 1\nb = 2\n").shape


def test_every_line_of_a_declaration_is_known_to_be_one() -> None:
    """A line that is not would make outlines differ whenever anything moves."""
    text = MODELS + PARENT + BULK.format(models="m") + OWN
    assert shape(text).shape == shape("\n\n\n" + text).shape
