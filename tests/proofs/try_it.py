import sys, time, tempfile, pathlib, importlib, pkgutil, os
import sqlalchemy as sa
from tests.proofs import rules, runs
from tests.proofs.scenario import TITLES
from tests.proofs.sources import sources
from tests import mariadb_server, postgresql_server, errors
from tests.interleaving import Stage
import uuid
want=[a for a in sys.argv[1:] if not a.startswith("-")]
dbs=[a[1:] for a in sys.argv[1:] if a.startswith("-") and a!="-v"] or list(TITLES)
import contextlib
with contextlib.ExitStack() as st:
    pg=st.enter_context(postgresql_server.postgresql(postgresql_server.programs())) if "postgresql" in dbs else None
    my=st.enter_context(mariadb_server.mariadb()) if "mariadb" in dbs else None
    T=time.time()
    for info in pkgutil.iter_modules(rules.__path__):
        mod=importlib.import_module(f"tests.proofs.rules.{info.name}")
        for s in mod.SCENARIOS:
            if want and not any(w in s.name for w in want): continue
            for db in dbs:
                if db=="postgresql":
                    e=pg.engine("x")
                    with pg.engine().begin() as c: c.execute(sa.text("drop schema if exists x cascade")); c.execute(sa.text("create schema x"))
                elif db=="mariadb":
                    with my.engine().begin() as c: c.execute(sa.text("drop database if exists x")); c.execute(sa.text("create database x"))
                    e=my.engine("x")
                else:
                    e=__import__("tests.databases").databases.sqlite_engine(pathlib.Path(tempfile.mkdtemp())/"t.db")
                if s.impatient: runs.hurry(e)
                root=pathlib.Path(tempfile.mkdtemp())
                src=sources(s, db, root)
                t=time.time()
                line=[s.name, db, src.word]
                for kind in ("bad","cure","own"):
                    text=getattr(src,kind)
                    if text is None: line.append(f"{kind}=-"); continue
                    try:
                        want_=(db in {"bad":s.before,"cure":s.after,"own":s.own}[kind])*8
                        n=runs.shown(s,text,e,db)
                        line.append(f"{kind}={n}"+("" if n==want_ else " !!!"))
                        if "-v" in sys.argv or n!=want_:
                            with runs._tables(s,text,e,db) as m:
                                ev=runs.play(s,m,text,e)
                                print(kind,"errors",ev.outcome.errors,"failed",ev.outcome.failed,"values",ev.outcome.values)
                                if "-v" in sys.argv: print(ev.outcome.sent, ev.rows)
                    except BaseException as x:
                        import traceback; traceback.print_exc(limit=-4)
                        line.append(f"{kind}: {type(x).__name__} {str(x)[:200]}")
                if db in s.alone_on:
                    try:
                        rowsets=[runs.alone(s,getattr(src,k),e,db) for k in ("bad","cure","own") if getattr(src,k)]
                        ok=all(r==rowsets[0] for r in rowsets)
                        line.append("alone ok" if ok else f"ALONE DIFFERS {rowsets}")
                    except BaseException as x:
                        import traceback; traceback.print_exc(limit=-4)
                        line.append(f"alone {type(x).__name__} {str(x)[:300]}")
                e.dispose()
                print(*line, f"{time.time()-t:.2f}s", flush=True)
    print("total",time.time()-T)
