"""--since: which findings count as new."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockcheck import api, settings
from lockcheck.known import Known
from tests.scratch_git import (
    CLAIM,
    HEADER,
    MARK,
    SETTINGS,
    SWEEP,
    TAKE,
    commit,
    found,
    git,
    module,
    report,
    repository,
    write,
)

JOBS = "shop/jobs.py"
SILENT = "def total(numbers: list[int]) -> int:\n    return sum(numbers)\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    repository(folder, {JOBS: module(CLAIM)})
    monkeypatch.chdir(folder)
    return folder


def indented(text: str) -> str:
    return "".join(f"    {line}" if line.strip() else line for line in text.splitlines(keepends=True))


# --- silence ------------------------------------------------------------------------------------------------


def test_nothing_has_changed(root: Path) -> None:
    outcome = report(root)
    assert found(outcome) == []
    assert outcome.since is not None
    assert (outcome.since.there, outcome.since.gone, outcome.since.notes) == (1, 0, ())


def test_a_project_without_findings(root: Path) -> None:
    commit(root, {JOBS: SILENT})
    git(root, "tag", "empty")
    write(root, {JOBS: SILENT + "\n\n" + SILENT})
    outcome = report(since="empty")
    assert (outcome.findings, outcome.since and outcome.since.there) == ((), 0)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(module(SILENT, CLAIM), id="moved-down"),
        pytest.param(module(CLAIM).replace("\n", "\r\n"), id="line-ends"),
        pytest.param(
            module(CLAIM.replace("(Job, key, ", "(\n        Job,  # the job\n        key,\n        ")), id="over-lines"
        ),
        pytest.param(HEADER + "if True:\n" + indented(CLAIM), id="re-indented"),
        pytest.param(
            module(CLAIM.replace("    return", "    if key < 0:\n        return None\n    return")),
            id="moved-inside-its-function",
        ),
        pytest.param(module(CLAIM.replace("return session", "return  session") + "  # claimed\n"), id="comment"),
        pytest.param(module(CLAIM.replace("claim(", "claim_one(")), id="function-renamed"),
        pytest.param(module(CLAIM.replace("key", "ident")), id="statement-rewritten"),
        pytest.param(module(SILENT), id="gone"),
    ],
)
def test_the_same_finding(root: Path, text: str) -> None:
    write(root, {JOBS: text})
    assert found(report()) == []


def test_a_renamed_file(root: Path) -> None:
    git(root, "mv", JOBS, "shop/claims.py")
    outcome = report()
    assert found(outcome) == []
    assert outcome.since is not None
    assert (outcome.since.there, outcome.since.gone) == (1, 0)


def test_a_renamed_package(root: Path) -> None:
    git(root, "mv", "shop", "store")
    write(root, {"store/jobs.py": module(CLAIM, SILENT).replace("shop.", "store.")})
    assert found(report()) == []


def test_a_function_in_another_file(root: Path) -> None:
    write(root, {JOBS: module(SILENT), "shop/claims.py": module(CLAIM)})
    assert found(report()) == []


def test_silenced_then_and_today(root: Path) -> None:
    ignored = CLAIM.replace("True)\n", "True)  # lockcheck: ignore[LCK203] one queue\n")
    commit(root, {JOBS: module(ignored)})
    write(root, {JOBS: module(SILENT, ignored)})
    assert found(report(since="HEAD")) == []


def test_the_other_side_is_another_one(root: Path) -> None:
    commit(root, {JOBS: module(SWEEP), "shop/marks.py": module(MARK)})
    write(root, {"shop/marks.py": module(MARK.replace("def mark", "def mark_all"))})
    assert [item.code for item in report(since=None).findings] == ["LCK201"]
    assert found(report(since="HEAD")) == []


def test_settings_of_today_hold_for_both(root: Path) -> None:
    write(root, {"pyproject.toml": f'{SETTINGS}select = ["LCK203", "LCK201"]\n', JOBS: module(CLAIM, SILENT)})
    commit(root, {"pyproject.toml": f'{SETTINGS}ignore = ["LCK203"]\n'})
    write(root, {"pyproject.toml": SETTINGS, JOBS: module(CLAIM, SILENT, SILENT)})
    assert found(report(since="HEAD")) == []


def test_an_excluded_file_counts_on_neither_side(root: Path) -> None:
    excluding = {"pyproject.toml": f'{SETTINGS}extend-exclude = ["marks"]\n'}
    commit(root, {**excluding, "shop/marks/all.py": module(MARK), JOBS: module(SWEEP)})
    write(root, {JOBS: module(SWEEP, SILENT)})
    outcome = report(since="HEAD")
    assert (found(outcome), outcome.since and outcome.since.gone) == ([], 0)


# --- new ----------------------------------------------------------------------------------------------------


def test_a_new_finding(root: Path) -> None:
    write(root, {JOBS: module(CLAIM, TAKE)})
    outcome = report()
    assert found(outcome) == [f"LCK203 {JOBS} take"]
    assert outcome.since is not None
    assert (outcome.since.there, outcome.since.gone) == (1, 0)


def test_one_more_of_the_same_in_a_function(root: Path) -> None:
    write(
        root, {JOBS: module(CLAIM.replace("    return", "    session.get(Job, key, with_for_update=True)\n    return"))}
    )
    assert found(report()) == [f"LCK203 {JOBS} claim"]


def test_another_function_takes_the_place_of_one(root: Path) -> None:
    """The old function is still there, without its lock: this is not the same finding in a renamed function."""
    write(root, {JOBS: module(CLAIM.replace(", with_for_update=True", ""), TAKE)})
    outcome = report()
    assert (found(outcome), outcome.since and outcome.since.gone) == ([f"LCK203 {JOBS} take"], 1)


def test_a_lock_in_one_file_completes_a_cycle_in_another(root: Path) -> None:
    commit(root, {JOBS: module(SWEEP)})
    write(root, {"shop/marks.py": module(MARK)})
    expected = [f"LCK201 {JOBS} sweep"]
    assert found(report(since="HEAD")) == expected
    assert found(report("shop/marks.py", since="HEAD")) == expected
    assert found(report("shop/models.py", since="HEAD")) == []


def test_a_suppression_is_taken_away(root: Path) -> None:
    ignored = CLAIM.replace("True)\n", "True)  # lockcheck: ignore[LCK203]\n")
    commit(root, {JOBS: module(ignored)})
    write(root, {JOBS: module(CLAIM)})
    assert found(report(since="HEAD")) == [f"LCK203 {JOBS} claim"]


def test_an_unused_suppression_is_new_by_its_text(root: Path) -> None:
    commit(root, {JOBS: module(SILENT) + "x = 1  # lockcheck: ignore[LCK203] old\n"})
    write(root, {JOBS: module(SILENT, SILENT) + "x = 1  # lockcheck: ignore[LCK203] old\n"})
    assert found(report(since="HEAD")) == []
    write(root, {JOBS: module(SILENT) + "x = 1  # lockcheck: ignore[LCK201] new\n"})
    assert [item.code for item in report(since="HEAD").findings] == ["LCK901"]


def test_untracked_staged_and_committed_files(root: Path) -> None:
    write(root, {"shop/staged.py": module(TAKE)})
    git(root, "add", "shop/staged.py")
    write(root, {"shop/untracked.py": module(TAKE)})
    assert found(report()) == ["LCK203 shop/staged.py take", "LCK203 shop/untracked.py take"]
    commit(root)
    assert found(report()) == ["LCK203 shop/staged.py take", "LCK203 shop/untracked.py take"]
    assert found(report(since="HEAD")) == []


def test_standard_input_stands_in_for_a_file(root: Path) -> None:
    outcome = api.analyse([Path(JOBS)], settings.load(root), stdin=(JOBS, module(CLAIM, TAKE)), known=Known("base"))
    assert found(outcome) == [f"LCK203 {JOBS} take"]
    outcome = api.analyse(
        [Path("shop/x.py")], settings.load(root), stdin=("shop/x.py", module(TAKE)), known=Known("base")
    )
    assert found(outcome) == ["LCK203 shop/x.py take"]


# --- fixing -------------------------------------------------------------------------------------------------


def test_only_new_findings_are_mended(root: Path) -> None:
    mended = TAKE.replace("with_for_update=True", 'with_for_update={"of": Job}')
    write(root, {JOBS: module(CLAIM, TAKE)})
    outcome = api.fix([Path()], settings.load(root), unsafe=False, diff=False, known=Known("base"))
    assert (root / JOBS).read_text() == module(CLAIM, mended)
    assert (outcome.applied, outcome.report.findings) == (1, ())
    assert outcome.report.since is not None
    assert outcome.report.since.there == 1


def test_nothing_new_means_nothing_to_mend(root: Path) -> None:
    outcome = api.fix([Path()], settings.load(root), unsafe=True, diff=False, known=Known("base"))
    assert (outcome.changed, outcome.report.findings) == ((), ())


def test_an_old_finding_on_a_mended_statement_stays_old(root: Path) -> None:
    """The fix of the new finding rewrites the statement of the old one, which is not mended for that."""
    query = "    session.scalars(select(Job).where(Job.queue_id == queue).with_for_update({of})).all()\n"
    head = "def mark(session: Session, queue: int) -> None:\n"
    select = {"pyproject.toml": f"{SETTINGS}select = ['LCK202', 'LCK203']\n"}
    other = {"shop/other.py": module(MARK.replace("mark", "mark_all"))}
    commit(root, {**select, **other, JOBS: module(head + query.format(of="of=Job"))})
    assert [item.code for item in report(since=None).findings] == ["LCK202"]
    write(root, {JOBS: module(head + query.format(of=""))})
    assert [item.code for item in report(since="HEAD").findings] == ["LCK203"]
    api.fix([Path()], settings.load(root), unsafe=True, diff=False, known=Known("HEAD"))
    assert (root / JOBS).read_text() == module(head + query.format(of="of=Job"))
