"""What a worker does when a job comes in."""

from __future__ import annotations

from models import Job
from sqlalchemy.orm import Session


def raise_priority(session: Session, job_id: int) -> None:
    """Means to lock one job; the eager join of Job.run locks its run as well."""
    job = session.get_one(Job, job_id, with_for_update=True)
    job.priority += 10
    session.commit()
