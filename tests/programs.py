"""Programs that hypothesis builds: models, and functions with a hazard between pieces of code that no fix may touch."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

HEAD = '''"""Jobs of a queue, größer als sonst."""

from sqlalchemy import ForeignKey, and_, delete, exists, func, not_, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Run(Base):
    __tablename__ = "run"
    id: Mapped[int] = mapped_column(primary_key=True)
    paused: Mapped[bool]


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    state: Mapped[str | None]
    rank: Mapped[int | None]
    run: Mapped[Run] = relationship(lazy="joined", innerjoin=True)


class Step(Base):
    __tablename__ = "step"
    job_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str | None] = mapped_column("step_state")
    rank: Mapped[int | None]


class Setting(Base):
    __tablename__ = "setting"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str | None]


def one_by_one(session: Session) -> None:
    """What every bulk write meets: rows that are locked one after the other."""
    for job in session.scalars(select(Job).where(Job.rank > 0)):
        job.rank = 1
        session.flush()
    for step in session.scalars(select(Step).where(Step.rank > 0)):
        step.rank = 1
        session.flush()


def one_job(session: Session, number: int) -> None:
    job = session.get_one(Job, number, with_for_update={"of": Job})
    job.rank = 2
    session.flush()
'''

STATES = ("queued", "running", "done", None)
_TEXTS = st.sampled_from(('"queued"', '"running"', '"done"', "'größe'"))
_NUMBERS = st.integers(-2, 5).map(str)


# --- conditions -----------------------------------------------------------------------------------------------------


def conditions(model: str) -> st.SearchStrategy[str]:
    """A condition on the rows of `Job` or `Step`; `limit` and `names` are parameters of the function."""
    state, rank = f"{model}.state", f"{model}.rank"
    plain = st.one_of(
        st.builds(lambda text: f"{state} == {text}", _TEXTS),
        st.builds(lambda text: f"{state} != {text}", _TEXTS),
        st.builds(lambda texts: f"{state}.in_([{', '.join(texts)}])", st.lists(_TEXTS, min_size=1, max_size=3)),
        st.sampled_from((f"{state}.is_(None)", f"{state}.in_(names)", f"{rank} > limit", f"{rank}.is_not(None)")),
        st.builds(lambda number: f"{rank} <= {number}", _NUMBERS),
        st.just(_elsewhere(model)),
    )
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            st.builds(lambda one, two: f"or_({one}, {two})", inner, inner),
            st.builds(lambda one, two: f"and_({one}, {two})", inner, inner),
            st.builds(lambda one: f"not_({one})", inner),
            st.builds(lambda one: f"{model}.{'id' if model == 'Job' else 'job_id'}.in_(select(Job.id).where({one}))",
                      conditions("Job") if model == "Step" else inner),
        ),
        max_leaves=3,
    )  # fmt: skip


def _elsewhere(model: str) -> str:
    return "exists().where(Run.id == Job.run_id, Run.paused)" if model == "Job" else "Step.job_id < func.abs(limit)"


# --- statements -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hazard:
    """Lines of a function's body, which leave `result`."""

    lines: tuple[str, ...]


@st.composite
def writes(draw: st.DrawFn, wait: str = "") -> Hazard:
    """An UPDATE or DELETE of many rows in one of the layouts that people use."""
    model = draw(st.sampled_from(("Job", "Step")))
    verb = draw(st.sampled_from(("update", "delete")))
    where = draw(st.lists(conditions(model), min_size=1, max_size=3))
    if draw(st.integers(0, 3)) == 0 and not wait:
        return Hazard(tuple(draw(_legacy(model, verb, where))))
    chain = [f"{verb}({model})", *_wheres(draw(st.booleans()), where)]
    if verb == "update":
        chain.append(f".values({draw(_values(model))})")
    if draw(st.booleans()):
        chain.append(".execution_options(synchronize_session=False)")
    return Hazard(tuple(draw(_executed(chain, wait))))


