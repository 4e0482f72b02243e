"""Files that do not reach each other by imports are linked apart, and let go of."""

from __future__ import annotations

import gc
import multiprocessing
import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lockcheck import api, islands, linked, reader, settings, workers
from lockcheck.api import Means, Report
from lockcheck.cache.folder import Folder
from lockcheck.held import Held
from lockcheck.island import Island, looked_at
from lockcheck.records import Record, Wanted, read_record
from lockcheck.server.memory import Memory, MemoryRecords
from lockcheck.snapshot import Snapshot
from tests.test_pipeline import BULK, LOCK, MODELS, package, write

PROLOGUE = MODELS.replace("Mapped, mapped_column", "Mapped, Session, mapped_column")
CANCEL = """

def cancel(session: Session, run_id: int, job_id: int) -> None:
    session.get_one(Run, run_id, with_for_update=True)
    session.get_one(Job, job_id, with_for_update=True)
    session.commit()
"""
FINISH = """

def finish(session: Session, run_id: int, job_id: int) -> None:
    session.get_one(Job, job_id, with_for_update=True)
    session.get_one(Run, run_id, with_for_update=True)
    session.commit()
"""
TWO = {"cancelling.py": PROLOGUE + CANCEL, "finishing.py": PROLOGUE + FINISH}
"""Programs of their own, each with models of its own that have the same names."""
BORROWED = "from cancelling import Job, Run\nfrom sqlalchemy.orm import Session\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def checked(means: Means | None = None, **overrides: Any) -> Report:
    found = settings.load(Path(), overrides=settings.Overrides(**{"preview": True, **overrides}))
    return api.analyse([Path()], found, means=means)


def inversions(report: Report) -> list[str]:
    return [found.place.path for found in report.findings if found.code == "LCK205"]


# --- what belongs together --------------------------------------------------------------------------------------


def parts(files: Mapping[str, str]) -> list[list[str]]:
    """The islands of files, by the names of their modules."""
    wanted = [
        Wanted(f"{name.replace('.', '/')}.py", name, is_package=not text, text=text, declare=True)
        for name, text in files.items()
    ]
    links = [Held(item, read_record(item)).links for item in wanted]
    return [[wanted[number].module for number in group] for group in islands.islands(wanted, links.__getitem__)]


def test_no_files_are_no_islands() -> None:
    assert parts({}) == []


def test_without_imports_each_file_is_an_island() -> None:
    assert parts({"a": "import os\n", "b": "import os\n", "c": "x = 1\n"}) == [["a"], ["b"], ["c"]]


def test_what_is_outside_joins_nothing() -> None:
    text = "from sqlalchemy.orm import Session\nimport requests.adapters\nfrom celery import *\n"
    assert parts({"a": text, "b": text}) == [["a"], ["b"]]


def test_namespaces_join_nothing() -> None:
    assert parts({"jobs.a": "x = 1\n", "jobs.b": "x = 1\n", "jobs.deep.c": "x = 1\n"}) == [
        ["jobs.a"],
        ["jobs.b"],
        ["jobs.deep.c"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "from jobs.b import x\n",
        "from jobs import b\n",
        "import jobs.b\n",
        "import jobs.b as other\n",
        "from jobs.b import *\n",
        "from .b import x\n",
        "from . import b\n",
        "def f():\n    from jobs import b\n",
        "def f():\n    import jobs.b\n",
        "class C:\n    def f(self):\n        from .b import x\n",
        "class C:\n    from .b import x\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from jobs.b import x\n",
        "try:\n    import nothing\nexcept ImportError:\n    from jobs.b import x\n",
        "try:\n    import fast as b\nexcept ImportError:\n    import jobs.b as b\nb = b or None\n",
    ],
)
def test_imports_join(text: str) -> None:
    assert parts({"jobs.a": text, "jobs.b": "x = 1\n", "jobs.c": "x = 1\n"}) == [["jobs.a", "jobs.b"], ["jobs.c"]]


def test_imports_join_over_others_and_backwards() -> None:
    files = {"a": "import c\n", "b": "import c\n", "c": "import d\n", "d": "x = 1\n", "e": "import f\n", "f": "x = 1\n"}
    assert parts(files) == [["a", "b", "c", "d"], ["e", "f"]]


