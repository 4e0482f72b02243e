"""The example that README.md shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.test_cli_process import REPOSITORY, run

EXAMPLE = REPOSITORY / "examples" / "queue"


def test_readme_names_the_example() -> None:
    assert "lockcheck examples/queue\n" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_the_example_shows_two_hazards_and_their_other_sides() -> None:
    done = run("examples/queue", "--output-format", "json", cwd=REPOSITORY)
    findings = json.loads(done.stdout)["findings"]
    assert done.returncode == 1
    assert [(item["code"], item["path"]) for item in findings] == [
        ("LCK201", "examples/queue/scheduler.py"),
        ("LCK203", "examples/queue/worker.py"),
    ]
    assert [item["related"][0]["path"] for item in findings] == [
        "examples/queue/scheduler.py",
        "examples/queue/models.py",
    ]
    assert [item["fix"]["applicability"] for item in findings if item["fix"]] == ["safe", "safe"]


def test_its_fixes_leave_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "queue"
    shutil.copytree(EXAMPLE, copy)
    assert run("--fix", cwd=copy).returncode == 0
    assert "with_for_update(key_share=True)" in (copy / "scheduler.py").read_text(encoding="utf-8")
    assert 'with_for_update={"of": Job}' in (copy / "worker.py").read_text(encoding="utf-8")
    assert run(cwd=copy).returncode == 0
