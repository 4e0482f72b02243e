"""Steps of statements: each case is a function body, `---`, and the steps that it becomes."""

from __future__ import annotations

import sys

import pytest

from tests.reading_dump import dump_source


def steps(body: str) -> str:
    """What the body of `async def f(p, q)` becomes."""
    return dump_source("async def f(p, q):\n" + "".join(f"    {line}\n" for line in body.strip().split("\n")))


def cases(text: str) -> list[tuple[str, str]]:
    pairs = [case.strip().split("\n---\n") for case in text.split("\n===\n")]
    return [(body, expected) for body, expected in pairs]


@pytest.mark.parametrize(
    "body",
    ["pass", "'doc'", "...", "x = p", "x: int", "x = y = p.a", "import os", "global z", "del p", "1"],
)
def test_nothing_happens(body: str) -> None:
    assert steps(body) == ""


SIMPLE_STATEMENTS = """
p.lazy
---
%p.lazy
===
x = g()
---
g()!0
===
x = y = g()
return x, y
---
g()!0
return (g()!0, g()!0)
===
x: int = g()
---
g()!0
===
x = await p.run(g())
---
%p.run(g()!1)!0
===
x = 1
x += q
return x
---
return (1 + %q)
===
x += g()
return x
---
(x + g()!0)
return (x + g()!0)
===
p |= {1}
return p
---
return (%p | {1})
===
p.a = q
---
%p.a = %q !0
===
p.a = p.b = g()
---
g()!0
%p.a = g()!0 !0
%p.b = g()!0 !1
===
p.a += g()
---
(%p.a + g()!0)
%p.a = (%p.a + g()!0) !0
===
p.a: int = 3
---
%p.a = 3 !0
===
p.a, x = q
---
%p.a = item0(%q) !0
===
g(1).a = h(2)
---
h(2)!1
g(1)!0.a = h(2)!1 !0
===
p.x[1] = q
---
%p.x[1] = %q
===
p[g()] += 1
---
%p[g()!0] = (%p[g()!0] + 1)
===
del p.a[g()], q.b
---
%p.a[g()!0]
===
assert p, g()
---
assert %p
===
raise
---
raise
===
raise p from g()
---
g()!0
raise %p
===
return
---
return
===
return g()
h()
---
return g()!0
"""


@pytest.mark.parametrize(("body", "expected"), cases(SIMPLE_STATEMENTS))
def test_simple_statements(body: str, expected: str) -> None:
    assert steps(body) == expected


UNPACKING = """
a, b = p
return a, b
---
return (item0(%p), item1(%p))
===
[a, b] = p
return a, b
---
return (item0(%p), item1(%p))
===
(a, (b, *c)), d = p
return a, b, c, d
---
return (item0(item0(%p)), item0(item1(item0(%p))), item-1(item1(item0(%p))), item1(%p))
===
a, *b, c = p
return a, b, c
---
return (item0(%p), item-1(%p), each(%p))
===
a, b = q, p
return a, b
---
return (%q, %p)
===
p, q = q, p
return p, q
---
return (%q, %p)
===
a, b = [q, *p]
return a, b
---
return (item0([%q, *%p]), item1([%q, *%p]))
===
a, b = {1, 2}
return a
---
return item0({1, 2})
"""


@pytest.mark.parametrize(("body", "expected"), cases(UNPACKING))
def test_unpacking(body: str, expected: str) -> None:
    assert steps(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        "p.add(q)\nreturn p",
        "x = p\nx.append(q)\nreturn x",
        "for x in p:\n    x.update(q)\nreturn p",
        "with p as x:\n    x.add(q)\n    return x",
        "x = Session()\nx.add(q)\nreturn x",
        "x = (i for i in p)\nx.append(q)\nreturn x",
        "p[0] = q\nreturn p",
        "self.x.append(q)\nreturn p",
        "x = []\ny = x.append(q)\nreturn x",
    ],
)
def test_only_containers_made_here_grow(body: str) -> None:
    assert "grown" not in steps(body)


