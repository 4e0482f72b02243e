"""A scratch repository for tools/ecosystem.py, with a stand-in for lockcheck, and tiny packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

TOOLS = Path(__file__).parent.parent / "tools"

STAND_IN = '''\
"""Reports each line with `# CODE message`; RULES, SHIFT, WORDING, TRAP and ONCE are what versions differ in."""
import json, os, pathlib, re, sys, time
findings, errors = [], []
for path in sorted(pathlib.Path(sys.argv[-1]).rglob("*.py")):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if TRAP and TRAP in line:
            if TRAP == "sleep":
                pathlib.Path("asleep").write_text(str(os.getpid()))
                time.sleep(60)
            elif TRAP == "unparsed":
                errors.append({"path": path.as_posix(), "line": 1, "column": 1, "message": "does not parse"})
            elif TRAP == "mumble":
                sys.exit(print("no document"))
            else:
                raise RuntimeError("the trap was met")
        found = re.search("# (LCK[0-9]+) (.*)", line)
        if ONCE and any(item["fingerprint"] == (found and found[2]) for item in findings):
            continue
        if found and found[1] in RULES:
            findings.append({
                "code": found[1], "message": WORDING + found[2], "path": path.as_posix(), "line": number + SHIFT,
                "symbol": "work", "fingerprint": found[2], "fix": None, "preview": found[1] == "LCK301",
                "related": [{"path": path.as_posix(), "line": 1, "message": "the other side"}],
            })
print(json.dumps({"version": "0", "findings": findings, "errors": errors}))
sys.exit(1 if findings else 0)
'''


class Scratch:
    """The repository, its list of packages and the cache."""

    def __init__(self, folder: Path) -> None:
        self.repository, self.cache = folder / "repository", folder / "cache"
        shutil.copytree(TOOLS, self.repository / "tools", ignore=shutil.ignore_patterns("__pycache__", "*.toml"))
        (self.repository / ".gitignore").write_text("__pycache__/\n")
        (self.cache / "downloads").mkdir(parents=True)
        self.git("init", "--quiet")

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        command, place = ["git", *identity, *arguments], cwd or self.repository
        done = subprocess.run(command, cwd=place, env=kept, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def write(self, *rules: str, shift: int = 0, wording: str = "", trap: str = "", once: bool = False) -> None:
        """The stand-in, in the working tree."""
        constants = f"RULES, SHIFT, WORDING, TRAP, ONCE = {rules!r}, {shift}, {wording!r}, {trap!r}, {once}\n"
        (self.repository / "lockcheck").mkdir(exist_ok=True)
        (self.repository / "lockcheck" / "__init__.py").touch()
        (self.repository / "lockcheck" / "__main__.py").write_text(constants + STAND_IN)

    def commit(self, *rules: str, **differing: Any) -> str:
        self.write(*rules, **differing)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A version")
        return self.git("rev-parse", "HEAD")

    def packages(self, text: str) -> None:
        (self.repository / "tools" / "ecosystem.toml").write_text(text)

    def wheels(self, **sources: Mapping[str, str]) -> None:
        """One package for each, of version 1.0, listed and in the cache."""
        self.packages("".join(f'[[package]]\nname = "{name}"\nversion = "1.0"\n' for name in sources))
        for name, files in sources.items():
            wheel(self.cache / "downloads", name, files)

    def command(self, *arguments: str) -> list[str]:
        tool = str(self.repository / "tools" / "ecosystem.py")
        return [sys.executable, tool, "--cache", str(self.cache), *arguments]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command, variables = self.command(*arguments), {**os.environ, **variables}
        return subprocess.run(command, env=variables, check=False, capture_output=True, text=True)

    def findings(self, base: str, *arguments: str) -> list[dict[str, Any]]:
        path = self.cache / "findings.jsonl"
        self.run(base, "--findings", str(path), *arguments)
        return [json.loads(line) for line in path.read_text().splitlines()]


def wheel(folder: Path, name: str, files: Mapping[str, str]) -> Path:
    """A wheel that pip accepts."""
    path, about = folder / f"{name}-1.0-py3-none-any.whl", f"{name}-1.0.dist-info"
    metadata = {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as opened:
        for member, text in {**files, **metadata}.items():
            opened.writestr(member, text)
    return path


def sdist(folder: Path, name: str, files: Mapping[str, str], links: Mapping[str, str] | None = None) -> Path:
    """A source distribution; `links` are symbolic links, before the files."""
    path = folder / f"{name}-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as opened:
        for member, target in (links or {}).items():
            link = tarfile.TarInfo(member)
            link.type, link.linkname = tarfile.SYMTYPE, target
            opened.addfile(link)
        for member, text in files.items():
            info = tarfile.TarInfo(member)
            info.size = len(text.encode())
            opened.addfile(info, BytesIO(text.encode()))
    return path
