"""The command `lockcheck graph`."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from lockcheck import api, cli
from lockcheck.settings import load
from tests.test_cli_process import REPOSITORY, run

MODELS = """\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Run(Base):
    __tablename__ = "run"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    state: Mapped[str]


class Log(Base):
    __tablename__ = "log"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
CANCEL = """\
from models import Job, Run
from sqlalchemy import update
from sqlalchemy.orm import Session


def cancel(session: Session, run_id: int, job_id: int) -> None:
    session.get_one(Run, run_id, with_for_update=True)
    session.execute(update(Job).where(Job.id == job_id).values(state="cancelled"))
    session.commit()
"""
FINISH = """\
from models import Job, Run
from sqlalchemy.orm import Session


def finish(session: Session, run_id: int, job_id: int) -> None:
    session.get_one(Job, job_id, with_for_update=True)
    session.get_one(Run, run_id, with_for_update=True)
    session.commit()
"""
TEXT = """\
2 tables, 2 edges, 1 cycle

cycle 1 of 1: job -> run -> job

  finish holds job, then takes run:
    1. finish.py:6:5
       finish locks a row of job (FOR UPDATE)
       | session.get_one(Job, job_id, with_for_update=True)
    2. finish.py:7:5
       finish locks a row of run (FOR UPDATE)
       | session.get_one(Run, run_id, with_for_update=True)

  cancel holds run, then takes job:
    1. cancel.py:7:5
       cancel locks a row of run (FOR UPDATE)
       | session.get_one(Run, run_id, with_for_update=True)
    2. cancel.py:8:21
       cancel updates a row of job (FOR NO KEY UPDATE)
       | session.execute(update(Job).where(Job.id == job_id).values(state="cancelled"))

places  held       taken
     1  job   *->  run
     1  run   *->  job

Edges marked * close a cycle.
--focus TABLE lists the places of a table's edges.
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("models", MODELS), ("cancel", CANCEL), ("finish", FINISH)):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.lockcheck]\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_text(project: Path) -> None:
    done = run("graph", cwd=project)
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, TEXT, b"")


def test_the_documents_show_this() -> None:
    assert f"```text\n{TEXT}```\n" in (REPOSITORY / "docs" / "graph.md").read_text(encoding="utf-8")
    cycle = TEXT[TEXT.index("cycle 1") : TEXT.index("\nplaces")]
    assert f"```text\n{cycle}```\n" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_the_other_formats(capsys: pytest.CaptureFixture[str]) -> None:
    begins = {"mermaid": "flowchart TD\n", "dot": "digraph locks {\n", "json": "{\n", "html": "<!DOCTYPE html>\n"}
    for name, begin in begins.items():
        assert cli.run(["graph", "--format", name]) == 0
        out, err = capsys.readouterr()
        assert out.startswith(begin)
        assert err == "2 tables, 2 edges, 1 cycle in 3 files.\n"
    assert cli.run(["graph", "-q", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert [cycle["tables"] for cycle in json.loads(out)["cycles"]] == [["job", "run"]]
    assert err == ""


def test_one_file_of_a_cycle_shows_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["graph", "cancel.py"]) == 0
    assert capsys.readouterr().out == TEXT
    assert cli.run(["graph", "models.py"]) == 0
    assert capsys.readouterr().out == "0 tables, 0 edges, 0 cycles\n"


def test_focus(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["graph", "--focus", "job", "--focus", "run", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["focus"] == ["job", "run"]
    assert cli.run(["graph", "--focus", "log"]) == 0
    assert "No transaction was seen that locks rows of log" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--focus", "jbo"], "error: --focus: unknown table `jbo`; did you mean `job`?\n"),
        (["--focus", "job", "--focus", "zzzzz"], "error: --focus: unknown table `zzzzz`\n"),
        (["missing"], "error: missing: no such file or folder\n"),
        (["--output", "missing/graph.txt"], "error: missing/graph.txt: the folder missing does not exist\n"),
        (["--output", "."], "error: .: is a folder\n"),
        (["--config", "missing.toml"], "error: missing.toml: cannot read the settings: No such file or directory\n"),
    ],
)
def test_wrong_use(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert cli.run(["graph", *arguments]) == 2
    assert capsys.readouterr() == ("", message)


def test_an_unknown_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["graph", "--format", "svg"]) == 2
    assert "is not one of" in capsys.readouterr().err


def test_settings_hold(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pyproject.toml").write_text('[tool.lockcheck]\nexclude = ["finish.py"]\n', encoding="utf-8")
    assert cli.run(["graph"]) == 0
    assert capsys.readouterr().out.startswith("2 tables, 1 edge, 0 cycles\n")


def test_a_file_that_does_not_parse_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "bad.py").write_text("def f(:\n", encoding="utf-8")
    assert cli.run(["graph"]) == 0
    out, err = capsys.readouterr()
    assert out == TEXT
    assert err.startswith("error: bad.py:1:")
    assert cli.run(["graph", "bad.py"]) == 2
    assert capsys.readouterr().out == ""


def test_nothing_to_read(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "empty").mkdir()
    assert cli.run(["graph", "empty"]) == 0
    assert capsys.readouterr() == (
        "0 tables, 0 edges, 0 cycles\n",
        "warning: no Python files found under these paths\n",
    )


def test_colours_on_demand(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    cli.run(["graph"])
    assert "\x1b[" in capsys.readouterr().out
    cli.run(["graph", "--format", "dot"])
    assert "\x1b[" not in capsys.readouterr().out


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["graph", "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: lockcheck graph [OPTIONS] [PATHS]...\n")
    cli.run(["--help"])
    assert "  graph     Show in which order" in capsys.readouterr().out


def test_from_python(project: Path) -> None:
    report = api.graph([project], load(project))
    assert [cycle.tables for cycle in report.graph.cycles] == [("job", "run")]
    assert report.declared == {"run", "job", "log"}
    assert (report.problems, report.files) == ((), 3)


# --- the file -----------------------------------------------------------------------------------------------


def test_a_file_is_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["graph", "-o", "graph.txt"]) == 0
    assert capsys.readouterr() == ("", "Wrote graph.txt: 2 tables, 2 edges, 1 cycle in 3 files.\n")
    assert (project / "graph.txt").read_text(encoding="utf-8") == TEXT
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((project / "graph.txt").stat().st_mode) == 0o666 & ~mask


def test_a_file_that_is_there_keeps_its_mode_and_links_stay(project: Path) -> None:
    (project / "real.html").write_text("old", encoding="utf-8")
    (project / "real.html").chmod(0o640)
    (project / "link.html").symlink_to("real.html")
    assert cli.run(["graph", "-q", "--format", "html", "--output", "link.html"]) == 0
    assert (project / "link.html").is_symlink()
    assert (project / "real.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>\n")
    assert stat.S_IMODE((project / "real.html").stat().st_mode) == 0o640


def test_a_device_is_written_to(project: Path) -> None:
    done = run("graph", "-q", "--output", "/dev/stdout", cwd=project)
    assert (done.returncode, done.stdout.decode()) == (0, TEXT)


def test_what_fails_leaves_the_old_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "graph.txt").write_text("old", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert cli.run(["graph", "-o", "graph.txt"]) == 2
    assert capsys.readouterr() == ("", "error: graph.txt: not written, No space left on device\n")
    assert (project / "graph.txt").read_text(encoding="utf-8") == "old"
    assert not list(project.glob(".graph*"))


def test_file_names_that_are_not_utf_8(project: Path) -> None:
    name = os.fsdecode(b"\xff.py")
    (project / name).write_text(FINISH, encoding="utf-8")
    (project / "finish.py").unlink()
    for form in ("text", "mermaid", "dot", "json", "html"):
        assert run("graph", "--format", form, cwd=project).returncode == 0, form
    assert "\N{REPLACEMENT CHARACTER}.py:6:5" in run("graph", cwd=project).stdout.decode()