def test_a_package_is_one() -> None:
    """Importing any module of it runs its `__init__`."""
    files = {"a": "", "a.b": "x = 1\n", "a.c.d": "x = 1\n", "other.b": "x = 1\n"}
    assert parts(files) == [["a", "a.b", "a.c.d"], ["other.b"]]


def test_roots_of_one_name_are_apart() -> None:
    modules = {"": "", ".a": "import app.b\n", ".b": "x = 1\n"}
    files = {f"{top}{end}": text for top in ("app", "app~2") for end, text in modules.items()}
    assert parts(files) == [["app", "app.a", "app.b"], ["app~2", "app~2.a", "app~2.b"]]


def test_import_paths_that_are_no_roots_join() -> None:
    files = {"one.app.a": "from app.b import x\n", "one.app.b": "x = 1\n", "two.app.b": "x = 1\n"}
    assert parts(files) == [["one.app.a", "one.app.b"], ["two.app.b"]]


def test_what_does_not_parse_joins_nothing() -> None:
    assert parts({"a": "import b\n", "b": "def (:\n", "c": "import b\n"}) == [["a"], ["b"], ["c"]]


def test_packages_are_joined_without_a_look_at_imports() -> None:
    wanted = [Wanted(f"{n}.py", n, is_package=False, text="", declare=True) for n in ("a", "a.b", "a.c", "a.c.d")]

    def refuse(_: int) -> Any:
        raise AssertionError

    assert islands.islands(wanted, refuse) == [[0, 1, 2, 3]]


# --- what is found ----------------------------------------------------------------------------------------------


def test_programs_that_share_nothing_do_not_meet(root: Path) -> None:
    write(root, TWO)
    assert inversions(checked()) == []


def test_an_inversion_inside_an_island(root: Path) -> None:
    write(root, {**TWO, "both.py": PROLOGUE + CANCEL + FINISH})
    assert inversions(checked()) == ["both.py"]


@pytest.mark.parametrize(
    "files",
    [
        {"finishing.py": BORROWED + FINISH},
        {"finishing.py": PROLOGUE + FINISH, "main.py": "import cancelling\nimport finishing\n"},
        {"finishing.py": PROLOGUE + FINISH + "\n\ndef late() -> None:\n    import cancelling\n    print(cancelling)\n"},
    ],
)
def test_joined_by_an_import_they_meet(root: Path, files: Mapping[str, str]) -> None:
    write(root, {**TWO, **files})
    assert len(inversions(checked())) == 1


def test_each_package_as_if_it_were_alone(root: Path) -> None:
    """Names of tables are the same in all; so are findings, in the order of files."""
    write(root, package("shop"))
    alone = checked()
    assert alone.findings
    for name in ("apple", "zoo"):
        write(root, package(name))
    found = checked()
    assert len(found.findings) == 3 * len(alone.findings)
    assert [f.place.path for f in found.findings] == sorted(f.place.path for f in found.findings)
    assert tuple(f for f in found.findings if f.place.path.startswith("shop/")) == alone.findings
    for finding in found.findings:
        top = finding.place.path.partition("/")[0]
        assert {related.place.path.partition("/")[0] for related in finding.related} <= {top}


HANDLER = """from shop.models import Job, Run, hub


def start() -> None:
    run = Run()
    hub.session.add(run)
    hub.session.commit()
    hub.session.add(Job(run_id=run.id))
    hub.session.commit()
"""
"""Nothing but a mapped class tells that it deals with a database."""


@pytest.mark.parametrize("names", [("one",), ("one", "two"), ("zero", "one", "two")])
def test_each_root_as_if_it_were_alone(root: Path, names: tuple[str, ...]) -> None:
    """Modules of several roots have the same names."""
    hub = "\n\nclass Hub: ...\n\n\nhub = Hub()\n"
    for name in names:
        (root / name).mkdir()
        (root / name / "pyproject.toml").touch()
        write(root / name, {**package("shop"), "shop/models.py": MODELS + hub, "shop/handling.py": HANDLER})
    found = checked().findings
    assert len(found) == 2 * len(names)
    for name in names:
        own = [item for item in found if item.place.path.startswith(f"{name}/")]
        assert [item.code for item in own] == ["LCK403", "LCK201"]
        assert all(place.place.path.startswith(f"{name}/") for item in own for place in item.related)


