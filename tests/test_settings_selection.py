"""Which rules run on which files."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockcheck.selection import Layer
from lockcheck.settings import Overrides, Settings, SettingsError, load
from tests.rooms import RULES, use_pages

STABLE = {code for code, (_, status) in RULES.items() if status == "stable"}


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_pages(tmp_path / "pages", monkeypatch)
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    return project


def chosen(root: Path, *layers: Layer, preview: bool = False) -> set[str]:
    settings = Settings(root=root, base=root, layers=layers, preview=preview)
    return {code for code in RULES if settings.selects(code)}


def test_by_default_all_stable_rules_run(root: Path) -> None:
    assert chosen(root) == STABLE


def test_with_preview_all_rules_run(root: Path) -> None:
    assert chosen(root, preview=True) == set(RULES)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        pytest.param(Layer(select=("LCK201",)), {"LCK201"}, id="code"),
        pytest.param(Layer(select=("LCK2",)), {"LCK201", "LCK202"}, id="prefix"),
        pytest.param(Layer(select=("unordered-bulk-write",)), {"LCK201"}, id="name"),
        pytest.param(Layer(select=("ALL",)), STABLE, id="all"),
        pytest.param(Layer(select=()), set(), id="nothing"),
        pytest.param(Layer(ignore=("LCK2", "LCK9")), {"LCK101", "LCK401"}, id="ignore"),
        pytest.param(Layer(ignore=("ALL",)), set(), id="ignore-all"),
        pytest.param(Layer(select=("LCK2",), ignore=("LCK202",)), {"LCK201"}, id="ignore-more-specific"),
        pytest.param(Layer(select=("LCK202",), ignore=("LCK2",)), {"LCK202"}, id="select-more-specific"),
        pytest.param(Layer(select=("LCK202",), ignore=("LCK202",)), set(), id="equal-ignore-wins"),
        pytest.param(Layer(select=("LCK2",), ignore=("unordered-row-lock",)), {"LCK201"}, id="name-is-as-good-as-code"),
        pytest.param(Layer(select=("LCK2",), extend_select=("LCK401",)), {"LCK201", "LCK202", "LCK401"}, id="extend"),
        pytest.param(Layer(select=("LCK103",)), set(), id="preview-rule-stays-off"),
    ],
)
def test_one_layer(root: Path, layer: Layer, expected: set[str]) -> None:
    assert chosen(root, layer) == expected


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        pytest.param(Layer(select=("LCK2",)), Layer(ignore=("LCK201",)), {"LCK202"}, id="ignore-on-top"),
        pytest.param(Layer(select=("LCK2",)), Layer(select=("LCK401",)), {"LCK401"}, id="select-replaces"),
        pytest.param(Layer(ignore=("LCK201",)), Layer(extend_select=("LCK2",)), STABLE, id="extend-brings-back"),
        pytest.param(
            Layer(select=("LCK201",)), Layer(extend_select=("LCK401",)), {"LCK201", "LCK401"}, id="extend-adds"
        ),
        pytest.param(Layer(select=("LCK201",)), Layer(), {"LCK201"}, id="empty-on-top"),
    ],
)
def test_two_layers(root: Path, below: Layer, above: Layer, expected: set[str]) -> None:
    assert chosen(root, below, above) == expected


def test_the_command_line_lies_over_the_file(root: Path) -> None:
    (root / "pyproject.toml").write_text('[tool.lockcheck]\nselect = ["LCK2"]\n', encoding="utf-8")
    settings = load(root, overrides=Overrides(ignore=("LCK202",)))
    assert {code for code in RULES if settings.selects(code)} == {"LCK201"}


def test_an_unknown_rule_on_the_command_line(root: Path) -> None:
    with pytest.raises(SettingsError, match="--ignore: unknown rule `LCK20x`; did you mean `LCK20"):
        load(root, overrides=Overrides(ignore=("LCK20x",)))


def test_a_named_preview_rule_is_warned_about(root: Path) -> None:
    overrides = Overrides(select=("LCK103", "LCK2"))
    assert load(root, overrides=overrides).warnings() == ("`LCK103` is a preview rule and stays off without --preview",)
    assert load(root, overrides=Overrides(select=("LCK1",))).warnings() == ()
    assert load(root, overrides=Overrides(select=("LCK103",), preview=True)).warnings() == ()


@pytest.mark.parametrize(
    ("pattern", "path", "ignored"),
    [
        ("tests/*", "tests/test_jobs.py", True),
        ("tests/*", "jobs.py", False),
        ("*.py", "deep/down/jobs.py", True),
        ("/jobs.py", "deep/jobs.py", False),
        ("migrations/", "app/migrations/0001.py", True),
        ("**/legacy/**", "app/legacy/a/b.py", True),
    ],
)
def test_per_file_ignores(root: Path, pattern: str, path: str, *, ignored: bool) -> None:
    settings = Settings(root=root, base=root, per_file_ignores={pattern: ("LCK2",)})
    assert settings.selects("LCK201", path) is not ignored
    assert settings.selects("LCK201", root / path) is not ignored
    assert settings.selects("LCK401", path)


def test_per_file_ignores_are_relative_to_the_settings(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "app").mkdir()
    monkeypatch.chdir(root / "app")
    settings = Settings(root=root, base=root, per_file_ignores={"/app/jobs.py": ("ALL",)})
    assert not settings.selects("LCK201", "jobs.py")
    assert settings.selects("LCK201", "../jobs.py")
