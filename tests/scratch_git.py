"""A scratch repository with a small project whose findings are known."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockcheck import api, settings
from lockcheck.known import Known

SETTINGS = '[tool.lockcheck]\ndialects = ["postgresql"]\n'
MODELS = """\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Queue(Base):
    __tablename__ = "queue"
    id: Mapped[int] = mapped_column(primary_key=True)


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    queue_id: Mapped[int] = mapped_column(ForeignKey("queue.id"))
    queue: Mapped[Queue] = relationship(lazy="joined", innerjoin=True)
"""
HEADER = """\
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shop.models import Job


"""
CLAIM = """\
def claim(session: Session, key: int) -> Job | None:
    return session.get(Job, key, with_for_update=True)
"""
"""LCK203, with a safe fix."""
TAKE = CLAIM.replace("claim", "take")
SWEEP = """\
def sweep(session: Session, queue: int) -> None:
    session.execute(update(Job).where(Job.queue_id == queue).values(label="lost"))
"""
"""LCK201, where something else locks many rows of job."""
MARK = """\
def mark(session: Session, queue: int) -> None:
    session.execute(select(Job.id).where(Job.queue_id == queue).order_by(Job.id).with_for_update()).all()
"""
PACKAGE = {"pyproject.toml": SETTINGS, "shop/__init__.py": "", "shop/models.py": MODELS}


def module(*functions: str) -> str:
    return HEADER + "\n\n".join(functions)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]
    allowed = ["-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", *identity, *allowed, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8", newline="")


def commit(root: Path, files: Mapping[str, str] | None = None, message: str = "change") -> str:
    """Write files and commit everything; the commit."""
    write(root, files or {})
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(root, "rev-parse", "HEAD")


def repository(root: Path, files: Mapping[str, str]) -> None:
    """A repository whose first commit is tagged `base`."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "--quiet")
    commit(root, {**PACKAGE, **files})
    git(root, "tag", "base")


def report(*paths: str | Path, since: str | None = "base", **given: Any) -> api.Report:
    """What a run reports."""
    places = [Path(path) for path in paths or (".",)]
    return api.analyse(places, settings.load(Path()), known=Known(since, **given))


def found(outcome: api.Report) -> list[str]:
    """Rule, file and function of each finding."""
    return [f"{item.code} {item.place.path} {item.symbol}" for item in outcome.findings]
