"""--add-ignores: where the comments go, and that nothing else changes."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from lockcheck import cli
from tests.scratch_git import CLAIM, HEADER, MARK, PACKAGE, SWEEP, TAKE, commit, git, module, write

JOBS = "shop/jobs.py"
LOCK = "session.get(Job, key, with_for_update=True)"
HEAD = "def claim(session: Session, key: int) -> object:\n"
NOTE = "  # lockcheck: ignore[LCK203]"
SILENT = "def total(numbers: list[int]) -> int:\n    return sum(numbers)\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    write(folder, {**PACKAGE, JOBS: module(CLAIM)})
    monkeypatch.chdir(folder)
    return folder


# --- nothing to do ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SILENT, id="no-finding"),
        pytest.param(module(CLAIM.replace("True)\n", "True)  # lockcheck: ignore\n")), id="all-ignored"),
        pytest.param(module(CLAIM.replace("True)\n", "True)  # noqa: LCK203\n")), id="noqa"),
        pytest.param("# lockcheck: file-ignore[LCK203]\n" + module(CLAIM), id="file-ignored"),
        pytest.param(SILENT + "x = 1  # lockcheck: ignore[LCK203]\n", id="a-comment-in-vain"),
    ],
)
def test_nothing_is_written(root: Path, text: str) -> None:
    write(root, {JOBS: text})
    before = (root / JOBS).stat().st_mtime_ns
    cli.run(["--add-ignores"])
    assert (root / JOBS).read_text() == text
    assert (root / JOBS).stat().st_mtime_ns == before


def test_what_it_says_when_there_is_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {JOBS: SILENT})
    assert cli.run(["--add-ignores"]) == 0
    assert capsys.readouterr() == ("", "Silenced 0 findings in 0 files; no finding left.\n")


# --- where the comment goes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(f"    return {LOCK}\n", f"    return {LOCK}{NOTE}\n", id="one-line"),
        pytest.param(f"    return {LOCK}", f"    return {LOCK}{NOTE}", id="end-of-file"),
        pytest.param(f"    return {LOCK}  \t\n", f"    return {LOCK}{NOTE}\n", id="blanks-at-the-end"),
        pytest.param(f"    return {LOCK}\r\n", f"    return {LOCK}{NOTE}\r\n", id="carriage-returns"),
        pytest.param(f"    x = 1; return {LOCK}\n", f"    x = 1; return {LOCK}{NOTE}\n", id="two-statements"),
        pytest.param(f"    if key: return {LOCK}\n", f"    if key: return {LOCK}{NOTE}\n", id="after-a-colon"),
        pytest.param(f"    return {LOCK}  # why\n", f"    return {LOCK}  # why{NOTE}\n", id="comment"),
        pytest.param(
            f"    return {LOCK}  # type: ignore[arg-type]\n",
            f"    return {LOCK}  # type: ignore[arg-type]{NOTE}\n",
            id="type",
        ),
        pytest.param(
            f"    return {LOCK}  # noqa: E501\n", f"    return {LOCK}  # noqa: E501{NOTE}\n", id="noqa-of-others"
        ),
        pytest.param(
            f"    return {LOCK}  # lockcheck: ignore[]\n",
            f"    return {LOCK}  # lockcheck: ignore[LCK203]\n",
            id="an-empty-list",
        ),
        pytest.param(
            "    return (\n        session.get(\n            Job, key, with_for_update=True\n        )\n    )\n",
            f"    return ({NOTE}\n        session.get(\n            Job, key, with_for_update=True\n        )\n    )\n",
            id="over-lines",
        ),
        pytest.param(
            f"    return \\\n        {LOCK}\n",
            f"    return \\\n        {LOCK}{NOTE}\n",
            id="the-construct-after-a-backslash",
        ),
        pytest.param(
            "    return session.get(Job, key, \\\n        with_for_update=True)\n",
            f"    return session.get(Job, key, \\\n        with_for_update=True){NOTE}\n",
            id="backslash-on-the-construct",
        ),
        pytest.param(
            "    return session.get(Job, \\\n        key, \\\n        with_for_update=True)\n",
            f"    return session.get(Job, \\\n        key, \\\n        with_for_update=True){NOTE}\n",
            id="two-backslashes",
        ),
        pytest.param(
            f'    return f("""\n  # no comment\n""", {LOCK})\n',
            f'    return f("""\n  # no comment\n""", {LOCK}){NOTE}\n',
            id="a-string-over-lines",
        ),
        pytest.param(
            f'    return {LOCK}, """\n  # no comment\n"""\n',
            f'    return {LOCK}, """\n  # no comment\n"""{NOTE}\n',
            id="a-string-after-the-construct",
        ),
        pytest.param(
            f'    return {LOCK}, f"""\n {{key}} {{f"{{key}}"}}\n"""\n',
            f'    return {LOCK}, f"""\n {{key}} {{f"{{key}}"}}\n"""{NOTE}\n',
            id="an-f-string",
        ),
        pytest.param(
            f"    with {LOCK} as job:\n        return job\n",
            f"    with {LOCK} as job:{NOTE}\n        return job\n",
            id="a-compound-statement",
        ),
        pytest.param(f'    "ü\x0c"; return {LOCK}\n', f'    "ü\x0c"; return {LOCK}{NOTE}\n', id="odd-characters"),
    ],
)
def test_places(root: Path, before: str, after: str) -> None:
    end = "\r\n" if "\r\n" in before else "\n"
    if '{f"{' in before and sys.version_info < (3, 12):
        before, after = (text.replace('f"{key}"', "key") for text in (before, after))
    write(root, {JOBS: (HEADER + HEAD).replace("\n", end) + before})
    assert cli.run(["--add-ignores", "-q"]) == 0
    written = (root / JOBS).read_bytes().decode()
    assert written == (HEADER + HEAD).replace("\n", end) + after
    ast.parse(written)
    assert cli.run(["--add-ignores", "-q"]) == 0
    assert (root / JOBS).read_bytes().decode() == written
    assert cli.run(["-q"]) == 0