def test_what_revisions_alone_import_in_each_root(root: Path) -> None:
    """A helper of revisions runs alone: it is no counterpart in its own root, whatever the other one holds."""
    revision = "from shop.helping import mark\n\nrevision = '1'\ndown_revision = None\n\n\ndef upgrade():\n    mark()\n"
    for name in ("one", "two"):
        (root / name).mkdir()
        (root / name / "pyproject.toml").touch()
        write(root / name, {**package("shop"), "versions/one.py": revision})
        (root / name / "shop/helping.py").write_text("def mark() -> None: ...\n", encoding="utf-8")
    workspace = linked.Workspace([Path()], settings.load(Path()))
    found = [project.serving_revisions for project in workspace.read({}).projects(settings.load(Path()))]
    assert found == [{"shop.helping"}, {"shop~2.helping"}]


def test_problems_are_in_the_order_of_files(root: Path) -> None:
    write(root, {**TWO, "a.py": "def (:\n", "shop/__init__.py": "", "shop/bad.py": "def (:\n", "z.py": "def (:\n"})
    write(root, package("shop"))
    means = Means(Folder(str(root / "cache"), "one"))
    for report in (checked(), checked(means), checked(means)):
        assert [problem.path for problem in report.problems] == ["a.py", "shop/bad.py", "z.py"]


def test_counts_of_what_cannot_be_followed_add_up(root: Path) -> None:
    text = "\n\ndef f(session: Session, statement) -> None:\n    session.execute(statement())\n"
    write(root, {"one.py": PROLOGUE + text})
    alone = checked().unresolved
    assert alone
    write(root, {"two.py": PROLOGUE + text})
    assert checked().unresolved == {kind: 2 * count for kind, count in alone.items()}


def test_fixes_reach_every_island(root: Path) -> None:
    write(
        root, {**package("shop"), **package("zoo"), "pyproject.toml": '[tool.lockcheck]\ndialects = ["postgresql"]\n'}
    )
    done = api.fix([Path()], settings.load(Path()), unsafe=True, diff=False)
    assert [change.path for change in done.changed] == ["shop/sweeping.py", "zoo/sweeping.py"]
    assert not checked(preview=False).findings


def test_the_graph_has_the_cycles_that_a_check_reports(root: Path) -> None:
    write(root, TWO)
    drawn = api.graph([Path()], settings.load(Path())).graph
    assert [edge.ends for edge in drawn.edges] == [("job", "run"), ("run", "job")]
    assert drawn.cycles == ()
    write(root, {"both.py": PROLOGUE + CANCEL + FINISH, "third.py": PROLOGUE + CANCEL + FINISH})
    cycles = api.graph([Path()], settings.load(Path())).graph.cycles
    files = [{path.taken.place.path for edge in cycle.edges for path in edge.paths} for cycle in cycles]
    assert files == [{"both.py"}, {"third.py"}]


def test_a_proof_is_of_the_island_that_a_place_lies_in(root: Path) -> None:
    target = pytest.importorskip("lockcheck.prove.target")
    write(root, {**TWO, "both.py": PROLOGUE + CANCEL + FINISH, "third.py": PROLOGUE + CANCEL + FINISH})
    chosen = settings.load(Path(), overrides=settings.Overrides(preview=True))
    for finding in (found for found in checked().findings if found.code == "LCK205"):
        wanted = target.Wanted(finding.place.path, finding.place.line)
        meant = target.targets(wanted, [Path()], chosen, lambda *_: None)
        assert [found for _, found in meant.found] == [finding]
        assert set(meant.project.linker.modules) == {finding.place.path}
    nothing = target.targets(target.Wanted("finishing.py", 21), [Path()], chosen, lambda *_: None)
    assert nothing.found == ()


# --- processes and caches ---------------------------------------------------------------------------------------

MANY = {**TWO, **package("shop"), **package("zoo"), "plain.py": "x = 1\n", "bad.py": "def (:\n"}


