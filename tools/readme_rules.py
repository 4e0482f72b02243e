"""Writes the table of rules in README.md from the rule pages; with --check, only tells whether it is up to date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from lockcheck import pages  # noqa: E402 - the checkout's own, also where another is installed

README = ROOT / "README.md"
BEGIN, END = "<!-- rules: begin (tools/readme_rules.py) -->\n", "<!-- rules: end -->\n"
FIXES = {"safe": "safe", "unsafe": "unsafe", "sometimes": "safe or unsafe", "none": ""}


def table() -> str:
    """All rules, a row each."""
    rows = ["| code | name | reports | fix |", "|---|---|---|---|"]
    for page in pages.all_pages():
        note = " (preview)" if page.status == "preview" else ""
        link = f"[{page.code}](rules/{page.path.name})"
        summary = page.summary.replace("|", "\\|")
        rows.append(f"| {link} | {page.name}{note} | {summary} | {FIXES[page.fix]} |")
    return "\n".join(rows) + "\n"


def renewed(text: str) -> str:
    """The README with its table renewed."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{README.name} has no place for the table: {BEGIN.strip()} .. {END.strip()}")
    return f"{before}{begin}\n{table()}\n{end}{after}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when the table is out of date")
    check = parser.parse_args().check
    text = README.read_text(encoding="utf-8")
    new = renewed(text)
    if check:
        if new != text:
            print("README.md: the table of rules is out of date; run python tools/readme_rules.py")
        return int(new != text)
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