CONTAINERS_GROW = """
x = []
x.append(p)
return x
---
[].append(%p)!0
return grown([], %p)
===
x = set()
x.add(p)
return x
---
set()!0
set()!0.add(%p)!1
return grown(set()!0, %p)
===
x = collections.deque()
x.appendleft(p)
return x
---
collections.deque()!0
collections.deque()!0.appendleft(%p)!1
return grown(collections.deque()!0, %p)
===
x = [i for i in p]
x.insert(0, q)
return x
---
list<each(%p) for %p>.insert(0, %q)!0
return grown(list<each(%p) for %p>, %q)
===
x = []
x.extend(p)
return x
---
[].extend(%p)!0
return grown([], each(%p))
===
x = {}
x[p] = q
return x
---
return grown({}, %q)
===
x = {}
x[g()] = q
return x
---
g()!0
return grown({}, %q)
===
x = defaultdict(list)
x[p] += q
return x
---
defaultdict(list)!0
return grown(defaultdict(list)!0, (defaultdict(list)!0[%p] + %q))
===
x, y = [], set()
x.append(p)
return x
---
([], set()!0)
[].append(%p)!1
return grown([], %p)
===
x = []
x.append()
x.append(*p)
return x
---
[].append()!0
[].append(*%p)!1
return []
===
x = [] if p else [1]
x.append(q)
return x
---
([] if %p else [1]).append(%q)!0
return ([] if %p else [1])
===
if p:
    x = []
else:
    x = [1]
x.append(q)
return x
---
if %p:
one([] | [1]).append(%q)!0
return grown(one([] | [1]), %q)
===
x = [p]
x |= q
x.append(1)
return x
---
([%p] | %q).append(1)!0
return grown(([%p] | %q), 1)
"""


@pytest.mark.parametrize(("body", "expected"), cases(CONTAINERS_GROW))
def test_containers_grow(body: str, expected: str) -> None:
    assert steps(body) == expected


BRANCHES = """
if p:
    x = 1
else:
    x = 1
return x
---
if %p:
return 1
===
if p:
    x = 1
else:
    x = 2
return x
---
if %p:
return one(1 | 2)
===
x = 0
if p:
    x = 1
return x
---
if %p:
return one(1 | 0)
===
x = 0
if p:
    x = 1
    return
return x
---
if %p:
  return
return 0
===
x = 0
if p:
    x = 1
else:
    raise
return x
---
if %p:
else:
  raise
return 1
===
if p:
    x = 1
return x
---
if %p:
return 1
===
if p: g()
elif q: h()
else: i()
---
if %p:
  g()!0
else:
  if %q:
    h()!1
  else:
    i()!2
===
x = 0
if p: x = 1
elif q: x = 2
return x
---
if %p:
else:
  if %q:
return one(1 | 2 | 0)
===
if (x := g()) and p:
    return x
return x
---
if (g()!0 and %p):
  return g()!0
return g()!0
===
if p:
    return 1
else:
    return 2
lost()
---
if %p:
  return 1
else:
  return 2
"""


@pytest.mark.parametrize(("body", "expected"), cases(BRANCHES))
def test_branches(body: str, expected: str) -> None:
    assert steps(body) == expected


MATCH = """
match p:
    case 1:
        g()
    case _:
        h()
---
if unknown(%p):
  g()!0
else:
  h()!1
===
match g():
    case x:
        h(x)
---
g()!0
h(g()!0)!1
===
match p:
    case [x, *y]:
        return x
return x
---
if unknown(%p):
  return unknown(%p)
return x
===
match p:
    case {'k': x, **y} if g(x):
        h(y)
---
if unknown(%p, g(unknown(%p))!0):
  h(unknown(%p))!1
===
match p:
    case A(x, k=y) | B(x, y) as z:
        h(x, y, z)
---
if unknown(%p):
  h(unknown(%p), unknown(%p), %p)!0
===
x = 0
match p:
    case 1:
        x = 1
    case 2:
        x = 2
return x
---
if unknown(%p):
else:
  if unknown(%p):
return one(1 | 2 | 0)
"""


@pytest.mark.parametrize(("body", "expected"), cases(MATCH))
def test_match(body: str, expected: str) -> None:
    assert steps(body) == expected


