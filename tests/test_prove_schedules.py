"""Which interleavings are run."""

from __future__ import annotations

import sqlalchemy as sa

from lockcheck.prove.schedules import MOST, Gate, Schedule, schedules
from lockcheck.prove.script import Operation, Script
from lockcheck.prove.worlds import BARE, worlds


def script(length: int, *, bulk: bool = False) -> Script:
    operation = Operation(0, sa.select(sa.literal(1)), bulk=bulk)
    return Script("f", (), (operation,) * length)


def test_one_statement_each_has_two_orders() -> None:
    assert list(schedules(script(1), script(1), 4)) == [Schedule((0, 1)), Schedule((1, 0))]


def test_all_of_both_sides_is_sent_once() -> None:
    for schedule in schedules(script(3), script(2), 4):
        assert sorted(schedule.turns) == [0, 0, 0, 1, 1]


def test_each_side_may_stop_after_each_operation() -> None:
    found = {schedule.turns for schedule in schedules(script(2), script(2), 4)}
    assert (0, 1, 0, 1) in found
    assert (0, 1, 1, 0) in found
    assert (1, 0, 1, 0) in found
    assert len(found) == 6


def test_many_operations_are_bounded() -> None:
    found = list(schedules(script(9), script(9), 4))
    assert MOST / 2 <= len(found) <= MOST
    assert {schedule.turns[0] for schedule in found} == {0, 1}


def test_each_row_is_held_while_a_bulk_statement_is_on_its_way() -> None:
    gates = [schedule for schedule in schedules(script(1, bulk=True), script(2), 3) if schedule.gate is not None]
    assert gates == [Schedule((0, 1, 1), Gate(0, 0, row)) for row in range(3)]


def test_gates_of_both_sides() -> None:
    gates = [found.gate for found in schedules(script(1, bulk=True), script(1, bulk=True), 2) if found.gate]
    assert gates == [Gate(0, 0, 0), Gate(0, 0, 1), Gate(1, 0, 0), Gate(1, 0, 1)]


def test_plans_vary_only_where_they_matter() -> None:
    assert [world.plans for world in worlds((False, False))] == [("scan", "scan")] * 3
    assert len({world.plans for world in worlds((True, True))}) == 4
    assert {world.plans for world in worlds((True, False))} == {("scan", "scan"), ("index", "scan")}


def test_rows_stand_in_several_orders_and_once_without_secondary_indexes() -> None:
    found = list(worlds((False, False)))
    assert len({world.heap for world in found}) == 3
    assert [world.indexed for world in found] == [turn != BARE for turn in range(3)]
