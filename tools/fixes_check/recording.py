"""A plugin of pytest, loaded into a project's own run: writes each test's name and outcome, a line of JSON each. It
runs on the project's Python and pytest, and imports nothing of lockcheck."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

VARIABLE = "LOCKCHECK_TEST_RECORD"


def pytest_runtest_logreport(report: Any) -> None:
    """The setup, the test or the teardown is over."""
    outcome = report.outcome
    if report.when != "call" and outcome == "passed":
        return
    _write(report.nodeid, "error" if outcome == "failed" and report.when != "call" else outcome)


def pytest_collectreport(report: Any) -> None:
    """A file or class was looked through."""
    if report.outcome == "failed":
        _write(report.nodeid, "error")


def _write(name: str, outcome: str) -> None:
    with Path(os.environ[VARIABLE]).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps([name, outcome]) + "\n")
