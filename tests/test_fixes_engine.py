"""The fixing loop, over an analysis that reports words of a text and renames them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from lockcheck.findings import Edit, Finding, Fix, Place
from lockcheck.fixes.engine import Outcome, fix_until_stable
from lockcheck.fixes.lines import Lines

RENAMES = {"bad": "good", "twice": "bad", "worse": "bad = ugly", "stuck": "stuck", "broken": "(", "grow": "grow = grow"}


class Words:
    """Reports every word that `RENAMES` knows, and `ugly`, which has no fix."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.runs = 0

    def __call__(self, overlay: Mapping[str, str]) -> list[Finding]:
        self.runs += 1
        texts = {**self.files, **overlay}
        return [finding for path in sorted(texts) for finding in words(path, texts[path])]


def words(path: str, text: str) -> list[Finding]:
    found: list[Finding] = []
    for match in re.finditer(r"\b(?:bad|twice|worse|ugly|stuck|broken|grow)\b", text):
        lines = Lines(text)
        place = Place(path, *lines.position(match.start()), *lines.position(match.end()))
        new = RENAMES.get(match[0])
        fix = Fix("safe", "", (Edit(place, new),)) if new else None
        count = sum(finding.code == match[0] for finding in found)
        found.append(Finding(match[0], match[0], "", place, "f", "error", f"{match[0]}{count}", fix))
    return found


def run(
    text: str, *, applicable: Callable[[Finding], bool] = lambda _: True, bound: int = 10
) -> tuple[Outcome, str, Words]:
    words_ = Words({"a.py": text})
    outcome = fix_until_stable({"a.py": text}, words_, applicable, bound)
    return outcome, outcome.texts.get("a.py", text), words_


@pytest.mark.parametrize("text", ["", "x = 1\n", "ugly = 1\n"])
def test_nothing_to_fix(text: str) -> None:
    outcome, _, words_ = run(text)
    assert (outcome.texts, outcome.fixed, outcome.rounds, outcome.exhausted) == ({}, (), 0, False)
    assert words_.runs == 1


def test_only_applicable_fixes_are_made() -> None:
    outcome, after, _ = run("bad = twice\n", applicable=lambda finding: finding.code == "bad")
    assert after == "good = twice\n"
    assert [finding.code for finding in outcome.findings] == ["twice"]


def test_files_that_may_not_change_are_left_alone() -> None:
    words_ = Words({"a.py": "bad = 1\n", "b.py": "bad = 2\n"})
    outcome = fix_until_stable({"b.py": "bad = 2\n"}, words_, lambda _: True)
    assert outcome.texts == {"b.py": "good = 2\n"}
    assert [finding.place.path for finding in outcome.findings] == ["a.py"]


def test_all_fixes_of_a_round_take_one_look() -> None:
    outcome, after, words_ = run("bad = 1\nbad = 2\nbad = 3\n")
    assert after == "good = 1\ngood = 2\ngood = 3\n"
    assert len(outcome.fixed) == 3
    assert words_.runs == 2


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stuck", "still be reported"),
        ("worse", "would bring"),
        ("twice", "bad would still be reported"),
        ("broken", "not parse"),
        ("grow", "would bring"),
    ],
)
def test_fix_that_does_not_help_is_dropped(word: str, reason: str) -> None:
    text = f"bad = 1\n{word} = 2\nbad = 3\n"
    outcome, after, _ = run(text)
    assert after == f"good = 1\n{word} = 2\ngood = 3\n"
    assert [finding.code for finding, _ in outcome.refused] == [word]
    assert reason in outcome.refused[0][1]
    assert not outcome.exhausted


def test_fixes_near_a_fault_are_tried_apart() -> None:
    """One look at all, one at those of the files without a fault, one at the rest."""
    files = {f"{name}.py": "bad = 1\n" for name in "abdefgh"} | {"c.py": "stuck = 1\n"}
    words_ = Words(files)
    outcome = fix_until_stable(files, words_, lambda _: True)
    assert len(outcome.texts) == 7
    assert [finding.code for finding, _ in outcome.refused] == ["stuck"]
    assert words_.runs == 4


def test_overlapping_fixes_wait_for_the_next_round() -> None:
    def analyse(overlay: Mapping[str, str]) -> list[Finding]:
        text = overlay.get("a.py", "f(ab)\n")
        return [
            Finding(
                letter, "", "", Place("a.py", 1, 3, 1, 4), "f", "error", letter, Fix("safe", "", (Edit(span, new),))
            )
            for letter, new in (("a", "A"), ("b", "B"))
            if letter in text
            for span in [Place("a.py", 1, text.index(letter) + 1, 1, text.index(letter) + 2)]
        ]

    outcome = fix_until_stable({"a.py": "f(ab)\n"}, analyse, lambda _: True)
    assert outcome.texts == {"a.py": "f(AB)\n"}
    assert outcome.rounds == 2


def test_bound_is_reported() -> None:
    outcome, after, _ = run("bad = 1\n", bound=0)
    assert (after, outcome.exhausted) == ("bad = 1\n", True)


def test_looking_again_finds_nothing_more() -> None:
    _, after, _ = run("bad = twice\nworse = bad\n")
    again, same, _ = run(after)
    assert same == after
    assert not again.fixed
