"""--output-file, --summary and the formats for other programs, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import junitparser
import pytest

from lockcheck import cli, pages

EXAMPLE = next(item.source for item in pages.page("LCK202").examples if item.kind == "bad")
INVERSION = next(item.source for item in pages.page("LCK205").examples if item.kind == "bad")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.lockcheck]\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


def write(folder: Path, text: str = EXAMPLE) -> None:
    (folder / "jobs.py").write_text(text, encoding="utf-8")


def test_a_file_without_findings(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, "x = 1\n")
    assert cli.run(["--output-format", "sarif", "--output-file", "out.sarif"]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads((project / "out.sarif").read_text(encoding="utf-8"))["runs"][0]["results"] == []


@pytest.mark.parametrize("name", ["full", "concise", "json", "github", "gitlab", "sarif", "junit"])
def test_a_file_holds_what_standard_output_does(project: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    write(project)
    assert cli.run(["--output-format", name]) == 1
    shown = capsys.readouterr().out
    assert cli.run(["--output-format", name, "--output-file", "out"]) == 1
    assert capsys.readouterr().out == ""
    assert (project / "out").read_text(encoding="utf-8") == shown
    assert "LCK202" in shown
    assert [item.name for item in project.iterdir() if item.name.startswith(".out")] == []


def test_a_file_that_cannot_be_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project)
    assert cli.run(["--output-file", "nowhere/out"]) == 2
    assert "the folder nowhere does not exist" in capsys.readouterr().err
    assert cli.run(["--summary", "."]) == 2
    assert "is a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--summary a --diff", "--summary cannot be combined with --diff"),
        ("--summary a --output-file ./a", "--summary and --output-file name the same file"),
        ("--statistics --output-format sarif", "--statistics cannot be shown as `sarif`"),
        ("--include-suppressed", "--include-suppressed belongs to --output-format sarif"),
        ("--baseline a --no-baseline", "--baseline and --no-baseline exclude each other"),
        ("--add-ignores --unsafe-fixes", "--add-ignores cannot be combined with --unsafe-fixes"),
    ],
)
def test_options_that_contradict_each_other(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: str, told: str
) -> None:
    write(project)
    assert cli.run(arguments.split()) == 2
    assert told in capsys.readouterr().err
    assert sorted(item.name for item in project.iterdir()) == ["jobs.py", "pyproject.toml"]


def test_the_status_is_in_the_log(project: Path) -> None:
    write(project)
    assert cli.run(["--output-format", "sarif", "--output-file", "out"]) == 1
    [run] = json.loads((project / "out").read_text(encoding="utf-8"))["runs"]
    assert run["invocations"][0]["exitCode"] == 1
    assert cli.run(["--output-format", "sarif", "--output-file", "out", "--exit-zero"]) == 0
    [run] = json.loads((project / "out").read_text(encoding="utf-8"))["runs"]
    assert run["invocations"][0]["exitCode"] == 0


def test_suppressed_on_request(project: Path) -> None:
    write(project, f"# lockcheck: file-ignore[LCK202] one worker only\n{EXAMPLE}")
    assert cli.run(["--output-format", "sarif", "--output-file", "without"]) == 0
    assert cli.run(["--output-format", "sarif", "--output-file", "with", "--include-suppressed"]) == 0
    found = [
        json.loads((project / name).read_text(encoding="utf-8"))["runs"][0]["results"] for name in ("without", "with")
    ]
    assert found[0] == []
    assert {item["suppressions"][0]["justification"] for item in found[1]} == {"one worker only"}


def test_a_diff_in_a_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project)
    assert cli.run(["--diff", "--unsafe-fixes", "--output-file", "out.patch"]) == 1
    assert capsys.readouterr().out == ""
    assert (project / "out.patch").read_text(encoding="utf-8").startswith("--- jobs.py\n+++ jobs.py\n")


def test_problems_are_in_the_document(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, "def f(:\n")
    assert cli.run(["--output-format", "junit"]) == 2
    read = junitparser.JUnitXml.fromstring(capsys.readouterr().out.encode("utf-8"))
    assert (read.tests, read.errors) == (1, 1)


# --- summaries ------------------------------------------------------------------------------------------------


def test_no_summary_unasked(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "step.md"))
    write(project)
    assert cli.run(["--output-format", "concise"]) == 1
    assert not (project / "step.md").exists()


def test_a_summary_is_added_to_the_step(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "step.md").write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "step.md"))
    write(project)
    assert cli.run(["--output-format", "github"]) == 1
    text = (project / "step.md").read_text(encoding="utf-8")
    assert text.startswith("before\n## lockcheck\n")
    assert "| jobs.py:" in text


def test_no_summary_of_what_would_be(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "step.md"))
    write(project)
    assert cli.run(["--output-format", "github", "--diff", "--unsafe-fixes"]) == 1
    assert not (project / "step.md").exists()


def test_a_summary_of_what_the_comments_leave(project: Path) -> None:
    write(project)
    assert cli.run(["--add-ignores", "--summary", "summary.md"]) == 0
    assert "No findings in 1 file (1 suppressed)." in (project / "summary.md").read_text(encoding="utf-8")


def test_a_summary_draws_the_cycle(project: Path) -> None:
    write(project, INVERSION)
    assert cli.run(["--preview", "--select", "LCK205", "--summary", "summary.md"]) == 1
    text = (project / "summary.md").read_text(encoding="utf-8")
    assert "1 cycle that findings are about." in text
    assert text.count(" -->|") == 2
