"""Looks at the project in a thread of its own; only the newest texts count."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lockcheck import usage
from lockcheck.discover import DiscoverError
from lockcheck.server.state import Answer, State, SupersededError
from lockcheck.settings import Overrides, SettingsError

PATIENCE = 0.03
"""Seconds without a further change before a look begins."""
SLOW = 1.0
"""Seconds after which a look has made so many objects that it is worth collecting what it has let go."""
STACK = 256 * 1024 * 1024
"""Bytes of address space: programs that nest deeply are followed recursively."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to look at. `overrides` are the client's settings, `refresh` tells that files have come, gone or changed
    outside of buffers."""

    texts: Mapping[str, str]
    overrides: Overrides
    refresh: bool = False


class Analyst:
    """Answers go to `answered`, what cannot be done to `failed`, both called in the analyst's thread. Trouble that
    lasts is told once."""

    def __init__(
        self, root: Path, answered: Callable[[Answer], None], failed: Callable[[str], None], overrides: Overrides
    ) -> None:
        self._root = root
        self._answered = answered
        self._failed = failed
        self._overrides = overrides
        self._state: State | None = None
        self._wake = threading.Condition()
        self._job: Job | None = None
        self._stopped = False
        self._trouble: str | None = None

    def start(self) -> None:
        size = threading.stack_size(STACK)
        try:
            threading.Thread(target=self._run, name="lockcheck", daemon=True).start()
        finally:
            threading.stack_size(size)

    def submit(self, job: Job) -> None:
        """Look at this, and at nothing older any more."""
        with self._wake:
            refresh = job.refresh or (self._job is not None and self._job.refresh)
            self._job = Job(job.texts, job.overrides, refresh)
            self._wake.notify()

    def stop(self) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify()

    def _superseded(self) -> bool:
        return self._job is not None or self._stopped

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        gc.disable()  # a look would spend a good part of its time on collecting what lives on
        while (job := self._next()) is not None:
            began = time.monotonic()
            trouble = self._attempt(job)
            if trouble is not None and trouble != self._trouble:
                self._failed(trouble)
            self._trouble = trouble
            if time.monotonic() - began > SLOW:
                gc.collect()
                gc.freeze()

    def _attempt(self, job: Job) -> str | None:
        """Look, and answer; what is wrong, if anything is."""
        try:
            state, trouble = self._renewed(job)
            sys.setrecursionlimit(max(sys.getrecursionlimit(), 5_000))
            answer = state.look(job.texts)
        except SupersededError:
            self._again(job)
            return self._trouble
        except SettingsError as error:
            return usage.placed(error)
        except DiscoverError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a fault is told, and the server goes on
            return f"lockcheck failed: {type(error).__name__}: {error}"
        if not self._superseded():
            self._answered(answer)
        return trouble

    def _renewed(self, job: Job) -> tuple[State, str | None]:
        """The project with the settings and files of now, or what is wrong with settings in whose place those that held
        go on to hold. Raises SettingsError where none ever held."""
        before, self._overrides = self._overrides, job.overrides
        if self._state is None:
            self._state = State(self._root, job.overrides, self._superseded)
        elif job.refresh or job.overrides != before:
            try:
                self._state.renew(job.overrides)
            except SettingsError as error:
                return self._state, usage.placed(error)
        return self._state, None

    def _next(self) -> Job | None:
        """The newest job, once no newer one has come for a moment; None at the end."""
        with self._wake:
            while self._job is None and not self._stopped:
                self._wake.wait()
            while not self._stopped:
                job = self._job
                self._wake.wait(PATIENCE)
                if self._job is job:
                    break
            job, self._job = self._job, None
            return None if self._stopped else job

    def _again(self, job: Job) -> None:
        """A look that was given up has not done what it was asked besides."""
        with self._wake:
            if self._job is not None and job.refresh:
                self._job = Job(self._job.texts, self._job.overrides, refresh=True)
