"""What a write rests on: the tests of the `if`s round it, and of those that leave before it."""

from __future__ import annotations

from textwrap import indent

import pytest

from lockcheck.linking.derived import looks_at
from lockcheck.linking.events import Decision, Write
from lockcheck.linking.values import AttributeOf, FromOperation, Instance, each
from tests.linked import Linked, link

HELPERS = """
def is_done(state):
    return state == "done"

def is_over(job):
    job.name
    return job.state == "done"

def refuse(session, job):
    session.flush()
    if job.state == "done":
        raise ValueError
"""


def run(body: str) -> Linked:
    return link(
        HELPERS + "\ndef f(session: Session, key):\n    job = session.get_one(Job, key)\n" + indent(body, "    ")
    )


def rests(linked: Linked) -> list[tuple[str | None, set[str]]]:
    """How the write rests on each decision before it, with the attributes that the decision looks at."""
    trace = linked.trace()
    write = next(step for step in trace.steps if isinstance(step.detail, Write))
    found: list[tuple[str | None, set[str]]] = []
    for step in trace.steps[: write.number]:
        if isinstance(step.detail, Decision):
            names = {test.subject.name for test in step.detail.tests if isinstance(test.subject, AttributeOf)}
            found.append((trace.decided_by(step, write), names))
    return found


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ('if job.state == "new":\n    job.state = "old"\n', "inside"),
        ('if job.state == "new":\n    pass\nelse:\n    job.state = "old"\n', "inside"),
        ('if job.state == "new":\n    return\njob.state = "old"\n', "left"),
        ('if job.state == "new":\n    raise ValueError\njob.state = "old"\n', "raised"),
        ('if job.state == "new":\n    print(key)\njob.state = "old"\n', None),
        ('for _ in key:\n    if job.state == "new":\n        continue\n    job.state = "old"\n', "left"),
        ('for _ in key:\n    if job.state == "new":\n        break\njob.state = "old"\n', None),
        ('try:\n    if job.state == "new":\n        raise E\nexcept E:\n    pass\njob.state = "old"\n', None),
        ('fresh = job.state == "new"\nif not fresh:\n    job.state = "old"\n', "inside"),
        ('if is_done(job.state):\n    job.state = "old"\n', "inside"),
        ('match job.state:\n    case "new":\n        job.state = "old"\n', "inside"),
    ],
)
def test_write_rests_on_a_test(body: str, how: str | None) -> None:
    assert rests(run(body)) == [(how, {"state"})]


def test_write_rests_on_a_refusal_in_a_callee() -> None:
    assert rests(run('refuse(session, job)\njob.state = "old"\n')) == [("raised", {"state"})]


def test_decision_names_the_calls_it_rests_on() -> None:
    trace = run('if refuse(session, job):\n    job.state = "old"\n').trace()
    decisions = [step.detail for step in trace.steps if isinstance(step.detail, Decision) and not step.calls]
    assert [len(decision.calls) for decision in decisions] == [1]


PROPERTIES = """
class Doc(Base):
    __tablename__ = "doc"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    done_at: Mapped[int | None]

    @property
    def done(self):
        return self.done_at is not None

    @property
    def open(self):
        return not self.done and self.state != "lost"

    def is_lost(self):
        return self.state == "lost"

    @done.setter
    def done(self, value):
        self.state = value
"""


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("state", {"state"}),
        ("done", {"done_at"}),
        ("open", {"done_at", "state"}),
        ("is_lost", {"state"}),
        ("nothing", set()),
    ],
)
def test_columns_behind_an_attribute(name: str, columns: set[str]) -> None:
    linked = link("from sqlalchemy.orm import Mapped, mapped_column\n" + PROPERTIES)
    linker = linked.project.linker
    mapped = linker.declarations.mapped("app.Doc")
    assert mapped is not None
    assert looks_at(linker, mapped, name) == columns


GROUPS = [
    "groups = defaultdict(list)\nfor job in rows:\n    groups[job.name].append(job)\n",
    "groups = {}\nfor job in rows:\n    groups.setdefault(job.name, []).append(job)\n",
]


@pytest.mark.parametrize("grouping", GROUPS)
@pytest.mark.parametrize("loop", ["for found in groups.values():", "for _, found in groups.items():"])
def test_rows_are_followed_through_groups(grouping: str, loop: str) -> None:
    body = f"{grouping}{loop}\n    for one in found:\n        one.state = None\n"
    text = "from collections import defaultdict\ndef f(session: Session):\n    rows = session.scalars(select(Job))\n"
    assert sources(link(text + indent(body, "    "))) == {FromOperation}


def test_rows_of_a_query_that_a_loop_executes() -> None:
    linked = link("def f(session: Session):\n    for one in session.query(Job):\n        one.state = None\n")
    assert sources(linked) == {FromOperation}


def test_rows_of_a_result_that_is_handed_on() -> None:
    linked = link(
        "def g(rows):\n    for one in rows:\n        one.state = None\n\n"
        "def f(session: Session):\n    g(session.scalars(select(Job)))\n"
    )
    assert sources(linked) == {FromOperation}


def test_object_that_a_helper_hands_back() -> None:
    linked = link(
        "def there(job: Job | None) -> Job:\n    assert job\n    return job\n\n"
        "def f(session: Session):\n    there(session.get(Job, 1)).state = None\n"
    )
    assert sources(linked) == {FromOperation}


def sources(linked: Linked) -> set[type]:
    """Where the rows come from that are written."""
    writes = (step.detail for step in linked.trace().steps if isinstance(step.detail, Write))
    return {type(part.origin) for write in writes for part in each(write.instance) if isinstance(part, Instance)}
