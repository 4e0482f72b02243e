"""What happened in one interleaving, event by event, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockcheck.prove.acts import Duel
from lockcheck.prove.laboratory import Shown
from lockcheck.prove.run import Event
from lockcheck.prove.script import Script

NAMES = ("A", "B", "the third session")


class Teller:
    """Tells the events of an interleaving. Rows go by their number in the order of the key."""

    def __init__(self, duel: Duel | None, shown: Shown) -> None:
        self._duel = duel
        self._shown = shown
        self._keys = shown.keys

    def lines(self) -> Iterator[str]:
        for event in self._shown.outcome.events:
            yield from self._told(event)

    def _told(self, event: Event) -> Iterator[str]:
        name = NAMES[event.session]
        if event.kind == "holds":
            rows = self._rows(self._table, event.rows)
            yield f"{name} holds {rows}" if rows else f"{name} finds its row locked"
        elif event.kind == "lets go":
            yield f"{name} lets go"
        elif event.kind == "ended":
            how = "commits" if self._duel is not None and self._duel.race else "ends"
            yield f"{name} {how}"
        elif event.kind == "failed":
            yield from self._failed(event)
        elif event.kind == "waits":
            others = " and ".join(NAMES[other] if other >= 0 else "somebody else" for other in event.waits_for)
            yield f"{self._label(event)} waits for {others}{self._held(event)}"
        else:
            yield self._done(event)

    def _done(self, event: Event) -> str:
        if self._script(event).operations[event.operation].pauses:
            return f"{NAMES[event.session]} goes on"
        return f"{self._label(event)} is done{self._has(event)}"

    def _failed(self, event: Event) -> Iterator[str]:
        failure = event.failure
        if failure is None:
            return
        yield f"{self._label(event)} fails: {failure.sqlstate} {failure.message}"
        for line in (*failure.detail.splitlines(), *failure.context.splitlines()):
            yield f"  {line}"

    def _label(self, event: Event) -> str:
        script = self._script(event)
        return f"{NAMES[event.session]}{script.operations[event.operation].number + 1}"

    def _script(self, event: Event) -> Script:
        return self._shown.scripts[event.session]

    @property
    def _table(self) -> str:
        return self._duel.table if self._duel is not None else ""

    def _has(self, event: Event) -> str:
        script = self._script(event)
        line = script.lines[script.operations[event.operation].number]
        rows = self._rows(line.table, event.rows)
        if line.looks:
            return f", it finds {rows or 'no row'}"
        return f", it has {rows}" if rows else ", it gets no row"

    def _held(self, event: Event) -> str:
        """Who holds which rows at that time."""
        found = ((NAMES[held.session], self._rows(held.table, held.keys)) for held in event.held)
        return "".join(f"; {name} holds {rows}" for name, rows in found if rows)

    def _rows(self, table: str, keys: tuple[Any, ...]) -> str:
        numbers = [number for key in keys if (number := self._number(table, key)) is not None]
        return self._list(table, numbers)

    def _number(self, table: str, key: Any) -> int | None:
        return self._keys.get(table, {}).get(tuple(key))

    def _list(self, table: str, numbers: list[int]) -> str:
        if not numbers:
            return ""
        word = "row" if len(numbers) == 1 else "rows"
        return f"{word} {', '.join(str(number + 1) for number in numbers)} of {table}"
