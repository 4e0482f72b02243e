"""Values that rest on each other, round a loop: found anew each time, as often as is of use."""

from __future__ import annotations

from collections import Counter

import pytest

from lockcheck import facts
from lockcheck.linking import frame
from tests.linked import link

CONDITIONS = 14


def grown_text() -> str:
    """A text that each turn of a loop makes longer, under one condition after another."""
    lines = ["def f(session: Session, rows):", "    text = ''", "    for row in rows:"]
    for number in range(CONDITIONS):
        lines += [f"        if row.a{number}:", f"            text = text + row.a{number}"]
    return "\n".join([*lines, "    session.execute(select(Job).where(Job.name == text))", ""])


def test_conditions_do_not_multiply(monkeypatch: pytest.MonkeyPatch) -> None:
    found: Counter[int] = Counter()
    joined = frame.EVALUATORS[facts.Join]

    def counted(self: frame.Frame, fact: facts.Join, number: int) -> object:
        found[number] += 1
        return joined(self, fact, number)

    monkeypatch.setitem(frame.EVALUATORS, facts.Join, counted)
    monkeypatch.setattr(frame, "MAX_PARTIAL", 200)
    linked = link(grown_text())
    assert any(step.detail for step in linked.trace().steps)
    assert CONDITIONS < found.total() < 1_000
