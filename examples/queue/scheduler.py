"""What the scheduler does, over and over."""

from __future__ import annotations

import datetime as dt

from models import Job, Run
from sqlalchemy import update
from sqlalchemy.orm import Session


def postpone_lane(session: Session, lane: str, until: dt.datetime) -> None:
    """Writes many jobs, in the order in which the database finds them."""
    session.execute(update(Job).where(Job.lane == lane).values(due=until))
    session.commit()


def upgrade(session: Session, run_id: int, revision: int) -> None:
    """Locks a run, then its jobs."""
    run = session.get_one(Run, run_id, with_for_update={"key_share": True})
    run.revision = revision
    session.flush()
    for job in sorted(run_jobs(session, run_id), key=lambda job: job.id):
        job.priority += 1
        session.flush()
    session.commit()


def run_jobs(session: Session, run_id: int) -> list[Job]:
    return session.query(Job).filter(Job.run_id == run_id).all()
