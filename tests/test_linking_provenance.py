"""Which rows a write reaches: those that a lock of the same transaction returned, whatever they were kept in."""

from __future__ import annotations

from textwrap import indent

import pytest

from lockcheck.linking.events import Execute, Write
from lockcheck.linking.origins import varies
from tests.linked import Linked, comes_from, link

LOCK = """
jobs = session.scalars(select(Job).where(Job.state == "a").order_by(Job.id).with_for_update()).all()
"""
UPDATE = "session.execute(update(Job).where(Job.id.in_({})).values(state='b'))\n"


def run(body: str) -> Linked:
    parameters = "session: Session, key: int, keys: list[int], flag: bool, given"
    return link(f"from app_library import pick\n\ndef f({parameters}):\n{indent(body.strip(), '    ')}\n")


def locked_before(project: Linked) -> int:
    """How many earlier locks hold the rows that the last statement reaches."""
    trace = project.trace()
    last = [step for step in trace.steps if isinstance(step.detail, Execute)][-1]
    assert isinstance(last.detail, Execute)
    return len(project.project.locked_before(trace, last, last.detail.statement))


KEPT_IN = {
    "list": "ids = [job.id for job in jobs]\n",
    "set": "ids = {job.id for job in jobs}\n",
    "list of a generator": "ids = list(job.id for job in jobs)\n",
    "some of them": "ids = [job.id for job in jobs if job.priority > 3]\n",
    "a slice": "ids = [job.id for job in jobs][:10]\n",
    "sorted": "ids = sorted(job.id for job in jobs)\n",
    "append": "ids = []\nfor job in jobs:\n    ids.append(job.id)\n",
    "append in a branch": "ids = []\nfor job in jobs:\n    if job.priority > 3:\n        ids.append(job.id)\n",
    "add": "ids = set()\nfor job in jobs:\n    ids.add(job.id)\n",
    "extend": "ids = []\nids.extend(job.id for job in jobs)\n",
    "augmented": "ids = []\nfor job in jobs:\n    ids += [job.id]\n",
    "dict by key": "found = {job.id: job for job in jobs}\nids = list(found)\n",
    "keys of a dict": "found = {job.id: job for job in jobs}\nids = found.keys()\n",
    "values of a dict": "found = {job.name: job.id for job in jobs}\nids = found.values()\n",
    "items of a dict": "found = {job.id: job for job in jobs}\nids = [key for key, _ in found.items()]\n",
    "dict filled in a loop": "found = {}\nfor job in jobs:\n    found[job.id] = job\nids = list(found)\n",
    "pairs": "pairs = [(job.id, job.name) for job in jobs]\nids = [one for one, _ in pairs]\n",
    "zip": "ids = [job.id for job, _ in zip(jobs, given)]\n",
    "enumerate": "ids = [job.id for _, job in enumerate(jobs)]\n",
    "objects in another list": "chosen = [job for job in jobs if job.priority]\nids = [job.id for job in chosen]\n",
    "the first": "ids = [jobs[0].id]\n",
    "two of them": "first, second, *_ = jobs\nids = [first.id, second.id]\n",
    "a helper": "ids = ids_of(jobs)\n",
    "a filter": "ids = [job.id for job in filter(None, jobs)]\n",
    "reversed": "ids = [job.id for job in reversed(jobs)]\n",
}


@pytest.mark.parametrize("body", KEPT_IN.values(), ids=KEPT_IN)
def test_keys_of_locked_rows(body: str) -> None:
    helper = "def ids_of(jobs):\n    return [job.id for job in jobs]\n\n"
    parameters = "session: Session, key: int, keys: list[int], flag: bool, given"
    text = f"{LOCK.strip()}\n{body}{UPDATE.format('ids')}"
    project = link(f"{helper}def f({parameters}):\n{indent(text, '    ')}")
    assert locked_before(project) == 1


@pytest.mark.parametrize(
    "lock",
    [
        "ids = session.scalars(select(Job.id).order_by(Job.id).with_for_update()).all()\n",
        "ids = [row.id for row in session.execute(select(Job.id).order_by(Job.id).with_for_update())]\n",
        "ids = [row[0] for row in session.execute(select(Job.id).order_by(Job.id).with_for_update()).all()]\n",
        "ids = [one for one, in session.execute(select(Job.id).order_by(Job.id).with_for_update())]\n",
        "ids = [one for (one, name) in session.execute(select(Job.id, Job.name).with_for_update()).all()]\n",
        "ids = [row.Job.id for row in session.execute(select(Job, Run).with_for_update())]\n",
        "ids = list(session.scalars(select(Job.id).with_for_update()))\n",
        "ids = session.scalars(select(Job.id).with_for_update()).unique().all()\n",
        "ids = session.execute(select(Job.id).with_for_update()).scalars().all()\n",
        "ids = [job.id for job in session.query(Job).with_for_update()]\n",
        "ids = [job.id for job in session.query(Job).with_for_update().all()]\n",
        "ids = [session.scalars(select(Job).with_for_update()).first().id]\n",
        "ids = [session.scalar(select(Job.id).with_for_update())]\n",
    ],
)
def test_ways_to_read_keys(lock: str) -> None:
    assert locked_before(run(lock + UPDATE.format("ids"))) == 1


