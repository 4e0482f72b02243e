"""Reading rule pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockcheck import pages
from lockcheck.pages import Example, PageError, UnknownRuleError
from tests.rooms import RULES, use_pages

PAGE = """\
---
code: LCK201
name: unordered-bulk-write
summary: "Many rows: no order"
status: stable
severity: warning
fix: sometimes
since: "0.1.0"
references:
  - https://example.org/1
---

Lead.

## What it reports

Text.

```python bad preview
# comment
## not a heading
x = 1
```

## The fix and its safety

````python fixed
'''```'''
````

```sql
SELECT 1
```

```python
plain()
```
"""


def write(folder: Path, text: str = PAGE, name: str = "LCK201-unordered-bulk-write.md") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_front_matter(tmp_path: Path) -> None:
    page = pages.read(write(tmp_path))
    assert (page.code, page.name, page.summary) == ("LCK201", "unordered-bulk-write", "Many rows: no order")
    assert (page.status, page.severity, page.fix, page.since) == ("stable", "warning", "sometimes", "0.1.0")
    assert page.references == ("https://example.org/1",)


def test_sections(tmp_path: Path) -> None:
    page = pages.read(write(tmp_path))
    assert list(page.sections) == ["What it reports", "The fix and its safety"]
    assert page.sections["What it reports"].startswith("Text.\n\n```python bad")
    assert page.body.startswith("Lead.\n")


def test_examples_with_their_lines(tmp_path: Path) -> None:
    page = pages.read(write(tmp_path))
    assert page.examples == (
        Example("bad", ("preview",), "# comment\n## not a heading\nx = 1\n", 20),
        Example("fixed", (), "'''```'''\n", 28),
        Example("", (), "plain()\n", 36),
    )
    lines = PAGE.splitlines()
    assert all(lines[example.line - 1] == example.source.splitlines()[0] for example in page.examples)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# LCK201\n", "no front matter"),
        (PAGE.replace("status: stable", "status: new"), "status must be one of stable, preview, not new"),
        (PAGE.replace("fix: sometimes", "fix: yes"), "fix must be one of"),
        (PAGE.replace("severity: warning", "severity: bad"), "severity must be one of"),
        (PAGE.replace('since: "0.1.0"\n', ""), "lacks since"),
        (PAGE.replace("code: LCK201", "code: LCK202"), "front matter says LCK202"),
        ("---\n- a\n---\n", "not a mapping"),
    ],
)  # fmt: skip
def test_pages_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PageError, match=message):
        pages.read(write(tmp_path, text))


@pytest.mark.parametrize("wanted", ["LCK201", "lck201", "unordered-bulk-write", " Unordered-Bulk-Write "])
def test_by_code_or_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    use_pages(tmp_path, monkeypatch)
    assert pages.page(wanted).code == "LCK201"


def test_unknown_rules_are_told_with_what_is_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_pages(tmp_path, monkeypatch)
    with pytest.raises(
        UnknownRuleError, match=r"unknown rule `unorderd-bulk-write`; did you mean `unordered-bulk-write`"
    ):
        pages.page("unorderd-bulk-write")
    with pytest.raises(UnknownRuleError, match=r"unknown rule `zzz`$"):
        pages.page("zzz")


def test_all_pages_by_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_pages(tmp_path, monkeypatch)
    assert [page.code for page in pages.all_pages()] == sorted(RULES)


def test_the_quick_reading_agrees_with_the_thorough_one() -> None:
    """Of the pages of the repository itself."""
    for page in pages.all_pages():
        assert pages.heads()[page.code] == (page.code, page.name, page.status, page.severity)


def test_the_quick_reading_needs_no_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_pages(tmp_path, monkeypatch)
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    assert pages.heads()["LCK103"].status == "preview"
