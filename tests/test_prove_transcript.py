"""What `lockcheck prove` prints."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from lockcheck.findings import Finding, Place
from lockcheck.prove.closing import closing
from lockcheck.prove.events import Teller
from lockcheck.prove.laboratory import Shown, Trial
from lockcheck.prove.places import Places
from lockcheck.prove.proof import Proof
from lockcheck.prove.run import Event, Held, Outcome
from lockcheck.prove.schedules import Schedule
from lockcheck.prove.sessions import Failure
from lockcheck.prove.transcript import Transcript
from lockcheck.prove.variants import Variant, variants
from lockcheck.reporting.style import Style
from tests.proving import PLAIN, Written, read
from tests.test_cli_process import REPOSITORY

FINDING = Finding("LCK205", "lock-order-inversion", "m", Place("worker.py", 11, 11, 11, 20), "f", "warning", "abc")
DEADLOCK = Failure("40P01", "deadlock detected", "Process 1 waits.", "")


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    folder = tmp_path_factory.mktemp("examples") / "queue"
    shutil.copytree(REPOSITORY / "examples" / "queue", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield read(folder)


def proof_of(queue: Written, failed: int, between: int | None = None) -> Proof:
    """A proof of the example, as if so many interleavings had failed, all of them or `between` as the finding says."""
    made = queue.duel("LCK205")
    events = (
        Event("done", 0, 0, ((1,),)),
        Event("waits", 1, 0, waits_for=(0,), held=(Held(0, "job", ((1,),)),)),
        Event("failed", 1, 0, failure=DEADLOCK),
        Event("ended", 0, 0),
    )
    shown = Shown(
        PLAIN, Schedule((0, 1)), queue.scripts(made), Outcome(events), keys={"job": {(n,): n - 1 for n in (1, 2, 3)}}
    )
    trials = (
        (
            Variant("as it is", (made.one, made.other)),
            Trial(failed, failed if between is None else between, 18, shown, ()),
        ),
        (Variant("with the fix of this finding", (made.one, made.other), fix=True), Trial(0, 0, 18, shown, ())),
    )
    status = "proven" if failed and between != 0 else "not proven"
    mended = tuple(variants(queue.project, queue.hazard("LCK205"), made, fixable=True))[-1]
    forms = (queue.scripts(made), queue.experiment(made).scripts(mended.sides, PLAIN))
    return Proof(FINDING, status, "", made, trials, forms, None, "15.1", {"job": 4})  # type: ignore[arg-type]


def lines(queue: Written, proof: Proof, width: int | None = None) -> list[str]:
    return list(Transcript(Places(queue.project.linker), Style(), width).lines(proof))


def test_the_documents_show_the_sides(queue: Written) -> None:
    one, other = queue.scripts(queue.duel("LCK205"))
    writer = Transcript(Places(queue.project.linker), Style())
    sides = "\n".join((*writer.side(0, one), "", *writer.side(1, other)))
    assert f"```text\n{sides}\n```\n" in (REPOSITORY / "docs" / "prove.md").read_text(encoding="utf-8")


def test_a_proof_tells_one_interleaving(queue: Written) -> None:
    text = "\n".join(lines(queue, proof_of(queue, 3)))
    assert text.startswith("LCK205 lock-order-inversion: proven\n  worker.py:11:11\n")
    assert "As it is: 3 of 18 interleavings end in a deadlock.\n  One of them." in text
    assert "    A1 is done, it has row 1 of job\n    B1 waits for A; A holds row 1 of job\n" in text
    assert "    B1 fails: 40P01 deadlock detected\n" in text
    assert "With the fix of this finding: 0 of 18 interleavings end in a deadlock." in text


def test_what_did_not_fail_is_not_told_as_an_interleaving(queue: Written) -> None:
    text = "\n".join(lines(queue, proof_of(queue, 0)))
    assert "One of them" not in text
    assert text.endswith("Not proven: no deadlock in 18 interleavings. That is no proof of its absence.")


@pytest.mark.parametrize("width", [None, 60, 80])
def test_lines_fit(queue: Written, width: int | None) -> None:
    assert max(map(len, lines(queue, proof_of(queue, 3), width))) <= (width or 80)


def test_what_is_missing_is_told(queue: Written) -> None:
    proof = Proof(FINDING, "not derived", "the table is not known")
    assert lines(queue, proof)[-1] == "  What is missing: the table is not known."


def test_counts_of_all_forms(queue: Written) -> None:
    assert closing(proof_of(queue, 3)).startswith(
        "Proven. Interleavings that the database fails: as it is 3 of 18; with the fix of this finding 0 of 18."
    )


def test_rows_that_are_skipped(queue: Written) -> None:
    made = queue.duel("LCK205")
    shown = Shown(PLAIN, Schedule((0,)), queue.scripts(made), Outcome((Event("done", 0, 0),)))
    assert list(Teller(made, shown).lines()) == ["A1 is done, it gets no row"]


def test_a_form_is_told_by_what_it_sends(queue: Written) -> None:
    text = "\n".join(lines(queue, proof_of(queue, 3)))
    assert (
        "With the fix of this finding: 0 of 18 interleavings end in a deadlock.\n"
        "  | A: SELECT job.id FROM job JOIN run ON job.run_id = run.id WHERE job.id = 1\n"
        "  |   FOR UPDATE OF job\n" in text
    )
    assert "| B:" not in text


def test_deadlocks_elsewhere_are_told_apart(queue: Written) -> None:
    text = "\n".join(lines(queue, proof_of(queue, 3, between=1)))
    assert "As it is: 3 of 18 interleavings end in a deadlock, 1 of them between A1 and B2." in text
    assert "Proven." in text


def test_deadlocks_that_are_all_elsewhere_prove_nothing(queue: Written) -> None:
    text = "\n".join(lines(queue, proof_of(queue, 3, between=0)))
    assert "As it is: 3 of 18 interleavings end in a deadlock, none of them between A1 and B2." in " ".join(
        text.split()
    )
    told = "Not proven: no deadlock between A1 and B2, which the finding is about. Others came up."
    assert " ".join(text.split()).endswith(told)