NOT_LOCKED = {
    "parameter": UPDATE.format("keys"),
    "read without a lock": "jobs = session.scalars(select(Job)).all()\n" + UPDATE.format("[job.id for job in jobs]"),
    "lock after": UPDATE.format("keys") + LOCK.strip() + "\n" + UPDATE.format("keys"),
    "lock of another table": "runs = session.scalars(select(Run).with_for_update()).all()\n" + UPDATE.format("keys"),
    "locked of another table": (
        "runs = session.scalars(select(Run).with_for_update(of=Run)).all()\n"
        + UPDATE.format("[run.id for run in runs]")
    ),
    "committed between": LOCK.strip() + "\nsession.commit()\n" + UPDATE.format("[job.id for job in jobs]"),
    "lock in the other branch": (
        "if flag:\n    session.scalars(select(Job).with_for_update())\nelse:\n    "
        + UPDATE.format("keys")
    ),
    "also others": (
        LOCK.strip()
        + "\nmore = session.scalars(select(Job)).all()\n"
        + UPDATE.format("[job.id for job in [*jobs, *more]]")
    ),
    "also a parameter": LOCK.strip() + "\n" + UPDATE.format("[*[job.id for job in jobs], key]"),
}  # fmt: skip


@pytest.mark.parametrize("body", NOT_LOCKED.values(), ids=NOT_LOCKED)
def test_not_locked_before(body: str) -> None:
    assert locked_before(run(body)) == 0


@pytest.mark.parametrize(
    ("where", "held"),
    [
        ("Job.id == key", 1),
        ("Job.id == key, Job.state == 'a'", 1),
        ("Job.id == given", 0),
        ("Job.run_id == key", 0),
    ],
)
def test_same_key_as_a_lock(where: str, held: int) -> None:
    body = f"""
session.scalars(select(Job).where(Job.id == key).with_for_update()).one()
session.execute(update(Job).where({where}))
"""
    assert locked_before(run(body)) == held


@pytest.mark.parametrize("method", ["with_for_update(skip_locked=True)", "with_for_update(nowait=True)"])
def test_lock_that_does_not_wait_holds_its_rows_too(method: str) -> None:
    body = f"ids = session.scalars(select(Job.id).{method}).all()\n{UPDATE.format('ids')}"
    assert locked_before(run(body)) == 1


# --- objects ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "for job in jobs:\n    job.state = 'b'  # write",
        "for job in list(jobs):\n    job.state = 'b'  # write",
        "for job in sorted(jobs, key=lambda one: one.id):\n    job.state = 'b'  # write",
        "for job in [one for one in jobs if one.priority]:\n    job.state = 'b'  # write",
        "found = {job.id: job for job in jobs}\nfor job in found.values():\n    job.state = 'b'  # write",
        "found = {job.id: job for job in jobs}\nfor _, job in found.items():\n    job.state = 'b'  # write",
        "found = {job.id: job for job in jobs}\nfor one in keys:\n    found[one].state = 'b'  # write",
        "found = {job.id: job for job in jobs}\nfor one in keys:\n    found.get(one).state = 'b'  # write",
        "while jobs:\n    job = jobs.pop()\n    job.state = 'b'  # write",
        "for _, job in enumerate(jobs):\n    job.state = 'b'  # write",
    ],
)
def test_object_from_a_container_is_a_row_of_the_query(body: str) -> None:
    project = run(f"{LOCK.strip()}\n{body}")
    written = project.at("write").detail
    assert isinstance(written, Write)
    assert comes_from(written.instance, project.executes()[0])
    assert varies(written.instance.origin)


@pytest.mark.parametrize(
    "body",
    [
        "job = session.get(Job, key)\njob.state = 'b'  # write",
        "job = session.scalars(select(Job)).first()\njob.state = 'b'  # write",
        "job = session.scalars(select(Job)).one()\njob.state = 'b'  # write",
        "job = session.execute(select(Job)).scalar_one_or_none()\njob.state = 'b'  # write",
        "job = session.query(Job).one()\njob.state = 'b'  # write",
    ],
)
def test_single_object_does_not_vary(body: str) -> None:
    project = run(body)
    written = project.at("write").detail
    assert isinstance(written, Write)
    assert comes_from(written.instance, project.executes()[0])
    assert not varies(written.instance.origin)


@pytest.mark.parametrize(
    ("body", "table"),
    [
        ("job.run.name = 'a'  # write", "run"),
        ("job.run.team.id = 3  # write", "team"),
        ("for part in job.run.parts:\n    part.state = 'a'  # write", "part"),
        ("run = job.run\nrun.name = 'a'  # write", "run"),
    ],
)
def test_object_behind_a_relationship(body: str, table: str) -> None:
    project = run(f"job = session.get(Job, key)\n{body}")
    written = project.at("write").detail
    assert isinstance(written, Write)
    assert project.locks.table(written.instance.model) == table
    assert comes_from(written.instance, project.executes()[0])


@pytest.mark.parametrize(
    "body",
    [
        "key.state = 'a'",
        "given = pick()\ngiven.state = 'a'",
        "session.info.state = 'a'",
        "Job.state = 'a'",
        "jobs = session.scalars(select(Job)).all()\njobs.state = 'a'",
    ],
)
def test_what_is_no_write_of_a_row(body: str) -> None:
    assert not [step for step in run(body).trace().steps if isinstance(step.detail, Write)]


def test_written_value_and_counter() -> None:
    project = run("job = session.get(Job, key)\njob.state = 'b'  # write\njob.priority += 1")
    written = [step.detail for step in project.trace().steps if isinstance(step.detail, Write)]
    assert [one.attribute for one in written] == ["state", "priority"]
