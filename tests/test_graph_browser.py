"""The page of the lock-order graph in a browser: a click, a key or a word shows both paths with their source."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lockcheck.reporting.graphs import html
from lockcheck.reporting.graphs.model import Graph
from tests.graphs import HOSTILE, SMALL, chain, hostile

pytestmark = pytest.mark.server

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium on PATH; on Debian: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Open the page of a graph; whatever the page complains of fails the test."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def opened(graph: Graph, address: str = "", **options: Any) -> Any:
        context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if "file:" not in request.url else None)
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        file = tmp_path / "graph.html"
        file.write_text("\n".join(html.lines(graph)), encoding="utf-8")
        page.goto(f"{file.as_uri()}{address}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def details(page: Any) -> str:
    text: str = page.locator("#details").inner_text()
    return text


def edge(page: Any, label: str) -> Any:
    return page.locator(f'.edge[aria-label="{label}"]')


def on(page: Any, what: str) -> list[str]:
    labels: list[str] = page.locator(f".{what}.on").evaluate_all("all => all.map(e => e.getAttribute('aria-label'))")
    return sorted(labels)


@pytest.mark.parametrize(
    "graph", [Graph(), SMALL, chain(5), chain(80), hostile()], ids=["0", "3", "5", "80", "hostile"]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_loads_and_draws_everything(show: Open, graph: Graph, scheme: str) -> None:
    page = show(graph, color_scheme=scheme)
    assert page.locator(".node").count() == len(graph.tables)
    assert page.locator("#graph .edge").count() == len(graph.edges)
    assert page.locator("#cycles .item").count() == len(graph.cycles)
    assert page.locator("#empty").is_visible() is (graph.tables == ())
    assert "How to read this" in details(page)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (light == "rgb(255, 255, 255)") is (scheme == "light")


def test_a_click_on_an_edge_shows_its_places(show: Open) -> None:
    page = show(SMALL)
    # In the middle of the line, where the mouse of a person would be.
    at = (
        edge(page, "run → log: 1 place")
        .locator(".line")
        .evaluate(
            "line => { const p = line.getPointAtLength(line.getTotalLength() / 2).matrixTransform(line.getScreenCTM());"
            " return [p.x, p.y]; }"
        )
    )
    page.mouse.click(*at)
    text = details(page)
    assert "run → log" in text
    assert "shop/jobs.py:10" in text
    assert "select(Run).with_for_update()" in text
    assert "claim locks a row of log through a foreign key (FOR UPDATE)" in text.replace("\xa0", " ")
    assert "select(Log).with_for_update()" in text
    assert on(page, "edge") == ["run → log: 1 place"]
    assert on(page, "node") == ["log", "run"]


def test_a_click_on_a_cycle_shows_both_paths(show: Open) -> None:
    page = show(SMALL)
    page.locator("#cycles .item").click()
    text = details(page).replace("\xa0", " ")
    assert "Transaction 1 holds job, then takes run" in text
    assert "Worker.finish changes a row of run, locked by the flush (FOR UPDATE)" in text
    assert "Transaction 2 holds run, then takes job" in text
    assert "claim calls claim_jobs" in text
    assert "claim_jobs updates rows of job (FOR UPDATE)" in text
    assert text.count("select(Run).with_for_update()") == 2
    assert page.locator("#details .held").count() == page.locator("#details .taken").count() == 2
    assert on(page, "edge") == ["job → run: 2 places", "run → job: 1 place"]
    assert page.locator("#cycles .item").get_attribute("aria-current") == "true"


def test_further_places_are_opened(show: Open) -> None:
    page = show(SMALL, "#cycle=1")
    assert "finish_all" not in details(page)
    page.get_by_text("1 more place").click()
    page.locator("#details summary", has_text="finish_all").click()
    page.locator("#details .does", has_text="finish_all updates rows of job").wait_for()
    assert "shop/jobs.py:41" in details(page)


def test_a_click_on_a_table_shows_its_edges_and_they_lead_on(show: Open) -> None:
    page = show(SMALL)
    page.locator('.node[aria-label="run"]').click()
    assert on(page, "edge") == ["job → run: 2 places", "run → job: 1 place", "run → log: 1 place"]
    text = details(page)
    assert text.index("Cycles") < text.index("Locked while it is held") < text.index("Held while it is locked")
    page.locator("#details .item", has_text="log").click()
    assert "shop/jobs.py:50" in details(page)
    page.go_back()
    assert "Locked while it is held" in details(page)
    page.locator("#graph").click(position={"x": 5, "y": 5})
    assert "How to read this" in details(page)


def test_an_address_names_what_is_chosen(show: Open) -> None:
    page = show(SMALL, "#edge=run&job")
    assert "Transactions that hold rows of run lock rows of job, in 1 place." in details(page)
    assert "The other way round" in details(page)
    page.evaluate("location.hash = '#table=job'")
    page.wait_for_function("document.querySelector('#details h2').textContent === 'job'")
    page.evaluate("location.hash = '#edge=%E0%A4%A&nothing'")
    page.wait_for_function("document.querySelector('#details h2').textContent === 'How to read this'")


def test_search(show: Open) -> None:
    page = show(chain(40))
    page.keyboard.press("/")
    page.keyboard.type("TABLE_07")
    assert page.locator("#tables .item:visible").all_inner_texts() == ["table_07\n6"]
    assert page.locator(".node.found").count() == 1
    assert page.locator("#cycles .item:visible").count() == 0
    page.keyboard.press("Enter")
    assert details(page).startswith("table_07")
    page.locator("#search").fill("run_table_00")  # a function
    assert page.locator("#tables .item:visible").count() == 4
    page.locator("#search").press("Escape")
    assert page.locator("#tables .item:visible").count() == 40


def test_cycles_only(show: Open) -> None:
    page = show(chain(40))
    page.get_by_label("Cycles only").check()
    assert page.locator("#graph .edge:visible").count() == 2
    assert page.locator(".node:visible").count() == 2
    page.get_by_label("Cycles only").uncheck()
    assert page.locator(".node:visible").count() == 40


def test_keyboard(show: Open) -> None:
    page = show(chain(5))
    page.locator(".node[tabindex='0']").focus()
    focused = "document.activeElement.getAttribute('aria-label')"
    seen = [page.evaluate(focused)]
    for _ in range(4):
        page.keyboard.press("ArrowDown")
        seen.append(page.evaluate(focused))
    assert seen == [f"table_{number:02}" for number in range(5)]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert details(page).startswith("table_03")
    edge(page, "table_02 → table_03: 1 place").focus()
    page.keyboard.press(" ")
    assert "Transactions that hold rows of table_02" in details(page)
    page.keyboard.press("Escape")
    assert "How to read this" in details(page)
    page.locator("#cycles .item").focus()
    page.keyboard.press("Enter")
    assert details(page).startswith("Cycle 1")


def test_zoom_and_pan(show: Open) -> None:
    page = show(chain(40))

    def view() -> list[float]:
        found: list[float] = page.evaluate(
            "document.getElementById('graph').getAttribute('viewBox').split(' ').map(Number)"
        )
        return found

    start = view()
    page.keyboard.press("+")
    assert view()[2] < start[2]
    page.keyboard.press("-")
    assert view() == pytest.approx(start)
    page.mouse.move(600, 400)
    page.mouse.wheel(0, -120)
    page.wait_for_function(f"document.getElementById('graph').getAttribute('viewBox').split(' ')[2] < {start[2]}")
    page.get_by_role("button", name="Show all").click()
    assert view() == pytest.approx(start)
    page.mouse.move(330, 850)
    page.mouse.down()
    page.mouse.move(430, 800)
    page.mouse.up()
    assert view()[0] < start[0]
    assert view()[1] > start[1]
    assert "How to read this" in details(page)


def test_what_is_chosen_comes_into_view(show: Open) -> None:
    page = show(chain(80))
    for _ in range(8):
        page.keyboard.press("+")
    page.locator("#tables .item").last.click()
    box = page.locator('.node[aria-label="table_79"]').bounding_box()
    stage = page.locator("#stage").bounding_box()
    assert stage["x"] < box["x"] < stage["x"] + stage["width"] - box["width"]
    assert stage["y"] < box["y"] < stage["y"] + stage["height"] - box["height"]


def test_hostile_names_are_shown_as_they_are(show: Open) -> None:
    page = show(hostile(), "#cycle=1")
    assert page.locator("img").count() == 0
    assert page.locator("#details pre").first.inner_text().startswith(f"1{HOSTILE.partition(chr(10))[0]}")
    page.locator(".node text", has_text="script").click()
    assert page.locator("#details h2").inner_text().startswith("</script><img")
    page.reload()
    assert page.locator("#details h2").inner_text().startswith("</script><img")


def test_themes(show: Open) -> None:
    page = show(SMALL, color_scheme="light")
    theme = page.locator("#theme")
    colour = "getComputedStyle(document.body).backgroundColor"
    seen = [(theme.inner_text(), page.evaluate(colour))]
    for _ in range(3):
        theme.click()
        seen.append((theme.inner_text(), page.evaluate(colour)))
    white, black = "rgb(255, 255, 255)", "rgb(15, 19, 24)"
    assert seen == [
        ("Theme: system", white),
        ("Theme: dark", black),
        ("Theme: light", white),
        ("Theme: system", white),
    ]


def test_a_narrow_window(show: Open) -> None:
    page = show(SMALL, "#cycle=1")
    page.set_viewport_size({"width": 420, "height": 800})
    page.reload()
    assert page.evaluate("document.documentElement.scrollTop") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    assert page.locator(".node").first.is_visible()
