"""Git and pip as processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ecosystem_check.errors import EcosystemError

_OF_A_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


def environment() -> dict[str, str]:
    """That of this process, without what git says of another repository around it; nothing asks questions."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_A_REPOSITORY}
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def output(command: Sequence[str], *, cwd: Path | None = None) -> bytes:
    """What a command prints. Raises EcosystemError, with the end of what it complained."""
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise EcosystemError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace").strip().splitlines() or ["no word of why"]
        shown = next(word for word in command if word != "--git-dir")
        raise EcosystemError(f"{Path(shown).name} ended with status {done.returncode}: {' | '.join(complaint[-3:])}")
    return done.stdout


def git(*arguments: str, cwd: Path | None = None) -> str:
    """What git prints, as text."""
    return os.fsdecode(output(["git", *arguments], cwd=cwd))
