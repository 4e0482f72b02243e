"""Fixes tried on public projects by their own tests; see ../fixes_on_projects.py."""
