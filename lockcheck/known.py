"""Which findings are known already: those in a baseline, and those that were there at a commit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lockcheck import discover, pages
from lockcheck.baseline import Baseline, Entry
from lockcheck.findings import Finding, lies_in
from lockcheck.suppressions import Silenced

if TYPE_CHECKING:
    from lockcheck.matching import Key, Kind, Marked, State
    from lockcheck.settings import Settings
    from lockcheck.since import Before


@dataclass(frozen=True, slots=True)
class Known:
    """What to take for known: the revision of --since, and a baseline."""

    since: str | None = None
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True)
class Since:
    """The outcome of --since: what was compared with, how many findings of this run were `there` at that time, how
    many of that time are `gone`, and what could not be compared."""

    label: str
    there: int
    gone: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sorted:
    """Findings by whether they are known. `over` are the baseline's entries that no finding needs."""

    new: tuple[Finding, ...]
    baselined: tuple[Silenced, ...] = ()
    there: tuple[Finding, ...] = ()
    gone: tuple[Finding, ...] = ()
    over: tuple[Entry, ...] = ()


class Sieve:
    """Tells known findings from new ones."""

    def __init__(self, before: Before | None, baseline: Baseline | None) -> None:
        self.before = before
        self.baseline = baseline
        self._there: State | None = None
        self._first: tuple[frozenset[Key], frozenset[Kind]] | None = None

    def sort(self, findings: Iterable[Finding], texts: Mapping[str, str], unshown: Iterable[Finding] = ()) -> Sorted:
        """Sort all findings of the project. `unshown` are not reported, but an entry of the baseline may be theirs."""
        found = tuple(findings)
        fresh, gone = self._since(found, texts)
        listed, over = self.baseline.split(found, unshown) if self.baseline is not None else ({}, ())
        numbers = range(len(found))
        return Sorted(
            new=tuple(found[n] for n in numbers if n in fresh and n not in listed),
            baselined=tuple(Silenced(found[n], listed[n]) for n in numbers if n in listed),
            there=tuple(found[n] for n in numbers if n not in fresh and n not in listed),
            gone=gone,
            over=over,
        )

    def _since(
        self, found: tuple[Finding, ...], texts: Mapping[str, str]
    ) -> tuple[Collection[int], tuple[Finding, ...]]:
        """The numbers of findings that were not there before, and the findings that are gone."""
        if self.before is None:
            return range(len(found)), ()
        from lockcheck.matching import state, unmatched  # noqa: PLC0415 - only where states are compared

        today = state(found, texts)
        if self._there is None:
            self._there = today if self.before.there is None else self.before.there
        new, gone = unmatched(today, self._there)
        numbers = {id(item): number for number, item in enumerate(today.items)}
        fresh = {numbers[id(item)] for item in self._still(today.items, new)}
        return fresh, tuple(item.finding for item in gone)

    def _still(self, items: Iterable[Marked], new: list[Marked]) -> list[Marked]:
        """The new ones of a later look: a fix may change the statement of a finding that was there before."""
        ids = {id(item) for item in new}
        if self._first is None:
            old = frozenset(item.kind for item in items if id(item) not in ids)
            self._first = (frozenset(item.key for item in new), old)
        keys, old = self._first
        return [item for item in new if item.key in keys or item.kind not in old]

    def since(self, outcome: Sorted, reported: Collection[str]) -> Since | None:
        """What --since has to say of the files that are reported on."""
        if self.before is None:
            return None
        there = sum(lies_in(finding, reported) for finding in outcome.there)
        gone = sum(lies_in(finding, self.before.scope) for finding in outcome.gone)
        return Since(self.before.base.label, there, gone, self.before.notes)

    def removable(self, outcome: Sorted, reported: Collection[str], settings: Settings) -> tuple[Entry, ...]:
        """The entries that are not needed, among those that the run over these files could judge."""
        if self.baseline is None:
            return ()
        return tuple(entry for entry in outcome.over if judged(entry, self.baseline, reported, settings))


def judged(entry: Entry, baseline: Baseline, reported: Collection[str], settings: Settings) -> bool:
    """Whether a run over these files with these settings would find what an entry stands for: its rule runs, or is no
    rule any more, and its file is among them, or is not there any more."""
    place = baseline.place(entry)
    ran = entry.code not in pages.heads() or settings.selects(entry.code, place)
    return ran and (discover.display(place) in reported or not place.exists())
