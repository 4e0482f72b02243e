"""The command `lockcheck prove`: what it is told, and what it needs no database for."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from lockcheck import cli
from lockcheck.prove.server import ServerError, database
from lockcheck.prove.target import Wanted
from tests import projects
from tests.test_cli_process import imported, run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    projects.named("LCK201/airflow_65818").project.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_help_imports_nothing_of_a_database(tmp_path: Path) -> None:
    assert not imported("prove", "--help", cwd=tmp_path) & {"sqlalchemy", "psycopg", "libcst"}


def test_help_tells_the_exit_status(tmp_path: Path) -> None:
    out = run("prove", "--help", cwd=tmp_path).stdout.decode()
    assert "0 proven; 1 not proven" in " ".join(out.split())


def test_no_finding_at_that_place(folder: Path) -> None:
    done = run("prove", "airflow_65818.py:1", cwd=folder)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith("error: airflow_65818.py:1: no finding that can be tried out (rules LCK201")


def test_no_finding_of_that_rule(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = _line(folder)
    assert cli.run(["prove", f"airflow_65818.py:{line}", "--select", "LCK301"]) == 2
    assert "no finding of LCK301" in capsys.readouterr().err


def test_no_such_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["prove", "nothing.py:3"]) == 2
    assert "nothing.py" in capsys.readouterr().err
    assert folder.exists()


def test_what_is_not_installed_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "psycopg" else there(name))
    assert cli.run(["prove", f"airflow_65818.py:{_line(folder)}"]) == 2
    assert capsys.readouterr().err == ('error: psycopg is not installed: pip install "sqlalchemy-lockcheck[prove]"\n')


def test_another_database_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["prove", f"airflow_65818.py:{_line(folder)}", "--url", "sqlite:///x.db"]) == 2
    assert capsys.readouterr().err == "error: --url: sqlite is not PostgreSQL\n"


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(ServerError, match="--url"), database("nonsense"):
        pass


def test_without_programs_there_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lockcheck.prove.server.find_programs", lambda: None)
    with pytest.raises(ServerError, match="PostgreSQL is not found"), database(None):
        pass


def test_a_database_that_is_not_reached(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"postgresql://nobody@/nothing?host={folder}"
    assert cli.run(["prove", f"airflow_65818.py:{_line(folder)}", "--url", url]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: --url: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("text", ["", "abc", "worker.py", "a.py:x", "0123456789abcdef0"])
def test_what_is_neither_a_place_nor_a_fingerprint(folder: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert folder.exists()
    assert cli.run(["prove", text]) == 2
    assert (
        capsys.readouterr().err == f"error: {text}: neither PATH:LINE nor a fingerprint (at least 4 of its 16 digits)\n"
    )


def test_findings_that_begin_alike(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = _line(folder)
    text = (folder / "airflow_65818.py").read_text(encoding="utf-8")
    assert line
    (folder / "again.py").write_text(text.replace('"job"', '"other_job"'), encoding="utf-8")
    monkeypatch.setattr(
        "lockcheck.fingerprints.fingerprint", lambda code, *rest: f"abcd{abs(hash((code, *rest))):012x}"[:16]
    )
    assert cli.run(["prove", "abcd", "."]) == 2
    assert "error: abcd: several findings begin so: abcd" in capsys.readouterr().err


# --- what is meant ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a/b.py:3", Wanted("a/b.py", 3)),
        ("a/b.py:3:7", Wanted("a/b.py", 3, 7)),
        ("0123abcd", Wanted(fingerprint="0123abcd")),
    ],
)
def test_a_place_or_a_fingerprint(text: str, wanted: Wanted) -> None:
    assert Wanted.parse(text, ()) == wanted


def test_a_fingerprint_may_be_cut_short(folder: Path) -> None:
    (finding,) = [found for found in projects.findings(folder, preview=True) if found.code == "LCK201"]

    def fits(text: str, *codes: str) -> bool:
        wanted = Wanted.parse(text, codes)
        return wanted is not None and wanted.fits(finding, None)

    assert fits(finding.fingerprint)
    assert fits(finding.fingerprint[:8])
    assert not fits("ffff")
    assert not fits(finding.fingerprint, "LCK202")


def test_the_code_is_never_imported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that must not run stands beside the others; the database is not reached either."""
    marker = folder / "ran"
    text = (folder / "airflow_65818.py").read_text(encoding="utf-8")
    (folder / "airflow_65818.py").write_text(f"open({str(marker)!r}, 'w')\n{text}", encoding="utf-8")
    monkeypatch.setattr("lockcheck.prove.server.find_programs", lambda: None)
    assert cli.run(["prove", f"airflow_65818.py:{_line(folder)}"]) == 2
    assert not marker.exists()
    assert "airflow_65818" not in sys.modules


def _line(folder: Path, **_: Any) -> int:
    lines = (folder / "airflow_65818.py").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if "update(Job)" in line)
