"""What the command line says of the cache and of worker processes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lockcheck import discover, usage
from lockcheck.cache import folder
from lockcheck.cache.identity import identity
from lockcheck.console import say
from lockcheck.linked import Means
from lockcheck.settings_files import project_root

if TYPE_CHECKING:
    from lockcheck.settings import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """The options, as given."""

    jobs: int | None = None
    cache_dir: str | None = None
    no_cache: bool = False


def means_of(asked: Asked, settings: Settings) -> Means:
    """What a run may use."""
    top = folder.place(str(settings.root), asked.cache_dir)
    cache = None if asked.no_cache else folder.Folder(top, identity())
    return Means(cache, asked.jobs or _processors())


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def clean(paths: Sequence[Path], cache_dir: str | None) -> None:
    """Remove the cache of a project."""
    start = usage.common(paths)
    top = folder.place(str(project_root(start if start.is_dir() else start.parent)), cache_dir)
    try:
        removed = folder.clean(top)
    except (OSError, ValueError) as error:
        told = (error.strerror if isinstance(error, OSError) else None) or error
        raise usage.Complaint(f"{discover.display(top)}: {told}") from error
    say(f"Removed {discover.display(top)}" if removed else f"No cache at {discover.display(top)}")
