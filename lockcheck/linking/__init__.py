"""Joins the facts of all files: calls, statements, transactions, row locks."""
