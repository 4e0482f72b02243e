"""Where settings come from, and what is said of those that cannot be used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lockcheck import __version__
from lockcheck.settings import Overrides, Settings, SettingsError, StateColumn, Transition, UpsertHelper, load
from lockcheck.versions import satisfies
from tests.rooms import use_pages


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_pages(tmp_path / "pages", monkeypatch)
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    return project


def loaded(root: Path, toml: str) -> Settings:
    (root / "pyproject.toml").write_text(toml, encoding="utf-8")
    return load(root)


def error(root: Path, toml: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        loaded(root, toml)
    return caught.value


# --- where they come from -----------------------------------------------------------------------------------


def test_without_any_file(root: Path) -> None:
    settings = load(root)
    assert (settings.root, settings.base, settings.config) == (root, root, None)
    assert settings.dialects == ()
    assert settings.preview is False


def test_without_any_file_the_project_is_the_working_folder(root: Path, tmp_path: Path) -> None:
    (root / "app").mkdir()
    assert load(root / "app").root == root
    assert load(tmp_path).root == tmp_path


def test_a_file_stands_for_its_folder(root: Path) -> None:
    (root / "jobs.py").touch()
    assert load(root / "jobs.py").root == root


def test_the_nearest_file_with_the_table_is_used(root: Path) -> None:
    (root / "pyproject.toml").write_text('[tool.lockcheck]\ndialects = ["postgresql"]\n', encoding="utf-8")
    inner = root / "packages" / "core"
    inner.mkdir(parents=True)
    (inner / "pyproject.toml").write_text('[project]\nname = "uses-lockcheck"\n', encoding="utf-8")
    settings = load(inner)
    assert settings.dialects == ("postgresql",)
    assert settings.config == root / "pyproject.toml"
    assert settings.base == root
    assert settings.root == inner


def test_an_inner_table_hides_the_outer_one(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.lockcheck]\npreview = true\n", encoding="utf-8")
    inner = root / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[tool.lockcheck]\n", encoding="utf-8")
    assert load(inner).preview is False


def test_a_file_that_does_not_mention_lockcheck_is_not_parsed(root: Path) -> None:
    assert loaded(root, "this is [ not TOML").config is None


def test_config_names_the_file(root: Path, tmp_path: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.lockcheck]\npreview = false\n", encoding="utf-8")
    other = tmp_path / "other.toml"
    other.write_text("[tool.lockcheck]\npreview = true\n", encoding="utf-8")
    settings = load(root, config=other)
    assert settings.preview is True
    assert settings.base == root


def test_config_without_the_table(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("[tool.other]\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="no table"):
        load(root, config=other)


def test_config_that_is_not_there(root: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read the settings: No such file"):
        load(root, config=root / "missing.toml")


def test_overrides_win(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.lockcheck]\npreview = true\n", encoding="utf-8")
    assert load(root, overrides=Overrides(preview=False)).preview is False
    assert load(root, overrides=Overrides()).preview is True
    assert load(root, overrides=Overrides(force_exclude=True)).force_exclude is True


# --- values -------------------------------------------------------------------------------------------------


def test_every_value(root: Path) -> None:
    settings = loaded(
        root,
        """
        [tool.lockcheck]
        dialects = ["sqlite", "postgresql"]
        src = ["src", "lib"]
        exclude = ["generated"]
        extend-exclude = ["*_pb2.py"]
        ordered-form = "skip-locked"
        ordered-update-helper = "shop.db:ordered_update"
        retryable-exception = "shop.db:Retry"
        contended = ["job"]
        not-contended = ["log"]
        upsert-helper = {import = "shop.db:upsert", call = "upsert({session}, {model}, {values})"}
        required-version = ">=0.1"
        keys.price = ["item", "day"]
        keys.stock = [["item"], ["shelf", "slot"]]

        [tool.lockcheck.states.job]
        column = "status"
        done = {from = ["running"]}
        "in queue" = {from = ["failed"], null = true}
        skipped = {not-from = ["running"]}
        """,
    )
    assert settings.dialects == ("postgresql", "sqlite")
    assert settings.src == (root / "src", root / "lib")
    assert (settings.exclude, settings.extend_exclude) == (("generated",), ("*_pb2.py",))
    assert settings.ordered_form == "skip-locked"
    assert settings.ordered_update_helper == "shop.db:ordered_update"
    assert settings.retryable_exception == "shop.db:Retry"
    assert (settings.contended, settings.not_contended) == (("job",), ("log",))
    assert settings.upsert_helper == UpsertHelper("shop.db:upsert", "upsert({session}, {model}, {values})")
    assert settings.keys == {"price": (("item", "day"),), "stock": (("item",), ("shelf", "slot"))}
    assert settings.states["job"] == StateColumn(
        "status",
        {
            "done": Transition(("running",), None, null=False),
            "in queue": Transition(("failed",), None, null=True),
            "skipped": Transition(None, ("running",), null=True),
        },
    )


@pytest.mark.parametrize(
    ("toml", "line", "message"),
    [
        pytest.param("dialect = ['sqlite']", 2, "unknown setting `dialect`; did you mean `dialects`?", id="key"),
        pytest.param("zzz = 1", 2, "unknown setting `zzz`", id="no-suggestion"),
        pytest.param("preview = 'yes'", 2, "`preview` must be true or false, not a string", id="boolean"),
        pytest.param("\nselect = 'LCK201'", 3, "`select` must be a list of strings, not a string", id="list"),
        pytest.param("exclude = [1]", 2, "`exclude` must be a string, not a number", id="item"),
        pytest.param("profile = ''", 2, "`profile` must not be empty", id="empty"),
        pytest.param(
            "dialects = ['postgres']",
            2,
            "`postgres` is not one of postgresql, mysql, mariadb, sqlite; did you mean `postgresql`?",
            id="choice",
        ),
        pytest.param("ordered-form = 'locked'", 2, "is not one of subselect, skip-locked", id="form"),
        pytest.param("ordered-update-helper = 'shop.db'", 2, 'must read "package.module:name"', id="import-path"),
        pytest.param("select = ['LCK204']", 2, "`select`: unknown rule `LCK204`; did you mean `LCK20", id="selector"),
        pytest.param("ignore = ['unordered-bulk-writes']", 2, "did you mean `unordered-bulk-write`?", id="name"),
        pytest.param(
            "[tool.lockcheck.per-file-ignores]\n'a.py' = ['lck201']", 3, "did you mean `LCK201`?", id="per-file"
        ),
        pytest.param("contended = ['a']\nnot-contended = ['a']", 3, "`a` is named both contended and not", id="both"),
        pytest.param("required-version = 'new'", 2, "`new` is not a version such as", id="version"),
        pytest.param("keys.job = []", 2, "`keys.job` must name at least one column", id="no-columns"),
        pytest.param("keys = ['a']", 2, "`keys` must be a table, not a list", id="table"),
        pytest.param("[tool.lockcheck.states.job]\ncolum = 'state'", 3, "did you mean `column`?", id="state-column"),
        pytest.param("[tool.lockcheck.states.job]\ndone = {form = ['a']}", 3, "did you mean `from`?", id="transition"),
        pytest.param(
            "[tool.lockcheck.states.job]\ndone = {null = true}", 3, "needs either `from` or `not-from`", id="none"
        ),
        pytest.param(
            "[tool.lockcheck.states.job]\ndone = {from = [], not-from = []}", 3, "needs either", id="both-directions"
        ),
        pytest.param("upsert-helper = {import = 'a:b'}", 2, "lacks `call`", id="helper-incomplete"),
        pytest.param("upsert-helper = {import = 'a:b', call = 'b({sesion})'}", 2, "{sesion} is not one of", id="field"),
        pytest.param(
            "upsert-helper = {import = 'a:b', call = 'b({session})'}", 2, "must use {model}", id="field-missing"
        ),
        pytest.param("upsert-helper = {import = 'a:b', call = 'b({session)'}", 2, "expected '}'", id="field-open"),
    ],
)
def test_errors_name_place_and_way_out(root: Path, toml: str, line: int, message: str) -> None:
    caught = error(root, f"[tool.lockcheck]\n{toml}\n")
    assert message in caught.message
    assert (caught.path, caught.line) == (root / "pyproject.toml", line)


@pytest.mark.parametrize(
    ("toml", "line", "column"),
    [("[tool.lockcheck]\npreview = yes\n", 2, 11), ("[tool.lockcheck]\nselect = ['a'\n", 2, None)],
    ids=["middle", "end"],
)
def test_broken_toml(root: Path, toml: str, line: int, column: int | None) -> None:
    caught = error(root, toml)
    assert "is not valid TOML" in caught.message
    if column is not None or sys.version_info >= (3, 14):
        assert caught.line == line
    if column is not None:
        assert caught.column == column


def test_a_file_that_is_not_utf_8(root: Path) -> None:
    (root / "pyproject.toml").write_bytes(b"[tool.lockcheck]\n# \xff\n")
    with pytest.raises(SettingsError, match="is not UTF-8") as caught:
        load(root)
    assert caught.value.line == 2


def test_the_table_must_be_a_table(root: Path) -> None:
    assert "must be a table" in error(root, "[tool]\nlockcheck = 1\n").message


def test_a_key_in_an_inline_table_is_found_by_the_line_around_it(root: Path) -> None:
    caught = error(root, "[tool]\nlockcheck = {preview = true, nonsense = 1}\n")
    assert caught.line == 2


# --- profiles -----------------------------------------------------------------------------------------------


def test_unknown_profile(root: Path) -> None:
    caught = error(root, '[tool.lockcheck]\nprofile = "airflows"\n')
    assert caught.message == "unknown profile `airflows`; did you mean `airflow`?; known profiles: airflow"
    assert caught.line == 2


def test_the_airflow_profile(root: Path) -> None:
    settings = loaded(root, '[tool.lockcheck]\nprofile = "airflow"\n')
    states = settings.states["task_instance"]
    assert states.column == "state"
    assert states.transitions["skipped"] == Transition(None, ("running", "success", "failed"), null=True)
    assert states.transitions["scheduled"].null is True
    assert settings.dialects == ()


def test_the_users_settings_lie_over_the_profile(root: Path) -> None:
    settings = loaded(
        root,
        """
        [tool.lockcheck]
        profile = "airflow"
        keys.mine = ["a"]
        [tool.lockcheck.states.task_instance]
        skipped = {from = ["scheduled"]}
        [tool.lockcheck.states.mine]
        column = "status"
        """,
    )
    states = settings.states["task_instance"]
    assert states.column == "state"
    assert states.transitions["skipped"] == Transition(("scheduled",), None, null=False)
    assert "scheduled" in states.transitions
    assert settings.states["mine"].column == "status"
    assert {"mine", "xcom"} <= set(settings.keys)


# --- required-version ---------------------------------------------------------------------------------------


def test_required_version_that_does_not_fit(root: Path) -> None:
    caught = error(root, '[tool.lockcheck]\nrequired-version = ">=99"\n')
    assert caught.message == f"this project requires lockcheck >=99, and this is {__version__}"


@pytest.mark.parametrize(
    ("version", "specifier", "fits"),
    [
        ("0.1.0", "0.1.0", True),
        ("0.1.0", "==0.1", True),
        ("0.1.0", "0.2", False),
        ("0.10.0", ">=0.9", True),
        ("0.10.0", ">=0.9,<0.10", False),
        ("0.1.3", "~=0.1.1", True),
        ("0.2.0", "~=0.1.1", False),
        ("0.1.0", "!=0.1.0", False),
        ("1.0", "> 0.9", True),
        ("1.0", "<=1", True),
    ],
)
def test_versions(version: str, specifier: str, *, fits: bool) -> None:
    assert satisfies(version, specifier) is fits
