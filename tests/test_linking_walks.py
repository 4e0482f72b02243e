"""The order in which a loop walks, as far as it can be told."""

from __future__ import annotations

import pytest

from lockcheck.linking.events import EnterLoop
from lockcheck.linking.walks import order
from tests.linked import link

ORDERS = {
    "ids": "given",
    "sorted(ids)": "sorted",
    "sorted(ids, key=other)": "sorted",
    "sorted(set(ids))": "sorted",
    "reversed(sorted(ids))": "sorted",
    "list(sorted(ids))": "sorted",
    "set(sorted(ids))": "set",
    "list(set(ids))": "set",
    "{i for i in ids}": "set",
    "[i for i in set(ids)]": "set",
    "[i for i in sorted(ids) if i]": "sorted",
    "enumerate(sorted(ids))": "sorted",
    "enumerate(ids)": "given",
    "sorted(ids)[1:]": "sorted",
    "set(ids) - {1}": "set",
    "ids.items()": "mapping",
    "sorted(ids.items())": "sorted",
    "dict(sorted(ids.items())).items()": "sorted",
    "dict(ids.items()).values()": "mapping",
    "(3, 1, 2)": "fixed",
    "range(3)": "unknown",
    "other()": "unknown",
    "session.scalars(select(Job))": "rows",
    "session.scalars(select(Job).order_by(Job.id))": "sorted",
    "session.scalars(select(Job).order_by(Job.id)).all()": "sorted",
    "session.query(Job).all()": "rows",
    "session.query(Job).order_by(Job.id)": "sorted",
    "{job.id for job in session.scalars(select(Job).order_by(Job.id))}": "set",
    "[ids[i : i + 9] for i in range(0, len(ids), 9)]": "given",
    "[sorted(ids)[i : i + 9] for i in range(0, len(ids), 9)]": "sorted",
}


@pytest.mark.parametrize("walked", ORDERS)
def test_order(walked: str) -> None:
    project = link(f"def f(session: Session, ids):\n    for x in {walked}:\n        session.get(Job, x)\n")
    loops = [step.detail for step in project.trace().steps if isinstance(step.detail, EnterLoop)]
    assert order(loops[-1].iterable) == ORDERS[walked]


IN_PLACE = {
    "found = list(ids)\n    found.sort()": "sorted",
    "found = []\n    for i in sorted(ids):\n        found.append(i)": "sorted",
    "found = []\n    for i in ids:\n        found.append(i)": "given",
    "found = set()\n    for i in sorted(ids):\n        found.add(i)": "set",
}


@pytest.mark.parametrize("made", IN_PLACE)
def test_order_of_what_was_made_before(made: str) -> None:
    text = f"def f(session: Session, ids):\n    {made}\n    for x in found:\n        session.get(Job, x)\n"
    loops = [step.detail for step in link(text).trace().steps if isinstance(step.detail, EnterLoop)]
    assert order(loops[-1].iterable) == IN_PLACE[made]
