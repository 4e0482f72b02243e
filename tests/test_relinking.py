"""A project that takes a change tells what one that is linked from the start tells."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from lockcheck import api, relinked, settings
from lockcheck.linked import Workspace, link
from lockcheck.linking.evaluations import Evaluations, Key
from lockcheck.linking.events import Behaviour
from lockcheck.linking.linker import MAX_CONTEXTS
from lockcheck.server.state import State
from lockcheck.settings import Overrides
from tests.projects import FIXTURES
from tests.test_pipeline import BULK, LOCK, MODELS, SAFE, package, write

HELPERS = """from sqlalchemy import select
from sqlalchemy.orm import Session

from shop.models import Job


def locked(session: Session, run: str) -> list[Job]:
    return list(session.scalars(select(Job).where(Job.run_id == run).with_for_update()))


def plain(number: int, session: Session) -> int:
    session.get(Job, number)
    return number


def begin(session: Session) -> None:
    for job in locked(session, "one"):
        job.state = "done"
    session.commit()


class Row:
    @property
    def state(self) -> str:
        return self._state

    @state.setter
    def state(self, value: str) -> None:
        self._state = value
"""
OPENING = """from contextlib import contextmanager

from sqlalchemy.orm import Session, sessionmaker

Factory = sessionmaker()


def in_session(function):
    def wrapper(*args, **kwargs):
        if "session" in kwargs:
            return function(*args, **kwargs)
        with Factory() as session:
            return function(*args, session=session, **kwargs)

    return wrapper
"""
DECORATED = """from shop.helpers import locked
from shop.opening import in_session


@in_session
def work(*, session=None) -> None:
    locked(session, "two")


def start(session) -> None:
    session.flush()
    work()
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files = {"shop/helpers.py": HELPERS, "shop/opening.py": OPENING, "shop/decorated.py": DECORATED}
    write(tmp_path, {**package(), "pyproject.toml": SAFE, **files})
    return tmp_path


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files are linked from the start, each time."""
    found: list[int] = []

    def counted(records: list, settings: object, *, renewable: bool = False) -> object:  # type: ignore[type-arg]
        found.append(len(records))
        return link(records, settings, renewable=renewable)  # type: ignore[arg-type]

    monkeypatch.setattr(relinked, "link", counted)
    return found


class Looks:
    """One look after the other at a project, each compared with one from the start."""

    def __init__(self, root: Path) -> None:
        self.state = State(root, Overrides(preview=True), lambda: False)
        self.root = root
        self.texts: dict[str, str] = {}
        self.look()

    def look(self) -> None:
        found = self.state.look(dict(self.texts))
        fresh = Workspace([self.root], self.state.settings)
        assert found.findings == api.again(fresh, self.state.settings, dict(self.texts)).findings

    def change(self, path: str, old: str, new: str) -> None:
        before = self.texts.get(path) or (self.root / path).read_text(encoding="utf-8")
        assert old in before
        self.texts[path] = before.replace(old, new)
        self.look()


def test_a_fix_is_looked_at_without_linking_anew(root: Path, links: list[int]) -> None:
    """The UPDATE of another file is not news: it was reported before, with another SELECT as its other side."""
    done = api.fix([Path("shop/helpers.py")], settings.load(root), unsafe=True, diff=True)
    assert [change.path for change in done.changed] == ["shop/helpers.py"]
    assert [finding.place.path for finding in done.report.findings] == ["shop/sweeping.py"]
    assert not done.refused
    assert len(links) == 1


QUIET = {
    "a statement that does nothing": ("shop/helpers.py", "    session.commit()", "    print(1)\n    session.commit()"),
    "a statement gone": ("shop/helpers.py", "    session.commit()\n", ""),
    "another call": ("shop/helpers.py", 'locked(session, "one")', "[]"),
    "a lock": ("shop/helpers.py", "session.get(Job, number)", "session.get(Job, number, with_for_update=True)"),
    "a condition": ("shop/helpers.py", "Job.run_id == run", "Job.id == run"),
    "no lock": ("shop/marking.py", ".with_for_update()", ""),
    "what a function returns": ("shop/helpers.py", "return self._state", "return self.value"),
    "a body that is worth reading": ("shop/helpers.py", "self._state = value", "session.commit()"),
    "lines above": ("shop/helpers.py", "def plain", "# one\n\n# two\ndef plain"),
    "a nested function": ("shop/helpers.py", "    session.commit()", "    def f(): session.flush()\n    f()"),
    "a lambda": ("shop/helpers.py", "    session.commit()", "    (lambda: session.flush())()\n    session.commit()"),
}
LOUD = {
    "a decorator": ("shop/opening.py", 'if "session" in kwargs', 'if kwargs.get("session")'),
    "an import": ("shop/helpers.py", "import select\n", "import select, update\n"),
    "a parameter": ("shop/helpers.py", "run: str)", "run: str, more: int = 1)"),
    "a new function": ("shop/helpers.py", "def plain", "def other(session):\n    session.flush()\n\n\ndef plain"),
    "a column": ("shop/models.py", "Mapped[str | None]", "Mapped[str]"),
    "a mapped default": ("shop/models.py", "pass\n", "pass\n\n\nOTHER = 1\n"),
}


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(("path", "old", "new"), QUIET.values(), ids=QUIET)
def test_a_change_of_a_body_links_nothing_anew(root: Path, links: list[int], path: str, old: str, new: str) -> None:
    looks = Looks(root)
    looks.change(path, old, new)
    looks.texts.clear()
    looks.look()
    assert len(links) == 1


@pytest.mark.parametrize(("path", "old", "new"), LOUD.values(), ids=LOUD)
def test_what_is_declared_links_all_anew(root: Path, links: list[int], path: str, old: str, new: str) -> None:
    looks = Looks(root)
    looks.change(path, old, new)
    looks.change("shop/helpers.py", "number\n", "number + 1\n")
    assert len(links) == 2


def test_only_what_calls_a_changed_function_is_evaluated(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(root)
    evaluated: list[object] = []
    evaluate = Evaluations.evaluate

    def watched(own: Evaluations, key: Key, context: str, run: Callable[[], Behaviour]) -> Behaviour:
        evaluated.append(key[0])
        return evaluate(own, key, context, run)

    monkeypatch.setattr(Evaluations, "evaluate", watched)
    before = (root / "shop/helpers.py").read_text(encoding="utf-8")
    looks.state.look({"shop/helpers.py": before.replace("    return number", "    session.flush()\n    return number")})
    assert set(evaluated) == {"shop.helpers.plain"}
    evaluated.clear()
    looks.state.look({"shop/helpers.py": before.replace("Job.run_id == run", "Job.id == run")})
    assert set(evaluated) == {
        "shop.helpers.plain", "shop.helpers.locked", "shop.helpers.begin", "shop.decorated.work",
        "shop.decorated.start",
    }  # fmt: skip


AGAIN = """from sqlalchemy.orm import Session

