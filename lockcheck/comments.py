"""Reads the comments that silence findings: `# lockcheck: ignore[..]`, `# lockcheck: file-ignore[..]`, `# noqa: ..`."""

from __future__ import annotations

import difflib
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lockcheck.findings import Place

_DIRECTIVE = re.compile(r"#\s*lockcheck:\s*(?P<word>[\w-]+)(?P<list>\s*\[(?P<codes>[^\]]*)\])?(?:(?!\s+#).)*")
_NOQA = re.compile(r"#\s*noqa(?!\w)(?::\s?(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)(?!\w))?", re.IGNORECASE)
_STYLES: dict[str, Literal["ignore", "file-ignore"]] = {"ignore": "ignore", "file-ignore": "file-ignore"}


@dataclass(frozen=True, slots=True)
class Suppression:
    """A comment, or a part of one, that silences findings: those of `codes`, or all of them when it is `blanket`.

    `listed` spans what stands between the brackets, or after `noqa:`, whose other entries are `foreign`.
    """

    style: Literal["ignore", "file-ignore", "noqa"]
    place: Place
    text: str
    blanket: bool
    codes: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    listed: Place | None = None

    @property
    def reason(self) -> str:
        """What a `lockcheck:` comment says after its codes; a `noqa` gives no reason."""
        found = _DIRECTIVE.match(self.text)
        return self.text[found.end("list") if found["list"] else found.end("word") :].strip() if found else ""


@dataclass(frozen=True, slots=True)
class FileSuppressions:
    """The suppressions of one file. `misspelt` are comments that nearly are one. `first_line` gives, for the further
    lines of a statement over several lines, its first. `carriers` gives, for lines that can hold no comment as they
    end in a backslash or inside a string, the next line of the statement that can."""

    items: tuple[Suppression, ...] = ()
    misspelt: tuple[tuple[Place, str], ...] = ()
    lines: tuple[str, ...] = ()
    first_line: Mapping[int, int] = field(default_factory=dict)
    carriers: Mapping[int, int] = field(default_factory=dict)

    def lines_for(self, line: int) -> frozenset[int]:
        """The lines whose comments hold for a construct on this line."""
        lines = {line, self.first_line.get(line, line)}
        return frozenset(lines | {self.carriers.get(item, item) for item in lines})


def worth_reading(source: str) -> bool:
    """Whether a file can hold a suppression at all: of lockcheck, or of every tool."""
    if "lockcheck:" in source:
        return True
    if "noqa" not in source and "NOQA" not in source:
        return False
    lines = source.replace("\r", "\n").split("\n")
    return any(_ours(match) for line in lines if "#" in line for match in _NOQA.finditer(line))


def _ours(match: re.Match[str]) -> bool:
    return match["codes"] is None or "LCK" in match["codes"].upper()


def read(source: str, path: str) -> FileSuppressions:
    """The suppressions in a file's text; none where it cannot be tokenized."""
    text = io.StringIO(source, newline=None).read()
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return FileSuppressions()
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    return FileSuppressions(
        items=tuple(item for token in comments for item in _suppressions(token, path)),
        misspelt=tuple(item for token in comments for item in _misspelt(token, path)),
        lines=tuple(text.split("\n")),
        first_line=_first_lines(tokens),
        carriers=_carriers(tokens, text.split("\n")),
    )


def _suppressions(comment: tokenize.TokenInfo, path: str) -> Iterator[Suppression]:
    for match in _DIRECTIVE.finditer(comment.string):
        if match["word"] in _STYLES:
            codes = tuple(re.findall(r"[^,\s]+", match["codes"] or ""))
            listed = _place(comment, path, match.span("codes")) if match["list"] else None
            place = _place(comment, path, match.span())
            yield Suppression(
                _STYLES[match["word"]], place, match[0], listed is None, tuple(map(_code, codes)), (), listed
            )
    for match in _NOQA.finditer(comment.string):
        words = re.findall(r"\w+", match["codes"] or "")
        ours = tuple(word.upper() for word in words if _code(word).startswith("LCK"))
        foreign = tuple(word for word in words if not _code(word).startswith("LCK"))
        if ours or not words:
            listed = _place(comment, path, match.span("codes")) if words else None
            yield Suppression("noqa", _place(comment, path, match.span()), match[0], not words, ours, foreign, listed)


def _code(word: str) -> str:
    return word.upper() if word[:3].upper() == "LCK" else word


def _misspelt(comment: tokenize.TokenInfo, path: str) -> Iterator[tuple[Place, str]]:
    for match in _DIRECTIVE.finditer(comment.string):
        if match["word"] not in _STYLES and (close := difflib.get_close_matches(match["word"], _STYLES, n=1)):
            yield _place(comment, path, match.span("word")), close[0]


def _place(comment: tokenize.TokenInfo, path: str, span: tuple[int, int]) -> Place:
    line, column = comment.start
    return Place(path, line, column + span[0] + 1, line, column + span[1] + 1)


_LAYOUT = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING})


def _first_lines(tokens: list[tokenize.TokenInfo]) -> dict[int, int]:
    first_line: dict[int, int] = {}
    start: int | None = None
    for token in tokens:
        if token.type == tokenize.NEWLINE and start is not None:
            first_line.update(dict.fromkeys(range(start + 1, token.end[0] + 1), start))
            start = None
        elif start is None and token.type not in _LAYOUT:
            start = token.start[0]
    return first_line


def _carriers(tokens: list[tokenize.TokenInfo], lines: list[str]) -> dict[int, int]:
    """By line that can hold no comment, the line that can in its place."""
    blocked = set(_inside_strings(tokens))
    commented = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    for number, line in enumerate(lines, 1):
        if line.endswith("\\") and number not in commented:
            blocked.add(number)
    found: dict[int, int] = {}
    for number in sorted(blocked, reverse=True):
        found[number] = found.get(number + 1, number + 1)
    return found


def _inside_strings(tokens: list[tokenize.TokenInfo]) -> Iterator[int]:
    """The lines that end inside a string; from Python 3.12 on, an f-string is several tokens."""
    starts: list[int] = []
    for token in tokens:
        name = tokenize.tok_name[token.type]
        if name == "STRING":
            yield from range(token.start[0], token.end[0])
        elif name.endswith("STRING_START"):
            starts.append(token.start[0])
        elif name.endswith("STRING_END") and starts:
            yield from range(starts.pop(), token.end[0])
