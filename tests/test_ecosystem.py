"""tools/ecosystem.py: what came and went between two versions."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.ecosystem_scratch import Scratch

pytestmark = pytest.mark.server

ALPHA = {"alpha/jobs.py": "a = 1  # LCK201 rows\nb = 2  # LCK301 merge\n", "alpha/more.py": "c = 3  # LCK401 session\n"}
BETA = {"beta.py": "\n\nd = 4  # LCK401 handler\n"}


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    made = Scratch(tmp_path)
    made.wheels(alpha=ALPHA, beta=BETA)
    return made


def rule(output: str, code: str) -> list[int]:
    """Before, after, came and went of a rule."""
    (line,) = re.findall(rf"^{code} .*$", output, re.MULTILINE)
    return [int(word) for word in line.split()[1:]]


def test_nothing_changed(scratch: Scratch) -> None:
    done = scratch.run(scratch.commit("LCK201", "LCK401"))
    assert (done.returncode, rule(done.stdout, "LCK401")) == (0, [2, 2, 0, 0])
    assert "No findings changed." in done.stdout
    assert not re.search("^(Came|Went|Errors)", done.stdout, re.MULTILINE)


def test_came_and_went_by_rule(scratch: Scratch) -> None:
    base, head = scratch.commit("LCK201", "LCK401"), scratch.commit("LCK301", "LCK401")
    done = scratch.run(base, head)
    assert done.returncode == 1
    counts = {code: rule(done.stdout, code) for code in ("LCK201", "LCK301", "LCK401")}
    assert counts == {"LCK201": [1, 0, 0, 1], "LCK301": [0, 1, 1, 0], "LCK401": [2, 2, 0, 0]}
    assert "Came (1)\n\n+ alpha 1.0 alpha/jobs.py:2: LCK301 (preview) merge\n" in done.stdout
    assert "Went (1)\n\n- alpha 1.0 alpha/jobs.py:1: LCK201 rows\n" in done.stdout
    assert f"base: {base[:7]}" in done.stdout


def test_head_is_the_working_tree(scratch: Scratch) -> None:
    base = scratch.commit("LCK401")
    scratch.write("LCK201", "LCK401")
    done = scratch.run(base)
    assert (done.returncode, rule(done.stdout, "LCK201")) == (1, [0, 1, 1, 0])
    assert "head: working tree at" in done.stdout


def test_moved_lines_and_other_words_are_no_changes(scratch: Scratch) -> None:
    base, head = scratch.commit("LCK401"), scratch.commit("LCK401", shift=3, wording="now ")
    done = scratch.run(base, head)
    assert (done.returncode, rule(done.stdout, "LCK401")) == (0, [2, 2, 0, 0])
    assert "2 in message; --altered lists them" in done.stdout
    listed = scratch.run(base, head, "--altered")
    assert "- beta 1.0 beta.py:3: LCK401 handler\n+ beta 1.0 beta.py:6: LCK401 now handler\n" in listed.stdout


def test_findings_that_look_alike_are_counted(scratch: Scratch) -> None:
    scratch.wheels(alpha={"alpha.py": "a = 1  # LCK201 rows\n" * 3})
    base, head = scratch.commit("LCK201", once=True), scratch.commit("LCK201")
    done = scratch.run(base, head)
    assert (done.returncode, rule(done.stdout, "LCK201")) == (1, [1, 3, 2, 0])
    assert "Came (2)\n\n+ alpha 1.0 alpha.py:2: LCK201 rows\n+ alpha 1.0 alpha.py:3: LCK201 rows\n" in done.stdout


def test_versions_with_other_dependencies_are_told(scratch: Scratch) -> None:
    base = scratch.commit("LCK401")
    (scratch.repository / "pyproject.toml").write_text('[project]\ndependencies = ["libcst>=9"]\n')
    done = scratch.run(base)
    assert (done.returncode, "dependencies differ (+libcst>=9)" in done.stdout) == (0, True)


def test_without_a_base(scratch: Scratch) -> None:
    scratch.commit("LCK201", "LCK401")
    done = scratch.run("-", "HEAD")
    assert (done.returncode, rule(done.stdout, "LCK401"), "Came" in done.stdout) == (0, [2], False)


def test_markdown(scratch: Scratch) -> None:
    base, head = scratch.commit("LCK401"), scratch.commit("LCK201", "LCK401")
    done = scratch.run(base, head, "--markdown")
    assert (
        "| rule | before | after | came | went |\n| --- | --: | --: | --: | --: |\n| LCK201 | 0 | 1 | 1 | 0 |"
        in done.stdout
    )
    assert "````diff\n+ alpha 1.0 alpha/jobs.py:1: LCK201 rows\n````" in done.stdout


# --- what goes wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["base", "head"])
def test_a_crash_is_an_error_and_the_others_are_compared(scratch: Scratch, side: str) -> None:
    well, trapped = scratch.commit("LCK401"), scratch.commit("LCK401", trap="rows")
    done = scratch.run(*((trapped, well) if side == "base" else (well, trapped)))
    assert (done.returncode, rule(done.stdout, "LCK401")) == (2, [1, 1, 0, 0])
    error = rf"Errors \(1\)\n\nalpha 1\.0, {side}: printed no report, status 1: .*RuntimeError: the trap was met\n"
    assert re.search(error, done.stdout)


def test_no_document_is_an_error(scratch: Scratch) -> None:
    scratch.wheels(gamma={"gamma.py": "mumble = 1\n"})
    done = scratch.run(scratch.commit("LCK401"), scratch.commit("LCK401", trap="mumble"))
    assert (done.returncode, "gamma 1.0, head: printed no report, status 0" in done.stdout) == (2, True)


def test_a_run_that_takes_too_long_is_ended(scratch: Scratch) -> None:
    scratch.wheels(alpha=ALPHA, slow={"slow.py": "sleep = 1\n"})
    done = scratch.run(scratch.commit("LCK401"), scratch.commit("LCK401", trap="sleep"), "--timeout", "2")
    assert (done.returncode, rule(done.stdout, "LCK401")) == (2, [1, 1, 0, 0])
    assert "Errors (1)\n\nslow 1.0, head: timed out after 2 s\n" in done.stdout


def test_an_interrupted_comparison_leaves_nothing_running(scratch: Scratch) -> None:
    scratch.wheels(slow={"slow.py": "sleep = 1\n"})
    scratch.commit("LCK401", trap="sleep")
    asleep = scratch.cache / "trees" / "asleep"
    with subprocess.Popen(scratch.command("-"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not (asleep.is_file() and asleep.read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(asleep.read_text()), 0)


def test_a_file_that_can_no_longer_be_checked_is_a_change(scratch: Scratch) -> None:
    scratch.wheels(gamma={"gamma.py": "unparsed = 1  # LCK401 it\n"})
    done = scratch.run(scratch.commit("LCK401"), scratch.commit("LCK401", trap="unparsed"))
    assert (done.returncode, rule(done.stdout, "LCK401")) == (1, [1, 1, 0, 0])
    assert "Problems that came (1)\n\n+ gamma 1.0: gamma.py: does not parse\n" in done.stdout


def test_wrong_use(scratch: Scratch) -> None:
    base = scratch.commit("LCK401")
    for arguments, complaint in (
        ((base, "--package", "alpa"), "unknown package `alpa`; there is alpha"),
        ((base, "--package", "alpha==2.0"), "unknown package `alpha==2.0`; there is alpha==1.0"),
        (("no-such-revision",), "unknown revision `no-such-revision`"),
        ((base, "--rule", "LCK401"), "--rule says what to sample"),
        ((base, "--jobs", "0"), "1 or more"),
        ((base, "--findings", "no/such/folder"), "no/such/folder: No such file or directory"),
    ):
        done = scratch.run(*arguments)
        assert (done.returncode, complaint in done.stderr) == (2, True), done.stderr


def test_a_revision_without_lockcheck(scratch: Scratch) -> None:
    scratch.git("add", "--all")
    scratch.git("commit", "--quiet", "--message", "Before lockcheck")
    base = scratch.git("rev-parse", "HEAD")
    scratch.commit("LCK401")
    done = scratch.run(base)
    assert (done.returncode, "has no lockcheck" in done.stderr) == (2, True)


# --- judging ------------------------------------------------------------------------------------------------


def test_findings_as_json_lines(scratch: Scratch) -> None:
    first, *_, last = scratch.findings(scratch.commit("LCK201", "LCK301", "LCK401"))
    assert first == {
        "package": "alpha 1.0",
        "code": "LCK201",
        "path": "alpha/jobs.py",
        "line": 1,
        "message": "rows",
        "fingerprint": "rows",
        "symbol": "work",
        "preview": False,
        "fix": None,
        "related": [{"path": "alpha/jobs.py", "line": 1, "message": "the other side"}],
    }
    assert (last["package"], last["line"]) == ("beta 1.0", 3)


def test_a_sample_is_drawn_by_its_seed(scratch: Scratch) -> None:
    scratch.wheels(many={"many.py": "".join(f"x{n} = {n}  # LCK201 rows{n}.\n" for n in range(40))})
    base = scratch.commit("LCK201")

    def drawn(*arguments: str) -> str:
        return scratch.run(base, "--sample", "3", "--rule", "LCK201", *arguments).stdout.partition(
            "3 of 40 findings of "
        )[2]

    assert drawn("--seed", "7") == drawn("--seed", "7") != drawn("--seed", "8")
    line = re.search(r"--- 1: many 1\.0 many\.py:(\d+): LCK201 rows\d+\.", drawn())
    assert line is not None
    assert re.search(rf"^> +{line[1]} \| x\d+ = ", drawn(), re.MULTILINE)
    assert "    many.py:1: the other side\n>     1 | x0 = 0" in drawn()
    assert "0 of 0 findings of LCK999" in scratch.run(base, "--sample", "3", "--rule", "LCK999").stdout