def test_several_findings_of_one_statement(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "    session.scalars(select(Job).where(Job.queue_id == queue).with_for_update()).all()\n"
    mark = f"def mark(session: Session, queue: int) -> None:\n{query}"
    write(root, {JOBS: module(mark), "shop/other.py": module(MARK)})
    assert cli.run(["--select", "LCK202,LCK203", "--add-ignores", "--reason", " one worker "]) == 0
    note = "  # lockcheck: ignore[LCK202, LCK203] one worker"
    assert (root / JOBS).read_text() == module(mark).replace(".all()\n", f".all(){note}\n")
    assert capsys.readouterr().err == "Silenced 2 findings in 1 file; no finding left.\n"


def test_a_list_grows(root: Path) -> None:
    query = "    session.scalars(select(Job).where(Job.queue_id == queue).with_for_update()).all(){note}\n"
    mark = f"def mark(session: Session, queue: int) -> None:\n{query}"
    before = mark.format(note="  # lockcheck: ignore[LCK202] one worker")
    write(root, {JOBS: module(before), "shop/other.py": module(MARK)})
    assert cli.run(["--select", "LCK202,LCK203", "--add-ignores", "--reason", "another"]) == 0
    assert (root / JOBS).read_text() == module(before).replace("[LCK202]", "[LCK202, LCK203]")


def test_all_rules_and_files(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {JOBS: module(SWEEP, CLAIM), "shop/marks.py": module(MARK), "shop/more.py": module(TAKE)}
    write(root, before)
    assert cli.run(["--add-ignores", "--reason", "later"]) == 0
    assert capsys.readouterr().err == "Silenced 3 findings in 2 files; no finding left.\n"
    for path, text in before.items():
        written = (root / path).read_text()
        assert re.sub(r"  # lockcheck: ignore\[LCK20[13]\] later", "", written) == text
    assert cli.run([]) == 0
    assert capsys.readouterr().err == "No findings in 5 files (3 suppressed).\n"


# --- with other options -------------------------------------------------------------------------------------


def test_diff_writes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (root / JOBS).read_text()
    assert cli.run(["--add-ignores", "--diff"]) == 1
    out, err = capsys.readouterr()
    assert f"+    return {LOCK}{NOTE}\n" in out
    assert err == "Would silence 1 finding in 1 file; no finding left.\n"
    assert (root / JOBS).read_text() == before


def test_only_new_findings(root: Path) -> None:
    git(root, "init", "--quiet")
    commit(root)
    write(root, {JOBS: module(CLAIM, TAKE)})
    assert cli.run(["--add-ignores", "--since", "HEAD", "-q"]) == 0
    assert (root / JOBS).read_text() == module(CLAIM, TAKE.replace("True)\n", f"True){NOTE}\n"))


def test_not_what_a_baseline_accepts(root: Path) -> None:
    cli.run(["baseline", "write", "-q"])
    assert cli.run(["--add-ignores", "--baseline", "lockcheck-baseline.json", "-q"]) == 0
    assert (root / JOBS).read_text() == module(CLAIM)


def test_files_outside_of_paths_stay(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding that stands elsewhere and has its other side here is told, and left."""
    write(root, {JOBS: module(SWEEP), "shop/marks.py": module(MARK)})
    assert cli.run(["--add-ignores", "--output-format", "concise", "shop/marks.py"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(f"{JOBS}:8:21: LCK201")
    assert err == "Silenced 0 findings in 0 files; 1 finding left.\n"
    assert (root / JOBS).read_text() == module(SWEEP)


def test_a_file_that_cannot_hold_the_reason_stays(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"# coding: ascii\n{module(CLAIM)}"
    write(root, {JOBS: text, "shop/more.py": module(TAKE)})
    assert cli.run(["--add-ignores", "--reason", "später", "--output-format", "concise"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(f"{JOBS}:")
    assert "not written, the fix has characters that ascii lacks" in err
    assert (root / JOBS).read_text() == text
    assert "# lockcheck: ignore[LCK203] später\n" in (root / "shop/more.py").read_text(encoding="utf-8")


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--add-ignores", "--fix"], "--add-ignores cannot be combined with --fix"),
        (["--add-ignores", "-"], "--add-ignores cannot be combined with standard input"),
        (["--reason", "x"], "--reason belongs to --add-ignores"),
        (["--add-ignores", "--reason", "two\nlines"], "--reason must be one line of text"),
        (["--add-ignores", "--reason", "see #12"], "--reason must hold no `#`"),
    ],
)
def test_wrong_use(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert cli.run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