def test_several_processes_find_what_one_finds(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MANY", 2)
    write(root, MANY)
    one = checked(Means())
    assert one.findings
    assert checked(Means(jobs=2)) == one


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_islands_are_linked_by_workers(root: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(
            f"the operating system cannot start worker processes by {method}, so nobody has lockcheck do that here"
        )
    write(root, MANY)
    one = checked()

    monkeypatch.setattr(reader, "MANY", 2)
    monkeypatch.setattr(workers, "_context", lambda: multiprocessing.get_context(method))
    monkeypatch.setattr("lockcheck.whole._Look._linked", only_idle)
    assert checked(Means(jobs=2)) == one


def only_idle(_: object, one: Island, share: tuple[int, int]) -> Snapshot:
    assert not one.alive, share
    return looked_at(one, lambda *_: None, Means(), last=True)


def killed(_: object) -> bytes:
    os._exit(9)


def broken(_: object) -> None:
    return None


def too_deep(_: object) -> bytes:
    raise RecursionError


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="workers must have the patch")
@pytest.mark.parametrize("worker", [killed, broken, too_deep])
def test_what_workers_cannot_link_is_linked_here(
    root: Path, monkeypatch: pytest.MonkeyPatch, worker: Callable[[object], bytes | None]
) -> None:
    write(root, MANY)
    one = checked()
    monkeypatch.setattr(reader, "MANY", 2)
    monkeypatch.setattr(workers, "_context", lambda: multiprocessing.get_context("fork"))
    monkeypatch.setattr(workers, "_link", worker)
    assert checked(Means(jobs=2)) == one


def test_one_island_starts_no_process(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(workers, "link_all", refuse)
    monkeypatch.setattr(reader, "MANY", 2)
    write(root, {**package("shop"), "plain.py": "x = 1\n", "other.py": "x = 1\n"})
    assert checked(Means(jobs=2)).findings


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The files of each island that is linked."""
    found: list[set[str]] = []

    def counting(means: type[Means]) -> None:
        link = means.linked

        def count(own: Means, given: Mapping[str, Record], chosen: settings.Settings) -> object:
            found.append(set(given))
            return link(own, given, chosen)

        monkeypatch.setattr(means, "linked", count)

    counting(Means)
    counting(Memory)
    return found


SHOP = {f"shop/{name}.py" for name in ("__init__", "marking", "models", "sweeping")}
CHANGES: dict[str, tuple[Mapping[str, str], list[set[str]]]] = {
    "nothing": ({}, []),
    "a comment": ({"shop/marking.py": "# why\n" + LOCK.format(models="shop.models")}, []),
    "the counterpart gone": (
        {"shop/marking.py": LOCK.format(models="shop.models").replace(".with_for_update()", "")},
        [SHOP],
    ),
    "a file of no island": ({"plain.py": "x = 2\n\n\ndef f() -> None: ...\n"}, []),
    "an island that joins another": (
        {"plain.py": "import shop.marking\nimport cancelling\n"},
        [{"plain.py", "cancelling.py", *SHOP}],
    ),
    "one that becomes an island": ({"plain.py": PROLOGUE + FINISH + CANCEL}, [{"plain.py"}]),
    "one that does not parse": ({"cancelling.py": "def (:\n"}, []),
    "one that leads elsewhere": ({"finishing.py": BORROWED + FINISH}, [{"cancelling.py", "finishing.py"}]),
}


@pytest.mark.parametrize("place", ["disk", "memory"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_links_its_island_alone(
    root: Path, links: list[set[str]], change: tuple[Mapping[str, str], list[set[str]]], place: str
) -> None:
    means = Means(Folder(str(root / "cache"), "one")) if place == "disk" else Memory.of(MemoryRecords())
    write(root, MANY)
    checked(means)
    links.clear()
    write(root, change[0])
    found = checked(means)
    assert links == change[1]
    assert found == checked()
    assert checked(means) == found


def test_a_new_file_leaves_other_islands_to_the_server(root: Path, links: list[set[str]]) -> None:
    means = Memory.of(MemoryRecords())
    write(root, MANY)
    checked(means)
    links.clear()
    write(root, {"more.py": PROLOGUE + CANCEL + FINISH})
    found = checked(means)
    assert links == [{"more.py"}]
    assert found == checked()


# --- memory -----------------------------------------------------------------------------------------------------


@pytest.fixture
def uncollected() -> Iterator[None]:
    """As in a run from the command line."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_a_linked_island_is_let_go_of(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "OBJECTS", 0)
    alive: list[weakref.ref[Any]] = []
    left: list[int] = []
    link = linked.link

    def watch(given: list[Record], chosen: settings.Settings) -> object:
        left.append(sum(ref() is not None for ref in alive))
        project = link(given, chosen)
        traces = list(project.traces())
        facts = [located.facts for located in project.linker.functions.values()]
        helpers = (project, project.linker, project.linker.declarations, project.locks, project.contention)
        alive.extend(weakref.ref(item) for item in (*helpers, *traces))
        assert facts
        return project

    monkeypatch.setattr("lockcheck.linked.link", watch)
    write(root, {**package("shop"), **package("zoo"), **TWO})
    assert checked().findings
    assert left == [0, 0, 0, 0]
    assert len(alive) > 4 * len(left)


@pytest.mark.usefixtures("uncollected")
def test_records_of_a_linked_island_are_let_go_of(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are held packed, and unpacked for their own island alone."""
    monkeypatch.setattr(reader, "OBJECTS", 0)
    alive: list[weakref.ref[Any]] = []
    left: list[int] = []
    link = linked.link

    class Weak(Record):
        """One that can be watched."""

        __slots__ = ("__weakref__",)

    def unpack(document: Any) -> Record:
        record = unpacked(document)
        assert record is not None
        found = Weak(record.problem, record.declarations, record.facts, record.unread, record.slices)
        alive.append(weakref.ref(found))
        return found

    def watch(given: list[Record], chosen: settings.Settings) -> object:
        left.append(sum(ref() is not None for ref in alive) - len(given))
        return link(given, chosen)

    from lockcheck.cache import kept  # noqa: PLC0415 - only this test watches it

    unpacked: Callable[[Any], Record | None] = kept.unpack
    monkeypatch.setattr(kept, "unpack", unpack)
    monkeypatch.setattr("lockcheck.linked.link", watch)
    write(root, {**package("shop"), **package("zoo"), **TWO})
    found = checked()
    assert left == [0, 0, 0, 0]
    monkeypatch.undo()
    monkeypatch.chdir(root)
    assert checked() == found


def test_many_texts_are_packed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, MANY)
    plain = checked()
    monkeypatch.setattr(linked, "TEXTS", len(MODELS))
    workspace = linked.Workspace([Path()], settings.load(Path()))
    sources = workspace.sources({})
    assert {wanted.path: wanted.text for wanted in sources.wanted} == {
        path: Path(path).read_text(encoding="utf-8") for path in MANY
    }
    assert sum(wanted.content.packed for wanted in sources.wanted) > 1
    assert checked() == plain
    assert checked(Means(Folder(str(root / "cache"), "one"))) == plain


def test_fixing_where_texts_are_packed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, {**package("shop"), "pyproject.toml": '[tool.lockcheck]\ndialects = ["postgresql"]\n'})
    chosen = settings.load(Path())
    plain = api.fix([Path()], chosen, unsafe=True, diff=True)
    monkeypatch.setattr(linked, "TEXTS", 0)
    monkeypatch.setattr(reader, "OBJECTS", 0)
    assert api.fix([Path()], chosen, unsafe=True, diff=True) == plain
    assert api.fix([Path()], chosen, unsafe=True, diff=False).changed == plain.changed
    assert Path("shop/sweeping.py").read_text(encoding="utf-8") == plain.changed[0].after
    assert BULK.format(models="shop.models") != plain.changed[0].after


@pytest.mark.parametrize(
    ("head", "encoding"), [("", "utf-8"), ("", "utf-8-sig"), ("# coding: latin-1\n", "latin-1"), ("# é\n", "utf-8")]
)
def test_bytes_come_back_from_texts(tmp_path: Path, head: str, encoding: str) -> None:
    from lockcheck.sources import Source, read_source  # noqa: PLC0415 - only this test reads by itself

    raw = (head + "x = 'é'\r\ny = 1\n").encode(encoding)
    (tmp_path / "a.py").write_bytes(raw)
    source = read_source(tmp_path / "a.py", "a.py")
    assert isinstance(source, Source)
    assert source.raw == raw
    source.content.pack()
    assert source.raw == raw
    assert source.text == raw.decode(encoding)