LOOPS = """
for x in p:
    g(x)
return x
---
for !0 %p:
  g(each(%p))!0
return each(%p)
===
for a, (b, c) in p:
    g(a, b, c)
---
for !0 %p:
  g(item0(each(%p)), item0(item1(each(%p))), item1(item1(each(%p))))!0
===
async for x in p.run():
    x.a = 1
---
for !0 %p.run()!0:
  each(%p.run()!0).a = 1 !0
===
for p.a in q: pass
---
for !0 %q:
  %p.a = each(%q) !0
===
x = 0
for i in p:
    g(x)
    x = i
return x
---
for !0 %p:
  g(one(0 | each(%p)))!0
return one(0 | each(%p))
===
x = 0
for i in p:
    x = x + i
return x
---
for !0 %p:
return one(0 | (^ + each(%p)))
===
for i in p:
    if q:
        g(x)
    x = i
---
for !0 %p:
  if %q:
    g(one(each(%p)))!0
===
x = 0
for i in p:
    if i:
        x = 1
        continue
    x = 2
return x
---
for !0 %p:
  if each(%p):
    continue
return one(0 | 1 | 2)
===
x = 0
for i in p:
    if i:
        x = 1
        break
return x
---
for !0 %p:
  if each(%p):
    break
return one(0 | 1)
===
for i in p:
    if i:
        x = 1
        break
else:
    x = 2
return x
---
for !0 %p:
  if each(%p):
    break
return one(2 | 1)
===
for i in p:
    if i: break
else:
    g()
---
for !0 %p:
  if each(%p):
    break
else:
  g()!0
===
while (x := g()) is not None:
    h(x)
return x
---
while !0 <g()!0 is not None>!0:
  h(g()!0)!1
return g()!0
===
x = p
while x:
    x = x.next
return x
---
while !0 one(%p | ^.next):
return one(%p | ^.next)
===
while True:
    g()
lost()
---
while !0 True:
  g()!0
===
while True:
    x = g()
    if x: break
return x
---
while !0 True:
  g()!0
  if g()!0:
    break
return g()!0
===
x = []
for i in p:
    x.append(i)
return x
---
for !0 %p:
  one([] | grown(^, each(%p))).append(each(%p))!0
return one([] | grown(^, each(%p)))
===
x = {}
for i in p:
    x[i.k] = i
return x
---
for !0 %p:
return one({} | grown(^, each(%p)))
===
for i in p:
    for j in i.all:
        g(j)
    else:
        continue
    break
---
for !0 %p:
  for !1 each(%p).all:
    g(each(each(%p).all))!0
  else:
    continue
===
for i in p:
    return i
return q
---
for !0 %p:
  return each(%p)
return %q
===
for i in p:
    q.add(i)
return q
---
for !0 %p:
  %q.add(each(%p))!0
return %q
===
for i in p:
    if i: q = q
    g(q)
---
for !0 %p:
  if each(%p):
  g(%q)!0
"""


@pytest.mark.parametrize(("body", "expected"), cases(LOOPS))
def test_loops(body: str, expected: str) -> None:
    assert steps(body) == expected


WITH = """
with p: g()
---
with !0 %p:
  g()!0
===
with p as a, a.b() as (b, c): g(b, c)
---
with !0 %p, entered(%p).b()!0:
  g(item0(entered(entered(%p).b()!0)), item1(entered(entered(%p).b()!0)))!1
===
async with (p as a, q): return a
---
with !0 %p, %q:
  return entered(%p)
===
with p as q.a: pass
---
with !0 %p:
  %q.a = entered(%p) !0
===
with suppress(E):
    return g()
---
with !0 suppress(E)!0:
  return g()!1
===
x = 0
with p:
    x = 1
    return x
return x
---
with !0 %p:
  return 1
return one(0 | 1)
===
if q:
    with p:
        x = 1
        return x
else:
    x = 2
return x
---
if %q:
  with !0 %p:
    return 1
return 2
===
if q:
    with contextlib.suppress(E):
        x = 1
        raise E
else:
    x = 2
return x
---
if %q:
  with !0 contextlib.suppress(E)!0:
    raise E
return one(1 | 2)
"""


