"""Reads a function body, by libcst visitors, into facts."""