def _wheres(together: bool, where: list[str]) -> list[str]:
    return [f".where({', '.join(where)})"] if together else [f".where({item})" for item in where]


def _values(model: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        ('state="done"', f"rank={model}.rank + 1", "state=None, rank=limit", 'state="größe"  ,rank  =  0')
    )


@st.composite
def _legacy(draw: st.DrawFn, model: str, verb: str, where: list[str]) -> list[str]:
    method = draw(st.sampled_from(("filter", "where")))
    values = '{"state": "done"}, ' if verb == "update" else ""
    end = f".{verb}({values}synchronize_session=False)"
    chain = [f"session.query({model})", *(f".{method}({item})" for item in where), end]
    return draw(_laid_out("result = ", chain, ""))


@st.composite
def _executed(draw: st.DrawFn, chain: list[str], wait: str) -> list[str]:
    """The statement executed: in place, from a variable, or built step by step."""
    form = draw(st.sampled_from(("in place", "variable", "steps")))
    if form == "in place":
        return draw(_laid_out(f"result = {wait}session.execute(", chain, ").rowcount" if not wait else ")"))
    end = [f"result = {wait}session.execute(statement)" + (".rowcount" if not wait else "")]
    if form == "variable":
        return [*draw(_laid_out("statement = ", chain, "")), *end]
    steps = [f"statement = statement{link}" for link in chain[1:]]
    return [f"statement = {chain[0]}", *steps, *end]


@st.composite
def _laid_out(draw: st.DrawFn, before: str, chain: list[str], after: str) -> list[str]:
    """A chain of calls on one line, or on a line for each call, with comments or without."""
    layout = draw(st.sampled_from(("line", "lines", "noted", "backslashes")))
    if layout == "line":
        return [f"{before}{''.join(chain)}{after}"]
    if layout == "backslashes":
        return (
            [f"{before}{chain[0]}", *(f"    {link}" for link in chain[1:-1]), f"    {chain[-1]}{after}"]
            if before.endswith("(")
            else _continued([f"{before}{chain[0]}", *(f"    {link}" for link in chain[1:])])
        )
    opened = "" if before.endswith("(") else "("
    note = "  # für alle" if layout == "noted" else ""
    closed = ")" if opened else ""
    return [f"{before}{opened}", *(f"    {link}{note}" for link in chain), f"{closed}{after}"]


def _continued(lines: list[str]) -> list[str]:
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]


OTHERS = (
    ("rows = {wait}session.scalars(select(Job).where(Job.rank > limit).with_for_update())", "result = len(rows.all())"),
    ("job = {wait}session.get(Job, limit, with_for_update=True)", "result = job"),
    (
        "jobs = {wait}session.scalars(select(Job).options(joinedload(Job.run)).where(Job.state.in_(names)))",
        "for job in jobs.unique():",
        "    job.state = 'done'",
        "    {wait}session.flush()",
        "result = None",
    ),
    (
        "job = {wait}session.get(Job, limit)",
        "if job and job.state == 'queued':",
        "    job.state = 'running'",
        "result = 1",
    ),
    ("result = {wait}session.merge(Setting(name=names[0], value='x'))",),
    ("for name in names:", "    {wait}session.merge(Setting(name=name, value=None))", "result = 2"),
    (
        "found = {wait}session.get(Setting, names[0])",
        "if found is None:",
        "    found = Setting(name=names[0])",
        "    session.add(found)",
        "result = found",
    ),
    (
        "try:",
        "    session.add(Setting(name=names[0]))",
        "    {wait}session.flush()",
        "except IntegrityError:",
        "    pass",
        "result = ({wait}session.scalars(select(Setting))).all()",
    ),
    (
        "try:  # yes",
        "    {wait}session.execute(update(Job).where(Job.id == limit).values(rank=1))",
        "# those",
        "except (ValueError, SQLAlchemyError) as error:",
        "    print(error)",
        "result = ({wait}session.scalars(select(Setting))).all()",
    ),
    ("session.query(Job).with_for_update().filter(Job.rank > limit).update({{'rank': 1}})", "result = 0"),
    ("{wait}session.execute(select(Run.id).where(Run.id == limit).with_for_update(read=True))",
     "result = {wait}session.execute(update(Run).where(Run.id == limit).values(paused=True))"),
)  # fmt: skip
"""Other hazards, as templates of a function's body."""


