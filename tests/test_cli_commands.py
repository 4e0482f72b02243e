"""The command line: options, output and exit status, with an analysis that answers what the test says."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from lockcheck import __version__, cli, console, explaining
from lockcheck.findings import Edit, Place, Problem
from tests.rooms import ChangedFile, FixReport, Report, finding, fix, use_analysis, use_pages

SOURCE = "def f(session):\n    session.execute(\n        update(Job))\n"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_pages(tmp_path / "pages", monkeypatch)
    project = tmp_path / "project"
    project.mkdir()
    (project / "jobs.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.chdir(project)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)
    return project


FOUND = finding(line=3, column=9, end=(3, 20), fix=fix("safe", Edit(Place("jobs.py", 3, 9, 3, 9), "ordered ")))
UNSAFE = finding(line=3, code="LCK401", fix=fix("unsafe"))


# --- checking -----------------------------------------------------------------------------------------------


def test_clean(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use_analysis(monkeypatch, Report(files=3))
    assert cli.run([]) == 0
    assert capsys.readouterr() == ("", "No findings in 3 files.\n")


def test_findings(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use_analysis(monkeypatch, Report((FOUND,)))
    assert cli.run(["."]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(
        "LCK201 [*] unordered-bulk-write: rows are locked in no certain order\n --> jobs.py:3:9 in Jobs.sweep\n"
    )
    assert err == "Found 1 finding in 1 file.\n--fix would mend 1 of them.\n"


def test_the_working_folder_is_checked_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = use_analysis(monkeypatch, Report())
    cli.run([])
    assert calls[0]["paths"] == (Path(),)


def test_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use_analysis(monkeypatch, Report((FOUND,), problems=(Problem("bad.py", 1, 2, "does not parse"),)))
    assert cli.run(["-q", "--output-format", "concise"]) == 1
    assert capsys.readouterr() == (
        "jobs.py:3:9: LCK201 [*] rows are locked in no certain order\n",
        "error: bad.py:1:2: does not parse\n",
    )


@pytest.mark.parametrize("output_format", ["json", "github"])
def test_documents_carry_the_problems(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], output_format: str
) -> None:
    use_analysis(monkeypatch, Report(problems=(Problem("bad.py", 1, 2, "does not parse"),)))
    assert cli.run(["--output-format", output_format]) == 1
    out, err = capsys.readouterr()
    assert "bad.py" in out
    assert "bad.py" not in err


def test_statistics(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use_analysis(monkeypatch, Report((FOUND, FOUND)))
    assert cli.run(["--statistics"]) == 1
    assert capsys.readouterr().out.startswith("2  LCK201  [*]  unordered-bulk-write\n")
    assert cli.run(["--statistics", "--output-format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["statistics"][0]["count"] == 2


@pytest.mark.parametrize(
    ("report", "arguments", "status"),
    [
        pytest.param(Report(), [], 0, id="clean"),
        pytest.param(Report((FOUND,)), [], 1, id="findings"),
        pytest.param(Report((FOUND,)), ["--exit-zero"], 0, id="exit-zero"),
        pytest.param(Report((FOUND,)), ["-e"], 0, id="exit-zero-short"),
        pytest.param(Report(files=2, problems=(Problem("a.py", 1, 1, "x"),)), [], 1, id="one-file-not-checked"),
        pytest.param(Report(files=0, problems=(Problem("a.py", 1, 1, "x"),)), [], 2, id="nothing-checked"),
        pytest.param(
            Report(files=0, problems=(Problem("a.py", 1, 1, "x"),)), ["-e"], 2, id="nothing-checked-exit-zero"
        ),
        pytest.param(Report(files=0), [], 0, id="no-files"),
    ],
)
def test_status(monkeypatch: pytest.MonkeyPatch, report: Report, arguments: list[str], status: int) -> None:
    use_analysis(monkeypatch, report)
    assert cli.run(arguments) == status


def test_no_files_are_warned_about(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use_analysis(monkeypatch, Report(files=0))
    cli.run([])
    assert capsys.readouterr().err.startswith("warning: no Python files found under these paths\n")


def test_selection_reaches_the_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = use_analysis(monkeypatch, Report())
    cli.run(["--select", "LCK2,LCK401", "--select", "LCK101", "--ignore", "LCK202", "--preview"])
    cli.run(["--extend-select", "unlocked-check-then-set"])
    first, second = (call["settings"] for call in calls)
    assert [first.selects(code) for code in ("LCK101", "LCK201", "LCK202", "LCK401", "LCK901")] == [
        True,
        True,
        False,
        True,
        False,
    ]
    assert first.preview is True
    assert second.selects("LCK201")


# --- fixing -------------------------------------------------------------------------------------------------

CHANGED = ChangedFile("jobs.py", SOURCE, SOURCE.replace("update", "ordered update"))


@pytest.mark.parametrize(
    ("fixed", "arguments", "status"),
    [
        pytest.param(FixReport(Report()), ["--fix"], 0, id="nothing-to-fix"),
        pytest.param(FixReport(Report(), (CHANGED,), 1), ["--fix"], 0, id="all-fixed"),
        pytest.param(FixReport(Report((UNSAFE,)), (CHANGED,), 1), ["--fix"], 1, id="one-left"),
        pytest.param(FixReport(Report(), (CHANGED,), 1), ["--fix", "--exit-non-zero-on-fix"], 1, id="non-zero-on-fix"),
        pytest.param(FixReport(Report()), ["--fix", "--exit-non-zero-on-fix"], 0, id="non-zero-but-nothing-fixed"),
        pytest.param(FixReport(Report(), (CHANGED,), 1), ["--diff"], 1, id="diff"),
        pytest.param(FixReport(Report()), ["--diff"], 0, id="empty-diff"),
        pytest.param(FixReport(Report((UNSAFE,))), ["--diff"], 1, id="empty-diff-findings-left"),
        pytest.param(FixReport(Report((UNSAFE,)), (CHANGED,), 1), ["--diff", "--exit-zero"], 0, id="diff-exit-zero"),
    ],
)
def test_status_after_fixing(
    monkeypatch: pytest.MonkeyPatch, fixed: FixReport, arguments: list[str], status: int
) -> None:
    use_analysis(monkeypatch, Report(), fixed)
    assert cli.run(arguments) == status


def test_fix_shows_what_is_left(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls = use_analysis(monkeypatch, Report(), FixReport(Report((UNSAFE,)), (CHANGED,), 1))
    cli.run(["--fix", "--output-format", "concise"])
    assert (calls[0]["unsafe"], calls[0]["diff"]) == (False, False)
    assert capsys.readouterr() == (
        "jobs.py:3:1: LCK401 rows are locked in no certain order\n",
        "Applied 1 fix in 1 file; 1 finding left.\n",
    )


def test_diff(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls = use_analysis(monkeypatch, Report(), FixReport(Report(), (CHANGED,), 1))
    cli.run(["--diff", "--unsafe-fixes"])
    assert (calls[0]["unsafe"], calls[0]["diff"]) == (True, True)
    out, err = capsys.readouterr()
    assert out.startswith("--- jobs.py\n+++ jobs.py\n@@ -1,3 +1,3 @@\n")
    assert "-        update(Job))\n+        ordered update(Job))\n" in out
    assert err == "Would apply 1 fix in 1 file; no finding left.\n"


# --- standard input -----------------------------------------------------------------------------------------


def feed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    feed(monkeypatch, SOURCE.encode())
    calls = use_analysis(monkeypatch, Report((finding("app/new.py", 3),)))
    assert cli.run(["-", "--stdin-filename", "app/new.py"]) == 1
    assert calls[0]["stdin"] == ("app/new.py", SOURCE)
    assert calls[0]["paths"] == [Path("app/new.py")]
    assert "3 |         update(Job))" in capsys.readouterr().out


def test_fixed_stdin_goes_to_stdout(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    text = "# -*- coding: latin-1 -*-\r\n# é\r\nx = 1\r\n"
    feed(monkeypatch, text.encode("latin-1"))
    after = text.replace("1\r\n", "2\r\n")
    use_analysis(
        monkeypatch, Report(), FixReport(Report((finding("<stdin>", 3),)), (ChangedFile("<stdin>", text, after),), 1)
    )
    assert cli.run(["--fix", "-"]) == 1
    out, err = capfdbinary.readouterr()
    assert out == after.encode("latin-1")
    assert b"LCK201 unordered-bulk-write" in err


def test_unchanged_stdin_comes_back_as_it_was(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    content = b"\xef\xbb\xbfx = 1"
    feed(monkeypatch, content)
    use_analysis(monkeypatch, Report(), FixReport(Report()))
    assert cli.run(["--fix", "-q", "-"]) == 0
    assert capfdbinary.readouterr() == (content, b"")


def test_excluded_stdin_comes_back_as_it_was(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    feed(monkeypatch, b"x = 1")
    calls = use_analysis(monkeypatch, Report())
    assert cli.run(["--fix", "--force-exclude", "-", "--stdin-filename", "build/x.py"]) == 0
    assert capfdbinary.readouterr() == (b"x = 1", b"")
    assert calls == []


def test_stdin_that_cannot_be_decoded(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    feed(monkeypatch, b"x = '\xff'\n")
    assert cli.run(["-"]) == 2
    assert capsys.readouterr().err.startswith("error: <stdin>: ")


def test_stdin_stands_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    feed(monkeypatch, b"")
    assert cli.run(["-", "jobs.py"]) == 2
    assert "stands alone" in capsys.readouterr().err


# --- wrong use ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nonsense"], "No such option"),
        (["--output-format", "xml"], "is not one of"),
        (["--select", "LCK20x"], "error: --select: unknown rule `LCK20x`; did you mean `LCK20"),
        (["--config", "missing.toml"], "error: missing.toml: cannot read the settings: No such file or directory"),
        (["explain"], "Missing argument"),
        (["explain", "LCK999"], "unknown rule `LCK999`"),
        (["rules", "--output-format", "xml"], "is not one of"),
    ],
)
def test_wrong_use(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert cli.run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


@pytest.mark.parametrize(
    ("toml", "place"),
    [("[tool.lockcheck]\npreview = yes\n", ":2:11: "), ("[tool.lockcheck]\n\npreveiw = true\n", ":3: ")],
)
def test_broken_settings(root: Path, capsys: pytest.CaptureFixture[str], toml: str, place: str) -> None:
    (root / "pyproject.toml").write_text(toml, encoding="utf-8")
    assert cli.run([]) == 2
    assert f"error: pyproject.toml{place}" in capsys.readouterr().err


def test_a_path_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--show-files", "missing"]) == 2
    assert capsys.readouterr() == ("", "error: missing: no such file or folder\n")


def test_a_preview_rule_without_preview(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use_analysis(monkeypatch, Report())
    assert cli.run(["--select", "LCK103"]) == 0
    assert "warning: `LCK103` is a preview rule and stays off without --preview\n" in capsys.readouterr().err


def fail(*_: Any, **__: Any) -> Report:
    raise KeyError("inner")


def test_a_fault_of_lockcheck(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use_analysis(monkeypatch, fail)
    assert cli.run([]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: lockcheck failed: KeyError: 'inner' (lockcheck/running.py:")
    assert "Traceback" not in err
    monkeypatch.setenv("LOCKCHECK_TRACEBACK", "1")
    cli.run([])
    assert "Traceback" in capsys.readouterr().err


def interrupt(*_: Any, **__: Any) -> Report:
    raise KeyboardInterrupt


def test_an_interrupted_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use_analysis(monkeypatch, interrupt)
    assert cli.run([]) == 130
    assert capsys.readouterr().err.strip() == ""


# --- other outputs ------------------------------------------------------------------------------------------


def test_show_files(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "app").mkdir()
    (root / "app" / "b.py").touch()
    assert cli.run(["--show-files"]) == 0
    assert capsys.readouterr().out == "app/b.py\njobs.py\n"


def test_show_settings(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "pyproject.toml").write_text('[tool.lockcheck]\ndialects = ["sqlite"]\n', encoding="utf-8")
    assert cli.run(["--show-settings"]) == 0
    assert "dialects = ['sqlite']\n" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"lockcheck {__version__}\n"


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: lockcheck [OPTIONS] [PATHS]...\n")
    assert "  explain   Show a rule's page" in out
    assert "  rules     List all rules." in out


@pytest.mark.parametrize("command", [[], *([name] for name in cli._SUBCOMMANDS), ["baseline", "write"]], ids=" ".join)  # noqa: SLF001 - all of them
def test_help_is_whole_at_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.run([*command, "-h"]) == 0
    out = capsys.readouterr().out
    assert "Usage: lockcheck" in out
    assert [line for line in out.splitlines() if len(line) > 80 or (line.endswith("...") and "Usage" not in line)] == []


def test_a_command_is_one_only_as_the_first_argument(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "rules").mkdir()
    (root / "rules" / "a.py").touch()
    assert cli.run(["--show-files", "rules"]) == 0
    assert capsys.readouterr().out == "rules/a.py\n"
    assert cli.run(["./rules", "--show-files"]) == 0
    assert capsys.readouterr().out == "rules/a.py\n"
    assert cli.run(["rules"]) == 0
    assert "unordered-bulk-write" in capsys.readouterr().out


def test_rules(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli.run(["rules"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head == "code    name                      status   fix        summary"
    assert rows[2] == "LCK201  unordered-bulk-write      stable   sometimes  Summary of unordered-bulk-write"
    monkeypatch.setenv("COLUMNS", "80")
    cli.run(["rules"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[5:7] == [
        "LCK201  unordered-bulk-write      stable   sometimes  Summary of",
        f"{' ' * 54}unordered-bulk-write",
    ]


def test_rules_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["rules", "--output-format", "json"]) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert first["code"] == "LCK101"
    assert list(first) == ["code", "name", "summary", "status", "severity", "fix", "since", "references"]


@pytest.mark.parametrize("wanted", ["LCK201", "unordered-bulk-write"])
def test_explain(capsys: pytest.CaptureFixture[str], wanted: str) -> None:
    assert cli.run(["explain", wanted]) == 0
    assert capsys.readouterr().out == (
        "# unordered-bulk-write (LCK201)\n\nSummary of unordered-bulk-write\n\n"
        "Stable since 0.1.0. Severity: error. Fix: sometimes safe.\n\n"
        "## What it reports\n\nSummary of unordered-bulk-write.\n\n"
        "## References\n\n- https://example.org/LCK201\n"
    )


def test_explain_on_a_terminal_labels_the_examples() -> None:
    text = "```python bad preview\nx\n```\n\n```python good\ny\n```\n```python\nz\n```\n"
    assert explaining._labelled(text) == (  # noqa: SLF001 - what rich makes of it is not ours to test
        "**Reported:**\n\n```python\nx\n```\n\n**Not reported:**\n\n```python\ny\n```\n```python\nz\n```\n"
    )


# --- progress -----------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_short_runs_show_no_progress() -> None:
    stream = Terminal()
    progress = console.Progress(stream)
    progress("Reading", 1, 10)
    progress.finish()
    assert stream.getvalue() == ""


def test_long_runs_show_progress_and_wipe_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.5, 1.55, 1.7])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.delenv("TERM", raising=False)
    stream = Terminal()
    progress = console.Progress(stream)
    for done in (1, 2, 3):
        progress("Reading", done, 10)
    progress.finish()
    assert stream.getvalue() == "\r\x1b[KReading 1/10\r\x1b[KReading 3/10\r\x1b[K"


@pytest.mark.parametrize("reason", ["quiet", "pipe", "dumb"])
def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    monkeypatch.setenv("TERM", "dumb" if reason == "dumb" else "xterm")
    stream = io.StringIO() if reason == "pipe" else Terminal()
    progress = console.Progress(stream, quiet=reason == "quiet")
    monkeypatch.setattr("time.monotonic", lambda: 1e9)
    progress("Reading", 1, 10)
    assert stream.getvalue() == ""
