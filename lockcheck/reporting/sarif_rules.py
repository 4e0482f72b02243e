"""Rule pages as SARIF reporting descriptors."""

from __future__ import annotations

from typing import Any

from lockcheck import explaining, pages

LONGEST = 1_024
"""GitHub shows this many characters of a description."""


def rule(code: str) -> dict[str, Any]:
    page = pages.page(code)
    descriptor = {
        "id": page.code,
        "name": page.name,
        "shortDescription": {"text": _cut(page.summary)},
        "fullDescription": {"text": _cut(_first_paragraph(page))},
        "help": {"text": _plain(page), "markdown": explaining.document(page)},
        "defaultConfiguration": {"level": page.severity},
        "properties": {
            "tags": ["concurrency", "database", *(["preview"] if page.status == "preview" else [])],
            "problem.severity": page.severity,
            "status": page.status,
            "since": page.since,
        },
    }
    about = next((item for item in page.references if item.startswith("https://")), None)
    return descriptor if about is None else {**descriptor, "helpUri": about}


def _first_paragraph(page: pages.Page) -> str:
    text = page.sections.get("What it reports", "").strip().partition("\n\n")[0]
    return " ".join(text.split()) or page.summary


def _plain(page: pages.Page) -> str:
    """The page for those who show no Markdown: what it reports and when to ignore it."""
    wanted = ("What it reports", "The fix and its safety", "When to ignore", "Not detected")
    parts = [f"{title}\n\n{page.sections[title]}" for title in wanted if title in page.sections]
    return "\n\n".join([f"{page.summary}.", *parts])


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
