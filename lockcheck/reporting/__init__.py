"""Prints findings."""
