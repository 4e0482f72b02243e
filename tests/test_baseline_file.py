"""The baseline's file: what it holds, how it is matched, and what is said of a bad one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lockcheck.baseline import Baseline, BaselineError, Entry, read
from lockcheck.findings import Finding
from tests.rooms import finding, use_pages

ONE = Entry("jobs.py", "LCK201", "Jobs.sweep", "a" * 16)


@pytest.fixture(autouse=True)
def _pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_pages(tmp_path / "pages", monkeypatch)
    monkeypatch.chdir(tmp_path)


def marked(*marks: str) -> list[Finding]:
    return [replace(finding(), fingerprint=mark * 16) for mark in marks]


def of(tmp_path: Path, *entries: Entry) -> Baseline:
    return Baseline(tmp_path / "baseline.json", entries)


# --- matching -----------------------------------------------------------------------------------------------


def test_an_empty_baseline_accepts_nothing(tmp_path: Path) -> None:
    assert of(tmp_path).split(marked("a", "b")) == ({}, ())


def test_entries_accept_by_fingerprint(tmp_path: Path) -> None:
    other = replace(ONE, fingerprint="b" * 16)
    assert of(tmp_path, ONE, other).split(marked("c", "a")) == ({1: ""}, (other,))


def test_entries_count(tmp_path: Path) -> None:
    two = replace(ONE, count=2)
    assert of(tmp_path, two).split(marked("a", "a", "a")) == ({0: "", 1: ""}, ())
    assert of(tmp_path, two).split(marked("a")) == ({0: ""}, (ONE,))
    assert of(tmp_path, ONE, ONE).split(marked("a", "a")) == ({0: "", 1: ""}, ())


def test_a_finding_that_is_not_shown_uses_its_entry(tmp_path: Path) -> None:
    assert of(tmp_path, ONE).split([], marked("a")) == ({}, ())
    assert of(tmp_path, ONE).split([], marked("b")) == ({}, (ONE,))


def test_taking_out(tmp_path: Path) -> None:
    two = replace(ONE, count=2)
    other = replace(ONE, fingerprint="b" * 16, reason="later")
    assert of(tmp_path, other, two).without([]).entries == (two, other)
    assert of(tmp_path, other, two).without([ONE]).entries == (ONE, other)
    assert of(tmp_path, other, two).without([two, other]).entries == ()


def test_renewing_keeps_reasons_and_what_was_not_judged(tmp_path: Path) -> None:
    known, elsewhere, gone = (replace(ONE, fingerprint=mark * 16, reason=mark) for mark in "axg")
    found = marked("a", "n", "n")
    renewed = of(tmp_path, known, elsewhere, gone).renewed(found, [gone], "new")
    assert renewed.entries == (known, replace(ONE, fingerprint="n" * 16, count=2, reason="new"), elsewhere)


# --- the file -----------------------------------------------------------------------------------------------


def test_an_empty_file(tmp_path: Path) -> None:
    of(tmp_path).write()
    assert (tmp_path / "baseline.json").read_text() == '{\n  "version": 1,\n  "findings": []\n}\n'
    assert read(tmp_path / "baseline.json") == of(tmp_path)


def test_one_entry_a_line_in_a_stable_order(tmp_path: Path) -> None:
    entries = (ONE, Entry("ü.py", "LCK201", "", "aa", 2, 'a "b"'))
    of(tmp_path, *entries).write()
    lines = (tmp_path / "baseline.json").read_text(encoding="utf-8").splitlines()
    assert lines[2:-1] == [
        '  "findings": [',
        '    {"path": "jobs.py", "code": "LCK201", "symbol": "Jobs.sweep", "fingerprint": "aaaaaaaaaaaaaaaa"},',
        '    {"path": "ü.py", "code": "LCK201", "symbol": "", "fingerprint": "aa", "count": 2, "reason": "a \\"b\\""}',
        "  ]",
    ]
    assert read(tmp_path / "baseline.json").entries == entries


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    made = Baseline(tmp_path / "ci/baseline.json").renewed(marked("a"), ())
    assert made.entries[0].path == "../jobs.py"
    assert made.place(made.entries[0]) == tmp_path / "jobs.py"


def test_a_file_that_cannot_be_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of(tmp_path, ONE).write()
    before = (tmp_path / "baseline.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BaselineError, match="not written, No space left on device"):
        of(tmp_path).write()
    assert (tmp_path / "baseline.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["baseline.json"]


# --- bad files ----------------------------------------------------------------------------------------------

GOOD = {"path": "jobs.py", "code": "LCK201", "symbol": "f", "fingerprint": "a" * 16}


def document(*entries: object, **others: object) -> str:
    return json.dumps({"version": 1, "findings": entries, **others}, indent=1)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "is not valid JSON: Expecting value"),
        ('{"version": 1,\n"findings": [}', 2, "is not valid JSON: Expecting value"),
        ('{"version": 1,\n<<<<<<< HEAD\n', 2, "is not valid JSON"),
        ("[]", 1, 'is no baseline: it must hold {"version": .., "findings": [..]}'),
        ('{"findings": []}', 1, "is no baseline"),
        ('{"version": 1, "findings": {}}', 1, "is no baseline"),
        ('{"version": 2, "findings": []}', 1, "is of version 2, and this lockcheck reads version 1"),
        ('{"version": "1", "findings": []}', 1, "is of version '1', and this lockcheck reads version 1"),
        (document(finding=1), 1, "unknown key `finding`; did you mean `findings`?"),
        (document(1), None, "entry 1: must be an object"),
        (document(GOOD, {**GOOD, "fingerprint": "b", "reson": ""}), 14, "entry 2: unknown key `reson`; did you mean"),
        (document({**GOOD, "reason": 1}), 8, "entry 1: `reason` must be a string"),
        (document({"path": "a.py", "code": "LCK201"}), None, "entry 1: lacks `fingerprint`"),
        (document({**GOOD, "code": ""}), 8, "entry 1: lacks `code`"),
        (document({**GOOD, "count": 0}), 8, "entry 1: `count` must be a whole number from 1"),
        (document({**GOOD, "count": True}), 8, "entry 1: `count` must be a whole number from 1"),
        ("[" * 100_000, None, "is nested too deeply"),
    ],
)  # fmt: skip
def test_bad_files(tmp_path: Path, text: str, line: int | None, message: str) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError) as caught:
        read(file)
    assert (caught.value.path, caught.value.line) == (file, line)
    assert caught.value.message.startswith(message)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="there is no such baseline; `lockcheck baseline write` makes one"):
        read(tmp_path / "none.json")
    with pytest.raises(BaselineError, match="cannot be read: Is a directory"):
        read(tmp_path)
    (tmp_path / "latin.json").write_bytes(b'{"version": 1,\n"\xff')
    with pytest.raises(BaselineError, match="is not UTF-8") as caught:
        read(tmp_path / "latin.json")
    assert caught.value.line == 2


def test_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "baseline.json").write_text(document(GOOD), encoding="utf-8-sig")
    assert len(read(tmp_path / "baseline.json").entries) == 1
