"""A proof as a person reads it: both sides with their SQL, what was replaced, one interleaving, counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockcheck.plans import Target
from lockcheck.prove.closing import closing, counted
from lockcheck.prove.events import Teller
from lockcheck.prove.laboratory import Shown, Trial
from lockcheck.prove.places import Places
from lockcheck.prove.proof import Proof
from lockcheck.prove.script import Line, Operation, Script, text_of
from lockcheck.prove.variants import Variant
from lockcheck.prove.worlds import PLANS
from lockcheck.reporting.style import Style, cells, printable, wrapped

WIDTH = 80
NAMES = ("A", "B")
COLOURS = {"proven": "red", "not proven": "green", "not derived": "yellow"}


class Transcript:
    """Sets the lines of proofs for a width."""

    def __init__(self, places: Places, style: Style, width: int | None = None) -> None:
        self._places = places
        self._style = style
        self._width = max(width or WIDTH, 40)

    def lines(self, proof: Proof) -> Iterator[str]:
        """All of a proof."""
        yield from self._head(proof)
        if proof.duel is None:
            return
        yield ""
        if not proof.trials:
            yield from self._refused(proof)
            return
        shown = proof.trials[0][1].shown
        yield from self.side(0, shown.scripts[0])
        yield ""
        same = proof.duel.one == proof.duel.other
        yield from self._same(*shown.scripts) if same else self.side(1, shown.scripts[1])
        yield ""
        yield from self._world(proof)
        for number, (variant, trial) in enumerate(proof.trials):
            yield ""
            yield from self._trial(proof, variant, trial, whole=number == 0)
            if number and proof.forms:
                yield from self._changes(proof.forms[0], proof.forms[number])
        yield ""
        yield from self._prose(closing(proof))

    # --- the head ----------------------------------------------------------------------------------------------------

    def _head(self, proof: Proof) -> Iterator[str]:
        finding = proof.finding
        code = self._style.paint(finding.code, "bold")
        status = self._style.paint(proof.status, COLOURS[proof.status], "bold")
        yield f"{code} {finding.name}: {status}"
        yield f"  {printable(finding.place.path)}:{finding.place.line}:{finding.place.column}"
        yield f"  in {printable(finding.symbol)}"
        if proof.status == "not derived":
            yield from self._prose(f"What is missing: {proof.reason}.", "  ")

    def _refused(self, proof: Proof) -> Iterator[str]:
        failure = proof.refusal
        if failure is not None:
            text = f"PostgreSQL {proof.version} does not accept the statement: {failure.sqlstate} {failure.message}"
            yield from self._prose(text)

    # --- sides -------------------------------------------------------------------------------------------------------

    def side(self, number: int, script: Script) -> Iterator[str]:
        """One transaction: its acts with their places, their SQL, and what stands for what."""
        name = NAMES[number]
        yield from self._prose(f"Transaction {name}, {self._places.short(script.entry)}:", paint="bold")
        known: tuple[Target, ...] = ()
        for act, line in enumerate(script.lines):
            yield from self._line(f"{name}{act + 1}", line, script.of(act), line.calls[_common(known, line.calls) :])
            known = line.calls

    def _same(self, script: Script, other: Script) -> Iterator[str]:
        """The other side where both send the same."""
        yield from self._prose(f"Transaction B, {self._places.short(script.entry)}:", paint="bold")
        yield from self._prose("another run of the same code", "  ")
        for act, (line, one) in enumerate(zip(other.lines, script.lines, strict=True)):
            if line.order != one.order:
                yield from self._prose(f"- B{act + 1}: {_order(line.order)}", "  ")

    def _line(self, label: str, line: Line, operations: Sequence[Operation], calls: Sequence[Target]) -> Iterator[str]:
        room = " " * (cells(label) + 3)
        for call in calls:
            yield f"{room}{printable(self._places.of(call))} calls"
        place = "not in the code" if line.made_up else printable(self._places.of(line.site))
        yield f"  {self._style.paint(label, 'cyan')} {place}"
        yield from self._prose(line.does, room, paint="yellow")
        for operation in operations[:1]:
            yield from self._prose(text_of(operation.sql), f"{room}| ", rest=f"{room}|   ")
            if operation.instead is not None:
                yield from self._prose(f"or, where the row was found: {text_of(operation.instead)}", f"{room}| ")
        if line.order:
            yield from self._prose(_order(line.order), f"{room}- ", rest=f"{room}  ")
        for note in line.notes:
            yield from self._prose(note, f"{room}- ", rest=f"{room}  ")

    def _world(self, proof: Proof) -> Iterator[str]:
        rows = ", ".join(f"{name} {count}" for name, count in sorted(proof.rows.items()))
        yield from self._prose(f"PostgreSQL {proof.version}; rows by table: {rows}.")
        for spot in proof.apart:
            yield from self._prose(f"No row meets all conditions on {spot}: some rows are for A, others for B.")
        if proof.left_out:
            yield from self._prose(f"Left out: {', '.join(proof.left_out)}.")

    # --- trials ------------------------------------------------------------------------------------------------------

    def _trial(self, proof: Proof, variant: Variant, trial: Trial, *, whole: bool) -> Iterator[str]:
        title = f"{variant.title[:1].upper()}{variant.title[1:]}: {counted(proof, trial, whole=whole)}."
        yield from self._prose(title, paint="red" if trial.failed else "green")
        for failure in trial.others:
            yield from self._prose(f"Other errors came up, too: {failure.sqlstate} {failure.message}.", "  ")
        if whole and trial.failed:
            yield from self._shown(proof, trial.shown)

    def _changes(self, old: tuple[Script, Script], new: tuple[Script, Script]) -> Iterator[str]:
        """What a form sends in place of the first: the beginning of each act that is another."""
        told: list[tuple[str, tuple[int, ...]]] = []
        for name, before, after in zip(NAMES, old, new, strict=True):
            known = [_sent(before, act) for act in range(len(before.lines))]
            for sent in (_sent(after, act) for act in range(len(after.lines))):
                if sent in known or sent in told:
                    continue
                told.append(sent)
                yield from self._prose(f"{name}: {sent[0]}", "  | ", rest="  |   ")
                if sent[1]:
                    yield from self._prose(_order(sent[1]), "  - ", rest="    ")

    def _shown(self, proof: Proof, shown: Shown) -> Iterator[str]:
        """One interleaving, step by step."""
        order = ", ".join(str(number + 1) for number in shown.world.heap)
        heap = (
            "" if proof.duel is not None and proof.duel.race else f" The rows stand in the table in the order {order}."
        )
        yield from self._prose(f"One of them.{heap}", "  ")
        for (session, act), plan in sorted(shown.plans.items()):
            if plan:
                off = f" ({', '.join(PLANS[shown.world.plans[session]])} are off)"
                yield from self._prose(f"{NAMES[session]}{act + 1} finds its rows by {plan}{off}.", "  ")
        if shown.processes:
            one, other = shown.processes[:2]
            yield from self._prose(f"A is process {one} of the server, B is {other}.", "  ")
        for text in Teller(proof.duel, shown).lines():
            yield from self._prose(text, "    ", rest="      ")

    def _prose(self, text: str, indent: str = "", *, rest: str | None = None, paint: str = "") -> Iterator[str]:
        following = indent if rest is None else rest
        room = max(self._width - max(cells(indent), cells(following)), 20)
        for number, line in enumerate(wrapped(printable(text), room)):
            yield f"{following if number else indent}{self._style.paint(line, paint) if paint else line}"


def _sent(script: Script, act: int) -> tuple[str, tuple[int, ...]]:
    """The first statement of an act, and the order of its rows."""
    return text_of(script.of(act)[0].sql), script.lines[act].order


def _order(rows: Sequence[int]) -> str:
    return f"rows in the order {', '.join(str(number + 1) for number in rows)}"


def _common(one: Sequence[Target], other: Sequence[Target]) -> int:
    """How many calls two ways share from their beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
