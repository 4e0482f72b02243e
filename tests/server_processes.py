"""What servers of tests have in common: as whom they run, and commands whose output is kept."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


def unprivileged(*names: str) -> dict[str, Any]:
    """How root starts a process as the first of these users, or as nobody: servers do not run as root. Else empty."""
    if os.geteuid() != 0:
        return {}
    users = {user.pw_name: user for user in pwd.getpwall()}
    found = [users[name] for name in (*names, "nobody") if name in users]
    if not found:
        pytest.skip(f"a server does not run as root, and there is neither a user {' nor '.join((*names, 'nobody'))}")
    return {"user": found[0].pw_uid, "group": found[0].pw_gid, "extra_groups": []}


def give(folder: Path, owner: dict[str, Any]) -> None:
    """Hand a folder to the user of `unprivileged`."""
    if owner:
        os.chown(folder, owner["user"], owner["group"])


def run(folder: Path, command: Sequence[str | Path], owner: dict[str, Any]) -> None:
    """Run a command in `folder`; where it fails, so does the test, with what it said."""
    environment = {**os.environ, "LC_ALL": "C", "HOME": str(folder)}
    log = folder / "commands.log"
    with log.open("ab") as output:
        done = subprocess.run(command, stdout=output, stderr=output, cwd=folder, env=environment, check=False, **owner)
    if done.returncode:
        pytest.fail(f"{Path(command[0]).name} failed:\n{log.read_text(errors='replace')}", pytrace=False)