@pytest.mark.parametrize(("body", "expected"), cases(WITH))
def test_with(body: str, expected: str) -> None:
    assert steps(body) == expected


TRY = """
try: g()
except: pass
---
try:
  g()!0
except !0:
===
try: g()
except E: h()
---
try:
  g()!0
except !0 E:
  h()!1
===
try: g()
except (A, b.C) as e: h(e)
return e
---
try:
  g()!0
except !0 A, b.C:
  h(caught(A, b.C))!1
return e
===
try: g()
except (A, *p): pass
---
try:
  g()!0
except !0 (A, *%p):
===
x = 0
try:
    x = g()
    x = h(x)
except E:
    return x
return x
---
try:
  g()!0
  h(g()!0)!1
except !0 E:
  return one(0 | g()!0 | h(g()!0)!1)
return h(g()!0)!1
===
try:
    x = g()
except E:
    x = 0
return x
---
try:
  g()!0
except !0 E:
return one(g()!0 | 0)
===
try:
    x = g()
except A: raise
except B: x = 1
else:
    x = 2
return x
---
try:
  g()!0
except !0 A:
  raise
except !1 B:
return one(2 | 1)
===
x = p
try:
    x = g()
finally:
    x.close()
return x
---
try:
  g()!0
finally:
  one(%p | g()!0).close()!1
return g()!0
===
x = 0
try:
    g()
finally:
    x = 1
return x
---
try:
  g()!0
return 1
===
try:
    return g()
finally:
    h()
lost()
---
try:
  return g()!0
finally:
  h()!1
===
try:
    with p:
        raise E
except E:
    pass
else:
    g()
---
try:
  with !0 %p:
    raise E
except !0 E:
else:
  g()!0
===
try:
    x = 1
finally:
    del x
return x
---
try:
return x
===
try:
    g()
except E:
    pass
finally:
    return p
lost()
---
try:
  g()!0
except !0 E:
finally:
  return %p
===
for i in p:
    try:
        x = g(i)
    except E:
        continue
    h(x)
---
for !0 %p:
  try:
    g(each(%p))!0
  except !0 E:
    continue
  h(g(each(%p))!0)!1
"""


@pytest.mark.parametrize(("body", "expected"), cases(TRY))
def test_try(body: str, expected: str) -> None:
    assert steps(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("global z\nz = g()\nz += 1\nreturn z", "g()!0\nreturn z"),
        ("def i():\n    nonlocal p\n    p = 1\n    return p\nreturn p", "return %p"),
        ("for i in p:\n    global z\n    g(z)\n    z = i", "for !0 %p:\n  g(z)!0"),
    ],
)
def test_names_of_other_scopes_stay_names(body: str, expected: str) -> None:
    assert steps(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("try:\n    import a.b as c\nexcept E:\n    c = None\nreturn c", "try:\nexcept !0 E:\nreturn one(c | None)"),
        ("x = 1\nfrom m import y as x\nreturn x", "return x"),
        ("import a.b\nreturn a.c", "return a.c"),
    ],
)
def test_imports_are_names(body: str, expected: str) -> None:
    assert steps(body) == expected


@pytest.mark.skipif(sys.version_info < (3, 11), reason="`except*` came with 3.11")
def test_handlers_of_exception_groups() -> None:
    assert steps("try: g()\nexcept* A as e: raise e") == "try:\n  g()!0\nexcept !0 A:\n  raise caught(A)"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="`type` statements came with 3.12")
def test_type_statements_bind_an_unknown() -> None:
    assert steps("type X[T: int] = list[T]\nreturn X") == "return unknown()"


def test_a_long_chain_of_elif_does_not_nest_calls() -> None:
    chain = "".join(f"elif p == {i}:\n    x = {i}\n" for i in range(1, 100))
    text = steps(f"if p == 0:\n    x = 0\n{chain}return x")
    assert text.endswith("\nreturn one(" + " | ".join(map(str, range(100))) + ")")
