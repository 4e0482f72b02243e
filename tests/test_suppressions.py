"""Comments that silence findings, and those that silence nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockcheck import suppressions
from lockcheck.findings import Edit, Finding
from lockcheck.suppressions import Settled, read, settle, worth_reading
from tests.rooms import RULES, finding, use_pages

PATH = "jobs.py"


@pytest.fixture(autouse=True)
def _pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_pages(tmp_path / "pages", monkeypatch)


def selects_stable(code: str, _path: str) -> bool:
    return RULES[code][1] == "stable"


def settled(source: str, *findings: Finding, only: tuple[str, ...] | None = None) -> Settled:
    def selects(code: str, path: str) -> bool:
        return selects_stable(code, path) if only is None else code in (*only, "LCK901", "LCK902")

    return settle(findings, {PATH: read(source, PATH)}, {PATH}, selects)


def codes(outcome: Settled) -> list[str]:
    return [item.code for item in outcome.findings]


def mended(source: str, outcome: Settled, code: str) -> str:
    """The source after the fix of the finding with this code."""
    [edits] = [item.fix.edits for item in outcome.findings if item.code == code and item.fix is not None]
    [edit] = edits
    return applied(source, edit)


def applied(source: str, edit: Edit) -> str:
    lines = source.splitlines(keepends=True)
    start = sum(map(len, lines[: edit.place.line - 1])) + edit.place.column - 1
    end = sum(map(len, lines[: edit.place.end_line - 1])) + edit.place.end_column - 1
    return source[:start] + edit.text + source[end:]


# --- silence ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("update(Job)\n", id="no-comment"),
        pytest.param("update(Job)  # ignore[LCK201]\n", id="not-for-lockcheck"),
        pytest.param("update(Job)  # noqa: E501\n", id="for-another-tool"),
        pytest.param("update(Job)  # type: ignore\n", id="another-ignore"),
        pytest.param("update('# noqa')\n", id="in-a-string"),
        pytest.param("update(Job)\nx = 1  # noqa\n", id="another-line"),
        pytest.param("# noqa: LCK202, E501\nupdate(Job)\n", id="line-above"),
        pytest.param("update(Job)  # flake8: noqa\n", id="flake8-file"),
        pytest.param("update(Job)  # noqable\n", id="another-word"),
    ],
)
def test_stays_reported(source: str) -> None:
    line = next(number for number, text in enumerate(source.splitlines(), 1) if "update" in text)
    outcome = settled(source, finding(line=line))
    assert "LCK201" in codes(outcome)
    assert outcome.suppressed == 0


@pytest.mark.parametrize(
    "comment",
    [
        "# lockcheck: ignore[LCK201]",
        "# lockcheck: ignore[LCK201] the table holds one row",
        "#lockcheck:ignore[LCK201]",
        "# lockcheck: ignore[lck201]",
        "# lockcheck: ignore[ LCK201 ]",
        "# lockcheck: ignore [LCK201]",
        "# lockcheck: ignore[LCK2]",
        "# lockcheck: ignore[unordered-bulk-write]",
        "# lockcheck: ignore",
        "# lockcheck: ignore one row only",
        "# noqa: LCK201",
        "# noqa:LCK201,E501",
        "# noqa: E501 LCK201",
        "# NOQA: lck201",
        "# noqa: LCK2",
        "# noqa",
        "# NoQA  and more words",
        "# noqa: because of the planner",
        "# type: ignore[arg-type]  # lockcheck: ignore[LCK201]  see airflow#66734  # noqa: E501",
    ],
)
def test_silenced_without_a_word(comment: str) -> None:
    outcome = settled(f"update(Job)  {comment}\n", finding(line=1))
    assert codes(outcome) == []
    assert outcome.suppressed == 1


MULTILINE = """\
session.execute({first}
    update(Job){construct}
    .where(Job.state == "done"){other}
){last}
after = 1
"""


@pytest.mark.parametrize(
    ("where", "silenced"), [("first", True), ("construct", True), ("other", False), ("last", False)]
)
def test_lines_of_a_long_statement(where: str, *, silenced: bool) -> None:
    blanks = dict.fromkeys(("first", "construct", "other", "last"), "")
    source = MULTILINE.format(**{**blanks, where: "  # lockcheck: ignore[LCK201]"})
    outcome = settled(source, finding(line=2))
    assert outcome.suppressed == int(silenced)
    assert codes(outcome) == ([] if silenced else ["LCK201", "LCK901"])


def test_the_first_line_is_that_of_the_innermost_statement() -> None:
    source = "with session.begin():  # noqa: LCK201\n    session.execute(\n        update(Job)\n    )\n"
    assert settled(source, finding(line=3)).suppressed == 0


def test_a_whole_file() -> None:
    source = "# lockcheck: file-ignore[LCK201] generated\nupdate(Job)\nupdate(Task)\nmerge(x)\n"
    outcome = settled(source, finding(line=2), finding(line=3), finding(line=4, code="LCK401"))
    assert (codes(outcome), outcome.suppressed) == (["LCK401"], 2)


def test_a_whole_file_and_all_rules() -> None:
    outcome = settled("update(Job)\n# lockcheck: file-ignore\n", finding(line=1))
    assert (codes(outcome), outcome.suppressed) == ([], 1)


def test_another_file_is_not_concerned() -> None:
    files = {PATH: read("# lockcheck: file-ignore\n", PATH)}
    outcome = settle([finding("other.py")], files, {PATH, "other.py"}, selects_stable)
    assert [item.code for item in outcome.findings] == ["LCK201", "LCK901"][::-1]
    assert outcome.suppressed == 0


def test_findings_come_in_the_order_of_their_places() -> None:
    source = "x = 1  # lockcheck: ignore[LCK202]\nupdate(Job)\n"
    outcome = settled(source, finding(line=2, column=5), finding(line=2, column=1))
    assert [(item.place.line, item.place.column) for item in outcome.findings] == [(1, 8), (2, 1), (2, 5)]


@pytest.mark.parametrize("source", ["x = (1  # noqa: LCK201\n", "if x:\n  a\n b  # noqa\n", "'''  # noqa\n"])
def test_a_file_that_does_not_tokenize_has_none(source: str) -> None:
    assert read(source, PATH).items == ()


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_line_ends(newline: str) -> None:
    source = newline.join(["x = 1", "update(Job)  # noqa: LCK201", ""])
    assert settled(source, finding(line=2)).suppressed == 1


def test_form_feeds_end_no_line() -> None:
    assert settled("\x0cx = 1\nupdate(Job)  # noqa: LCK201\n", finding(line=2)).suppressed == 1


@pytest.mark.parametrize(
    ("source", "worth"),
    [
        ("x = 1\n", False),
        ("# see lockcheck\n", False),
        ("x = 1  # noqa: E501\nLCK201 = 2\n", False),
        ("# noqa\n", True),
        ("# NOQA\n", True),
        ("# noqa:\nE501 = 1\n", True),
        ("# noqa: E501, lck201\n", True),
        ("x = 1  # noqa: E501\ry = 2  # noqa", True),
        ("# lockcheck: x", True),
    ],
)
def test_most_files_are_not_even_tokenized(source: str, *, worth: bool) -> None:
    assert worth_reading(source) is worth


# --- comments that silence nothing --------------------------------------------------------------------------

NOTHING = "this comment silences nothing on this statement"
NOT_THAT = "nothing on this statement is silenced by `LCK201`"
IN_FILE = "this comment silences nothing in this file"


@pytest.mark.parametrize(
    ("source", "after", "message"),
    [
        pytest.param("x = 1  # lockcheck: ignore[LCK201]\n", "x = 1\n", NOTHING, id="comment"),
        pytest.param("x = 1  # lockcheck: ignore\n", "x = 1\n", NOTHING, id="bare"),
        pytest.param("x = 1  # lockcheck: ignore[]\n", "x = 1\n", NOTHING, id="empty"),
        pytest.param("x = 1  # noqa: LCK201\n", "x = 1\n", NOTHING, id="noqa"),
        pytest.param("x = 1  # noqa: E1, LCK201, W2\n", "x = 1  # noqa: E1, W2\n", NOT_THAT, id="among-others"),
        pytest.param("a = 1\n    # lockcheck: ignore[LCK201] x\nb = 1\n", "a = 1\nb = 1\n", NOTHING, id="own-line"),
        pytest.param("a = 1\n# lockcheck: ignore[LCK201]", "a = 1\n", NOTHING, id="last-line"),
        pytest.param("x = 1  # lockcheck: ignore why  # noqa: E1\n", "x = 1  # noqa: E1\n", NOTHING, id="one-behind"),
        pytest.param("x = 1  # mine  # lockcheck: ignore[LCK201]\n", "x = 1  # mine\n", NOTHING, id="one-ahead"),
        pytest.param("# lockcheck: file-ignore[LCK401]\nx = 1\n", "x = 1\n", IN_FILE, id="file"),
    ],
)
def test_unused(source: str, after: str, message: str) -> None:
    outcome = settled(source)
    [item] = outcome.findings
    assert (item.code, item.name, item.message) == ("LCK901", "unused-suppression", message)
    assert item.fix is not None
    assert item.fix.applicability == "safe"
    assert mended(source, outcome, "LCK901") == after


def test_one_of_two_codes_is_unused() -> None:
    source = "update(Job)  # lockcheck: ignore[LCK201, LCK202] only one row\n"
    outcome = settled(source, finding(line=1))
    assert codes(outcome) == ["LCK901"]
    assert mended(source, outcome, "LCK901") == "update(Job)  # lockcheck: ignore[LCK201] only one row\n"


@pytest.mark.parametrize(
    "source",
    [
        "x = 1  # noqa\n",
        "x = 1  # noqa: E501\n",
        "x = 1  # lockcheck: ignore[LCK103]\n",
        "x = 1  # lockcheck: see the manual\n",
    ],
    ids=["blanket-noqa", "other-tool", "rule-that-did-not-run", "prose"],
)
def test_not_called_unused(source: str) -> None:
    assert codes(settled(source)) == []


def test_only_rules_that_ran_can_be_unused() -> None:
    assert codes(settled("x = 1  # lockcheck: ignore[LCK201]\n", only=("LCK401",))) == []
    assert codes(settled("x = 1  # lockcheck: ignore\n", only=("LCK401",))) == []
    assert codes(settled("x = 1  # lockcheck: ignore[LCK2]\n", only=("LCK201",))) == []


def test_a_comment_for_a_finding_that_this_run_does_not_show_is_in_use() -> None:
    files = {PATH: read("update(Job)  # lockcheck: ignore[LCK201]\n", PATH)}
    outcome = settle([], files, {PATH}, selects_stable, unshown=[finding(line=1)])
    assert (outcome.findings, outcome.suppressed) == ((), 0)


def test_files_that_are_only_read_are_not_reported_on() -> None:
    files = {PATH: read("x = 1  # lockcheck: ignore[LCK201]\n", PATH)}
    assert settle([], files, set(), selects_stable).findings == ()


def test_unused_can_be_silenced_itself() -> None:
    assert codes(settled("x = 1  # lockcheck: ignore[LCK201, LCK901] keep\n")) == []


# --- unknown codes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "after", "message"),
    [
        pytest.param(
            "x = 1  # lockcheck: ignore[LCK204]\n",
            "x = 1\n",
            "`LCK204` is not known to lockcheck; did you mean `LCK20",
            id="code",
        ),
        pytest.param(
            "x = 1  # lockcheck: ignore[E501]\n", "x = 1\n", "`E501` is not known to lockcheck", id="other-tool"
        ),
        pytest.param(
            "x = 1  # lockcheck: ignore[unordered-bulk-writes]\n",
            "x = 1\n",
            "did you mean `unordered-bulk-write`?",
            id="name",
        ),
        pytest.param("x = 1  # noqa: LCK999, E501\n", "x = 1  # noqa: E501\n", "`LCK999` is not known", id="noqa"),
    ],
)
def test_unknown(source: str, after: str, message: str) -> None:
    outcome = settled(source)
    assert codes(outcome) == ["LCK902"]
    assert message in outcome.findings[0].message
    assert mended(source, outcome, "LCK902") == after


def test_unknown_beside_a_used_code() -> None:
    source = "update(Job)  # lockcheck: ignore[LCK201, LCK777]\n"
    outcome = settled(source, finding(line=1))
    assert codes(outcome) == ["LCK902"]
    assert mended(source, outcome, "LCK902") == "update(Job)  # lockcheck: ignore[LCK201]\n"


@pytest.mark.parametrize(
    ("word", "meant"), [("ingore", "ignore"), ("ignored", "ignore"), ("fileignore", "file-ignore")]
)
def test_misspelt(word: str, meant: str) -> None:
    outcome = settled(f"update(Job)  # lockcheck: {word}[LCK201]\n", finding(line=1))
    assert codes(outcome) == ["LCK201", "LCK902"]
    assert outcome.findings[1].message == f"this comment silences nothing; did you mean `lockcheck: {meant}`?"
    assert outcome.findings[1].fix is None


def test_names_agree_with_the_pages() -> None:
    for code, name in suppressions._NAMES.items():  # noqa: SLF001 - a test of that table
        assert RULES[code][0] == name
