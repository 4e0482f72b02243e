"""Prints findings: one function per format, from a report to lines."""
