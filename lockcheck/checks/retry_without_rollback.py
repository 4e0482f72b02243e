from __future__ import annotations
CODE = "LCK405"
def check(project): return iter(())
