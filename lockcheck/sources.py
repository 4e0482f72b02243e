"""Source files as text: encodings, byte order marks, and what to say of a file that cannot be read."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, cast

from lockcheck.comments import worth_reading
from lockcheck.findings import UNPARSED, Problem


class Traits(NamedTuple):
    """Of most texts a run needs to know no more: whether one holds the name of a database package (all of them hold one
    of these words), and whether it can hold a comment that silences findings."""

    speaks: bool
    silences: bool

    @classmethod
    def of(cls, text: str) -> Traits:
        return cls("alchemy" in text or "sqlmodel" in text, worth_reading(text))


class Content:
    """A text that is compared by its digest. One that is packed takes a third of the memory, and is unpacked each time
    it is asked for."""

    __slots__ = ("_digest", "_packed", "_text", "_traits", "size")

    def __init__(self, text: str) -> None:
        self.size = len(text)
        self._text = text
        self._packed: bytes | None = None
        self._digest = b""
        self._traits: Traits | None = None

    @property
    def traits(self) -> Traits:
        if self._traits is None:
            self._traits = Traits.of(self.text)
        return self._traits

    @property
    def text(self) -> str:
        return self._text if self._packed is None else zlib.decompress(self._packed).decode(*_ANY)

    @property
    def digest(self) -> bytes:
        """16 bytes, the same for the same text."""
        if not self._digest:
            self._digest = blake2b(self.text.encode(*_ANY), digest_size=16).digest()
        return self._digest

    @property
    def packed(self) -> bool:
        return self._packed is not None

    def pack(self) -> None:
        """Hold the text packed from now on."""
        if self._packed is None and self.digest:
            self._packed = zlib.compress(self._text.encode(*_ANY), 1)
            self._text = ""

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Content) and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)


_ANY = ("utf-8", "surrogatepass")
"""How a text becomes bytes that may hold half a character, as given ones do."""


class Texts(Mapping[str, str]):
    """Texts by path, each unpacked when it is asked for."""

    def __init__(self, contents: Mapping[str, Content]) -> None:
        self._contents = contents

    def __getitem__(self, path: str) -> str:
        return self._contents[path].text

    def __contains__(self, path: object) -> bool:
        return path in self._contents

    def __iter__(self) -> Iterator[str]:
        return iter(self._contents)

    def __len__(self) -> int:
        return len(self._contents)

    def silencing(self) -> Iterator[tuple[str, str]]:
        """The texts that can hold comments that silence findings, with their paths."""
        return ((path, content.text) for path, content in self._contents.items() if content.traits.silences)


class ChangedError(Exception):
    """A file that was taken for the one that an earlier run has read holds something else."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file. `path` is how findings name it, `file` where it is; line ends are as in the file. `odd` are its bytes
    where the text and its encoding do not tell them."""

    path: str
    file: Path
    content: Content
    encoding: str = "utf-8"
    odd: bytes | None = None

    @property
    def text(self) -> str:
        return self.content.text

    @property
    def is_plain(self) -> bool:
        """Whether the file is its text in UTF-8."""
        return self.encoding == "utf-8" and self.odd is None

    @property
    def raw(self) -> bytes:
        """The bytes of the file."""
        return self.text.encode(self.encoding) if self.odd is None else self.odd


def read_source(file: Path, path: str) -> Source | Problem:
    """A file's text, decoded as Python would (PEP 263), or why there is none."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        return Problem(path, None, None, f"cannot be read: {error.strerror or error}")
    return decoded(raw, file, path)


def decoded(raw: bytes, file: Path, path: str) -> Source | Problem:
    """The text of these bytes, decoded as Python would (PEP 263), or why there is none."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        text = raw.decode(encoding)
        odd = encoding != "utf-8" and text.encode(encoding) != raw
        return Source(path, file, Content(text), encoding, raw if odd else None)
    except SyntaxError as error:
        return Problem(path, 1, 1, f"cannot be decoded: {error.msg}")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        return Problem(path, line, column, f"cannot be decoded as {error.encoding}: {error.reason}")
    except LookupError as error:
        return Problem(path, 1, 1, f"cannot be decoded: {error}")


def parsed(text: str, path: str) -> ast.Module:
    """The syntax tree of a file. Raises SyntaxError, ValueError, RecursionError or MemoryError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubtful escapes are the checked project's affair
        tree = compile(text, path, "exec", flags=ast.PyCF_ONLY_AST, dont_inherit=True)
    return cast("ast.Module", tree)


def syntax_problem(path: str, error: BaseException) -> Problem:
    """What to say of a file that does not parse."""
    if isinstance(error, SyntaxError):
        return Problem(path, error.lineno, error.offset or None, f"{UNPARSED}: {error.msg}")
    if isinstance(error, (RecursionError, MemoryError)):
        return Problem(path, None, None, f"{UNPARSED}: it is nested too deeply")
    return Problem(path, None, None, f"{UNPARSED}: {error}")
