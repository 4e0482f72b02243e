"""The lock-order graph as a page: what is in it, and in test_graph_browser.py what it does."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from lockcheck.reporting.graphs import document, html
from lockcheck.reporting.graphs.model import Graph
from tests.graphs import HOSTILE, SMALL, chain, hostile


class Page(HTMLParser):
    """The elements of a page and the texts of its scripts."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._inside = False
        self.feed("\n".join(html.lines(graph)))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")
        self._inside = True

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[-1] += data

    def text(self, tag: str, **attributes: str) -> str:
        wanted = attributes.items()
        (found,) = (
            text
            for (name, has), text in zip(self.elements, self.texts, strict=True)
            if name == tag and wanted <= has.items()
        )
        return found

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text("script", id="data"))
        return found


@pytest.mark.parametrize("graph", [Graph(), SMALL, chain(40), hostile()], ids=["empty", "small", "40", "hostile"])
def test_nothing_comes_from_elsewhere(graph: Graph) -> None:
    page = Page(graph)
    names = {name for _, attributes in page.elements for name in attributes}
    assert names.isdisjoint({"src", "onerror", "onclick", "style"})
    assert [attributes["href"] for _, attributes in page.elements if "href" in attributes] == ["data:,"]
    assert [name for name, _ in page.elements].count("script") == 2
    text = "\n".join(html.lines(graph))
    assert set(re.findall(r"\w+://[\w./]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "{{" not in text.replace(page.text("script", id="data"), "")


def test_only_the_script_of_the_page_may_run() -> None:
    page = Page(SMALL)
    scripts = [
        text for (name, has), text in zip(page.elements, page.texts, strict=True) if name == "script" and not has
    ]
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = next(has["content"] for name, has in page.elements if name == "meta" and "http-equiv" in has)
    assert policy is not None
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_the_data_are_those_of_the_json_document() -> None:
    for graph in (SMALL, hostile()):
        data = Page(graph).data
        told = document.document(graph)
        assert {key: data[key] for key in ("tables", "edges", "cycles")} == {
            key: told[key] for key in ("tables", "edges", "cycles")
        }
        for path, whole in zip(data["paths"], told["paths"], strict=True):
            steps = [data["steps"][number] for number in path["steps"]]
            assert [step["source"] for step in steps] == [step["source"] for step in whole["steps"]]
        assert len(data["routes"]) == len(graph.edges)
        assert set(data["boxes"]) == set(graph.tables)


def test_hostile_names_reach_the_data_as_they_are() -> None:
    assert Page(hostile()).data["tables"] == [HOSTILE, "b"]


def test_the_same_graph_gives_the_same_page() -> None:
    assert list(html.lines(chain(40))) == list(html.lines(chain(40)))


def test_steps_stand_in_the_page_once() -> None:
    data = Page(SMALL).data
    assert len(data["steps"]) == 8
    assert data["steps"][0]["does"] == "locks a row of job (FOR UPDATE)"
