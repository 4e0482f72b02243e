"""Tests of lockcheck."""
