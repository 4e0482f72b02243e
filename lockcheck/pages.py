"""Rule pages: one Markdown file per rule, shipped in the wheel; the only source of a rule's name, status, severity."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from lockcheck.findings import Severity

_HERE = Path(__file__).parent
_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)


class Head(NamedTuple):
    """What a run needs to know of a rule: read without a YAML parser."""

    code: str
    name: str
    status: Literal["stable", "preview"]
    severity: Severity


@dataclass(frozen=True, slots=True)
class Example:
    """A fenced block of Python. `kind` is the first word after `python` (`bad`, `good`, `fixed`; "" without one),
    `options` are the further words; `line` is that of its first line of code in the page."""

    kind: str
    options: tuple[str, ...]
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Page:
    """One rule page. `sections` map a heading of the second level to the text under it; `body` is all of it."""

    code: str
    name: str
    summary: str
    status: str
    severity: str
    fix: str
    since: str
    references: tuple[str, ...]
    path: Path
    body: str
    sections: Mapping[str, str]
    examples: tuple[Example, ...]


class UnknownRuleError(LookupError):
    """No page has this code or name."""

    def __init__(self, wanted: str, close: tuple[str, ...]) -> None:
        hint = f"; did you mean {' or '.join(f'`{item}`' for item in close)}?" if close else ""
        super().__init__(f"unknown rule `{wanted}`{hint}")


class PageError(ValueError):
    """A page that cannot be read."""


def directory() -> Path:
    """The pages of the installed package, else those of the checkout."""
    packaged = _HERE / "_rules"
    return packaged if packaged.is_dir() else _HERE.parent / "rules"


@functools.cache
def heads() -> Mapping[str, Head]:
    """Every rule's code, name, status and severity, by code."""
    found = (_head(path) for path in sorted(directory().glob("LCK*.md")))
    return {head.code: head for head in found}


def _head(path: Path) -> Head:
    code, _, name = path.stem.partition("-")
    fields: dict[str, str] = {}
    with path.open(encoding="utf-8") as page:
        next(page, None)
        for line in page:
            if line.startswith("---"):
                break
            key, _, value = line.partition(":")
            fields[key] = value.strip()
    status: Literal["stable", "preview"] = "preview" if fields.get("status") == "preview" else "stable"
    severity: Severity = "warning" if fields.get("severity") == "warning" else "error"
    return Head(code, name, status, severity)


@functools.cache
def all_pages() -> tuple[Page, ...]:
    """All rule pages, by code."""
    return tuple(read(path) for path in sorted(directory().glob("LCK*.md")))


def page(code_or_name: str) -> Page:
    """The page of a rule. Raises UnknownRuleError."""
    wanted = code_or_name.strip()
    for head in heads().values():
        if wanted.upper() == head.code or wanted.lower() == head.name:
            return read(directory() / f"{head.code}-{head.name}.md")
    known = [*heads(), *(head.name for head in heads().values())]
    folded = {item.lower(): item for item in known}
    raise UnknownRuleError(
        wanted, tuple(folded[item] for item in difflib.get_close_matches(wanted.lower(), folded, n=2))
    )


def read(path: Path) -> Page:
    """One page from its file."""
    text = path.read_text(encoding="utf-8")
    match = _FRONT_MATTER.match(text)
    if match is None:
        raise PageError(f"{path}: no front matter")
    fields = _front_matter(path, match[1])
    code, _, name = path.stem.partition("-")
    if (fields["code"], fields["name"]) != (code, name):
        raise PageError(f"{path}: front matter says {fields['code']} {fields['name']}")
    body = text[match.end() :]
    return Page(
        **{key: str(fields[key]) for key in ("code", "name", "summary", "status", "severity", "fix", "since")},
        references=tuple(map(str, fields.get("references") or ())),
        path=path,
        body=body.strip() + "\n",
        sections=_sections(body),
        examples=_examples(body, text.count("\n", 0, match.end())),
    )


_VALUES: dict[str, tuple[str, ...]] = {
    "status": ("stable", "preview"),
    "severity": ("error", "warning"),
    "fix": ("safe", "unsafe", "sometimes", "none"),
}


def _front_matter(path: Path, text: str) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - a check needs only `heads`

    fields = yaml.safe_load(text)
    if not isinstance(fields, dict):
        raise PageError(f"{path}: front matter is not a mapping")
    fields.setdefault("severity", "error")
    if missing := {"code", "name", "summary", "status", "fix", "since"} - set(fields):
        raise PageError(f"{path}: front matter lacks {', '.join(sorted(missing))}")
    for key, allowed in _VALUES.items():
        if fields[key] not in allowed:
            raise PageError(f"{path}: {key} must be one of {', '.join(allowed)}, not {fields[key]}")
    return fields


def _sections(body: str) -> dict[str, str]:
    """Headings inside fenced blocks are code, not headings."""
    blank = _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), body)
    heads_at = list(re.finditer(r"^## +(.+?)[ \t]*$", blank, re.MULTILINE))
    ends = [match.start() for match in heads_at[1:]] + [len(body)]
    return {match[1]: body[match.end() : end].strip() for match, end in zip(heads_at, ends, strict=True)}


def _examples(body: str, offset: int) -> tuple[Example, ...]:
    found = []
    for match in _FENCE.finditer(body):
        words = match["info"].split()
        if not words or words[0] != "python":
            continue
        line = offset + body.count("\n", 0, match.start("body")) + 1
        found.append(Example(words[1] if len(words) > 1 else "", tuple(words[2:]), match["body"], line))
    return tuple(found)
