"""What the counts of a proof say, and what not."""

from __future__ import annotations

from lockcheck.prove.laboratory import Trial
from lockcheck.prove.proof import Proof
from lockcheck.reporting.style import plural


def counted(proof: Proof, trial: Trial, *, whole: bool) -> str:
    """How many interleavings of a form failed; for the code as it is (`whole`), how many of them as the finding
    says."""
    told = f"{trial.failed:,} of {plural(trial.total, 'interleaving')} {_verb(proof, trial)}"
    if not whole or trial.failed == trial.between or proof.duel is None:
        return told
    return f"{told}, {trial.between or 'none'} of them between {_acts(proof)}"


def _verb(proof: Proof, trial: Trial) -> str:
    """What interleavings that show the hazard do."""
    one = trial.failed == 1
    if proof.duel is not None and proof.duel.waits:
        return "lets B wait for A" if one else "let B wait for A"
    return f"{'ends' if one else 'end'} in a {_kind(proof)}"


def _kind(proof: Proof) -> str:
    if proof.duel is not None and proof.duel.waits:
        return "wait"
    return "duplicate key" if proof.duel is not None and proof.duel.race else "deadlock"


def _acts(proof: Proof) -> str:
    one, other = proof.duel.last if proof.duel is not None else (0, 0)
    return f"A{one + 1} and B{other + 1}"


def closing(proof: Proof) -> str:
    """The last words of a transcript."""
    (_, first), *others = proof.trials
    if not first.failed:
        return (
            f"Not proven: no {_kind(proof)} in {plural(first.total, 'interleaving')}. That is no proof of its absence."
        )
    if not first.between:
        return f"Not proven: no {_kind(proof)} between {_acts(proof)}, which the finding is about. Others came up."
    counts = [f"as it is {first.failed:,} of {first.total:,}"]
    counts += [f"{variant.title} {trial.failed:,} of {trial.total:,}" for variant, trial in others]
    what = "in which B waits for A" if proof.duel is not None and proof.duel.waits else "that the database fails"
    told = f"Proven. Interleavings {what}: {'; '.join(counts)}."
    if proof.fixed is not None and proof.fixed.failed:
        cure = next((variant.title for variant, trial in others if not trial.failed), None)
        told += " The fix of this finding alone is not enough" + (f", {cure} none is left." if cure else ".")
    return f"{told} Such counts show whether a hazard is there, not how often it is met."
