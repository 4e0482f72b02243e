"""Turns fix plans into edits, by libcst."""
