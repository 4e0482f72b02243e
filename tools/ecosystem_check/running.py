"""One run of one version of lockcheck over one package: findings, time and memory, or what went wrong."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, Any

from ecosystem_check.packages import Package
from ecosystem_check.processes import environment
from ecosystem_check.revisions import Version

_MEGABYTE = 1 << 20 if sys.platform == "darwin" else 1 << 10
"""ru_maxrss counts bytes on macOS, kilobytes elsewhere."""
_WITH_DOCUMENT = (0, 1)


@dataclass(frozen=True, slots=True)
class Related:
    """A further place of a finding."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; its paths are relative to the folder of the package that is checked. `preview` is None where this
    version does not tell."""

    package: str
    code: str
    path: str
    line: int
    message: str
    fingerprint: str
    symbol: str
    preview: bool | None
    fix: str | None
    related: tuple[Related, ...]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes two findings one: no line, no wording."""
        return self.package, self.code, self.path, self.fingerprint

    @property
    def order(self) -> tuple[str, str, int, str, str]:
        return self.package, self.path, self.line, self.code, self.fingerprint


@dataclass(frozen=True, slots=True)
class Run:
    """What a run gave. `problems` are files that could not be checked; `error` says why there are no findings."""

    package: Package
    side: str
    seconds: float = 0.0
    megabytes: float = 0.0
    findings: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()
    error: str | None = None


class Runner:
    """Runs processes; closing it ends those that are still running."""

    def __init__(self, trees: Path, *, preview: bool | None, timeout: float) -> None:
        self._options = {None: [], True: ["--preview"], False: ["--no-preview"]}[preview]
        self._trees = trees
        self._timeout = timeout
        self._lock = threading.Lock()
        self._live: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def run(self, version: Version, package: Package, folder: Path) -> Run:
        """Check one package. The working folder is the one that holds all trees: Python puts it on the path of a module
        that it runs, and no tree in it has a name that can be imported."""
        place = folder.relative_to(self._trees)
        command = [sys.executable, "-m", "lockcheck", "--output-format", "json", *self._options, str(place)]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaints:
            status, seconds, megabytes = self._wait(command, version, out, complaints)
            run = Run(package, version.side, seconds, megabytes)
            if status is None:
                return _failed(run, f"timed out after {self._timeout:g} s")
            return _read(run, status, _content(out), _content(complaints), place)

    def _wait(
        self, command: list[str], version: Version, out: IO[bytes], complaints: IO[bytes]
    ) -> tuple[int | None, float, float]:
        """Exit status (None when the time was over), seconds and megabytes."""
        variables = {**environment(), "PYTHONPATH": str(version.folder), "LOCKCHECK_TRACEBACK": "1"}
        begin = time.monotonic()
        process = self._started(command, variables, out, complaints)
        over = threading.Event()

        def stop() -> None:
            over.set()
            _kill(process)

        timer = threading.Timer(self._timeout, stop)
        timer.daemon = True
        timer.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
        finally:
            timer.cancel()
            with self._lock:
                self._live.discard(process)
        process.returncode = os.waitstatus_to_exitcode(status)
        timed_out = over.is_set() and process.returncode == -signal.SIGKILL
        return None if timed_out else process.returncode, time.monotonic() - begin, used.ru_maxrss / _MEGABYTE

    def _started(
        self, command: list[str], variables: dict[str, str], out: IO[bytes], complaints: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise KeyboardInterrupt
            process = subprocess.Popen(
                command, cwd=self._trees, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=complaints,
                start_new_session=True,
            )  # fmt: skip
            self._live.add(process)
            return process

    def close(self) -> None:
        """End what still runs, and start nothing more."""
        with self._lock:
            self._closed = True
            for process in self._live:
                _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The process and its children: it leads a group of its own."""
    with contextlib.suppress(ProcessLookupError):  # it may just have ended
        os.killpg(process.pid, signal.SIGKILL)


def _content(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


# --- reading what was printed -------------------------------------------------------------------------------


def _read(run: Run, status: int, text: str, complaints: str, place: PurePath) -> Run:
    end = " | ".join(complaints.strip().splitlines()[-4:])
    if status not in _WITH_DOCUMENT:
        return _failed(run, f"killed by signal {-status}" if status < 0 else f"status {status}: {end}")
    try:
        document = json.loads(text)
        package = str(run.package)
        findings = tuple(_finding(item, package, place) for item in document["findings"])
        problems = tuple(f"{_relative(item['path'], place)}: {item['message']}" for item in document["errors"])
    except (ValueError, KeyError, TypeError):
        return _failed(run, f"printed no report, status {status}: {end}")
    return Run(run.package, run.side, run.seconds, run.megabytes, findings, problems)


def _failed(run: Run, error: str) -> Run:
    return Run(run.package, run.side, run.seconds, run.megabytes, error=error)


def _finding(item: dict[str, Any], package: str, place: PurePath) -> Finding:
    return Finding(
        package=package,
        code=item["code"],
        path=_relative(item["path"], place),
        line=item["line"],
        message=item["message"],
        fingerprint=item["fingerprint"],
        symbol=item["symbol"],
        preview=item.get("preview"),
        fix=item["fix"] and item["fix"]["applicability"],
        related=tuple(Related(_relative(r["path"], place), r["line"], r["message"]) for r in item["related"]),
    )


def _relative(path: str, place: PurePath) -> str:
    pure = PurePath(path)
    return pure.relative_to(place).as_posix() if pure.is_relative_to(place) else path
