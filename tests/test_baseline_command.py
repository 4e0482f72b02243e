"""`lockcheck baseline`, and checks that obey a baseline."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockcheck import api, baseline, cli, settings
from lockcheck.known import Known
from tests.scratch_git import CLAIM, MARK, PACKAGE, SETTINGS, SWEEP, TAKE, commit, found, git, module, write

JOBS = "shop/jobs.py"
FILE = "lockcheck-baseline.json"
WITH_BASELINE = {"pyproject.toml": f'{SETTINGS}baseline = "{FILE}"\n'}
SILENT = "def total(numbers: list[int]) -> int:\n    return sum(numbers)\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    write(folder, {**PACKAGE, JOBS: module(CLAIM)})
    monkeypatch.chdir(folder)
    return folder


def told(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """What is said on standard error."""
    assert cli.run([*arguments]) == status
    return capsys.readouterr().err


def reasons(root: Path) -> dict[str, str]:
    return {entry.symbol: entry.reason for entry in baseline.read(root / FILE).entries}


# --- silence ------------------------------------------------------------------------------------------------


def test_nothing_to_accept(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {JOBS: SILENT})
    assert told(capsys, "baseline", "write", "-q") == ""
    assert baseline.read(root / FILE).entries == ()
    assert told(capsys, "--baseline", FILE) == "No findings in 3 files.\n"
    assert told(capsys, "baseline", "prune") == f"{FILE}: nothing to remove, 0 findings.\n"
    assert told(capsys, "baseline", "show") == f"{FILE}: 0 findings.\n"


@pytest.mark.usefixtures("root")
def test_without_a_baseline_nothing_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["baseline", "write", "-q"]) == 0
    assert told(capsys, status=1).startswith("Found 1 finding in 3 files.\n")


# --- writing and obeying ------------------------------------------------------------------------------------


def test_what_is_accepted_is_not_reported(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "baseline", "write") == (
        f"Wrote {FILE}: 1 finding (1 new).\n"
        f'A check obeys it with `--baseline {FILE}`,\nor with `baseline = "{FILE}"` in [tool.lockcheck].\n'
    )
    write(root, {**WITH_BASELINE, JOBS: module(SILENT, CLAIM)})
    assert told(capsys) == "No findings in 3 files (1 in the baseline).\n"
    write(root, {JOBS: module(CLAIM, TAKE)})
    assert told(capsys, "-q", "--exit-zero") == ""
    assert cli.run(["--output-format", "concise"]) == 1
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == [JOBS]
    assert told(capsys, "--no-baseline", status=1).startswith("Found 2 findings in 3 files.\n")


@pytest.mark.usefixtures("root")
def test_the_report_keeps_what_is_accepted() -> None:
    cli.run(["baseline", "write", "-q", "--reason", "one queue"])
    known = Known(baseline=baseline.read(Path(FILE).absolute()))
    report = api.analyse([Path()], settings.load(Path()), known=known)
    assert (found(report), [item.finding.symbol for item in report.baselined], report.removable) == ([], ["claim"], ())


def test_writing_again_keeps_reasons(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "baseline", "write", "--reason", "one queue")
    write(root, {**WITH_BASELINE, JOBS: module(CLAIM, TAKE)})
    assert told(capsys, "baseline", "write", "--reason", "later") == f"Wrote {FILE}: 2 findings (1 new).\n"
    assert reasons(root) == {"claim": "one queue", "take": "later"}
    before = (root / FILE).read_bytes()
    assert told(capsys, "baseline", "write") == f"Wrote {FILE}: 2 findings.\n"
    assert (root / FILE).read_bytes() == before


def test_a_part_of_the_project_leaves_the_rest(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {"shop/more.py": module(TAKE)})
    told(capsys, "baseline", "write")
    write(root, {JOBS: SILENT, "shop/more.py": SILENT})
    assert told(capsys, "--baseline", FILE, JOBS).endswith(
        "1 finding of the baseline is no longer there: `lockcheck baseline prune` removes it.\n"
    )
    assert told(capsys, "baseline", "write", JOBS) == (
        f"Wrote {FILE}: 1 finding (1 removed).\n"
        f'A check obeys it with `--baseline {FILE}`,\nor with `baseline = "{FILE}"` in [tool.lockcheck].\n'
    )
    assert list(reasons(root)) == ["take"]


def test_rules_that_do_not_run_leave_their_entries(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "baseline", "write")
    assert "no longer" not in told(capsys, "--baseline", FILE, "--select", "LCK201")
    assert told(capsys, "baseline", "prune", "--select", "LCK201") == f"{FILE}: nothing to remove, 1 finding.\n"
    told(capsys, "baseline", "write", "--select", "LCK201")
    assert list(reasons(root)) == ["claim"]


def test_a_file_that_does_not_parse_leaves_its_entries(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "baseline", "write")
    write(root, {JOBS: "def ("})
    assert "error: shop/jobs.py:1:5: does not parse" in told(capsys, "baseline", "prune", status=1)
    told(capsys, "baseline", "write", status=1)
    assert list(reasons(root)) == ["claim"]


# --- pruning and showing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", ["mended", "deleted"])
def test_pruning(root: Path, capsys: pytest.CaptureFixture[str], gone: str) -> None:
    write(root, {"shop/more.py": module(TAKE)})
    told(capsys, "baseline", "write")
    (root / JOBS).unlink() if gone == "deleted" else write(root, {JOBS: SILENT})
    assert told(capsys, "--baseline", FILE).endswith("`lockcheck baseline prune` removes it.\n")
    assert told(capsys, "baseline", "prune") == (f"removed {JOBS}  LCK203  claim\n{FILE}: removed 1, 1 finding left.\n")
    assert list(reasons(root)) == ["take"]


def test_pruning_an_unchanged_baseline_writes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "baseline", "write")
    text = (root / FILE).read_text().replace("\n", "\n\n")
    (root / FILE).write_text(text)
    assert told(capsys, "baseline", "prune") == f"{FILE}: nothing to remove, 1 finding.\n"
    assert (root / FILE).read_text() == text


def test_showing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {JOBS: module(SWEEP, CLAIM), "shop/marks.py": module(MARK)})
    told(capsys, "baseline", "write", "--reason", "one queue")
    (root / JOBS).unlink()
    assert cli.run(["baseline", "show"]) == 0
    assert capsys.readouterr() == (
        f"{JOBS}  LCK201  sweep  one queue\n{JOBS}  LCK203  claim  one queue\n",
        f"{FILE}: 2 findings (LCK201 1, LCK203 1).\n",
    )
    assert cli.run(["baseline", "show", "shop/marks.py", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


# --- with other options -------------------------------------------------------------------------------------


def test_accepted_findings_are_not_mended(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "baseline", "write")
    write(root, {JOBS: module(CLAIM, TAKE)})
    assert told(capsys, "--baseline", FILE, "--fix") == "Applied 1 fix in 1 file; no finding left.\n"
    assert (root / JOBS).read_text().count("with_for_update=True") == 1


def test_with_since(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "baseline", "write")
    git(root, "init", "--quiet")
    commit(root, {"shop/more.py": module(TAKE)})
    write(root, {"shop/new.py": module(TAKE)})
    assert cli.run(["--baseline", FILE, "--since", "HEAD", "--output-format", "concise"]) == 1
    out, err = capsys.readouterr()
    assert [line.partition(":")[0] for line in out.splitlines()] == ["shop/new.py"]
    assert err.startswith("Found 1 new finding in 5 files (1 in the baseline).\nAt HEAD (")
    assert "), 1 of today's findings was there; 0 are gone.\n" in err


def test_the_setting_is_relative_to_its_file(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, WITH_BASELINE)
    monkeypatch.chdir(root / "shop")
    assert told(capsys, "baseline", "write") == f"Wrote ../{FILE}: 1 finding (1 new).\n"
    assert told(capsys) == "No findings in 3 files (1 in the baseline).\n"


def test_a_preview_finding_is_not_over_without_preview(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loop = MARK.replace(".order_by(Job.id)", "").replace("mark", "mark_all")
    write(root, {JOBS: module(loop, SWEEP)})
    told(capsys, "baseline", "write", "--preview")
    listed = len(baseline.read(root / FILE).entries)
    assert listed > 0
    assert "no longer" not in told(capsys, "--baseline", FILE)
    told(capsys, "baseline", "prune")
    assert len(baseline.read(root / FILE).entries) == listed


# --- errors -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("root")
def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    missing = "error: none.json: there is no such baseline; `lockcheck baseline write` makes one\n"
    assert told(capsys, "--baseline", "none.json", status=2) == missing
    assert told(capsys, "baseline", "prune", "--baseline", "none.json", status=2) == missing
    assert told(capsys, "baseline", "show", "--baseline", "none.json", status=2) == missing
    assert told(capsys, "baseline", "write", "--baseline", "shop", status=2) == "error: shop: is a folder\n"
    assert "the folder no does not exist" in told(capsys, "baseline", "write", "--baseline", "no/x.json", status=2)
    assert "exclude each other" in told(capsys, "--baseline", FILE, "--no-baseline", status=2)
    assert "No such command" in told(capsys, "baseline", "wirte", status=2)


def test_a_bad_file_is_told_with_its_place(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {**WITH_BASELINE, FILE: '{"version": 1,\n "findings": [}\n'})
    assert told(capsys, status=2) == f"error: {FILE}:2:15: is not valid JSON: Expecting value\n"
    before = (root / FILE).read_text()
    told(capsys, "baseline", "write", status=2)
    assert (root / FILE).read_text() == before
