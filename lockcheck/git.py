"""Asks git: always about the repository that holds a folder, whatever the environment of a hook says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


class GitError(Exception):
    """Why git has no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What git said; `status` is its exit status."""

    status: int
    output: bytes
    complaint: str

    @property
    def text(self) -> str:
        return os.fsdecode(self.output).strip()


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with a working tree. `root` is spelled as the user's paths are: symbolic links above it stay."""

    root: Path

    def ask(self, *arguments: str, given: bytes | None = None) -> Answer:
        """Run git in the repository's folder. Raises GitError where there is no git."""
        return ask(self.root, *arguments, given=given)

    def demand(self, *arguments: str, given: bytes | None = None) -> bytes:
        """The output of a command that must succeed. Raises GitError."""
        answer = self.ask(*arguments, given=given)
        if answer.status != 0:
            raise GitError(answer.complaint or f"git {arguments[0]} failed with status {answer.status}")
        return answer.output

    def inside(self, path: Path) -> str:
        """A path below `root` as git spells it."""
        return path.relative_to(self.root).as_posix()

    @property
    def is_shallow(self) -> bool:
        return self.ask("rev-parse", "--is-shallow-repository").text == "true"


def environment() -> dict[str, str]:
    """The environment without what a hook sets for its own repository; messages in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}


def ask(folder: Path | str, *arguments: str, given: bytes | None = None) -> Answer:
    """Run git in a folder. Raises GitError where there is no git."""
    command = ("git", "-c", "core.fsmonitor=false", *arguments)
    try:
        done = subprocess.run(  # noqa: S603 - git is told what to do by arguments only
            command, cwd=folder, env=environment(), input=given or b"", capture_output=True, check=False
        )
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror or error}") from error
    lines = os.fsdecode(done.stderr).strip().splitlines()
    complaint = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else "")
    return Answer(done.returncode, done.stdout, complaint.partition(": ")[2] or complaint)


def repository_of(folder: Path) -> Repository:
    """The repository whose working tree holds a folder. Raises GitError."""
    answer = ask(folder, "rev-parse", "--show-toplevel", "--show-prefix")
    if answer.status != 0:
        raise GitError(_why_none(folder, answer))
    top, _, prefix = answer.output.partition(b"\n")
    root = Path(os.fsdecode(top))
    depth = len([part for part in os.fsdecode(prefix.rstrip(b"\n")).split("/") if part])
    spelled = folder.parents[depth - 1] if depth else folder
    return Repository(spelled if spelled.samefile(root) else root)


def _why_none(folder: Path, answer: Answer) -> str:
    if "not a git repository" in answer.complaint:
        return f"{folder} is not in a git repository"
    if "must be run in a work tree" in answer.complaint:
        return f"{folder} is in a git repository that has no working tree"
    return answer.complaint or f"{folder} is not in a git repository"


def separated(output: bytes) -> Iterator[str]:
    """The items of an output that `-z` ends by NUL."""
    return (os.fsdecode(item) for item in output.split(b"\0") if item)


def blobs(repository: Repository, names: Iterable[str]) -> Iterator[bytes]:
    """The contents of blobs, by object name, in the order given. Raises GitError for one that is not there."""
    wanted = list(names)
    if not wanted:
        return
    output = repository.demand("cat-file", "--batch", given="".join(f"{name}\n" for name in wanted).encode())
    at = 0
    for name in wanted:
        end = output.index(b"\n", at)
        head = output[at:end].split(b" ")
        if len(head) != 3 or head[1] != b"blob":  # noqa: PLR2004 - `<name> blob <size>`
            raise GitError(f"the object {name} is missing from this clone")
        start = end + 1
        at = start + int(head[2]) + 1
        yield output[start : at - 1]