# --- functions ------------------------------------------------------------------------------------------------------

FILLERS = (
    "numbers  =  [1,2 ,  3]   # stays  so",
    'text = f"{limit !r:>{4}}" "ä\\N{BULLET}"; other = 1 ;',
    "if limit: pass",
    "marks = {'a' :1,}  # noqa",
    "lambda *a, **k: (yield)",
    "assert names is not None , 'größe'",
    "def inner ( x = ( 1 ) ) : return  x",
    "class Local : kind = 'größe'",
    "with (Guard() ) : pass",
    "match limit:\n    case  1|2 : pass\n    case _ : pass",
    "while  False :\n    break\nelse :  pass",
)
WRAPPERS = (
    (),
    ("for _ in range( 1 ) :",),
    ("if  names :",),
    ("try :", "finally :\n    done  =  True"),
    ("try :", "except  KeyError :\n    result = None"),
    ("with  Guard() :",),
)
GUARD = "\n\nclass  Guard :\n    __enter__ = lambda self: self\n    def __exit__ ( self, *_ ) : return None\n"


@dataclass(frozen=True)
class Program:
    """`kept` are the pieces that stay as they are, in their order; `text` is the whole."""

    text: str
    kept: tuple[str, ...]
    is_async: bool


@st.composite
def programs(draw: st.DrawFn, hazards: st.SearchStrategy[Hazard] | None = None, *, waits: bool = True) -> Program:
    """A module: models, and one function `work(session, limit, names)` with a hazard between pieces that stay."""
    is_async = waits and draw(st.booleans())
    wait = "await " if is_async else ""
    hazard = draw(hazards if hazards is not None else st.one_of(writes(wait), _templates(wait)))
    fillers = [draw(st.sampled_from(FILLERS)) for _ in range(draw(st.integers(1, 3)))]
    wrapper = draw(st.sampled_from(WRAPPERS))
    level = 1 if wrapper else 0
    before = [_indented("\n".join(["result = None", *fillers, *wrapper[:1]]), 1)]
    after = [_indented(line, 1) for line in wrapper[1:]] + [_indented("return result", 1)]
    head = draw(st.sampled_from(("def  work( session, limit ,names ) :", "def work(session, limit, names=(), *rest):")))
    start = "\n".join([f"{'async ' if is_async else ''}{head}", *before]) + "\n"
    end = "\n" + "\n".join(after) + draw(st.sampled_from(("\n", "\n\n\n# the end\n", "")))
    body = _indented("\n".join(hazard.lines), level + 1)
    return Program(f"{HEAD}{GUARD}\n\n{start}{body}{end}", (GUARD, start, end), is_async)


def _templates(wait: str) -> st.SearchStrategy[Hazard]:
    return st.sampled_from(OTHERS).map(lambda lines: Hazard(tuple(line.format(wait=wait) for line in lines)))


def _indented(text: str, level: int) -> str:
    return "\n".join("    " * level + line if line else line for line in text.split("\n"))


# --- how a file is written ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spelling:
    """Line ends, indentation and byte order mark of a file."""

    newline: str
    indent: str
    mark: bool

    def of(self, text: str) -> str:
        lines = [self._line(line) for line in text.split("\n")]
        return self.newline.join(lines)

    def encoded(self, text: str) -> bytes:
        return self.of(text).encode("utf-8-sig" if self.mark else "utf-8")

    def _line(self, line: str) -> str:
        depth = (len(line) - len(line.lstrip(" "))) // 4
        return self.indent * depth + line[4 * depth :]


spellings = st.builds(Spelling, st.sampled_from(("\n", "\r\n")), st.sampled_from(("    ", "  ", "\t")), st.booleans())