from shop.helpers import plain


def again(number: int, session: Session) -> int:
    return plain(number, session)


def call(count: int, session: Session) -> None:
    again(count, session)
    session.commit()
"""


def test_function_whose_run_its_callers_share(root: Path, links: list[int]) -> None:
    """They hand on what its types say of its arguments."""
    write(root, {"shop/again.py": AGAIN})
    looks = Looks(root)
    looks.change("shop/helpers.py", "    return number", "    session.flush()\n    return number")
    looks.change("shop/helpers.py", "session.get(Job, number)", "session.get(Job, number, with_for_update=True)")
    looks.change("shop/again.py", "return plain", "session.rollback()\n    return plain")
    looks.change("shop/again.py", "again(count", "plain(count")
    assert len(links) == 1


def test_too_many_kinds_of_arguments(root: Path, links: list[int]) -> None:
    """Which of them are told apart depends on who calls first: then all is linked anew."""
    calls = "\n".join(f"def call_{n}(session):\n    touch(session, {n})\n" for n in range(MAX_CONTEXTS + 4))
    touch = "def touch(session, number):\n    session.get(Job, number)\n\n\n"
    write(root, {"shop/many.py": f"from sqlalchemy import select\nfrom shop.models import Job\n\n\n{touch}{calls}"})
    looks = Looks(root)
    looks.change("shop/many.py", "touch(session, 3)", "touch(session, -1)")
    assert len(links) == 2


def test_functions_that_call_themselves(root: Path, links: list[int]) -> None:
    rest = """from sqlalchemy import select
from sqlalchemy.orm import Session

from shop.models import Job


def down(session: Session, number):
    session.scalars(select(Job).where(Job.id == number).with_for_update()).one()
    if number:
        up(session, number)


def up(session: Session, number):
    down(session, 3)
    session.commit()


def begin(session: Session):
    up(session, 5)
"""
    write(root, {"shop/circle.py": rest})
    looks = Looks(root)
    looks.change("shop/circle.py", "up(session, 5)", "session.flush()\n    up(session, 6)")
    looks.change("shop/circle.py", "down(session, 3)", "down(session, number)")
    looks.change("shop/circle.py", "    session.commit()\n", "")
    assert len(links) == 1


# --- many changes -----------------------------------------------------------------------------------------------------

STATEMENT = re.compile(r"^( {4,})[a-z_][\w.]*( = .*|\(.*\))$")
LINES = (
    "# more", "print(1)", "more = 1", "return None", "session.commit()", "session.flush()", "session.rollback()",
    "pass",
    "session.execute(update(Job).where(Job.id > 1).values(state='done'))",
    "session.scalars(select(Job).where(Job.id > 1).with_for_update()).all()",
)  # fmt: skip


def edited(text: str, chance: random.Random) -> str:
    """A text with a line more, another one or one less."""
    lines = text.split("\n")
    places = [number for number, line in enumerate(lines) if STATEMENT.match(line)]
    if not places:
        return text
    number = chance.choice(places)
    indent = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
    kind = chance.randrange(3)
    lines[number : number + (kind > 0)] = [indent + chance.choice(LINES)] + ([lines[number]] if kind > 1 else [])
    return "\n".join(lines)


def parsing(text: str) -> bool:
    try:
        compile(text, "edited", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def fixture_files(seed: int) -> Iterator[tuple[str, str]]:
    """Some fixtures; a new one seldom takes the place of another."""
    found = (path for path in FIXTURES.glob("LCK*/*.py") if ".fixed" not in path.name)
    drawn = sorted(found, key=lambda path: sha256(f"{seed} {path.parent.name}/{path.name}".encode()).digest())
    for path in drawn[:8]:
        yield f"{path.parent.name.lower()}_{path.stem}.py", path.read_text(encoding="utf-8")


@pytest.mark.parametrize("seed", range(4))
def test_many_changes(root: Path, links: list[int], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    files = dict(fixture_files(seed))
    more = {"shop/bulk.py": BULK.format(models="shop.models"), "shop/lock.py": LOCK.format(models="shop.models")}
    write(root, {**files, **more, "shop/models.py": MODELS})
    looks = Looks(root)
    texts = {**files, **more, "shop/helpers.py": HELPERS, "shop/decorated.py": DECORATED}
    for _ in range(25):
        path = chance.choice(list(texts))
        text = edited(looks.texts.get(path, texts[path]), chance)
        if parsing(text):
            looks.texts[path] = text
            looks.look()
    assert len(links) < 15
